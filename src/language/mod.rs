//! The language of a statement: Indonesian, English, both mixed, or another.
//!
//! Made for short and slangy statements, for which letter statistics mislead. Words are looked up
//! in lists (from the corpus for Indonesian and English; written by hand for Javanese, Sundanese,
//! Minangkabau and Malay). Only unknown words are judged by their endings and letters. For accuracy
//! see `docs/language.md`.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

use crate::tokenize::squeezed;

/// The language of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Indonesian, including colloquial and slang.
    Indonesian,
    /// English.
    English,
    /// Indonesian and English in one statement.
    Mixed,
    /// Another language, mainly those close to Indonesian.
    Other,
}

impl Language {
    /// `id`, `en`, `mix` or `other`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
            Self::Mixed => "mix",
            Self::Other => "other",
        }
    }
}

/// Weight of a word that belongs to one language only, in hundredths like all weights.
const FULL: u8 = 100;
/// Minimum share of regional words for another language.
const OTHER: f64 = 0.24;
/// Share of regional words from which a statement can't be called Indonesian.
const DOUBTFUL: f64 = 0.12;
/// Minimum share of the rarer language for a mixed statement.
const MIXED: f64 = 0.15;
/// Minimum total weight of words for a decision.
const LEAST: u8 = 70;
/// Minimum share of listed words in a statement of three or more words.
const LISTED: f64 = 0.4;
/// Weight of a word that also occurs in Indonesian.
const WEAK: u8 = 40;
/// Weight of an unknown word that looks like a language by its letters.
const LIKELY: u8 = 60;
/// Minimum log-likelihood ratio of letters for an unknown word to look like a language.
const LETTERS: f64 = 1.5;

/// The language that a word indicates, with its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Indonesian(u8),
    English(u8),
    Regional(u8),
    /// Both languages have it, or it is too short to tell.
    Neutral,
}

/// The judgement on a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    sign: Sign,
    /// Whether the word is in a list.
    listed: bool,
}

/// Sums of weights and word counts of a statement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    indonesian: u32,
    english: u32,
    regional: u32,
    words: u32,
    listed: u32,
}

/// The language of a text; `None` if its words don't tell.
pub fn identify(text: &str) -> Option<Language> {
    Identifier::default().identify(text)
}

/// Loads the word lists ahead of the first text.
pub fn prepare() {
    LazyLock::force(&LEXICON);
}

/// Maximum number of words in the cache.
const REMEMBERED: usize = 1 << 15;

/// Identifies the language of many texts; caches the judgement on each word.
#[derive(Debug, Default)]
pub(crate) struct Identifier {
    judged: HashMap<Box<str>, Judged, FxBuildHasher>,
    part: String,
}

impl Identifier {
    /// See [`identify`].
    pub(crate) fn identify(&mut self, text: &str) -> Option<Language> {
        let mut tally = Tally::default();
        self.add(text, &mut tally);
        tally.language()
    }

    /// Adds the words of a text, or of a part between spaces, to `tally`.
    pub(crate) fn add(&mut self, text: &str, tally: &mut Tally) {
        if self.judged.len() > REMEMBERED {
            self.judged.clear();
        }
        let judged = &mut self.judged;
        each_word(text, &mut self.part, |word| {
            tally.add(match judged.get(word) {
                Some(known) => *known,
                None => *judged.entry(word.into()).or_insert_with(|| judge(word)),
            });
        });
    }
}

/// Judges a lower-case word.
pub(crate) fn judge(word: &str) -> Judged {
    let word = squeezed(word);
    let known = LEXICON.known(&word);
    Judged {
        sign: known.unwrap_or_else(|| LEXICON.by_letters(&word)),
        listed: known.is_some(),
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.indonesian += other.indonesian;
        self.english += other.english;
        self.regional += other.regional;
        self.words += other.words;
        self.listed += other.listed;
    }
}

impl Tally {
    /// Adds a word.
    pub(crate) fn add(&mut self, word: Judged) {
        self.words += 1;
        self.listed += u32::from(word.listed);
        match word.sign {
            Sign::Indonesian(weight) => self.indonesian += u32::from(weight),
            Sign::English(weight) => self.english += u32::from(weight),
            Sign::Regional(weight) => self.regional += u32::from(weight),
            Sign::Neutral => {}
        }
    }

    /// The language according to the weights.
    pub(crate) fn language(&self) -> Option<Language> {
        const ENOUGH: u32 = LEAST as u32;
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
        let own = self.indonesian + self.english;
        if self.regional >= ENOUGH {
            let share = share(self.regional, own + self.regional);
            if share >= DOUBTFUL {
                let is_other = share >= OTHER && self.regional >= 2 * u32::from(WEAK);
                return is_other.then_some(Language::Other);
            }
        }
        // By letters alone, any language would be called Indonesian or English.
        let is_strange = self.words >= 3 && f64::from(self.listed) < LISTED * f64::from(self.words);
        if own == 0 || is_strange {
            return None;
        }
        let share = share(self.english, own);
        let language = if self.indonesian < ENOUGH && self.english < ENOUGH {
            [Language::Indonesian, Language::English][usize::from(share >= 0.5)]
        } else if share > 1.0 - MIXED || self.indonesian < ENOUGH {
            Language::English
        } else if share < MIXED || self.english < ENOUGH {
            Language::Indonesian
        } else {
            Language::Mixed
        };
        Some(language)
    }
}

/// Calls `each` with runs of letters in lower case; apostrophes inside are kept. Skips addresses,
/// `@names`, `#tags` and placeholders such as `<url>`: they have no language.
fn each_word(text: &str, lower: &mut String, mut each: impl FnMut(&str)) {
    if text.is_ascii() {
        lower.clear();
        lower.push_str(text);
        lower.make_ascii_lowercase();
        let bytes = lower.as_bytes();
        let is_space = |b: u8| b == b' ' || (9..=13).contains(&b);
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            let mut is_word = true;
            while at < bytes.len() && !is_space(bytes[at]) {
                is_word &= bytes[at].is_ascii_lowercase();
                at += 1;
            }
            if is_word && start < at {
                each(&lower[start..at]);
            } else if start < at {
                each_ascii_word(&lower[start..at], &mut each);
            }
            at += 1;
        }
        return;
    }
    for part in text.split_whitespace() {
        lower.clear();
        if part.is_ascii() {
            lower.push_str(part);
            lower.make_ascii_lowercase();
            each_ascii_word(lower, &mut each);
        } else {
            lower.push_str(&part.to_lowercase().replace('’', "'"));
            each_word_of(lower, &mut each);
        }
    }
}

/// Calls `each` with the words of a lower-case part between spaces.
fn each_word_of(part: &str, each: &mut impl FnMut(&str)) {
    let is_address = part.contains("://") || part.starts_with("www.") || part.contains('@');
    if is_address || part.starts_with(['#', '<']) {
        return;
    }
    part.split(|c: char| !(c.is_alphabetic() || c == '\''))
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .for_each(each);
}

/// Like [`each_word_of`] for an ASCII part.
fn each_ascii_word(part: &str, each: &mut impl FnMut(&str)) {
    let bytes = part.as_bytes();
    let is_address = bytes.contains(&b'@')
        || bytes.starts_with(b"www.")
        || bytes.windows(3).any(|three| three == b"://");
    if is_address || matches!(bytes.first(), Some(b'#' | b'<')) {
        return;
    }
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        // The byte after the last letter: a final apostrophe is not part of the word.
        let mut end = at;
        while at < bytes.len()
            && (bytes[at].is_ascii_lowercase() || at > start && bytes[at] == b'\'')
        {
            at += 1;
            if bytes[at - 1] != b'\'' {
                end = at;
            }
        }
        if start < end {
            each(&part[start..end]);
        }
        at = at.max(start + 1);
    }
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

struct Lexicon {
    signs: HashMap<&'static str, Sign, FxBuildHasher>,
    /// Log-likelihood ratio of each trigram, Indonesian over English, by trigram index.
    letters: Vec<f64>,
}

impl Lexicon {
    fn new() -> Self {
        let mut signs = HashMap::default();
        for (section, word) in entries(include_str!("words.txt")) {
            let sign = match section {
                "id" => Sign::Indonesian(FULL),
                // `no` (nomor), `in`, `is`: two letters have many meanings in Indonesian.
                "en" if word.len() <= 2 => Sign::English(WEAK),
                "en" => Sign::English(FULL),
                _ => Sign::Neutral,
            };
            signs.insert(word, sign);
        }
        // A word in two regional languages gets the larger weight.
        for (section, word) in entries(include_str!("regional.txt")) {
            let weight = if section.ends_with("strong") {
                FULL
            } else {
                WEAK
            };
            let weight = match signs.get(word) {
                Some(Sign::Regional(other)) => weight.max(*other),
                _ => weight,
            };
            signs.insert(word, Sign::Regional(weight));
        }
        Self {
            signs,
            letters: letter_ratios(),
        }
    }

    /// The sign of a listed word, or of a word with a telling ending.
    fn known(&self, word: &str) -> Option<Sign> {
        self.signs
            .get(word)
            .copied()
            .or_else(|| self.regional_ending(word))
            .or_else(|| self.indonesian_ending(word))
    }

    /// `petugase`, `lampuna`, `ubeknyo`: a regional ending, mostly on an Indonesian word.
    fn regional_ending(&self, word: &str) -> Option<Sign> {
        const OF_INDONESIAN: [&str; 3] = ["nyo", "ne", "na"];
        const OF_ANY: [&str; 8] = ["nyo", "keun", "iak", "uak", "uah", "uik", "iah", "ake"];
        let stem_is_known = |ending: &str| {
            let stem = word.strip_suffix(ending).filter(|s| s.chars().count() >= 3);
            stem.filter(|s| self.is_indonesian(s))
        };
        let consonant = |stem: &str| !stem.ends_with(['a', 'i', 'u', 'e', 'o']);
        let is_regional = OF_INDONESIAN.iter().any(|e| stem_is_known(e).is_some())
            || stem_is_known("e").is_some_and(consonant)
            || OF_ANY.iter().any(|e| word.ends_with(e))
            || !word.is_ascii() && word.contains('é');
        is_regional.then_some(Sign::Regional(LEAST))
    }

    /// A known word plus an ending. An English word with an Indonesian ending is neutral.
    fn indonesian_ending(&self, word: &str) -> Option<Sign> {
        const ENDINGS: [&str; 9] = ["nya", "ku", "mu", "lah", "kah", "in", "an", "kan", "i"];
        ENDINGS
            .iter()
            .find_map(|ending| match self.signs.get(word.strip_suffix(ending)?)? {
                Sign::Indonesian(_) | Sign::Neutral => Some(Sign::Indonesian(FULL)),
                Sign::English(_) if matches!(*ending, "nya" | "in") => Some(Sign::Neutral),
                _ => None,
            })
    }

    fn is_indonesian(&self, word: &str) -> bool {
        matches!(self.signs.get(word), Some(Sign::Indonesian(_)))
    }

    fn by_letters(&self, word: &str) -> Sign {
        if word.chars().count() <= 2 {
            return Sign::Neutral;
        }
        let mut ratio = 0.0;
        each_three(word, |place| ratio += self.letters[place]);
        if ratio > LETTERS {
            Sign::Indonesian(LIKELY)
        } else if ratio < -LETTERS {
            Sign::English(LIKELY)
        } else {
            Sign::Neutral
        }
    }
}

/// Log-likelihood ratios of trigrams in the word lists; each count is smoothed by adding 0.5.
fn letter_ratios() -> Vec<f64> {
    let mut counts = vec![[0.5; 2]; SIGNS.pow(3)];
    let mut sums = [0.0f64; 2];
    for (section, word) in entries(include_str!("words.txt")) {
        let language = match section {
            "id" => 0,
            "en" => 1,
            _ => continue,
        };
        each_three(word, |place| {
            counts[place][language] += 1.0;
            sums[language] += 1.0;
        });
    }
    let unseen = (sums[1] / sums[0]).ln();
    let ratio = |[indonesian, english]: [f64; 2]| match (indonesian, english) {
        (0.5, 0.5) => unseen,
        _ => (indonesian / english).ln() + unseen,
    };
    counts.into_iter().map(ratio).collect()
}

/// Size of the trigram alphabet: word boundary, a to z, apostrophe, any other.
const SIGNS: usize = 29;

/// Calls `each` with the index of each trigram of a word, including its two boundaries.
fn each_three(word: &str, mut each: impl FnMut(usize)) {
    let sign = |c: char| match c {
        'a'..='z' => c as usize - 'a' as usize + 1,
        '\'' => 27,
        _ => 28,
    };
    let mut place = 0;
    for (before, next) in word.chars().map(sign).chain([0]).enumerate() {
        place = (place * SIGNS + next) % SIGNS.pow(3);
        if before > 0 {
            each(place);
        }
    }
}

/// The words of a list, each with its section.
fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut section = "";
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(move |line| {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name;
                return Vec::new();
            }
            line.split_whitespace()
                .map(|word| (section, word))
                .collect()
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(text: &str) -> &'static str {
        identify(text).map_or("", Language::as_str)
    }

    #[test]
    fn slang_and_mixtures_are_identified() {
        assert_eq!(named("udh nunggu lamaaaa bgt"), "id");
        assert_eq!(named("Slow service."), "en");
        assert_eq!(named("Air PDAM mati"), "id");
        assert_eq!(
            named(
                "Saya sudah submit refund request tapi no response sama sekali from customer service"
            ),
            "mix"
        );
    }

    proptest! {
        #[test]
        fn ascii_is_cut_as_any_text(part in "[a-z0-9@:/.w'#<-]{0,12}") {
            let (mut bytes, mut text) = (Vec::new(), Vec::new());
            each_ascii_word(&part, &mut |word: &str| bytes.push(word.to_string()));
            each_word_of(&part, &mut |word: &str| text.push(word.to_string()));
            prop_assert_eq!(bytes, text);
        }
    }

    #[test]
    fn addresses_tags_and_placeholders_are_skipped() {
        assert_eq!(
            named("@thepeople lampu mati, no hp saya beda https://some.where/the #nothing"),
            "id"
        );
    }

    #[test]
    fn regional_languages_are_other() {
        for text in [
            "Dalane rusak kabeh",
            "Jalanna ruksak kabeh, teu aya nu ngabebenah",
            "Jalan lah rusak sado alahe, indak ado nan mamelokan",
            "Ubat habis, suruh datang esok pulak",
        ] {
            assert_eq!(named(text), "other", "{text}");
        }
        // One regional word among Indonesian ones does not make another language.
        assert_eq!(
            named("kalau lewat situ memang harus sabar, mas, antrenya ora sedikit"),
            "id"
        );
    }

    #[test]
    fn texts_without_known_words_have_no_language() {
        for text in [
            "",
            "😡😡",
            "12.000",
            "-",
            "El agua no funciona desde ayer",
            "Orkan, bedeckt, Schnee",
        ] {
            assert_eq!(named(text), "", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_language_or_none(text in "\\PC*") {
            prop_assert_eq!(identify(&text), identify(&text));
        }
    }
}
