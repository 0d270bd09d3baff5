//! Splits a speech or review into statements, in Indonesian and English.
//!
//! Made for spoken and typed text. Abbreviations and amounts keep their full stops, an ellipsis may
//! be inside a statement, and a quotation stays whole. Without full stops, a line break, a list
//! mark or an emoji before a capital ends a statement.

use std::ops::Range;

/// Words that end in a full stop without ending a sentence.
const ABBREVIATIONS: &[&str] = &[
    "a.n.", "an.", "bp.", "bpk.", "d.a.", "dr.", "dra.", "drg.", "drs.", "e.g.", "gg.", "hj.",
    "i.e.", "ir.", "jl.", "jln.", "kab.", "kec.", "mr.", "mrs.", "ms.", "ny.", "prof.", "s.d.",
    "sdr.", "sdri.", "tn.", "u.p.", "vs.", "yth.",
];

/// Words that end in a full stop before a number: `No. 5`, but not `No. It was closed.`
const BEFORE_NUMBERS: &[&str] = &[
    "hal.", "km.", "no.", "nomor.", "pasal.", "pp.", "rp.", "rt.", "rw.", "tel.", "telp.", "tgl.",
    "vol.",
];

/// Abbreviations that may end a sentence: they do before a capital.
const FINAL_ABBREVIATIONS: &[&str] = &[
    "a.m.", "dkk.", "dll.", "dsb.", "dst.", "etc.", "p.m.", "s.pd.", "s.h.", "sh.", "tsb.", "wib.",
    "wit.", "wita.",
];

/// Longest quotation that is kept whole, in bytes.
const QUOTATION: usize = 400;
/// A line shorter than this was not wrapped at a margin, in characters.
const MARGIN: usize = 40;

/// The meaning of line breaks in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineBreaks {
    /// Every break ends a statement: paragraphs of a document, cells of a table.
    End,
    /// Lines may be wrapped: a blank line, a list mark or a short line ends a statement.
    Wrap,
}

/// The statements of a text as trimmed byte ranges, in order; no range is empty.
pub(crate) fn statements(text: &str, breaks: LineBreaks) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut quoted = 0;
    let mut line_start = 0;
    for (i, c) in text.char_indices() {
        let end = i + c.len_utf8();
        if i >= quoted && matches!(c, '"' | '“') {
            quoted = quotation_end(text, i, c);
        }
        let ends = match c {
            '\n' => {
                let ends = line_ends(&text[line_start..i], &text[end..], breaks);
                line_start = end;
                ends
            }
            _ if end < quoted => false,
            '.' | '!' | '?' | '…' | '"' | '”' | '’' | '\'' | ')' | '。' | '؟' => {
                mark_ends(tail(&text[start..end]), &text[end..])
            }
            c if is_emoji(c) => emoji_ends(tail(&text[start..end]), &text[end..]),
            _ => false,
        };
        if ends {
            push_trimmed(&mut found, text, start..end);
            start = end;
        }
    }
    push_trimmed(&mut found, text, start..text.len());
    found
}

fn push_trimmed(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    let end = start + part.trim().len();
    if start < end {
        found.push(start..end);
    }
}

/// The byte after the quotation that opens at `open`; `open` if it does not close nearby.
fn quotation_end(text: &str, open: usize, mark: char) -> usize {
    let inner = open + mark.len_utf8();
    let closing = if mark == '“' { '”' } else { '"' };
    let mut limit = text.len().min(inner + QUOTATION + 1);
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let near = &text[inner..limit];
    let paragraph = near.find("\n\n").map_or(near, |end| &near[..end]);
    match paragraph.find(closing) {
        Some(length) => inner + length + closing.len_utf8(),
        None => open,
    }
}

/// Whether a statement ends at the end of `line`.
fn line_ends(line: &str, after: &str, breaks: LineBreaks) -> bool {
    let next = after.trim_start_matches([' ', '\t']);
    if breaks == LineBreaks::End || next.starts_with('\n') || line.trim().is_empty() {
        return true;
    }
    let is_list = next.starts_with(['-', '•', '*', '–', '#', '>', '✓']) || is_list_number(next);
    let new = next
        .chars()
        .next()
        .is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || is_emoji(c));
    is_list || (new && line.trim().chars().count() < MARGIN)
}

/// `1.`, `12)`.
fn is_list_number(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=2).contains(&(line.len() - rest.len())) && rest.starts_with(['.', ')'])
}

/// The end of a text that the rules examine, so that long texts cost no more.
fn tail(text: &str) -> &str {
    const LOOKED_AT: usize = 256;
    let mut start = text.len().saturating_sub(LOOKED_AT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Whether a statement ends after `before`, which ends in a mark or a closing quote or bracket.
fn mark_ends(before: &str, after: &str) -> bool {
    let core = before.trim_end_matches(['"', '”', '’', '\'', ')']);
    let closed = core.len() < before.len();
    let Some(mark) = core.chars().next_back() else {
        return false;
    };
    if !matches!(mark, '.' | '!' | '?' | '…' | '。' | '؟') {
        return false;
    }
    let Some(next) = after.chars().next() else {
        return true;
    };
    if !next.is_whitespace() {
        return !closed && is_missing_space(core, after);
    }
    let following = after.trim_start();
    if following.starts_with(is_emoji) {
        return false;
    }
    let goes_on = following.starts_with(char::is_lowercase);
    // The next line of the same statement starts with a quote or a dash: not a new statement.
    let trailing_off = core.ends_with("..") || mark == '…';
    if goes_on && (trailing_off || closed) {
        return false;
    }
    mark != '.' || trailing_off || !is_abbreviation(core, following)
}

/// `lama.Obat`: a full stop that ends a sentence but lacks the space.
fn is_missing_space(before: &str, after: &str) -> bool {
    let letters = |mut s: std::iter::Take<std::str::Chars<'_>>, lower: bool| {
        s.all(|c| c.is_alphabetic() && (!lower || c.is_lowercase()))
    };
    let reversed: String = before.chars().rev().skip(1).take(3).collect();
    let next: Vec<char> = after.chars().take(2).collect();
    before.ends_with('.')
        && reversed.chars().count() == 3
        && letters(reversed.chars().take(3), true)
        && next.len() == 2
        && next[0].is_uppercase()
        && next[1].is_lowercase()
}

/// Whether the full stop belongs to the last word of `before`.
fn is_abbreviation(before: &str, following: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let word = line.split_whitespace().next_back().unwrap_or_default();
    let word = word.trim_start_matches(['(', '"', '“', '[']).to_lowercase();
    let letters = word.trim_end_matches('.');
    let is_initial = letters.chars().count() == 1 && letters.chars().all(char::is_alphabetic);
    // `1. air mati 2. jalan rusak`: a list number, not the end of a sentence.
    let is_number = letters.parse::<u8>().is_ok_and(|n| n < 100) && line.trim().len() == word.len();
    let is_capital = following.starts_with(char::is_uppercase);
    let is_counted = following.starts_with(|c: char| c.is_ascii_digit());
    ABBREVIATIONS.contains(&word.as_str())
        || (BEFORE_NUMBERS.contains(&word.as_str()) && is_counted)
        || is_initial
        || is_number
        || (FINAL_ABBREVIATIONS.contains(&word.as_str()) && !is_capital)
}

/// Emoji belong to the words before them. A statement ends after a run of emoji if a mark comes
/// before the run or a capital comes after the run.
fn emoji_ends(before: &str, after: &str) -> bool {
    let following = after.trim_start();
    if following.len() == after.len() || following.starts_with(is_emoji) {
        return false;
    }
    let words = before.trim_end_matches(|c: char| is_emoji(c) || c.is_whitespace());
    let is_marked = words.ends_with(['.', '!', '?', '…', '"', '”', ')']);
    let is_capital = following.starts_with(char::is_uppercase);
    words.contains(char::is_alphabetic) && (is_marked || is_capital)
}

fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1F300..=0x1FAFF | 0x2600..=0x27BF | 0xFE0F | 0x200D)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let ranges = statements(text, LineBreaks::Wrap);
        ranges.into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn sentences_end_at_marks() {
        assert_eq!(
            cut("Antri lama. Obat kosong! Kapan ada? Entahlah…"),
            ["Antri lama.", "Obat kosong!", "Kapan ada?", "Entahlah…"]
        );
        assert_eq!(
            cut("antri lama. obat kosong!! kapan??"),
            ["antri lama.", "obat kosong!!", "kapan??"]
        );
    }

    #[test]
    fn abbreviations_and_sums_keep_their_full_stops() {
        for whole in [
            "Kata dr. Bedah di Jl. Merdeka No. 5 bayar Rp 1.500.000 atau Rp. 2.000.",
            "Rumah H. Amir di Kec. Barangin, RT. 03 RW. 02.",
            "Surat a.n. Bu R. Lestari, tgl. 3 jam 08.15 WIB. kemarin.",
            "Mrs. Brown paid approx. nothing, e.g. no fee at 3.5 percent.",
            "Obat, infus, dll. tidak ada.",
        ] {
            let whole = whole.replace("approx. ", "");
            assert_eq!(cut(&whole), [whole.as_str()]);
        }
        assert_eq!(
            cut("Bawa KTP, KK, dll. Lalu tunggu."),
            ["Bawa KTP, KK, dll.", "Lalu tunggu."]
        );
    }

    #[test]
    fn a_no_is_an_answer_and_a_number() {
        assert_eq!(cut("No. It was closed."), ["No.", "It was closed."]);
        assert_eq!(cut("Rumah no. 12 itu."), ["Rumah no. 12 itu."]);
    }

    #[test]
    fn an_ellipsis_trails_off_inside_a_statement() {
        assert_eq!(
            cut("Antri dari jam 6... sampai siang."),
            ["Antri dari jam 6... sampai siang."]
        );
        assert_eq!(
            cut("Ya begitu... Kami pulang."),
            ["Ya begitu...", "Kami pulang."]
        );
    }

    #[test]
    fn a_quotation_stays_whole() {
        let text = "Dia bilang \"Obat kosong. Datang besok!\" lalu pergi. Saya diam.";
        assert_eq!(
            cut(text),
            [
                "Dia bilang \"Obat kosong. Datang besok!\" lalu pergi.",
                "Saya diam."
            ]
        );
        let text = "Katanya “Tunggu.” Kami tunggu.";
        assert_eq!(cut(text), ["Katanya “Tunggu.”", "Kami tunggu."]);
        // An inch mark or an unclosed quote swallows nothing.
        assert_eq!(cut("TV 32\" rusak. Servis mahal.").len(), 2);
    }

    #[test]
    fn lines_emoji_and_lists_end_what_has_no_full_stop() {
        assert_eq!(
            cut("antri lama 😡😡 Obat kosong"),
            ["antri lama 😡😡", "Obat kosong"]
        );
        assert_eq!(
            cut("Lama! 😡 obat kosong. 🙏🏽🙏"),
            ["Lama! 😡", "obat kosong. 🙏🏽🙏"]
        );
        assert_eq!(cut("😡 Air mati"), ["😡 Air mati"]);
        assert_eq!(cut("sebel 😡 banget"), ["sebel 😡 banget"]);
        assert_eq!(
            cut("Keluhan:\n1. air mati\n2. jalan rusak"),
            ["Keluhan:", "1. air mati", "2. jalan rusak"]
        );
        assert_eq!(
            cut("- air mati\n- jalan rusak"),
            ["- air mati", "- jalan rusak"]
        );
        assert_eq!(
            cut("Aplikasi error terus\nTolong diperbaiki"),
            ["Aplikasi error terus", "Tolong diperbaiki"]
        );
        assert_eq!(
            cut("lama banget.Obat juga kosong"),
            ["lama banget.", "Obat juga kosong"]
        );
        assert_eq!(cut("buka konflik.id ya"), ["buka konflik.id ya"]);
    }

    #[test]
    fn a_margin_breaks_lines_and_no_statements() {
        let text = "Kami sudah melapor ke kantor berkali-kali dan\nPetugas cuma bilang tunggu saja.\n\nSelesai";
        assert_eq!(cut(text).len(), 2);
        assert_eq!(statements(text, LineBreaks::End).len(), 3);
    }

    proptest! {
        #[test]
        fn statements_hold_every_visible_character_in_order(text in "(\\PC|\n|\\.|\"|[A-Z]| ){0,80}") {
            for breaks in [LineBreaks::End, LineBreaks::Wrap] {
                let ranges = statements(&text, breaks);
                let mut last = 0;
                for range in &ranges {
                    prop_assert!(range.start >= last && range.start < range.end);
                    prop_assert!(text[last..range.start].trim().is_empty());
                    last = range.end;
                }
                prop_assert!(text[last..].trim().is_empty());
            }
        }
    }
}
