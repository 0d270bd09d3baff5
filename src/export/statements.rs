//! One table of statements from files of any format.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Cell, Look, Row, TableFormat, TableHead, TableWriter};
use crate::codebook::Codebook;
use crate::error::{Error, Result, RowFault};
use crate::ingest::clean::statement_text;
use crate::ingest::{CODING, Layout, Record, file_stem};
use crate::language::identify;

/// The columns of every table of statements; filled in if a file does not have them.
const ID: &str = "id";
const SOURCE: &str = "source";
const TEXT: &str = "text";
const LANGUAGE: &str = "lang";
/// The text from which a statement was cut, if its column is also called `text`.
const WHOLE_TEXT: &str = "text_whole";

/// Writes the rows of several files under one header.
///
/// The columns are those of all files, in order of first occurrence. The statement is always in the
/// column `text`, whatever the name of its column in the file.
pub struct StatementRows {
    columns: Vec<String>,
    format: TableFormat,
    writer: Box<dyn TableWriter>,
    files: Vec<File>,
    codes: Option<WrittenCodes>,
    /// Whether the statements are written as a model reads them.
    cleaned: bool,
}

/// Codes that people wrote next to statements, in separate columns.
struct WrittenCodes {
    codebook: Codebook,
    /// The column of each variable.
    columns: Vec<usize>,
}

struct File {
    name: String,
    layout: Layout,
    /// For each column of the table the matching column of the file.
    columns: Vec<Option<usize>>,
}

impl StatementRows {
    /// Rows of the files with these names and layouts, in `format`.
    pub fn new(files: &[(String, Layout)], format: TableFormat) -> Self {
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
            writer: writer(format, &columns, files.iter().map(|(_, layout)| layout)),
            columns,
            format,
            codes: None,
            cleaned: false,
        }
    }

    /// Writes the statements as a model reads them (see [`statement_text`]).
    #[must_use]
    pub fn cleaned(mut self) -> Self {
        self.cleaned = true;
        self
    }

    /// Adds a column for each variable of a codebook, with the code from the statement's column
    /// `coding`. Fails if a file already has a column with this name.
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
        let layouts = self.files.iter().map(|file| &file.layout);
        self.writer = writer(self.format, &self.columns, layouts);
        self.codes = Some(WrittenCodes { codebook, columns });
        Ok(self)
    }

    /// The writer of the rows.
    pub fn writer(&self) -> &dyn TableWriter {
        &*self.writer
    }

    /// The bytes of a record from the file at position `file`.
    pub fn row(&self, file: usize, record: &Record) -> Result<Vec<u8>, RowFault> {
        let cells: Vec<Cell<'_>> = self
            .cells(file, record)
            .into_iter()
            .map(Cell::from)
            .collect();
        let mut bytes = Vec::new();
        let row = Row {
            record: None,
            cells: &cells,
        };
        self.writer.row(row, &mut bytes)?;
        Ok(bytes)
    }

    fn cells(&self, file: usize, record: &Record) -> Vec<String> {
        let file = &self.files[file];
        let mut cells: Vec<String> = Vec::with_capacity(self.columns.len());
        // Statements cut from one row share its id; their number is added.
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
        cells
    }
}

/// The table has the look of the files, if all have the same look.
fn writer<'l>(
    format: TableFormat,
    columns: &[String],
    layouts: impl Iterator<Item = &'l Layout>,
) -> Box<dyn TableWriter> {
    (format.open)(TableHead {
        input: None,
        columns: columns.to_vec(),
        look: Look::common(layouts),
    })
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

/// The columns of a file; the statement's column is renamed to `text`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::table::TableFormats;
    use crate::ingest::{Format, ReadOptions, Reader};

    fn reader(text: &'static str, name: &str, format: Format) -> Reader {
        let options = ReadOptions {
            format: Some(format),
            ..ReadOptions::default()
        };
        Reader::from_stream(Box::new(text.as_bytes()), name, &options).unwrap()
    }

    fn csv() -> TableFormat {
        TableFormats::default().named("csv").unwrap()
    }

    fn written(rows: &StatementRows, file: usize, record: &Record) -> String {
        String::from_utf8(rows.row(file, record).unwrap()).unwrap()
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
        let rows = StatementRows::new(&files, csv());
        let mut table = String::from_utf8(rows.writer().header().unwrap()).unwrap();
        while let Some(row) = reader.next_row().unwrap() {
            table += &written(&rows, 0, &row.unwrap());
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
        let rows = StatementRows::new(&files, csv()).cleaned();
        let record = reader.next_row().unwrap().unwrap().unwrap();
        let row = written(&rows, 0, &record);
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
        let rows = StatementRows::new(&files, csv());
        let mut table = String::from_utf8(rows.writer().header().unwrap()).unwrap();
        for (i, reader) in readers.iter_mut().enumerate() {
            let record = reader.next_row().unwrap().unwrap().unwrap();
            table += &written(&rows, i, &record);
        }
        assert_eq!(
            table,
            "no,source,text,id,lang\n7,feed.csv,\"Air, mati\",feed:0002,id\n,feed.jsonl,Jalan rusak,x,id\n"
        );
    }
}
