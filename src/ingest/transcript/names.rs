//! Decides which marks of a transcript are speakers.

use std::collections::BTreeMap;

use super::roles::Roles;
use super::speakers::{Marker, Style};

/// Longest name, in words.
const NAME_WORDS: usize = 4;

/// Labels before a colon that are not speakers.
const NO_NAMES: &[&str] = &[
    "contoh",
    "contohnya",
    "misal",
    "misalnya",
    "catatan",
    "keterangan",
    "yaitu",
    "yakni",
    "artinya",
    "intinya",
    "maksudnya",
    "tempat",
    "tanggal",
    "hari",
    "waktu",
    "lokasi",
    "durasi",
    "example",
    "for example",
    "note",
    "place",
    "date",
    "time",
    "duration",
    "location",
];

/// Decides which names of a transcript are speakers.
pub(super) struct Names<'a> {
    roles: &'a Roles,
    /// How often each name is marked, except names alone on a line.
    marked: BTreeMap<&'a str, usize>,
    /// How often each name is alone on a line, after a blank line and before words.
    alone: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(roles: &'a Roles) -> Self {
        Self {
            roles,
            marked: BTreeMap::new(),
            alone: BTreeMap::new(),
        }
    }

    /// Counts a mark; `set_off`: it follows a blank line and precedes words.
    pub(super) fn count(&mut self, marker: &Marker<'a>, set_off: bool) {
        match marker.style {
            Style::Alone if set_off || marker.time.is_some() => {
                *self.alone.entry(marker.name).or_default() += 1;
            }
            Style::Alone | Style::Dash => {}
            _ => *self.marked.entry(marker.name).or_default() += 1,
        }
    }

    /// Whether a mark begins a turn; `answers`: it follows an interviewer's turn.
    ///
    /// A name counts if it is a known role, is marked twice, or answers in capitals. Before a
    /// dash only known roles count. A name alone on its line counts if it is a known role. It also
    /// counts if names are marked in no other way and it and another name are alone twice.
    pub(super) fn begins(&self, marker: &Marker<'_>, set_off: bool, answers: bool) -> bool {
        let name = marker.name;
        let known = self.roles.is_known(name);
        let is_short = name.split_whitespace().count() <= NAME_WORDS;
        let twice = |counts: &BTreeMap<&str, usize>| counts.get(name).is_some_and(|n| *n >= 2);
        let capital = name.starts_with(|c: char| c.is_uppercase());
        match marker.style {
            Style::Dash => known && capital,
            Style::Alone if known => capital && (name.chars().count() > 2 || twice(&self.alone)),
            Style::Alone => {
                let others = self.alone.values().filter(|n| **n >= 2).count() >= 2;
                is_short
                    && capital
                    && (set_off || marker.time.is_some())
                    && twice(&self.alone)
                    && others
                    && !self.has_marked_names()
            }
            Style::Bracketed => known || (is_short && capital && twice(&self.marked)),
            Style::Tagged => known || (is_short && twice(&self.marked)),
            Style::Colon => {
                let is_label = NO_NAMES.contains(&name.to_lowercase().as_str());
                known || (is_short && capital && !is_label && (answers || twice(&self.marked)))
            }
        }
    }

    fn has_marked_names(&self) -> bool {
        let counts = |(name, n): (&&str, &usize)| {
            let is_label = NO_NAMES.contains(&name.to_lowercase().as_str());
            self.roles.is_known(name) || (*n >= 2 && !is_label)
        };
        self.marked.iter().any(counts)
    }
}
