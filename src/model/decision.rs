//! When a code can be used without human review.
//!
//! The thresholds are chosen on out-of-fold probabilities: no statement took part in its own
//! probability. `auto` grows from the most probable statements downwards, step by step, as long as
//! an exact binomial test at level 0.1 rejects "more errors than stated". It stops at the first
//! step where the test does not (fixed-sequence testing; Angelopoulos et al., "Learn then test",
//! 2021). So on statements like the training statements, the error rate is at most the stated one
//! with 90 % confidence. Below a probability of one half the best code is more likely wrong than
//! right: `abstain`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::statistics::binomial_cdf;

/// How far to trust a code.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The code can be used as it is: errors are at most as frequent as stated.
    Auto,
    /// A person should check the code.
    Review,
    /// The model doesn't know: the code is a guess.
    Abstain,
    /// There is no code: the row has no content.
    NoStatement,
}

impl Decision {
    /// All decisions.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Review, Self::Abstain, Self::NoStatement];

    /// The value in output files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Review => "review",
            Self::Abstain => "abstain",
            Self::NoStatement => "no_statement",
        }
    }
}

/// Probabilities of the best code at which the decision changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Lower bound of `auto`; `None` when no threshold keeps the stated error rate.
    pub auto: Option<f64>,
    /// Below this probability the decision is `abstain`.
    pub abstain: f64,
    /// The stated error rate of `auto`.
    pub stated_error: f64,
    /// Share of the out-of-fold statements that are `auto`.
    pub auto_coverage: f64,
    /// Share of errors in the `auto` statements; `None` if there are none.
    pub auto_error: Option<f64>,
    /// Share of the out-of-fold statements that are `abstain`.
    pub abstain_coverage: f64,
    /// Share of errors in the `abstain` statements; `None` if there are none.
    pub abstain_error: Option<f64>,
}

/// Below this probability the best code is more likely wrong than right.
const EVEN: f64 = 0.5;
/// Level of the test that admits statements to `auto`.
const LEVEL: f64 = 0.1;
/// The first test uses one twentieth of the statements; a hundred tests cover them all.
const FIRST_SHARE: usize = 20;
const STEPS: usize = 100;

impl Thresholds {
    /// Chooses thresholds from pairs (probability of the best code, whether the code was right).
    pub fn choose(outcomes: &[(f64, bool)], stated_error: f64) -> Self {
        let mut sorted = outcomes.to_vec();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (auto, rest) = sorted.split_at(auto_count(&sorted, stated_error));
        let abstained: Vec<(f64, bool)> = rest.iter().copied().filter(|(p, _)| *p < EVEN).collect();
        let coverage = |part: &[(f64, bool)]| part.len() as f64 / sorted.len().max(1) as f64;
        Self {
            auto: auto.last().map(|(p, _)| *p),
            abstain: EVEN,
            stated_error,
            auto_coverage: coverage(auto),
            auto_error: error_share(auto),
            abstain_coverage: coverage(&abstained),
            abstain_error: error_share(&abstained),
        }
    }

    /// The decision for a probability of the best code.
    pub fn decide(&self, probability: f64) -> Decision {
        match self.auto {
            Some(auto) if probability >= auto => Decision::Auto,
            _ if probability < self.abstain => Decision::Abstain,
            _ => Decision::Review,
        }
    }
}

fn error_share(outcomes: &[(f64, bool)]) -> Option<f64> {
    let errors = outcomes.iter().filter(|(_, right)| !right).count();
    (!outcomes.is_empty()).then(|| errors as f64 / outcomes.len() as f64)
}

/// How many of the most probable statements can be `auto`; `sorted` is in descending probability.
fn auto_count(sorted: &[(f64, bool)], stated_error: f64) -> usize {
    let step = sorted.len().div_ceil(STEPS).max(1);
    let first = (sorted.len() / FIRST_SHARE).max(least_support(stated_error));
    let mut best = 0;
    let mut next = first;
    let mut errors = 0;
    for (i, (probability, right)) in sorted.iter().enumerate() {
        if *probability < EVEN {
            break;
        }
        errors += u64::from(!right);
        let n = i + 1;
        let ties_end = sorted.get(n).is_none_or(|next| next.0 < *probability);
        if n < next || !ties_end {
            continue;
        }
        if binomial_cdf(errors, n as u64, stated_error) > LEVEL {
            break;
        }
        best = n;
        next = n + step;
    }
    best
}

/// The smallest number of statements that, without any error, rejects the stated error rate.
fn least_support(stated_error: f64) -> usize {
    (LEVEL.ln() / (-stated_error).ln_1p()).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 statements: the 60 most probable are right, then every other one, the last 20 are all
    /// wrong.
    fn outcomes() -> Vec<(f64, bool)> {
        (0..100)
            .map(|i| (1.0 - f64::from(i) * 0.005, i < 60 || (i < 80 && i % 2 == 0)))
            .collect()
    }

    #[test]
    fn auto_keeps_the_stated_error() {
        let thresholds = Thresholds::choose(&outcomes(), 0.1);
        let auto: Vec<_> = outcomes()
            .into_iter()
            .filter(|(p, _)| thresholds.decide(*p) == Decision::Auto)
            .collect();
        let errors = auto.iter().filter(|(_, right)| !right).count() as u64;
        assert!(auto.len() > 60 && binomial_cdf(errors, auto.len() as u64, 0.1) <= LEVEL);
        assert!((thresholds.auto_coverage - auto.len() as f64 / 100.0).abs() < 1e-12);
    }

    #[test]
    fn few_statements_prove_nothing() {
        assert_eq!(least_support(0.1), 22);
    }

    /// Uninformative scores, and an error rate above the stated one: `auto` must be very rare.
    #[test]
    fn bad_models_are_rarely_trusted() {
        use rand::{Rng, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
        let mut draw = || -> Vec<(f64, bool)> {
            (0..500)
                .map(|_| (rng.random(), rng.random::<f64>() > 0.12))
                .collect()
        };
        let trusted = (0..400)
            .filter(|_| Thresholds::choose(&draw(), 0.1).auto.is_some())
            .count();
        assert!(
            trusted <= 48,
            "{trusted} of 400; at most a tenth and some chance"
        );
    }

    #[test]
    fn what_is_likelier_wrong_than_right_abstains() {
        let lowered: Vec<_> = outcomes()
            .into_iter()
            .map(|(p, right)| (p - 0.1, right))
            .collect();
        let thresholds = Thresholds::choose(&lowered, 0.05);
        assert_eq!(thresholds.decide(0.499), Decision::Abstain);
        assert_eq!(thresholds.decide(0.501), Decision::Review);
        assert!((thresholds.abstain_coverage - 0.19).abs() < 1e-12);
        assert!(thresholds.abstain_error.unwrap() > 0.5);
    }

    #[test]
    fn without_a_good_region_nothing_is_auto() {
        let bad: Vec<_> = (0..100)
            .map(|i| (f64::from(i) / 100.0, i % 2 == 0))
            .collect();
        let thresholds = Thresholds::choose(&bad, 0.05);
        assert_eq!((thresholds.auto, thresholds.auto_error), (None, None));
        assert_eq!(thresholds.decide(0.99), Decision::Review);
        assert_eq!(Thresholds::choose(&[], 0.05).auto, None);
    }
}
