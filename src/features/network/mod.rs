//! The network of BERT (Devlin et al. 2019) and XLM-R (Conneau et al. 2020): token ids to token
//! states.
//!
//! The texts of a batch lie one below the other, without padding: whatever works on single tokens
//! takes all rows at once, attention takes the rows of one text. So a text meets no other's tokens,
//! there is no mask, and no time goes into padding. Nothing that is summed for a token depends on
//! the other texts of a batch, so its bits don't either.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a loop is not compiled for its registers"
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

/// Most tokens of a batch: enough rows for unpacked weights to serve many of them, few enough for
/// what comes between to stay in the cache.
const BATCH_TOKENS: usize = 384;
/// Fewest tokens of a batch, where there are more threads than such batches.
const LEAST_TOKENS: usize = 96;

/// The vectors of words and of positions, which are added up.
pub(crate) struct Embeddings {
    pub(crate) words: Words,
    /// Positions × hidden, from that of the first token, with the type that all tokens have.
    pub(crate) positions: Vec<f32>,
    pub(crate) norm: Norm,
}

/// Vocabulary × hidden.
pub(crate) enum Words {
    /// Integers, of each word in units of its own.
    Integers(Cow<'static, [i8]>, Vec<f32>),
    #[cfg(feature = "encoder")]
    Floats(Vec<f32>),
}

/// A layer: attention, then each token by itself.
pub(crate) struct Layer {
    /// Query, key and value side by side, each head by head.
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

/// What lies between the steps; kept from batch to batch.
#[derive(Default)]
struct Work {
    /// Tokens × hidden.
    states: Vec<f32>,
    /// The states behind the lowest layers, if they are asked for.
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

/// The states of the tokens of a text, tokens × hidden.
pub(crate) struct States<'w> {
    pub(crate) last: &'w [f32],
    /// Those behind the lowest layers that were asked for; else nothing.
    pub(crate) general: &'w [f32],
}

impl Network {
    /// What `pool` makes of the states of each text, the last and those behind the `general` lowest
    /// layers, on all cores.
    ///
    /// No text has more tokens than there are positions, and no token is beyond the vocabulary.
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

    /// Leaves the last states of all tokens, and those behind the `general` lowest layers.
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

/// Cuts texts into runs of at most `most` tokens, or of one text.
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

/// Writes the first states of all tokens.
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
