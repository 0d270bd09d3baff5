//! Gold codes to look at again.

use std::collections::BTreeMap;

use super::codings::line;
use crate::corpus::{Corpus, Statement};
use crate::evaluate::Doubt;

/// The doubts of each variable as a table, most doubtful first: `id`, `text`, `variable`, `code`,
/// `suggested` and the probabilities of both.
pub fn doubt_rows(corpus: &Corpus, doubts: &[(&str, Vec<Doubt>)], delimiter: u8) -> Vec<u8> {
    let by_id: BTreeMap<&str, &Statement> = corpus
        .statements
        .iter()
        .map(|s| (s.id.as_str(), s))
        .collect();
    let header = [
        "id",
        "text",
        "variable",
        "code",
        "suggested",
        "code_probability",
        "suggested_probability",
    ];
    let mut out = line(header.into_iter(), delimiter);
    for (variable, doubts) in doubts {
        let Some((_, coded_by)) = corpus.codebook.variable(variable) else {
            continue;
        };
        for doubt in doubts {
            let text = by_id.get(doubt.id.as_str()).map_or("", |s| s.text.as_str());
            let probabilities = [doubt.probability, doubt.suggested_probability];
            let [of_code, of_suggested] = probabilities.map(|p| format!("{p:.4}"));
            let cells = [
                &doubt.id,
                text,
                variable,
                &coded_by.codes[doubt.code].id,
                &coded_by.codes[doubt.suggested].id,
                &of_code,
                &of_suggested,
            ];
            out.extend(line(cells.into_iter(), delimiter));
        }
    }
    out
}
