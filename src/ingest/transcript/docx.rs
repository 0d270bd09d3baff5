//! Word documents: the text of `word/document.xml`, and tables that contain a transcript.
//!
//! Insertions are kept; deletions and moved-away text are dropped. Headers, footers, comments,
//! footnotes, text boxes and list numbers are not speech and are left out.

use std::io::{Cursor, Read};

use quick_xml::Reader as Xml;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::Limits;
use super::tables::{Table, table_turns};
use super::turns::Stretch;
use crate::error::{Error, Result};
use crate::ingest::archive;
use crate::ingest::xml::{attribute, resolved};

/// Elements whose text is not speech, or is a duplicate.
const SKIPPED: &[&str] = &[
    "del",
    "moveFrom",
    "drawing",
    "pict",
    "object",
    "Fallback",
    "oMath",
    "instrText",
    "delText",
    "rPr",
    "tblPr",
    "tblGrid",
    "tcPr",
    "sectPr",
    "rubyPr",
    "rt",
    "footnoteReference",
];

/// The main part if the package names none.
const MAIN_PART: &str = "word/document.xml";

/// A document as plain text.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// One line per paragraph; one line per table row, with tabs between cells.
    pub(super) text: String,
    /// Turns of tables that contain a transcript.
    pub(super) turns: Vec<Stretch>,
}

/// Reads a DOCX file.
pub(super) fn read(bytes: &[u8], name: &str, limits: &Limits) -> Result<Document> {
    let failed = |reason: String| Error::Document {
        path: name.to_string(),
        reason,
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| failed(format!("a damaged ZIP file: {e}")))?;
    let twins = archive::has_twins(&mut Cursor::new(bytes), archive.len());
    if twins.map_err(|e| failed(e.to_string()))? {
        return Err(failed(archive::TWINS.into()));
    }
    let relations = part(&mut archive, "_rels/.rels", name, limits)?;
    let main = relations
        .and_then(|xml| main_part(&xml))
        .unwrap_or_else(|| MAIN_PART.into());
    let xml = part(&mut archive, &main, name, limits)?.ok_or_else(|| {
        failed(format!(
            "a ZIP file without {MAIN_PART}: not a Word document"
        ))
    })?;
    let xml = String::from_utf8(xml).map_err(|_| failed(format!("{main} is not UTF-8")))?;
    Builder::new(limits)
        .read(&xml)
        .map_err(|reason| failed(format!("{main}: {reason}")))
}

/// The unpacked bytes of a part; `None` if there is no part with that name.
fn part(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
    name: &str,
    limits: &Limits,
) -> Result<Option<Vec<u8>>> {
    let failed = |reason: String| Error::Document {
        path: name.to_string(),
        reason,
    };
    let file = match archive.by_name(part) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(e) => return Err(failed(format!("{part}: {e}"))),
    };
    // The declared size may be wrong, so unpacked bytes are counted.
    let mut unpacked = Vec::new();
    file.take(limits.max_bytes + 1)
        .read_to_end(&mut unpacked)
        .map_err(|e| failed(format!("{part}: {e}")))?;
    limits.check(unpacked.len() as u64, name)?;
    Ok(Some(unpacked))
}

/// The path of the main part, from the relations of the package.
fn main_part(relations: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(relations).ok()?;
    let mut xml = Xml::from_str(text);
    loop {
        match xml.read_event().ok()? {
            Event::Start(e) | Event::Empty(e) if names_main_part(&e) => {
                let target = attribute(&e, "Target")?;
                return Some(target.trim_start_matches('/').to_string());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn names_main_part(element: &BytesStart<'_>) -> bool {
    local(element) == "Relationship"
        && attribute(element, "Type").is_some_and(|t| t.ends_with("/officeDocument"))
}

fn local(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().to_string()
}

/// The enclosing element that determines the meaning of inner elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Other,
    /// `w:t`, which contains text.
    Text,
    /// `w:pPr`, where `w:del` means that the paragraph end is deleted.
    ParagraphMarks,
    /// `w:trPr`, where `w:del` means that the row is deleted.
    RowMarks,
}

/// Builds a document from XML events.
struct Builder<'a> {
    limits: &'a Limits,
    document: Document,
    /// Number of open elements.
    depth: usize,
    /// Depth of the element whose content is skipped.
    skipping: Option<usize>,
    inside: Inside,
    /// The paragraph end was deleted: the next paragraph continues this one.
    joins_next: bool,
    paragraph: String,
    tables: Vec<OpenTable>,
}

#[derive(Default)]
struct OpenTable {
    rows: Table,
    row: Vec<String>,
    /// Paragraphs of the open cell.
    cell: Vec<String>,
    row_is_deleted: bool,
}

impl<'a> Builder<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            document: Document::default(),
            depth: 0,
            skipping: None,
            inside: Inside::Other,
            joins_next: false,
            paragraph: String::new(),
            tables: Vec::new(),
        }
    }

    fn read(mut self, text: &str) -> Result<Document, String> {
        let mut xml = Xml::from_str(text);
        loop {
            let at = xml.buffer_position();
            let event = xml.read_event().map_err(|e| format!("at byte {at}: {e}"))?;
            match event {
                Event::Start(e) => {
                    self.depth += 1;
                    if self.depth > self.limits.max_depth {
                        return Err(format!(
                            "elements are nested deeper than {}",
                            self.limits.max_depth
                        ));
                    }
                    self.open(&local(&e));
                }
                Event::Empty(e) => self.single(&local(&e)),
                Event::End(e) => {
                    self.close(e.local_name().as_ref());
                    self.depth = self.depth.saturating_sub(1);
                }
                Event::Text(e) => self.words(&e.xml10_content()),
                Event::CData(e) => self.words(&e.xml10_content()),
                Event::GeneralRef(e) => {
                    let resolved = resolved(&e)
                        .ok_or_else(|| format!("at byte {at}: the entity &{};", &*e))?;
                    self.words(&resolved);
                }
                Event::DocType(_) => {
                    return Err("a document type declaration, which Word never writes".into());
                }
                Event::Eof if self.depth > 0 => return Err("it ends too early".into()),
                Event::Eof => return Ok(self.document),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn open(&mut self, element: &str) {
        if self.skipping.is_some() {
            return;
        }
        match element {
            "pPr" => self.inside = Inside::ParagraphMarks,
            "trPr" => self.inside = Inside::RowMarks,
            "del" if self.inside == Inside::RowMarks => self.mark_row_deleted(),
            "rPr" if self.inside == Inside::ParagraphMarks => {}
            _ if self.is_in_marks() => {
                self.single(element);
                self.skipping = Some(self.depth);
            }
            element if SKIPPED.contains(&element) => self.skipping = Some(self.depth),
            "t" => self.inside = Inside::Text,
            "tbl" => self.tables.push(OpenTable::default()),
            "p" => {}
            _ => self.single(element),
        }
    }

    /// An element without content.
    fn single(&mut self, element: &str) {
        if self.skipping.is_some() {
            return;
        }
        match element {
            "del" if self.inside == Inside::RowMarks => self.mark_row_deleted(),
            "del" | "moveFrom" if self.inside == Inside::ParagraphMarks => self.joins_next = true,
            _ if self.is_in_marks() => {}
            "tab" | "ptab" => self.paragraph.push('\t'),
            "br" | "cr" => self.paragraph.push('\n'),
            "noBreakHyphen" => self.paragraph.push('-'),
            "p" => self.end_paragraph(),
            _ => {}
        }
    }

    fn is_in_marks(&self) -> bool {
        matches!(self.inside, Inside::ParagraphMarks | Inside::RowMarks)
    }

    fn mark_row_deleted(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.row_is_deleted = true;
        }
    }

    fn words(&mut self, text: &str) {
        if self.inside == Inside::Text && self.skipping.is_none() {
            let clean = text.chars().filter(|c| !c.is_control() || *c == '\t');
            self.paragraph.extend(clean);
        }
    }

    fn close(&mut self, element: &str) {
        if let Some(depth) = self.skipping {
            if depth == self.depth {
                self.skipping = None;
            }
            return;
        }
        match element {
            "pPr" | "trPr" | "t" => self.inside = Inside::Other,
            "p" => self.end_paragraph(),
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    let cell = std::mem::take(&mut table.cell).join("\n");
                    table.row.push(cell.trim().to_string());
                }
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    let row = std::mem::take(&mut table.row);
                    if !std::mem::take(&mut table.row_is_deleted) {
                        table.rows.push(row);
                    }
                }
            }
            "tbl" => self.end_table(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        if std::mem::take(&mut self.joins_next) {
            return;
        }
        let paragraph = std::mem::take(&mut self.paragraph);
        if let Some(table) = self.tables.last_mut() {
            table.cell.push(paragraph);
        } else {
            self.document.text.push_str(paragraph.trim_end());
            self.document.text.push('\n');
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else {
            return;
        };
        if let Some(outer) = self.tables.last_mut() {
            // A table inside a cell is part of the text of that cell.
            let rows = table.rows.iter().map(|row| row.join("\t"));
            outer.cell.extend(rows);
            return;
        }
        let (text, turns) = table_turns(&table.rows);
        let offset = self.document.text.len();
        self.document.text.push_str(&text);
        self.document
            .turns
            .extend(turns.into_iter().map(|turn| Stretch {
                span: turn.span.start + offset..turn.span.end + offset,
                ..turn
            }));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn document(body: &str) -> Result<Document> {
        let xml = format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
        read(
            &packed(&[(MAIN_PART, xml.as_bytes())]),
            "f.docx",
            &Limits::default(),
        )
    }

    #[test]
    fn paragraphs_tabs_and_breaks_are_text_and_their_properties_are_not() {
        let found = document(
            "<w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">Sari: Apa </w:t><w:t>&amp; &#233;?</w:t></w:r></w:p>\
             <w:p/><w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>",
        );
        assert_eq!(found.unwrap().text, "Sari: Apa & é?\n\na\tb\nc\n");
    }

    #[test]
    fn insertions_are_kept_and_deletions_dropped() {
        let found = document(
            "<w:p><w:r><w:t>Air </w:t></w:r><w:ins><w:r><w:t>sangat </w:t></w:r></w:ins><w:del><w:r><w:delText>agak </w:delText></w:r></w:del><w:moveFrom><w:r><w:t>x</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>keruh</w:t></w:r></w:moveTo></w:p>\
             <w:p><w:pPr><w:rPr><w:del w:id=\"1\"/></w:rPr></w:pPr><w:r><w:t>satu </w:t></w:r></w:p><w:p><w:r><w:t>dua</w:t></w:r></w:p>\
             <w:tbl><w:tr><w:tc><w:p><w:r><w:t>ada</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:trPr><w:del w:id=\"2\"/></w:trPr><w:tc><w:p><w:r><w:t>hapus</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
        );
        assert_eq!(found.unwrap().text, "Air sangat keruh\nsatu dua\nada\n");
    }

    #[test]
    fn bombs_entities_and_depths_are_refused() {
        let small = Limits {
            max_bytes: 10_000,
            max_depth: 20,
        };
        let refused = |bytes: &[u8]| read(bytes, "f.docx", &small).err().unwrap();
        let bomb = packed(&[(MAIN_PART, &vec![b' '; 1 << 20])]);
        assert!(bomb.len() < 10_000);
        assert_eq!(refused(&bomb).code(), "K0221");
        for (xml, said) in [
            (
                "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_string(),
                "document type",
            ),
            ("<a>&b;</a>".to_string(), "entity"),
            ("<a>".repeat(30), "nested"),
            ("<a><b></a>".to_string(), "at byte"),
            ("<a>".to_string(), "too early"),
        ] {
            let error = refused(&packed(&[(MAIN_PART, xml.as_bytes())])).to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(
            refused(&packed(&[("x", b"x")]))
                .to_string()
                .contains("not a Word document")
        );
        assert!(
            refused(b"PK\x03\x04 broken")
                .to_string()
                .contains("damaged")
        );
    }

    #[test]
    fn the_main_part_is_the_one_that_the_package_names() {
        let relations = br#"<Relationships><Relationship Type="x/officeDocument" Target="/word/document2.xml"/></Relationships>"#;
        let xml = b"<w:p><w:r><w:t>ya</w:t></w:r></w:p>";
        let bytes = packed(&[("_rels/.rels", relations), ("word/document2.xml", xml)]);
        assert_eq!(read(&bytes, "f", &Limits::default()).unwrap().text, "ya\n");
    }

    /// Markup of documents, opened and closed in any order.
    fn markup() -> impl Strategy<Value = String> {
        let names = [
            "p", "r", "t", "tbl", "tr", "tc", "ins", "del", "pPr", "rPr", "trPr", "br", "tab",
        ];
        let element = (0..names.len(), 0..3u8).prop_map(move |(i, kind)| match kind {
            0 => format!("<w:{}>", names[i]),
            1 => format!("</w:{}>", names[i]),
            _ => format!("<w:{}/>", names[i]),
        });
        let nested =
            (0..names.len(), 0..names.len(), "\\PC{0,6}").prop_map(move |(i, j, words)| {
                let words = words.replace(['<', '&'], "");
                format!(
                    "<w:{a}><w:{b}>{words}</w:{b}></w:{a}>",
                    a = names[i],
                    b = names[j]
                )
            });
        prop_oneof![2 => element, 3 => nested, 1 => "\\PC{0,8}"]
    }

    proptest! {
        #[test]
        fn any_markup_is_read_or_refused(parts in proptest::collection::vec(markup(), 0..24)) {
            if let Ok(found) = Builder::new(&Limits::default()).read(&parts.concat()) {
                for turn in found.turns {
                    prop_assert!(found.text.get(turn.span).is_some());
                }
            }
        }
    }
}
