//! Removes what surrounds a statement: markup, quoted mail, signatures, greetings, links,
//! numbers.
//!
//! [`statement_text`] makes the text that a model reads from a cell, for training and for
//! labelling. The cell itself is written back unchanged.

mod draft;
mod ends;
mod mail;
mod marks;
mod markup;
mod nothing;
mod spelling;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use draft::{Draft, Edit, Pattern};
pub use nothing::{is_bare_answer, says_nothing};

/// Kinds of text that are cut from a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum CutKind {
    /// White space that is squeezed or trimmed, and what surrounds a link or a number.
    Space,
    /// Tags, comments and entities.
    Markup,
    /// `\n`, `_x000D_`, `=3D`; invisible characters.
    Escape,
    /// A quoted message of another person.
    Quote,
    /// A name below the message, `Sent from my iPhone`.
    Signature,
    /// A greeting at the start.
    Greeting,
    /// Thanks at the end.
    Closing,
    /// A link.
    Link,
    /// An e-mail address.
    Email,
    /// A handle such as `@name`.
    Handle,
    /// A street address with its number.
    Address,
    /// The number of a ticket, an order or a customer.
    Reference,
    /// A telephone, identity or account number, a number plate.
    Number,
    /// A date or a time of day.
    Date,
    /// A mask put in by the data set.
    Mask,
    /// The sign of a hashtag.
    Hash,
    /// A short spelling that is expanded.
    Short,
}

/// The number of kinds.
const CUT_KINDS: usize = 17;

impl CutKind {
    /// All kinds, in order.
    pub const ALL: [Self; CUT_KINDS] = [
        Self::Space,
        Self::Markup,
        Self::Escape,
        Self::Quote,
        Self::Signature,
        Self::Greeting,
        Self::Closing,
        Self::Link,
        Self::Email,
        Self::Handle,
        Self::Address,
        Self::Reference,
        Self::Number,
        Self::Date,
        Self::Mask,
        Self::Hash,
        Self::Short,
    ];

    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Space => "white space",
            Self::Markup => "markup",
            Self::Escape => "escapes",
            Self::Quote => "quoted mail",
            Self::Signature => "signature",
            Self::Greeting => "greeting",
            Self::Closing => "thanks at the end",
            Self::Link => "link",
            Self::Email => "e-mail address",
            Self::Handle => "handle",
            Self::Address => "street address",
            Self::Reference => "reference number",
            Self::Number => "long number",
            Self::Date => "date or time",
            Self::Mask => "mask",
            Self::Hash => "hash sign",
            Self::Short => "short spelling",
        }
    }
}

/// The text that a model reads, with its position in the cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned<'a> {
    cell: &'a str,
    text: Cow<'a, str>,
    /// Start of the text in the cell, if the text is an unchanged part of the cell.
    shift: usize,
    /// Otherwise, for each byte of the text: the bytes of the cell that its character comes from.
    spans: Vec<(u32, u32)>,
    /// Characters that were cut, by kind.
    cut: [u32; CUT_KINDS],
}

impl<'a> Cleaned<'a> {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cell that the text was made from.
    pub fn cell(&self) -> &'a str {
        self.cell
    }

    /// The text alone.
    pub fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    /// The bytes of the cell that a range of the text was made from.
    pub fn in_cell(&self, bytes: Range<usize>) -> Range<usize> {
        if self.spans.is_empty() {
            return bytes.start + self.shift..bytes.end + self.shift;
        }
        match self.spans.get(bytes) {
            Some([(start, end)]) => *start as usize..*end as usize,
            Some([(start, _), .., (_, end)]) => *start as usize..(*end).max(*start) as usize,
            _ => self.cell.len()..self.cell.len(),
        }
    }

    /// The number of characters that were cut or replaced as that kind.
    pub fn cut(&self, kind: CutKind) -> usize {
        self.cut[kind as usize] as usize
    }

    /// The kinds of which something was cut, except white space.
    pub fn kinds(&self) -> impl Iterator<Item = CutKind> {
        let kinds = CutKind::ALL.into_iter().skip(1);
        kinds.filter(|kind| self.cut(*kind) > 0)
    }
}

/// Most cleaning passes; after them the text is used as it is.
const PASSES: usize = 4;

/// The statement in a cell: without markup, quoted mail, signature, greeting and thanks. A link, a
/// handle, a long number or a date becomes `_`, or is removed at the edge of the text. Short
/// spellings of "can't" are expanded.
///
/// A text with words of its own never becomes empty, and cleaning again changes nothing.
pub fn statement_text(cell: &str) -> Cleaned<'_> {
    let is_clean = |text: &str| {
        Signs::of(text).is_plain()
            && !ends::may_greet(text)
            && !ends::may_close(text)
            && !spelling::may_shorten(text)
    };
    if is_clean(cell.trim()) {
        return trimmed(cell);
    }
    let mut draft = Draft::new(cell);
    for _ in 0..PASSES {
        clean(&mut draft);
        if !draft.take_edited() || is_clean(draft.text()) {
            break;
        }
    }
    if draft.text().len() == cell.len() && draft.text() == cell {
        return trimmed(cell);
    }
    draft.finish()
}

/// The cell without white space at its ends.
fn trimmed(cell: &str) -> Cleaned<'_> {
    let text = cell.trim();
    let shift = cell.len() - cell.trim_start().len();
    let mut cut = [0; CUT_KINDS];
    if text.len() < cell.len() {
        let outside = [&cell[..shift], &cell[shift + text.len()..]];
        let count: usize = outside.iter().map(|s| s.chars().count()).sum();
        cut[CutKind::Space as usize] = count as u32;
    }
    Cleaned {
        cell,
        text: Cow::Borrowed(text),
        shift,
        spans: Vec::new(),
        cut,
    }
}

static HASHTAG: Pattern = Pattern::new(r"(?:^|[^\w&#])(?P<mark>#+)[\pL_]");
static SPACES: Pattern = Pattern::new(r"^\s+|\s+$|\s{2,}|\n");

/// One pass over a text.
fn clean(draft: &mut Draft<'_>) {
    let signs = Signs::of(draft.text());
    markup::decode(draft, &signs);
    let signs = Signs::of(draft.text());
    marks::mark(draft, &signs);
    if signs.any(Signs::BREAK | Signs::COLON | Signs::ANGLE) {
        mail::unwrap(draft);
    }
    if ends::may_close(draft.text()) {
        mail::leave(draft);
    }
    ends::trim(draft);
    marks::settle(draft);
    if signs.any(Signs::HASH) {
        draft.replace(&HASHTAG, |captures, _| {
            let range = captures.name("mark")?.range();
            Some(Edit::cut(range, CutKind::Hash))
        });
    }
    squeeze(draft);
    spelling::write_out(draft);
}

/// Replaces runs of white space by one space, and trims the ends.
fn squeeze(draft: &mut Draft<'_>) {
    let text = draft.text();
    let is_trimmed = text.len() == text.trim().len();
    if is_trimmed && !Signs::of(text).any(Signs::SPACES | Signs::BREAK | Signs::WIDE) {
        return;
    }
    draft.replace(&SPACES, |captures, text| {
        let range = captures.get(0)?.range();
        let at_end = range.start == 0 || range.end == text.len();
        Some(if at_end {
            Edit::cut(range, CutKind::Space)
        } else if text[range.clone()].starts_with(' ') {
            Edit::cut(range.start + 1..range.end, CutKind::Space)
        } else {
            Edit::put(" ", range, CutKind::Space)
        })
    });
}

/// Which significant bytes occur in a text: they tell which steps are needed.
struct Signs {
    flags: u32,
    digits: usize,
}

impl Signs {
    const ANGLE: u32 = 1;
    const AMPERSAND: u32 = 1 << 1;
    const BACKSLASH: u32 = 1 << 2;
    const EQUALS: u32 = 1 << 3;
    const BREAK: u32 = 1 << 4;
    const AT: u32 = 1 << 5;
    const HASH: u32 = 1 << 6;
    const DIGIT: u32 = 1 << 7;
    const LINK: u32 = 1 << 8;
    const LOW_LINE: u32 = 1 << 9;
    const BRACKET: u32 = 1 << 10;
    /// First byte of multi-byte characters, some of which are spaces or invisible.
    const WIDE: u32 = 1 << 11;
    const SPACE: u32 = 1 << 12;
    const STAR: u32 = 1 << 13;
    const COLON: u32 = 1 << 14;
    const CENSORED: u32 = 1 << 15;
    /// Two spaces in a row.
    const SPACES: u32 = 1 << 16;
    /// `w`, which may begin a link, and two of them in a row.
    const W: u32 = 1 << 17;
    const WW: u32 = 1 << 21;

    fn of(text: &str) -> Self {
        let (mut flags, mut digits, mut before) = (0, 0, 0);
        for byte in text.bytes() {
            let sign = SIGNS[usize::from(byte)];
            flags |= sign | (before & sign & (Self::SPACE | Self::W)) << 4;
            digits += (sign & Self::DIGIT) >> 7;
            before = sign;
        }
        Self {
            flags,
            digits: digits as usize,
        }
    }

    fn any(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    fn is_plain(&self) -> bool {
        self.flags & !(Self::SPACE | Self::W) == 0
    }
}

const SIGNS: [u32; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 32 {
        table[control] = Signs::BREAK;
        control += 1;
    }
    table[127] = Signs::BREAK;
    let mut digit = b'0';
    while digit <= b'9' {
        table[digit as usize] = Signs::DIGIT;
        digit += 1;
    }
    table[b'<' as usize] = Signs::ANGLE;
    table[b'>' as usize] = Signs::ANGLE;
    table[b'&' as usize] = Signs::AMPERSAND;
    table[b'\\' as usize] = Signs::BACKSLASH;
    table[b'=' as usize] = Signs::EQUALS;
    table[b'@' as usize] = Signs::AT;
    table[b'#' as usize] = Signs::HASH;
    table[b'/' as usize] = Signs::LINK;
    table[b'_' as usize] = Signs::LOW_LINE;
    table[b'[' as usize] = Signs::BRACKET;
    table[b'{' as usize] = Signs::BRACKET;
    table[b' ' as usize] = Signs::SPACE;
    table[b'w' as usize] = Signs::W;
    table[b'W' as usize] = Signs::W;
    table[b'*' as usize] = Signs::STAR | Signs::CENSORED;
    table[b'X' as usize] = Signs::CENSORED;
    table[b':' as usize] = Signs::COLON;
    table[0xC2] = Signs::WIDE;
    table[0xE1] = Signs::WIDE;
    table[0xE2] = Signs::WIDE | Signs::CENSORED;
    table[0xE3] = Signs::WIDE;
    table[0xEF] = Signs::WIDE;
    table
};

#[cfg(test)]
mod tests;
