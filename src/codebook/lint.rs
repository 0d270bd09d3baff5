//! Finds problems of a codebook for readers and coders.

use std::collections::BTreeMap;
use std::fmt;

use super::{Code, Codebook, Cue, Translations, Variable};

/// A problem in a codebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as `variable.code.field`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

pub(super) fn lint(codebook: &Codebook) -> Vec<Finding> {
    let mut linter = Linter {
        languages: &codebook.languages,
        findings: Vec::new(),
    };
    linter.translated("title", &codebook.title);
    for variable in &codebook.variables {
        linter.variable(variable);
    }
    for cue in &codebook.cues {
        linter.cue(cue);
    }
    linter.findings
}

struct Linter<'a> {
    languages: &'a [String],
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn add(&mut self, place: &str, message: impl Into<String>) {
        self.findings.push(Finding {
            place: place.to_string(),
            message: message.into(),
        });
    }

    fn translated(&mut self, place: &str, text: &Translations) {
        for language in self.languages {
            match text.get(language).map(|t| t.trim()) {
                None => self.add(place, format!("has no text in {language:?}")),
                Some("") => self.add(place, format!("is empty in {language:?}")),
                Some(_) => {}
            }
        }
        for language in text.keys().filter(|l| !self.languages.contains(l)) {
            self.add(
                place,
                format!("is written in {language:?}, which `languages` does not list"),
            );
        }
    }

    fn variable(&mut self, variable: &Variable) {
        let place = &variable.id;
        self.translated(&format!("{place}.name"), &variable.name);
        self.translated(&format!("{place}.question"), &variable.question);
        for code in &variable.codes {
            self.code(variable, code);
        }
        self.shared_examples(variable);
    }

    fn code(&mut self, variable: &Variable, code: &Code) {
        let place = format!("{}.{}", variable.id, code.id);
        for (field, text) in [
            ("name", &code.name),
            ("brief", &code.brief),
            ("definition", &code.definition),
        ] {
            self.translated(&format!("{place}.{field}"), text);
        }
        for (field, rules) in [("include", &code.include), ("exclude", &code.exclude)] {
            if rules.is_empty() {
                self.add(&format!("{place}.{field}"), "is missing: say when");
            }
            for (i, rule) in rules.iter().enumerate() {
                self.translated(&format!("{place}.{field}[{}]", i + 1), rule);
            }
        }
        for language in self.languages {
            if !code.examples.iter().any(|e| &e.lang == language) {
                self.add(
                    &format!("{place}.examples"),
                    format!("has none in {language:?}"),
                );
            }
        }
        self.near_misses(variable, code, &place);
    }

    fn near_misses(&mut self, variable: &Variable, code: &Code, place: &str) {
        if code.near_misses.is_empty() {
            self.add(
                &format!("{place}.near_misses"),
                "is missing: what is close but not this code?",
            );
        }
        for (i, miss) in code.near_misses.iter().enumerate() {
            let at = format!("{place}.near_misses[{}]", i + 1);
            if miss.code == code.id {
                self.add(&at, "names the code itself");
            } else if variable.code_index(&miss.code).is_none() {
                self.add(
                    &at,
                    format!("names {:?}, which is no code of {}", miss.code, variable.id),
                );
            }
            self.translated(&format!("{at}.reason"), &miss.reason);
        }
    }

    fn shared_examples(&mut self, variable: &Variable) {
        let mut first: BTreeMap<String, &str> = BTreeMap::new();
        for code in &variable.codes {
            for example in &code.examples {
                let text = example.text.trim().to_lowercase();
                match first.get(&text) {
                    Some(other) => self.add(
                        &format!("{}.{}.examples", variable.id, code.id),
                        format!("{:?} is already an example of {other}", example.text),
                    ),
                    None => {
                        first.insert(text, &code.id);
                    }
                }
            }
        }
    }

    fn cue(&mut self, cue: &Cue) {
        let place = format!("cue.{}", cue.id);
        self.translated(&format!("{place}.name"), &cue.name);
        if cue.words.is_empty() {
            self.add(&place, "has no words");
        }
        let mut seen = std::collections::BTreeSet::new();
        for word in &cue.words {
            if !seen.insert(word) {
                self.add(&place, format!("lists {word:?} twice"));
            }
            let stem = word.strip_suffix('*').unwrap_or(word);
            if stem.is_empty() || stem.contains(char::is_whitespace) || stem.contains('*') {
                self.add(
                    &place,
                    format!("{word:?} is not one word (a `*` may only end it)"),
                );
            }
            if stem.to_lowercase() != stem {
                self.add(&place, format!("{word:?} must be lower case"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::FRUIT;
    use super::*;

    fn messages(toml: &str) -> Vec<String> {
        let codebook = Codebook::from_toml(toml, "f").unwrap();
        codebook.lint().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lint_lists_missing_fields() {
        let found = messages(FRUIT);
        assert!(found.contains(&"fruit.apple.include: is missing: say when".to_string()));
        assert!(found.contains(&"fruit.pear.examples: has none in \"en\"".to_string()));
    }

    #[test]
    fn a_missing_translation_is_named() {
        let found = messages(&FRUIT.replace("[\"en\"]", "[\"en\", \"id\"]"));
        assert!(found.contains(&"fruit.question: has no text in \"id\"".to_string()));
    }

    #[test]
    fn cue_words_are_single_lower_case_words() {
        let cue = "[[cue]]\nid = \"c\"\nname = { en = \"c\" }\nwords = [\"Ab\", \"a b\", \"x\", \"x\", \"ok*\"]\n";
        let found = messages(&format!("{FRUIT}{cue}"));
        let of_cue: Vec<_> = found.iter().filter(|f| f.starts_with("cue.c")).collect();
        assert_eq!(of_cue.len(), 3, "{of_cue:?}");
    }
}
