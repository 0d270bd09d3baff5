//! Sends statements to queues by rules that people wrote.
//!
//! A model tells the topic of a statement and how sure the model is; only people know what is
//! urgent. So a statement has a queue and a place in it only if a rule of the routing file gives it
//! one. The first matching rule wins.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Prediction;
use crate::base::hash::Hash;
use crate::base::toml::{line_of, syntax_error};
use crate::codebook::{Codebook, Variable};
use crate::error::{Error, Location, Result, nearest};
use crate::ingest::{Layout, Record, Role};
use crate::model::Decision;

/// The version of the routing format that this build reads.
const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesFile {
    schema_version: Spanned<u32>,
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RuleFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    name: Option<String>,
    queue: Spanned<String>,
    owner: Option<String>,
    #[serde(default)]
    codes: BTreeMap<String, Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    min_probability: BTreeMap<String, Spanned<f64>>,
    #[serde(default)]
    decision: BTreeMap<String, Spanned<Vec<Decision>>>,
    source: Option<Spanned<Vec<String>>>,
    words: Option<Spanned<Vec<String>>>,
}

/// Rules that assign statements to queues, read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// The file name as the user gave it.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The rules in order; the first matching rule wins.
    pub rules: Vec<Rule>,
}

/// A rule: the queue for statements that meet all its conditions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Name for people; `rule N` if the file has none.
    pub name: String,
    /// The queue.
    pub queue: String,
    /// Who is responsible for the queue.
    pub owner: Option<String>,
    #[serde(skip)]
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// The code of the variable is one of these.
    Codes(usize, Vec<usize>),
    /// The probability of the variable's code is at least this value.
    Probability(usize, f64),
    /// The decision on the variable is one of these.
    Decisions(usize, Vec<Decision>),
    /// The source is one of these, in lower case.
    Sources(Vec<String>),
    /// The text contains one of these words or phrases, in the form of [`spaced`].
    Words(Vec<String>),
}

/// A coded statement as input of the rules; one entry per variable of the codebook.
#[derive(Debug, Clone, Copy)]
pub struct Routed<'a> {
    /// Position of the best code.
    pub codes: &'a [Option<usize>],
    /// Probability of the best code, 0 to 1.
    pub probabilities: &'a [Option<f64>],
    /// The decision on the code.
    pub decisions: &'a [Option<Decision>],
    /// The source of the statement.
    pub source: Option<&'a str>,
    /// The text of the statement.
    pub text: &'a str,
}

impl Routes {
    /// Reads a routing file for statements coded with `codebook`.
    pub fn read(path: &Path, codebook: &Codebook) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        Self::from_toml(&text, &path.display().to_string(), codebook)
    }

    /// Reads rules from TOML; `name` names the file in errors.
    pub fn from_toml(text: &str, name: &str, codebook: &Codebook) -> Result<Self> {
        let file: RoutesFile = toml::from_str(text).map_err(|e| syntax_error(text, name, &e))?;
        let checker = Checker {
            text,
            name,
            codebook,
        };
        let version = file.schema_version.span().start;
        if *file.schema_version.get_ref() != SCHEMA_VERSION {
            let reason = format!("schema_version must be {SCHEMA_VERSION}");
            return Err(checker.fault(version, reason, None));
        }
        if file.rules.is_empty() {
            return Err(checker.fault(version, "there is no [[rule]]".into(), None));
        }
        let mut rules: Vec<Rule> = Vec::new();
        for (position, rule) in file.rules.into_iter().enumerate() {
            let start = rule.span().start;
            if rules.last().is_some_and(|r| r.conditions.is_empty()) {
                let reason = "the previous rule has no condition and matches everything: this rule is never reached";
                return Err(checker.fault(start, reason.into(), None));
            }
            rules.push(checker.rule(position, rule.into_inner())?);
        }
        Ok(Self {
            name: name.to_string(),
            sha256: Hash::of(text.as_bytes()).to_string(),
            rules,
        })
    }

    /// The first rule that matches a row of an input.
    pub(super) fn rule_for(
        &self,
        record: &Record,
        prediction: &Prediction,
        layout: &Layout,
    ) -> Option<&Rule> {
        let source = layout.other_columns.iter().find(|c| c.role == Role::Source);
        let source = source.map(|c| record.cell(c.position));
        let of_variables = || prediction.variables.iter();
        let codes: Vec<_> = of_variables().map(|p| Some(p.code)).collect();
        let probabilities: Vec<_> = of_variables().map(|p| Some(p.probability())).collect();
        let decisions: Vec<_> = of_variables().map(|p| Some(p.decision)).collect();
        let position = self.first_fit(&Routed {
            codes: &codes,
            probabilities: &probabilities,
            decisions: &decisions,
            source: source.as_deref(),
            text: &record.text,
        })?;
        self.rules.get(position)
    }

    /// Position of the first rule that matches.
    pub fn first_fit(&self, statement: &Routed<'_>) -> Option<usize> {
        // Computed only if a rule asks for words.
        let mut words = None;
        let mut fits = |condition: &Condition| condition.fits(statement, &mut words);
        self.rules
            .iter()
            .position(|rule| rule.conditions.iter().all(&mut fits))
    }
}

impl Condition {
    fn fits(&self, statement: &Routed<'_>, words: &mut Option<String>) -> bool {
        match self {
            Self::Codes(v, codes) => statement.codes[*v].is_some_and(|c| codes.contains(&c)),
            Self::Probability(v, least) => statement.probabilities[*v].is_some_and(|p| p >= *least),
            Self::Decisions(v, all) => statement.decisions[*v].is_some_and(|d| all.contains(&d)),
            Self::Sources(sources) => statement
                .source
                .is_some_and(|s| sources.contains(&s.trim().to_lowercase())),
            Self::Words(wanted) => {
                let text = words.get_or_insert_with(|| spaced(statement.text));
                wanted.iter().any(|w| text.contains(w.as_str()))
            }
        }
    }
}

/// The words of a text in lower case, with one space before and after each word.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(' ');
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            out.push_str(&word.to_lowercase());
            out.push(' ');
        }
    }
    out
}

/// Turns the file into rules, or reports where the file is wrong.
struct Checker<'a> {
    text: &'a str,
    name: &'a str,
    codebook: &'a Codebook,
}

impl Checker<'_> {
    fn fault(&self, offset: usize, reason: String, near: Option<String>) -> Error {
        Error::Routes {
            at: Location::new(self.name, line_of(self.text, offset), 0),
            reason,
            near,
        }
    }

    fn rule(&self, position: usize, rule: RuleFile) -> Result<Rule> {
        let mut conditions = Vec::new();
        for (id, codes) in &rule.codes {
            let (v, variable) = self.variable(id, codes.span().start)?;
            self.not_empty(codes.get_ref(), codes.span().start)?;
            let known = codes.get_ref().iter().map(|code| self.code(variable, code));
            conditions.push(Condition::Codes(v, known.collect::<Result<_>>()?));
        }
        for (id, least) in &rule.min_probability {
            let (v, _) = self.variable(id, least.span().start)?;
            let least_value = *least.get_ref();
            if !(0.0..=1.0).contains(&least_value) {
                let reason = format!("a probability must be from 0 to 1, not {least_value}");
                return Err(self.fault(least.span().start, reason, None));
            }
            conditions.push(Condition::Probability(v, least_value));
        }
        for (id, decisions) in &rule.decision {
            let (v, _) = self.variable(id, decisions.span().start)?;
            self.not_empty(decisions.get_ref(), decisions.span().start)?;
            conditions.push(Condition::Decisions(v, decisions.get_ref().clone()));
        }
        if let Some(sources) = &rule.source {
            self.not_empty(sources.get_ref(), sources.span().start)?;
            let sources = sources.get_ref().iter().map(|s| s.trim().to_lowercase());
            conditions.push(Condition::Sources(sources.collect()));
        }
        if let Some(words) = &rule.words {
            self.not_empty(words.get_ref(), words.span().start)?;
            let words = words
                .get_ref()
                .iter()
                .map(|w| self.word(w, words.span().start));
            conditions.push(Condition::Words(words.collect::<Result<_>>()?));
        }
        if rule.queue.get_ref().trim().is_empty() {
            let reason = "the queue has no name".to_string();
            return Err(self.fault(rule.queue.span().start, reason, None));
        }
        Ok(Rule {
            name: rule
                .name
                .unwrap_or_else(|| format!("rule {}", position + 1)),
            queue: rule.queue.into_inner(),
            owner: rule.owner,
            conditions,
        })
    }

    fn variable(&self, id: &str, offset: usize) -> Result<(usize, &Variable)> {
        self.codebook.variable(id).ok_or_else(|| {
            let ids: Vec<String> = self
                .codebook
                .variables
                .iter()
                .map(|v| v.id.clone())
                .collect();
            let reason = format!(
                "the codebook has no variable {id:?}; it has {}",
                ids.join(", ")
            );
            self.fault(offset, reason, nearest(id, &ids).map(String::from))
        })
    }

    fn code(&self, variable: &Variable, code: &Spanned<String>) -> Result<usize> {
        let id = code.get_ref();
        variable.code_index(id).ok_or_else(|| {
            let ids = variable.code_ids();
            let reason = format!(
                "{:?} has no code {id:?}; it has {}",
                variable.id,
                ids.join(", ")
            );
            self.fault(
                code.span().start,
                reason,
                nearest(id, &ids).map(String::from),
            )
        })
    }

    /// A word or phrase in the form of [`spaced`]; with a final `*` its end is open.
    fn word(&self, word: &str, offset: usize) -> Result<String> {
        let (stem, is_open) = match word.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (word, false),
        };
        let spaced = spaced(stem);
        if spaced.trim().is_empty() {
            let reason = format!("{word:?} has neither a letter nor a digit");
            return Err(self.fault(offset, reason, None));
        }
        Ok(if is_open {
            spaced.trim_end().to_string()
        } else {
            spaced
        })
    }

    fn not_empty<T>(&self, list: &[T], offset: usize) -> Result<()> {
        if list.is_empty() {
            let reason = "an empty list matches nothing: remove the condition".to_string();
            return Err(self.fault(offset, reason, None));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebook::tests::FRUIT;

    const RULES: &str = r#"
schema_version = 1

[[rule]]
name = "rotten"
words = ["is rotten", "mould*"]
queue = "waste"

[[rule]]
codes = { fruit = ["pear"] }
min_probability = { fruit = 0.8 }
decision = { fruit = ["auto", "review"] }
source = ["Market"]
queue = "pears"
owner = "Ani"

[[rule]]
queue = "rest"
"#;

    fn routes(text: &str) -> Result<Routes> {
        let codebook = Codebook::from_toml(FRUIT, "fruit.toml").unwrap();
        Routes::from_toml(text, "routes.toml", &codebook)
    }

    fn queue(text: &str, code: usize, p: f64, source: Option<&str>) -> String {
        let routes = routes(RULES).unwrap();
        let statement = Routed {
            codes: &[Some(code)],
            probabilities: &[Some(p)],
            decisions: &[Some(Decision::Auto)],
            source,
            text,
        };
        routes.rules[routes.first_fit(&statement).unwrap()]
            .queue
            .clone()
    }

    #[test]
    fn the_first_rule_that_fits_wins() {
        assert_eq!(queue("This IS, rotten!", 1, 0.9, Some("market")), "waste");
        assert_eq!(queue("all mouldy", 1, 0.9, Some("market")), "waste");
        assert_eq!(queue("rotten is it", 1, 0.9, Some(" MARKET ")), "pears");
        assert_eq!(queue("good", 1, 0.79, Some("market")), "rest");
        assert_eq!(queue("good", 0, 0.9, Some("market")), "rest");
        assert_eq!(queue("good", 1, 0.9, None), "rest");
    }

    #[test]
    fn without_a_rule_that_fits_there_is_no_queue() {
        let few = RULES.replace("\n[[rule]]\nqueue = \"rest\"\n", "");
        let nothing = Routed {
            codes: &[None],
            probabilities: &[None],
            decisions: &[None],
            source: None,
            text: "",
        };
        assert_eq!(routes(&few).unwrap().first_fit(&nothing), None);
    }

    #[test]
    fn faults_are_named_with_their_line() {
        for (from, to, line, said) in [
            ("\"pear\"", "\"paer\"", 10, "has no code \"paer\""),
            (
                "{ fruit = 0.8 }",
                "{ froot = 0.8 }",
                11,
                "no variable \"froot\"",
            ),
            ("0.8", "1.8", 11, "from 0 to 1"),
            ("[\"Market\"]", "[]", 13, "empty list"),
            ("\"mould*\"", "\"*\"", 6, "neither a letter"),
            ("queue = \"waste\"", "queue = \" \"", 7, "no name"),
            (
                "words = [\"is rotten\", \"mould*\"]\n",
                "",
                8,
                "never reached",
            ),
            ("schema_version = 1", "schema_version = 2", 2, "must be 1"),
            ("queue = \"pears\"", "quue = \"pears\"", 14, "unknown field"),
        ] {
            let error = routes(&RULES.replace(from, to)).unwrap_err();
            let (Error::Routes { at, .. } | Error::Syntax { at, .. }) = &error else {
                panic!("{error}");
            };
            assert_eq!(at.line, line, "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
        let near = routes(&RULES.replace("\"pear\"", "\"paer\"")).unwrap_err();
        assert_eq!(near.hint().unwrap(), "did you mean \"pear\"?");
    }
}
