//! Names and their pseudonyms.

use std::borrow::Cow;
use std::collections::HashMap;

use super::edits::{Edit, applied};
use crate::ingest::quoting::write_cell;

/// Names with one pseudonym each, replaced as whole words.
///
/// A name in lower case or in capitals is replaced by its pseudonym in the same case; any other
/// form by the pseudonym as listed. So replacing back restores the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonyms {
    /// Name and pseudonym, in the order of the list.
    entries: Vec<(String, String)>,
    /// Entries by the first word of the name, names with more words first.
    by_first: HashMap<String, Vec<(Vec<String>, usize)>>,
}

impl Pseudonyms {
    pub(in crate::ingest) fn new(entries: Vec<(String, String)>) -> Self {
        let mut by_first: HashMap<String, Vec<(Vec<String>, usize)>> = HashMap::new();
        for (position, (name, _)) in entries.iter().enumerate() {
            let words: Vec<String> = words(name).map(|(_, w)| w.to_lowercase()).collect();
            if let Some(first) = words.first() {
                let of_first = by_first.entry(first.clone()).or_default();
                of_first.push((words, position));
                of_first.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
            }
        }
        Self { entries, by_first }
    }

    /// The list that replaces pseudonyms by names.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let swapped = self.entries.iter().map(|(n, p)| (p.clone(), n.clone()));
        Self::new(swapped.collect())
    }

    /// The list as a table with all pseudonyms: the key.
    pub fn table(&self) -> Vec<u8> {
        let mut table = b"name,pseudonym\n".to_vec();
        for (name, pseudonym) in &self.entries {
            write_cell(&mut table, name, b',');
            table.push(b',');
            write_cell(&mut table, pseudonym, b',');
            table.push(b'\n');
        }
        table
    }

    /// A text with its names replaced, and the number of replacements.
    pub fn replaced<'a>(&self, text: &'a str) -> (Cow<'a, str>, u64) {
        match self.edits(text) {
            edits if edits.is_empty() => (Cow::Borrowed(text), 0),
            edits => (Cow::Owned(applied(text, &edits)), edits.len() as u64),
        }
    }

    /// The names in a text and their replacements.
    pub(super) fn edits(&self, text: &str) -> Vec<Edit> {
        let found: Vec<(usize, &str)> = words(text).collect();
        let mut edits = Vec::new();
        let mut at = 0;
        while at < found.len() {
            let Some((length, entry)) = self.name_at(text, &found[at..]) else {
                at += 1;
                continue;
            };
            let (start, (last, word)) = (found[at].0, found[at + length - 1]);
            let range = start..last + word.len();
            let with = in_case_of(&text[range.clone()], &self.entries[entry].1).into_owned();
            edits.push(Edit { range, with });
            at += length;
        }
        edits
    }

    /// The name at the start of these words: its number of words and its entry.
    fn name_at(&self, text: &str, found: &[(usize, &str)]) -> Option<(usize, usize)> {
        let first = found.first()?.1.to_lowercase();
        let candidates = self.by_first.get(&first)?;
        let fits = |(words, _): &&(Vec<String>, usize)| {
            let enough = found.get(..words.len());
            enough.is_some_and(|found| {
                let same = found
                    .iter()
                    .zip(words)
                    .all(|((_, f), w)| f.to_lowercase() == *w);
                let joined = found.windows(2).all(|pair| {
                    let between = &text[pair[0].0 + pair[0].1.len()..pair[1].0];
                    between
                        .chars()
                        .all(|c| c == ' ' || c == '.' || c == '-' || c == '\'')
                });
                same && joined
            })
        };
        let (words, entry) = candidates.iter().find(fits)?;
        Some((words.len(), *entry))
    }
}

/// The words of a text (letters and digits) with their positions.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - text.as_ptr() as usize, w))
}

fn in_case_of<'a>(found: &str, pseudonym: &'a str) -> Cow<'a, str> {
    let is = |f: fn(char) -> bool| found.chars().filter(|c| c.is_alphabetic()).all(f);
    if is(char::is_lowercase) {
        Cow::Owned(pseudonym.to_lowercase())
    } else if is(char::is_uppercase) {
        Cow::Owned(pseudonym.to_uppercase())
    } else {
        Cow::Borrowed(pseudonym)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Pseudonyms {
        let entry = |a: &str, b: &str| (a.to_string(), b.to_string());
        Pseudonyms::new(vec![
            entry("Anwar", "Nama1"),
            entry("Anwar Batubara", "Nama2"),
            entry("Siti Çelik", "Rani Dua"),
        ])
    }

    #[test]
    fn names_are_whole_words_the_longest_first_in_their_case() {
        let (text, n) = names().replaced(
            "Pak Anwar dan ANWAR BATUBARA, bukan Anwaruddin; anwar-batubara, siti çelik. Anwar, Batubara",
        );
        assert_eq!(
            text,
            "Pak Nama1 dan NAMA2, bukan Anwaruddin; nama2, rani dua. Nama1, Batubara"
        );
        assert_eq!(n, 5);
    }

    proptest! {
        /// Replacing the names back restores the text.
        #[test]
        fn replacing_is_undone(words in prop::collection::vec(prop::sample::select(vec!["Anwar", "anwar", "ANWAR", "Anwar Batubara", "ANWAR BATUBARA", "Siti Çelik", "siti çelik", "lalu", ",", "Anwarku", "😡"]), 0..12)) {
            let text = words.join(" ");
            let (replaced, _) = names().replaced(&text);
            prop_assert!(!replaced.split(' ').any(|w| w == "Anwar"));
            let reversed = names().reversed();
            let (back, _) = reversed.replaced(&replaced);
            prop_assert_eq!(back.as_ref(), text.as_str());
        }
    }
}
