//! Parts of a transcript that are not words: time stamps, and marks such as `[tertawa]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// Words in brackets for a sound, a silence or a doubt: not speech.
const NON_VERBAL: &[&str] = &[
    "applause",
    "batuk",
    "berbisik",
    "berdehem",
    "bercanda",
    "bersin",
    "break",
    "coughing",
    "coughs",
    "cries",
    "crosstalk",
    "crying",
    "diam",
    "gasps",
    "groans",
    "hening",
    "hums",
    "inaudible",
    "indistinct",
    "interruption",
    "jeda",
    "ketawa",
    "laugh",
    "laughing",
    "laughs",
    "laughter",
    "mendesah",
    "menangis",
    "mengangguk",
    "menggeleng",
    "menghela",
    "music",
    "musik",
    "napas",
    "nodding",
    "nods",
    "noise",
    "overlapping",
    "pause",
    "pauses",
    "sighing",
    "sighs",
    "silence",
    "sneezes",
    "sobbing",
    "suara",
    "tangis",
    "tangisan",
    "tawa",
    "terbatuk",
    "terdengar",
    "tersenyum",
    "tersedu",
    "tertawa",
    "tepuk",
    "unclear",
    "unintelligible",
    "whispering",
    "whispers",
];

/// Longest mark in brackets, in words.
const MARK_WORDS: usize = 5;

const CLOCK: &str = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?";

static CLOCK_TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,-](\d{1,3}))?$").ok());

/// A stamp at the start of a line, before a name or a text: bracketed, between `#`, or bare and
/// followed by a space, a letter or the line end.
static LEADING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let range = format!(r"(?:\s*(?:-|–|-->)\s*{CLOCK})?");
    Regex::new(&format!(
        r"^(?:#(\d{{1,2}}:\d{{2}}:\d{{2}}(?:-\d)?)#|[\[({{]\s*({CLOCK}){range}\s*[\])}}]|({CLOCK}){range}(?:[ \t]|$))"
    ))
    .ok()
});

/// A stamp anywhere in a turn; bare stamps only on a line of their own.
static INLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let range = format!(r"(?:\s*(?:-|–|-->)\s*{CLOCK})?");
    Regex::new(&format!(
        r"(?m)#(\d{{1,2}}:\d{{2}}:\d{{2}}(?:-\d)?)#|[\[({{]\s*({CLOCK}){range}\s*[\])}}]|^[ \t]*({CLOCK}){range}[ \t]*$"
    ))
    .ok()
});

static LEADING_RANGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let range = format!(r"({CLOCK})\s*(?:-|–|-->)\s*({CLOCK})");
    Regex::new(&format!(r"^\s*[\[({{]?\s*{range}(?:\s*[\])}}]|[ \t]|$)")).ok()
});

/// `1 minute 2 seconds`, alone on a line.
static SPELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?im)^[ \t]*[\[(]?(?:(\d{1,2})[ \t]*(?:hours?|hrs?|jam)[ \t,]+)?(\d{1,3})[ \t]*(?:minutes?|mins?|menit)[ \t,]+(?:and[ \t]+)?(\d{1,2})[ \t]*(?:seconds?|secs?|detik)[\])]?[ \t]*$",
    )
    .ok()
});

static BRACKETED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\[([^\[\]\n]{0,80})\]|\(([^()\n]{0,80})\)|<([^<>\n]{1,40})>|\*([^*\n\s][^*\n]{0,39})\*",
    )
    .ok()
});

/// Milliseconds of `1:02`, `00:03:40`, `00:03:40.5`, `00:03:40-5` (tenths, as f4 writes them).
pub(super) fn clock(text: &str) -> Option<u64> {
    let found = CLOCK_TIME.as_ref()?.captures(text)?;
    let number = |i: usize| found.get(i).and_then(|m| m.as_str().parse::<u64>().ok());
    let (first, second) = (number(1)?, number(2)?);
    let seconds = match number(3) {
        Some(third) => first * 3600 + second * 60 + third,
        None => first * 60 + second,
    };
    let fraction = found.get(4).map_or("", |m| m.as_str());
    let millis = format!("{fraction:0<3}").parse().unwrap_or(0);
    Some(seconds * 1000 + millis)
}

/// `00:03:40.500` for 220 500 ms.
pub fn clock_time(millis: u64) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// A stamp at the start of `text`, and its length in bytes.
pub(super) fn leading_stamp(text: &str) -> Option<(u64, usize)> {
    let found = LEADING.as_ref()?.captures(text)?;
    Some((stamp_of(&found)?, found.get(0)?.end()))
}

fn stamp_of(found: &regex::Captures<'_>) -> Option<u64> {
    (1..=3)
        .find_map(|i| found.get(i))
        .and_then(|m| clock(m.as_str()))
}

/// The start and the end of the stamp at the start of a text: `[00:01.000 --> 00:04.000]`.
pub(super) fn leading_range(text: &str) -> Option<(u64, u64)> {
    let found = LEADING_RANGE.as_ref()?.captures(text)?;
    let time = |i: usize| found.get(i).and_then(|m| clock(m.as_str()));
    let (start, end) = (time(1)?, time(2)?);
    (start <= end).then_some((start, end))
}

/// The time of a line that holds nothing else.
pub(super) fn stamp_line(line: &str) -> Option<u64> {
    let line = line.trim();
    if let Some((time, length)) = leading_stamp(line)
        && length == line.len()
    {
        return Some(time);
    }
    let spelled = SPELLED.as_ref()?.captures(line)?;
    spelled_time(&spelled)
}

fn spelled_time(found: &regex::Captures<'_>) -> Option<u64> {
    let number = |i: usize| {
        found
            .get(i)
            .map_or(Some(0), |m| m.as_str().parse::<u64>().ok())
    };
    Some((number(1)? * 3600 + number(2)? * 60 + number(3)?) * 1000)
}

/// The stamps inside a text: byte offset and milliseconds.
pub(super) fn stamps(text: &str) -> Vec<(usize, u64)> {
    let Some(inline) = INLINE.as_ref() else {
        return Vec::new();
    };
    let clocks = inline.captures_iter(text);
    let clocks = clocks.filter_map(|c| Some((c.get(0)?.start(), stamp_of(&c)?)));
    let spelled = SPELLED
        .as_ref()
        .into_iter()
        .flat_map(|r| r.captures_iter(text));
    let spelled = spelled.filter_map(|c| Some((c.get(0)?.start(), spelled_time(&c)?)));
    let mut found: Vec<(usize, u64)> = clocks.chain(spelled).collect();
    found.sort_unstable();
    found
}

/// A text without stamps and non-verbal marks, white space squeezed: what a model reads.
pub(super) fn spoken(raw: &str) -> String {
    let mut text = Cow::Borrowed(raw);
    if let Some(inline) = INLINE.as_ref() {
        text = Cow::Owned(inline.replace_all(&text, " ").into_owned());
    }
    if let Some(spelled) = SPELLED.as_ref() {
        text = Cow::Owned(spelled.replace_all(&text, " ").into_owned());
    }
    if let Some(bracketed) = BRACKETED.as_ref() {
        let without = bracketed.replace_all(&text, |c: &regex::Captures<'_>| {
            let inner = (1..=4).find_map(|i| c.get(i)).map_or("", |m| m.as_str());
            let kept = if is_non_verbal(inner) { " " } else { &c[0] };
            kept.to_string()
        });
        text = Cow::Owned(without.into_owned());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Whether text in brackets is not speech: `tertawa`, `2.0`, `…`; but `BPJS` and `nama` are speech.
pub(super) fn is_non_verbal(inner: &str) -> bool {
    if !inner.chars().any(char::is_alphabetic) {
        return true;
    }
    let words: Vec<String> = inner
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.len() <= MARK_WORDS
        && (words.iter().any(|w| NON_VERBAL.contains(&w.as_str()))
            || words.join(" ") == "tidak jelas")
}

/// Whether a text has a letter outside brackets: not only stamps, rules or notes.
pub(super) fn is_spoken(text: &str) -> bool {
    let mut depth = 0u32;
    text.chars().any(|c| {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_alphabetic()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_times_are_read_and_written() {
        for (text, millis) in [
            ("00:03:40", 220_000),
            ("3:40", 220_000),
            ("00:03:40-5", 220_500),
            ("01:00:00.25", 3_600_250),
            ("00:00:01,007", 1_007),
        ] {
            assert_eq!(clock(text), Some(millis), "{text}");
        }
        assert_eq!(clock("3.40"), None);
        assert_eq!(clock_time(3_661_007), "01:01:01.007");
    }

    #[test]
    fn stamps_and_marks_are_no_speech_and_asides_are() {
        assert_eq!(
            spoken("Ya [tertawa], obatnya (diam)\nkosong (BPJS) #00:03:40-5#"),
            "Ya , obatnya kosong (BPJS)"
        );
        assert_eq!(
            spoken("(2.0) Bu [nama] (…) datang jam 08:15"),
            "Bu [nama] datang jam 08:15"
        );
        assert_eq!(spoken("*tertawa pelan* iya"), "iya");
        assert_eq!(
            spoken("[suara tidak jelas] lalu\n00:03:15\npulang"),
            "lalu pulang"
        );
    }

    #[test]
    fn leading_stamps_are_read_in_each_style() {
        for (text, millis) in [
            ("[00:03:40] x", 220_000),
            ("{00:00:00}x", 0),
            ("(00:01) x", 1_000),
            ("#00:03:40-5# x", 220_500),
            ("00:01 x", 1_000),
            ("00:03:15 --> 00:03:20", 195_000),
        ] {
            assert_eq!(leading_stamp(text).map(|s| s.0), Some(millis), "{text}");
        }
        assert_eq!(leading_stamp("08:15an saya datang"), None);
    }
}
