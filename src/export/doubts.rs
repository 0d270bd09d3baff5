//! Gold codes to check again.

use std::collections::BTreeMap;

use super::table::{Cell, Look, TableFormat, TableHead};
use crate::corpus::{Corpus, Statement};
use crate::error::Result;
use crate::evaluate::Doubt;

/// The doubts of each variable as a table, most doubtful first: `id`, `text`, `variable`, `code`,
/// `suggested` and the probabilities of both codes.
pub fn doubt_rows(
    corpus: &Corpus,
    doubts: &[(&str, Vec<Doubt>)],
    format: TableFormat,
) -> Result<Vec<u8>> {
    let by_id: BTreeMap<&str, &Statement> = corpus
        .statements
        .iter()
        .map(|s| (s.id.as_str(), s))
        .collect();
    let columns = [
        "id",
        "text",
        "variable",
        "code",
        "suggested",
        "code_probability",
        "suggested_probability",
    ];
    let head = TableHead {
        input: None,
        columns: columns.map(String::from).to_vec(),
        look: Look::common(&corpus.layout),
    };
    let mut rows = Vec::new();
    for (variable, doubts) in doubts {
        let Some((_, coded_by)) = corpus.codebook.variable(variable) else {
            continue;
        };
        rows.extend(doubts.iter().map(|doubt| {
            let text = by_id.get(doubt.id.as_str()).map_or("", |s| s.text.as_str());
            [
                Cell::from(doubt.id.as_str()),
                Cell::from(text),
                Cell::from(*variable),
                Cell::from(coded_by.codes[doubt.code].id.as_str()),
                Cell::from(coded_by.codes[doubt.suggested].id.as_str()),
                Cell::Share(doubt.probability),
                Cell::Share(doubt.suggested_probability),
            ]
        }));
    }
    format.table(head, rows)
}
