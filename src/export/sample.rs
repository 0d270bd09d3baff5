//! Statements for a person to code.

use super::table::{Cell, Look, TableFormat, TableHead};
use crate::corpus::KeyedRows;
use crate::error::Result;
use crate::evaluate::Picked;

/// The table for a coder to fill in. It has the columns of the file without the model's columns
/// (`prefix`…), which would bias the coder, then `sampled_by` and an empty column for each
/// variable. It has the same look as the file.
pub fn sample_rows(
    rows: &KeyedRows,
    picked: &[Picked],
    variables: &[String],
    prefix: &str,
    format: TableFormat,
) -> Result<Vec<u8>> {
    let is_kept = |column: &String| {
        !column.starts_with(prefix) && column != "sampled_by" && !variables.contains(column)
    };
    let kept: Vec<usize> = (0..rows.columns.len())
        .filter(|c| is_kept(&rows.columns[*c]))
        .collect();
    let names = kept.iter().map(|c| rows.columns[*c].clone());
    let ours = std::iter::once("sampled_by".to_string());
    let head = TableHead {
        input: None,
        columns: names.chain(ours).chain(variables.iter().cloned()).collect(),
        look: Look::of(&rows.layout),
    };
    let row = |pick: &Picked| -> Vec<Cell<'_>> {
        let cells = &rows.rows[pick.position].cells;
        let theirs = kept.iter().map(|c| Cell::from(cells[*c].as_str()));
        let blanks = variables.iter().map(|_| Cell::Blank);
        let by = std::iter::once(Cell::from(pick.by.as_str()));
        theirs.chain(by).chain(blanks).collect()
    };
    format.table(head, picked.iter().map(row))
}
