//! Evidence from the sums of a statement: see [`super::super::evidence`] for what it is.

use super::table::WordTable;
use super::{Labeller, Statement, norm_of};
use crate::label::evidence::{Evidence, WORDS, best_two};

/// The words that spoke most for the best code of the variable at `position`.
pub(super) fn strongest(
    labeller: &Labeller<'_>,
    statement: &Statement,
    table: &WordTable,
    text: &str,
    position: usize,
    probabilities: &[f64],
) -> Vec<Evidence> {
    let head = &labeller.heads[position];
    let (best, second) = best_two(probabilities);
    let margins: Vec<f64> = head
        .coefficients
        .chunks_exact(head.intercept.len())
        .map(|row| row[best] - row[second])
        .collect();
    let (margins, of_cues) = margins.split_at(head.columns.len());
    let along = |values: &[f32]| -> f64 {
        let values = values[head.columns.clone()].iter().zip(margins);
        values.map(|(v, m)| f64::from(*v) * m).sum()
    };
    let [norm, semantic_norm] = [statement.norm2, statement.semantic_norm2].map(norm_of);
    let mut weights: Vec<f64> = statement
        .distinct
        .iter()
        .map(|met| {
            let (lexical, semantic) = table.values(met.place).split_at(labeller.columns);
            let mut weight = along(lexical) / norm + along(semantic) / semantic_norm;
            if let Some(lexicon) = table.word(met.place).lexicon
                && let Some(margin) = of_cues.get(usize::from(lexicon))
            {
                // ln(1 + n) shared evenly by the n words that made it.
                let n = f64::from(statement.counts[usize::from(lexicon)]);
                weight += margin * n.ln_1p() / n;
            }
            weight * f64::from(met.times)
        })
        .collect();
    for pair in &statement.pairs {
        let feature = labeller.model.feature_weights(pair.feature);
        let weight = f64::from(pair.weight) / norm * along(feature);
        // A pair counts half to each of its words.
        for slot in pair.words {
            weights[slot as usize] += 0.5 * weight;
        }
    }
    let mut found: Vec<(usize, f64)> = weights
        .into_iter()
        .enumerate()
        .filter(|(slot, weight)| {
            *weight > 0.0 && table.word(statement.distinct[*slot].place).visible
        })
        .collect();
    // Distinct words stand in the order of their first occurrence.
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(WORDS);
    let evidence = |(slot, weight): (usize, f64)| {
        let met = &statement.distinct[slot];
        Evidence::at(text, met.start, met.end, weight)
    };
    found.into_iter().map(evidence).collect()
}
