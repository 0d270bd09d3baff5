//! Kinds of private data.

use std::collections::BTreeMap;

/// A kind of private data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A link.
    Url,
    /// An e-mail address.
    Email,
    /// A handle such as `@name`.
    Handle,
    /// A street address, or the RT and RW numbers of a house.
    Address,
    /// A telephone number.
    Phone,
    /// An Indonesian identity number: region, date of birth and serial number in 16 digits.
    Nik,
    /// A number of the Indonesian health insurance: 13 digits, starting with 000.
    Bpjs,
    /// Another number of 13 to 19 digits: a card, an account.
    Number,
    /// A number plate.
    Plate,
    /// A name from a list (see `Pseudonyms`).
    Name,
}

impl Kind {
    /// The text that replaces it. The corpus uses `<url>` and `@user` too.
    pub fn mask(self) -> &'static str {
        match self {
            Self::Url => "<url>",
            Self::Email => "<email>",
            Self::Handle => "@user",
            Self::Address => "<address>",
            Self::Phone => "<phone>",
            Self::Nik => "<nik>",
            Self::Bpjs => "<bpjs>",
            Self::Number => "<number>",
            Self::Plate => "<plate>",
            Self::Name => "<name>",
        }
    }

    /// Whether a text is nothing but the mask of a number.
    pub(super) fn is_mask(text: &str) -> bool {
        let numbers = [
            Self::Phone,
            Self::Nik,
            Self::Bpjs,
            Self::Number,
            Self::Plate,
        ];
        numbers.iter().any(|kind| kind.mask() == text)
    }

    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            kind => kind.mask().trim_matches(['<', '>']),
        }
    }
}

/// How often each kind was found.
pub type Counts = BTreeMap<Kind, u64>;
