//! Reads the exports of doccano and Label Studio.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::MAX_FAULTS;
use super::super::keyed::KeyedRows;
use super::{CoderOptions, Coding};
use crate::codebook::{Codebook, Variable};
use crate::error::{Error, Location, Result};

/// The content of a file of annotations.
#[derive(Default)]
pub(super) struct Annotations {
    /// The statements.
    pub(super) units: Vec<FoundUnit>,
    /// Names of the coders.
    pub(super) coders: Vec<String>,
    /// The codes.
    pub(super) codings: Vec<Coding>,
    /// Notes about parts that were left out, with the reason.
    pub(super) notes: Vec<String>,
}

/// A statement in a file.
#[derive(Default)]
pub(super) struct FoundUnit {
    pub(super) id: String,
    pub(super) text: Option<String>,
    /// The case of the statement, if the file names it.
    pub(super) group: Option<String>,
}

/// doccano's export of one user: a list of labels. A label is `variable:code`, or only the code if
/// one variable alone has it. At most one code per variable.
pub(super) fn doccano(
    rows: &KeyedRows,
    column: usize,
    user: &str,
    group: &str,
    codebook: &Codebook,
) -> Result<Annotations> {
    let text = rows.column("text").or_else(|| rows.column("data"));
    let group = rows.column(group);
    let mut found = Annotations {
        coders: vec![user.to_string()],
        ..Annotations::default()
    };
    let mut faults = Vec::new();
    for row in &rows.rows {
        let text = text.map(|c| row.cells[c].clone());
        found.units.push(FoundUnit {
            id: row.id.clone(),
            text,
            group: group.map(|c| row.cells[c].clone()),
        });
        let labels = labels(&row.cells[column]).and_then(|labels| codes(&labels, codebook));
        match labels {
            Ok(given) => found.add(&row.id, 0, given),
            Err(reason) => faults.push(Error::Annotation {
                at: rows.at(row),
                reason,
            }),
        }
    }
    faults.truncate(MAX_FAULTS);
    Error::several(faults).map_or(Ok(found), Err)
}

/// The labels in a cell, a JSON list of strings; none for a blank cell.
fn labels(cell: &str) -> Result<Vec<String>, String> {
    if cell.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(cell).map_err(|_| "`label` is not a list of strings".into())
}

/// The variable and code of each label.
fn codes(labels: &[String], codebook: &Codebook) -> Result<Vec<(usize, usize)>, String> {
    let mut codes: Vec<(usize, usize)> = Vec::new();
    for label in labels {
        let (variable, code) = code_of(label, codebook)?;
        if codes.iter().any(|(v, c)| *v == variable && *c != code) {
            let id = &codebook.variables[variable].id;
            return Err(format!("two codes of {id}: {}", labels.join(", ")));
        }
        codes.push((variable, code));
    }
    Ok(codes)
}

pub(super) fn code_of(label: &str, codebook: &Codebook) -> Result<(usize, usize), String> {
    let label = label.trim();
    if let Some((variable, code)) = label.split_once(':')
        && let Some((position, variable)) = codebook.variable(variable.trim())
    {
        return choice(variable, code).map(|code| (position, code));
    }
    let having = |(v, variable): (usize, &Variable)| Some((v, variable.code_index(label)?));
    let found: Vec<_> = codebook
        .variables
        .iter()
        .enumerate()
        .filter_map(having)
        .collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(format!("no variable has a code {label:?}")),
        _ => Err(format!(
            "several variables have a code {label:?}: write `variable:code`"
        )),
    }
}

fn choice(variable: &Variable, code: &str) -> Result<usize, String> {
    let code = code.trim();
    let known = variable.code_index(code);
    known.ok_or_else(|| format!("{} has no code {code:?}", variable.id))
}

impl Annotations {
    pub(super) fn add(&mut self, id: &str, coder: usize, given: Vec<(usize, usize)>) {
        let coding = |(variable, code)| Coding {
            id: id.to_string(),
            coder,
            variable,
            code,
        };
        self.codings.extend(given.into_iter().map(coding));
    }

    pub(super) fn coder(&mut self, name: String) -> usize {
        let known = self.coders.iter().position(|c| *c == name);
        known.unwrap_or_else(|| {
            self.coders.push(name);
            self.coders.len() - 1
        })
    }
}

/// Label Studio's JSON export: tasks with annotations. Cancelled annotations and predictions are
/// left out. If one user has several annotations, the last counts. The choice named after a
/// variable holds its code; other results are left out.
pub(super) fn label_studio(
    path: &Path,
    codebook: &Codebook,
    options: &CoderOptions,
) -> Result<Annotations> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
    let tasks: Vec<Map<String, Value>> =
        serde_json::from_str(&text).map_err(|e| Error::Syntax {
            at: Location::new(&name, e.line() as u64, e.column() as u64),
            reason: format!("not a list of Label Studio tasks: {e}"),
        })?;
    let mut found = Annotations::default();
    let mut faults = Vec::new();
    for (position, task) in (1..).zip(&tasks) {
        if let Err(reason) = add_task(&mut found, task, codebook, options) {
            faults.push(Error::Annotation {
                at: Location::file(&name),
                reason: format!("task {position}: {reason}"),
            });
        }
    }
    faults.truncate(MAX_FAULTS);
    Error::several(faults).map_or(Ok(found), Err)
}

fn add_task(
    found: &mut Annotations,
    task: &Map<String, Value>,
    codebook: &Codebook,
    options: &CoderOptions,
) -> Result<(), String> {
    let data = |key: &str| task.get("data").and_then(|data| data.get(key));
    let named = match &options.id {
        Some(id) => data(id),
        None => data("konflik_id").or_else(|| data("id")).or(task.get("id")),
    };
    let id = named.and_then(word).ok_or("it has no id")?;
    let annotations = task.get("annotations").and_then(Value::as_array);
    let annotations = annotations.ok_or("it has no annotations: is this the full JSON export?")?;
    found.units.push(FoundUnit {
        id: id.clone(),
        text: data("text").and_then(word),
        group: data(options.group()).and_then(word),
    });
    for annotation in annotations {
        if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let coder = found.coder(user(annotation)?);
        let results = annotation.get("result").and_then(Value::as_array);
        let mut given = Vec::new();
        for result in results.into_iter().flatten() {
            given.extend(result_code(result, codebook)?);
        }
        found.add(&id, coder, given);
    }
    Ok(())
}

fn result_code(result: &Value, codebook: &Codebook) -> Result<Option<(usize, usize)>, String> {
    let variable = result.get("from_name").and_then(Value::as_str);
    let Some((position, variable)) = variable.and_then(|name| codebook.variable(name)) else {
        return Ok(None);
    };
    let choices = result.pointer("/value/choices").and_then(Value::as_array);
    match choices.map_or(&[][..], Vec::as_slice) {
        [] => Ok(None),
        [one] => {
            let code = choice(variable, one.as_str().unwrap_or_default())?;
            Ok(Some((position, code)))
        }
        _ => Err(format!("two codes of {}", variable.id)),
    }
}

/// The author of an annotation: the e-mail address if exported, else the user number.
fn user(annotation: &Value) -> Result<String, String> {
    let by = annotation.get("completed_by").unwrap_or(&Value::Null);
    let number = by.get("id").unwrap_or(by);
    match (by.get("email").and_then(Value::as_str), number.as_u64()) {
        (Some(address), _) => Ok(address.to_string()),
        (None, Some(number)) => Ok(format!("user {number}")),
        (None, None) => Err("an annotation doesn't say who completed it".into()),
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
