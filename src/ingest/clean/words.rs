//! Whether one of a few words begins somewhere in a text, found faster than by a pattern.

/// Words in small ASCII letters of two bytes or more. Those of three at most stand for themselves,
/// longer ones also for what begins with them.
pub(super) struct Words {
    words: &'static [&'static [u8]],
    /// For each first letter the second letters, as bits.
    pairs: [u32; 32],
}

/// Bytes of the longest word that isn't also the beginning of others.
const WHOLE: usize = 3;

impl Words {
    pub(super) const fn new(words: &'static [&'static [u8]]) -> Self {
        let mut pairs = [0; 32];
        let mut i = 0;
        while i < words.len() {
            pairs[(words[i][0] & 31) as usize] |= 1 << (words[i][1] & 31);
            i += 1;
        }
        Self { words, pairs }
    }

    /// Whether one of them begins a word of the text.
    pub(super) fn begin_in(&self, text: &[u8]) -> bool {
        let mut before = b' ';
        for (at, pair) in text.windows(2).enumerate() {
            let seconds = self.pairs[usize::from(pair[0] & 31)];
            let is_begin = !before.is_ascii_alphabetic();
            before = pair[0];
            if seconds >> (pair[1] & 31) & 1 == 1 && is_begin && self.begin(&text[at..]) {
                return true;
            }
        }
        false
    }

    /// Whether a text begins with one of them.
    pub(super) fn begin(&self, text: &[u8]) -> bool {
        let begins = |word: &&[u8]| {
            let there = text.get(..word.len());
            there.is_some_and(|there| there.eq_ignore_ascii_case(word))
                && (word.len() > WHOLE
                    || !text.get(word.len()).is_some_and(u8::is_ascii_alphabetic))
        };
        self.words.iter().any(begins)
    }
}
