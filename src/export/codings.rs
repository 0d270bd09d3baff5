//! Tables of what several coders coded, for discussion and further work.

use super::table::{Cell, Look, TableFormat, TableHead};
use crate::codebook::Codebook;
use crate::corpus::{CodedUnit, CoderTable, Majority};
use crate::error::Result;

/// The statements on which coders disagree, one row per variable: `id`, `text`, `variable`, then
/// the code of each coder.
pub fn disagreements(
    table: &CoderTable,
    codebook: &Codebook,
    format: TableFormat,
) -> Result<Vec<u8>> {
    let ours = ["id", "text", "variable"].map(String::from);
    let names = table.coders.iter().map(|c| c.name.clone());
    let head = head(table, ours.into_iter().chain(names).collect());
    let mut rows = Vec::new();
    for unit in &table.units {
        for (variable, codes) in codebook.variables.iter().zip(&unit.codes) {
            let mut given = codes.iter().flatten();
            let first = given.next();
            if given.all(|code| Some(code) == first) {
                continue;
            }
            let code = |code: &Option<usize>| {
                code.map_or(Cell::Blank, |k| variable.codes[k].id.as_str().into())
            };
            let about = [unit.id.as_str(), text(unit), &variable.id].map(Cell::from);
            let row: Vec<Cell<'_>> = about.into_iter().chain(codes.iter().map(code)).collect();
            rows.push(row);
        }
    }
    format.table(head, rows)
}

/// The majority codes of the people, and the number of ties.
pub struct Adjudicated {
    /// The table: `id`, `text`, `group` if there are groups, and per variable the code of most
    /// people and how many of them gave it (`2 of 3`).
    pub rows: Vec<u8>,
    /// Number of codes left empty because several were given equally often.
    pub ties: usize,
}

/// The majority code of the people. Models have no vote; ties are left empty.
pub fn adjudicated(
    table: &CoderTable,
    codebook: &Codebook,
    format: TableFormat,
) -> Result<Adjudicated> {
    let mut columns = vec!["id".to_string(), "text".to_string()];
    columns.extend(table.has_groups().then(|| "group".to_string()));
    for variable in &codebook.variables {
        columns.extend([variable.id.clone(), format!("{}_votes", variable.id)]);
    }
    let mut ties = 0;
    let mut rows = Vec::new();
    for unit in &table.units {
        let mut row = vec![Cell::from(unit.id.as_str()), Cell::from(text(unit))];
        if table.has_groups() {
            row.push(unit.group.as_deref().map_or(Cell::Blank, Cell::from));
        }
        for (variable, codes) in codebook.variables.iter().zip(&unit.codes) {
            let majority = Majority::of(table, codes, variable.codes.len());
            ties += usize::from(majority.is_tie());
            let code = majority.code.map(|k| variable.codes[k].id.as_str());
            row.push(code.map_or(Cell::Blank, Cell::from));
            row.push(match majority.people {
                0 => Cell::Blank,
                people => Cell::from(format!("{} of {people}", majority.most)),
            });
        }
        rows.push(row);
    }
    let rows = format.table(head(table, columns), rows)?;
    Ok(Adjudicated { rows, ties })
}

/// The table has the look of the coders' files, if all have the same look.
fn head(table: &CoderTable, columns: Vec<String>) -> TableHead {
    TableHead {
        input: None,
        columns,
        look: Look::common(table.layouts.iter().map(|(_, layout)| layout)),
    }
}

fn text(unit: &CodedUnit) -> &str {
    unit.text.as_deref().unwrap_or("")
}
