//! Own implementation of the XLM-R tokenizer (Conneau et al. 2020): `tokenizers` needs more time to
//! load the file than the network needs for a statement.
//!
//! A text is normalised and split at spaces. A word is split into the pieces with the highest sum
//! of scores (Unigram; Kudo 2018). Tokens are identical to those of `tokenizers`; other pipelines
//! are refused.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use unicode_normalization_alignments::UnicodeNormalization;

/// The first character of every word.
const SPACE: char = '▁';
/// The score of an unknown character is this much below the lowest piece score.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Splits texts into tokens.
pub(super) struct Tokens {
    pieces: FxHashMap<String, Piece>,
    /// Length of the longest piece, in characters.
    longest: usize,
    unknown: Piece,
    /// The token before each text.
    pub(super) first: u32,
    /// The token after each text.
    pub(super) last: u32,
}

#[derive(Clone, Copy)]
struct Piece {
    id: u32,
    score: f64,
}

/// `tokenizer.json`.
#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    added_tokens: Vec<IgnoredAny>,
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: String,
    unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
    vocab: Vec<(String, f64)>,
}

impl Tokens {
    /// Reads a `tokenizer.json` for a network with a vocabulary of `words`; the error says what is
    /// wrong.
    pub(super) fn from_json(json: &[u8], words: usize) -> Result<Self, String> {
        let description: Description =
            serde_json::from_slice(json).map_err(|e| format!("not a tokenizer: {e}"))?;
        description.check()?;
        let (first, last) = description.ends()?;
        let model = description.model;
        if model.vocab.len() > words {
            return Err(format!(
                "has {} tokens, the network {words}: they don't belong together",
                model.vocab.len()
            ));
        }
        let scores = model.vocab.iter().map(|(_, score)| *score);
        let unknown = Piece {
            id: model.unk_id.unwrap_or_default(),
            score: scores.fold(f64::INFINITY, f64::min) - UNKNOWN_PENALTY,
        };
        let pieces = model.vocab.into_iter().zip(0..);
        let pieces: FxHashMap<_, _> = pieces
            .map(|((piece, score), id)| (piece, Piece { id, score }))
            .collect();
        let lengths = pieces.keys().map(|piece| piece.chars().count());
        Ok(Self {
            longest: lengths.max().unwrap_or_default(),
            pieces,
            unknown,
            first,
            last,
        })
    }

    /// The tokens of a text, without start and end token.
    pub(super) fn ids(&self, text: &str) -> Vec<u32> {
        let text = normalised(text);
        let mut ids = Vec::new();
        if text.is_empty() {
            return ids;
        }
        let mut word = Word::default();
        for part in text.strip_prefix(' ').unwrap_or(&text).split(' ') {
            word.set(part);
            self.append(&mut word, &mut ids);
        }
        ids
    }

    /// Appends the tokens of a word.
    fn append(&self, word: &mut Word, ids: &mut Vec<u32>) {
        self.find_paths(word);
        let from = ids.len();
        let mut end = word.starts.len() - 1;
        while end > 0 {
            let path = word.paths[end];
            let mut start = path.start;
            let mut id = path.id;
            if id == self.unknown.id {
                // Consecutive unknown characters become one token.
                while start > 0 && word.paths[start].id == id {
                    start = word.paths[start].start;
                }
                let text = &word.text[word.starts[start]..word.starts[end]];
                id = self.pieces.get(text).map_or(id, |piece| piece.id);
            }
            ids.push(id);
            end = start;
        }
        ids[from..].reverse();
    }

    /// Finds the best path to each character of a word (Viterbi).
    fn find_paths(&self, word: &mut Word) {
        let count = word.starts.len() - 1;
        for start in 0..count {
            let so_far = word.paths[start].score;
            for end in start + 1..=count.min(start + self.longest) {
                let text = &word.text[word.starts[start]..word.starts[end]];
                let mut piece = self.pieces.get(text);
                if end == start + 1 {
                    piece = piece.or(Some(&self.unknown));
                }
                let Some(piece) = piece else { continue };
                let (path, score) = (&mut word.paths[end], so_far + piece.score);
                if path.start == usize::MAX || score > path.score {
                    let id = piece.id;
                    *path = Path { score, start, id };
                }
            }
        }
    }
}

/// A word, and the best path to each of its characters.
#[derive(Default)]
struct Word {
    text: String,
    /// The first byte of each character, and the end.
    starts: Vec<usize>,
    paths: Vec<Path>,
}

/// The best tokenisation up to a character.
#[derive(Clone, Copy)]
struct Path {
    score: f64,
    /// The first character of the last token; `usize::MAX` if there is no path yet.
    start: usize,
    /// The last token.
    id: u32,
}

impl Word {
    fn set(&mut self, word: &str) {
        const NONE: Path = Path {
            score: 0.0,
            start: usize::MAX,
            id: 0,
        };
        self.text.clear();
        self.text.push(SPACE);
        self.text.push_str(word);
        self.starts.clear();
        let starts = self.text.char_indices().map(|(start, _)| start);
        self.starts.extend(starts.chain([self.text.len()]));
        self.paths.clear();
        self.paths.resize(self.starts.len(), NONE);
    }
}

impl Description {
    fn check(&self) -> Result<(), String> {
        let normalizer = json!({"type": "Sequence", "normalizers": [
            {"type": "Nmt"},
            {"type": "NFKC"},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ]});
        let pre_tokenizer = json!({
            "type": "Metaspace",
            "replacement": SPACE,
            "prepend_scheme": "always",
            "split": true,
        });
        let same = [
            (&self.normalizer, normalizer, "normalizer"),
            (&self.pre_tokenizer, pre_tokenizer, "pre_tokenizer"),
        ];
        for (found, known, name) in same {
            if *found != known {
                return Err(format!("the {name} is {found}; supported is {known}"));
            }
        }
        let model = &self.model;
        if model.kind != "Unigram" || model.byte_fallback || !self.added_tokens.is_empty() {
            return Err(
                "supported is the model Unigram without byte_fallback and added_tokens".into(),
            );
        }
        if model
            .unk_id
            .is_none_or(|id| id as usize >= model.vocab.len())
        {
            return Err("unk_id names no piece".into());
        }
        if model.vocab.iter().any(|(_, score)| !score.is_finite()) {
            return Err("a score isn't finite".into());
        }
        Ok(())
    }

    /// The tokens before and after a text.
    fn ends(&self) -> Result<(u32, u32), String> {
        #[derive(Deserialize)]
        struct Template {
            single: [Value; 3],
            special_tokens: FxHashMap<String, Special>,
        }
        #[derive(Deserialize)]
        struct Special {
            ids: [u32; 1],
        }
        let template = Template::deserialize(&self.post_processor);
        let template = template.map_err(|e| format!("post_processor: {e}"))?;
        let id = |part: &Value| {
            let name = part["SpecialToken"]["id"].as_str()?;
            let [id] = template.special_tokens.get(name)?.ids;
            Some(id).filter(|id| (*id as usize) < self.model.vocab.len())
        };
        let [first, text, last] = &template.single;
        let ends = id(first).zip(id(last));
        ends.filter(|_| text["Sequence"]["id"] == "A")
            .ok_or_else(|| "post_processor puts no known token before and after a text".into())
    }
}

/// Normalises a text as in the training of the pieces: drops some control characters, maps all
/// spaces to one single space, and applies NFKC.
fn normalised(text: &str) -> String {
    let kept = text.chars().filter(|c| !is_left_out(*c)).map(spaced);
    let mut normalised = String::with_capacity(text.len());
    for (c, _) in kept.nfkc() {
        if c != ' ' || !normalised.ends_with(' ') {
            normalised.push(c);
        }
    }
    normalised
}

/// True for the control characters that `Nmt` drops.
fn is_left_out(c: char) -> bool {
    matches!(
        c,
        '\u{1}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{8f}' | '\u{9f}'
    )
}

/// Maps the characters that `Nmt` treats as a space to a space.
fn spaced(c: char) -> char {
    match c {
        '\t'
        | '\n'
        | '\u{c}'
        | '\r'
        | '\u{1680}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'
        | '\u{2029}'
        | SPACE
        | '\u{feff}'
        | '\u{fffd}' => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::Tokenizer as Pipeline;

    use super::*;

    const TINY: &[u8] = include_bytes!("../../../tests/oracle/tiny/context/tokenizer.json");
    const TOKENS: &[u8] = include_bytes!("../../../tests/oracle/tiny/context/tokens.json");

    #[derive(Deserialize)]
    struct Fixture {
        tokenizer: Value,
        texts: Vec<String>,
        ids: Vec<Vec<u32>>,
    }

    fn tokens(json: &[u8]) -> Tokens {
        Tokens::from_json(json, usize::MAX).unwrap()
    }

    fn with_ends(tokens: &Tokens, text: &str) -> Vec<u32> {
        [&[tokens.first], &*tokens.ids(text), &[tokens.last]].concat()
    }

    #[test]
    fn tokens_are_those_of_tokenizers_in_python() {
        let fixture: Fixture = serde_json::from_slice(TOKENS).unwrap();
        let tokens = tokens(fixture.tokenizer.to_string().as_bytes());
        for (text, ids) in fixture.texts.iter().zip(&fixture.ids) {
            assert_eq!(&with_ends(&tokens, text), ids, "{text:?}");
        }
    }

    #[test]
    fn a_network_of_fewer_words_is_another() {
        let error = Tokens::from_json(TINY, 49).err().unwrap();
        assert!(error.contains("has 50 tokens, the network 49"), "{error}");
    }

    proptest! {
        #[test]
        fn tokens_of_any_text_are_those_of_tokenizers(text in texts()) {
            let pipeline = Pipeline::from_bytes(TINY).unwrap();
            let encoding = pipeline.encode_fast(text.as_str(), true).unwrap();
            prop_assert_eq!(with_ends(&tokens(TINY), &text), encoding.get_ids());
        }
    }

    /// Texts of pieces, all kinds of spaces, characters that NFKC changes, and arbitrary text.
    fn texts() -> impl Strategy<Value = String> {
        let parts = prop_oneof![
            "[ adust,▁!ABﬁ½😡]{1,8}",
            "(the|queue|is|long|obat|kosong|Dust|<unk>|<s>|unknown) ?",
            "[\u{0}-\u{20}\u{7f}-\u{a0}\u{1680}\u{2000}-\u{202f}\u{3000}\u{feff}\u{fffd}]{1,4}",
            "[\u{300}-\u{345}\u{1100}-\u{11ff}\u{ac00}-\u{ac10}\u{ff00}-\u{ffef}a]{1,6}",
            any::<String>(),
        ];
        proptest::collection::vec(parts, 0..6).prop_map(|parts| parts.concat())
    }
}
