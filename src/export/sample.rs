//! Statements that a person is to code.

use super::codings::line;
use crate::corpus::KeyedRows;
use crate::evaluate::Picked;

/// The table that a coder fills in: the columns of the file but those of a model (`prefix`…),
/// which would sway the coder, `sampled_by`, and an empty column for each variable.
pub fn sample_rows(
    rows: &KeyedRows,
    picked: &[Picked],
    variables: &[String],
    prefix: &str,
    delimiter: u8,
) -> Vec<u8> {
    let is_kept = |column: &String| {
        !column.starts_with(prefix) && column != "sampled_by" && !variables.contains(column)
    };
    let kept: Vec<usize> = (0..rows.columns.len())
        .filter(|c| is_kept(&rows.columns[*c]))
        .collect();
    let names = kept.iter().map(|c| rows.columns[*c].as_str());
    let ours = ["sampled_by"].into_iter();
    let header = names
        .chain(ours)
        .chain(variables.iter().map(String::as_str));
    let mut out = line(header, delimiter);
    for pick in picked {
        let cells = &rows.rows[pick.position].cells;
        let theirs = kept.iter().map(|c| cells[*c].as_str());
        let blanks = variables.iter().map(|_| "");
        let all = theirs.chain([pick.by.as_str()]).chain(blanks);
        out.extend(line(all, delimiter));
    }
    out
}
