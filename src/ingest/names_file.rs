//! Files with lists of names and pseudonyms.

use std::path::Path;

use super::options::ReadOptions;
use super::privacy::Pseudonyms;
use super::reader::Reader;
use crate::error::{Error, Location, Result};

impl Pseudonyms {
    /// Reads a list: a table with a column `name` and, to keep given pseudonyms, `pseudonym`. A
    /// name without a pseudonym becomes `Nama1`, `Nama2`, ... by its position in the list.
    pub fn read(path: &Path) -> Result<Self> {
        let options = ReadOptions {
            text_column: Some("name".into()),
            ..ReadOptions::default()
        };
        let mut reader = Reader::open(path, &options)?;
        let columns = &reader.layout().columns;
        let given = columns.iter().position(|c| c == "pseudonym");
        let mut entries: Vec<(String, String)> = Vec::new();
        while let Some(row) = reader.next_row()? {
            let record = row.map_err(Error::from)?;
            let name = record.text.trim().to_string();
            let pseudonym = given.map(|column| record.cell(column).trim().to_string());
            let pseudonym = match pseudonym.filter(|p| !p.is_empty()) {
                Some(pseudonym) => pseudonym,
                None => format!("Nama{}", entries.len() + 1),
            };
            let fault = |reason: String| Error::Syntax {
                at: Location::new(reader.name(), record.line, 0),
                reason,
            };
            if name.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
                return Err(fault(format!("{name:?} is too short for a name")));
            }
            let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
            let is_taken = |(n, p): &(String, String)| {
                same(n, &name) || same(p, &pseudonym) || same(n, &pseudonym) || same(p, &name)
            };
            if entries.iter().any(is_taken) || same(&name, &pseudonym) {
                return Err(fault(format!(
                    "{name:?} or {pseudonym:?} appears in the list twice"
                )));
            }
            entries.push((name, pseudonym));
        }
        Ok(Self::new(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_given_pseudonyms_or_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.csv");
        let read = |table: &str| {
            std::fs::write(&path, table).unwrap();
            Pseudonyms::read(&path)
        };
        let list = read("name,pseudonym\nAnwar,\nBeti,Lala\n").unwrap();
        assert_eq!(list.table(), b"name,pseudonym\nAnwar,Nama1\nBeti,Lala\n");
        // The key can be read as a list again.
        let key = String::from_utf8(list.table()).unwrap();
        assert_eq!(read(&key).unwrap(), list);
        for bad in [
            "name\nAnwar\nanwar\n",
            "name\nA\n",
            "name,pseudonym\nA1,Nama2\nB2,\n",
        ] {
            assert_eq!(read(bad).unwrap_err().code(), "K0401", "{bad}");
        }
    }
}
