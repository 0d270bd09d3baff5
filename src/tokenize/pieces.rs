//! The sub-word models by hand: what `tokenizers` makes of one word, without its allocations, read
//! from the same `tokenizer.json` in a fraction of the time. Property tests hold both to each
//! other; whatever is not plain byte-pair encoding or word pieces is left to the pipeline.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxBuildHasher;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Value, json};

use super::WORD;

/// Longer words (in bytes) are left to the pipeline, whose merging takes n log n steps and not n².
const LONGEST_MERGED: usize = 512;

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

/// A string that is borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A vocabulary in the order of its file.
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
    /// Reads one, if it has nothing that isn't known here.
    pub(super) fn read(json: &'a [u8]) -> Option<Self> {
        let description: Self = serde_json::from_slice(json).ok()?;
        (description.version.0 == "1.0").then_some(description)
    }

    /// Whether it normalises and cuts as those that are trained here.
    pub(super) fn cuts_as_ours(&self) -> bool {
        let steps = json!([{"type": "NFKC"}, {"type": "Lowercase"}]);
        self.normalizer == json!({"type": "Sequence", "normalizers": steps})
            && self.pre_tokenizer
                == json!({
                    "type": "Split", "pattern": {"Regex": WORD}, "behavior": "Removed", "invert": true
                })
    }

    /// The id of a token, added or of the vocabulary.
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

/// A sub-word model that is run by hand.
#[derive(Debug, Clone)]
pub(super) enum Pieces {
    /// Neighbours are merged, the earliest learned first (byte-pair encoding).
    Merged(Merges),
    /// The longest known beginning is cut off, again and again (word pieces).
    Longest(WordPieces),
}

impl Pieces {
    /// The model of a description, if it is a plain one.
    pub(super) fn of(description: &Description<'_>) -> Option<Self> {
        match description.model.kind.0.as_ref() {
            "BPE" => Merges::of(&description.model).map(Self::Merged),
            "WordPiece" => WordPieces::of(&description.model).map(Self::Longest),
            _ => None,
        }
    }

    /// The ids of a normalised word's pieces; `None` for one that is left to the pipeline.
    pub(super) fn ids(&self, word: &str) -> Option<Vec<u32>> {
        match self {
            Self::Merged(merges) => (word.len() <= LONGEST_MERGED).then(|| merges.ids(word)),
            Self::Longest(pieces) => Some(pieces.ids(word)),
        }
    }
}

/// Byte-pair encoding.
#[derive(Debug, Clone)]
pub(super) struct Merges {
    characters: HashMap<char, u32, FxBuildHasher>,
    /// Of two neighbours: when their merge was learned, and into what.
    learned: HashMap<(u32, u32), (u32, u32), FxBuildHasher>,
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
            merges.insert((first?, second?), (u32::try_from(rank).ok()?, both?));
        }
        Some(Self {
            characters: vocabulary
                .iter()
                .filter_map(|(token, id)| Some((only_character(token)?, *id)))
                .collect(),
            learned: merges,
            unknown: *vocabulary.get(model.unk_token.as_ref()?.0.as_ref())?,
        })
    }

    fn ids(&self, word: &str) -> Vec<u32> {
        let id = |c: char| self.characters.get(&c).copied().unwrap_or(self.unknown);
        let mut ids: Vec<u32> = word.chars().map(id).collect();
        let merge = |a: u32, b: u32| self.learned.get(&(a, b)).copied();
        let mut merges: Vec<Option<(u32, u32)>> =
            ids.windows(2).map(|w| merge(w[0], w[1])).collect();
        loop {
            let known = merges.iter().enumerate();
            let first = known.filter_map(|(at, m)| m.map(|(rank, into)| (rank, at, into)));
            let Some((_, at, into)) = first.min() else {
                return ids;
            };
            ids[at] = into;
            ids.remove(at + 1);
            merges.remove(at);
            if let Some(next) = ids.get(at + 1) {
                merges[at] = merge(into, *next);
            }
            if let Some(before) = at.checked_sub(1) {
                merges[before] = merge(ids[before], into);
            }
        }
    }
}

/// Word pieces.
#[derive(Debug, Clone)]
pub(super) struct WordPieces {
    /// The text of all pieces, the prefix of those that continue a word taken off.
    text: String,
    pieces: Vec<Piece>,
    /// From the hash of a text to its place among the pieces.
    places: HashMap<u64, u32, FxBuildHasher>,
    unknown: u32,
    /// Bytes of the longest piece.
    longest: usize,
    /// Words of more characters are unknown.
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
            // A token that begins with the prefix could also begin a word that does: such words
            // hold a mark and are never longer than it.
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
        // Two texts of one hash, if that ever happened, would be for the pipeline.
        self.places.insert(hash, place).is_none().then_some(())
    }

    fn ids(&self, word: &str) -> Vec<u32> {
        if word.chars().count() > self.max_characters {
            return vec![self.unknown];
        }
        let mut ids = Vec::new();
        let mut start = 0;
        while start < word.len() {
            let Some((end, id)) = self.longest_piece(word, start) else {
                return vec![self.unknown];
            };
            ids.push(id);
            start = end;
        }
        ids
    }

    /// The longest piece at a place of a word: the byte after it and its id.
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

/// What the hash of a piece begins with; of one that continues a word, after a byte that no text has.
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
