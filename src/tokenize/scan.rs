//! Fast version of the normaliser and pre-tokeniser of the pipeline, for texts that only need case
//! folding (most of them). Other texts are normalised by the same library first. Words are
//! identical to those of the pipeline; a property test checks that.

use tokenizers::NormalizedString;
use tokenizers::tokenizer::normalizer::Range;
use unicode_normalization_alignments::char::is_combining_mark;
use unicode_normalization_alignments::{IsNormalized, is_nfkc_quick};

/// Finds words; reuses a buffer for the lower-case text.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    lower: String,
}

/// How a text was split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Words differ from the text only in case, and every character except white space is in a
    /// word.
    AsWritten,
    /// The text was normalised first.
    Rewritten,
}

/// The role of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Word,
    /// Between words.
    Space,
    /// A separate word of one character.
    Mark,
}

/// The classes of ASCII characters.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Mark; 128];
    let mut i = 0;
    while i < 128 {
        let byte = i as u8;
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            classes[i] = Class::Word;
        } else if is_space(byte) {
            classes[i] = Class::Space;
        }
        i += 1;
    }
    classes
};

/// True for ASCII white space.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

impl Scanner {
    /// Calls `each` with every normalised word, its first byte and the byte after its last in the
    /// original. Returns `None`, without a call, if the text needs the pipeline.
    pub(super) fn scan(
        &mut self,
        text: &str,
        each: &mut impl FnMut(&str, usize, usize),
    ) -> Option<Cut> {
        if text.is_ascii() {
            self.scan_ascii(text, each);
            return Some(Cut::AsWritten);
        }
        if is_nfkc_quick(text.chars()) != IsNormalized::Yes {
            return self.scan_composed(text, each);
        }
        if text.chars().any(is_odd) {
            return None;
        }
        self.scan_unicode(text, each);
        Some(Cut::AsWritten)
    }

    /// Like [`Self::scan`] for an ASCII text.
    pub(super) fn scan_ascii(&mut self, text: &str, each: &mut impl FnMut(&str, usize, usize)) {
        self.lower.clear();
        self.lower.push_str(text);
        self.lower.make_ascii_lowercase();
        let lower = &self.lower;
        let bytes = lower.as_bytes();
        let class = |at: usize| ASCII[usize::from(bytes[at] & 127)];
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            at += 1;
            match class(start) {
                Class::Space => continue,
                Class::Mark => {}
                Class::Word => {
                    while at < bytes.len() && class(at) == Class::Word {
                        at += 1;
                    }
                }
            }
            each(&lower[start..at], start, at);
        }
    }

    /// Like [`Self::scan`] for a text that needs more normalisation than case folding.
    fn scan_composed(
        &mut self,
        text: &str,
        each: &mut impl FnMut(&str, usize, usize),
    ) -> Option<Cut> {
        let mut normalized = NormalizedString::from(text);
        normalized.nfkc().lowercase();
        let composed = normalized.get();
        if composed.chars().any(is_odd) {
            return None;
        }
        self.scan_unicode(composed, &mut |word, start, end| {
            let original = normalized.convert_offsets(Range::Normalized(start..end));
            let original = original.unwrap_or_default();
            each(word, original.start, original.end);
        });
        Some(Cut::Rewritten)
    }

    fn scan_unicode(&mut self, text: &str, each: &mut impl FnMut(&str, usize, usize)) {
        let word = &mut self.lower;
        word.clear();
        let mut start = 0;
        for (at, c) in text.char_indices() {
            for lower in c.to_lowercase() {
                let class = class(lower);
                if class == Class::Word {
                    if word.is_empty() {
                        start = at;
                    }
                    word.push(lower);
                    continue;
                }
                if !word.is_empty() {
                    each(word, start, at);
                    word.clear();
                }
                if class == Class::Mark {
                    let mut utf8 = [0; 4];
                    each(lower.encode_utf8(&mut utf8), at, at + c.len_utf8());
                }
            }
        }
        if !word.is_empty() {
            each(word, start, text.len());
            word.clear();
        }
    }
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        ASCII[c as usize & 127]
    } else if c.is_alphanumeric() || is_combining_mark(c) {
        Class::Word
    } else if c.is_whitespace() {
        Class::Space
    } else {
        Class::Mark
    }
}

/// Characters that the Unicode tables of the pipeline and of this module classify differently:
/// enclosed letters (alphabetic here, symbols there), and characters that are newer than the tables
/// of the pipeline.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{1f130}'..='\u{1f189}' | '\u{24b6}'..='\u{24e9}')
        || (c >= '\u{530}' && !is_plain(c))
}

/// Long-established letters, and blocks that contain only symbols.
fn is_plain(c: char) -> bool {
    matches!(c,
        '\u{621}'..='\u{63a}'
        | '\u{641}'..='\u{652}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2000}'..='\u{206f}'
        | '\u{20a0}'..='\u{20bf}'
        | '\u{2190}'..='\u{23f3}'
        | '\u{2500}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fa5}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f1e6}'..='\u{1f1ff}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{1fa70}'..='\u{1faff}')
}
