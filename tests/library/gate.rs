//! Gates over a real evaluation and its baseline.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use konflik::evaluate::{Check, EvaluateParams, Gate, GateOutcome, Verdict, evaluate};
use konflik::{Error, Evaluation, Model};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::small_corpus;

/// The starter model on statements that it knows: what is measured doesn't matter here.
fn evaluation() -> &'static Evaluation {
    static EVALUATION: OnceLock<Evaluation> = OnceLock::new();
    EVALUATION.get_or_init(|| {
        let mut params = EvaluateParams::default();
        params.replicates = 100;
        evaluate(&Model::starter().unwrap(), &small_corpus(), &params).unwrap()
    })
}

const ALL_SEEN: &str = "max_seen = 1\n";

fn gate(folder: &Path, text: &str) -> konflik::Result<Gate> {
    let path = folder.join("gate.toml");
    fs::write(&path, format!("schema_version = 1\n{text}")).unwrap();
    Gate::read(&path)
}

fn judged(rules: &str) -> Verdict {
    let folder = TempDir::new().unwrap();
    gate(folder.path(), &format!("{ALL_SEEN}{rules}"))
        .unwrap()
        .judge(evaluation())
}

/// Judges against a baseline that is the evaluation after `change`.
fn against_baseline(bounds: &str, change: impl Fn(&mut Value)) -> Check {
    let folder = TempDir::new().unwrap();
    let mut baseline = serde_json::to_value(evaluation()).unwrap();
    change(&mut baseline);
    let bytes = baseline.to_string();
    fs::write(folder.path().join("baseline.json"), &bytes).unwrap();
    let hash = konflik::base::hash::Hash::of(bytes.as_bytes());
    let text = format!(
        "{ALL_SEEN}baseline = {{ file = \"baseline.json\", sha256 = \"{hash}\" }}\n\
         [[rule]]\nvariable = \"conflict\"\n{bounds}"
    );
    let verdict = gate(folder.path(), &text).unwrap().judge(evaluation());
    assert_eq!(verdict.baseline.unwrap().sha256, hash.to_string());
    verdict.checks[0].clone()
}

fn raise(path: &'static str, by: f64) -> impl Fn(&mut Value) {
    move |baseline| {
        let place = baseline.pointer_mut(path).unwrap();
        *place = json!(place.as_f64().unwrap() + by);
    }
}

const LOWER: &str = "/variables/0/overall/macro_f1/interval/0";
const UPPER: &str = "/variables/0/calibration/brier/interval/1";

#[test]
fn a_drop_is_measured_between_ends_of_intervals() {
    for (bound, outcome) in [("0.04", GateOutcome::Missed), ("0.06", GateOutcome::Passed)] {
        let bounds = format!("score = \"macro_f1\"\nmax_drop = {bound}");
        let check = against_baseline(&bounds, raise(LOWER, 0.05));
        assert_eq!(check.outcome, outcome, "{check:?}");
        assert!((check.judged.unwrap() - 0.05).abs() < 1e-9);
    }
    let same = against_baseline("score = \"macro_f1\"\nmax_drop = 0", |_| {});
    assert_eq!(same.outcome, GateOutcome::Passed);
}

#[test]
fn an_error_may_not_rise() {
    let bounds = "score = \"brier\"\nmax_relative_drop = 0.1";
    let check = against_baseline(bounds, raise(UPPER, -0.05));
    assert_eq!(check.outcome, GateOutcome::Missed, "{check:?}");
    let better = against_baseline(bounds, raise(UPPER, 0.05));
    assert_eq!(better.outcome, GateOutcome::Passed);
    assert!(better.judged.unwrap() < 0.0);
}

#[test]
fn a_baseline_of_another_codebook_measures_nothing() {
    let bounds = "score = \"macro_f1\"\nmax_drop = 1";
    let check = against_baseline(bounds, |b| b["codebook"] = json!("other"));
    assert_eq!(check.outcome, GateOutcome::NotMeasured);
    let check = against_baseline(bounds, |b| b["variables"] = json!([]));
    assert_eq!(check.outcome, GateOutcome::NotMeasured);
}

/// A drop is between two evaluations of the same statements.
#[test]
fn a_baseline_on_other_statements_measures_nothing() {
    let bounds = "score = \"macro_f1\"\nmax_drop = 1";
    for (key, other) in [
        ("gold_sha256", json!("other")),
        ("gold_sha256", Value::Null),
        ("schema_version", json!(0)),
    ] {
        let check = against_baseline(bounds, |b| b[key] = other.clone());
        assert_eq!(check.outcome, GateOutcome::NotMeasured, "{key}");
    }
}

/// The model knows these statements by heart: floors and drops alike say nothing.
#[test]
fn what_was_learned_is_not_measured() {
    let folder = TempDir::new().unwrap();
    let floor = "[[rule]]\nvariable = \"conflict\"\nscore = \"alpha\"\nat_least = 0.1\n";
    let verdict = |max_seen: &str, evaluation: &Evaluation| {
        let gate = gate(folder.path(), &format!("{max_seen}{floor}")).unwrap();
        gate.judge(evaluation).checks[0].clone()
    };
    let all = evaluation();
    assert_eq!(all.seen_in_training, all.statements);
    let check = verdict("", all);
    assert_eq!(check.outcome, GateOutcome::NotMeasured);
    let reason = check.reason.unwrap();
    assert!(reason.contains("were in the training"), "{reason}");
    assert_eq!(verdict(ALL_SEEN, all).outcome, GateOutcome::Passed);
    let mut few = all.clone();
    few.seen_in_training = all.statements / 25;
    assert_eq!(verdict("", &few).outcome, GateOutcome::Passed);
    let strict = verdict("max_seen = 0\n", &few);
    assert_eq!(strict.outcome, GateOutcome::NotMeasured);
    let bounds = "score = \"alpha\"\nmax_drop = 1";
    let missing = |b: &mut Value| b["seen_in_training"] = Value::Null;
    let check = against_baseline(bounds, missing);
    assert_eq!(check.outcome, GateOutcome::NotMeasured);
}

/// The statements that people gave a code of another variable.
#[test]
fn another_variable_makes_slices() {
    let slices = &evaluation().variables[0].by_variable["topic"];
    let (topic, most) = slices.iter().max_by_key(|(_, s)| s.n).unwrap();
    let rule = |having: &str, support: u64| {
        judged(&format!(
            "min_support = {support}\n[[rule]]\nvariable = \"conflict\"\nscore = \"accuracy\"\n\
             where = {having}\nat_least = 0.1\n"
        ))
    };
    let one = format!("{{ topic = \"{topic}\" }}");
    let verdict = rule(&one, most.n);
    assert_eq!(verdict.outcome, GateOutcome::Passed);
    let check = &verdict.checks[0];
    assert_eq!(check.rule, format!("conflict accuracy, topic {topic}"));
    assert_eq!(
        (check.support, check.value),
        (Some(most.n), most.accuracy.value)
    );
    assert_eq!(check.judged, most.accuracy.interval.map(|[low, _]| low));
    assert_eq!(rule(&one, most.n + 1).outcome, GateOutcome::NotMeasured);
    for strange in ["{ topic = \"no such\" }", "{ colour = \"red\" }"] {
        assert_eq!(rule(strange, 1).outcome, GateOutcome::NotMeasured);
    }
    let topics: u64 = slices.values().map(|s| s.n).sum();
    assert_eq!(topics, evaluation().variables[0].overall.n);
    let conflicts = &evaluation().variables[1].by_variable["conflict"];
    assert_eq!(conflicts.len(), 3);
}

#[test]
fn slices_and_codes_are_found() {
    let verdict = judged(
        "[[rule]]\nvariable = \"conflict\"\nscore = \"f1\"\ncode = \"none\"\nlanguage = \"id\"\nat_least = 0.1\n\
         [[rule]]\nvariable = \"topic\"\nscore = \"alpha\"\nlength = \"medium\"\nat_least = 0.1\n\
         [[rule]]\nvariable = \"topic\"\nscore = \"accuracy\"\nsource = \"interview\"\nat_least = 0.1\n\
         [[rule]]\nvariable = \"topic\"\nscore = \"log_loss\"\nat_most = 5\n",
    );
    assert_eq!(verdict.outcome, GateOutcome::Passed, "{verdict:?}");
    let variable = &evaluation().variables[0];
    let of_code = &variable.by_language["id"].by_code[2];
    let check = &verdict.checks[0];
    assert_eq!(of_code.code, "none");
    assert_eq!(check.value, of_code.f1.value);
    assert_eq!(check.judged, of_code.f1.interval.map(|[low, _]| low));
    assert_eq!(check.support, Some(of_code.support));
    let lengths: u64 = variable.by_length.values().map(|s| s.n).sum();
    assert_eq!(lengths, variable.overall.n);
}

/// A value below the bound does not pass when chance could explain it.
#[test]
fn the_worse_end_is_judged() {
    let score = &evaluation().variables[1].calibration.brier;
    let (value, [_, high]) = (score.value.unwrap(), score.interval.unwrap());
    assert!(value < high);
    for (bound, outcome) in [
        (f64::midpoint(value, high), GateOutcome::Missed),
        (high, GateOutcome::Passed),
    ] {
        let rule = format!("[[rule]]\nvariable = \"topic\"\nscore = \"brier\"\nat_most = {bound}");
        assert_eq!(judged(&rule).outcome, outcome);
    }
}

/// A missed check outweighs one that could not be measured; neither is a pass.
#[test]
fn the_worst_outcome_counts() {
    let high = "[[rule]]\nvariable = \"conflict\"\nscore = \"alpha\"\nat_least = 1.1\n";
    let strange = "[[rule]]\nvariable = \"colour\"\nscore = \"alpha\"\nat_least = 0\n";
    let easy = "[[rule]]\nvariable = \"conflict\"\nscore = \"alpha\"\nat_least = 0\n";
    for (rules, outcome) in [
        (easy.to_string(), GateOutcome::Passed),
        (format!("{easy}{strange}"), GateOutcome::NotMeasured),
        (format!("{strange}{high}{easy}"), GateOutcome::Missed),
    ] {
        assert_eq!(judged(&rules).outcome, outcome);
    }
}

#[test]
fn contradictions_are_refused_with_their_line() {
    let folder = TempDir::new().unwrap();
    for rule in [
        "score = \"f1\"\nat_least = 0.5",
        "score = \"alpha\"\ncode = \"none\"\nat_least = 0.5",
        "score = \"alpha\"",
        "score = \"alpha\"\nat_most = 0.5",
        "score = \"ece\"\nat_least = 0.5",
        "score = \"ece\"\nlanguage = \"id\"\nat_most = 0.5",
        "score = \"alpha\"\nlanguage = \"id\"\nsource = \"x\"\nat_least = 0.5",
        "score = \"alpha\"\nlanguage = \"id\"\nwhere = { topic = \"access\" }\nat_least = 0.5",
        "score = \"alpha\"\nwhere = { topic = \"access\", language = \"x\" }\nat_least = 0.5",
        "score = \"alpha\"\nwhere = { conflict = \"none\" }\nat_least = 0.5",
        "score = \"alpha\"\nmax_drop = 0.5",
        "score = \"alpha\"\nat_least = nan",
    ] {
        let text = format!("\n[[rule]]\nvariable = \"conflict\"\n{rule}\n");
        match gate(folder.path(), &text) {
            Err(Error::Gate { at, .. }) => assert_eq!(at.line, 3, "{rule}"),
            other => panic!("{rule}: {other:?}"),
        }
    }
    let misspelt = gate(folder.path(), "[[rule]]\nvarable = \"conflict\"\n");
    assert_eq!(misspelt.unwrap_err().code(), "K0401");
}

/// The example for continuous integration is a gate, and the starter model can be judged by it.
#[test]
fn the_example_gate_can_be_judged() {
    let example = super::common::project("examples/ci/gate.toml");
    let known = Gate::read(&example).unwrap().judge(evaluation());
    assert_eq!(known.outcome, GateOutcome::NotMeasured);
    let example = fs::read_to_string(example).unwrap();
    let folder = TempDir::new().unwrap();
    let text = example
        .replace("schema_version = 1\n", "")
        .replace("max_seen = 0.05", "max_seen = 1");
    let verdict = gate(folder.path(), &text).unwrap().judge(evaluation());
    assert!(verdict.checks.len() > 5);
    assert_eq!(verdict.outcome, GateOutcome::Passed, "{verdict:?}");
}
