//! The common result of all transcript readers.

use std::ops::Range;

use super::marks::{leading_range, stamp_line};
use super::turns::{Aside, AsideKind, Found, OtherMark, Stretch};
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
    /// The lines of each header, from 1, with the last.
    pub(super) headers: Vec<(u64, u64)>,
    /// Marks that look like speakers and begin no turn.
    pub(super) marks: Vec<OtherMark>,
    /// What is said about lines that are no speech.
    pub(super) notes: Vec<String>,
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
    /// The source of a text whose pieces are its lines.
    pub(super) fn of_lines(text: String, found: Found, breaks: LineBreaks) -> Self {
        let lines = |aside: &Aside| {
            let line = |byte: usize| text[..byte].matches('\n').count() as u64 + 1;
            let words = text[aside.span.clone()].trim_end();
            (line(aside.span.start), line(aside.span.start + words.len()))
        };
        let has_words = |a: &&Aside| text[a.span.clone()].contains(char::is_alphanumeric);
        let asides = found.asides.iter().filter(has_words);
        let notes = asides.map(|a| note(a.kind, lines(a))).collect();
        let headers = found.asides.iter().filter(|a| a.kind == AsideKind::Header);
        Self {
            headers: headers.map(lines).collect(),
            anchors: line_anchors(&text),
            turns: found.turns,
            text,
            breaks,
            rejected: Vec::new(),
            marks: found.marks,
            notes,
        }
    }

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
        for mark in &mut self.marks {
            mark.name = mask.name(&mark.name);
        }
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

/// What is said about lines that are no speech.
fn note(kind: AsideKind, (first, last): (u64, u64)) -> String {
    let place = if first == last {
        format!("line {first}")
    } else {
        format!("lines {first}-{last}")
    };
    let what = match kind {
        AsideKind::Header => "header data, in columns meta_…",
        AsideKind::Preamble => "text before the first speaker",
        AsideKind::Notice => "a closing notice",
    };
    format!("{place}: {what}; not coded")
}

/// The lines of a text as pieces. A stamp with both ends (`[00:01.000 --> 00:04.000]`) is the time
/// of its line, or of the line below if it stands alone.
pub(super) fn line_anchors(text: &str) -> Vec<Anchor> {
    let (mut byte, mut above) = (0, None);
    let mut anchors = Vec::new();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let own = leading_range(line);
        anchors.push(Anchor {
            byte,
            number: i as u64 + 1,
            line: i as u64 + 1,
            time: own.or(above),
        });
        above = own.filter(|_| stamp_line(line).is_some());
        byte += line.len();
    }
    anchors
}
