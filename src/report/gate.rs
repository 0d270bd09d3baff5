//! The verdict of a gate, for people and for CI tools.

use std::fmt::Write;

use serde_json::json;

use super::junit::{JunitCase, Problem, junit};
use super::style::Style;
use super::table::{Align, Table};
use crate::base::hash::Hash;
use crate::evaluate::{Check, GateOutcome, Verdict};

/// Maximum number of annotations per kind that GitHub shows for a step.
const SHOWN_ANNOTATIONS: usize = 10;
/// Maximum size of a step summary on GitHub, in bytes.
const SUMMARY_LIMIT: usize = 1 << 20;
const CUT: &str = "\n… cut here; the other outputs have all.\n";

/// The table of all checks; checks that did not pass are first.
pub(super) fn section(verdict: &Verdict, style: Style) -> String {
    let mut out = style.heading("gate");
    let _ = writeln!(
        out,
        "{}: {}. Scores are judged by the worse end of their interval.\n",
        verdict.gate,
        headline(verdict)
    );
    out.push_str(&style.table(&table(verdict)));
    out
}

fn headline(verdict: &Verdict) -> String {
    let count = |outcome| {
        verdict
            .checks
            .iter()
            .filter(|c| c.outcome == outcome)
            .count()
    };
    let counts = format!(
        "{} of {} checks passed, {} missed, {} not measured",
        count(GateOutcome::Passed),
        verdict.checks.len(),
        count(GateOutcome::Missed),
        count(GateOutcome::NotMeasured)
    );
    format!("{} ({counts})", verdict.outcome.as_str().to_uppercase())
}

fn table(verdict: &Verdict) -> Table {
    let mut table = Table::new(&[
        ("check", Align::Left),
        ("asked for", Align::Left),
        ("judged", Align::Right),
        ("value", Align::Right),
        ("support", Align::Right),
        ("outcome", Align::Left),
    ]);
    for check in in_order(verdict) {
        let outcome = match &check.reason {
            Some(reason) => format!("{}: {reason}", check.outcome.as_str()),
            None => check.outcome.as_str().to_string(),
        };
        table.row([
            check.rule.clone(),
            check.requirement.clone(),
            number(check.judged),
            number(check.value),
            check.support.map_or("–".to_string(), |n| n.to_string()),
            outcome,
        ]);
    }
    table
}

/// Problems come first, so that they remain if the end is cut off.
fn in_order(verdict: &Verdict) -> Vec<&Check> {
    let mut checks: Vec<&Check> = verdict.checks.iter().collect();
    checks.sort_by_key(|check| match check.outcome {
        GateOutcome::Missed => 0,
        GateOutcome::NotMeasured => 1,
        GateOutcome::Passed => 2,
    });
    checks
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_string(), |v| format!("{v:.3}"))
}

/// The result of a check in one line.
fn message(check: &Check) -> String {
    let support = check
        .support
        .map_or(String::new(), |n| format!(" on {n} statements"));
    match &check.reason {
        Some(reason) => format!("{} could not be measured: {reason}", check.rule),
        None => format!(
            "{}: {} is required, {} was reached (value {}{support})",
            check.rule,
            check.requirement,
            number(check.judged),
            number(check.value)
        ),
    }
}

/// Markdown for `$GITHUB_STEP_SUMMARY`, cut to GitHub's limit.
pub fn gate_summary(verdict: &Verdict) -> String {
    let mut out = section(verdict, Style::Markdown);
    if out.len() > SUMMARY_LIMIT {
        let end = out.floor_char_boundary(SUMMARY_LIMIT - CUT.len());
        out.truncate(out[..end].rfind('\n').map_or(end, |i| i + 1));
        out.push_str(CUT);
    }
    out
}

/// `JUnit` XML: a suite per variable, a case per check; a check that was not measured is an error.
pub fn gate_junit(verdict: &Verdict) -> String {
    let case = |check: &Check| JunitCase {
        suite: check.variable.clone(),
        name: format!("{}: {}", check.rule, check.requirement),
        file: verdict.gate.clone(),
        line: check.line,
        problem: match check.outcome {
            GateOutcome::Passed => None,
            GateOutcome::Missed => Some(Problem::Failure(message(check))),
            GateOutcome::NotMeasured => Some(Problem::Error(message(check))),
        },
    };
    let cases: Vec<JunitCase> = verdict.checks.iter().map(case).collect();
    junit("konflik gate", &cases)
}

/// Workflow commands that GitHub shows as annotations, at most ten.
pub fn gate_github(verdict: &Verdict) -> String {
    let mut out = String::new();
    let failed: Vec<&Check> = in_order(verdict)
        .into_iter()
        .filter(|c| c.outcome != GateOutcome::Passed)
        .collect();
    let shown = match failed.len() {
        n if n > SHOWN_ANNOTATIONS => SHOWN_ANNOTATIONS - 1,
        n => n,
    };
    for check in &failed[..shown] {
        let title = format!("konflik gate {}", check.outcome.as_str());
        annotation(&mut out, verdict, check.line, &title, &message(check));
    }
    if failed.len() > shown {
        let more = format!("and {} more checks", failed.len() - shown);
        annotation(&mut out, verdict, 1, "konflik gate", &more);
    }
    if failed.is_empty() {
        let _ = writeln!(
            out,
            "::notice title=konflik gate::{}",
            data(&headline(verdict))
        );
    }
    out
}

fn annotation(out: &mut String, verdict: &Verdict, line: u64, title: &str, message: &str) {
    let _ = writeln!(
        out,
        "::error file={},line={line},title={}::{}",
        property(&verdict.gate),
        property(title),
        data(message)
    );
}

/// The message of a workflow command, escaped as in GitHub's toolkit.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// GitLab's code quality report: the checks that did not pass.
pub fn gate_gitlab(verdict: &Verdict) -> String {
    let failed = in_order(verdict)
        .into_iter()
        .filter(|c| c.outcome != GateOutcome::Passed);
    let issues: Vec<_> = failed
        .map(|check| {
            let identity = format!("{}\0{}\0{}", verdict.gate, check.rule, check.requirement);
            json!({
                "description": message(check),
                "check_name": format!("konflik-gate/{}", check.variable),
                "fingerprint": Hash::of(identity.as_bytes()).to_string(),
                "severity": if check.outcome == GateOutcome::Missed { "critical" } else { "major" },
                "location": { "path": verdict.gate, "lines": { "begin": check.line } },
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(issues))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, outcome: GateOutcome) -> Check {
        Check {
            rule: rule.into(),
            line: 7,
            variable: "fruit".into(),
            requirement: "at least 0.8".into(),
            value: Some(0.75),
            judged: Some(0.7),
            bound: 0.8,
            support: Some(40),
            outcome,
            reason: (outcome == GateOutcome::NotMeasured).then(|| "no interval".into()),
        }
    }

    fn verdict(checks: Vec<Check>) -> Verdict {
        Verdict {
            schema: "konflik/gate",
            schema_version: 1,
            gate: "gate.toml".into(),
            sha256: "0".into(),
            baseline: None,
            outcome: GateOutcome::Missed,
            checks,
        }
    }

    #[test]
    fn markup_in_names_is_escaped() {
        let verdict = verdict(vec![check("a<b & \"c\", 50 %:\nd", GateOutcome::Missed)]);
        assert!(gate_junit(&verdict).contains("a&lt;b &amp; &quot;c&quot;, 50 %:&#10;d: at least"));
        let github = gate_github(&verdict);
        assert!(github.starts_with(
            "::error file=gate.toml,line=7,title=konflik gate missed::a<b & \"c\", 50 %25:%0Ad: at"
        ));
        assert_eq!(github.lines().count(), 1);
    }

    #[test]
    fn github_gets_ten_annotations_and_a_summary_that_fits() {
        let many = verdict(vec![
            check(&"long ".repeat(40), GateOutcome::Missed);
            12_000
        ]);
        assert_eq!(gate_github(&many).lines().count(), 10);
        assert!(gate_github(&many).contains("and 11991 more checks"));
        let summary = gate_summary(&many);
        assert!(summary.len() <= SUMMARY_LIMIT && summary.ends_with("have all.\n"));
        assert!(summary.len() > SUMMARY_LIMIT - 1000);
    }

    #[test]
    fn what_went_wrong_stands_first() {
        let outcomes = [
            GateOutcome::Passed,
            GateOutcome::NotMeasured,
            GateOutcome::Missed,
        ];
        let verdict = verdict(outcomes.map(|o| check(o.as_str(), o)).to_vec());
        let names: Vec<_> = in_order(&verdict).iter().map(|c| c.rule.clone()).collect();
        assert_eq!(names, ["missed", "not measured", "passed"]);
        assert!(gate_junit(&verdict).contains("tests=\"3\" failures=\"1\" errors=\"1\""));
        let gitlab: serde_json::Value = serde_json::from_str(&gate_gitlab(&verdict)).unwrap();
        assert_eq!(gitlab.as_array().unwrap().len(), 2);
    }
}
