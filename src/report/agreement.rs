//! Agreement of coders, for people to read.

use std::fmt::Write;

use super::style::{Style, few_groups, interval, value};
use super::table::{Align, Table};
use crate::evaluate::{Agreement, CoderSummary, VariableAgreement};

/// Number of code pairs that are listed; the JSON form has all.
const SHOWN_CONFUSIONS: usize = 10;

/// For a terminal.
pub fn agreement_text(agreement: &Agreement) -> String {
    render(agreement, Style::Text)
}

/// For a repository or a report.
pub fn agreement_markdown(agreement: &Agreement) -> String {
    format!(
        "# Agreement of coders\n\n{}",
        render(agreement, Style::Markdown)
    )
}

fn render(agreement: &Agreement, style: Style) -> String {
    let mut out = String::new();
    let names: Vec<&str> = agreement.coders.iter().map(|c| c.name.as_str()).collect();
    let _ = writeln!(
        out,
        "{} coders ({}), {} statements; 95 % intervals from {} draws of {}.",
        names.len(),
        names.join(", "),
        agreement.statements,
        agreement.bootstrap.params.replicates,
        agreement.bootstrap.unit
    );
    out.push_str(&few_groups(&agreement.bootstrap));
    out.push('\n');
    for variable in &agreement.variables {
        out.push_str(&style.heading(&variable.id));
        out.push_str(&render_variable(variable, &agreement.coders, style));
    }
    out
}

fn render_variable(variable: &VariableAgreement, coders: &[CoderSummary], style: Style) -> String {
    let mut out = format!(
        "{} statements coded twice or more, {} by all.\n\n",
        variable.n, variable.complete
    );
    out.push_str(&style.table(&coefficients(variable)));
    if let Some(note) = &variable.note {
        let _ = writeln!(out, "{note}\n");
    }
    out.push_str(&style.table(&by_code(variable)));
    out.push_str(&style.table(&pairs(variable, coders)));
    if let Some(ceiling) = &variable.ceiling {
        let _ = writeln!(
            out,
            "Mean alpha of two people: {} ({}); of a person and the model: {} ({}). No model can be expected to agree \
             better than people agree with each other.\n",
            value(&ceiling.people),
            interval(&ceiling.people),
            value(&ceiling.model),
            interval(&ceiling.model)
        );
    }
    if !variable.confusions.is_empty() {
        out.push_str(&style.table(&confusions(variable)));
    }
    out
}

fn coefficients(variable: &VariableAgreement) -> Table {
    let mut table = Table::new(&[
        ("coefficient", Align::Left),
        ("value", Align::Right),
        ("95 % interval", Align::Left),
    ]);
    let of = &variable.overall;
    for (name, score) in [
        ("percent agreement", &of.percent),
        ("Krippendorff's alpha", &of.alpha),
        ("Fleiss' kappa", &variable.fleiss_kappa),
        ("Gwet's AC1", &of.ac1),
    ] {
        table.row([name.to_string(), value(score), interval(score)]);
    }
    table
}

fn by_code(variable: &VariableAgreement) -> Table {
    let mut table = Table::new(&[
        ("code", Align::Left),
        ("codings", Align::Right),
        ("percent", Align::Right),
        ("alpha", Align::Right),
        ("95 % interval", Align::Left),
        ("AC1", Align::Right),
    ]);
    for code in &variable.by_code {
        let of = &code.coefficients;
        table.row([
            code.code.clone(),
            code.codings.to_string(),
            value(&of.percent),
            value(&of.alpha),
            interval(&of.alpha),
            value(&of.ac1),
        ]);
    }
    table
}

fn pairs(variable: &VariableAgreement, coders: &[CoderSummary]) -> Table {
    let mut table = Table::new(&[
        ("coders", Align::Left),
        ("n", Align::Right),
        ("percent", Align::Right),
        ("Cohen's kappa", Align::Right),
        ("95 % interval", Align::Left),
        ("alpha", Align::Right),
    ]);
    for pair in &variable.pairs {
        let names = [pair.first, pair.second].map(|c| coders[c].name.as_str());
        table.row([
            names.join(", "),
            pair.n.to_string(),
            value(&pair.percent),
            value(&pair.kappa),
            interval(&pair.kappa),
            value(&pair.alpha),
        ]);
    }
    table
}

fn confusions(variable: &VariableAgreement) -> Table {
    let mut table = Table::new(&[("both given", Align::Left), ("statements", Align::Right)]);
    for pair in variable.confusions.iter().take(SHOWN_CONFUSIONS) {
        let codes = format!("{}, {}", pair.one, pair.other);
        table.row([codes, pair.statements.to_string()]);
    }
    table
}
