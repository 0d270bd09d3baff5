//! An evaluation, for people to read.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::gate;
use super::style::{Style, few_groups, interval, percent, percent_interval, value};
use super::table::{Align, Table};
use crate::evaluate::{Calibration, Evaluation, Scores, VariableEvaluation};
use crate::model::Decision;

/// For a terminal.
pub fn evaluation_text(evaluation: &Evaluation) -> String {
    render(evaluation, Style::Text)
}

/// For a repository, a step summary or a report.
pub fn evaluation_markdown(evaluation: &Evaluation) -> String {
    format!(
        "# Evaluation of {}\n\n{}",
        evaluation.model,
        render(evaluation, Style::Markdown)
    )
}

fn render(evaluation: &Evaluation, style: Style) -> String {
    let mut out = String::new();
    let bootstrap = &evaluation.bootstrap;
    let _ = writeln!(
        out,
        "{} statements of {}; 95 % intervals from {} bootstrap draws of {}.",
        evaluation.statements, evaluation.gold, bootstrap.params.replicates, bootstrap.unit
    );
    out.push_str(&few_groups(bootstrap));
    if evaluation.seen_in_training > 0 {
        let _ = writeln!(
            out,
            "Warning: {} of them were in the training; scores on them say little about new statements.",
            evaluation.seen_in_training
        );
    }
    if evaluation.saying_nothing > 0 {
        let _ = writeln!(
            out,
            "{} of them say nothing, so they have no code and are not scored.",
            evaluation.saying_nothing
        );
    }
    out.push('\n');
    if let Some(verdict) = &evaluation.gate {
        out.push_str(&gate::section(verdict, style));
    }
    for variable in &evaluation.variables {
        out.push_str(&render_variable(variable, style));
    }
    out
}

fn render_variable(variable: &VariableEvaluation, style: Style) -> String {
    let mut out = style.heading(&variable.id);
    out.push_str(&style.table(&main_scores(variable)));
    out.push_str(&style.table(&by_code(&variable.overall)));
    out.push_str("Gold (rows) by predicted (columns):\n\n");
    out.push_str(&style.table(&confusion(variable)));
    out.push_str(&style.table(&decisions(variable)));
    out.push_str(&render_calibration(&variable.calibration, style));
    let slices = [
        ("language", &variable.by_language),
        ("source", &variable.by_source),
        ("length", &variable.by_length),
    ];
    let others = variable.by_variable.iter();
    for (name, slices) in slices
        .into_iter()
        .chain(others.map(|(name, slices)| (name.as_str(), slices)))
    {
        if !slices.is_empty() {
            out.push_str(&style.table(&by_slice(name, slices)));
        }
    }
    out
}

fn main_scores(variable: &VariableEvaluation) -> Table {
    let scores = &variable.overall;
    let mut table = Table::new(&[
        ("score", Align::Left),
        ("value", Align::Right),
        ("95 % interval", Align::Left),
        ("always the majority", Align::Right),
    ]);
    let base = &scores.baseline;
    let rows = [
        ("macro-F1", &scores.macro_f1, &base.macro_f1),
        ("accuracy", &scores.accuracy, &base.accuracy),
        ("alpha", &scores.alpha, &base.alpha),
    ];
    for (name, score, baseline) in rows {
        table.row([
            name.to_string(),
            value(score),
            interval(score),
            value(baseline),
        ]);
    }
    // Two coders often differ between the two best codes too.
    let top2 = &variable.calibration.top2_accuracy;
    if top2.value.is_some() {
        table.row([
            "top-2 accuracy".to_string(),
            value(top2),
            interval(top2),
            String::new(),
        ]);
    }
    table
}

fn by_code(scores: &Scores) -> Table {
    let mut table = Table::new(&[
        ("code", Align::Left),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
        ("95 % interval", Align::Left),
        ("baseline F1", Align::Right),
        ("support", Align::Right),
    ]);
    for (code, base) in scores.by_code.iter().zip(&scores.baseline.by_code) {
        table.row([
            code.code.clone(),
            value(&code.precision),
            value(&code.recall),
            value(&code.f1),
            interval(&code.f1),
            value(&base.f1),
            code.support.to_string(),
        ]);
    }
    table
}

fn confusion(variable: &VariableEvaluation) -> Table {
    let short = |code: &String| code.chars().take(11).collect::<String>();
    let names: Vec<String> = variable.codes.iter().map(short).collect();
    let mut header = vec![("gold", Align::Left)];
    header.extend(names.iter().map(|n| (n.as_str(), Align::Right)));
    let mut table = Table::new(&header);
    for (code, counts) in variable.codes.iter().zip(variable.overall.confusion.rows()) {
        table.row(std::iter::once(code.clone()).chain(counts.iter().map(ToString::to_string)));
    }
    table
}

fn decisions(variable: &VariableEvaluation) -> Table {
    let mut table = Table::new(&[
        ("decision", Align::Left),
        ("share", Align::Right),
        ("errors", Align::Right),
        ("exact 95 % interval", Align::Left),
        ("stated", Align::Right),
    ]);
    for row in &variable.decisions {
        let stated = match row.decision {
            Decision::Auto => format!("≤ {:.0} %", 100.0 * variable.stated_error),
            _ => String::new(),
        };
        let share = match variable.overall.n {
            0 => None,
            n => Some(row.n as f64 / n as f64),
        };
        table.row([
            row.decision.as_str().to_string(),
            share.map_or_else(|| "–".to_string(), percent),
            row.error_rate
                .value
                .map_or_else(|| "–".to_string(), percent),
            row.error_rate
                .interval
                .map_or(String::new(), percent_interval),
            stated,
        ]);
    }
    table
}

fn render_calibration(calibration: &Calibration, style: Style) -> String {
    let mut out = String::from(
        "Calibration: is what is called 80 % probable right in 80 % of cases? (0 is best of each)\n\n",
    );
    out.push_str(&style.table(&calibration_scores(calibration)));
    out.push_str(&style.table(&reliability(calibration)));
    out.push_str("Error rate if only the most probable are kept:\n\n");
    out.push_str(&style.table(&risk_coverage(calibration)));
    out
}

fn calibration_scores(calibration: &Calibration) -> Table {
    let mut table = Table::new(&[
        ("calibration", Align::Left),
        ("value", Align::Right),
        ("95 % interval", Align::Left),
    ]);
    let rows = [
        ("ECE (15 equal-width bins)", &calibration.ece),
        ("Brier score (0 to 2)", &calibration.brier),
        ("log loss", &calibration.log_loss),
        ("area under risk-coverage", &calibration.aurc),
    ];
    for (name, score) in rows {
        table.row([name.to_string(), value(score), interval(score)]);
    }
    table
}

fn reliability(calibration: &Calibration) -> Table {
    let mut table = Table::new(&[
        ("probability", Align::Left),
        ("n", Align::Right),
        ("mean", Align::Right),
        ("right", Align::Right),
        ("95 % interval", Align::Left),
    ]);
    for bin in &calibration.reliability {
        table.row([
            format!("{:.3} to {:.3}", bin.from, bin.to),
            bin.n.to_string(),
            percent(bin.confidence),
            bin.accuracy.value.map_or(String::new(), percent),
            bin.accuracy
                .interval
                .map_or(String::new(), percent_interval),
        ]);
    }
    table
}

fn risk_coverage(calibration: &Calibration) -> Table {
    let mut table = Table::new(&[
        ("kept", Align::Right),
        ("n", Align::Right),
        ("probability from", Align::Right),
        ("errors", Align::Right),
    ]);
    // Only every second twentieth; the JSON form has all.
    for point in calibration.risk_coverage.iter().skip(1).step_by(2) {
        table.row([
            format!("{:.0} %", 100.0 * point.coverage),
            point.n.to_string(),
            format!("{:.3}", point.confidence),
            percent(point.risk),
        ]);
    }
    table
}

fn by_slice(name: &str, slices: &BTreeMap<String, Scores>) -> Table {
    let mut table = Table::new(&[
        (name, Align::Left),
        ("n", Align::Right),
        ("macro-F1", Align::Right),
        ("95 % interval", Align::Left),
        ("accuracy", Align::Right),
        ("alpha", Align::Right),
        ("baseline macro-F1", Align::Right),
    ]);
    for (key, scores) in slices {
        table.row([
            key.clone(),
            scores.n.to_string(),
            value(&scores.macro_f1),
            interval(&scores.macro_f1),
            value(&scores.accuracy),
            value(&scores.alpha),
            value(&scores.baseline.macro_f1),
        ]);
    }
    table
}
