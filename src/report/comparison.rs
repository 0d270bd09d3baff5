//! A comparison, for people to read.

use std::fmt::Write;

use super::style::{Style, few_groups, interval, signed, value};
use super::table::{Align, Table};
use crate::evaluate::{Comparison, Difference, VariableComparison};

/// Number of changed statements that are listed; the JSON form has all.
const SHOWN_CHANGES: usize = 20;

/// For a terminal.
pub fn comparison_text(comparison: &Comparison) -> String {
    render(comparison, Style::Text)
}

/// For a repository, a step summary or a report.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    format!(
        "# {} against {}\n\n{}",
        comparison.b,
        comparison.a,
        render(comparison, Style::Markdown)
    )
}

fn render(comparison: &Comparison, style: Style) -> String {
    let mut out = String::new();
    let bootstrap = &comparison.bootstrap;
    let _ = writeln!(
        out,
        "A is {}, B is {}, gold {} ({} statements); 95 % intervals from {} draws of {}, the same for both.",
        comparison.a,
        comparison.b,
        comparison.gold,
        comparison.statements,
        bootstrap.params.replicates,
        bootstrap.unit
    );
    out.push_str(&few_groups(bootstrap));
    for (file, missing) in [
        (&comparison.a, comparison.not_in_a),
        (&comparison.b, comparison.not_in_b),
    ] {
        if missing > 0 {
            let _ = writeln!(
                out,
                "Left out because {file} does not have them: {missing}."
            );
        }
    }
    out.push('\n');
    for variable in &comparison.variables {
        out.push_str(&style.heading(&variable.id));
        out.push_str(&style.table(&scores(variable)));
        let _ = writeln!(out, "{}\n", verdict(variable));
        out.push_str(&style.table(&flips(variable)));
        out.push_str(&style.table(&by_code(variable)));
        out.push_str(&changes(variable, style));
    }
    out
}

fn cells(difference: &Difference) -> [String; 4] {
    [
        value(&difference.a),
        value(&difference.b),
        signed(&difference.difference),
        interval(&difference.difference),
    ]
}

fn scores(variable: &VariableComparison) -> Table {
    let mut table = Table::new(&[
        ("score", Align::Left),
        ("A", Align::Right),
        ("B", Align::Right),
        ("B − A", Align::Right),
        ("95 % interval", Align::Left),
    ]);
    for (name, difference) in [
        ("macro-F1", &variable.macro_f1),
        ("accuracy", &variable.accuracy),
    ] {
        table.row(std::iter::once(name.to_string()).chain(cells(difference)));
    }
    table
}

/// The conclusion about the difference.
fn verdict(variable: &VariableComparison) -> String {
    let test = &variable.mcnemar;
    let said = match variable.macro_f1.difference.interval {
        Some([low, _]) if low > 0.0 => "B's macro-F1 is higher",
        Some([_, high]) if high < 0.0 => "B's macro-F1 is lower",
        Some(_) => "No difference in macro-F1 is shown",
        None => "The difference in macro-F1 has no interval",
    };
    format!(
        "{} statements are coded in all three. {said}. Only A is right {} times, only B {} times (exact McNemar test: p = {}).",
        variable.n,
        test.only_a,
        test.only_b,
        p_value(test.p)
    )
}

fn p_value(p: f64) -> String {
    if p < 0.0001 {
        "< 0.0001".to_string()
    } else {
        format!("{p:.4}")
    }
}

fn flips(variable: &VariableComparison) -> Table {
    let mut table = Table::new(&[("from A to B", Align::Left), ("statements", Align::Right)]);
    let flips = &variable.flips;
    for (name, n) in [
        ("right in both", flips.right),
        ("fixed", flips.fixed),
        ("broken", flips.broken),
        ("changed, still wrong", flips.still_wrong),
        ("the same wrong code", flips.same_wrong),
    ] {
        table.row([name.to_string(), n.to_string()]);
    }
    table
}

fn by_code(variable: &VariableComparison) -> Table {
    let mut table = Table::new(&[
        ("code", Align::Left),
        ("support", Align::Right),
        ("F1 A", Align::Right),
        ("F1 B", Align::Right),
        ("B − A", Align::Right),
        ("95 % interval", Align::Left),
        ("fixed", Align::Right),
        ("broken", Align::Right),
    ]);
    for code in &variable.by_code {
        let first = [code.code.clone(), code.support.to_string()];
        let last = [code.fixed.to_string(), code.broken.to_string()];
        table.row(first.into_iter().chain(cells(&code.f1)).chain(last));
    }
    table
}

fn changes(variable: &VariableComparison, style: Style) -> String {
    if variable.changes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        ("id", Align::Left),
        ("gold", Align::Left),
        ("A", Align::Left),
        ("B", Align::Left),
        ("outcome", Align::Left),
    ]);
    for change in variable.changes.iter().take(SHOWN_CHANGES) {
        let cells = [&change.id, &change.gold, &change.a, &change.b].map(Clone::clone);
        table.row(
            cells
                .into_iter()
                .chain([change.outcome.as_str().to_string()]),
        );
    }
    let mut out = style.table(&table);
    if let more @ 1.. = variable.changes.len().saturating_sub(SHOWN_CHANGES) {
        let _ = writeln!(out, "… and {more} more; the JSON form lists all.\n");
    }
    out
}
