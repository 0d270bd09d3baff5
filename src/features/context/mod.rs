//! The context encoder: vectors of whole texts that reflect each word in its context, and
//! probabilities of codes computed from them.
//!
//! A small BERT network with 8-bit weights: some hundred statements per second on one core.
//!
//! | file | holds |
//! |---|---|
//! | `config.json` | the shape of the network, as BERT names it; `codes`: variables and their codes |
//! | `tokenizer.json` | a Unigram tokenizer as in XLM-R |
//! | `model.safetensors` | the weights |
//!
//! The 8-bit integers `weight` have one unit per row, `scale`. A layer `encoder.layer.N.` has the
//! tensors `qkv` (query, key and value stacked, each ordered by head), `attn_out`, `attn_norm`,
//! `ffn_in`, `ffn_out` and `ffn_norm`. The positions start at the position of the first token and
//! already include the token type.
//!
//! The heads read the mean of the last states. For other codebooks there is a second vector: the
//! `general_layers` lowest layers are those of the base model, so the mean of their states keeps
//! distinctions that the heads don't need. The result is both vectors concatenated; from each its
//! `vectors.*.middle` is subtracted, and both are scaled to the same length.
//!
//! The vector of a text depends only on the text: it has the same bits in any batch, on any number
//! of threads and any kind of processor.

mod config;
mod heads;
mod tensors;
mod tokens;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use ndarray::{Array2, ArrayView1, Axis, concatenate};
use rayon::prelude::*;

use crate::base::hash::Hash;
use crate::error::{Error, Result};
use crate::features::network::{Machine, Network, States};
use crate::features::{EncoderId, TextEncoder, Vectors};

use config::Config;
pub use heads::ContextHead;
use tensors::Tensors;
use tokens::Tokens;

/// Maximum number of windows read per text.
const MAX_WINDOWS: usize = 64;

/// The files of a context encoder.
#[derive(Debug, Clone)]
pub struct ContextFiles {
    /// `config.json`.
    pub config: Cow<'static, [u8]>,
    /// `tokenizer.json`.
    pub tokenizer: Cow<'static, [u8]>,
    /// `model.safetensors`.
    pub tensors: Cow<'static, [u8]>,
}

/// Turns texts into vectors; texts with similar meaning have similar vectors.
pub struct ContextEncoder {
    name: String,
    hash: OnceLock<Hash>,
    /// The files to hash, if the hash isn't known yet.
    hashed: [&'static [u8]; 3],
    tokens: Tokens,
    /// Tokens per window, without start and end token.
    window: usize,
    network: Network,
    heads: Vec<ContextHead>,
    general: Option<General>,
}

/// Parameters of the vectors for other codebooks.
struct General {
    /// Number of lowest layers.
    layers: usize,
    /// The mean of the general and of the last vectors.
    middles: [Vec<f32>; 2],
}

/// Additional output, besides the mean of the last states.
#[derive(Clone, Copy, PartialEq)]
enum Also {
    Nothing,
    /// The scores of each token.
    Scores,
    /// The mean of the states after the general layers.
    General,
}

/// The vectors of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextVectors {
    /// Texts × dimensions: the mean of the last states of all tokens.
    pub vectors: Vectors,
    /// Number of tokens at the end of each text that exceeded the limit and were not read.
    pub unread: Vec<usize>,
}

/// A word of a text and its contribution to the scores of the codes.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextWord {
    /// Byte range of the word in the text.
    pub range: Range<usize>,
    /// One number per head and code: the part of the word in the mean score of the code over all
    /// tokens, before the softmax. Because a vector is the mean of token states, a score is the sum
    /// of the parts of all words, except for start and end token (class activation mapping; Zhou et
    /// al., CVPR 2016).
    pub scores: Vec<f32>,
}

/// The vectors of texts, their general vectors, and the scores of their tokens.
type Read = (Last, Array2<f32>, Vec<Vec<Vec<f32>>>);

/// Vectors of the last states, texts × dimensions, and the number of unread tokens per text.
struct Last {
    vectors: Array2<f32>,
    unread: Vec<usize>,
}

impl From<Last> for ContextVectors {
    fn from(last: Last) -> Self {
        Self {
            vectors: Vectors::of(last.vectors),
            unread: last.unread,
        }
    }
}

/// The output for one window.
struct Sums {
    /// The sum of the last token states.
    states: Vec<f32>,
    /// The sum of the token states after the general layers, if requested.
    general: Vec<f32>,
    /// The scores of each token by all heads, if requested.
    scores: Vec<Vec<f32>>,
}

/// Aligns bytes for numbers, so that tensors need no copy.
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

static TENSORS: &Aligned<[u8]> =
    &Aligned(*include_bytes!("../../../models/context/model.safetensors"));

impl ContextEncoder {
    /// The name of the shipped encoder.
    pub const SHIPPED: &'static str = "context";

    /// The encoder that is embedded in every build: `models/context` of the project. It is
    /// assembled at the first call.
    pub fn shipped() -> Result<&'static Self> {
        static SHIPPED: OnceLock<ContextEncoder> = OnceLock::new();
        if let Some(encoder) = SHIPPED.get() {
            return Ok(encoder);
        }
        let encoder = Self::from_files(
            Self::SHIPPED,
            &ContextFiles {
                config: Cow::Borrowed(include_bytes!("../../../models/context/config.json")),
                tokenizer: Cow::Borrowed(include_bytes!("../../../models/context/tokenizer.json")),
                tensors: Cow::Borrowed(&TENSORS.0),
            },
        )?;
        Ok(SHIPPED.get_or_init(|| encoder))
    }

    /// Assembles an encoder from its files. Static weights are used without a copy.
    ///
    /// Fails if a file is damaged or of another kind, if a tensor is missing or its shape differs
    /// from the configuration, or if a number isn't finite.
    pub fn from_files(name: &str, files: &ContextFiles) -> Result<Self> {
        Self::on(Machine::detect(), name, files)
    }

    fn on(machine: Machine, name: &str, files: &ContextFiles) -> Result<Self> {
        let ContextFiles {
            config,
            tokenizer,
            tensors,
        } = files;
        let refused = |file: &'static str, bytes: &[u8], reason| Error::ContextEncoder {
            path: format!("{name}/{file}"),
            hash: Hash::of(bytes).to_string(),
            reason,
        };
        let settings =
            Config::from_json(config).map_err(|reason| refused("config.json", config, reason))?;
        let tokens = Tokens::from_json(tokenizer, settings.vocab_size)
            .map_err(|reason| refused("tokenizer.json", tokenizer, reason))?;
        let (network, heads, middles) = match tensors {
            Cow::Borrowed(bytes) => {
                Tensors::lasting(&settings, bytes).and_then(|t| t.read(machine))
            }
            Cow::Owned(bytes) => Tensors::copied(&settings, bytes).and_then(|t| t.read(machine)),
        }
        .map_err(|reason| refused("model.safetensors", tensors, reason))?;
        let general = middles.map(|middles| General {
            layers: settings.general_layers,
            middles,
        });
        let (hash, hashed) = match files {
            ContextFiles {
                config: Cow::Borrowed(config),
                tokenizer: Cow::Borrowed(tokenizer),
                tensors: Cow::Borrowed(tensors),
            } => (OnceLock::new(), [*config, *tokenizer, *tensors]),
            _ => (
                Hash::of_parts([&**config, &**tokenizer, &**tensors]).into(),
                [&[][..]; 3],
            ),
        };
        Ok(Self {
            name: name.into(),
            hash,
            hashed,
            tokens,
            window: settings.max_position_embeddings - 2,
            network,
            heads,
            general,
        })
    }

    /// SHA-256 of the concatenated files `config.json`, `tokenizer.json` and `model.safetensors`.
    pub fn hash(&self) -> Hash {
        *self.hash.get_or_init(|| Hash::of_parts(self.hashed))
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.network.hidden
    }

    /// The classifiers that were trained with the network, ordered by variable name.
    pub fn heads(&self) -> &[ContextHead] {
        &self.heads
    }

    /// The vectors of `texts`, in order. A text longer than a window is read in consecutive
    /// windows, at most 64.
    pub fn encode(&self, texts: &[&str]) -> Result<ContextVectors> {
        Ok(self.read(texts, Also::Nothing)?.0.into())
    }

    /// The vectors of `texts`, and for each text its words with their contribution to the scores.
    pub fn explain(&self, texts: &[&str]) -> Result<(ContextVectors, Vec<Vec<ContextWord>>)> {
        let (vectors, _, scores) = self.read(texts, Also::Scores)?;
        let words = texts.par_iter().zip(scores);
        let words = words.map(|(text, scores)| self.words(text, &scores));
        Ok((vectors.into(), words.collect()))
    }

    /// Sums the token scores of each word. A single word has the same tokens as in its text,
    /// because the tokenizer splits at white space first.
    fn words(&self, text: &str, scores: &[Vec<f32>]) -> Vec<ContextWord> {
        let mut rest = scores;
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let count = self.tokens.ids(word).len().min(rest.len());
            let (own, others) = rest.split_at(count);
            rest = others;
            let mut sums = vec![0.0; own.first().map_or(0, Vec::len)];
            for token in own {
                sums.iter_mut()
                    .zip(token)
                    .for_each(|(sum, s)| *sum += s / scores.len() as f32);
            }
            words.push(ContextWord {
                range: start..start + word.len(),
                scores: sums,
            });
        }
        words
    }

    /// The vectors of `texts`; also the general vectors or the token scores, if requested.
    fn read(&self, texts: &[&str], also: Also) -> Result<Read> {
        let tokens: Vec<Vec<u32>> = texts.par_iter().map(|text| self.tokens.ids(text)).collect();
        let read = self.window * MAX_WINDOWS;
        let unread = tokens.iter().map(|ids| ids.len().saturating_sub(read));
        let unread = unread.collect();
        let (owners, windows): (Vec<_>, Vec<_>) = self.windows(tokens).into_iter().unzip();
        let layers = self.general.as_ref().map(|general| general.layers);
        let layers = layers.filter(|_| also == Also::General);
        let sums = self
            .network
            .pooled(&windows, layers, |states| self.sums(&states, also));
        let mut vectors = Array2::zeros((texts.len(), self.dim()));
        let mut general = Array2::zeros(match also {
            Also::General => vectors.dim(),
            _ => (0, 0),
        });
        let mut counts = vec![0; texts.len()];
        let mut scores = vec![Vec::new(); texts.len()];
        for ((text, ids), sums) in owners.into_iter().zip(&windows).zip(sums) {
            let mut vector = vectors.row_mut(text);
            vector += &ArrayView1::from(&sums.states);
            if also == Also::General {
                let mut vector = general.row_mut(text);
                vector += &ArrayView1::from(&sums.general);
            }
            counts[text] += ids.len();
            scores[text].extend(sums.scores);
        }
        let all = vectors.rows_mut().into_iter().zip(&counts);
        for (mut vector, count) in all.chain(general.rows_mut().into_iter().zip(&counts)) {
            vector /= *count as f32;
        }
        if vectors.iter().chain(&general).any(|x| !x.is_finite()) {
            return Err(Error::ContextEncoder {
                path: self.name.clone(),
                hash: self.hash().to_string(),
                reason: "its weights are too large to compute with".into(),
            });
        }
        Ok((Last { vectors, unread }, general, scores))
    }

    /// The windows of the texts, each with the position of its text.
    fn windows(&self, texts: Vec<Vec<u32>>) -> Vec<(usize, Vec<u32>)> {
        let mut windows = Vec::with_capacity(texts.len());
        for (text, ids) in texts.into_iter().enumerate() {
            let parts = ids.chunks(self.window).take(MAX_WINDOWS);
            // A text without tokens also has one window.
            let empty = ids.is_empty().then_some(&[][..]);
            let (first, last) = (self.tokens.first, self.tokens.last);
            let parts = parts.chain(empty);
            windows.extend(parts.map(|ids| (text, [&[first], ids, &[last]].concat())));
        }
        windows
    }

    fn sums(&self, states: &States, also: Also) -> Sums {
        let mut scores = Vec::new();
        if also == Also::Scores {
            let states = states.last.chunks_exact(self.dim());
            // Start and end token belong to no word.
            let words = states.clone().take(states.len() - 1).skip(1);
            scores.extend(words.map(|state| self.scores(state)));
        }
        Sums {
            states: self.sum(states.last),
            general: self.sum(states.general),
            scores,
        }
    }

    /// The scores of a state by all heads.
    fn scores(&self, state: &[f32]) -> Vec<f32> {
        let scores = self.heads.iter().flat_map(|head| head.scores(state));
        scores.collect()
    }

    fn sum(&self, states: &[f32]) -> Vec<f32> {
        let mut sum = vec![0.0; self.dim()];
        for state in states.chunks_exact(self.dim()) {
            sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
        }
        sum
    }
}

impl TextEncoder for ContextEncoder {
    fn id(&self) -> EncoderId {
        EncoderId {
            name: self.name.clone(),
            hash: self.hash().to_string(),
            dimensions: self.dim() * if self.general.is_some() { 2 } else { 1 },
        }
    }

    /// The general vectors and the vectors of the last states, concatenated; without general
    /// layers only the latter. Length 1.
    fn encode(&self, texts: &[&str]) -> Result<Vectors> {
        let Some(General { middles, .. }) = &self.general else {
            let (mut last, ..) = self.read(texts, Also::Nothing)?;
            scale_to(&mut last.vectors, 1.0);
            return Ok(Vectors::of(last.vectors));
        };
        let (last, general, _) = self.read(texts, Also::General)?;
        let mut parts = [general, last.vectors];
        for (part, middle) in parts.iter_mut().zip(middles) {
            *part -= &ArrayView1::from(middle);
            scale_to(part, std::f32::consts::FRAC_1_SQRT_2);
        }
        let [general, last] = parts;
        Ok(Vectors::of(concatenate![Axis(1), general, last]))
    }
}

/// Scales each row to `length`; a zero vector has no direction and is kept.
fn scale_to(vectors: &mut Array2<f32>, length: f32) {
    for mut vector in vectors.rows_mut() {
        let squares = vector.iter().map(|x| f64::from(*x) * f64::from(*x));
        let own = squares.sum::<f64>().sqrt().max(1e-12) as f32;
        vector *= length / own;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tiny network with this instruction set.
    fn tiny(machine: Machine) -> ContextEncoder {
        macro_rules! file {
            ($name:literal) => {
                include_bytes!(concat!("../../../tests/oracle/tiny/context/", $name)).into()
            };
        }
        let files = ContextFiles {
            config: file!("config.json"),
            tokenizer: file!("tokenizer.json"),
            tensors: file!("model.safetensors"),
        };
        ContextEncoder::on(machine, "tiny", &files).unwrap()
    }

    #[test]
    fn every_machine_computes_the_same_bits() {
        let texts = [
            "the queue is long",
            "",
            "Dust, dust! obat kosong",
            &"the ".repeat(900),
        ];
        let [ours, portable] = [Machine::detect(), Machine::Portable]
            .map(|machine| tiny(machine).encode(&texts).unwrap());
        assert_eq!(ours, portable);
    }

    #[test]
    fn windows_follow_each_other() {
        let encoder = tiny(Machine::detect());
        let windows = encoder.windows(vec![vec![], vec![7; 6], (10..23).collect()]);
        let windows: Vec<_> = windows.iter().map(|(text, ids)| (*text, &**ids)).collect();
        let expected: [(usize, &[u32]); 5] = [
            (0, &[0, 2]),
            (1, &[0, 7, 7, 7, 7, 7, 7, 2]),
            (2, &[0, 10, 11, 12, 13, 14, 15, 2]),
            (2, &[0, 16, 17, 18, 19, 20, 21, 2]),
            (2, &[0, 22, 2]),
        ];
        assert_eq!(windows, expected);
    }

    #[test]
    fn no_more_than_the_first_windows_are_read() {
        let encoder = tiny(Machine::detect());
        assert_eq!(
            encoder.windows(vec![vec![5; 6 * 64 + 9]]).len(),
            MAX_WINDOWS
        );
        let [long, read] = [1000, 384].map(|words| vec!["the"; words].join(" "));
        let texts = [&*long, &*read];
        let found = encoder.encode(&texts).unwrap();
        assert_eq!(found.unread, [616, 0]);
        assert_eq!(found.vectors.row(0), found.vectors.row(1));
    }
}
