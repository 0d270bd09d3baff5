//! Messages that several verbs print.

use anyhow::Result;
use konflik::ingest::Rejected;
use konflik::label::LabelCounts;
use konflik::model::{Aids, Step, TrainParams, Training, train_with};
use konflik::{Corpus, Evaluation, Model};

use super::console::Console;

/// Number of rejected rows to show; the others are only counted.
pub(super) const SHOWN_REJECTS: usize = 5;

/// Part of the line of counts, if there are such rows.
pub(super) fn saying_nothing(counts: &LabelCounts) -> String {
    let part = |n: u64, what: &str| match n {
        0 => String::new(),
        n => format!(", {n} {what}"),
    };
    part(counts.silent, "saying nothing") + &part(counts.context, "of an interviewer")
}

/// The message about a row that could not be read.
pub(super) fn left_out(row: &Rejected) -> String {
    let lines = match row.last_line.saturating_sub(row.at.line) {
        0 => String::new(),
        _ => format!(" (the row runs to line {})", row.last_line),
    };
    format!(
        "[{}] {}: {}{lines}; row left out",
        row.fault.code(),
        row.at,
        row.fault
    )
}

/// For each variable, the number of statements per code and per decision.
pub(super) fn decision_lines(counts: &LabelCounts, model: &Model) -> Vec<String> {
    let line = |(position, variable): (usize, &konflik::model::VariableModel)| {
        let of_variable = counts.codes.iter().filter(|((v, _), _)| *v == position);
        let mut sums = [0u64; 3];
        let mut codes: Vec<(u64, &str)> = Vec::new();
        for ((_, code), by_decision) in of_variable {
            sums.iter_mut().zip(by_decision).for_each(|(s, n)| *s += n);
            codes.push((by_decision.iter().sum(), &variable.codes[*code]));
        }
        codes.sort_by_key(|(n, code)| (std::cmp::Reverse(*n), *code));
        let list: Vec<String> = codes
            .iter()
            .map(|(n, code)| format!("{code} {n}"))
            .collect();
        let [auto, review, abstain] = sums;
        format!(
            "  {}: {} (auto {auto}, review {review}, abstain {abstain})",
            variable.id,
            list.join(", ")
        )
    };
    model.variables().iter().enumerate().map(line).collect()
}

/// How out-of-fold scores are computed, for a model card.
pub(super) fn out_of_fold_sentence(folds: usize) -> String {
    format!(
        "Out-of-fold scores ({folds} folds by group): the regression and the head that coded a statement, and the \
         thresholds of its decision, were fitted on statements of other folds; the vocabulary is of all texts."
    )
}

/// Trains with a progress bar, then prints the warnings.
pub(super) fn watched(
    console: &Console,
    corpus: &Corpus,
    name: &str,
    params: &TrainParams,
    aids: Aids<'_>,
) -> Result<Training> {
    let bar = console.steps(1, "reading words");
    let training = train_with(corpus, name, params, aids, &|step| match step {
        Step::Views => {}
        Step::Regressions { done, total } => {
            bar.set_message("training");
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Step::Heads => bar.set_message("calibrating"),
    });
    bar.finish_and_clear();
    let training = training?;
    training.warnings.iter().for_each(|w| console.warn(w));
    Ok(training)
}

/// One line per variable with its main scores.
pub(super) fn score_lines(evaluation: &Evaluation) -> Vec<String> {
    let value = |v: Option<f64>| v.map_or_else(|| "undefined".to_string(), |v| format!("{v:.3}"));
    let line = |v: &konflik::evaluate::VariableEvaluation| {
        let o = &v.overall;
        let interval = o.macro_f1.interval.map_or(String::new(), |[low, high]| {
            format!(" [{low:.3} to {high:.3}]")
        });
        format!(
            "{}: macro-F1 {}{interval}, always {} {}; alpha {}",
            v.id,
            value(o.macro_f1.value),
            o.baseline.code,
            value(o.baseline.macro_f1.value),
            value(o.alpha.value),
        )
    };
    evaluation.variables.iter().map(line).collect()
}
