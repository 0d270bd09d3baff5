//! Finds the marks at the start of turns: names of speakers, with the times beside them.
//!
//! Supports the styles of `MAXQDA`, `ATLAS.ti`, `QualCoder`, f4, Whisper and captions: `Name:`,
//! `@Name:`, `#Name:`, `>> Name:`, `[Name]`, `[Name]:`, `{Name}`, `(Name)`, `1. Name:`,
//! `Name [00:03:40] …`, `Informan 1 – …`, and a name alone on its line.

use std::sync::LazyLock;

use regex::Regex;

use super::marks::{clock, is_non_verbal, leading_stamp};

/// Longest name, in characters.
const NAME_CHARS: usize = 100;

/// Short answers that may be alone on a line.
const ANSWERS: &[&str] = &[
    "ya", "iya", "tidak", "nggak", "enggak", "gak", "ok", "oke", "baik", "betul", "benar", "belum",
    "sudah", "yes", "no", "okay", "right", "hmm", "mm",
];

/// Titles before a name that end in a full stop.
const TITLES: &[&str] = &[
    "dr.", "drg.", "drs.", "dra.", "prof.", "ir.", "h.", "hj.", "bpk.", "bp.", "ny.", "tn.",
    "sdr.", "sdri.", "mr.", "mrs.", "ms.",
];

/// The style of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Style {
    /// `Name:`.
    Colon,
    /// `>> Name:` or `[Name]:`, which only speakers have.
    Sure,
    /// `@Name:` or `#Name:`.
    Tagged,
    /// `[Name]`, `{Name}`, or `(Name)` alone on its line.
    Bracketed,
    /// `(Name) words`, which may be an aside.
    Aside,
    /// `Name [00:03:40] words`.
    Timed,
    /// `Name – `.
    Dash,
    /// A line with only the name, and perhaps a time.
    Alone,
}

/// A mark that may begin a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marker<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
    /// Bytes of the line before the words.
    pub(super) after: usize,
    /// The time stamp beside the name, in milliseconds.
    pub(super) time: Option<u64>,
}

const NAME: &str = r"[^:\[\](){}*@#\t–—]+?";
const STAMP: &str = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,-]\d{1,3})?";
const ASIDE: &str = r"(?:\([^():]{1,40}\)\s*)?";

fn pattern(text: &str) -> Option<Regex> {
    let text = text.replace("NAME", NAME).replace("ASIDE", ASIDE);
    Regex::new(&text.replace("STAMP", STAMP)).ok()
}

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^(?:[\[(]?\d{1,5}[.)\]]?[ \t]+|\d{1,5}[.)])"));
static COLON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"^([@#]?)(NAME)\s*ASIDE(?:[\[({#]?(STAMP)[\])}#]?)?\s*(?:\*\*|__)?\s*:(?:\*\*|__)?")
});
/// A name with a whole stamp: in brackets of any kind, or with hours.
static TIMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^([@#]?)(NAME)(?:\*\*|__)?\s*ASIDE(?:\s*[,|-]?\s*(?:\[\s*(STAMP)[^\[\]\p{L}]*\]|\(\s*(STAMP)[^()\p{L}]*\)|\{\s*(STAMP)[^{}\p{L}]*\}|<\s*(STAMP)[^<>\p{L}]*>|#(STAMP)#)|[\s,|]+(\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?)(?:\s|$|:\s))\s*(?:\*\*|__)?(:)?(?:\*\*|__)?",
    )
});
static BRACKETED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let inner = r"\s*(?:(STAMP)[\s,|-]+)?(NAME)(?:[\s,|-]+(STAMP))?\s*";
    let kinds = [r"\[INNER\]", r"\{INNER\}", r"\(INNER\)", r"<INNER>"];
    let kinds = kinds.map(|kind| kind.replace("INNER", inner)).join("|");
    pattern(&format!(r"^(?:{kinds})\s*(:)?"))
});
static DASH: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^(NAME)\s*ASIDE(?:\s[–—-]\s|[–—]\s?)"));
static ALONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"^(NAME)\s*(?:\*\*|__)?\s*(?:[\[({#]?(STAMP)[\])}#]?)?\s*(?:\*\*)?$")
});

/// The mark at the start of a line, if it could be a speaker.
pub(super) fn marker(line: &str) -> Option<Marker<'_>> {
    let line = line.trim_end();
    let (rest, chevrons) = undecorated(line);
    let numbered = NUMBER.as_ref().and_then(|r| r.find(rest));
    let numbered = numbered.and_then(|number| unnumbered(line, &rest[number.end()..]));
    let mut found = numbered.or_else(|| unnumbered(line, rest))?;
    if chevrons && found.style == Style::Colon {
        found.style = Style::Sure;
    }
    Some(found)
}

/// The mark at the start of `rest`, the end of a line; a stamp may be before it.
fn unnumbered<'a>(line: &'a str, rest: &'a str) -> Option<Marker<'a>> {
    let is_numbered = NUMBER
        .as_ref()
        .is_some_and(|r| r.is_match(line.trim_start()));
    let (time, rest) = without_stamp(rest);
    let found = bracketed(rest)
        .or_else(|| timed(rest))
        .or_else(|| colon(rest))
        .or_else(|| dash(rest))
        .or_else(|| alone(rest).filter(|_| !is_numbered || time.is_some()))?;
    let mut after = line.len() - rest.len() + found.after;
    let mut time = time.or(found.time);
    // `Name: [00:03:40] …`
    let words = &line[after..];
    let blank = words.len() - words.trim_start().len();
    let is_bracketed = words[blank..].starts_with(['[', '(', '{', '#']);
    if let (None, true, Some((stamp, length))) =
        (time, is_bracketed, leading_stamp(&words[blank..]))
    {
        time = Some(stamp);
        after += blank + length;
    }
    Some(Marker {
        after,
        time,
        ..found
    })
}

/// The stamp before a name, and the rest of the line.
fn without_stamp(rest: &str) -> (Option<u64>, &str) {
    if let Some((stamp, length)) = leading_stamp(rest) {
        return (Some(stamp), undecorated(&rest[length..]).0);
    }
    match glued_stamp(rest) {
        Some((stamp, length)) => (Some(stamp), &rest[length..]),
        None => (None, rest),
    }
}

/// A line without white space, quote marks, heading marks and bold marks at its start, and whether
/// it has the chevrons of captions (`>>`).
fn undecorated(line: &str) -> (&str, bool) {
    let mut rest = line.trim_start();
    let quoted = rest.trim_start_matches('>');
    let chevrons = rest.len() - quoted.len() >= 2;
    if chevrons || (quoted.len() < rest.len() && quoted.starts_with(' ')) {
        rest = quoted.trim_start();
    }
    let heading = rest.trim_start_matches('#');
    if heading.len() < rest.len() && heading.starts_with(' ') {
        rest = heading.trim_start();
    }
    for bold in ["- **", "* **", "**", "__"] {
        if let Some(inner) = rest.strip_prefix(bold) {
            return (inner.trim_start(), chevrons);
        }
    }
    for bullet in ["- ", "– ", "• "] {
        if let Some(inner) = rest.strip_prefix(bullet)
            && colon(inner.trim_start()).is_some()
        {
            return (inner.trim_start(), chevrons);
        }
    }
    (rest, chevrons)
}

/// `00:03:40.5Name:`: a time without a space before the name.
fn glued_stamp(rest: &str) -> Option<(u64, usize)> {
    let length =
        rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | '-')))?;
    let letter = rest[length..].starts_with(char::is_alphabetic);
    let time = clock(&rest[..length])?;
    (letter && rest[..length].matches(':').count() == 2).then_some((time, length))
}

fn colon(rest: &str) -> Option<Marker<'_>> {
    let found = COLON.as_ref()?.captures(rest)?;
    let (name, after) = (found.get(2)?.as_str().trim(), found.get(0)?.end());
    let words = &rest[after..];
    let before_digit = name.ends_with(|c: char| c.is_ascii_digit()) || found.get(3).is_some();
    let is_clock_time = before_digit && words.starts_with(|c: char| c.is_ascii_digit());
    let style = match &found[1] {
        "" => Style::Colon,
        _ => Style::Tagged,
    };
    (is_name(name) && !words.starts_with("//") && !is_clock_time).then(|| Marker {
        name,
        style,
        after,
        time: found.get(3).and_then(|m| clock(m.as_str())),
    })
}

/// A name and its stamp, before a colon, before words or alone on the line.
fn timed(rest: &str) -> Option<Marker<'_>> {
    let found = TIMED.as_ref()?.captures(rest)?;
    let (name, whole) = (found.get(2)?.as_str().trim(), found.get(0)?);
    let time = (3..=8)
        .find_map(|i| found.get(i))
        .and_then(|m| clock(m.as_str()))?;
    let has_colon = found.get(9).is_some() || whole.as_str().trim_end().ends_with(':');
    let style = match &found[1] {
        "" if has_colon => Style::Colon,
        "" if rest[whole.end()..].trim().is_empty() => Style::Alone,
        "" => Style::Timed,
        _ => Style::Tagged,
    };
    is_name(name).then_some(Marker {
        name,
        style,
        after: whole.end(),
        time: Some(time),
    })
}

fn bracketed(rest: &str) -> Option<Marker<'_>> {
    const GROUPS: usize = 3;
    let found = BRACKETED.as_ref()?.captures(rest)?;
    let kind = (0..4).find(|kind| found.get(kind * GROUPS + 2).is_some())?;
    let group = |i: usize| found.get(kind * GROUPS + i);
    let name = group(2)?.as_str().trim();
    let after = found.get(0)?.end();
    let is_square = kind < 2;
    let style = match found.get(4 * GROUPS + 1) {
        Some(_) => Style::Sure,
        None if is_square || rest[after..].trim().is_empty() => Style::Bracketed,
        None => Style::Aside,
    };
    let stamp = group(1).or_else(|| group(3));
    (is_name(name) && !is_non_verbal(name)).then(|| Marker {
        name,
        style,
        after,
        time: stamp.and_then(|m| clock(m.as_str())),
    })
}

fn dash(rest: &str) -> Option<Marker<'_>> {
    let found = DASH.as_ref()?.captures(rest)?;
    let name = found.get(1)?.as_str().trim();
    is_name(name).then_some(Marker {
        name,
        style: Style::Dash,
        after: found.get(0)?.end(),
        time: None,
    })
}

fn alone(rest: &str) -> Option<Marker<'_>> {
    let found = ALONE.as_ref()?.captures(rest)?;
    let name = found.get(1)?.as_str().trim();
    let is_answer = ANSWERS.contains(&name.to_lowercase().as_str());
    (is_name(name) && !is_answer).then(|| Marker {
        name,
        style: Style::Alone,
        after: rest.len(),
        time: found.get(2).and_then(|m| clock(m.as_str())),
    })
}

/// Whether a label could be a name: short, with a letter, without sentence punctuation.
fn is_name(label: &str) -> bool {
    let is_title = |word: &str| TITLES.contains(&word.to_lowercase().as_str());
    label.chars().count() <= NAME_CHARS
        && label.chars().any(char::is_alphabetic)
        && !label.contains(['?', '!', ',', ';', '"', '”', '“', '=', '<', '>', '…'])
        && label
            .split_whitespace()
            .all(|w| !w.contains('.') || is_title(w) || is_initial(w))
}

fn is_initial(word: &str) -> bool {
    word.len() == 2 && word.starts_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_is_a_mark() {
        for (line, name, words) in [
            ("Pewawancara (00:01): x", "Pewawancara", "x"),
            ("00:01 Pewawancara: x", "Pewawancara", "x"),
            ("[00:01:02] Pewawancara: x", "Pewawancara", "x"),
            ("#00:03:40-5# Pewawancara: x", "Pewawancara", "x"),
            ("00:03:40.5Pewawancara: x", "Pewawancara", "x"),
            ("**Pewawancara:** x", "Pewawancara", "x"),
            ("- **P**: x", "P", "x"),
            ("  Pewawancara : x", "Pewawancara", "x"),
            ("Informan 1 (L, 43): x", "Informan 1", "x"),
            ("dr. Sari: x", "dr. Sari", "x"),
            ("@budi: x", "budi", "x"),
            ("#Budi: x", "Budi", "x"),
            ("[Budi] x", "Budi", "x"),
            ("{Budi}x", "Budi", "x"),
            ("Informan 1 – x", "Informan 1", "x"),
            ("Informan 1 - x", "Informan 1", "x"),
            ("Budi Santoso", "Budi Santoso", ""),
            ("Budi Santoso  0:03", "Budi Santoso", ""),
            ("### Informan 1", "Informan 1", ""),
            ("P", "P", ""),
            ("P: [00:00:10] x", "P", "x"),
        ] {
            let found = marker(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (found.name, line[found.after..].trim()),
                (name, words),
                "{line}"
            );
        }
    }

    #[test]
    fn stamps_beside_names_are_times() {
        let time = |line| marker(line).and_then(|m| m.time);
        assert_eq!(time("[00:03:40] P: x"), Some(220_000));
        assert_eq!(time("P (3:40): x"), Some(220_000));
        assert_eq!(time("P: {00:03:40} x"), Some(220_000));
        assert_eq!(time("Budi Santoso  0:03"), Some(3_000));
    }

    #[test]
    fn addresses_clock_times_and_sentences_are_no_marks() {
        for line in [
            "lihat https://contoh",
            "https://contoh.example",
            "00:03:15 --> 00:03:20",
            "Jam 08:15 saya datang",
            "Katanya, tunggu: lama",
            "[tertawa] x",
            "=====",
        ] {
            let found = marker(line).filter(|m| m.style != Style::Alone);
            assert_eq!(found, None, "{line}");
        }
    }
}
