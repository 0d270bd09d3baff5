//! Joins the codes of several coders, read from the files that coding tools write.

mod annotation;
mod majority;
mod project;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::codings::coder_columns;
use super::keyed::KeyedRows;
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Location, Result};
use crate::ingest::Layout;

pub use majority::Majority;

use annotation::{Annotations, FoundUnit};

/// A person or model that codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coder {
    /// Name of the column, of the file, or of the user in Label Studio or a REFI-QDA project.
    pub name: String,
    /// True for a model, false for a person.
    pub is_model: bool,
}

/// A statement that several coders may have coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedUnit {
    /// Identifier, the same in all files.
    pub id: String,
    /// The text, if one of the files has it.
    pub text: Option<String>,
    /// The case of the statement, if one of the files names it. Statements of a case are similar.
    pub group: Option<String>,
    /// Variable → coder → code; `None` if the coder gave no code.
    pub codes: Vec<Vec<Option<usize>>>,
}

/// Statements by coders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoderTable {
    /// The coders, in order of first occurrence.
    pub coders: Vec<Coder>,
    /// The statements, in order of first occurrence.
    pub units: Vec<CodedUnit>,
    /// Notes about the parts of the files that were left out, with the reason.
    pub notes: Vec<String>,
    /// Name and detected layout of each table among the files.
    pub layouts: Vec<(String, Layout)>,
    by_id: BTreeMap<String, usize>,
}

/// One code to be entered into the table.
struct Coding {
    id: String,
    coder: usize,
    variable: usize,
    code: usize,
}

/// Options for reading the files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CoderOptions {
    /// The column (or key) of the ids; `None`: found by its name.
    pub id: Option<String>,
    /// Prefix of the columns with codes of a model.
    pub prefix: String,
    /// The column (or key) of the cases; `None`: `group`.
    pub group: Option<String>,
    /// Maximum unpacked size of a project (`.qdpx`), in bytes.
    pub max_unpacked: u64,
}

impl CoderOptions {
    fn group(&self) -> &str {
        self.group.as_deref().unwrap_or("group")
    }
}

impl Default for CoderOptions {
    fn default() -> Self {
        Self {
            id: None,
            prefix: "konflik_".into(),
            group: None,
            max_unpacked: 512 << 20,
        }
    }
}

impl CoderTable {
    /// Reads files and joins their statements by id. Kinds of files:
    ///
    /// - a table or JSON lines with a column per variable: one coder, named after the file;
    /// - the same with columns `<variable>_<coder>`: one coder per name;
    /// - either of them with columns `<prefix><variable>` of a model: a model;
    /// - doccano's JSON lines of one user, `"label": ["variable:code", …]`: one coder, named after
    ///   the file;
    /// - Label Studio's JSON: a coder per user;
    /// - a REFI-QDA project (`.qdpx`): a coder per user, a statement per coded span of a text.
    pub fn read<P: AsRef<Path>>(
        paths: &[P],
        codebook: &Codebook,
        options: &CoderOptions,
    ) -> Result<Self> {
        let mut table = Self::default();
        for path in paths {
            let path = path.as_ref();
            match path.extension().and_then(OsStr::to_str) {
                Some("json") => {
                    let found = annotation::label_studio(path, codebook, options)?;
                    table.add_annotations(path, found, codebook)?;
                }
                Some("qdpx") => {
                    let found = project::read(path, codebook, options.max_unpacked)?;
                    table.add_annotations(path, found, codebook)?;
                }
                _ => table.add_rows(path, codebook, options)?,
            }
        }
        if let Some(group) = &options.group
            && !table.has_groups()
        {
            return Err(Error::Parameter {
                name: "group",
                value: group.clone(),
                range: "a column of one of the files",
            });
        }
        Ok(table)
    }

    /// Whether any statement has a group.
    pub fn has_groups(&self) -> bool {
        self.units.iter().any(|unit| unit.group.is_some())
    }

    fn add_rows(&mut self, path: &Path, codebook: &Codebook, options: &CoderOptions) -> Result<()> {
        let rows = KeyedRows::read_by(path, options.id.as_deref())?;
        self.layouts.push((rows.name.clone(), rows.layout.clone()));
        let columns = columns_of_coders(&rows, path, codebook, &options.prefix);
        if columns.is_empty() {
            let Some(label) = rows.column("label").or_else(|| rows.column("labels")) else {
                return Err(Error::MissingColumn {
                    path: rows.name,
                    wanted: codebook.variables[0].id.clone(),
                    holds: ColumnHolds::Codes,
                    found: rows.columns,
                });
            };
            let found = annotation::doccano(&rows, label, &stem(path), options.group(), codebook)?;
            return self.add_annotations(path, found, codebook);
        }
        let (text, group) = (rows.column("text"), rows.column(options.group()));
        for row in &rows.rows {
            let unit = FoundUnit {
                id: row.id.clone(),
                text: text.map(|c| row.cells[c].clone()),
                group: group.map(|c| row.cells[c].clone()),
            };
            self.unit(unit, codebook);
        }
        for (coder, columns) in columns {
            let coder = self.coder(coder, codebook);
            let given = rows.codes_at(codebook, &columns)?;
            for (row, given) in rows.rows.iter().zip(given) {
                for (variable, code) in given.into_iter().enumerate() {
                    self.code(path, &row.id, coder, variable, code)?;
                }
            }
        }
        Ok(())
    }

    fn add_annotations(
        &mut self,
        path: &Path,
        found: Annotations,
        codebook: &Codebook,
    ) -> Result<()> {
        for unit in found.units {
            self.unit(unit, codebook);
        }
        let name = path.display();
        let notes = found.notes.iter().map(|note| format!("{name}: {note}"));
        self.notes.extend(notes);
        let names = found.coders.into_iter().map(|name| Coder {
            name,
            is_model: false,
        });
        let coders: Vec<usize> = names.map(|coder| self.coder(coder, codebook)).collect();
        let mut last = BTreeMap::new();
        for coding in found.codings {
            let place = (coding.id, coders[coding.coder], coding.variable);
            last.insert(place, coding.code);
        }
        for ((id, coder, variable), code) in last {
            self.code(path, &id, coder, variable, Some(code))?;
        }
        Ok(())
    }

    /// The position of a coder; adds a new coder. The same name in two files is one coder.
    fn coder(&mut self, coder: Coder, codebook: &Codebook) -> usize {
        if let Some(position) = self.coders.iter().position(|c| *c == coder) {
            return position;
        }
        self.coders.push(coder);
        for unit in &mut self.units {
            for codes in unit.codes.iter_mut().take(codebook.variables.len()) {
                codes.push(None);
            }
        }
        self.coders.len() - 1
    }

    fn unit(&mut self, found: FoundUnit, codebook: &Codebook) {
        let next = self.units.len();
        let position = *self.by_id.entry(found.id.clone()).or_insert(next);
        if position == next {
            self.units.push(CodedUnit {
                id: found.id,
                text: None,
                group: None,
                codes: vec![vec![None; self.coders.len()]; codebook.variables.len()],
            });
        }
        let unit = &mut self.units[position];
        let said = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
        unit.text = unit.text.take().or_else(|| said(found.text));
        unit.group = unit.group.take().or_else(|| said(found.group));
    }

    /// Enters a code. A blank is ignored; a different code of the same coder is an error.
    fn code(
        &mut self,
        path: &Path,
        id: &str,
        coder: usize,
        variable: usize,
        code: Option<usize>,
    ) -> Result<()> {
        let (Some(&unit), Some(code)) = (self.by_id.get(id), code) else {
            return Ok(());
        };
        let place = &mut self.units[unit].codes[variable][coder];
        match place.replace(code) {
            Some(other) if other != code => Err(Error::Annotation {
                at: Location::file(path.display().to_string()),
                reason: format!(
                    "{} coded {id:?} differently in an earlier file: name the files for different coders",
                    self.coders[coder].name
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// The coders of the file, each with the column of each variable.
fn columns_of_coders(
    rows: &KeyedRows,
    path: &Path,
    codebook: &Codebook,
    prefix: &str,
) -> Vec<(Coder, Vec<Option<usize>>)> {
    let named = |name: &dyn Fn(&Variable) -> String| -> Vec<Option<usize>> {
        let variables = codebook.variables.iter();
        variables.map(|v| rows.column(&name(v))).collect()
    };
    let person = |name: String| Coder {
        name,
        is_model: false,
    };
    let mut found = Vec::new();
    let plain = named(&|v| v.id.clone());
    if plain.iter().any(Option::is_some) {
        found.push((person(stem(path)), plain));
    } else {
        for name in coder_columns(codebook, &rows.columns) {
            let columns = named(&|v| format!("{}_{name}", v.id));
            found.push((person(name), columns));
        }
    }
    let model = named(&|v| format!("{prefix}{}", v.id));
    if model.iter().any(Option::is_some) {
        let name = format!("{} (model)", stem(path));
        let coder = Coder {
            name,
            is_model: true,
        };
        found.push((coder, model));
    }
    found
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::codebook::tests::FRUIT;

    fn read(files: &[(&str, &str)]) -> Result<CoderTable> {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, text): &(&str, &str)| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let paths: Vec<_> = files.iter().map(write).collect();
        let codebook = Codebook::from_toml(FRUIT, "f").unwrap();
        CoderTable::read(&paths, &codebook, &CoderOptions::default())
    }

    fn names(table: &CoderTable) -> Vec<&str> {
        table.coders.iter().map(|c| c.name.as_str()).collect()
    }

    fn codes<'a>(table: &'a CoderTable, id: &str) -> &'a [Option<usize>] {
        let unit = table.units.iter().find(|u| u.id == id).unwrap();
        &unit.codes[0]
    }

    #[test]
    fn files_of_every_kind_are_joined_by_id() {
        let table = read(&[
            ("ani.csv", "id,text,fruit\n1,round,apple\n2,long,pear\n"),
            ("team.csv", "id,fruit_budi,fruit_cici\n2,pear,\n3,apple,pear\n"),
            ("dewi.jsonl", "{\"id\":1,\"label\":[\"fruit:pear\"]}\n{\"id\":3,\"label\":[\"apple\"]}\n{\"id\":2,\"label\":[]}\n"),
            ("studio.json", r#"[{"id":9,"data":{"konflik_id":"2","text":"long"},"annotations":[
                {"completed_by":4,"result":[{"from_name":"fruit","type":"choices","value":{"choices":["apple"]}}]},
                {"completed_by":{"id":5,"email":"e@x"},"was_cancelled":true,"result":[]}]}]"#),
            ("labelled.csv", "id,konflik_fruit\n1,apple\n2,pear\n3,pear\n"),
        ])
        .unwrap();
        assert_eq!(
            names(&table),
            ["ani", "budi", "cici", "dewi", "user 4", "labelled (model)"]
        );
        assert!(table.coders[5].is_model && !table.coders[4].is_model);
        let (apple, pear) = (Some(0), Some(1));
        assert_eq!(codes(&table, "1"), [apple, None, None, pear, None, apple]);
        assert_eq!(codes(&table, "2"), [pear, pear, None, None, apple, pear]);
        assert_eq!(codes(&table, "3"), [None, apple, pear, apple, None, pear]);
        assert_eq!(table.units[0].text.as_deref(), Some("round"));
    }

    #[test]
    fn one_coder_has_one_code_of_a_statement() {
        let same = [
            ("ani.csv", "id,fruit\n1,apple\n"),
            ("ani.tsv", "id\tfruit\n1\tapple\n"),
        ];
        assert_eq!(names(&read(&same).unwrap()), ["ani"]);
        let other = [
            ("ani.csv", "id,fruit\n1,apple\n"),
            ("ani.tsv", "id\tfruit\n1\tpear\n"),
        ];
        assert_eq!(read(&other).unwrap_err().code(), "K0332");
    }

    #[test]
    fn faults_are_named() {
        for (name, text, code) in [
            ("a.csv", "id,note\n1,x\n", "K0204"),
            ("a.csv", "id,fruit\n1,plum\n", "K0310"),
            ("a.jsonl", "{\"id\":1,\"label\":[\"plum\"]}\n", "K0332"),
            ("a.jsonl", "{\"id\":1,\"label\":7}\n", "K0332"),
            ("a.json", "{}", "K0401"),
            ("a.json", "[{\"annotations\":[]}]", "K0332"),
            ("a.json", "[{\"id\":1}]", "K0332"),
            ("a.txt", "A: x\n", "K0204"),
        ] {
            assert_eq!(read(&[(name, text)]).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn a_row_with_two_codes_is_left_out_and_counted() {
        let table = read(&[
            (
                "ani.jsonl",
                "{\"id\":1,\"label\":[\"apple\",\"Pear\"]}\n{\"id\":2,\"label\":[\"fruit:PEAR\"]}\n",
            ),
            (
                "studio.json",
                r#"[{"id":1,"data":{},"annotations":[{"completed_by":4,"result":[
                {"from_name":"fruit","value":{"choices":["apple","pear"]}}]}]},
                {"id":2,"data":{},"annotations":[{"completed_by":4,"result":[
                {"from_name":"Fruit","value":{"choices":["Apple"]}}]}]}]"#,
            ),
        ])
        .unwrap();
        assert_eq!(codes(&table, "1"), [None, None]);
        assert_eq!(codes(&table, "2"), [Some(1), Some(0)]);
        let [rows, tasks] = &table.notes[..] else {
            panic!("{:?}", table.notes);
        };
        assert!(rows.ends_with("rows with two codes of a variable by one coder: 1 (line 1)"));
        assert!(tasks.ends_with("tasks with two codes of a variable by one coder: 1 (task 1)"));
    }

    #[test]
    fn codes_are_read_by_name_and_missing_ones_as_none() {
        let table = read(&[
            ("ani.csv", "id,Fruit\n1,Apple \n2,NA\n3,-\n"),
            ("budi.csv", "id,fruit\n1,APPLE\n2,pear\n3,Pear\n"),
        ])
        .unwrap();
        assert_eq!(codes(&table, "1"), [Some(0), Some(0)]);
        assert_eq!(codes(&table, "2"), [None, Some(1)]);
        assert_eq!(codes(&table, "3"), [None, Some(1)]);
    }
}
