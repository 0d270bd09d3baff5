//! The pipeline's normaliser and pre-tokeniser by hand, for the texts where they do nothing but
//! fold case: most of them; others are normalised by the same library first. Words are those of
//! the pipeline (a property test says so).

use tokenizers::NormalizedString;
use tokenizers::tokenizer::normalizer::Range;
use unicode_normalization_alignments::char::is_combining_mark;
use unicode_normalization_alignments::{IsNormalized, is_nfkc_quick};

/// Finds words; holds the lower-case text for reuse.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    lower: String,
}

/// How a text was cut into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The words are the text's own but for case, and every character that is no white space is
    /// in one.
    AsWritten,
    /// The text was normalised first.
    Rewritten,
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Word,
    /// Between words.
    Space,
    /// A word of its own.
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

/// White space of ASCII.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

impl Scanner {
    /// Calls `each` with every normalised word and its first byte and the byte after its last in
    /// the original. `None`, without a call, if the text needs the pipeline.
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

    /// The same of a text in ASCII.
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

    /// The same of a text that the pipeline's normaliser changes by more than case.
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

/// Characters on which Unicode's lists differ between the pipeline's libraries and ours: enclosed
/// letters, which count as alphabetic here and as symbols there, and whatever was added to
/// Unicode after the pipeline's tables were made.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{1f130}'..='\u{1f189}' | '\u{24b6}'..='\u{24e9}')
        || (c >= '\u{530}' && !is_plain(c))
}

/// Letters of long standing, and blocks that hold symbols alone.
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
