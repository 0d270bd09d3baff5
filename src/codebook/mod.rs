//! The codebook: the coded variables, their codes, and the meaning of each code.
//!
//! Variables and codes are data. The shipped codebook has the variables `conflict` and `topic`; any
//! codebook of nominal variables trains and labels with the same program code.
//! The fields of a code follow `MacQueen` et al., "Codebook development for team-based qualitative
//! analysis", Cultural Anthropology Methods 10(2), 1998.

mod lint;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::hash::Hash;
use crate::base::toml::syntax_error;
use crate::error::{Error, Result};

pub use lint::Finding;

/// The version of the codebook format that this build reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// A text in several languages, keyed by language code (`en`, `id`).
pub type Translations = BTreeMap<String, String>;

/// Nominal variables, their codes, and the lexicons of the cues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codebook {
    /// Version of the codebook format.
    pub schema_version: u32,
    /// Identifier in lower case with hyphens.
    pub id: String,
    /// Version of the content.
    pub version: String,
    /// Name of the codebook.
    pub title: Translations,
    /// Languages in which every text of the codebook is written.
    pub languages: Vec<String>,
    /// The variables, in the order of the outputs.
    #[serde(rename = "variable")]
    pub variables: Vec<Variable>,
    /// Lexicons whose words are counted as dense features.
    #[serde(rename = "cue", default)]
    pub cues: Vec<Cue>,
}

/// A nominal variable: every statement gets exactly one of its codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Identifier: names the column in corpora and outputs.
    pub id: String,
    /// Name for people.
    pub name: Translations,
    /// The question that the coder answers for a statement.
    pub question: Translations,
    /// The codes, in the order of scores and probabilities.
    #[serde(rename = "code")]
    pub codes: Vec<Code>,
}

/// One code of a variable with `MacQueen`'s fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Identifier, used in corpora and outputs.
    pub id: String,
    /// Name for people.
    pub name: Translations,
    /// What follows from the code, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The definition in one line.
    pub brief: Translations,
    /// The full definition.
    pub definition: Translations,
    /// When to use the code.
    #[serde(default)]
    pub include: Vec<Translations>,
    /// When not to use the code.
    #[serde(default)]
    pub exclude: Vec<Translations>,
    /// Statements that get this code.
    #[serde(default)]
    pub examples: Vec<Example>,
    /// Statements that are close but get another code.
    #[serde(default)]
    pub near_misses: Vec<NearMiss>,
}

/// What follows from a code. A report lists actionable statements and separates mere venting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Someone can act on the statement: it names what would settle the complaint.
    Acts,
    /// The statement vents anger and names nothing that could be settled.
    Vents,
}

/// A statement that gets the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Language of the statement.
    pub lang: String,
    /// The statement.
    pub text: String,
}

/// A statement that is close to the code but gets another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearMiss {
    /// Language of the statement.
    pub lang: String,
    /// The statement.
    pub text: String,
    /// The correct code.
    pub code: String,
    /// Why the other code is correct.
    pub reason: Translations,
}

/// A lexicon. The count of its words in a statement is one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// Identifier.
    pub id: String,
    /// Name for people.
    pub name: Translations,
    /// Lower-case words; a final `*` stands for any ending.
    pub words: Vec<String>,
}

impl Codebook {
    /// Reads a codebook file (TOML), or standard input for `-`.
    pub fn read(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            let text =
                std::io::read_to_string(std::io::stdin()).map_err(|e| Error::read(path, e))?;
            return Self::from_toml(&text, "<stdin>");
        }
        let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// Reads a codebook from TOML; `path` names it in errors.
    pub fn from_toml(text: &str, path: &str) -> Result<Self> {
        let codebook: Self = toml::from_str(text).map_err(|e| syntax_error(text, path, &e))?;
        codebook.validate(path)?;
        Ok(codebook)
    }

    /// The variable with this id, and its position.
    pub fn variable(&self, id: &str) -> Option<(usize, &Variable)> {
        self.variables.iter().enumerate().find(|(_, v)| v.id == id)
    }

    /// The first variable that has codes with `role`, and the positions of these codes.
    pub fn with_role(&self, role: Role) -> Option<(usize, Vec<usize>)> {
        self.variables.iter().enumerate().find_map(|(position, v)| {
            let codes = v.codes.iter().enumerate();
            let codes = codes.filter(|(_, code)| code.role == Some(role));
            let codes: Vec<usize> = codes.map(|(k, _)| k).collect();
            (!codes.is_empty()).then_some((position, codes))
        })
    }

    /// SHA-256 of the canonical form: independent of the layout of the file.
    pub fn hash(&self) -> Hash {
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        Hash::of(&canonical)
    }

    /// Problems for readers of the codebook; empty if there are none.
    pub fn lint(&self) -> Vec<Finding> {
        lint::lint(self)
    }

    /// Refuses a codebook that can't be the base of a model.
    pub(crate) fn validate(&self, path: &str) -> Result<()> {
        let fail = |reason: String| {
            Err(Error::Codebook {
                path: path.to_string(),
                reason,
            })
        };
        if self.schema_version != SCHEMA_VERSION {
            return fail(format!(
                "schema_version is {}, this build reads {SCHEMA_VERSION}",
                self.schema_version
            ));
        }
        if self.variables.is_empty() {
            return fail("there is no variable; add a [[variable]]".into());
        }
        if let Some(id) = first_repeated(self.variables.iter().map(|v| v.id.as_str())) {
            return fail(format!("two variables have the id {id:?}"));
        }
        if let Some(id) = first_repeated(self.cues.iter().map(|c| c.id.as_str())) {
            return fail(format!("two cues have the id {id:?}"));
        }
        for variable in &self.variables {
            if let Err(reason) = variable.validate() {
                return fail(reason);
            }
        }
        // Outputs have several columns per variable; their names must not collide.
        let columns = self
            .variables
            .iter()
            .flat_map(|v| COLUMN_SUFFIXES.map(|suffix| format!("{}{suffix}", v.id)));
        let columns: Vec<String> = columns.collect();
        if let Some(column) = first_repeated(columns.iter().map(String::as_str)) {
            return fail(format!(
                "two variables would write a column {column:?}; rename one"
            ));
        }
        Ok(())
    }
}

impl Variable {
    /// Position of the code with this id.
    pub fn code_index(&self, id: &str) -> Option<usize> {
        self.codes.iter().position(|c| c.id == id)
    }

    /// Ids of the codes, in order.
    pub fn code_ids(&self) -> Vec<String> {
        self.codes.iter().map(|c| c.id.clone()).collect()
    }

    fn validate(&self) -> Result<(), String> {
        if !is_identifier(&self.id) {
            return Err(format!(
                "the variable id {:?} must be lower-case letters, digits and _, letter first",
                self.id
            ));
        }
        if RESERVED_COLUMNS.contains(&self.id.as_str()) {
            return Err(format!(
                "a variable can't be called {:?}: that column name is reserved in corpora and outputs",
                self.id
            ));
        }
        if self.codes.len() < 2 {
            return Err(format!(
                "the variable {:?} needs at least two codes",
                self.id
            ));
        }
        if let Some(id) = first_repeated(self.codes.iter().map(|c| c.id.as_str())) {
            return Err(format!("the variable {:?} has two codes {id:?}", self.id));
        }
        match self.codes.iter().find(|c| !is_identifier(&c.id)) {
            Some(code) => Err(format!(
                "the code id {:?} of {:?} must be lower-case letters, digits and _, letter first",
                code.id, self.id
            )),
            None => Ok(()),
        }
    }
}

/// Columns of a corpus or an output that are not variables.
const RESERVED_COLUMNS: [&str; 8] = [
    "id", "text", "lang", "language", "group", "source", "model", "codebook",
];
/// Suffixes of the output columns of a variable.
const COLUMN_SUFFIXES: [&str; 5] = [
    "",
    "_probability",
    "_decision",
    "_evidence",
    "_probabilities",
];

fn is_identifier(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn first_repeated<'a>(ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    let mut ids = ids;
    ids.find(|id| !seen.insert(*id))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A codebook that has nothing to do with conflicts.
    pub(crate) const FRUIT: &str = r#"
schema_version = 1
id = "fruit"
version = "1.0.0"
title = { en = "Fruit" }
languages = ["en"]
[[variable]]
id = "fruit"
name = { en = "Fruit" }
question = { en = "Which fruit?" }
[[variable.code]]
id = "apple"
name = { en = "Apple" }
brief = { en = "An apple" }
definition = { en = "Round and crisp." }
[[variable.code]]
id = "pear"
name = { en = "Pear" }
brief = { en = "A pear" }
definition = { en = "Soft." }
"#;

    #[test]
    fn layout_does_not_change_the_hash_but_content_does() {
        let plain = Codebook::from_toml(FRUIT, "fruit.toml").unwrap();
        let spaced = Codebook::from_toml(&FRUIT.replace('\n', "\n\n"), "fruit.toml").unwrap();
        let other = Codebook::from_toml(&FRUIT.replace("Soft", "Sweet"), "fruit.toml").unwrap();
        assert_eq!(plain.hash(), spaced.hash());
        assert_ne!(plain.hash(), other.hash());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = FRUIT.replace("languages", "langages");
        let error = Codebook::from_toml(&text, "fruit.toml").unwrap_err();
        assert!(
            matches!(&error, Error::Syntax { at, .. } if at.line == 6),
            "{error}"
        );
    }

    #[test]
    fn a_codebook_without_use_for_a_model_is_refused() {
        for (from, to, said) in [
            ("id = \"pear\"", "id = \"apple\"", "two codes"),
            ("id = \"pear\"", "id = \"Pear\"", "lower-case"),
            (
                "schema_version = 1",
                "schema_version = 9",
                "schema_version is 9",
            ),
            (
                "[[variable]]\nid = \"fruit\"",
                "[[variable]]\nid = \"text\"",
                "can't be called",
            ),
        ] {
            let error = Codebook::from_toml(&FRUIT.replace(from, to), "f")
                .unwrap_err()
                .to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
