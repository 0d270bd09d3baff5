//! Chooses hyperparameters by grouped cross-validation.
//!
//! One hyperparameter at a time moves along its ladder, up and then down, as long as macro-F1 (mean
//! over variables and folds) rises by more than one standard error of the fold differences. This
//! repeats until no hyperparameter moves. So a search among many settings doesn't follow noise, and
//! with few statements the settings don't change. Regressions start from the dual variables of the
//! previous setting.

use serde::Serialize;

use super::Confusion;
use crate::corpus::Corpus;
use crate::error::Result;
use crate::model::{Aids, Study, TrainParams, Unseen, Viewed};

/// Maximum number of rounds through all hyperparameters.
const ROUNDS: usize = 3;
/// Relative duality gap of a trial: larger than in a training, which changes few codes.
const TOLERANCE: f64 = 1e-2;
/// Added to the seed of the training, so that its folds differ from the folds of the search.
const OTHER_FOLDS: u64 = 1;

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tuning {
    /// The chosen hyperparameters.
    pub params: TrainParams,
    /// Mean macro-F1 of the initial hyperparameters.
    pub before: f64,
    /// Mean macro-F1 of the chosen hyperparameters, on the folds of the search: slightly too high.
    pub after: f64,
    /// The tried settings, in order.
    pub trials: Vec<Trial>,
}

/// A tried setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The hyperparameter that was changed.
    pub name: &'static str,
    /// The new value.
    pub value: f64,
    /// Mean macro-F1 over variables and folds.
    pub macro_f1: f64,
    /// Gain of `macro_f1` over the best so far.
    pub gain: f64,
    /// Standard error of the gain, from the spread over the folds.
    pub error: f64,
    /// Whether the setting was kept.
    pub kept: bool,
}

/// A hyperparameter and the values to try.
struct Knob {
    name: &'static str,
    ladder: &'static [f64],
    get: fn(&TrainParams) -> f64,
    set: fn(&mut TrainParams, f64),
}

const VIEW_WEIGHTS: &[f64] = &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0];

/// The hyperparameters in the order in which they are tried.
fn knobs(params: &TrainParams, aids: Aids<'_>) -> Vec<Knob> {
    let mut knobs = vec![Knob {
        name: "cost",
        ladder: &[0.3, 1.0, 3.0, 10.0, 30.0, 100.0],
        get: |p| p.cost,
        set: |p, v| p.cost = v,
    }];
    if aids.sentences.is_some() || params.context {
        knobs.push(Knob {
            name: "sentence_weight",
            ladder: VIEW_WEIGHTS,
            get: |p| p.sentence_weight,
            set: |p, v| p.sentence_weight = v,
        });
    }
    if params.views.semantic {
        knobs.push(Knob {
            name: "semantic_weight",
            ladder: VIEW_WEIGHTS,
            get: |p| p.semantic_weight,
            set: |p, v| p.semantic_weight = v,
        });
    }
    // A prior model brings its own features.
    if params.views.lexical && aids.prior.is_none() {
        knobs.push(Knob {
            name: "char_weight",
            ladder: &[0.125, 0.25, 0.5, 1.0],
            get: |p| p.lexical.char_weight.into(),
            set: |p, v| p.lexical.char_weight = v as f32,
        });
        knobs.push(Knob {
            name: "char_min_df",
            ladder: &[1.0, 2.0, 4.0, 8.0],
            get: |p| p.lexical.char_min_df.into(),
            set: |p, v| p.lexical.char_min_df = v as u32,
        });
    }
    knobs.push(Knob {
        name: "balance",
        ladder: &[0.0, 0.25, 0.5, 0.75, 1.0],
        get: |p| p.balance,
        set: |p, v| p.balance = v,
    });
    knobs
}

/// Searches, starting from `params`; `watch` is called after each trial.
pub fn tune(
    corpus: &Corpus,
    params: &TrainParams,
    aids: Aids<'_>,
    watch: &dyn Fn(&Trial),
) -> Result<Tuning> {
    params.check()?;
    let folds = TrainParams {
        seed: params.seed.wrapping_add(OTHER_FOLDS),
        ..params.clone()
    };
    let study = Study::new(corpus, &folds, aids)?;
    let mut search = Search::begin(&study, params)?;
    let before = mean(&search.scores);
    for _ in 0..ROUNDS {
        let mut moved = false;
        for knob in &knobs(params, aids) {
            moved |= search.climb(knob, true, watch)? || search.climb(knob, false, watch)?;
        }
        if !moved {
            break;
        }
    }
    Ok(Tuning {
        params: search.params,
        before,
        after: mean(&search.scores),
        trials: search.trials,
    })
}

/// The best setting so far.
struct Search<'a> {
    study: &'a Study<'a>,
    params: TrainParams,
    viewed: Viewed<'a>,
    unseen: Unseen,
    /// Mean macro-F1 over the variables, one per fold.
    scores: Vec<f64>,
    trials: Vec<Trial>,
}

impl<'a> Search<'a> {
    fn begin(study: &'a Study<'a>, params: &TrainParams) -> Result<Self> {
        let viewed = study.view(params)?;
        let unseen = study.unseen(&viewed, &loosened(params), None)?;
        Ok(Self {
            study,
            params: params.clone(),
            viewed,
            scores: by_fold(&unseen),
            unseen,
            trials: Vec::new(),
        })
    }

    /// Moves a hyperparameter up or down its ladder while the score improves; returns whether it
    /// moved.
    fn climb(&mut self, knob: &Knob, up: bool, watch: &dyn Fn(&Trial)) -> Result<bool> {
        let mut moved = false;
        while let Some(value) = next(knob.ladder, (knob.get)(&self.params), up) {
            if !self.attempt(knob, value, watch)? {
                break;
            }
            moved = true;
        }
        Ok(moved)
    }

    /// Tries a value and keeps it if it is better; returns whether it was kept.
    fn attempt(&mut self, knob: &Knob, value: f64, watch: &dyn Fn(&Trial)) -> Result<bool> {
        let mut params = self.params.clone();
        (knob.set)(&mut params, value);
        let before = Some(&self.unseen);
        let fresh = if params.lexical == self.params.lexical {
            None
        } else {
            Some(self.study.view(&params)?)
        };
        let viewed = fresh.as_ref().unwrap_or(&self.viewed);
        let unseen = self.study.unseen(viewed, &loosened(&params), before)?;
        let scores = by_fold(&unseen);
        let gains: Vec<f64> = scores
            .iter()
            .zip(&self.scores)
            .map(|(a, b)| a - b)
            .collect();
        let (gain, error) = (mean(&gains), standard_error(&gains));
        let kept = gain > error;
        let trial = Trial {
            name: knob.name,
            value,
            macro_f1: mean(&scores),
            gain,
            error,
            kept,
        };
        watch(&trial);
        self.trials.push(trial);
        if kept {
            self.params = params;
            self.scores = scores;
            self.unseen = unseen;
            self.viewed = match fresh {
                Some(fresh) => fresh,
                None => return Ok(true),
            };
        }
        Ok(kept)
    }
}

fn loosened(params: &TrainParams) -> TrainParams {
    TrainParams {
        tolerance: params.tolerance.max(TOLERANCE),
        ..params.clone()
    }
}

/// The nearest value of the ladder above or below `from`.
fn next(ladder: &[f64], from: f64, up: bool) -> Option<f64> {
    if up {
        ladder.iter().copied().find(|v| *v > from)
    } else {
        ladder.iter().rev().copied().find(|v| *v < from)
    }
}

/// Mean macro-F1 over the variables, one per fold. A variable without statements in a fold is left
/// out there.
fn by_fold(unseen: &Unseen) -> Vec<f64> {
    let of_fold = |fold: usize| {
        let variables = unseen.codes.iter().skip(fold).step_by(unseen.folds);
        let scores: Vec<f64> = variables.filter_map(|pairs| macro_f1(pairs)).collect();
        mean(&scores)
    };
    (0..unseen.folds).map(of_fold).collect()
}

fn macro_f1(pairs: &[(usize, usize)]) -> Option<f64> {
    let codes = pairs.iter().map(|(a, b)| a.max(b) + 1).max()?;
    let mut confusion = Confusion::new(codes);
    pairs
        .iter()
        .for_each(|(code, predicted)| confusion.add(*code, *predicted));
    confusion.macro_f1().ok()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn standard_error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_are_climbed_from_values_between_their_rungs() {
        let ladder = [1.0, 3.0, 10.0];
        assert_eq!(next(&ladder, 3.0, true), Some(10.0));
        assert_eq!(next(&ladder, 5.0, true), Some(10.0));
        assert_eq!(next(&ladder, 5.0, false), Some(3.0));
        assert_eq!(next(&ladder, 10.0, true), None);
        assert_eq!(next(&ladder, 1.0, false), None);
    }

    #[test]
    fn the_standard_error_is_that_of_the_mean() {
        // numpy: np.std([1, 2, 4], ddof=1) / np.sqrt(3)
        assert!((standard_error(&[1.0, 2.0, 4.0]) - 0.881_917_1).abs() < 1e-6);
    }

    #[test]
    fn a_fold_has_the_mean_of_its_variables() {
        let unseen = Unseen::of(
            2,
            vec![
                vec![(0, 0), (1, 1)],
                vec![(0, 1), (1, 0)],
                vec![(0, 0)],
                vec![],
            ],
        );
        assert_eq!(by_fold(&unseen), [1.0, 0.0]);
    }
}
