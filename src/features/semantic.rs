//! The semantic view: the mean direction of the words of a statement. Words with similar meaning,
//! in Indonesian and in English, have similar vectors.
//!
//! A [`StaticEncoder`] has a vector eₜ for every sub-word token t, read from a directory in
//! model2vec format. A word contributes the sum of its token vectors. A statement is Σ eₜ divided
//! by the **additive norm** √Σ |eₜ|², so that its score is exactly a sum over words. For labelling,
//! a model needs only the tokenizer of the encoder, the |eₜ|² and the scores of each token (its
//! vector times the weights), not the vectors.

use std::fmt;
use std::fs;
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::base::hash::Hash;
use crate::base::tensor::{decoded, floats};
use crate::error::{Error, Result};
use crate::tokenize::Subwords;

const TOKENIZER: &str = "tokenizer.json";
const TENSORS: &str = "model.safetensors";

/// Identifies an encoder; displayed as its name and the first digits of its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderId {
    /// Name of the directory.
    pub name: String,
    /// SHA-256 of the files.
    pub hash: String,
    /// Dimensions of the vectors.
    pub dimensions: usize,
}

impl fmt::Display for EncoderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:.8}", self.name, self.hash)
    }
}

/// Vectors of sub-word tokens: a model2vec directory in memory.
pub struct StaticEncoder {
    id: EncoderId,
    subwords: Subwords,
    /// Tokens × dimensions; already multiplied by the weights of the tokens.
    vectors: Array2<f32>,
}

impl StaticEncoder {
    /// The encoder that is embedded in every build: `models/encoder` of the project.
    pub fn shipped() -> Result<Self> {
        Self::from_files(
            "konflik-static-id-en",
            include_bytes!("../../models/encoder/tokenizer.json"),
            include_bytes!("../../models/encoder/model.safetensors"),
        )
    }

    /// Reads a model2vec directory: `tokenizer.json`, and `model.safetensors` with `embeddings`
    /// (float32, float16 or int8; tokens × dimensions), optional `weights` (one per token) and
    /// optional `mapping` (from token to row).
    pub fn load(path: &Path) -> Result<Self> {
        let read = |file: &str| {
            let path = path.join(file);
            fs::read(&path).map_err(|e| Error::read(&path, e))
        };
        let name = path
            .canonicalize()
            .ok()
            .and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        Self::from_files(
            &name.unwrap_or_else(|| path.display().to_string()),
            &read(TOKENIZER)?,
            &read(TENSORS)?,
        )
    }

    fn from_files(name: &str, tokenizer: &[u8], tensors: &[u8]) -> Result<Self> {
        let vectors = token_vectors(tensors).map_err(|reason| unusable(name, &reason))?;
        let subwords = Subwords::from_json(tokenizer)?;
        let (tokens, rows) = (subwords.id_limit(), vectors.nrows());
        if tokens > rows {
            let reason = format!("{TOKENIZER} has {tokens} tokens, {TENSORS} {rows} vectors");
            return Err(unusable(name, &reason));
        }
        let files = [tokenizer, tensors].map(|bytes| Hash::of(bytes).to_string());
        Ok(Self {
            id: EncoderId {
                name: name.to_string(),
                hash: Hash::of(files.concat().as_bytes()).to_string(),
                dimensions: vectors.ncols(),
            },
            subwords,
            vectors,
        })
    }

    /// The id of the encoder.
    pub fn id(&self) -> &EncoderId {
        &self.id
    }

    /// The vectors, tokens × dimensions.
    pub(crate) fn vectors(&self) -> &Array2<f32> {
        &self.vectors
    }

    /// The part of the encoder that feature extraction needs.
    pub fn view(&self) -> SemanticView {
        let squared = |row: ArrayView1<'_, f32>| row.dot(&row);
        SemanticView {
            encoder: self.id.clone(),
            subwords: self.subwords.clone(),
            squared_norms: self.vectors.rows().into_iter().map(squared).collect(),
        }
    }

    /// The vector of a statement with these tokens: Σ eₜ / `norm`.
    pub fn vector(&self, tokens: &[u32], norm: f64) -> Vec<f32> {
        let mut sum = Array1::<f64>::zeros(self.vectors.ncols());
        for &token in tokens {
            sum.zip_mut_with(&self.vectors.row(token as usize), |s, e| {
                *s += f64::from(*e);
            });
        }
        sum.into_iter().map(|s| (s / norm) as f32).collect()
    }
}

/// Splits words into tokens of the encoder and stores the length of the token vectors.
#[derive(Debug, Clone)]
pub struct SemanticView {
    encoder: EncoderId,
    subwords: Subwords,
    /// |eₜ|² of each token.
    squared_norms: Vec<f32>,
}

impl SemanticView {
    /// Assembles a view from its stored parts.
    pub fn from_parts(encoder: EncoderId, subwords: Subwords, squared_norms: Vec<f32>) -> Self {
        Self {
            encoder,
            subwords,
            squared_norms,
        }
    }

    /// The id of the encoder that the tokens belong to.
    pub fn encoder(&self) -> &EncoderId {
        &self.encoder
    }

    /// The tokenizer.
    pub fn subwords(&self) -> &Subwords {
        &self.subwords
    }

    /// |eₜ|² of each token.
    pub fn squared_norms(&self) -> &[f32] {
        &self.squared_norms
    }

    /// The tokens of a normalised word; none if all characters are unknown.
    pub fn tokens(&self, word: &str) -> Result<Vec<u32>> {
        self.subwords.ids(word)
    }

    /// Appends the [`tokens`](Self::tokens) of a word to an empty list.
    pub(crate) fn append_tokens(&self, word: &str, tokens: &mut Vec<u32>) -> Result<()> {
        self.subwords.append_ids(word, tokens)
    }

    /// √Σ |eₜ|², or 1 if the sum is 0.
    pub fn norm<'a>(&self, tokens: impl IntoIterator<Item = &'a u32>) -> f64 {
        let squares = tokens
            .into_iter()
            .map(|t| f64::from(self.squared_norms[*t as usize]));
        let norm = squares.sum::<f64>().sqrt();
        if norm > 0.0 { norm } else { 1.0 }
    }
}

/// The vectors of all tokens, multiplied by their weights. The error says what is wrong with the
/// file.
fn token_vectors(bytes: &[u8]) -> std::result::Result<Array2<f32>, String> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|e| format!("{TENSORS} can't be read: {e}"))?;
    let embeddings = tensors
        .tensor("embeddings")
        .map_err(|_| format!("{TENSORS} holds no `embeddings`: not a model2vec directory"))?;
    let &[rows, dimensions] = embeddings.shape() else {
        return Err("the embeddings are not a table".into());
    };
    let mut vectors = Array2::from_shape_vec((rows, dimensions), values(&embeddings)?)
        .map_err(|e| format!("the embeddings don't fit their shape: {e}"))?;
    if let Ok(mapping) = tensors.tensor("mapping") {
        let rows = positions(&mapping, vectors.nrows())?;
        vectors = vectors.select(Axis(0), &rows);
    }
    if let Ok(weights) = tensors.tensor("weights") {
        let weights = values(&weights)?;
        if weights.len() != vectors.nrows() {
            return Err(format!(
                "there are {} weights for {} vectors",
                weights.len(),
                vectors.nrows()
            ));
        }
        for (mut row, weight) in vectors.rows_mut().into_iter().zip(weights) {
            row *= weight;
        }
    }
    if vectors.iter().any(|v| !v.is_finite()) {
        return Err("a vector holds a value that is not finite".into());
    }
    Ok(vectors)
}

/// The values of a tensor; fails for types that model2vec doesn't write.
fn values(tensor: &TensorView<'_>) -> std::result::Result<Vec<f32>, String> {
    let dtype = tensor.dtype();
    let written = matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::I8);
    let read = if written { floats(tensor) } else { None };
    read.ok_or_else(|| format!("values of type {dtype:?} are not read"))
}

/// The values of an integer tensor as positions; fails unless all are below `limit`.
fn positions(tensor: &TensorView<'_>, limit: usize) -> std::result::Result<Vec<usize>, String> {
    let data = tensor.data();
    let values: Vec<i64> = match tensor.dtype() {
        Dtype::I64 => decoded(data, i64::from_le_bytes),
        Dtype::I32 => decoded(data, |b| i32::from_le_bytes(b).into()),
        other => return Err(format!("a mapping of type {other:?} is not read")),
    };
    values
        .into_iter()
        .map(|v| {
            usize::try_from(v)
                .ok()
                .filter(|v| *v < limit)
                .ok_or_else(|| format!("the mapping points at row {v} of {limit}"))
        })
        .collect()
}

fn unusable(name: &str, reason: &str) -> Error {
    Error::Vectors {
        name: name.to_string(),
        reason: reason.to_string(),
    }
}
