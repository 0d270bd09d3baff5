//! `JUnit` XML, which every build server can show.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};

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
    /// The case failed.
    Failure(String),
    /// The case could not be measured.
    Error(String),
}

type Xml = Writer<Vec<u8>>;

/// The report called `name`, with its cases by suite, in order.
pub(super) fn junit(name: &str, cases: &[JunitCase]) -> String {
    let mut out = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory can't fail.
    let _ = write_report(&mut out, name, cases);
    String::from_utf8_lossy(&out.into_inner()).into_owned() + "\n"
}

fn write_report(out: &mut Xml, name: &str, cases: &[JunitCase]) -> io::Result<()> {
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut suites: Vec<(&str, Vec<&JunitCase>)> = Vec::new();
    for case in cases {
        match suites.iter_mut().find(|(suite, _)| *suite == case.suite) {
            Some((_, cases)) => cases.push(case),
            None => suites.push((&case.suite, vec![case])),
        }
    }
    out.create_element("testsuites")
        .with_attribute(("name", allowed(name)))
        .with_attributes(counts(cases))
        .write_inner_content(|out| {
            suites
                .iter()
                .try_for_each(|(suite, cases)| write_suite(out, name, suite, cases))
        })?;
    Ok(())
}

fn write_suite(out: &mut Xml, name: &str, suite: &str, cases: &[&JunitCase]) -> io::Result<()> {
    out.create_element("testsuite")
        .with_attribute(("name", allowed(suite)))
        .with_attributes(counts(cases.iter().copied()))
        .write_inner_content(|out| {
            cases
                .iter()
                .try_for_each(|case| write_case(out, name, case))
        })?;
    Ok(())
}

fn counts<'a>(
    cases: impl IntoIterator<Item = &'a JunitCase>,
) -> [(&'static str, Cow<'static, str>); 3] {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for case in cases {
        tests += 1;
        match case.problem {
            Some(Problem::Failure(_)) => failures += 1,
            Some(Problem::Error(_)) => errors += 1,
            None => {}
        }
    }
    [("tests", tests), ("failures", failures), ("errors", errors)]
        .map(|(name, count): (_, usize)| (name, count.to_string().into()))
}

fn write_case(out: &mut Xml, name: &str, case: &JunitCase) -> io::Result<()> {
    let class = format!("{}.{}", name.replace(' ', "."), case.suite);
    let element = out.create_element("testcase").with_attributes([
        ("classname", allowed(&class)),
        ("name", allowed(&case.name)),
        ("file", allowed(&case.file)),
        ("line", case.line.to_string().into()),
    ]);
    let (problem, message) = match &case.problem {
        None => {
            element.write_empty()?;
            return Ok(());
        }
        Some(Problem::Failure(message)) => ("failure", message),
        Some(Problem::Error(message)) => ("error", message),
    };
    element.write_inner_content(|out| {
        out.create_element(problem)
            .with_attribute(("message", allowed(message)))
            .write_empty()?;
        Ok(())
    })?;
    Ok(())
}

/// Replaces control and other characters that XML can't contain with `?`.
fn allowed(text: &str) -> Cow<'_, str> {
    let is_forbidden = |c: char| match c {
        '\n' | '\r' | '\t' => false,
        c => c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    if text.contains(is_forbidden) {
        return text.replace(is_forbidden, "?").into();
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_forbidden_characters_are_replaced() {
        let case = JunitCase {
            suite: "a & b".into(),
            name: "\"<1>\"".into(),
            file: "tests.toml".into(),
            line: 7,
            problem: Some(Problem::Failure("it's\n\t\u{1}\u{ffff}".into())),
        };
        assert_eq!(
            junit("of x", &[case]),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="of x" tests="1" failures="1" errors="0">
  <testsuite name="a &amp; b" tests="1" failures="1" errors="0">
    <testcase classname="of.x.a &amp; b" name="&quot;&lt;1&gt;&quot;" file="tests.toml" line="7">
      <failure message="it&apos;s&#10;&#9;??"/>
    </testcase>
  </testsuite>
</testsuites>
"#
        );
    }
}
