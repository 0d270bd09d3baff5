//! Behavioural tests, for people and for build servers.

use std::fmt::Write;

use super::junit::{JunitCase, Problem, junit};
use super::style::Style;
use super::table::{Align, Table};
use crate::evaluate::{Behaviour, BehaviourCase, BehaviourTest, Expectation};

/// Number of failed cases that are listed per test; the JSON form has all.
const SHOWN_CASES: usize = 10;

/// For a terminal.
pub fn behaviour_text(behaviour: &Behaviour) -> String {
    render(behaviour, Style::Text)
}

/// For a repository, a step summary or a report.
pub fn behaviour_markdown(behaviour: &Behaviour) -> String {
    format!(
        "# Behaviour of {}\n\n{}",
        behaviour.model,
        render(behaviour, Style::Markdown)
    )
}

fn render(behaviour: &Behaviour, style: Style) -> String {
    let failed = behaviour.tests.iter().filter(|test| !test.passed).count();
    let mut out = format!(
        "{} tests of {}: {} passed, {failed} failed.\n\n",
        behaviour.tests.len(),
        behaviour.tests_file,
        behaviour.tests.len() - failed
    );
    let mut table = Table::new(&[
        ("capability", Align::Left),
        ("test", Align::Left),
        ("cases", Align::Right),
        ("failed", Align::Right),
        ("may fail", Align::Right),
        ("outcome", Align::Left),
    ]);
    for test in &behaviour.tests {
        table.row([
            test.capability.clone(),
            test.name.clone(),
            test.cases.len().to_string(),
            test.failed.to_string(),
            format!("{:.0} %", 100.0 * test.may_fail),
            if test.passed { "passed" } else { "failed" }.to_string(),
        ]);
    }
    out.push_str(&style.table(&table));
    for test in behaviour.tests.iter().filter(|test| test.failed > 0) {
        failed_cases(&mut out, test);
    }
    out
}

fn failed_cases(out: &mut String, test: &BehaviourTest) {
    let _ = writeln!(out, "{} ({}):\n", test.name, expected(test));
    let failed = test.cases.iter().filter(|case| !case.passed);
    for case in failed.take(SHOWN_CASES) {
        let _ = writeln!(out, "- {}", said(case));
    }
    if test.failed > SHOWN_CASES {
        let _ = writeln!(out, "- … and {} more", test.failed - SHOWN_CASES);
    }
    out.push('\n');
}

fn expected(test: &BehaviourTest) -> &'static str {
    match test.expect {
        Expectation::Code => "each should get the code",
        Expectation::Same => "all should get the same code",
        Expectation::Other => "the others should get another code than the first",
        Expectation::Rises => "the probability should rise",
    }
}

fn said(case: &BehaviourCase) -> String {
    let parts = case.statements.iter();
    let said: Vec<String> = parts
        .map(|s| format!("“{}” {} ({:.2})", s.text, s.code, s.probability))
        .collect();
    said.join("; ")
}

/// `JUnit` XML: a suite per capability, a test case per case. If a test may fail in part and stays
/// within the limit, its failed cases count as passed.
pub fn behaviour_junit(behaviour: &Behaviour) -> String {
    let mut cases = Vec::new();
    for test in &behaviour.tests {
        for (number, case) in (1..).zip(&test.cases) {
            let failure = || Problem::Failure(format!("{}: {}", expected(test), said(case)));
            cases.push(JunitCase {
                suite: test.capability.clone(),
                name: format!("{} ({number})", test.name),
                file: behaviour.tests_file.clone(),
                line: test.line,
                problem: (!case.passed && !test.passed).then(failure),
            });
        }
    }
    junit("konflik behaviour", &cases)
}
