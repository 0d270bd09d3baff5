//! Evidence from the sums of a statement; [`super::super::evidence`] defines evidence.

use super::head::Margins;
use super::statement::Statement;
use super::table::Known;
use super::{Labeller, norm_of};
use crate::ingest::clean::Cleaned;
use crate::label::evidence::{Evidence, WORDS, best_two};

/// Weighs the words of one statement; reused for the next.
#[derive(Default)]
pub(super) struct Weighing {
    margins: Margins,
    /// The weight of each distinct word.
    weights: Vec<f64>,
}

impl Weighing {
    /// The words that most favoured the best code of the variable at `position`.
    pub(super) fn strongest(
        &mut self,
        labeller: &Labeller<'_>,
        statement: &Statement,
        known: &Known<'_>,
        text: &Cleaned<'_>,
        position: usize,
        probabilities: &[f64],
    ) -> Vec<Evidence> {
        let (best, second) = best_two(probabilities);
        labeller.heads[position].margins(best, second, &mut self.margins);
        self.weigh(labeller, statement, known);
        // Distinct words are in the order of first occurrence, so the first one wins ties.
        let mut found: Vec<(usize, f64)> = Vec::with_capacity(WORDS + 1);
        for (slot, &weight) in self.weights.iter().enumerate() {
            let is_weak = found.len() == WORDS && found[WORDS - 1].1 >= weight;
            if weight <= 0.0 || is_weak || !known.get(statement.distinct[slot].place).0.visible {
                continue;
            }
            let at = found.partition_point(|(_, other)| *other >= weight);
            found.insert(at, (slot, weight));
            found.truncate(WORDS);
        }
        let evidence = |(slot, weight): (usize, f64)| {
            let met = &statement.distinct[slot];
            Evidence::at(text, met.start, met.end, weight)
        };
        found.into_iter().map(evidence).collect()
    }

    /// Weighs the distinct words along the margins.
    fn weigh(&mut self, labeller: &Labeller<'_>, statement: &Statement, known: &Known<'_>) {
        let Self { margins, weights } = self;
        let [norm, semantic_norm] = [statement.norm2, statement.semantic_norm2].map(norm_of);
        let weigh = |met: &super::statement::Distinct| {
            let (word, values) = known.get(met.place);
            let (lexical, semantic) = values.split_at(labeller.folder.columns());
            let mut weight =
                margins.along(lexical) / norm + margins.along(semantic) / semantic_norm;
            if let Some(lexicon) = word.lexicon {
                // The n words behind ln(1 + n) share it evenly.
                let lexicon = usize::from(lexicon);
                let n = f64::from(statement.counts[lexicon]);
                weight += margins.of_cue(lexicon) * n.ln_1p() / n;
            }
            weight * f64::from(met.times)
        };
        weights.clear();
        weights.extend(statement.distinct.iter().map(weigh));
        for pair in &statement.pairs {
            let feature = labeller.folder.weights(pair.feature);
            let weight = f64::from(pair.weight) / norm * margins.along(feature);
            // A pair counts half for each of its words.
            for slot in pair.words {
                weights[slot as usize] += 0.5 * weight;
            }
        }
    }
}
