//! The common result of all transcript readers.

use std::ops::Range;

use super::turns::Stretch;
use crate::ingest::privacy::Mask;
use crate::ingest::record::Rejected;
use crate::ingest::sentences::LineBreaks;

/// The plain text of a file, its pieces, and the stretches of the speakers.
#[derive(Debug)]
pub(super) struct Source {
    /// Line ends are LF.
    pub(super) text: String,
    /// The pieces in order: lines or cues.
    pub(super) anchors: Vec<Anchor>,
    pub(super) turns: Vec<Stretch>,
    pub(super) breaks: LineBreaks,
    /// Pieces that could not be read.
    pub(super) rejected: Vec<Rejected>,
}

/// The start of a piece of the file in the plain text.
///
/// The id of a statement refers to the piece where it begins, so that a piece added at the end of a
/// file changes no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) byte: usize,
    /// Number of the piece in the file, from 1.
    pub(super) number: u64,
    /// Line of the file, from 1.
    pub(super) line: u64,
    /// Start and end in milliseconds, if the file has times.
    pub(super) time: Option<(u64, u64)>,
}

impl Source {
    /// Masks private data in every turn and between turns, and the names of speakers.
    pub(super) fn mask(&mut self, mask: &mut Mask) {
        let old = std::mem::take(&mut self.text);
        let mut masking = Masking {
            old: &old,
            anchors: &mut self.anchors,
            moved: 0,
            new: String::with_capacity(old.len()),
            mask,
        };
        let mut from = 0;
        for turn in &mut self.turns {
            masking.piece(from..turn.span.start);
            from = turn.span.end;
            turn.span = masking.piece(turn.span.clone());
            turn.speaker = masking.mask.name(&turn.speaker);
            turn.coding = masking.mask.all(&turn.coding).text.into_owned();
        }
        masking.piece(from..old.len());
        masking.rest();
        self.text = masking.new;
        let rejected = std::mem::take(&mut self.rejected).into_iter();
        self.rejected = rejected.map(|row| mask.rejected(row)).collect();
    }
}

/// A text that is masked piece by piece: no match crosses two pieces.
struct Masking<'a> {
    old: &'a str,
    anchors: &'a mut [Anchor],
    /// Number of anchors that were moved.
    moved: usize,
    new: String,
    mask: &'a mut Mask,
}

impl Masking<'_> {
    /// Masks the next piece; returns its new position.
    fn piece(&mut self, old: Range<usize>) -> Range<usize> {
        let masked = self.mask.all(&self.old[old.clone()]);
        let start = self.new.len();
        let waiting = self.anchors.iter_mut().skip(self.moved);
        for anchor in waiting.take_while(|a| a.byte < old.end) {
            anchor.byte = start + masked.place(anchor.byte - old.start);
            self.moved += 1;
        }
        self.new.push_str(&masked.text);
        start..self.new.len()
    }

    /// Moves the anchors after the last piece.
    fn rest(&mut self) {
        for anchor in self.anchors.iter_mut().skip(self.moved) {
            anchor.byte = self.new.len();
        }
    }
}

/// The lines of a text as pieces.
pub(super) fn line_anchors(text: &str) -> Vec<Anchor> {
    let mut byte = 0;
    let mut anchors = Vec::new();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        anchors.push(Anchor {
            byte,
            number: i as u64 + 1,
            line: i as u64 + 1,
            time: None,
        });
        byte += line.len();
    }
    anchors
}
