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
/// one variable alone has it. A row with two codes of a variable has none of this variable.
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
    let mut twice = Vec::new();
    for row in &rows.rows {
        let text = text.map(|c| row.cells[c].clone());
        found.units.push(FoundUnit {
            id: row.id.clone(),
            text,
            group: group.map(|c| row.cells[c].clone()),
        });
        let labels = labels(&row.cells[column]).and_then(|labels| codes(&labels, codebook));
        match labels {
            Ok(given) => {
                let single = only_one_each(&given);
                if single.len() < given.len() {
                    twice.push(format!("line {}", row.line));
                }
                found.add(&row.id, 0, single);
            }
            Err(reason) => faults.push(Error::Annotation {
                at: rows.at(row),
                reason,
            }),
        }
    }
    found.note_twice("rows", &twice);
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

/// The variable and code of each label, without repetitions.
fn codes(labels: &[String], codebook: &Codebook) -> Result<Vec<(usize, usize)>, String> {
    let mut codes: Vec<(usize, usize)> = Vec::new();
    for label in labels {
        let code = code_of(label, codebook)?;
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

/// The codes of the variables that have only one.
fn only_one_each(codes: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let is_only = |(variable, _): &&(usize, usize)| {
        let of_variable = codes.iter().filter(|(v, _)| v == variable);
        of_variable.count() == 1
    };
    codes.iter().filter(is_only).copied().collect()
}

pub(super) fn code_of(label: &str, codebook: &Codebook) -> Result<(usize, usize), String> {
    let label = label.trim();
    if let Some((variable, code)) = label.split_once(':')
        && let Some((position, variable)) = variable_called(variable, codebook)
    {
        return choice(variable, code).map(|code| (position, code));
    }
    let having = |(v, variable): (usize, &Variable)| Some((v, variable.code_called(label)?));
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

fn variable_called<'c>(name: &str, codebook: &'c Codebook) -> Option<(usize, &'c Variable)> {
    let mut variables = codebook.variables.iter().enumerate();
    variables.find(|(_, variable)| variable.is_called(name))
}

fn choice(variable: &Variable, code: &str) -> Result<usize, String> {
    let code = code.trim();
    let known = variable.code_called(code);
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

    /// Notes the places that have two codes of a variable by one coder.
    fn note_twice(&mut self, what: &str, places: &[String]) {
        if places.is_empty() {
            return;
        }
        let mut list = places[..places.len().min(MAX_FAULTS)].join(", ");
        if places.len() > MAX_FAULTS {
            list.push_str(", ...");
        }
        self.notes.push(format!(
            "left out: {what} with two codes of a variable by one coder: {} ({list})",
            places.len()
        ));
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
/// variable holds its code, or several, which are left out; so are other results.
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
    let mut twice = Vec::new();
    for (position, task) in (1..).zip(&tasks) {
        match add_task(&mut found, task, codebook, options) {
            Ok(true) => {}
            Ok(false) => twice.push(format!("task {position}")),
            Err(reason) => faults.push(Error::Annotation {
                at: Location::file(&name),
                reason: format!("task {position}: {reason}"),
            }),
        }
    }
    found.note_twice("tasks", &twice);
    faults.truncate(MAX_FAULTS);
    Error::several(faults).map_or(Ok(found), Err)
}

/// Adds a task; returns whether no coder gave it two codes of a variable.
fn add_task(
    found: &mut Annotations,
    task: &Map<String, Value>,
    codebook: &Codebook,
    options: &CoderOptions,
) -> Result<bool, String> {
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
    let mut is_single = true;
    for annotation in annotations {
        if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let coder = found.coder(user(annotation)?);
        let results = annotation.get("result").and_then(Value::as_array);
        let mut given = Vec::new();
        for result in results.into_iter().flatten() {
            given.extend(result_codes(result, codebook)?);
        }
        given.sort_unstable();
        given.dedup();
        let single = only_one_each(&given);
        is_single &= single.len() == given.len();
        found.add(&id, coder, single);
    }
    Ok(is_single)
}

fn result_codes(result: &Value, codebook: &Codebook) -> Result<Vec<(usize, usize)>, String> {
    let variable = result.get("from_name").and_then(Value::as_str);
    let Some((position, variable)) = variable.and_then(|name| variable_called(name, codebook))
    else {
        return Ok(Vec::new());
    };
    let choices = result.pointer("/value/choices").and_then(Value::as_array);
    let choices = choices.into_iter().flatten();
    choices
        .map(|one| {
            Ok((
                position,
                choice(variable, one.as_str().unwrap_or_default())?,
            ))
        })
        .collect()
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
