//! Lines of a talk.

use super::speakers::Marker;

/// A line of a text and the mark at its start.
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: &'a str,
    pub(super) marker: Option<Marker<'a>>,
    /// Whether it follows a blank line or the start of the text, and words follow it.
    pub(super) set_off: bool,
    /// The time, if the line holds nothing else.
    pub(super) stamp: Option<u64>,
}

impl Line<'_> {
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}
