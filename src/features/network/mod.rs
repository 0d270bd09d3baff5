//! The network of BERT (Devlin et al. 2019) and XLM-R (Conneau et al. 2020): token ids to token
//! states.
//!
//! The texts of a batch are stacked without padding. Operations on single tokens process all rows
//! at once; attention processes the rows of one text. So texts don't see each other's tokens, no
//! mask is needed, and no time is spent on padding. No sum for a token depends on other texts of
//! the batch, so neither do its bits.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into a loop is compiled for its vector registers"
)]

mod attention;
mod float;
mod linear;
mod machine;

use std::borrow::Cow;

use pulp::NullaryFnOnce;
use rayon::prelude::*;

use attention::Attention;
pub(crate) use float::{Activation, Norm, softmax};
pub(crate) use linear::Linear;
pub(crate) use machine::Machine;

/// Maximum tokens per batch: enough rows to reuse unpacked weights, few enough for intermediate
/// results to stay in the cache.
const BATCH_TOKENS: usize = 384;
/// Minimum tokens per batch if there are more threads than full batches.
const LEAST_TOKENS: usize = 96;

/// The vectors of words and positions, which are summed.
pub(crate) struct Embeddings {
    pub(crate) words: Words,
    /// Positions × hidden, from the position of the first token; the common token type is added.
    pub(crate) positions: Vec<f32>,
    pub(crate) norm: Norm,
}

/// Vocabulary × hidden.
pub(crate) enum Words {
    /// Integers, and one unit (scale) per word.
    Integers(Cow<'static, [i8]>, Vec<f32>),
    #[cfg(feature = "encoder")]
    Floats(Vec<f32>),
}

/// A layer: attention, then a feed-forward part per token.
pub(crate) struct Layer {
    /// Query, key and value side by side, each ordered by head.
    pub(crate) attention: Linear,
    pub(crate) attention_output: Linear,
    pub(crate) attention_norm: Norm,
    pub(crate) inner: Linear,
    pub(crate) output: Linear,
    pub(crate) output_norm: Norm,
}

/// The network with its weights.
pub(crate) struct Network {
    pub(crate) machine: Machine,
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) activation: Activation,
    pub(crate) embeddings: Embeddings,
    pub(crate) layers: Vec<Layer>,
}

/// Buffers for intermediate results, reused by all batches.
#[derive(Default)]
struct Work {
    /// Tokens × hidden.
    states: Vec<f32>,
    /// The states after the lowest layers, if requested.
    general: Vec<f32>,
    /// Tokens × 3 hidden.
    projected: Vec<f32>,
    /// Tokens × hidden.
    attended: Vec<f32>,
    /// Tokens × inner.
    inner: Vec<f32>,
    /// Tokens × hidden.
    added: Vec<f32>,
    heads: attention::Scratch,
    rows: linear::Scratch,
}

/// The token states of a text, tokens × hidden.
pub(crate) struct States<'w> {
    pub(crate) last: &'w [f32],
    /// The states after the requested lowest layers; empty if none were requested.
    pub(crate) general: &'w [f32],
}

impl Network {
    /// Applies `pool` to the states of each text, on all cores: the last states, and the states
    /// after the `general` lowest layers.
    ///
    /// The caller ensures that each text fits the positions and each token is in the vocabulary.
    pub(crate) fn pooled<T: Send>(
        &self,
        texts: &[Vec<u32>],
        general: Option<usize>,
        pool: impl Fn(States) -> T + Sync,
    ) -> Vec<T> {
        let tokens: usize = texts.iter().map(Vec::len).sum();
        let share = tokens.div_ceil(rayon::current_num_threads());
        let batches: Vec<_> = batches(texts, share.clamp(LEAST_TOKENS, BATCH_TOKENS)).collect();
        let pooled = |work: &mut Work, batch: &[Vec<u32>]| -> Vec<T> {
            self.forward(batch, general, work);
            let mut first = 0;
            let texts = batch.iter().map(|text| {
                let own = first..first + text.len() * self.hidden;
                first = own.end;
                pool(States {
                    last: &work.states[own.clone()],
                    general: work.general.get(own).unwrap_or_default(),
                })
            });
            texts.collect()
        };
        let batches = batches.into_par_iter();
        let pooled = batches.map_init(Work::default, pooled);
        pooled.flatten().collect()
    }

    /// Computes the last states of all tokens, and the states after the `general` lowest layers.
    fn forward(&self, texts: &[Vec<u32>], general: Option<usize>, work: &mut Work) {
        let tokens: usize = texts.iter().map(Vec::len).sum();
        work.states.resize(tokens * self.hidden, 0.0);
        work.attended.resize(tokens * self.hidden, 0.0);
        self.machine.run(Embed {
            network: self,
            texts,
            states: &mut work.states,
        });
        work.general.clear();
        for (below, layer) in self.layers.iter().enumerate() {
            if general == Some(below) {
                work.general.extend_from_slice(&work.states);
            }
            self.layer(layer, texts, work);
        }
        if general == Some(self.layers.len()) {
            work.general.extend_from_slice(&work.states);
        }
    }

    fn layer(&self, layer: &Layer, texts: &[Vec<u32>], work: &mut Work) {
        let Work {
            states,
            projected,
            attended,
            inner,
            added,
            heads,
            rows,
            ..
        } = work;
        let machine = self.machine;
        layer.attention.apply(machine, states, rows, projected);
        machine.run(Attention {
            machine,
            texts,
            hidden: self.hidden,
            heads: self.heads,
            projected,
            attended,
            scratch: heads,
        });
        layer.attention_output.apply(machine, attended, rows, added);
        machine.run(AddAndNorm(states, added, &layer.attention_norm));
        layer.inner.apply(machine, states, rows, inner);
        machine.run(Activate(self.activation, inner));
        layer.output.apply(machine, inner, rows, added);
        machine.run(AddAndNorm(states, added, &layer.output_norm));
    }
}

/// Splits texts into batches of at most `most` tokens, or of one longer text.
fn batches(texts: &[Vec<u32>], most: usize) -> impl Iterator<Item = &[Vec<u32>]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut tokens = 0;
        let fits = rest.iter().take_while(|text| {
            tokens += text.len();
            tokens <= most
        });
        let count = fits.count().max(1);
        let (batch, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(batch)
    })
}

/// Computes the initial states of all tokens.
struct Embed<'a> {
    network: &'a Network,
    texts: &'a [Vec<u32>],
    states: &'a mut [f32],
}

impl NullaryFnOnce for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (hidden, own) = (self.network.hidden, &self.network.embeddings);
        let positions = || own.positions.chunks_exact(hidden);
        let placed = self
            .texts
            .iter()
            .flat_map(|text| text.iter().zip(positions()));
        for (state, (id, position)) in self.states.chunks_exact_mut(hidden).zip(placed) {
            let word = *id as usize * hidden..(*id as usize + 1) * hidden;
            match &own.words {
                Words::Integers(words, units) => {
                    let (unit, word) = (units[*id as usize], &words[word]);
                    for ((state, word), position) in state.iter_mut().zip(word).zip(position) {
                        *state = f32::from(*word) * unit + position;
                    }
                }
                #[cfg(feature = "encoder")]
                Words::Floats(words) => {
                    let word = &words[word];
                    for ((state, word), position) in state.iter_mut().zip(word).zip(position) {
                        *state = word + position;
                    }
                }
            }
            own.norm.apply(state);
        }
    }
}

/// states ← norm(states + added), row by row.
struct AddAndNorm<'a>(&'a mut [f32], &'a [f32], &'a Norm);

impl NullaryFnOnce for AddAndNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(states, added, norm) = self;
        let width = norm.weight.len();
        let added = added.chunks_exact(width);
        for (state, added) in states.chunks_exact_mut(width).zip(added) {
            for (x, y) in state.iter_mut().zip(added) {
                *x += y;
            }
            norm.apply(state);
        }
    }
}

struct Activate<'a>(Activation, &'a mut [f32]);

impl NullaryFnOnce for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.apply(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_whole_texts() {
        let texts = [3, 4, 9, 2, 2, 2, 1].map(|tokens| vec![0; tokens]);
        let batches: Vec<_> = batches(&texts, 7).map(<[_]>::len).collect();
        assert_eq!(batches, [2, 1, 4]);
    }
}
