//! Files about the same statements, with rows looked up by id.

use std::collections::BTreeMap;
use std::path::Path;

use super::{MAX_FAULTS, code_at};
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Location, Result};
use crate::ingest::{Layout, ReadOptions, Reader, Record, id_column};

/// A table or JSON lines in memory, with an id in every row.
#[derive(Debug, Clone)]
pub struct KeyedRows {
    /// The file as the user named it.
    pub name: String,
    /// The columns, in order; for JSON all keys, in order of first occurrence.
    pub columns: Vec<String>,
    /// The rows, in the order of the file.
    pub rows: Vec<KeyedRow>,
    /// The column of the ids.
    pub id_column: String,
    /// The detected layout of the file.
    pub layout: Layout,
    by_id: BTreeMap<String, usize>,
}

/// A row with its id.
#[derive(Debug, Clone)]
pub struct KeyedRow {
    /// The id, trimmed.
    pub id: String,
    /// One cell per column. JSON values other than strings are kept as JSON text; `null` and
    /// missing keys become the empty string.
    pub cells: Vec<String>,
    /// Line in the file.
    pub line: u64,
}

impl KeyedRows {
    /// Reads a file with the ids in column `id`. Every row must be complete and have a unique id;
    /// the error lists the first twenty faulty rows.
    pub fn read(path: &Path, id: &str) -> Result<Self> {
        let options = ReadOptions {
            text_column: Some(id.into()),
            text_of_any_kind: true,
            ..ReadOptions::default()
        };
        let mut reader = Reader::open(path, &options).map_err(no_id)?;
        let layout = reader.layout().clone();
        let mut found = Found::new(reader.name(), layout.columns.clone());
        while found.faults.len() < MAX_FAULTS
            && let Some(row) = reader.next_row()?
        {
            match row {
                Ok(record) => found.add(&record),
                Err(rejected) => found.faults.push(rejected.into()),
            }
        }
        found.done(layout, id)
    }

    /// Like [`KeyedRows::read`]; without an `id`, its column is found by its name.
    pub fn read_by(path: &Path, id: Option<&str>) -> Result<Self> {
        if let Some(id) = id {
            return Self::read(path, id);
        }
        match Self::read(path, "konflik_id") {
            Err(Error::MissingColumn { found, .. }) => {
                let id = id_column(&found).unwrap_or("id").to_string();
                Self::read(path, &id)
            }
            other => other,
        }
    }

    /// Position of a column; another case counts if no column has exactly this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        let columns = || self.columns.iter().map(|c| c.trim());
        let exact = columns().position(|c| c == name);
        exact.or_else(|| columns().position(|c| c.eq_ignore_ascii_case(name)))
    }

    /// Position of a required column.
    pub fn require(&self, name: &str, holds: ColumnHolds) -> Result<usize> {
        self.column(name).ok_or_else(|| Error::MissingColumn {
            path: self.name.clone(),
            wanted: name.to_string(),
            holds,
            found: self.columns.clone(),
        })
    }

    /// The codes in the columns that `column` names, by row and variable; `None` for a blank cell
    /// or a variable without a column. At least one variable must have a column.
    pub fn codes(
        &self,
        codebook: &Codebook,
        column: impl Fn(&Variable) -> String,
    ) -> Result<Vec<Vec<Option<usize>>>> {
        let wanted: Vec<String> = codebook.variables.iter().map(column).collect();
        let columns: Vec<Option<usize>> = wanted.iter().map(|name| self.column(name)).collect();
        if columns.iter().all(Option::is_none) {
            return Err(Error::MissingColumn {
                path: self.name.clone(),
                wanted: wanted[0].clone(),
                holds: ColumnHolds::Codes,
                found: self.columns.clone(),
            });
        }
        self.codes_at(codebook, &columns)
    }

    /// The codes by row and variable; `columns` has one column per variable.
    pub(super) fn codes_at(
        &self,
        codebook: &Codebook,
        columns: &[Option<usize>],
    ) -> Result<Vec<Vec<Option<usize>>>> {
        let mut faults = Vec::new();
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let code = |(variable, column): (&Variable, &Option<usize>)| {
                let cell = column.map_or("", |c| row.cells[c].as_str());
                code_at(|| self.at(row), variable, cell)
            };
            let codes: Result<Vec<_>> = codebook.variables.iter().zip(columns).map(code).collect();
            match codes {
                Ok(codes) => rows.push(codes),
                Err(fault) => faults.push(fault),
            }
            if faults.len() >= MAX_FAULTS {
                break;
            }
        }
        Error::several(faults).map_or(Ok(rows), Err)
    }

    /// Position of the row with this id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The location of a row in the file.
    pub fn at(&self, row: &KeyedRow) -> Location {
        Location::new(&self.name, row.line, 0)
    }
}

/// Codes that a model (or a coder) gave: a file with one column of codes per variable.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The file.
    pub rows: KeyedRows,
    /// Position of the code for each row and variable.
    pub codes: Vec<Vec<Option<usize>>>,
}

impl Labels {
    /// Reads a file with ids and columns named `<prefix><variable id>`.
    pub fn read(path: &Path, codebook: &Codebook, prefix: &str) -> Result<Self> {
        Self::read_by(path, codebook, prefix, None)
    }

    /// The same, with the ids in the column `id`; without it, the column is found by its name.
    pub fn read_by(
        path: &Path,
        codebook: &Codebook,
        prefix: &str,
        id: Option<&str>,
    ) -> Result<Self> {
        let rows = KeyedRows::read_by(path, id)?;
        let codes = rows.codes(codebook, |v| format!("{prefix}{}", v.id))?;
        Ok(Self { rows, codes })
    }

    /// The codes of the statement with this id, by variable.
    pub fn get(&self, id: &str) -> Option<&[Option<usize>]> {
        self.rows.position(id).map(|i| self.codes[i].as_slice())
    }
}

fn no_id(error: Error) -> Error {
    match error {
        Error::MissingColumn {
            path,
            wanted,
            found,
            ..
        } => missing_id(&path, &wanted, found),
        other => other,
    }
}

fn missing_id(path: &str, id: &str, found: Vec<String>) -> Error {
    Error::MissingColumn {
        path: path.to_string(),
        wanted: id.to_string(),
        holds: ColumnHolds::Id,
        found,
    }
}

/// Collects rows while a file is read.
struct Found {
    name: String,
    columns: Vec<String>,
    rows: Vec<KeyedRow>,
    by_id: BTreeMap<String, usize>,
    faults: Vec<Error>,
}

impl Found {
    fn new(name: &str, columns: Vec<String>) -> Self {
        Self {
            name: name.to_string(),
            columns,
            rows: Vec::new(),
            by_id: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn add(&mut self, record: &Record) {
        let id = record.text.trim().to_string();
        let at = Location::new(&self.name, record.line, 0);
        if id.is_empty() {
            self.faults.push(Error::NoId { at });
        } else if let Some(&first) = self.by_id.get(&id) {
            self.faults.push(Error::DuplicateId {
                at,
                id,
                first: self.rows[first].line,
            });
        } else {
            self.by_id.insert(id.clone(), self.rows.len());
            let cells = self.cells(record);
            let line = record.line;
            self.rows.push(KeyedRow { id, cells, line });
        }
    }

    /// One cell per column; a new key becomes a new column.
    fn cells(&mut self, record: &Record) -> Vec<String> {
        let mut cells: Vec<String> = record.cells().into_iter().map(String::from).collect();
        cells.resize(self.columns.len(), String::new());
        for (key, value) in record.strays() {
            if let Some(column) = self.columns.iter().position(|column| column == key) {
                cells[column] = value.into_owned();
            } else {
                self.columns.push(key.to_string());
                cells.push(value.into_owned());
            }
        }
        cells
    }

    fn done(self, layout: Layout, id: &str) -> Result<KeyedRows> {
        if let Some(fault) = Error::several(self.faults) {
            return Err(fault);
        }
        let (columns, mut rows) = (self.columns, self.rows);
        for row in &mut rows {
            row.cells.resize(columns.len(), String::new());
        }
        Ok(KeyedRows {
            name: self.name,
            columns,
            rows,
            id_column: id.to_string(),
            layout,
            by_id: self.by_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: impl AsRef<[u8]>) -> Result<KeyedRows> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        KeyedRows::read(&path, "id")
    }

    #[test]
    fn json_is_read_as_a_feed_is() {
        let text = "{\"id\":1,\"z\":\"x\"}\n{\"id\":2,\"a\":[1, 2]}\n";
        let utf16: Vec<u8> = std::iter::once(0xFEFF)
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let array = "[{\"id\":1,\"z\":\"x\"},\n{\"id\":2,\"a\":[1, 2]}]";
        for content in [text.as_bytes(), &utf16, array.as_bytes()] {
            let rows = read("a.jsonl", content).unwrap();
            assert_eq!(rows.columns, ["id", "z", "a"]);
            let cells: Vec<_> = rows.rows.iter().map(|row| row.cells.join("|")).collect();
            assert_eq!(cells, ["1|x|", "2||[1, 2]"]);
        }
        let deep = format!("{{\"id\":1,\"a\":{}1{}}}\n", "[".repeat(80), "]".repeat(80));
        for (bad, code) in [("{\"id\":1,\"id\":2}\n", "K0306"), (deep.as_str(), "K0316")] {
            let file = format!("{{\"id\":0}}\n{bad}");
            assert_eq!(read("a.jsonl", file).unwrap_err().code(), code, "{bad}");
        }
    }

    #[test]
    fn tables_and_json_lines_say_the_same() {
        let table = read("a.csv", "id,code\n1,x\n2,\n").unwrap();
        let lines = read("a.jsonl", "{\"id\":1,\"code\":\"x\"}\n\n{\"id\":\"2\"}\n").unwrap();
        for rows in [table, lines] {
            let code = rows.column("code").unwrap();
            let cell = |id| rows.position(id).map(|i| rows.rows[i].cells[code].as_str());
            assert_eq!(
                [cell("1"), cell("2"), cell("3")],
                [Some("x"), Some(""), None]
            );
        }
    }

    #[test]
    fn faults_are_named() {
        for (name, text, code) in [
            ("a.csv", "name\nx\n", "K0204"),
            ("a.csv", "id,code\n1,x\n1,y\n", "K0311"),
            ("a.csv", "id,code\n,x\n", "K0331"),
            ("a.jsonl", "{\"name\":1}\n", "K0204"),
            ("a.jsonl", "{\"id\":1}\n[\n", "K0306"),
            ("a.jsonl", "{\"id\":1}\n{\"id\":null}\n", "K0331"),
        ] {
            assert_eq!(read(name, text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn the_column_of_the_ids_is_named_or_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let read = |text: &str, id: Option<&str>| {
            std::fs::write(&path, text).unwrap();
            KeyedRows::read_by(&path, id).map(|rows| (rows.rows[0].id.clone(), rows.id_column))
        };
        let found = |id: &str, column: &str| (id.to_string(), column.to_string());
        let table = "post,Ticket_ID,text\n7,t1,x\n";
        assert_eq!(read(table, None).unwrap(), found("t1", "Ticket_ID"));
        assert_eq!(read(table, Some("post")).unwrap(), found("7", "post"));
        assert_eq!(
            read("id,konflik_id\n1,k1\n", None).unwrap(),
            found("k1", "konflik_id")
        );
        assert_eq!(read("post,text\n7,x\n", None).unwrap_err().code(), "K0204");
    }
}
