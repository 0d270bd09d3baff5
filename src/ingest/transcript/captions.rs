//! Captions: what rolls on from one cue to the next, and where long speech is cut.

use std::ops::Range;

/// Most words of a cue that are compared.
const COMPARED: usize = 200;
/// Fewest cues and words that repeat in rolling captions.
const ROLLING_CUES: usize = 2;
const ROLLING_WORDS: usize = 4;
/// Longest time between two cues of rolling captions, in milliseconds.
const NEAR: u64 = 2000;

/// Longest statement that is not cut, in characters.
const LONG: usize = 400;
/// Length at which a long statement is cut, in characters.
const PIECE: usize = 240;
/// Shortest piece before a pause, in characters.
const SHORT: usize = 40;
/// A silence that ends a piece, in milliseconds.
const PAUSE: u64 = 700;

/// A cue as it is shown.
pub(super) struct Shown<'a> {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) words: Vec<&'a str>,
}

/// How many words at the start of each cue the cue before has shown, for rolling captions.
/// Nothing if half of the cues repeat no words: then people repeat themselves.
pub(super) fn repeated(cues: &[Shown<'_>]) -> Vec<usize> {
    let mut repeated = vec![0];
    for pair in cues.windows(2) {
        let near = pair[1].start.saturating_sub(pair[0].end) <= NEAR;
        let overlap = if near {
            overlap(&pair[0].words, &pair[1].words)
        } else {
            0
        };
        repeated.push(overlap);
    }
    let rolling = repeated.iter().filter(|n| **n > 0).count();
    let words: usize = repeated.iter().sum();
    if rolling < ROLLING_CUES || words < ROLLING_WORDS || rolling * 2 < cues.len() - 1 {
        return vec![0; cues.len()];
    }
    repeated
}

/// The most words that end `before` and begin `after`.
fn overlap(before: &[&str], after: &[&str]) -> usize {
    let most = before.len().min(after.len()).min(COMPARED);
    let is_same = |n: &usize| before[before.len() - n..] == after[..*n];
    (1..=most).rev().find(is_same).unwrap_or(0)
}

/// Where a cue begins in a statement, and the silence before it.
pub(super) struct Border {
    pub(super) byte: usize,
    pub(super) silence: u64,
}

/// The parts of a statement that is too long to code: cut at pauses and the borders of cues, and at
/// a space where a cue is too long itself.
pub(super) fn pieces(text: &str, borders: &[Border]) -> Vec<Range<usize>> {
    if text.chars().count() <= LONG {
        return std::iter::once(0..text.len()).collect();
    }
    let mut cuts = vec![0];
    for (i, border) in borders.iter().enumerate() {
        let last = cuts[cuts.len() - 1];
        let next = borders.get(i + 1).map_or(text.len(), |b| b.byte);
        let length = text[last..border.byte].chars().count();
        let is_full = text[last..next].chars().count() > PIECE;
        if length > 0 && (is_full || (length >= SHORT && border.silence >= PAUSE)) {
            cuts.push(border.byte);
        }
    }
    cuts.push(text.len());
    let ranges = cuts.windows(2).map(|pair| pair[0]..pair[1]);
    ranges.flat_map(|range| at_spaces(text, range)).collect()
}

/// Parts of at most the longest length, cut at spaces.
fn at_spaces(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    while text[start..range.end].chars().count() > LONG {
        let limit = text[start..]
            .char_indices()
            .nth(PIECE)
            .map_or(range.end, |(i, _)| start + i);
        let space = text[start..limit].rfind(' ').filter(|i| *i > 0);
        let end = space.map_or(limit, |i| start + i + 1);
        parts.push(start..end);
        start = end;
    }
    parts.push(start..range.end);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: &[&'static str]) -> Vec<Shown<'static>> {
        let cue = |(i, text): (usize, &&'static str)| Shown {
            start: i as u64 * 1000,
            end: i as u64 * 1000 + 900,
            words: text.split(' ').collect(),
        };
        texts.iter().enumerate().map(cue).collect()
    }

    #[test]
    fn what_the_cue_before_has_shown_is_repeated() {
        let rolling = shown(&["a b c", "a b c d e", "d e f", "d e f"]);
        assert_eq!(repeated(&rolling), [0, 3, 2, 3]);
        assert_eq!(repeated(&shown(&["ya", "ya", "tidak"])), [0, 0, 0]);
        assert_eq!(
            repeated(&shown(&["ya saya", "saya a", "b", "c", "d", "e", "f"])),
            [0; 7]
        );
        assert_eq!(repeated(&shown(&["a"])), [0]);
    }

    #[test]
    fn long_speech_is_cut_at_pauses_borders_and_spaces() {
        let text = "kata demi kata ".repeat(60);
        let border = |byte, silence| Border { byte, silence };
        let borders: Vec<Border> = (1..20).map(|i| border(i * 45, 0)).collect();
        let found = pieces(&text, &borders);
        assert!(
            found.iter().all(|r| r.len() <= PIECE && r.start % 45 == 0),
            "{found:?}"
        );
        assert_eq!(pieces(&text, &[border(60, 900)])[0], 0..60);
        assert!(pieces(&text, &[]).iter().all(|r| r.len() <= LONG));
        assert_eq!(pieces("pendek", &[border(3, 900)]).len(), 1);
    }
}
