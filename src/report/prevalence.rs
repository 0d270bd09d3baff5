//! Shares of codes, for people to read.

use std::fmt::Write;

use super::style::{Style, few_groups, percent, percent_interval};
use super::table::{Align, Table};
use crate::evaluate::{CodePrevalence, Prevalence, Score, SlicePrevalence};

/// For a terminal.
pub fn prevalence_text(prevalence: &Prevalence) -> String {
    render(prevalence, Style::Text)
}

/// For a repository or a report.
pub fn prevalence_markdown(prevalence: &Prevalence) -> String {
    format!(
        "# Shares in {}\n\n{}",
        prevalence.labelled,
        render(prevalence, Style::Markdown)
    )
}

fn render(prevalence: &Prevalence, style: Style) -> String {
    let mut out = format!(
        "{} labelled statements of {}, sample coded by people: {}.\n\
         The share is corrected for the model's errors by prediction-powered inference (95 % interval). Counting only \
         the model's codes (last column) keeps the full error of the model.\n",
        prevalence.statements, prevalence.labelled, prevalence.gold
    );
    if let Some(bootstrap) = &prevalence.bootstrap {
        let _ = writeln!(
            out,
            "Statements come in groups: intervals are from {} draws of {}.",
            bootstrap.params.replicates, bootstrap.unit
        );
        out.push_str(&few_groups(bootstrap));
    }
    if prevalence.strangers > 0 {
        let _ = writeln!(
            out,
            "Left out: {} sample statements that the labelled file does not have.",
            prevalence.strangers
        );
    }
    out.push('\n');
    for variable in &prevalence.variables {
        out.push_str(&style.heading(&variable.id));
        out.push_str(&slice(&variable.overall, prevalence.margin, style));
        for (column, slices) in &variable.slices {
            out.push_str(&style.table(&by_value(column, slices.iter())));
        }
    }
    if prevalence
        .variables
        .iter()
        .any(|v| v.overall.codes.iter().any(|c| c.is_rough))
    {
        out.push_str(
            "* fewer than ten in the sample with the code, or without it: the interval is rough.\n",
        );
    }
    out
}

fn slice(slice: &SlicePrevalence, margin: f64, style: Style) -> String {
    let points = format!("more rows for ± {:.1} points", 100.0 * margin);
    let mut table = Table::new(&[
        ("code", Align::Left),
        ("share", Align::Right),
        ("95 % interval", Align::Left),
        ("sample alone", Align::Right),
        ("95 % interval", Align::Left),
        ("adjusted count", Align::Right),
        ("95 % interval", Align::Left),
        (&points, Align::Right),
        ("uncorrected", Align::Right),
    ]);
    for code in &slice.codes {
        table.row([
            name(code),
            share(code.estimate.value),
            interval(&code.estimate),
            share(code.sample.value),
            interval(&code.sample),
            share(code.adjusted.value),
            interval(&code.adjusted),
            more_rows(code),
            share(code.naive),
        ]);
    }
    let sizes = format!(
        "{} statements, {} of them in the sample.\n\n",
        slice.labelled, slice.sample
    );
    sizes + &style.table(&table)
}

fn by_value<'a>(
    column: &str,
    slices: impl Iterator<Item = (&'a String, &'a SlicePrevalence)>,
) -> Table {
    let mut table = Table::new(&[
        (column, Align::Left),
        ("n", Align::Right),
        ("sample", Align::Right),
        ("code", Align::Left),
        ("share", Align::Right),
        ("95 % interval", Align::Left),
        ("uncorrected", Align::Right),
    ]);
    for (value, slice) in slices {
        for code in &slice.codes {
            table.row([
                value.clone(),
                slice.labelled.to_string(),
                slice.sample.to_string(),
                name(code),
                share(code.estimate.value),
                interval(&code.estimate),
                share(code.naive),
            ]);
        }
    }
    table
}

fn name(code: &CodePrevalence) -> String {
    format!("{}{}", code.code, if code.is_rough { " *" } else { "" })
}

fn more_rows(code: &CodePrevalence) -> String {
    match (code.more_rows, code.estimate.interval) {
        (Some(n), _) => n.to_string(),
        (None, Some(_)) => "more than there are".to_string(),
        (None, None) => "–".to_string(),
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_string(), percent)
}

fn interval(score: &Score) -> String {
    match (score.interval, score.reason) {
        (Some(interval), _) => percent_interval(interval),
        (None, reason) => reason.unwrap_or_default().to_string(),
    }
}
