//! What several coders said, as tables to talk about and to go on with.

use crate::codebook::Codebook;
use crate::corpus::{CodedUnit, CoderTable};
use crate::ingest::write_cell;

/// The statements that coders disagree on, one row per variable: `id`, `text`, `variable`, then
/// the code of each coder.
pub fn disagreements(table: &CoderTable, codebook: &Codebook, delimiter: u8) -> Vec<u8> {
    let names = table.coders.iter().map(|c| c.name.as_str());
    let mut out = line(
        ["id", "text", "variable"].into_iter().chain(names),
        delimiter,
    );
    for unit in &table.units {
        for (variable, codes) in codebook.variables.iter().zip(&unit.codes) {
            let mut given = codes.iter().flatten();
            let first = given.next();
            if given.all(|code| Some(code) == first) {
                continue;
            }
            let cells = codes
                .iter()
                .map(|code| code.map_or("", |k| variable.codes[k].id.as_str()));
            let head = [&unit.id, text(unit), &variable.id];
            out.extend(line(head.into_iter().chain(cells), delimiter));
        }
    }
    out
}

/// What the people settled on, and how many statements they could not.
pub struct Adjudicated {
    /// The table: `id`, `text`, `group` where there are groups, and per variable the code of most people, then how many of them
    /// gave it (`2 of 3`).
    pub rows: Vec<u8>,
    /// Codes left empty as several were given equally often.
    pub ties: usize,
}

/// The code that most people gave; models have no vote, ties are left empty.
pub fn adjudicated(table: &CoderTable, codebook: &Codebook, delimiter: u8) -> Adjudicated {
    let mut header = vec!["id".to_string(), "text".to_string()];
    header.extend(table.has_groups().then(|| "group".to_string()));
    for variable in &codebook.variables {
        header.extend([variable.id.clone(), format!("{}_votes", variable.id)]);
    }
    let mut rows = line(header.iter().map(String::as_str), delimiter);
    let mut ties = 0;
    for unit in &table.units {
        let mut cells = vec![unit.id.clone(), text(unit).to_string()];
        if table.has_groups() {
            cells.push(unit.group.clone().unwrap_or_default());
        }
        for (variable, codes) in codebook.variables.iter().zip(&unit.codes) {
            let votes = votes(table, codes, variable.codes.len());
            let all: usize = votes.iter().sum();
            let most = votes.iter().max().copied().unwrap_or(0);
            let winners: Vec<usize> = (0..votes.len()).filter(|k| votes[*k] == most).collect();
            cells.extend(match (all, &winners[..]) {
                (0, _) => [String::new(), String::new()],
                (_, [one]) => [variable.codes[*one].id.clone(), format!("{most} of {all}")],
                _ => {
                    ties += 1;
                    [String::new(), format!("{most} of {all}")]
                }
            });
        }
        rows.extend(line(cells.iter().map(String::as_str), delimiter));
    }
    Adjudicated { rows, ties }
}

fn votes(table: &CoderTable, codes: &[Option<usize>], classes: usize) -> Vec<usize> {
    let mut votes = vec![0; classes];
    let people = table.coders.iter().zip(codes).filter(|(c, _)| !c.is_model);
    for code in people.filter_map(|(_, code)| *code) {
        votes[code] += 1;
    }
    votes
}

fn text(unit: &CodedUnit) -> &str {
    unit.text.as_deref().unwrap_or("")
}

pub(super) fn line<'a>(cells: impl Iterator<Item = &'a str>, delimiter: u8) -> Vec<u8> {
    let mut line = Vec::new();
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            line.push(delimiter);
        }
        write_cell(&mut line, cell, delimiter);
    }
    line.push(b'\n');
    line
}
