//! The texts of a page and the number formats, by language.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Indonesian.
    Id,
}

impl Lang {
    /// Language code, as in codebooks and on the web.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Id => "id",
        }
    }

    fn toml(self) -> &'static str {
        match self {
            Self::En => include_str!("words.en.toml"),
            Self::Id => include_str!("words.id.toml"),
        }
    }

    /// Decimal separator and thousands separator.
    fn marks(self) -> [char; 2] {
        match self {
            Self::En => ['.', ','],
            Self::Id => [',', '.'],
        }
    }
}

/// All texts in one language.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) lang: Lang,
    texts: BTreeMap<String, String>,
}

impl Words {
    pub(super) fn of(lang: Lang) -> Self {
        // The file is part of this build, and a test checks that it parses.
        let texts = toml::from_str(lang.toml()).unwrap_or_default();
        Self { lang, texts }
    }

    /// The text of a key; `None` for an unknown key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// The text of a known key, with its placeholders filled in.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let text = self.get(key).unwrap_or(key);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        // Filled-in values are not scanned again, because a value may contain braces.
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            let value = values.iter().find(|(key, _)| *key == name);
            out.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// Formats 12345 as 12,345.
    pub(super) fn number(&self, n: u64) -> String {
        let digits = n.to_string();
        let [_, thousands] = self.lang.marks();
        let mut out = String::new();
        for (i, digit) in digits.chars().enumerate() {
            // Four digits are readable without a separator.
            if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
                out.push(thousands);
            }
            out.push(digit);
        }
        out
    }

    /// Formats a number with `decimals` decimals.
    pub(super) fn decimal(&self, value: f64, decimals: usize) -> String {
        let [point, _] = self.lang.marks();
        format!("{value:.decimals$}").replace('.', &point.to_string())
    }

    /// Formats a share as a percentage with one decimal.
    pub(super) fn percent(&self, share: f64) -> String {
        format!("{} %", self.decimal(100.0 * share, 1))
    }

    /// Formats a part of a whole as a percentage; empty if the whole is 0.
    pub(super) fn part(&self, part: u64, whole: u64) -> String {
        if whole == 0 {
            return String::new();
        }
        self.percent(part as f64 / whole as f64)
    }

    /// Formats a list as `a, b and c`.
    pub(super) fn list(&self, words: &[String]) -> String {
        match words {
            [all @ .., last] if !all.is_empty() => {
                format!("{} {} {last}", all.join(", "), self.fill("and", &[]))
            }
            _ => words.concat(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    pub(in crate::report::page) const LANGS: [Lang; 2] = [Lang::En, Lang::Id];

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts.filter_map(|p| Some(p.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_language_has_every_text_with_its_placeholders() {
        let [en, id] = LANGS.map(Words::of);
        assert!(en.texts.len() > 150);
        let keys = |words: &Words| words.texts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&en), keys(&id));
        for (key, text) in &en.texts {
            assert_eq!(placeholders(text), placeholders(&id.texts[key]), "{key}");
            assert!(!text.is_empty() && !id.texts[key].is_empty(), "{key}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_looked_through() {
        let words = Words::of(Lang::En);
        let line = words.fill("spike_line", &[("week", "{n}"), ("n", "7"), ("code", "x}")]);
        assert_eq!(line, "{n}: 7 × x}, usually ");
    }

    #[test]
    fn numbers_are_written_as_people_do() {
        let [en, id] = LANGS.map(Words::of);
        assert_eq!(
            [en.number(1234), en.number(1_234_567)],
            ["1234", "1,234,567"]
        );
        assert_eq!([id.number(12_345), id.number(7)], ["12.345", "7"]);
        assert_eq!([en.percent(0.615), id.percent(0.615)], ["61.5 %", "61,5 %"]);
        assert_eq!([en.part(1, 4), en.part(1, 0)], ["25.0 %", ""]);
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(
            [en.list(&names), id.list(&names[..2])],
            ["a, b and c", "a dan b"]
        );
        assert_eq!(en.list(&names[..1]), "a");
    }
}
