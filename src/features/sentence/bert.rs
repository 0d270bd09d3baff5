//! The network of BERT (Devlin et al. 2019) and XLM-R (Conneau et al. 2020): token ids to token states.
//!
//! Texts of a batch stand one below the other, without padding: whatever works on single tokens
//! takes all rows at once, attention takes the rows of one text. So a text meets no other's tokens,
//! there is no mask, and no time goes into padding. Each row of a matrix product is summed in the
//! same order however many rows there are, so its bits don't depend on the batch either.

use std::f32::consts::FRAC_1_SQRT_2;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};
use serde::Deserialize;

use super::weights::Weights;

/// What the network is built by: `config.json`.
#[derive(Deserialize)]
pub(super) struct Config {
    model_type: String,
    pub(super) vocab_size: usize,
    pub(super) hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    pub(super) intermediate_size: usize,
    hidden_act: String,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    pub(super) layer_norm_eps: f32,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
}

/// The kinds of network that are built here.
pub(super) const MODEL_TYPES: [&str; 4] = ["bert", "xlm-roberta", "roberta", "camembert"];

impl Config {
    /// Why this build has no such network; `None` if it has.
    pub(super) fn unsupported(&self) -> Option<String> {
        if Activation::of(&self.hidden_act).is_none() {
            return Some(format!(
                "hidden_act is {:?}; supported are gelu, gelu_new, gelu_pytorch_tanh, relu",
                self.hidden_act
            ));
        }
        let positions = self.position_embedding_type.as_deref();
        if positions.is_some_and(|kind| kind != "absolute") {
            return Some("position_embedding_type isn't \"absolute\"".into());
        }
        if self.type_vocab_size == 0 {
            return Some("type_vocab_size is 0; BERT has at least one type of token".into());
        }
        // One between the token at the start and that at the end.
        if self.max_tokens() < 3 {
            return Some(format!(
                "max_position_embeddings is {}, which leaves no room for a text",
                self.max_position_embeddings
            ));
        }
        if self.hidden_size == 0
            || self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
        {
            return Some(format!(
                "hidden_size {} isn't a multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        None
    }

    /// The position of the first token: `RoBERTa` counts from the one after the padding's.
    fn first_position(&self) -> usize {
        match self.model_type.as_str() {
            "bert" => 0,
            _ => self.pad_token_id.unwrap_or(1).saturating_add(1),
        }
    }

    /// How many tokens a text may have, with those at its start and end.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_position_embeddings
            .saturating_sub(self.first_position())
    }
}

#[derive(Clone, Copy)]
enum Activation {
    GeluErf,
    GeluTanh,
    Relu,
}

impl Activation {
    fn of(name: &str) -> Option<Self> {
        match name {
            "gelu" => Some(Self::GeluErf),
            "gelu_new" | "gelu_pytorch_tanh" => Some(Self::GeluTanh),
            "relu" => Some(Self::Relu),
            _ => None,
        }
    }

    fn apply(self, x: f32) -> f32 {
        match self {
            Self::GeluErf => 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2)),
            Self::GeluTanh => 0.5 * x * (1.0 + (SQRT_2_PI * (x + 0.044_715 * x * x * x)).tanh()),
            Self::Relu => x.max(0.0),
        }
    }
}

/// The square root of 2/π.
const SQRT_2_PI: f32 = 0.797_884_6;

/// The error function to 3e-7 (Abramowitz and Stegun 1964, 7.1.26).
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let sum = 1.061_405_4_f32;
    let sum = sum * t - 1.453_152;
    let sum = sum * t + 1.421_413_7;
    let sum = sum * t - 0.284_496_74;
    let sum = sum * t + 0.254_829_6;
    (1.0 - sum * t * (-x * x).exp()).copysign(x)
}

pub(super) struct Linear {
    /// Inputs × outputs.
    pub(super) weight: Array2<f32>,
    pub(super) bias: Array1<f32>,
}

impl Linear {
    fn forward(&self, x: &Array2<f32>) -> Array2<f32> {
        x.dot(&self.weight) + &self.bias
    }
}

pub(super) struct Norm {
    pub(super) weight: Array1<f32>,
    pub(super) bias: Array1<f32>,
    pub(super) eps: f32,
}

impl Norm {
    /// Brings each row to mean 0 and variance 1, then scales and shifts it.
    fn apply(&self, x: &mut Array2<f32>) {
        let count = x.ncols() as f32;
        for mut row in x.rows_mut() {
            row -= row.sum() / count;
            row *= (row.dot(&row) / count + self.eps).sqrt().recip();
            row *= &self.weight;
            row += &self.bias;
        }
    }
}

pub(super) struct Layer {
    /// Query, key and value side by side, each hidden wide, each head by head.
    pub(super) attention: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) intermediate: Linear,
    pub(super) output: Linear,
    pub(super) output_norm: Norm,
}

/// The network with its weights, in single precision.
pub(super) struct Bert {
    /// Vocabulary × hidden.
    words: Array2<f32>,
    /// Positions × hidden, with the type that all tokens of a single text have.
    positions: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    first_position: usize,
    activation: Activation,
}

impl Bert {
    /// Takes the weights out of a safetensors file; the error says which tensor is at fault.
    pub(super) fn new(config: &Config, weights: &Weights<'_>) -> Result<Self, String> {
        let table = |name: &str, rows| {
            weights.matrix(
                &format!("embeddings.{name}.weight"),
                rows,
                config.hidden_size,
            )
        };
        let types = table("token_type_embeddings", config.type_vocab_size)?;
        let positions = table("position_embeddings", config.max_position_embeddings)?;
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: positions + types.row(0),
            norm: weights.norm("embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers)
                .map(|layer| weights.layer(layer))
                .collect::<Result<_, _>>()?,
            heads: config.num_attention_heads,
            first_position: config.first_position(),
            activation: Activation::of(&config.hidden_act).unwrap_or(Activation::GeluErf),
        })
    }

    /// The last states of all tokens, tokens × hidden, the texts one below the other.
    pub(super) fn forward(&self, texts: &[Vec<u32>]) -> Array2<f32> {
        let mut states = self.embed(texts);
        for layer in &self.layers {
            states = self.layer(layer, &states, texts);
        }
        states
    }

    fn embed(&self, texts: &[Vec<u32>]) -> Array2<f32> {
        let tokens = texts.iter().map(Vec::len).sum();
        let mut states = Array2::zeros((tokens, self.words.ncols()));
        let placed = texts
            .iter()
            .flat_map(|text| text.iter().zip(self.first_position..));
        for (mut state, (id, position)) in states.rows_mut().into_iter().zip(placed) {
            state += &self.words.row(*id as usize);
            state += &self.positions.row(position);
        }
        self.norm.apply(&mut states);
        states
    }

    fn layer(&self, layer: &Layer, states: &Array2<f32>, texts: &[Vec<u32>]) -> Array2<f32> {
        let projected = layer.attention.forward(states);
        let mut attended = Array2::zeros(states.raw_dim());
        let (mut from, mut to) = (projected.view(), attended.view_mut());
        for text in texts {
            let (own, others) = from.split_at(Axis(0), text.len());
            let (into, rest) = to.split_at(Axis(0), text.len());
            self.attend(own, into);
            (from, to) = (others, rest);
        }
        let mut middle = layer.attention_output.forward(&attended) + states;
        layer.attention_norm.apply(&mut middle);
        let mut inner = layer.intermediate.forward(&middle);
        inner.mapv_inplace(|x| self.activation.apply(x));
        let mut last = layer.output.forward(&inner) + middle;
        layer.output_norm.apply(&mut last);
        last
    }

    /// Writes what each token of one text takes from the others; tokens × 3 hidden into tokens × hidden.
    fn attend(&self, projected: ArrayView2<'_, f32>, mut attended: ArrayViewMut2<'_, f32>) {
        let size = attended.ncols() / self.heads;
        let scale = (size as f32).sqrt().recip();
        let parts: Vec<_> = projected.axis_chunks_iter(Axis(1), size).collect();
        let (queries, others) = parts.split_at(self.heads);
        let (keys, values) = others.split_at(self.heads);
        let heads = queries.iter().zip(keys).zip(values);
        for (((query, key), value), mut into) in
            heads.zip(attended.axis_chunks_iter_mut(Axis(1), size))
        {
            let mut shares = query.dot(&key.t());
            shares *= scale;
            shares.rows_mut().into_iter().for_each(softmax);
            general_mat_mul(1.0, &shares, value, 0.0, &mut into);
        }
    }
}

fn softmax(mut row: ArrayViewMut1<'_, f32>) {
    let most = row.fold(f32::NEG_INFINITY, |most, x| most.max(*x));
    row.mapv_inplace(|x| (x - most).exp());
    row /= row.sum();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_is_that_of_the_tables() {
        let table = [
            (0.0, 0.0),
            (0.1, 0.112_462_92),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
        ];
        for (x, value) in table.into_iter().chain([(2.0, 0.995_322_3), (9.0, 1.0)]) {
            assert!((erf(x) - value).abs() < 3e-7, "{x}");
            assert!((erf(-x) + value).abs() < 3e-7, "-{x}");
        }
    }
}
