//! What every reader of a transcript makes of its file.

use super::turns::Stretch;
use crate::ingest::Rejected;
use crate::ingest::sentences::LineBreaks;

/// The plain text of a file, the pieces it came in, and who speaks where.
#[derive(Debug)]
pub(super) struct Source {
    /// Line ends are LF.
    pub(super) text: String,
    /// The pieces in order: lines, or cues.
    pub(super) anchors: Vec<Anchor>,
    pub(super) turns: Vec<Stretch>,
    pub(super) breaks: LineBreaks,
    /// Pieces that could not be read.
    pub(super) rejected: Vec<Rejected>,
}

/// Where a piece of the file begins in the plain text.
///
/// Statements are named after the piece they begin in, so that a piece added at the end of a file
/// changes no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) byte: usize,
    /// Number of the piece in the file, from 1.
    pub(super) number: u64,
    /// Line of the file, from 1.
    pub(super) line: u64,
    /// Start and end in milliseconds, where the file says them.
    pub(super) time: Option<(u64, u64)>,
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
