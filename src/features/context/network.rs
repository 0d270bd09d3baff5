//! The network of BERT (Devlin et al. 2019): token ids to token states.
//!
//! The windows of a batch lie one below the other, without padding: whatever works on single tokens
//! takes all rows at once, attention takes the rows of one window. Nothing a token is given depends
//! on the windows beside its own.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a loop is not compiled for its registers"
)]

use std::borrow::Cow;

use pulp::NullaryFnOnce;

use super::attention::{Attention, Scratch};
use super::float::{Norm, gelu};
use super::machine::Machine;
use super::matrix::{Linear, Quantised, Sums};

/// The vectors of tokens and of positions, which are added up.
pub(super) struct Embeddings {
    /// Vocabulary × hidden.
    pub(super) words: Cow<'static, [i8]>,
    /// What an integer of each word stands for.
    pub(super) units: Vec<f32>,
    /// Positions × hidden.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
}

/// A layer: attention, then each token by itself.
pub(super) struct Layer {
    /// Query, key and value one below the other, each head by head.
    pub(super) attention: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) inner: Linear,
    pub(super) output: Linear,
    pub(super) output_norm: Norm,
}

/// The network with its weights.
pub(super) struct Network {
    pub(super) machine: Machine,
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) embeddings: Embeddings,
    pub(super) layers: Vec<Layer>,
}

/// What lies between the steps; kept from batch to batch.
#[derive(Default)]
pub(super) struct Work {
    /// Tokens × hidden.
    states: Vec<f32>,
    /// The states behind the general layers, if they are asked for.
    general: Vec<f32>,
    quantised: Quantised,
    sums: Sums,
    /// Tokens × 3 hidden.
    projected: Vec<f32>,
    /// Tokens × hidden.
    attended: Vec<f32>,
    scratch: Scratch,
    /// The numbers of one token.
    row: Vec<f32>,
}

/// The states of all tokens, tokens × hidden, the windows one below the other.
pub(super) struct States<'w> {
    pub(super) last: &'w [f32],
    /// Those behind the lowest layers that were asked for; else nothing.
    pub(super) general: &'w [f32],
}

impl Network {
    /// The states of the windows' tokens: the last, and those behind the `general` lowest layers.
    pub(super) fn forward<'w>(
        &self,
        windows: &[&[u32]],
        general: Option<usize>,
        work: &'w mut Work,
    ) -> States<'w> {
        let tokens: usize = windows.iter().map(|window| window.len()).sum();
        work.states.resize(tokens * self.hidden, 0.0);
        work.attended.resize(tokens * self.hidden, 0.0);
        work.projected.resize(tokens * self.hidden * 3, 0.0);
        self.machine.run(Embed {
            network: self,
            windows,
            states: &mut work.states,
        });
        work.general.clear();
        for (below, layer) in self.layers.iter().enumerate() {
            if general == Some(below) {
                work.general.extend_from_slice(&work.states);
            }
            self.attend(layer, windows, work);
            self.add(
                &layer.attention_output,
                &layer.attention_norm,
                Source::Attended,
                work,
            );
            self.widen(layer, work);
            self.add(&layer.output, &layer.output_norm, Source::Quantised, work);
        }
        if general == Some(self.layers.len()) {
            work.general.extend_from_slice(&work.states);
        }
        States {
            last: &work.states,
            general: &work.general,
        }
    }

    fn attend(&self, layer: &Layer, windows: &[&[u32]], work: &mut Work) {
        self.machine.run(QuantiseRows {
            rows: &work.states,
            width: self.hidden,
            quantised: &mut work.quantised,
        });
        layer
            .attention
            .product(self.machine, &work.quantised, &mut work.sums);
        self.machine.run(Finish {
            layer: &layer.attention,
            units: &work.quantised.units,
            sums: &work.sums,
            values: &mut work.projected,
        });
        let (mut from, mut to) = (&work.projected[..], &mut work.attended[..]);
        for window in windows {
            let (projected, others) = from.split_at(window.len() * self.hidden * 3);
            let (attended, rest) = to.split_at_mut(window.len() * self.hidden);
            self.machine.run(Attention {
                machine: self.machine,
                projected,
                attended,
                hidden: self.hidden,
                heads: self.heads,
                scratch: &mut work.scratch,
            });
            (from, to) = (others, rest);
        }
    }

    /// states ← norm(states + layer(source)).
    fn add(&self, layer: &Linear, norm: &Norm, source: Source, work: &mut Work) {
        if let Source::Attended = source {
            self.machine.run(QuantiseRows {
                rows: &work.attended,
                width: self.hidden,
                quantised: &mut work.quantised,
            });
        }
        layer.product(self.machine, &work.quantised, &mut work.sums);
        self.machine.run(AddAndNorm {
            layer,
            norm,
            units: &work.quantised.units,
            sums: &work.sums,
            row: &mut work.row,
            states: &mut work.states,
        });
    }

    /// Leaves gelu(inner(states)) in the quantised rows.
    fn widen(&self, layer: &Layer, work: &mut Work) {
        self.machine.run(QuantiseRows {
            rows: &work.states,
            width: self.hidden,
            quantised: &mut work.quantised,
        });
        layer
            .inner
            .product(self.machine, &work.quantised, &mut work.sums);
        self.machine.run(Activate {
            layer: &layer.inner,
            sums: &work.sums,
            row: &mut work.row,
            quantised: &mut work.quantised,
        });
    }
}

/// Where the input of a linear layer is.
#[derive(Clone, Copy)]
enum Source {
    Attended,
    Quantised,
}

struct Embed<'a> {
    network: &'a Network,
    windows: &'a [&'a [u32]],
    states: &'a mut [f32],
}

impl NullaryFnOnce for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (hidden, own) = (self.network.hidden, &self.network.embeddings);
        let placed = self
            .windows
            .iter()
            .flat_map(|window| window.iter().zip(own.positions.chunks_exact(hidden)));
        for (state, (id, position)) in self.states.chunks_exact_mut(hidden).zip(placed) {
            let id = *id as usize;
            let (word, unit) = (&own.words[id * hidden..][..hidden], own.units[id]);
            for ((state, word), position) in state.iter_mut().zip(word).zip(position) {
                *state = f32::from(*word) * unit + position;
            }
            own.norm.apply(state);
        }
    }
}

struct QuantiseRows<'a> {
    rows: &'a [f32],
    width: usize,
    quantised: &'a mut Quantised,
}

impl NullaryFnOnce for QuantiseRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.quantised
            .reset(self.rows.len() / self.width, self.width);
        for (i, row) in self.rows.chunks_exact(self.width).enumerate() {
            self.quantised.set(i, row);
        }
    }
}

struct Finish<'a> {
    layer: &'a Linear,
    units: &'a [f32],
    sums: &'a Sums,
    values: &'a mut [f32],
}

impl NullaryFnOnce for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let rows = self.values.chunks_exact_mut(self.layer.outputs());
        for (i, (values, unit)) in rows.zip(self.units).enumerate() {
            self.layer.finish(self.sums.row(i), *unit, values);
        }
    }
}

struct AddAndNorm<'a> {
    layer: &'a Linear,
    norm: &'a Norm,
    units: &'a [f32],
    sums: &'a Sums,
    row: &'a mut Vec<f32>,
    states: &'a mut [f32],
}

impl NullaryFnOnce for AddAndNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.row.resize(self.layer.outputs(), 0.0);
        let states = self.states.chunks_exact_mut(self.layer.outputs());
        for (i, (state, unit)) in states.zip(self.units).enumerate() {
            self.layer.finish(self.sums.row(i), *unit, self.row);
            for (state, x) in state.iter_mut().zip(&*self.row) {
                *state += x;
            }
            self.norm.apply(state);
        }
    }
}

struct Activate<'a> {
    layer: &'a Linear,
    sums: &'a Sums,
    row: &'a mut Vec<f32>,
    quantised: &'a mut Quantised,
}

impl NullaryFnOnce for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let units = self.quantised.units.clone();
        self.row.resize(self.layer.outputs(), 0.0);
        self.quantised.reset(units.len(), self.layer.outputs());
        for (i, unit) in units.into_iter().enumerate() {
            self.layer.finish(self.sums.row(i), unit, self.row);
            for x in self.row.iter_mut() {
                *x = gelu(*x);
            }
            self.quantised.set(i, self.row);
        }
    }
}
