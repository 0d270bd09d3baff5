//! Own implementation of the sub-word models: same result as `tokenizers` for one word, without
//! allocations, and the same `tokenizer.json` loads in a fraction of the time. Property tests
//! compare both. Only plain byte-pair encoding and `WordPiece` run here; the pipeline does others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxBuildHasher;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Value, json};

use super::WORD;

/// Longer words (in bytes) are left to the pipeline: it merges in n log n steps instead of n².
const LONGEST_MERGED: usize = 512;
/// Words up to this number of bytes are merged on the stack, without allocation.
const SHORT: usize = 20;

/// A `tokenizer.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(default)]
    pub(super) added_tokens: Vec<Added<'a>>,
    normalizer: Value,
    pre_tokenizer: Value,
    pub(super) post_processor: Value,
    #[serde(rename = "decoder", default)]
    _decoder: Value,
    #[serde(rename = "truncation", default)]
    _truncation: Value,
    #[serde(rename = "padding", default)]
    _padding: Value,
    model: Described<'a>,
}

#[derive(Deserialize)]
pub(super) struct Added<'a> {
    pub(super) id: u32,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    unk_token: Option<Text<'a>>,
    continuing_subword_prefix: Option<Text<'a>>,
    end_of_word_suffix: Option<Text<'a>>,
    dropout: Option<f32>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    max_input_chars_per_word: Option<usize>,
    vocab: Entries<'a>,
    #[serde(default)]
    merges: Vec<(Text<'a>, Text<'a>)>,
}

/// A JSON string, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A vocabulary in the order of the file.
struct Entries<'a>(Vec<(Cow<'a, str>, u32)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary from tokens to ids")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some((token, id)) = map.next_entry::<Text<'de>, u32>()? {
                    entries.push((token.0, id));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Pairs)
    }
}

impl<'a> Description<'a> {
    /// Parses a `tokenizer.json`; `None` if it has anything unknown.
    pub(super) fn read(json: &'a [u8]) -> Option<Self> {
        // Validates UTF-8 once instead of per word.
        let json = std::str::from_utf8(json).ok()?;
        let description: Self = serde_json::from_str(json).ok()?;
        (description.version.0 == "1.0").then_some(description)
    }

    /// Whether it normalises and splits like the pipelines trained here.
    pub(super) fn cuts_as_ours(&self) -> bool {
        let steps = json!([{"type": "NFKC"}, {"type": "Lowercase"}]);
        self.normalizer == json!({"type": "Sequence", "normalizers": steps})
            && self.pre_tokenizer
                == json!({
                    "type": "Split", "pattern": {"Regex": WORD}, "behavior": "Removed", "invert": true
                })
    }

    /// The id of an added token or of a token in the vocabulary.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        let added = self.added_tokens.iter().find(|a| a.content.0 == token);
        let known = || self.model.vocab.0.iter().find(|(t, _)| t == token);
        added.map(|a| a.id).or_else(|| known().map(|(_, id)| *id))
    }

    /// One more than the largest id.
    pub(super) fn id_limit(&self) -> usize {
        let added = self.added_tokens.iter().map(|a| a.id);
        let known = self.model.vocab.0.iter().map(|(_, id)| *id);
        added.chain(known).max().map_or(0, |last| last as usize + 1)
    }
}

/// A sub-word model that runs without the pipeline.
#[derive(Debug, Clone)]
pub(super) enum Pieces {
    /// Merges neighbours, the earliest learned pair first (byte-pair encoding).
    Merged(Merges),
    /// Repeatedly cuts off the longest known prefix (`WordPiece`).
    Longest(WordPieces),
}

impl Pieces {
    /// The model of a description; `None` if it is not a plain one.
    pub(super) fn of(description: &Description<'_>) -> Option<Self> {
        match description.model.kind.0.as_ref() {
            "BPE" => Merges::of(&description.model).map(Self::Merged),
            "WordPiece" => WordPieces::of(&description.model).map(Self::Longest),
            _ => None,
        }
    }

    /// Appends the ids of the pieces of a normalised word. Returns `false`, without appending, if
    /// the word is left to the pipeline.
    pub(super) fn append(&self, word: &str, ids: &mut Vec<u32>) -> bool {
        match self {
            Self::Merged(_) if word.len() > LONGEST_MERGED => return false,
            Self::Merged(merges) => merges.append(word, ids),
            Self::Longest(pieces) => pieces.append(word, ids),
        }
        true
    }
}

/// Byte-pair encoding.
#[derive(Debug, Clone)]
pub(super) struct Merges {
    /// Pieces of ASCII characters.
    ascii: Box<[u32; 128]>,
    characters: HashMap<char, u32, FxBuildHasher>,
    /// Keyed by [`pair`] of two neighbours.
    learned: HashMap<u64, Merge, FxBuildHasher>,
    unknown: u32,
}

impl Merges {
    fn of(model: &Described<'_>) -> Option<Self> {
        let is_plain = model.continuing_subword_prefix.is_none()
            && model.end_of_word_suffix.is_none()
            && model.dropout.is_none()
            && !(model.fuse_unk || model.byte_fallback || model.ignore_merges);
        if !is_plain {
            return None;
        }
        let vocabulary: HashMap<&str, u32, FxBuildHasher> = model
            .vocab
            .0
            .iter()
            .map(|(token, id)| (token.as_ref(), *id))
            .collect();
        let only_character = |token: &str| {
            let mut characters = token.chars();
            characters.next().filter(|_| characters.as_str().is_empty())
        };
        let mut merges = HashMap::default();
        let mut joined = String::new();
        for (rank, (first, second)) in model.merges.iter().enumerate() {
            joined.clear();
            joined.push_str(&first.0);
            joined.push_str(&second.0);
            let [first, second, both] = [first.0.as_ref(), second.0.as_ref(), &joined]
                .map(|token| vocabulary.get(token).copied());
            let rank = u32::try_from(rank).ok()?;
            merges.insert(pair(first?, second?), Merge { rank, into: both? });
        }
        let characters: HashMap<char, u32, FxBuildHasher> = vocabulary
            .iter()
            .filter_map(|(token, id)| Some((only_character(token)?, *id)))
            .collect();
        let unknown = *vocabulary.get(model.unk_token.as_ref()?.0.as_ref())?;
        let id = |byte: usize| characters.get(&char::from(byte as u8)).copied();
        Some(Self {
            ascii: Box::new(std::array::from_fn(|byte| id(byte).unwrap_or(unknown))),
            characters,
            learned: merges,
            unknown,
        })
    }

    fn id(&self, c: char) -> u32 {
        let beyond = || self.characters.get(&c).copied().unwrap_or(self.unknown);
        let ascii = self.ascii.get(c as usize);
        ascii.copied().unwrap_or_else(beyond)
    }

    /// The merge of two neighbours.
    fn merge(&self, first: u32, second: u32) -> Merge {
        let learned = self.learned.get(&pair(first, second));
        learned.copied().unwrap_or(NEVER)
    }

    fn append(&self, word: &str, ids: &mut Vec<u32>) {
        if word.len() <= SHORT {
            self.append_in(&mut [(0, NEVER); SHORT], word, ids);
        } else {
            self.append_in(&mut vec![(0, NEVER); word.len()], word, ids);
        }
    }

    /// Merges the pieces of a word in `parts`, which is at least as long as the word.
    fn append_in(&self, parts: &mut [(u32, Merge)], word: &str, ids: &mut Vec<u32>) {
        let mut n = 0;
        for c in word.chars() {
            parts[n].0 = self.id(c);
            n += 1;
        }
        for at in 1..n {
            parts[at - 1].1 = self.merge(parts[at - 1].0, parts[at].0);
        }
        loop {
            let known = parts[..n].iter().enumerate();
            // `min_by_key` returns the first of equal ranks.
            let first = known.min_by_key(|(_, (_, merge))| merge.rank);
            let Some((at, &(_, Merge { rank, into }))) = first else {
                break;
            };
            if rank == NEVER.rank {
                break;
            }
            // The next part is merged into this one.
            parts.copy_within(at + 2..n, at + 1);
            n -= 1;
            let next = parts[..n].get(at + 1);
            parts[at] = (
                into,
                next.map_or(NEVER, |(next, _)| self.merge(into, *next)),
            );
            if at > 0 {
                parts[at - 1].1 = self.merge(parts[at - 1].0, into);
            }
        }
        ids.extend(parts[..n].iter().map(|(piece, _)| piece));
    }
}

/// The key of two neighbours.
fn pair(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// The result of a merge, and its rank in the order of learning.
#[derive(Debug, Clone, Copy)]
struct Merge {
    rank: u32,
    into: u32,
}

/// For neighbours that are never merged.
const NEVER: Merge = Merge {
    rank: u32::MAX,
    into: 0,
};

/// `WordPiece`.
#[derive(Debug, Clone)]
pub(super) struct WordPieces {
    /// The concatenated text of all pieces, without the continuation prefix.
    text: String,
    pieces: Vec<Piece>,
    /// From the hash of a text to its position in `pieces`.
    places: HashMap<u64, u32, FxBuildHasher>,
    unknown: u32,
    /// Length of the longest piece, in bytes.
    longest: usize,
    /// Longer words (in characters) are unknown.
    max_characters: usize,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    end: u32,
    continues: bool,
    id: u32,
}

impl WordPieces {
    fn of(model: &Described<'_>) -> Option<Self> {
        let prefix = model.continuing_subword_prefix.as_ref()?.0.as_ref();
        let unknown = model.unk_token.as_ref()?.0.as_ref();
        let entries = &model.vocab.0;
        let mut table = Self {
            text: String::with_capacity(entries.iter().map(|(token, _)| token.len()).sum()),
            pieces: Vec::with_capacity(entries.len()),
            places: HashMap::with_capacity_and_hasher(entries.len(), FxBuildHasher),
            unknown: entries.iter().find(|(token, _)| token == unknown)?.1,
            longest: 0,
            max_characters: model.max_input_chars_per_word?,
        };
        for (token, id) in entries {
            // A token with the prefix could also start a word with the same characters, but the
            // prefix contains a mark, and a mark is always a word of one character.
            let (text, continues) = match token.strip_prefix(prefix) {
                Some(rest) if !rest.is_empty() && !prefix.is_empty() => (rest, true),
                _ => (token.as_ref(), false),
            };
            table.insert(text, continues, *id)?;
        }
        Some(table)
    }

    fn insert(&mut self, text: &str, continues: bool, id: u32) -> Option<()> {
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.push_str(text);
        self.longest = self.longest.max(text.len());
        let place = u32::try_from(self.pieces.len()).ok()?;
        self.pieces.push(Piece {
            start,
            end: u32::try_from(self.text.len()).ok()?,
            continues,
            id,
        });
        let hash = text.bytes().fold(seed(continues), extended);
        // On a hash collision the model is left to the pipeline.
        self.places.insert(hash, place).is_none().then_some(())
    }

    fn append(&self, word: &str, ids: &mut Vec<u32>) {
        let before = ids.len();
        let may_be_long = word.len() > self.max_characters;
        if may_be_long && word.chars().count() > self.max_characters {
            ids.push(self.unknown);
            return;
        }
        let mut start = 0;
        while start < word.len() {
            let Some((end, id)) = self.longest_piece(word, start) else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start = end;
        }
    }

    /// The longest piece at `start` of a word: the byte after the piece, and its id.
    fn longest_piece(&self, word: &str, start: usize) -> Option<(usize, u32)> {
        let continues = start > 0;
        let bytes = &word.as_bytes()[start..];
        let mut hash = seed(continues);
        let mut longest = None;
        for (length, byte) in (1..=self.longest.min(bytes.len())).zip(bytes) {
            hash = extended(hash, *byte);
            let is_this = |place: &u32| {
                let piece = self.pieces[*place as usize];
                let text = &self.text.as_bytes()[piece.start as usize..piece.end as usize];
                piece.continues == continues && text == &bytes[..length]
            };
            if let Some(place) = self.places.get(&hash).filter(|place| is_this(place)) {
                longest = Some((start + length, self.pieces[*place as usize].id));
            }
        }
        longest
    }
}

/// The initial hash of a piece; for continuing pieces it includes a byte that is never in UTF-8.
fn seed(continues: bool) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    if continues {
        extended(OFFSET_BASIS, 0xff)
    } else {
        OFFSET_BASIS
    }
}

/// One step of FNV-1a.
fn extended(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}
