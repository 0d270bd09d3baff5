//! Tests whether one of a few words begins anywhere in a text, faster than a regex.

/// Words in lower-case ASCII of two bytes or more, sorted. Words of up to three bytes match whole
/// words; longer words are prefixes.
pub(super) struct Words {
    sorted: &'static [&'static [u8]],
    /// For each first letter: the start of its words; they end where the next letter starts.
    starts: [u8; 33],
    /// For each first letter: its second letters, as bits.
    seconds: [u32; 32],
}

/// Longest word, in bytes, that matches whole words only.
const WHOLE: usize = 3;

impl Words {
    pub(super) const fn new(words: &'static [&'static [u8]]) -> Self {
        let mut starts = [0; 33];
        let mut seconds = [0; 32];
        let mut i = 0;
        while i < words.len() {
            let letter = (words[i][0] & 31) as usize;
            seconds[letter] |= 1 << (words[i][1] & 31);
            i += 1;
            let mut next = letter + 1;
            while next < starts.len() {
                starts[next] = i as u8;
                next += 1;
            }
        }
        Self {
            sorted: words,
            starts,
            seconds,
        }
    }

    /// Whether one of the words begins a word of the text.
    pub(super) fn begin_in(&self, text: &[u8]) -> bool {
        let mut was_letter = false;
        for at in 0..text.len().saturating_sub(1) {
            let byte = text[at];
            let is_letter = byte.is_ascii_alphabetic();
            if is_letter && !was_letter && self.begin(&text[at..]) {
                return true;
            }
            was_letter = is_letter;
        }
        false
    }

    /// Whether the text begins with one of the words.
    pub(super) fn begin(&self, text: &[u8]) -> bool {
        let [first, second, ..] = text else {
            return false;
        };
        let letter = usize::from(first & 31);
        if self.seconds[letter] >> (second & 31) & 1 == 0 {
            return false;
        }
        let of_letter = usize::from(self.starts[letter])..usize::from(self.starts[letter + 1]);
        self.sorted[of_letter].iter().any(|word| {
            let there = text.get(..word.len());
            there.is_some_and(|there| there.eq_ignore_ascii_case(word))
                && (word.len() > WHOLE
                    || !text.get(word.len()).is_some_and(u8::is_ascii_alphabetic))
        })
    }

    /// Whether the words are in order.
    #[cfg(test)]
    pub(super) fn are_sorted(&self) -> bool {
        self.sorted.is_sorted_by_key(|word| word[0])
    }
}
