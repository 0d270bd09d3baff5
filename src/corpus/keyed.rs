//! Files about the same statements, whose rows are found by id.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use super::{MAX_FAULTS, code_at};
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Location, Result, RowFault};
use crate::ingest::{Format, Layout, ReadOptions, Reader};

/// A table or JSON lines with an id in every row, held in memory.
#[derive(Debug, Clone)]
pub struct KeyedRows {
    /// The file as the user named it.
    pub name: String,
    /// The columns, in order; of JSON lines all keys that occur, sorted.
    pub columns: Vec<String>,
    /// The rows, in the order of the file.
    pub rows: Vec<KeyedRow>,
    /// What was found out about a table.
    pub layout: Option<Layout>,
    by_id: BTreeMap<String, usize>,
}

/// A row with its id.
#[derive(Debug, Clone)]
pub struct KeyedRow {
    /// The id, without white space around it.
    pub id: String,
    /// One cell per column; JSON values that are no strings stand as JSON, `null` and missing
    /// keys as the empty string.
    pub cells: Vec<String>,
    /// Line in the file.
    pub line: u64,
}

impl KeyedRows {
    /// Reads a file whose ids stand in the column `id`. Every row must be whole and have an id of
    /// its own; the first twenty that don't are listed in the error.
    pub fn read(path: &Path, id: &str) -> Result<Self> {
        match Format::of_path(path)? {
            Format::Jsonl => Self::from_json_lines(path, id),
            _ => Self::from_table(path, id),
        }
    }

    /// Like [`KeyedRows::read`], by the first of the columns `ids` that is there.
    pub fn read_by_any(path: &Path, ids: &[&str]) -> Result<Self> {
        let mut last = None;
        for id in ids {
            match Self::read(path, id) {
                Err(error @ Error::MissingColumn { .. }) => last = Some(error),
                other => return other,
            }
        }
        last.map_or_else(|| Self::read(path, "id"), Err)
    }

    fn from_table(path: &Path, id: &str) -> Result<Self> {
        let options = ReadOptions {
            text_column: Some(id.into()),
            ..ReadOptions::default()
        };
        let mut reader = Reader::open(path, &options).map_err(no_id)?;
        let mut found = Found::new(reader.name(), reader.layout().columns.clone());
        while found.faults.len() < MAX_FAULTS
            && let Some(row) = reader.next_row()?
        {
            match row {
                Ok(record) => {
                    let cells = record.cells().into_iter().map(String::from).collect();
                    found.add(record.line, &record.text, cells);
                }
                Err(rejected) => found.faults.push(rejected.into()),
            }
        }
        let rows = found.done()?;
        Ok(Self {
            layout: Some(reader.layout().clone()),
            ..rows
        })
    }

    fn from_json_lines(path: &Path, id: &str) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|e| Error::read(path, e))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let source = io::Error::new(io::ErrorKind::InvalidData, e.utf8_error());
            Error::read(path, source)
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut objects = Vec::new();
        let mut faults = Vec::new();
        let lines = (1..).zip(text.lines());
        for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
            match serde_json::from_str::<Map<String, Value>>(text) {
                Ok(object) => objects.push((line, object)),
                Err(reason) => faults.push(Error::Row {
                    at: Location::new(&name, line, reason.column() as u64),
                    fault: RowFault::Json {
                        reason: reason.to_string(),
                    },
                }),
            }
        }
        faults.truncate(MAX_FAULTS);
        let mut columns: Vec<String> = objects
            .iter()
            .flat_map(|(_, o)| o.keys().cloned())
            .collect();
        columns.sort();
        columns.dedup();
        if !objects.is_empty() && !columns.iter().any(|c| c == id) {
            return Err(missing_id(&name, id, columns));
        }
        let mut found = Found::new(&name, columns);
        found.faults = faults;
        for (line, object) in objects {
            let cell = |column: &String| object.get(column).map_or(String::new(), cell);
            let cells: Vec<String> = found.columns.iter().map(cell).collect();
            let id = object.get(id).map_or(String::new(), self::cell);
            found.add(line, &id, cells);
        }
        found.done()
    }

    /// Position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.trim() == name)
    }

    /// Position of a column that must be there.
    pub fn require(&self, name: &str, holds: ColumnHolds) -> Result<usize> {
        self.column(name).ok_or_else(|| Error::MissingColumn {
            path: self.name.clone(),
            wanted: name.to_string(),
            holds,
            found: self.columns.clone(),
        })
    }

    /// The codes in the columns that `column` names, by row and variable; `None` where the cell is
    /// blank or the variable has no column. At least one must have one.
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

    /// The codes in these columns, one per variable, by row and variable.
    pub(super) fn codes_at(
        &self,
        codebook: &Codebook,
        columns: &[Option<usize>],
    ) -> Result<Vec<Vec<Option<usize>>>> {
        let mut faults = Vec::new();
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let code = |(variable, column): (&Variable, &Option<usize>)| {
                let cell = column.map_or("", |c| row.cells[c].trim());
                (!cell.is_empty())
                    .then(|| code_at(|| self.at(row), variable, cell))
                    .transpose()
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

    /// Position of the row with that id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Where a row stands.
    pub fn at(&self, row: &KeyedRow) -> Location {
        Location::new(&self.name, row.line, 0)
    }
}

/// What a model (or a coder) said of statements: a file with a column of codes per variable.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The file.
    pub rows: KeyedRows,
    /// For each row and variable the position of the code.
    pub codes: Vec<Vec<Option<usize>>>,
}

impl Labels {
    /// Reads a file with a column `id` and columns that are called `prefix` and a variable's id.
    pub fn read(path: &Path, codebook: &Codebook, prefix: &str) -> Result<Self> {
        let rows = KeyedRows::read(path, "id")?;
        let codes = rows.codes(codebook, |v| format!("{prefix}{}", v.id))?;
        Ok(Self { rows, codes })
    }

    /// The codes of the statement with that id, by variable.
    pub fn get(&self, id: &str) -> Option<&[Option<usize>]> {
        self.rows.position(id).map(|i| self.codes[i].as_slice())
    }
}

/// A value as a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
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

/// Rows on the way in.
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

    fn add(&mut self, line: u64, id: &str, cells: Vec<String>) {
        let id = id.trim().to_string();
        let at = Location::new(&self.name, line, 0);
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
            self.rows.push(KeyedRow { id, cells, line });
        }
    }

    fn done(self) -> Result<KeyedRows> {
        if let Some(fault) = Error::several(self.faults) {
            return Err(fault);
        }
        Ok(KeyedRows {
            name: self.name,
            columns: self.columns,
            rows: self.rows,
            layout: None,
            by_id: self.by_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<KeyedRows> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        KeyedRows::read(&path, "id")
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
}
