//! Replacements in a text, and the new positions of its bytes.

use std::ops::Range;

/// A range of a text and its replacement.
pub(super) struct Edit {
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// Applies edits, which are in order and do not overlap.
pub(super) fn applied(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in edits {
        out.push_str(&text[copied..edit.range.start]);
        out.push_str(&edit.with);
        copied = edit.range.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// Maps positions in a text to positions after one round of edits.
pub(super) struct Moves(Vec<Move>);

struct Move {
    old: Range<usize>,
    new_end: usize,
}

impl Moves {
    pub(super) fn of(edits: &[Edit]) -> Self {
        let (mut copied, mut length) = (0, 0);
        let moved = |edit: &Edit| {
            length += edit.range.start - copied + edit.with.len();
            copied = edit.range.end;
            Move {
                old: edit.range.clone(),
                new_end: length,
            }
        };
        Self(edits.iter().map(moved).collect())
    }

    /// The new position of a byte; a byte inside a replaced range moves to the end of the range.
    pub(super) fn place(&self, byte: usize) -> usize {
        let before = self.0.partition_point(|m| m.old.start < byte);
        match before.checked_sub(1).map(|last| &self.0[last]) {
            Some(last) => last.new_end + byte.saturating_sub(last.old.end),
            None => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_with_what_stands_there() {
        let edit = |range, with: &str| Edit {
            range,
            with: with.into(),
        };
        let edits = [edit(2..4, "xyz"), edit(6..8, "")];
        assert_eq!(applied("abCDefGHij", &edits), "abxyzefij");
        let moves = Moves::of(&edits);
        let places: Vec<usize> = (0..=10).map(|byte| moves.place(byte)).collect();
        assert_eq!(places, [0, 1, 2, 5, 5, 6, 7, 7, 7, 8, 9]);
    }
}
