//! Reads XLSX with `calamine`, cell by cell.

use std::fs::File;
use std::io::BufReader;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx};

use super::{
    Building, Candidate, Counting, Filling, Message, Sink, announcement, chosen, damaged,
    number_text,
};
use crate::error::Result;

type Book = Xlsx<BufReader<File>>;

pub(super) fn read(
    file: BufReader<File>,
    name: &str,
    wanted: Option<&str>,
    sink: &Sink,
) -> Result<()> {
    let mut book = Book::new(file).map_err(|e| damaged(name, &e))?;
    let sheets: Vec<_> = book
        .sheets_metadata()
        .iter()
        .filter(|s| s.typ == SheetType::WorkSheet)
        .map(|s| (s.name.clone(), s.visible != SheetVisible::Visible))
        .collect();
    let sheets: Vec<Candidate> = sheets
        .into_iter()
        .map(|(name, is_hidden)| Candidate {
            filling: if wanted.is_none() {
                filling(&mut book, &name)
            } else {
                Filling::Nothing
            },
            name,
            is_hidden,
        })
        .collect();
    let sheet = chosen(&sheets, name, wanted)?;
    if sink.send(announcement(&sheet.name, &sheets)) {
        send_rows(&mut book, &sheet.name, name, sink)?;
    }
    Ok(())
}

/// What a sheet holds among its first rows; nothing if it can't be read.
fn filling(book: &mut Book, sheet: &str) -> Filling {
    let Ok(mut cells) = book.worksheet_cells_reader(sheet) else {
        return Filling::Nothing;
    };
    let mut filling = Counting::default();
    while let Ok(Some(cell)) = cells.next_cell() {
        if !text(cell.get_value()).is_empty() && filling.is_table_with(cell.get_position().0) {
            break;
        }
    }
    filling.found()
}

fn send_rows(book: &mut Book, sheet: &str, name: &str, sink: &Sink) -> Result<()> {
    let cells = book.worksheet_cells_reader(sheet);
    let mut cells = cells.map_err(|e| damaged(name, &e))?;
    let mut row = Building::new(0, sink.keep);
    while let Some(cell) = cells.next_cell().map_err(|e| damaged(name, &e))? {
        let (number, column) = cell.get_position();
        let number = u64::from(number) + 1;
        if number < row.row.number {
            let last = row.row.number;
            let reason = format!("in sheet {sheet:?} row {number} comes after row {last}");
            return Err(damaged(name, &reason));
        }
        if number != row.row.number {
            let done = std::mem::replace(&mut row, Building::new(number, sink.keep));
            if !done.is_blank() && !sink.send(Message::Row(done.row)) {
                return Ok(());
            }
        }
        row.put(column as usize, &text(cell.get_value()));
    }
    if !row.is_blank() {
        sink.send(Message::Row(row.row));
    }
    Ok(())
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(x) => number_text(*x),
        DataRef::String(s) | DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => s.clone(),
        DataRef::SharedString(s) => (*s).to_string(),
        DataRef::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_string(),
        DataRef::DateTime(time) => time_text(time),
        DataRef::Error(error) => error.to_string(),
    }
}

/// `2026-03-12`, `2026-03-12 14:30:00` or `14:30:00`, depending on the number.
fn time_text(time: &ExcelDateTime) -> String {
    const DAY: f64 = 86_400.0;
    let value = time.as_f64();
    if time.is_duration() || (0.0..1.0).contains(&value) {
        let seconds = (value.abs() * DAY).round() as u64;
        let sign = if value < 0.0 { "-" } else { "" };
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        return format!("{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }
}
