//! Learning curves: scores by number of coded statements.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use schemars::JsonSchema;
use serde::Serialize;

use super::{EvaluateParams, Score, evaluate};
use crate::corpus::{Corpus, holdout};
use crate::error::{Error, Result};
use crate::model::{Aids, Model, TrainParams, train_with};

/// The numbers of statements at which a curve is measured.
pub const SIZES: [usize; 5] = [50, 100, 200, 500, 1000];
/// Number of draws for each size.
const DRAWS: usize = 3;
/// Share of the statements that are held out for scoring.
const HELD_OUT: f64 = 0.25;

const TOO_FEW: &str = "the corpus has too few statements";
const UNTRAINABLE: &str = "no draw of that size could be trained";

/// Scores by number of statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LearningCurve {
    /// Always `konflik/learning-curve`.
    #[schemars(extend("const" = "konflik/learning-curve"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// The corpus.
    pub corpus: String,
    /// Number of held-out statements (whole groups) on which all trainings are scored.
    pub held_out: usize,
    /// Number of draws for each size.
    pub draws: usize,
    /// The prior model; trainings that start from it have their own curve.
    pub from: Option<String>,
    /// Ids of the variables, in the order of the points' scores.
    pub variables: Vec<String>,
    /// The points, ascending in size; points without the prior model first.
    pub points: Vec<CurvePoint>,
}

/// The scores at one number of statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// Requested number of statements; 0 is the prior model unchanged.
    pub size: usize,
    /// Whether training started from the prior model.
    pub from: bool,
    /// Mean macro-F1 of each variable over the draws; the interval is the minimum and the maximum.
    pub macro_f1: Vec<Score>,
}

/// Trains on 50 to 1,000 statements of `corpus`, three draws each. Scores on a held-out quarter,
/// without the statements on which the prior model was trained. `params` gives the hyperparameters
/// for a number of statements. With a prior model there is one curve with it and one without.
/// `watch` is called at each training.
pub fn learning_curve(
    corpus: &Corpus,
    params: &dyn Fn(usize) -> TrainParams,
    aids: Aids<'_>,
    seed: u64,
    watch: &dyn Fn(usize, bool),
) -> Result<LearningCurve> {
    let groups = || corpus.statements.iter().map(|s| s.group.as_str());
    let (pool, mut held_out) = holdout(groups(), HELD_OUT, seed);
    if let Some(prior) = aids.prior {
        held_out.retain(|i| !prior.has_seen(&corpus.statements[*i].text));
    }
    let test = corpus.subset(&held_out);
    if test.statements.is_empty() {
        let reason = match aids.prior {
            Some(prior) => format!("{} was trained on all that would be held out", prior.id()),
            None => "a learning curve needs at least two groups".into(),
        };
        return Err(Error::NotMeasured {
            path: corpus.name.clone(),
            reason,
        });
    }
    let pool = corpus.subset(&pool);
    let variables = corpus.codebook.variables.iter().map(|v| v.id.clone());
    let mut curve = LearningCurve {
        schema: "konflik/learning-curve",
        schema_version: 1,
        corpus: corpus.name.clone(),
        held_out: test.statements.len(),
        draws: DRAWS,
        from: aids.prior.map(|p| p.id().to_string()),
        variables: variables.collect(),
        points: Vec::new(),
    };
    let alone = Aids {
        prior: None,
        ..aids
    };
    for (aids, from) in [(alone, false), (aids, true)] {
        if from && aids.prior.is_none() {
            break;
        }
        if let Some(model) = aids
            .prior
            .filter(|m| m.require_codebook(&corpus.codebook).is_ok())
        {
            watch(0, from);
            curve
                .points
                .push(point(0, from, &[scored(model, &test)?], UNTRAINABLE));
        }
        for size in SIZES {
            watch(size, from);
            let too_few = pool.statements.len() < size;
            let draws = if too_few { 0 } else { DRAWS };
            let mut scores = Vec::new();
            for draw in 0..draws {
                let part = pool.subset(&drawn(&pool, size, seed.wrapping_add(draw as u64)));
                scores.extend(trained_and_scored(&part, &params(size), aids, &test)?);
            }
            let reason = if too_few { TOO_FEW } else { UNTRAINABLE };
            let mut point = point(size, from, &scores, reason);
            point
                .macro_f1
                .resize(curve.variables.len(), Score::from(Err(reason)));
            curve.points.push(point);
        }
    }
    Ok(curve)
}

/// Draws whole groups in random order until there are at least `size` statements.
fn drawn(pool: &Corpus, size: usize, seed: u64) -> Vec<usize> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, statement) in pool.statements.iter().enumerate() {
        groups.entry(&statement.group).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    let mut positions = Vec::new();
    for group in groups {
        if positions.len() >= size {
            break;
        }
        positions.extend(group);
    }
    positions.sort_unstable();
    positions
}

/// Macro-F1 of each variable; `None` if the statements are not enough for a training.
fn trained_and_scored(
    part: &Corpus,
    params: &TrainParams,
    aids: Aids<'_>,
    test: &Corpus,
) -> Result<Option<Vec<Option<f64>>>> {
    match train_with(part, "curve", params, aids, &|_| {}) {
        Ok(training) => scored(&training.model, test).map(Some),
        Err(Error::Untrainable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Macro-F1 of each variable of the codebook.
fn scored(model: &Model, test: &Corpus) -> Result<Vec<Option<f64>>> {
    let params = EvaluateParams {
        replicates: 1,
        ..EvaluateParams::default()
    };
    let evaluation = evaluate(model, test, &params)?;
    let of = |id: &String| {
        let variable = evaluation.variables.iter().find(|v| v.id == *id)?;
        variable.overall.macro_f1.value
    };
    Ok(test.codebook.variables.iter().map(|v| of(&v.id)).collect())
}

/// Means over draws; each draw is a list of one score per variable.
fn point(size: usize, from: bool, draws: &[Vec<Option<f64>>], reason: &'static str) -> CurvePoint {
    let variables = draws.first().map_or(0, Vec::len);
    let score = |v: usize| {
        let values: Vec<f64> = draws.iter().filter_map(|d| d[v]).collect();
        if values.is_empty() {
            return Score::from(Err(reason));
        }
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut score = Score::from(Ok(values.iter().sum::<f64>() / values.len() as f64));
        score.interval = Some([low, high]);
        score
    };
    CurvePoint {
        size,
        from,
        macro_f1: (0..variables).map(score).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_the_mean_of_its_draws_with_the_lowest_and_the_highest() {
        let draws = [vec![Some(0.5), None], vec![Some(0.7), None]];
        let point = point(50, false, &draws, UNTRAINABLE);
        assert!((point.macro_f1[0].value.unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(point.macro_f1[0].interval, Some([0.5, 0.7]));
        assert_eq!(point.macro_f1[1].value, None);
        assert_eq!(point.macro_f1[1].reason, Some(UNTRAINABLE));
    }
}
