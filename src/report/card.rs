//! The model card: what a model is, its training data, its scores and its limits.

use std::fmt::Write;

use super::evaluation::evaluation_markdown;
use crate::evaluate::Evaluation;
use crate::model::{Model, VariableModel};

/// A model card in Markdown with the front matter that model hubs read.
///
/// `evaluation` is on statements that were unseen by the model, or by a model trained in the same
/// way. `how` explains in one sentence how this was ensured. `notes`, if not empty, come at the
/// end.
pub fn model_card(model: &Model, evaluation: &Evaluation, how: &str, notes: &str) -> String {
    let mut out = front_matter(model, evaluation);
    let origin = model.origin();
    let _ = writeln!(out, "# {}\n", origin.name);
    let _ = writeln!(
        out,
        "Codes a statement (one complaint, or one sentence or short turn of an interview) by {}, with the codebook \
         `{}` {} (sha256 {}). Made by konflik {}.\n",
        join(
            &model
                .variables()
                .iter()
                .map(|v| format!("`{}`", v.id))
                .collect::<Vec<_>>()
        ),
        model.codebook().id,
        model.codebook().version,
        model.codebook().hash().short(),
        env!("CARGO_PKG_VERSION"),
    );
    out.push_str("## Learned from\n\n");
    let languages: Vec<String> = origin
        .languages
        .iter()
        .map(|(l, n)| format!("{l} {n}"))
        .collect();
    let _ = writeln!(
        out,
        "{} statements in {} groups ({}); corpus sha256 {}.\n",
        origin.statements,
        origin.groups,
        languages.join(", "),
        origin.corpus_hash.get(..12).unwrap_or(&origin.corpus_hash)
    );
    for variable in model.variables() {
        let _ = writeln!(out, "- {}: {}", variable.id, counts(variable));
    }
    let _ = writeln!(
        out,
        "\n{} lexical features (words, word pairs, letters inside words, sub-word pieces), {} cues; a sparse softmax \
         regression per variable (C = {}) under a calibrated head.\n",
        model.feature_count(),
        model.extractor().cues().names().len(),
        origin.params.cost,
    );
    let _ = writeln!(out, "## Scores\n\n{how}\n");
    // The evaluation is normally a separate document; here it becomes a section.
    let scores = evaluation_markdown(evaluation);
    let body = scores.split_once("\n\n").map_or("", |(_, body)| body);
    out.push_str(&body.replace("\n## ", "\n### "));
    out.push_str(&limits(model));
    if !notes.is_empty() {
        let _ = write!(out, "\n{}\n", notes.trim_end());
    }
    out
}

fn front_matter(model: &Model, evaluation: &Evaluation) -> String {
    let mut out =
        String::from("---\nlibrary_name: konflik\npipeline_tag: text-classification\nlanguage:\n");
    let languages = model.origin().languages.iter().map(|(l, _)| l.as_str());
    for language in languages.filter(|l| l.len() == 2) {
        let _ = writeln!(out, "- {language}");
    }
    let _ = writeln!(
        out,
        "metrics:\n- f1\n- accuracy\n- brier_score\nmodel-index:\n- name: {}\n  results:",
        yaml_string(&model.origin().name)
    );
    for variable in &evaluation.variables {
        let _ = writeln!(
            out,
            "  - task:\n      type: text-classification\n      name: {}\n    dataset:\n      type: csv\n      name: {}\n    metrics:",
            variable.id,
            yaml_string(&evaluation.gold)
        );
        let scores = [
            ("f1", "macro-F1", &variable.overall.macro_f1),
            ("accuracy", "accuracy", &variable.overall.accuracy),
            (
                "ece",
                "expected calibration error",
                &variable.calibration.ece,
            ),
            ("brier_score", "Brier score", &variable.calibration.brier),
        ];
        for (kind, name, score) in scores {
            if let Some(value) = score.value {
                let _ = writeln!(
                    out,
                    "    - type: {kind}\n      name: {name}\n      value: {value:.4}"
                );
            }
        }
    }
    out.push_str("---\n\n");
    out
}

fn yaml_string(text: &str) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}

fn counts(variable: &VariableModel) -> String {
    let parts: Vec<String> = variable
        .codes
        .iter()
        .zip(&variable.counts)
        .map(|(c, n)| format!("{c} {n}"))
        .collect();
    parts.join(", ")
}

fn join(words: &[String]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        _ => words.join(""),
    }
}

fn limits(model: &Model) -> String {
    let mut out = String::from("## Limits\n\n");
    out.push_str(
        "- It reads words, not situations: irony, negation (“not slow at all”) and what goes without saying are often missed.\n\
         - Statements from a source unlike the corpus are coded less well than the scores above say; code a random \
         sample by hand and run `konflik evaluate` before relying on it.\n\
         - A code says what a statement claims, not whether the claim is true, and nothing about the person.\n",
    );
    for variable in model.variables() {
        let t = &variable.thresholds;
        let _ = match t.auto {
            Some(auto) => writeln!(
                out,
                "- {}: `auto` from a probability of {auto:.3} ({:.0} % of unseen statements; stated error at most {:.0} %).",
                variable.id,
                100.0 * t.auto_coverage,
                100.0 * t.stated_error
            ),
            None => writeln!(
                out,
                "- {}: no probability kept the stated error of {:.0} %, so nothing is `auto`.",
                variable.id,
                100.0 * t.stated_error
            ),
        };
    }
    out
}
