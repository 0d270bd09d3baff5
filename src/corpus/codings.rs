//! Codes of several coders for the same statements, before they agreed on one.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Corpus, KeyedRows};
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Result};

/// The codes of several coders by statement. The table has a column `id` and one column per
/// variable and coder: `conflict_ani`, `conflict_budi`...
#[derive(Debug, Clone)]
pub struct Codings {
    /// Names of the coders of each variable, in the order of the columns.
    pub coders: Vec<Vec<String>>,
    /// Statement → variable → the given codes; coders without a code are left out.
    codes: BTreeMap<String, Vec<Vec<usize>>>,
}

impl Codings {
    /// Reads the table. Unknown codes and duplicate ids are errors.
    pub fn read(path: &Path, codebook: &Codebook) -> Result<Self> {
        let rows = KeyedRows::read_by(path, None)?;
        let coders: Vec<Vec<String>> = codebook
            .variables
            .iter()
            .map(|v| coders_of(v, &rows.columns))
            .collect();
        if coders.iter().all(Vec::is_empty) {
            return Err(Error::MissingColumn {
                path: rows.name,
                wanted: format!("{}_coder", codebook.variables[0].id),
                holds: ColumnHolds::Codes,
                found: rows.columns,
            });
        }
        let mut by_id: BTreeMap<String, Vec<Vec<usize>>> = BTreeMap::new();
        for coder in coder_columns(codebook, &rows.columns) {
            let of_coder = rows.codes(codebook, |v| format!("{}_{coder}", v.id))?;
            for (row, given) in rows.rows.iter().zip(of_coder) {
                let blank = || vec![Vec::new(); codebook.variables.len()];
                let statement = by_id.entry(row.id.clone()).or_insert_with(blank);
                for (of_variable, code) in statement.iter_mut().zip(given) {
                    of_variable.extend(code);
                }
            }
        }
        Ok(Self {
            coders,
            codes: by_id,
        })
    }

    /// Number of coded statements.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// True if no statement is coded.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The share of coders per code of the variable at `position`; `None` if nobody coded the
    /// statement.
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

    /// Ids that the corpus doesn't have.
    pub fn strangers<'a>(&'a self, corpus: &Corpus) -> Vec<&'a str> {
        let known: std::collections::BTreeSet<&str> =
            corpus.statements.iter().map(|s| s.id.as_str()).collect();
        let ids = self.codes.keys().map(String::as_str);
        ids.filter(|id| !known.contains(id)).collect()
    }
}

/// The coders in the columns `<variable>_<coder>` of a variable.
fn coders_of(variable: &Variable, columns: &[String]) -> Vec<String> {
    let coder = |column: &String| {
        let coder = column
            .trim()
            .strip_prefix(&variable.id)?
            .strip_prefix('_')?;
        (!coder.is_empty()).then(|| coder.to_string())
    };
    columns.iter().filter_map(coder).collect()
}

/// The coders of all variables, ordered by their first column.
pub(super) fn coder_columns(codebook: &Codebook, columns: &[String]) -> Vec<String> {
    let mut coders = Vec::new();
    for coder in codebook
        .variables
        .iter()
        .flat_map(|v| coders_of(v, columns))
    {
        if !coders.contains(&coder) {
            coders.push(coder);
        }
    }
    coders
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
    fn codes_become_shares_and_blanks_are_ignored() {
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
