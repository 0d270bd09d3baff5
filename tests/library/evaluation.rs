//! Calibration, tests of proportions, comparisons and doubts against independent programs
//! (`tests/oracle/calibration.py`, `compare.py`, `doubts.py`).

use std::fmt::Write;
use std::fs;

use konflik::corpus::Labels;
use konflik::evaluate::{
    Calibration, Comparison, EvaluateParams, Forecast, clopper_pearson, compare, doubtful,
    evaluate, mcnemar_exact, wilson,
};
use konflik::label::Prediction;
use konflik::model::{Decision, OutOfFold, OutOfFoldRow};
use konflik::{Codebook, Corpus, Model, ReadOptions};
use serde::Deserialize;

use super::common::project;

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
    top2_accuracy: Option<f64>,
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
        assert_eq!(
            ours.top2_accuracy.value.is_some(),
            case.top2_accuracy.is_some()
        );
        if let (Some(ours), Some(theirs)) = (ours.top2_accuracy.value, case.top2_accuracy) {
            close(ours, theirs);
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

#[derive(Deserialize)]
struct Codings {
    group: Vec<usize>,
    gold: Vec<usize>,
    a: Vec<usize>,
    b: Vec<usize>,
    scores_a: [f64; 2],
    scores_b: [f64; 2],
    intervals: [[f64; 2]; 2],
    only_a: u64,
    only_b: u64,
    p: f64,
}

const CODES: [&str; 3] = ["realistic", "non_realistic", "none"];

fn compared(codings: &Codings) -> Comparison {
    let folder = tempfile::tempdir().unwrap();
    let mut files = [
        "id,text,group,conflict\n".to_string(),
        "id,konflik_conflict\n".to_string(),
        "id,konflik_conflict\n".to_string(),
    ];
    for (i, group) in codings.group.iter().enumerate() {
        writeln!(files[0], "{i},x,{group},{}", CODES[codings.gold[i]]).unwrap();
        writeln!(files[1], "{i},{}", CODES[codings.a[i]]).unwrap();
        writeln!(files[2], "{i},{}", CODES[codings.b[i]]).unwrap();
    }
    let [gold, a, b] = [0, 1, 2].map(|i| {
        let path = folder.path().join(format!("{i}.csv"));
        fs::write(&path, &files[i]).unwrap();
        path
    });
    let codebook = Codebook::read(&project("corpus/codebook.toml")).unwrap();
    let labels = |path| Labels::read(path, &codebook, "konflik_").unwrap();
    let (a, b) = (labels(&a), labels(&b));
    let gold = Corpus::read(&gold, codebook, &ReadOptions::default()).unwrap();
    compare(&gold, &a, &b, &EvaluateParams::default()).unwrap()
}

#[test]
fn a_comparison_is_that_of_scikit_learn_statsmodels_and_numpy() {
    let codings: Codings = serde_json::from_str(include_str!("../oracle/compare.json")).unwrap();
    let comparison = compared(&codings);
    let [conflict] = comparison.variables.as_slice() else {
        panic!("only conflict is coded")
    };
    for (i, ours) in [&conflict.macro_f1, &conflict.accuracy]
        .into_iter()
        .enumerate()
    {
        close(ours.a.value.unwrap(), codings.scores_a[i]);
        close(ours.b.value.unwrap(), codings.scores_b[i]);
        close(
            ours.difference.value.unwrap(),
            codings.scores_b[i] - codings.scores_a[i],
        );
        let interval = ours.difference.interval.unwrap();
        for (ours, theirs) in interval.iter().zip(codings.intervals[i]) {
            assert!((ours - theirs).abs() < 0.008, "{interval:?} {theirs}");
        }
    }
    let test = &conflict.mcnemar;
    assert_eq!((test.only_a, test.only_b), (codings.only_a, codings.only_b));
    assert!((test.p / codings.p - 1.0).abs() < 1e-9);
    let flips = &conflict.flips;
    assert_eq!(
        (flips.broken, flips.fixed),
        (codings.only_a, codings.only_b)
    );
    let all = flips.right + flips.fixed + flips.broken + flips.still_wrong + flips.same_wrong;
    assert_eq!(all, conflict.n);
    let changed = codings.a.iter().zip(&codings.b).filter(|(a, b)| a != b);
    assert_eq!(conflict.changes.len(), changed.count());
}

/// A gold statement is judged as `label` judges it: one that says nothing has no code, an answer
/// without its question abstains.
#[test]
fn evaluation_judges_as_labelling_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold.csv");
    let table = "id,text,conflict,topic\n\
        1,-,none,other\n\
        2,\"Belum, Pak.\",none,other\n\
        3,Obat saya sudah dua minggu kosong di apotek.,realistic,facilities\n\
        4,\"Terima kasih, perawatnya ramah dan cepat.\",none,staff\n";
    fs::write(&path, table).unwrap();
    let codebook = Codebook::read(&project("corpus/codebook.toml")).unwrap();
    let gold = Corpus::read(&path, codebook, &ReadOptions::default()).unwrap();
    let model = Model::starter().unwrap();
    let evaluation = evaluate(&model, &gold, &EvaluateParams::default()).unwrap();
    assert_eq!((evaluation.statements, evaluation.saying_nothing), (4, 1));
    for (position, variable) in evaluation.variables.iter().enumerate() {
        assert_eq!(variable.overall.n, 3);
        let labelled = gold.statements.iter().map(|s| model.predict(&s.text));
        let labelled: Vec<_> = labelled.filter_map(Result::unwrap).collect();
        for scores in &variable.decisions {
            let same = |p: &&Prediction| p.variables[position].decision == scores.decision;
            assert_eq!(scores.n as usize, labelled.iter().filter(same).count());
        }
    }
}

#[derive(Deserialize)]
struct Doubts {
    cases: Vec<DoubtCase>,
}

#[derive(Deserialize)]
struct DoubtCase {
    given: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    doubtful: Vec<usize>,
}

#[test]
fn doubts_are_those_of_cleanlab_in_its_order() {
    let fixture: Doubts = serde_json::from_str(include_str!("../oracle/doubts.json")).unwrap();
    for case in &fixture.cases {
        let rows = case.given.iter().zip(&case.probabilities).enumerate();
        let variable = OutOfFold {
            variable: "v".into(),
            rows: rows
                .map(|(i, (&code, probabilities))| OutOfFoldRow {
                    id: i.to_string(),
                    code,
                    probabilities: probabilities.clone(),
                    decision: Decision::Review,
                })
                .collect(),
        };
        let ours: Vec<usize> = doubtful(&variable)
            .iter()
            .map(|doubt| doubt.id.parse().unwrap())
            .collect();
        assert!(!ours.is_empty());
        assert_eq!(ours, case.doubtful);
    }
}
