//! Checks a corpus for faults that a model would learn or a measurement would hide.
//!
//! A *fault* must be fixed: a duplicate, a contradiction, damaged text, private data, a code with
//! few statements in a language. The rest needs a look by a person: near duplicates, thin strata,
//! words that give a code away.

mod balance;
mod near;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Corpus, Statement};
use crate::error::{Error, Result};

/// Thresholds of a check.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CheckParams {
    /// Jaccard index of character 4-grams from which two statements are near duplicates.
    pub near: f64,
    /// Minimum number of statements per language, for a code and for a combination of codes.
    pub min_stratum: usize,
}

impl Default for CheckParams {
    fn default() -> Self {
        Self {
            near: 0.8,
            min_stratum: 12,
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same text (ignoring case and white space) with the same codes.
    Duplicate,
    /// The same text with different codes.
    Contradiction,
    /// Nearly the same text in another group: a split would leak.
    NearDuplicateAcrossGroups,
    /// Nearly the same text in one group, not marked as a minimal pair.
    NearDuplicateInGroup,
    /// A minimal pair that isn't two statements of one group with different codes.
    BadPair,
    /// A code with few statements in a language.
    ThinCode,
    /// A combination of codes with few statements in a language.
    ThinStratum,
    /// Damaged text: replacement characters, mojibake, control characters.
    TextDamage,
    /// Looks like a phone number, identity number, e-mail, link, handle or street address.
    PrivateData,
}

impl Kind {
    /// Whether the finding must be fixed.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::NearDuplicateInGroup | Self::ThinStratum)
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicates",
            Self::Contradiction => "contradictions: one text, different codes",
            Self::NearDuplicateAcrossGroups => "near duplicates in different groups",
            Self::NearDuplicateInGroup => "near duplicates in one group (to look at)",
            Self::BadPair => "invalid minimal pairs",
            Self::ThinCode => "codes with few statements",
            Self::ThinStratum => "thin strata (to look at)",
            Self::TextDamage => "damaged text",
            Self::PrivateData => "private data",
        }
    }
}

/// One problem in a corpus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Finding {
    /// Kind of the problem.
    pub kind: Kind,
    /// Lines of the statements; empty if the finding is about no single line.
    pub lines: Vec<u64>,
    /// Description of the problem.
    pub message: String,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CheckReport {
    /// Always `konflik/check`.
    #[schemars(extend("const" = "konflik/check"))]
    pub schema: &'static str,
    /// Version of this schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Number of statements.
    pub statements: usize,
    /// Number of groups.
    pub groups: usize,
    /// Number of statements per code of each variable.
    pub codes: BTreeMap<String, Vec<(String, usize)>>,
    /// Association of codes with languages, registers and other columns.
    pub associations: Vec<balance::Association>,
    /// The words that indicate each code most, with pointwise mutual information in bits.
    pub telling_words: BTreeMap<String, Vec<balance::TellingWord>>,
    /// The findings, ordered by kind and line.
    pub findings: Vec<Finding>,
}

/// Checks a corpus.
pub fn check(corpus: &Corpus, params: &CheckParams) -> Result<CheckReport> {
    if !(params.near > 0.0 && params.near <= 1.0) {
        return Err(Error::Parameter {
            name: "near",
            value: params.near.to_string(),
            range: "above 0 and at most 1",
        });
    }
    let mut findings = near::duplicates(corpus, params.near);
    findings.extend(near::bad_pairs(corpus));
    findings.extend(balance::thin(corpus, params.min_stratum));
    findings.extend(
        corpus
            .statements
            .iter()
            .flat_map(text::damage_and_private_data),
    );
    findings.sort();
    let groups: std::collections::BTreeSet<&str> =
        corpus.statements.iter().map(|s| s.group.as_str()).collect();
    let codes = corpus.codebook.variables.iter().enumerate();
    Ok(CheckReport {
        schema: "konflik/check",
        schema_version: 1,
        statements: corpus.statements.len(),
        groups: groups.len(),
        codes: codes
            .map(|(v, variable)| {
                (
                    variable.id.clone(),
                    variable
                        .code_ids()
                        .into_iter()
                        .zip(corpus.code_counts(v))
                        .collect(),
                )
            })
            .collect(),
        associations: balance::associations(corpus),
        telling_words: balance::telling_words(corpus),
        findings,
    })
}

impl CheckReport {
    /// Number of findings that must be fixed.
    pub fn faults(&self) -> usize {
        self.findings.iter().filter(|f| f.kind.is_fault()).count()
    }

    /// The report as text, for a terminal or a datasheet.
    pub fn text(&self) -> String {
        let mut out = format!("{} statements in {} groups\n", self.statements, self.groups);
        for (variable, counts) in &self.codes {
            let parts: Vec<String> = counts
                .iter()
                .map(|(code, n)| format!("{code} {n} ({:.0} %)", percent(*n, self.statements)))
                .collect();
            let _ = writeln!(out, "{variable}: {}", parts.join(", "));
        }
        out.push_str("\nassociation of codes with columns (Cramér's V: 0 none, 1 perfect):\n");
        for a in &self.associations {
            let value = a
                .cramers_v
                .map_or("undefined".to_string(), |v| format!("{v:.3}"));
            let _ = writeln!(out, "  {} by {}: {value}", a.variable, a.column);
        }
        out.push_str(
            "\nwords that give a code away (pointwise mutual information, bits; n statements):\n",
        );
        for (code, words) in &self.telling_words {
            let list: Vec<String> = words
                .iter()
                .map(|w| format!("{} {:.1} ({})", w.word, w.pmi, w.statements))
                .collect();
            let _ = writeln!(out, "  {code}: {}", list.join(", "));
        }
        let mut last = None;
        for finding in &self.findings {
            if last != Some(finding.kind) {
                let _ = writeln!(out, "\n{}:", finding.kind.heading());
                last = Some(finding.kind);
            }
            let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
            let place = if lines.is_empty() {
                String::new()
            } else {
                format!("line {}: ", lines.join(" and "))
            };
            let _ = writeln!(out, "  {place}{}", finding.message);
        }
        out
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The codes of a statement, as text for a message.
fn code_names(corpus: &Corpus, statement: &Statement) -> String {
    let name = |(v, code): (usize, &Option<usize>)| {
        code.map(|c| corpus.codebook.variables[v].codes[c].id.clone())
    };
    statement
        .codes
        .iter()
        .enumerate()
        .filter_map(name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The first words of a text, for a message.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return format!("{line:?}");
    }
    format!("{:?}…", line.chars().take(LONGEST).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebook::Codebook;
    use crate::codebook::tests::FRUIT;

    fn statement(line: u64, text: &str, code: usize, group: &str) -> Statement {
        Statement {
            id: format!("s{line}"),
            text: text.into(),
            language: Some("en".into()),
            source: None,
            group: group.into(),
            codes: vec![Some(code)],
            extra: Vec::new(),
            line,
        }
    }

    pub(super) fn corpus(statements: Vec<Statement>) -> Corpus {
        Corpus {
            codebook: Codebook::from_toml(FRUIT, "f").unwrap(),
            statements,
            has_groups: true,
            name: "f.csv".into(),
            layout: None,
        }
    }

    fn kinds(statements: Vec<Statement>) -> Vec<(Kind, Vec<u64>)> {
        let params = CheckParams {
            min_stratum: 0,
            ..CheckParams::default()
        };
        let report = check(&corpus(statements), &params).unwrap();
        report
            .findings
            .into_iter()
            .map(|f| (f.kind, f.lines))
            .collect()
    }

    #[test]
    fn duplicates_and_contradictions_are_told_apart() {
        let found = kinds(vec![
            statement(2, "Round and red", 0, "a"),
            statement(3, "round  and RED", 0, "b"),
            statement(4, "Green and long", 1, "a"),
            statement(5, "green and long", 0, "a"),
        ]);
        assert_eq!(
            found,
            [
                (Kind::Duplicate, vec![2, 3]),
                (Kind::Contradiction, vec![4, 5])
            ]
        );
    }

    #[test]
    fn near_duplicates_are_found_unless_they_are_a_pair() {
        let long = "the apple on the table in the kitchen is round and crisp and very red";
        let near = "the apple on the table in the kitchen is round and crisp and very ripe";
        let mut a = statement(2, long, 0, "a");
        let mut b = statement(3, near, 1, "a");
        assert_eq!(
            kinds(vec![a.clone(), statement(3, near, 0, "b")])[0].0,
            Kind::NearDuplicateAcrossGroups
        );
        assert_eq!(
            kinds(vec![a.clone(), b.clone()])[0].0,
            Kind::NearDuplicateInGroup
        );
        for s in [&mut a, &mut b] {
            s.extra.push(("pair".into(), "p1".into()));
        }
        assert_eq!(kinds(vec![a.clone(), b]), []);
        assert_eq!(kinds(vec![a])[0].0, Kind::BadPair);
    }

    #[test]
    fn a_code_that_a_language_hardly_has_is_a_fault() {
        let statements = (0..30).map(|i| {
            statement(
                i + 2,
                &format!("fruit number {}", i * 7919),
                usize::from(i == 0),
                "a",
            )
        });
        let report = check(&corpus(statements.collect()), &CheckParams::default()).unwrap();
        let thin: Vec<_> = report
            .findings
            .iter()
            .filter(|f| f.kind == Kind::ThinCode)
            .collect();
        assert_eq!(thin.len(), 1);
        assert!(thin[0].message.contains("pear"));
    }
}
