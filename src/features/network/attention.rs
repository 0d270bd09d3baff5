//! Multi-head attention: each token of a text combines the values of all tokens.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into a loop is compiled for its vector registers"
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256;

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::{cast, x86::V3};

use super::float::softmax;
use super::machine::Machine;

/// Columns per tile.
const COLUMNS: usize = 16;
/// Rows per tile.
const ROWS: usize = 4;

/// Input and output rows of all texts of a batch.
pub(super) struct Attention<'a> {
    pub(super) machine: Machine,
    pub(super) texts: &'a [Vec<u32>],
    pub(super) hidden: usize,
    pub(super) heads: usize,
    /// Tokens × 3 hidden: query, key and value, each head by head.
    pub(super) projected: &'a [f32],
    /// Tokens × hidden.
    pub(super) attended: &'a mut [f32],
    pub(super) scratch: &'a mut Scratch,
}

/// The matrices of one head, padded to whole tiles.
#[derive(Default)]
pub(super) struct Scratch {
    tokens: usize,
    /// Length of a query, key or value.
    size: usize,
    /// `size` (here) and `tokens` (`columns`) rounded up to whole tiles.
    width: usize,
    columns: usize,
    /// Tokens × size.
    queries: Vec<f32>,
    /// Size × tokens.
    keys: Vec<f32>,
    /// Tokens × size.
    values: Vec<f32>,
    /// Tokens × tokens.
    shares: Vec<f32>,
    /// Tokens × size.
    taken: Vec<f32>,
}

impl NullaryFnOnce for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (mut from, mut to) = (self.projected, self.attended);
        for text in self.texts {
            let (projected, others) = from.split_at(text.len() * self.hidden * 3);
            let (attended, rest) = to.split_at_mut(text.len() * self.hidden);
            (from, to) = (others, rest);
            self.scratch.reset(text.len(), self.hidden / self.heads);
            for head in 0..self.heads {
                let place = Place {
                    hidden: self.hidden,
                    head,
                };
                self.scratch.read(place, projected);
                self.scratch.attend(self.machine);
                self.scratch.write(place, attended);
            }
        }
    }
}

/// Position of a head in a row.
#[derive(Clone, Copy)]
struct Place {
    hidden: usize,
    head: usize,
}

impl Scratch {
    /// Resizes the matrices for `tokens` tokens and heads of `size` numbers.
    #[inline(always)]
    fn reset(&mut self, tokens: usize, size: usize) {
        (self.tokens, self.size) = (tokens, size);
        self.width = size.next_multiple_of(COLUMNS);
        self.columns = tokens.next_multiple_of(COLUMNS);
        let rows = tokens.next_multiple_of(ROWS);
        for (numbers, count) in [
            (&mut self.queries, rows * size),
            (&mut self.keys, size * self.columns),
            (&mut self.values, tokens * self.width),
            (&mut self.shares, rows * self.columns),
            (&mut self.taken, rows * self.width),
        ] {
            numbers.clear();
            numbers.resize(count, 0.0);
        }
    }

    /// Copies query, key and value of a head into contiguous matrices for the products.
    #[inline(always)]
    fn read(&mut self, place: Place, projected: &[f32]) {
        let (size, columns) = (self.size, self.columns);
        let scale = 1.0 / (size as f32).sqrt();
        let tokens = projected.chunks_exact(3 * place.hidden);
        let queries = self.queries.chunks_exact_mut(size);
        let values = self.values.chunks_exact_mut(self.width);
        for (token, ((row, query), value)) in tokens.zip(queries).zip(values).enumerate() {
            let part = |part: usize| &row[part * place.hidden + place.head * size..][..size];
            for (to, from) in query.iter_mut().zip(part(0)) {
                *to = from * scale;
            }
            let keys = self.keys.chunks_exact_mut(columns);
            for (to, from) in keys.zip(part(1)) {
                to[token] = *from;
            }
            value[..size].copy_from_slice(part(2));
        }
    }

    /// Computes the weighted sum of all values for each token.
    #[inline(always)]
    fn attend(&mut self, machine: Machine) {
        let (tokens, columns) = (self.tokens, self.columns);
        let (queries, keys) = ((&*self.queries, self.size), (&*self.keys, columns));
        multiply(machine, queries, keys, &mut self.shares);
        for shares in self.shares.chunks_exact_mut(columns).take(tokens) {
            softmax(&mut shares[..tokens]);
        }
        let (shares, values) = ((&*self.shares, columns), (&*self.values, self.width));
        multiply(machine, shares, values, &mut self.taken);
    }

    #[inline(always)]
    fn write(&self, place: Place, attended: &mut [f32]) {
        let rows = attended.chunks_exact_mut(place.hidden);
        for (row, taken) in rows.zip(self.taken.chunks_exact(self.width)) {
            let own = &mut row[place.head * self.size..][..self.size];
            own.copy_from_slice(&taken[..self.size]);
        }
    }
}

/// `product` ← `a` × `b`; `a` has `width` columns, `b` has `columns`. Each sum follows the order of
/// the rows of `b`; excess columns of `a` are ignored.
#[inline(always)]
fn multiply(
    machine: Machine,
    (a, width): (&[f32], usize),
    (b, columns): (&[f32], usize),
    product: &mut [f32],
) {
    let blocks = a.chunks_exact(ROWS * width);
    for (a, product) in blocks.zip(product.chunks_exact_mut(ROWS * columns)) {
        let a: [&[f32]; ROWS] = std::array::from_fn(|row| &a[row * width..][..width]);
        for first in (0..columns).step_by(COLUMNS) {
            let b = b.chunks_exact(columns).map(|b| &b[first..first + COLUMNS]);
            let tile = match machine {
                #[cfg(target_arch = "x86_64")]
                Machine::Avx2(simd) => avx2_tile(simd, a, b),
                Machine::Portable => tile(a, b),
            };
            for (sums, product) in tile.iter().zip(product.chunks_exact_mut(columns)) {
                product[first..first + COLUMNS].copy_from_slice(sums);
            }
        }
    }
}

type Tile = [[f32; COLUMNS]; ROWS];

#[inline(always)]
fn tile<'b>(a: [&[f32]; ROWS], b: impl Iterator<Item = &'b [f32]>) -> Tile {
    let mut tile = [[0.0; COLUMNS]; ROWS];
    for (i, b) in b.enumerate() {
        for (sums, a) in tile.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += a[i] * b;
            }
        }
    }
    tile
}

/// Same as [`tile`], without fused multiply-add: the product is rounded before the addition.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2_tile<'b>(simd: V3, a: [&[f32]; ROWS], b: impl Iterator<Item = &'b [f32]>) -> Tile {
    let avx = simd.avx;
    let mut sums = [[avx._mm256_setzero_ps(); 2]; ROWS];
    for (i, b) in b.enumerate() {
        let mut numbers = [0.0_f32; COLUMNS];
        numbers.copy_from_slice(b);
        let b: [__m256; 2] = cast(numbers);
        for (sums, a) in sums.iter_mut().zip(a) {
            let a = avx._mm256_set1_ps(a[i]);
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = avx._mm256_add_ps(*sum, avx._mm256_mul_ps(a, b));
            }
        }
    }
    cast(sums)
}
