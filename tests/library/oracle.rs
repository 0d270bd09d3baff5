//! Numbers against those of independent programs (see `tests/oracle/README.md`).

use konflik::evaluate::Confusion;
use konflik::features::FeatureMatrix;
use konflik::model::{SoftmaxRegression, Targets};
use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::Array1;
use serde::Deserialize;

#[derive(Deserialize)]
struct Softmax {
    cases: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    features: usize,
    classes: usize,
    rows: Vec<Vec<(u32, f32)>>,
    codes: Vec<usize>,
    weights: Vec<f64>,
    optima: Vec<Optimum>,
}

#[derive(Deserialize)]
struct Optimum {
    cost: f64,
    objective: f64,
    probabilities: Vec<Vec<f64>>,
}

/// The objective comes within 1e-4 of scikit-learn's optimum, never below what the duality gap
/// allows, and the probabilities agree.
#[test]
fn the_softmax_regression_reaches_scikit_learns_optimum() {
    let fixture: Softmax = serde_json::from_str(include_str!("../oracle/softmax.json")).unwrap();
    for problem in &fixture.cases {
        let matrix = FeatureMatrix::from_sparse_rows(
            problem.features,
            problem.rows.iter().map(Vec::as_slice),
        );
        let mut targets = Targets::from_codes(&problem.codes, problem.classes);
        targets.weights = Array1::from_vec(problem.weights.clone());
        let dataset = DatasetBase::new(matrix, targets);
        for optimum in &problem.optima {
            let fitted = SoftmaxRegression::new(problem.classes)
                .cost(optimum.cost)
                .tolerance(1e-5)
                .max_epochs(20_000)
                .fit(&dataset)
                .unwrap();
            let relative = (fitted.objective - optimum.objective) / optimum.objective;
            assert!(
                (-1e-6..1e-4).contains(&relative),
                "C {}: {relative:e}",
                optimum.cost
            );
            assert!(fitted.objective - fitted.gap <= optimum.objective * (1.0 + 1e-6));
            let mut probabilities = fitted.default_target(dataset.records());
            fitted.predict_inplace(dataset.records(), &mut probabilities);
            for (ours, theirs) in probabilities.rows().into_iter().zip(&optimum.probabilities) {
                for (a, b) in ours.iter().zip(theirs) {
                    assert!((a - b).abs() < 5e-3, "C {}: {a} {b}", optimum.cost);
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Scores {
    cases: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    classes: usize,
    gold: Vec<usize>,
    predicted: Vec<usize>,
    accuracy: f64,
    macro_f1: f64,
    alpha: f64,
    precision: Vec<Option<f64>>,
    recall: Vec<Option<f64>>,
    f1: Vec<Option<f64>>,
    support: Vec<u64>,
    confusion: Vec<Vec<u64>>,
}

#[test]
fn scores_are_those_of_scikit_learn_and_krippendorff() {
    let fixture: Scores = serde_json::from_str(include_str!("../oracle/scores.json")).unwrap();
    let close = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs) {
        (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{a} {b}"),
        (a, b) => assert_eq!(a, b),
    };
    for coding in &fixture.cases {
        let mut confusion = Confusion::new(coding.classes);
        for (gold, predicted) in coding.gold.iter().zip(&coding.predicted) {
            confusion.add(*gold, *predicted);
        }
        assert_eq!(confusion.rows(), coding.confusion);
        close(confusion.accuracy().ok(), Some(coding.accuracy));
        close(confusion.macro_f1().ok(), Some(coding.macro_f1));
        close(confusion.alpha().ok(), Some(coding.alpha));
        for k in 0..coding.classes {
            assert_eq!(confusion.support(k), coding.support[k]);
            close(confusion.precision(k).ok(), coding.precision[k]);
            close(confusion.recall(k).ok(), coding.recall[k]);
            close(confusion.f1(k).ok(), coding.f1[k]);
        }
    }
}
