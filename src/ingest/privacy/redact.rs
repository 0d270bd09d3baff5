//! Finds private data in a text by its form.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::edits::{Edit, Moves, applied};
use super::kinds::{Counts, Kind};
use super::numbers;

/// Generic handles that name nobody.
const MASKED_HANDLES: [&str; 2] = ["user", "admin"];

/// First letters of Indonesian number plates.
const PLATES: &str = "A|AA|AB|AD|AE|AG|B|BA|BB|BD|BE|BG|BH|BK|BL|BM|BN|BP|D|DA|DB|DC|DD|DE|DG|DH|DK|DL|DM|DN|DP|DR|DS|DT|DW|E|EA|EB|ED|F|G|H|K|KB|KH|KT|KU|L|M|N|P|PA|PB|R|S|T|W|Z";
/// Units after a number, which is then not a plate.
const UNITS: [&str; 16] = [
    "KG", "GR", "KM", "CM", "MM", "M", "GB", "MB", "TB", "AM", "PM", "WIB", "JT", "RB", "CC", "X",
];

/// The form of one kind of private data.
pub(crate) struct Pattern {
    pub(crate) kind: Kind,
    text: String,
    /// Whether a match must not go on in another digit; a letter may be next to it.
    is_run: bool,
    /// Compiled on first use: some patterns take longer to compile than a statement to label.
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// All matches in a text, in order.
    pub(crate) fn found(&self, text: &str) -> Vec<(Kind, Range<usize>)> {
        let judge = |captures: Captures<'_>| {
            let whole = captures.get(0)?;
            let kind = judged(self.kind, whole.as_str(), &captures)?;
            let start = captures.name("before").map_or(whole.start(), |m| m.end());
            if self.is_run && !numbers::is_whole_run(text, start..whole.end()) {
                return None;
            }
            let is_ticket = kind == Kind::Number && numbers::is_ticket(text, start..whole.end());
            (!is_ticket).then(|| (kind, start..whole.end()))
        };
        let found = self.regex().map(|regex| regex.captures_iter(text));
        found.into_iter().flatten().filter_map(judge).collect()
    }

    fn regex(&self) -> Option<&Regex> {
        let compiled = || Regex::new(&self.text).ok();
        self.regex.get_or_init(compiled).as_ref()
    }
}

/// The patterns that models know, which read statements without private data.
pub(crate) fn patterns() -> &'static [Pattern] {
    &PATTERNS
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let plate = format!(r"\b(?:{PLATES}) ?[1-9]\d{{1,3}} ?(?P<end>[A-Z]{{1,3}})\b");
    let patterns = [
        (Kind::Url, r"(?i)\b(?:https?://|www\.)[^\s<>]*[\w/]"),
        (
            Kind::Url,
            r"(?i)\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|id|ly|me|gl)/[^\s<>]*[\w/]",
        ),
        (Kind::Email, r"[\w.+-]*\w@[\w-]+(?:\.[\w-]+)+"),
        (
            Kind::Handle,
            r"(?P<before>^|[^\w.@])@(?P<handle>\w+(?:\.\w+)*)",
        ),
        (
            Kind::Address,
            r"(?i)\b(?:jl|jln|jalan|gang|gg)\b\.?\s+[\w'.-]+(?:\s+[\w'.-]+){0,4}?,?\s+(?:no\.|nomor|nmr)\s*\d+\w?(?:/\d+)?",
        ),
        (
            Kind::Address,
            r"(?i)\b(?:jl|jln)\b\.?\s+[\w'.-]+(?:\s+[\w'.-]+){0,3}?,?\s+no\s*\d{1,4}[a-z]?\b",
        ),
        // Without "no." only capitalized names may precede the number, so that times do not match.
        (
            Kind::Address,
            r"\b(?:Jl|JL|jl|Jln|JLN|jln)\b\.?\s+(?:[A-Z][\w'.-]*\s+){1,4}\d{1,4}[a-z]?\b",
        ),
        (
            Kind::Address,
            r"(?i)\b(?:perum(?:ahan)?|kompleks?|blok)\b\s+[\w' -]{0,30}?\b(?:blok\s+)?[a-z]{1,2}[ -]?\d{0,3}[,/ ]*(?:no\.|nomor)\s*\d+",
        ),
        (
            Kind::Address,
            r"(?i)\brt\.?\s*0*\d+\s*[/,]?\s*rw\.?\s*0*\d+",
        ),
        // Before phones, whose patterns match groups of a card number.
        (
            Kind::Number,
            r"\b(?:\d{4}(?:[ .-]\d{4}){3}|\d{6}[ .-]\d{6}[ .-]\d{4}|\d{4}[ -]\d{4}[ -]\d{5})\b",
        ),
        (
            Kind::Phone,
            r"(?:\+62|\b62|\b0)[\s.-]?\(?8\d{1,3}\)?[\s.-]?\d{3,4}[\s.-]?\d{2,5}\b",
        ),
        (
            Kind::Phone,
            r"\+\d{1,3}[\s.-]?\(?\d{1,4}\)?[\s.-]?\d{3,4}[\s.-]?\d{3,5}\b",
        ),
        (Kind::Phone, r"\(0\d{2,3}\)\s?\d{3,4}[\s.-]?\d{3,4}\b"),
        (Kind::Phone, r"\b0\d{2,3}[ -]\d{3,4}[ -]?\d{3,4}\b"),
        (Kind::Number, r"\b\d{13,19}\b"),
        (Kind::Plate, plate.as_str()),
    ];
    let pattern = |(kind, text): (Kind, &str)| Pattern {
        kind,
        // A Unicode `\b` makes the matcher leave its fast path at the first emoji.
        text: text.replace(r"\b", r"(?-u:\b)"),
        is_run: false,
        regex: OnceLock::new(),
    };
    patterns.map(pattern).into()
});

/// The patterns in the order of masking; later patterns do not see what was masked before. They
/// find more than those of models: numbers next to letters, and the forms in [`numbers`].
static MASKED: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let is_number = |kind| matches!(kind, Kind::Number | Kind::Phone);
    let known = patterns().iter().map(|known| Pattern {
        kind: known.kind,
        text: if is_number(known.kind) {
            known.text.replace(r"(?-u:\b)", "")
        } else {
            known.text.clone()
        },
        is_run: is_number(known.kind),
        regex: OnceLock::new(),
    });
    let mut all: Vec<Pattern> = known.collect();
    let further = numbers::further().into_iter().map(|(kind, text)| Pattern {
        kind,
        text: text.replace(r"\b", r"(?-u:\b)"),
        is_run: is_number(kind),
        regex: OnceLock::new(),
    });
    // Before runs of digits of no known form, which would take them.
    let long = all.iter().rposition(|p| p.kind == Kind::Number);
    let rest = all.split_off(long.unwrap_or(all.len()));
    all.extend(further.chain(rest));
    all
});

/// Masks the private data in a text and counts it.
pub fn redacted<'a>(text: &'a str, counts: &mut Counts) -> Cow<'a, str> {
    redacted_in_rounds(text, counts, &mut Vec::new())
}

/// The same; `rounds` gets the new positions after each round of edits.
pub(super) fn redacted_in_rounds<'a>(
    text: &'a str,
    counts: &mut Counts,
    rounds: &mut Vec<Moves>,
) -> Cow<'a, str> {
    let mut masked = Cow::Borrowed(text);
    if !may_hold(text) {
        return masked;
    }
    for pattern in MASKED.iter() {
        let edits = edits(pattern, &masked, counts);
        if !edits.is_empty() {
            masked = Cow::Owned(applied(&masked, &edits));
            rounds.push(Moves::of(&edits));
        }
    }
    masked
}

/// A text masked by the patterns alone that models know.
#[cfg(test)]
pub(crate) fn masked_for_models(text: &str) -> String {
    let mut masked = text.to_string();
    for pattern in patterns() {
        masked = applied(&masked, &edits(pattern, &masked, &mut Counts::new()));
    }
    masked
}

/// The replacements of one pattern, counted.
fn edits(pattern: &Pattern, text: &str, counts: &mut Counts) -> Vec<Edit> {
    let edit = |(kind, range): (Kind, Range<usize>)| {
        *counts.entry(kind).or_default() += 1;
        Edit {
            range,
            with: kind.mask().to_string(),
        }
    };
    pattern.found(text).into_iter().map(edit).collect()
}

/// The first kind of private data in a text.
pub(crate) fn first_private(text: &str) -> Option<Kind> {
    let mut counts = Counts::new();
    redacted(text, &mut counts);
    counts.into_keys().next()
}

/// Whether a text may have private data: all kinds need a digit, an `@`, a link or digits in words.
fn may_hold(text: &str) -> bool {
    let marks = |b: u8| b.is_ascii_digit() || b == b'@' || b == b'/';
    text.bytes().any(marks) || {
        let lower = text.to_ascii_lowercase();
        lower.contains("www.") || numbers::may_be_spelled(&lower)
    }
}

/// The actual kind of a match; `None` if it is a false match.
fn judged(kind: Kind, whole: &str, captures: &Captures<'_>) -> Option<Kind> {
    match kind {
        Kind::Handle => {
            let handle = captures.name("handle")?.as_str();
            let is_mask = MASKED_HANDLES.contains(&handle.to_lowercase().as_str());
            (handle.len() > 1 && !is_mask).then_some(kind)
        }
        Kind::Plate => {
            let end = captures.name("end").map(|end| end.as_str().to_uppercase());
            let is_unit = end.is_some_and(|end| UNITS.contains(&end.as_str()));
            (!is_unit).then_some(kind)
        }
        Kind::Number if are_years(whole) => None,
        Kind::Number => {
            let digits: Vec<u8> = whole.bytes().filter(u8::is_ascii_digit).collect();
            Some(match digits.len() {
                16 if is_nik(&digits) => Kind::Nik,
                13 if digits.starts_with(b"000") => Kind::Bpjs,
                _ => Kind::Number,
            })
        }
        kind => Some(kind),
    }
}

/// `2019 2020 2021 2022` is not a card number.
fn are_years(groups: &str) -> bool {
    let mut groups = groups.split([' ', '.', '-']);
    groups.all(|g| g.len() == 4 && (g.starts_with("19") || g.starts_with("20")))
}

/// Province, regency and district, then the date of birth (40 is added to the day for women).
fn is_nik(digits: &[u8]) -> bool {
    let pair = |at: usize| 10 * (digits[at] - b'0') + (digits[at + 1] - b'0');
    let (province, regency, district) = (pair(0), pair(2), pair(4));
    let (day, month) = (pair(6), pair(8));
    (11..=97).contains(&province)
        && regency > 0
        && district > 0
        && ((1..=31).contains(&day) || (41..=71).contains(&day))
        && (1..=12).contains(&month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        redacted(text, &mut Counts::new()).into_owned()
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(patterns().iter().filter_map(Pattern::regex).count(), 16);
        let count = MASKED.iter().filter_map(Pattern::regex).count();
        assert_eq!(count, 16 + numbers::further().len());
    }

    #[test]
    fn a_number_is_known_by_its_structure() {
        assert_eq!(masked("NIK 3299014107850001 ya"), "NIK <nik> ya");
        // Month 13 and day 00 do not exist: at most a card.
        assert_eq!(masked("3299014113850001"), "<number>");
        assert_eq!(masked("3299010001850001"), "<number>");
        assert_eq!(masked("kartu 0001234567890"), "kartu <bpjs>");
        assert_eq!(masked("3299 0141 0785 0001"), "<nik>");
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        for text in [
            "@user lihat <url> atau <phone>",
            "lihat <nik> dan <address>",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        /// Any text is masked without a panic, and masking again does not change what was masked.
        #[test]
        fn any_text_is_masked(text in "(\\PC{0,5}(@|0812|www\\.|Jl\\. |62 |no\\.|\\d{3,9})?){0,8}") {
            let _ = masked(&text);
        }
    }
}
