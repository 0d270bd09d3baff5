//! What several coders said of the same statements, before they settled.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Corpus, code_at};
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Location, Result};
use crate::ingest::{ReadOptions, Reader};

/// The codes of several coders by statement, read from a table with a column `id` and one column
/// per variable and coder, `conflict_ani`, `conflict_budi`...
#[derive(Debug, Clone)]
pub struct Codings {
    /// Names of the coders of each variable, in the order of the columns.
    pub coders: Vec<Vec<String>>,
    /// Statement → variable → the codes given, coders without one left out.
    codes: BTreeMap<String, Vec<Vec<usize>>>,
}

impl Codings {
    /// Reads the table. Codes unknown to the codebook and ids that come twice are errors.
    pub fn read(path: &Path, codebook: &Codebook) -> Result<Self> {
        let options = ReadOptions {
            text_column: Some("id".into()),
            ..ReadOptions::default()
        };
        let mut reader = Reader::open(path, &options)?;
        let columns: Vec<Vec<usize>> = codebook
            .variables
            .iter()
            .map(|v| columns_of(v, &reader.layout().columns))
            .collect();
        if columns.iter().all(Vec::is_empty) {
            return Err(Error::MissingColumn {
                path: reader.name().to_string(),
                wanted: format!("{}_coder", codebook.variables[0].id),
                holds: ColumnHolds::Codes,
                found: reader.layout().columns.clone(),
            });
        }
        let mut codes = BTreeMap::new();
        let mut lines = BTreeMap::new();
        while let Some(row) = reader.next_row()? {
            let record = row.map_err(Error::from)?;
            let at = || Location::new(reader.name(), record.line, 0);
            let id = record.text.trim().to_string();
            if let Some(first) = lines.insert(id.clone(), record.line) {
                return Err(Error::DuplicateId {
                    at: at(),
                    id,
                    first,
                });
            }
            let cells = reader.layout().cells(&record);
            let of_statement = codebook
                .variables
                .iter()
                .zip(&columns)
                .map(|(variable, columns)| {
                    let given = columns.iter().filter_map(|c| cells.get(*c));
                    let given = given.map(|c| c.trim()).filter(|c| !c.is_empty());
                    given
                        .map(|code| code_at(at, variable, code))
                        .collect::<Result<Vec<_>>>()
                })
                .collect::<Result<Vec<_>>>()?;
            codes.insert(id, of_statement);
        }
        let names = &reader.layout().columns;
        let name_of = |variable: &Variable, column: usize| {
            let name = names[column].trim();
            name[variable.id.len() + 1..].to_string()
        };
        let by_variable = codebook.variables.iter().zip(&columns);
        Ok(Self {
            coders: by_variable
                .map(|(v, columns)| columns.iter().map(|c| name_of(v, *c)).collect())
                .collect(),
            codes,
        })
    }

    /// Statements with a coding.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether no statement has one.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The share of the coders that gave each code of the variable at `position`; `None` where
    /// nobody coded the statement.
    pub fn shares(&self, id: &str, position: usize, classes: usize) -> Option<Vec<f64>> {
        let given = self.codes.get(id)?.get(position)?;
        if given.is_empty() {
            return None;
        }
        let mut shares = vec![0.0; classes];
        for &code in given {
            shares[code] += 1.0 / given.len() as f64;
        }
        Some(shares)
    }

    /// Ids of statements that the corpus doesn't have.
    pub fn strangers<'a>(&'a self, corpus: &Corpus) -> Vec<&'a str> {
        let known: std::collections::BTreeSet<&str> =
            corpus.statements.iter().map(|s| s.id.as_str()).collect();
        let ids = self.codes.keys().map(String::as_str);
        ids.filter(|id| !known.contains(id)).collect()
    }
}

/// The columns `<variable>_<coder>`.
fn columns_of(variable: &Variable, names: &[String]) -> Vec<usize> {
    let prefix = format!("{}_", variable.id);
    let names = names.iter().enumerate();
    names
        .filter(|(_, name)| {
            let coder = name.trim().strip_prefix(&prefix);
            coder.is_some_and(|coder| !coder.is_empty())
        })
        .map(|(column, _)| column)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::codebook::tests::FRUIT;

    fn read(csv: &str) -> Result<Codings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codings.csv");
        fs::write(&path, csv).unwrap();
        let codebook = Codebook::from_toml(FRUIT, "f").unwrap();
        Codings::read(&path, &codebook)
    }

    #[test]
    fn coders_are_shares_and_blanks_are_nobody() {
        let codings = read(
            "id,fruit_ani,fruit_budi,fruit_cici,note\n1,apple,pear,apple,x\n2,,pear,,\n3,,,,\n",
        )
        .unwrap();
        assert_eq!(codings.coders, [["ani", "budi", "cici"]]);
        let shares = codings.shares("1", 0, 2).unwrap();
        assert!((shares[0] - 2.0 / 3.0).abs() < 1e-12 && (shares[1] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(codings.shares("2", 0, 2), Some(vec![0.0, 1.0]));
        assert_eq!(codings.shares("3", 0, 2), None);
        assert_eq!(codings.shares("4", 0, 2), None);
    }

    #[test]
    fn faults_are_named() {
        for (csv, code) in [
            ("id,note\n1,x\n", "K0204"),
            ("id,fruit_a\n1,plum\n", "K0310"),
            ("id,fruit_a\n1,pear\n1,pear\n", "K0311"),
        ] {
            assert_eq!(read(csv).unwrap_err().code(), code, "{csv}");
        }
    }
}
