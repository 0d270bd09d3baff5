//! Decides which marks of a transcript are speakers.

use std::collections::{BTreeMap, BTreeSet};

use super::keys;
use super::roles::Roles;
use super::speakers::{Marker, Style};

/// Most words of a name that may be a sentence, and of one that is used twice.
const SHORT: usize = 4;
const LONG: usize = 12;

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
    "jadi",
    "terus",
    "lalu",
    "tapi",
    "pertama",
    "kedua",
    "ketiga",
    "kesimpulan",
    "kesimpulannya",
    "alasannya",
    "masalahnya",
    "singkatnya",
    "katanya",
    "example",
    "for example",
    "note",
    "so",
    "first",
    "second",
    "third",
    "because",
    "ps",
    "nb",
];

/// Words before a clock time that is not a stamp.
const CLOCK_WORDS: &[&str] = &[
    "jam", "pukul", "at", "by", "until", "from", "total", "sekitar",
];

/// Small words inside a name.
const PARTICLES: &[&str] = &[
    "bin", "binti", "van", "von", "der", "den", "de", "da", "dos", "al", "el", "la", "dan", "and",
    "of", "dari",
];

/// The marks of a transcript, counted.
pub(super) struct Names<'a> {
    roles: &'a Roles,
    /// How often each name is marked, except names alone on a line.
    marked: BTreeMap<&'a str, usize>,
    /// How often each name is alone on a line, after a blank line and before words.
    alone: BTreeMap<&'a str, usize>,
    /// How often a name has a time and the line alone.
    timed_alone: usize,
    /// The styles in which known roles are marked.
    role_styles: BTreeSet<Style>,
    /// Whether a known role is marked in lower case.
    lower_roles: bool,
    lines: usize,
    /// Lines with a mark that only a proper name has.
    proper_lines: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(roles: &'a Roles) -> Self {
        Self {
            roles,
            marked: BTreeMap::new(),
            alone: BTreeMap::new(),
            timed_alone: 0,
            role_styles: BTreeSet::new(),
            lower_roles: false,
            lines: 0,
            proper_lines: 0,
        }
    }

    /// Counts a line with words; `set_off`: it follows a blank line and precedes words.
    pub(super) fn count(&mut self, marker: Option<&Marker<'a>>, set_off: bool) {
        self.lines += 1;
        let Some(marker) = marker else { return };
        let is_label = is_label(marker.name);
        if matches!(marker.style, Style::Colon | Style::Sure) && is_proper(marker.name) && !is_label
        {
            self.proper_lines += 1;
        }
        if self.roles.is_known(marker.name) {
            self.role_styles.insert(marker.style);
            self.lower_roles |= marker.style == Style::Colon && !is_capital(marker.name);
        }
        match marker.style {
            Style::Alone if set_off || marker.time.is_some() => {
                self.timed_alone += usize::from(marker.time.is_some() && !is_clock(marker.name));
                *self.alone.entry(marker.name).or_default() += 1;
            }
            Style::Alone => {}
            _ => *self.marked.entry(marker.name).or_default() += 1,
        }
    }

    /// Whether a mark begins a turn; `answers`: it follows an interviewer's turn.
    ///
    /// A name counts if it is a known role, is marked twice, or answers in capitals. In styles that
    /// words have too (a dash, brackets, a time), a name counts where a known role is so marked.
    pub(super) fn begins(&self, marker: &Marker<'_>, set_off: bool, answers: bool) -> bool {
        let name = marker.name;
        if self.roles.is_known(name) {
            return self.role_begins(marker);
        }
        if marker.style == Style::Alone {
            return self.alone_begins(marker, set_off);
        }
        let words = name.split_whitespace().count();
        if words > LONG || is_label(name) {
            return false;
        }
        let (short, proper) = (words <= SHORT, is_proper(name));
        let capital = is_capital(name) || self.lower_roles;
        let twice = self.marked.get(name).is_some_and(|n| *n >= 2);
        let like_roles = self.role_styles.contains(&marker.style);
        match marker.style {
            Style::Sure => proper || twice || (short && capital),
            Style::Tagged => twice || (answers && like_roles),
            Style::Bracketed | Style::Timed => {
                capital && (twice || (answers && like_roles && proper))
            }
            Style::Dash => capital && like_roles && (twice || (answers && proper)),
            Style::Aside | Style::Alone => false,
            Style::Colon if capital => {
                twice || (answers && (short || proper)) || (proper && self.all_proper())
            }
            Style::Colon => twice && short && self.has_company(name),
        }
    }

    /// Whether a mark that begins no turn looks as if it might: its words are no one's context.
    pub(super) fn looks_like_speaker(&self, marker: &Marker<'_>) -> bool {
        let name = marker.name;
        let words = name.split_whitespace().count();
        let times = |counts: &BTreeMap<&str, usize>| counts.get(name).copied().unwrap_or_default();
        if words > LONG || is_label(name) {
            return false;
        }
        match marker.style {
            Style::Alone => {
                is_proper(name)
                    && !is_clock(name)
                    && words <= SHORT
                    && (marker.time.is_some() || times(&self.alone) >= 3)
            }
            Style::Aside | Style::Dash | Style::Bracketed | Style::Timed => {
                is_proper(name) && words <= SHORT && times(&self.marked) >= 2
            }
            Style::Sure | Style::Tagged => true,
            Style::Colon => is_capital(name) || (words <= SHORT && times(&self.marked) >= 2),
        }
    }

    fn role_begins(&self, marker: &Marker<'_>) -> bool {
        let capital = is_capital(marker.name);
        let twice = self.alone.get(marker.name).is_some_and(|n| *n >= 2);
        match marker.style {
            Style::Dash => capital,
            Style::Alone => {
                capital && (marker.name.chars().count() > 2 || twice || marker.time.is_some())
            }
            _ => true,
        }
    }

    /// A name alone on its line counts if it and another name are alone twice and no name is
    /// marked in another way; with a time beside it, if another line is so too or the
    /// name is marked elsewhere.
    fn alone_begins(&self, marker: &Marker<'_>, set_off: bool) -> bool {
        let name = marker.name;
        let short = name.split_whitespace().count() <= SHORT || is_proper(name);
        if !short || !is_capital(name) || is_label(name) {
            return false;
        }
        if marker.time.is_some() {
            return (self.timed_alone >= 2 || self.speaks(name)) && !is_clock(name);
        }
        let others = self.alone.values().filter(|n| **n >= 2).count() >= 2;
        let twice = self.alone.get(name).is_some_and(|n| *n >= 2);
        set_off && twice && others && !self.has_marked_names()
    }

    fn has_marked_names(&self) -> bool {
        self.marked.keys().any(|name| self.speaks(name))
    }

    fn has_company(&self, name: &str) -> bool {
        self.marked.keys().any(|n| *n != name && self.speaks(n))
    }

    fn speaks(&self, name: &str) -> bool {
        let twice = self.marked.get(name).is_some_and(|n| *n >= 2);
        self.roles.is_known(name) || (twice && !is_label(name))
    }

    /// Whether every line begins with a proper name, and none with a role: then a name used once is
    /// a speaker too.
    fn all_proper(&self) -> bool {
        self.lines >= 2 && self.proper_lines == self.lines && self.role_styles.is_empty()
    }
}

/// Whether a label before a colon is not a speaker: `Contoh`, `Tanggal`.
fn is_label(name: &str) -> bool {
    NO_NAMES.contains(&name.to_lowercase().as_str()) || keys::is_key(name)
}

fn is_clock(name: &str) -> bool {
    let first = name.split_whitespace().next().unwrap_or_default();
    CLOCK_WORDS.contains(&first.to_lowercase().as_str())
}

fn is_capital(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// Whether every word has a capital, except numbers and small words such as `binti`.
pub(super) fn is_proper(name: &str) -> bool {
    let is_proper =
        |word: &str| word.starts_with(|c: char| !c.is_lowercase()) || PARTICLES.contains(&word);
    is_capital(name) && name.split_whitespace().all(is_proper)
}
