//! Reads ODS row by row.
//!
//! `calamine` holds all sheets of an ODS file at once, and a few bytes of ODS can represent
//! millions of cells. Therefore the content is read here as a stream (OASIS `OpenDocument` 1.2,
//! part 1, chapter 9).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{
    Archive, Building, Candidate, Counting, Filling, MAX_COLUMNS, Message, SheetRow, Sink,
    announcement, chosen, damaged, number_text,
};
use crate::error::Result;

/// Most rows of a sheet.
const MAX_ROWS: u64 = 1_048_576;

pub(super) fn read(
    archive: &mut Archive,
    name: &str,
    wanted: Option<&str>,
    sink: &Sink,
) -> Result<()> {
    if is_locked(archive) {
        return Err(damaged(name, &"it is locked with a password"));
    }
    let sheets = candidates(archive, name)?;
    let sheet = chosen(&sheets, name, wanted)?;
    let position = sheets.iter().position(|s| std::ptr::eq(s, sheet));
    if sink.send(announcement(&sheet.name, &sheets)) {
        send_rows(archive, name, position.unwrap_or(0), sink)?;
    }
    Ok(())
}

fn is_locked(archive: &mut Archive) -> bool {
    let mut manifest = String::new();
    let read = archive.by_name("META-INF/manifest.xml").map(|mut file| {
        // A manifest that can't be read does not tell whether the file is locked.
        let _ = file.read_to_string(&mut manifest);
    });
    read.is_ok() && manifest.contains("encryption-data")
}

/// The content as XML; empty elements appear as a start and an end.
fn content<'a>(archive: &'a mut Archive, name: &str) -> Result<Reader<impl BufRead + 'a>> {
    let file = archive.by_name("content.xml");
    let mut xml = Reader::from_reader(BufReader::new(file.map_err(|e| damaged(name, &e))?));
    xml.config_mut().expand_empty_elements = true;
    Ok(xml)
}

/// All sheets, and whether they have content.
fn candidates(archive: &mut Archive, name: &str) -> Result<Vec<Candidate>> {
    let mut xml = content(archive, name)?;
    let mut buffer = Vec::new();
    let mut style = String::new();
    let mut hidden = BTreeSet::new();
    let mut sheets: Vec<Candidate> = Vec::new();
    let (mut counting, mut row) = (Counting::default(), 0u32);
    let mut depth = 0;
    loop {
        buffer.clear();
        match xml
            .read_event_into(&mut buffer)
            .map_err(|e| damaged(name, &e))?
        {
            Event::Start(e) => match e.name().as_ref() {
                "style:style" => style = attribute(&e, "style:name").unwrap_or_default(),
                "style:table-properties"
                    if attribute(&e, "table:display").as_deref() == Some("false") =>
                {
                    hidden.insert(style.clone());
                }
                "table:table" => {
                    depth += 1;
                    if depth == 1 {
                        counting = Counting::default();
                        let of = attribute(&e, "table:style-name").unwrap_or_default();
                        sheets.push(Candidate {
                            name: attribute(&e, "table:name").unwrap_or_default(),
                            is_hidden: hidden.contains(&of),
                            filling: Filling::Nothing,
                        });
                    }
                }
                "table:table-row" => row = row.wrapping_add(1),
                "table:table-cell" if attribute(&e, "office:value-type").is_some() => {
                    if let Some(sheet) = sheets.last_mut() {
                        counting.is_table_with(row);
                        sheet.filling = counting.found();
                    }
                }
                _ => {}
            },
            Event::End(e) if e.name().as_ref() == "table:table" => depth -= 1,
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// Sends the rows of the sheet at `position`.
fn send_rows(archive: &mut Archive, name: &str, position: usize, sink: &Sink) -> Result<()> {
    let mut xml = content(archive, name)?;
    let mut buffer = Vec::new();
    let (mut depth, mut seen, mut number) = (0, 0, 1);
    loop {
        buffer.clear();
        match xml
            .read_event_into(&mut buffer)
            .map_err(|e| damaged(name, &e))?
        {
            Event::Start(e) if e.name().as_ref() == "table:table" => {
                depth += 1;
                seen += usize::from(depth == 1);
            }
            Event::End(e) if e.name().as_ref() == "table:table" => {
                depth -= 1;
                if depth == 0 && seen > position {
                    return Ok(());
                }
            }
            Event::Start(e)
                if e.name().as_ref() == "table:table-row" && depth == 1 && seen == position + 1 =>
            {
                let repeats = repeats(&e, "table:number-rows-repeated");
                let row = read_row(&mut xml, number, sink.keep).map_err(|e| damaged(name, &e))?;
                let last = (number + repeats).min(MAX_ROWS + 1);
                for number in number..if row.is_blank() { number } else { last } {
                    let copy = SheetRow {
                        number,
                        cells: row.row.cells.clone(),
                        bytes: row.row.bytes,
                    };
                    if !sink.send(Message::Row(copy)) {
                        return Ok(());
                    }
                }
                number = last;
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn read_row<R: BufRead>(
    xml: &mut Reader<R>,
    number: u64,
    keep: usize,
) -> Result<Building, quick_xml::Error> {
    let mut row = Building::new(number, keep);
    let mut buffer = Vec::new();
    let mut column = 0usize;
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer)? {
            Event::Start(e)
                if matches!(
                    e.name().as_ref(),
                    "table:table-cell" | "table:covered-table-cell"
                ) =>
            {
                let repeats = repeats(&e, "table:number-columns-repeated") as usize;
                let end = e.to_end().into_owned();
                let value = value(&e);
                let shown = shown(xml, end.name().as_ref())?;
                let text = value.unwrap_or(shown);
                let last = column.saturating_add(repeats).min(MAX_COLUMNS);
                if !text.is_empty() {
                    (column..last).for_each(|c| row.put(c, &text));
                }
                column = last;
            }
            Event::End(e) if e.name().as_ref() == "table:table-row" => return Ok(row),
            Event::Eof => return Ok(row),
            _ => {}
        }
    }
}

/// A cell's value, which differs from its display: numbers without format, dates in ISO 8601.
fn value(cell: &BytesStart<'_>) -> Option<String> {
    match attribute(cell, "office:value-type")?.as_str() {
        "float" | "currency" | "percentage" => {
            let value = attribute(cell, "office:value")?;
            Some(value.parse().map_or(value, number_text))
        }
        "date" => {
            let date = attribute(cell, "office:date-value")?;
            let date = date.trim_end_matches("T00:00:00");
            Some(date.replacen('T', " ", 1))
        }
        "time" => attribute(cell, "office:time-value").map(|t| clock(&t).unwrap_or(t)),
        "boolean" => attribute(cell, "office:boolean-value").map(|b| b.to_uppercase()),
        _ => None,
    }
}

/// `14:30:00` for `PT14H30M00S`.
fn clock(duration: &str) -> Option<String> {
    let (hours, rest) = duration.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split(['.', ',']).next()?;
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(str::parse::<u64>);
    Some(format!(
        "{:02}:{:02}:{:02}",
        hours.ok()?,
        minutes.ok()?,
        seconds.ok()?
    ))
}

/// The text that a cell shows, up to its end: one line per paragraph, no notes, no drawings.
fn shown<R: BufRead>(xml: &mut Reader<R>, cell: &str) -> Result<String, quick_xml::Error> {
    let mut text = String::new();
    let mut buffer = Vec::new();
    let (mut paragraphs, mut in_paragraph) = (0, false);
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer)? {
            Event::Start(e) => match e.name().as_ref() {
                "text:p" | "text:h" => {
                    if paragraphs > 0 {
                        text.push('\n');
                    }
                    paragraphs += 1;
                    in_paragraph = true;
                }
                "text:s" => (0..repeats(&e, "text:c").min(1000)).for_each(|_| text.push(' ')),
                "text:tab" => text.push('\t'),
                "text:line-break" => text.push('\n'),
                name if name == "office:annotation"
                    || name == "table:table"
                    || name.starts_with("draw:") =>
                {
                    let end = e.to_end().into_owned();
                    xml.read_to_end_into(end.name(), &mut Vec::new())?;
                }
                _ => {}
            },
            Event::Text(t) if in_paragraph => text.push_str(&t.xml10_content()),
            Event::CData(t) if in_paragraph => text.push_str(&t.xml10_content()),
            Event::GeneralRef(entity) if in_paragraph => push_entity(&entity, &mut text)?,
            Event::End(e) if matches!(e.name().as_ref(), "text:p" | "text:h") => {
                in_paragraph = false;
            }
            Event::End(e) if e.name().as_ref() == cell => return Ok(text),
            Event::Eof => return Ok(text),
            _ => {}
        }
    }
}

/// A predefined XML entity or a character reference. Other entities, which only a DTD could
/// define, are left as written.
fn push_entity(entity: &BytesRef<'_>, text: &mut String) -> Result<(), quick_xml::Error> {
    if let Some(c) = entity.resolve_char_ref()? {
        text.push(c);
    } else if let Some(known) = resolve_predefined_entity(entity) {
        text.push_str(known);
    } else {
        text.push('&');
        text.push_str(entity);
        text.push(';');
    }
    Ok(())
}

fn repeats(element: &BytesStart<'_>, name: &str) -> u64 {
    let value = attribute(element, name).and_then(|v| v.parse().ok());
    value.unwrap_or(1).min(MAX_ROWS)
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    Some(
        found
            .normalized_value(XmlVersion::Implicit1_0)
            .ok()?
            .into_owned(),
    )
}
