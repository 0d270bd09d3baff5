//! Sentence vectors: a BERT or XLM-R sentence model on disk, as `sentence-transformers` saves it.
//!
//! | file | holds |
//! |---|---|
//! | `config.json` | the shape of the network |
//! | `tokenizer.json` | the tokenizer |
//! | `model.safetensors` | the weights, in float32, float16 or bfloat16 |
//! | `modules.json`, `1_Pooling/config.json` | pooling of token states; default: mean, scaled to length 1 |
//! | `sentence_bert_config.json` | number of tokens read per text; default: the number of positions |
//! | `config_sentence_transformers.json` | prefix of each text, under `prompts.query`; default: none |
//!
//! Nothing is downloaded: only files in the folder are read.

mod config;
mod folder;
mod weights;

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;
use tokenizers::Tokenizer as Pipeline;

use crate::base::hash::Hash;
use crate::error::{Error, Result};
use crate::features::network::Network;
use crate::features::{EncoderId, TextEncoder, Vectors};

use folder::Folder;

/// Turns texts into vectors; texts with similar meaning have similar vectors.
///
/// The vector of a text depends only on the text: it has the same bytes in any batch, in any order,
/// on any number of threads. Another kind of processor may round differently.
pub struct SentenceEncoder {
    name: String,
    hash: Hash,
    prefix: String,
    tokenizer: Pipeline,
    network: Network,
    dim: usize,
    pooling: Pooling,
    normalize: bool,
}

/// How token states are combined into the vector of the text.
#[derive(Clone, Copy)]
enum Pooling {
    /// The mean of all tokens.
    Mean,
    /// The first token.
    First,
}

impl SentenceEncoder {
    /// Reads the folder of a sentence model.
    ///
    /// Fails if a file is missing or damaged, if the kind of network or pooling is unsupported, or
    /// if a tensor is missing or its shape differs from `config.json`.
    pub fn load(dir: &Path) -> Result<Self> {
        let folder = Folder::read(dir)?;
        let config = folder.network()?;
        Ok(Self {
            name: folder_name(dir),
            hash: folder.hash(),
            prefix: folder.prefix()?,
            tokenizer: folder.tokenizer(&config)?,
            network: folder.weights(&config)?,
            dim: config.hidden_size,
            pooling: folder.pooling()?,
            normalize: folder.normalize()?,
        })
    }

    /// The same encoder with another prefix for each text (`query: ` for the e5 models).
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The prefix of each text.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// SHA-256 of the concatenated files `config.json`, `tokenizer.json`, `model.safetensors` and,
    /// if they exist, `modules.json`, `config.json` of the pooling and `sentence_bert_config.json`.
    /// It doesn't cover the prefix.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The name of the folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The vectors of `texts`, in order: texts × [`dim`](Self::dim). Texts that are too long for
    /// the model are truncated.
    pub fn encode(&self, texts: &[&str]) -> Result<Vectors> {
        let tokens = texts
            .par_iter()
            .map(|text| self.token_ids(text))
            .collect::<Result<Vec<_>>>()?;
        let vectors = self
            .network
            .pooled(&tokens, None, |states| self.pool(states.last));
        let mut rows = Array2::zeros((texts.len(), self.dim));
        for (mut row, vector) in rows.rows_mut().into_iter().zip(&vectors) {
            row.assign(vector);
        }
        Ok(Vectors::of(rows))
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>> {
        let text = format!("{}{text}", self.prefix);
        let encoding = self.tokenizer.encode_fast(text, true).map_err(failed)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The vector of one text from its token states, tokens × dim.
    fn pool(&self, states: &[f32]) -> Array1<f32> {
        let mut states = states.chunks_exact(self.dim).map(ArrayView1::<f32>::from);
        let first = states
            .next()
            .map_or_else(|| Array1::zeros(self.dim), |s| s.to_owned());
        let vector = match self.pooling {
            Pooling::Mean => {
                let others = states.len() as f32;
                states.fold(first, |sum, state| sum + state) / (others + 1.0)
            }
            Pooling::First => first,
        };
        if !self.normalize {
            return vector;
        }
        // A zero vector has no direction and is kept.
        let length = vector.dot(&vector).sqrt().max(1e-12);
        vector / length
    }
}

impl TextEncoder for SentenceEncoder {
    fn id(&self) -> EncoderId {
        let parts = format!("{}{}", self.hash, self.prefix);
        EncoderId {
            name: self.name.clone(),
            hash: Hash::of(parts.as_bytes()).to_string(),
            dimensions: self.dim,
        }
    }

    fn encode(&self, texts: &[&str]) -> Result<Vectors> {
        Self::encode(self, texts)
    }
}

fn folder_name(dir: &Path) -> String {
    // `.` has a name only after it is resolved.
    let path = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "passed to map_err by name")]
fn failed(error: tokenizers::Error) -> Error {
    Error::Tokenizer {
        reason: error.to_string(),
    }
}
