//! Calibration and tests of proportions against independent programs (`tests/oracle/calibration.py`).

use konflik::evaluate::{
    Calibration, EvaluateParams, Forecast, clopper_pearson, mcnemar_exact, wilson,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Forecasts>,
    shares: Vec<Share>,
    mcnemar: Vec<Split>,
}

#[derive(Deserialize)]
struct Forecasts {
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    ece: f64,
    brier: f64,
    log_loss: f64,
    aurc: f64,
    reliability: Vec<[f64; 2]>,
    risk: Vec<f64>,
}

#[derive(Deserialize)]
struct Share {
    part: u64,
    whole: u64,
    exact: [f64; 2],
    wilson: [f64; 2],
}

#[derive(Deserialize)]
struct Split {
    one: u64,
    other: u64,
    p: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../oracle/calibration.json")).unwrap()
}

fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
}

impl Forecasts {
    fn measure(&self, rows_per_group: usize) -> Calibration {
        let forecasts: Vec<Forecast<'_>> = self
            .gold
            .iter()
            .zip(&self.probabilities)
            .enumerate()
            .map(|(i, (&gold, probabilities))| Forecast {
                gold,
                probabilities,
                group: i / rows_per_group,
            })
            .collect();
        let groups = forecasts.len().div_ceil(rows_per_group);
        Calibration::measure(&forecasts, groups, &EvaluateParams::default())
    }
}

#[test]
fn calibration_is_that_of_scikit_learn() {
    for case in &fixture().cases {
        let ours = case.measure(1);
        for (score, theirs) in [
            (&ours.ece, case.ece),
            (&ours.brier, case.brier),
            (&ours.log_loss, case.log_loss),
            (&ours.aurc, case.aurc),
        ] {
            close(score.value.unwrap(), theirs);
            let [low, high] = score.interval.unwrap();
            assert!(low < high);
        }
        assert_eq!(ours.reliability.len(), case.reliability.len());
        for (bin, [mean, accuracy]) in ours.reliability.iter().zip(&case.reliability) {
            close(bin.confidence, *mean);
            close(bin.accuracy.value.unwrap(), *accuracy);
        }
        assert_eq!(ours.risk_coverage.len(), case.risk.len());
        for (point, risk) in ours.risk_coverage.iter().zip(&case.risk) {
            close(point.risk, *risk);
        }
    }
}

/// The Brier score is a mean over statements: its interval is the normal one of a mean.
#[test]
fn the_interval_of_a_mean_is_the_normal_one() {
    let case = &fixture().cases[1];
    let off = |(gold, p): (&usize, &Vec<f64>)| -> f64 {
        let of_code = |(k, p): (usize, &f64)| (p - f64::from(u8::from(k == *gold))).powi(2);
        p.iter().enumerate().map(of_code).sum()
    };
    let each: Vec<f64> = case.gold.iter().zip(&case.probabilities).map(off).collect();
    let n = each.len() as f64;
    let variance = each.iter().map(|x| (x - case.brier).powi(2)).sum::<f64>() / n;
    let half = 1.96 * (variance / n).sqrt();
    let [low, high] = case.measure(1).brier.interval.unwrap();
    assert!((low - (case.brier - half)).abs() < 0.1 * half, "{low}");
    assert!((high - (case.brier + half)).abs() < 0.1 * half, "{high}");
}

#[test]
fn intervals_of_shares_are_those_of_scipy_and_statsmodels() {
    for share in &fixture().shares {
        for (ours, theirs) in [
            (clopper_pearson(share.part, share.whole), share.exact),
            (wilson(share.part, share.whole), share.wilson),
        ] {
            close(ours[0], theirs[0]);
            close(ours[1], theirs[1]);
        }
    }
}

#[test]
fn mcnemar_is_that_of_statsmodels() {
    for split in &fixture().mcnemar {
        close(mcnemar_exact(split.one, split.other), split.p);
    }
}
