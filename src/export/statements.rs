//! One table of statements made from files of any format.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::json_object;
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::ingest::clean::statement_text;
use crate::ingest::{CODING, Format, Layout, Record, file_stem, write_cell};
use crate::language::identify;

/// Columns that every table of statements has; filled in where a file has none of that name.
const ID: &str = "id";
const SOURCE: &str = "source";
const TEXT: &str = "text";
const LANGUAGE: &str = "lang";
/// The text that a statement is cut from, where its column is called `text` too.
const WHOLE_TEXT: &str = "text_whole";

/// Writes the rows of several files under one header.
///
/// The columns are those of all files, in the order they are met; the statement stands under
/// `text` whatever its column is called in the file.
pub struct StatementRows {
    columns: Vec<String>,
    format: Format,
    files: Vec<File>,
    codes: Option<WrittenCodes>,
    /// Whether the statements are written as a model reads them.
    cleaned: bool,
}

/// Codes that people wrote beside statements, as columns of their own.
struct WrittenCodes {
    codebook: Codebook,
    /// The column of each variable.
    columns: Vec<usize>,
}

struct File {
    name: String,
    layout: Layout,
    /// For each column of the table the column of the file.
    columns: Vec<Option<usize>>,
}

impl StatementRows {
    /// Rows of the files with these names and layouts, written as `format`.
    pub fn new(files: &[(String, Layout)], format: Format) -> Self {
        let mut columns: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for name in files.iter().flat_map(|(_, layout)| names(layout)) {
            if seen.insert(name.clone()) {
                columns.push(name);
            }
        }
        if !columns.iter().any(|c| c == ID) {
            columns.insert(0, ID.into());
        }
        if !columns.iter().any(|c| c == SOURCE) {
            columns.insert(1, SOURCE.into());
        }
        if !columns.iter().any(|c| c == LANGUAGE || c == "language") {
            columns.push(LANGUAGE.into());
        }
        let file = |(name, layout): &(String, Layout)| {
            let own = names(layout).into_iter().enumerate();
            let own: BTreeMap<String, usize> = own.map(|(i, name)| (name, i)).collect();
            let position = |column: &String| own.get(column).copied();
            File {
                name: name.clone(),
                columns: columns.iter().map(position).collect(),
                layout: layout.clone(),
            }
        };
        Self {
            files: files.iter().map(file).collect(),
            columns,
            format,
            codes: None,
            cleaned: false,
        }
    }

    /// The same with the statements as a model reads them (see [`statement_text`]).
    #[must_use]
    pub fn cleaned(mut self) -> Self {
        self.cleaned = true;
        self
    }

    /// Adds a column for each variable of a codebook, with the code that the statement's column
    /// `coding` names. Fails where a file has a column of that name.
    pub fn with_codes(mut self, codebook: Codebook) -> Result<Self> {
        let mut columns = Vec::new();
        for variable in &codebook.variables {
            if self.columns.contains(&variable.id) {
                let having = |file: &&File| names(&file.layout).contains(&variable.id);
                let path = self.files.iter().find(having);
                return Err(Error::ColumnTaken {
                    path: path.map_or(String::new(), |file| file.name.clone()),
                    name: variable.id.clone(),
                });
            }
            columns.push(self.columns.len());
            self.columns.push(variable.id.clone());
            for file in &mut self.files {
                file.columns.push(None);
            }
        }
        self.codes = Some(WrittenCodes { codebook, columns });
        Ok(self)
    }

    /// The header line, with its line end; nothing for JSON lines.
    pub fn header(&self) -> Vec<u8> {
        match self.format {
            Format::Delimited(delimiter) => line(&self.columns, delimiter),
            _ => Vec::new(),
        }
    }

    /// A record of the file at position `file`, with its line end.
    pub fn row(&self, file: usize, record: &Record) -> Vec<u8> {
        let file = &self.files[file];
        let mut cells: Vec<String> = Vec::with_capacity(self.columns.len());
        // Statements cut from one row have its id and their number.
        let part = file.layout.unit_number(record).map(String::from);
        for (column, position) in self.columns.iter().zip(&file.columns) {
            let cell = position.map_or(String::new(), |p| record.cell(p).into_owned());
            cells.push(match column.as_str() {
                ID => {
                    let id = match position {
                        Some(_) => cell,
                        None => format!("{}:{:04}", file_stem(&file.name), record.line),
                    };
                    part.as_ref()
                        .map_or(id.clone(), |part| format!("{id}.{part}"))
                }
                SOURCE if position.is_none() => file.name.clone(),
                TEXT if self.cleaned => statement_text(&record.text).into_text().into_owned(),
                TEXT => record.text.clone(),
                LANGUAGE if position.is_none() => {
                    identify(&record.text).map_or(String::new(), |l| l.as_str().to_string())
                }
                _ => cell,
            });
        }
        if let Some(codes) = &self.codes
            && let Some(coding) = self.columns.iter().position(|c| c == CODING)
        {
            codes.fill(&mut cells, coding);
        }
        if let Format::Delimited(delimiter) = self.format {
            line(&cells, delimiter)
        } else {
            let mut object = json_object(&self.columns, &cells);
            object.push(b'\n');
            object
        }
    }
}

impl WrittenCodes {
    fn fill(&self, cells: &mut [String], coding: usize) {
        let named = self.codebook.codes_named(&cells[coding]);
        let variables = self.codebook.variables.iter().zip(named);
        for ((variable, code), column) in variables.zip(&self.columns) {
            if let Some(code) = code {
                cells[*column].clone_from(&variable.codes[code].id);
            }
        }
    }
}

/// The columns of a file, that of the statement called `text`.
fn names(layout: &Layout) -> Vec<String> {
    let name = |(i, column): (usize, &String)| {
        let column = match column.as_str() {
            _ if i == layout.text => TEXT,
            TEXT => WHOLE_TEXT,
            column => column,
        };
        column.to_string()
    };
    layout.columns.iter().enumerate().map(name).collect()
}

fn line(cells: &[String], delimiter: u8) -> Vec<u8> {
    let mut line = Vec::new();
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            line.push(delimiter);
        }
        write_cell(&mut line, cell, delimiter);
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{ReadOptions, Reader};

    fn reader(text: &'static str, name: &str, format: Format) -> Reader {
        let options = ReadOptions {
            format: Some(format),
            ..ReadOptions::default()
        };
        Reader::from_stream(Box::new(text.as_bytes()), name, &options).unwrap()
    }

    #[test]
    fn statements_cut_from_a_row_have_ids_of_their_own() {
        let options = ReadOptions {
            unit: Some(crate::ingest::UnitKind::Statement),
            ..ReadOptions::default()
        };
        let text = "id,text\na,Air mati. Kapan nyala?\n";
        let mut reader = Reader::from_stream(Box::new(text.as_bytes()), "f", &options).unwrap();
        let files = [("f".to_string(), reader.layout().clone())];
        let rows = StatementRows::new(&files, Format::CSV);
        let mut table = String::from_utf8(rows.header()).unwrap();
        while let Some(row) = reader.next_row().unwrap() {
            table += &String::from_utf8(rows.row(0, &row.unwrap())).unwrap();
        }
        assert_eq!(
            table,
            "id,source,text_whole,unit,unit_start,unit_end,text,lang\n\
             a.1,f,Air mati. Kapan nyala?,1,0,9,Air mati.,id\n\
             a.2,f,Air mati. Kapan nyala?,2,10,22,Kapan nyala?,id\n"
        );
    }

    #[test]
    fn statements_are_written_as_a_model_reads_them() {
        let mut reader = reader(
            "id,text\na,\"<p>Halo min,<br>air mati</p>\"\n",
            "f",
            Format::CSV,
        );
        let files = [("f".to_string(), reader.layout().clone())];
        let rows = StatementRows::new(&files, Format::CSV).cleaned();
        let record = reader.next_row().unwrap().unwrap().unwrap();
        let row = String::from_utf8(rows.row(0, &record)).unwrap();
        assert_eq!(row, "a,f,air mati,id\n");
    }

    #[test]
    fn files_of_several_layouts_share_one_table() {
        let mut readers = [
            reader("no,keluhan\n7,\"Air, mati\"\n", "feed.csv", Format::CSV),
            reader(
                "{\"id\":\"x\",\"text\":\"Jalan rusak\"}\n",
                "feed.jsonl",
                Format::Jsonl,
            ),
        ];
        let files: Vec<_> = readers
            .iter()
            .map(|r| (r.name().to_string(), r.layout().clone()))
            .collect();
        let rows = StatementRows::new(&files, Format::CSV);
        let mut table = String::from_utf8(rows.header()).unwrap();
        for (i, reader) in readers.iter_mut().enumerate() {
            let record = reader.next_row().unwrap().unwrap().unwrap();
            table += &String::from_utf8(rows.row(i, &record)).unwrap();
        }
        assert_eq!(
            table,
            "no,source,text,id,lang\n7,feed.csv,\"Air, mati\",feed:0002,id\n,feed.jsonl,Jalan rusak,x,id\n"
        );
    }
}
