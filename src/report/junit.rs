//! `JUnit` XML, which every build server shows.

use std::fmt::Write;

/// A case of a report.
pub(super) struct JunitCase {
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) problem: Option<Problem>,
}

/// Why a case did not pass.
pub(super) enum Problem {
    /// It failed.
    Failure(String),
    /// It could not be told.
    Error(String),
}

/// The report called `name`: its cases by suite, in order.
pub(super) fn junit(name: &str, cases: &[JunitCase]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&JunitCase> = cases.iter().collect();
    let _ = writeln!(out, "<testsuites name=\"{}\"{}>", xml(name), counts(&all));
    let mut suites: Vec<&str> = Vec::new();
    for case in cases {
        if !suites.contains(&case.suite.as_str()) {
            suites.push(&case.suite);
        }
    }
    for suite in suites {
        let cases: Vec<&JunitCase> = cases.iter().filter(|c| c.suite == suite).collect();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\"{}>",
            xml(suite),
            counts(&cases)
        );
        cases
            .iter()
            .for_each(|case| write_case(&mut out, name, case));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(cases: &[&JunitCase]) -> String {
    let count = |is: fn(&Problem) -> bool| {
        let problems = cases.iter().filter_map(|case| case.problem.as_ref());
        problems.filter(|problem| is(problem)).count()
    };
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.len(),
        count(|p| matches!(p, Problem::Failure(_))),
        count(|p| matches!(p, Problem::Error(_)))
    )
}

fn write_case(out: &mut String, name: &str, case: &JunitCase) {
    let _ = write!(
        out,
        "    <testcase classname=\"{}.{}\" name=\"{}\" file=\"{}\" line=\"{}\"",
        xml(&name.replace(' ', ".")),
        xml(&case.suite),
        xml(&case.name),
        xml(&case.file),
        case.line
    );
    let (element, message) = match &case.problem {
        None => {
            out.push_str("/>\n");
            return;
        }
        Some(Problem::Failure(message)) => ("failure", message),
        Some(Problem::Error(message)) => ("error", message),
    };
    let _ = writeln!(
        out,
        ">\n      <{element} message=\"{}\"/>\n    </testcase>",
        xml(message)
    );
}

/// Text as the value of an XML attribute; characters that XML can't hold become `?`.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
