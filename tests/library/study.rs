//! Trainings compared: tuning, ablations, learning curves.

use std::sync::Mutex;

use konflik::evaluate::{EvaluateParams, ablate, learning_curve, tune};
use konflik::model::{Aids, TrainParams};
use konflik::{Error, Model};

use super::common::{small_corpus, trained};

fn quick() -> TrainParams {
    {
        let mut params = TrainParams::default();
        params.head_alphas = vec![100.0];
        params
    }
}

/// From a setting that is far off, the search comes back, the same way each time and whatever
/// the number of threads.
#[test]
fn tuning_mends_a_bad_setting_and_is_deterministic() {
    let corpus = small_corpus();
    let mut bad = quick();
    bad.cost = 0.3;
    bad.semantic_weight = 0.125;
    let heard = Mutex::new(0);
    let search = || {
        tune(&corpus, &bad, Aids::default(), &|_| {
            *heard.lock().unwrap() += 1;
        })
        .unwrap()
    };
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let (one, two) = (single.install(search), search());
    assert_eq!(one, two);
    assert_eq!(*heard.lock().unwrap(), 2 * one.trials.len());
    assert!(
        one.after > one.before + 0.03,
        "{} {}",
        one.before,
        one.after
    );
    assert!(one.params.cost > bad.cost || one.params.semantic_weight > bad.semantic_weight);
    for trial in &one.trials {
        assert_eq!(trial.kept, trial.gain > trial.error, "{trial:?}");
    }
    let kept = one.trials.iter().rev().find(|t| t.kept).unwrap();
    assert!((kept.macro_f1 - one.after).abs() < 1e-12);
}

/// A model that is started from brings its features: they are not searched.
#[test]
fn tuning_leaves_the_features_of_a_prior_alone() {
    let corpus = small_corpus();
    let prior = trained(&corpus).model;
    let aids = Aids {
        prior: Some(&prior),
        ..Aids::default()
    };
    let tuning = tune(&corpus, &quick(), aids, &|_| {}).unwrap();
    assert!(tuning.trials.iter().all(|t| !t.name.starts_with("char")));
    assert_eq!(tuning.params.lexical, quick().lexical);
}

#[test]
fn an_ablation_compares_each_view_with_all() {
    let corpus = small_corpus();
    let mut evaluate = EvaluateParams::default();
    evaluate.replicates = 50;
    let ablation = ablate(&corpus, &quick(), Aids::default(), &evaluate, &|_, _| {}).unwrap();
    let names: Vec<&str> = ablation.rows.iter().map(|r| r.views.as_str()).collect();
    assert_eq!(
        names[..3],
        ["without lexical", "without semantic", "without cues"]
    );
    for row in &ablation.rows {
        for score in &row.variables {
            let d = &score.macro_f1;
            let by_hand = d.b.value.unwrap() - d.a.value.unwrap();
            assert!((d.difference.value.unwrap() - by_hand).abs() < 1e-12);
        }
    }
    let lost = ablation.rows[1].variables[1]
        .macro_f1
        .difference
        .value
        .unwrap();
    assert!(
        lost < 0.0,
        "topics are worse without the semantic view: {lost}"
    );
}

#[test]
fn a_learning_curve_rises_and_says_what_could_not_be_measured() {
    let corpus = small_corpus();
    let curve = learning_curve(&corpus, &|_| quick(), Aids::default(), 1, &|_, _| {}).unwrap();
    let sizes: Vec<usize> = curve.points.iter().map(|p| p.size).collect();
    assert_eq!(sizes, [50, 100, 200, 500, 1000]);
    let conflict = |i: usize| curve.points[i].macro_f1[0].value;
    assert!(conflict(2).unwrap() > conflict(0).unwrap());
    assert_eq!(conflict(4), None);
    assert!(
        curve.points[4].macro_f1[1]
            .reason
            .unwrap()
            .contains("too few")
    );
    let svg = konflik::report::curve_svg(&curve);
    assert!(svg.ends_with("</svg>\n") && svg.matches("<circle").count() == 6);
}

/// Statements that the model to start from was trained on would flatter it.
#[test]
fn a_learning_curve_is_not_scored_on_what_the_prior_has_seen() {
    let corpus = small_corpus();
    let prior = Model::starter().unwrap();
    let aids = Aids {
        prior: Some(&prior),
        ..Aids::default()
    };
    let result = learning_curve(&corpus, &|_| quick(), aids, 1, &|_, _| {});
    assert!(matches!(result, Err(Error::NotMeasured { .. })));
}
