//! Attention: what each token of a window takes from the others, head by head.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a loop is not compiled for its registers"
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256;

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::{cast, x86::V3};

use super::float::softmax;
use super::machine::Machine;

/// Columns that are computed at once.
const COLUMNS: usize = 16;
/// Rows that are computed at once.
const ROWS: usize = 4;

/// The rows of one window of text, and where what they attend to is put.
pub(super) struct Attention<'a> {
    pub(super) machine: Machine,
    /// Tokens × 3 hidden: query, key and value, each head by head.
    pub(super) projected: &'a [f32],
    /// Tokens × hidden.
    pub(super) attended: &'a mut [f32],
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) scratch: &'a mut Scratch,
}

/// The matrices of one head, filled up to whole blocks.
#[derive(Default)]
pub(super) struct Scratch {
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
    fn call(mut self) {
        let tokens = self.attended.len() / self.hidden;
        let size = self.hidden / self.heads;
        let (rows, columns) = (
            tokens.next_multiple_of(ROWS),
            tokens.next_multiple_of(COLUMNS),
        );
        let width = size.next_multiple_of(COLUMNS);
        let Scratch {
            queries,
            keys,
            values,
            shares,
            taken,
        } = &mut *self.scratch;
        for (numbers, count) in [
            (&mut *queries, rows * size),
            (&mut *keys, size * columns),
            (&mut *values, tokens * width),
            (&mut *shares, rows * columns),
            (&mut *taken, rows * width),
        ] {
            numbers.clear();
            numbers.resize(count, 0.0);
        }
        for head in 0..self.heads {
            self.take_out(head);
            let (machine, scratch) = (self.machine, &mut *self.scratch);
            let (queries, keys) = (&scratch.queries[..], &scratch.keys[..]);
            multiply(
                machine,
                (queries, size),
                (keys, columns),
                &mut scratch.shares,
            );
            for shares in scratch.shares.chunks_exact_mut(columns).take(tokens) {
                softmax(&mut shares[..tokens]);
                shares[tokens..].fill(0.0);
            }
            // Of the shares only those of tokens are read: as many as there are values.
            let (shares, values) = (&scratch.shares[..], &scratch.values[..]);
            multiply(
                machine,
                (shares, columns),
                (values, width),
                &mut scratch.taken,
            );
            let taken = scratch.taken.chunks_exact(width);
            let places = self.attended.chunks_exact_mut(self.hidden);
            for (place, taken) in places.zip(taken) {
                place[head * size..][..size].copy_from_slice(&taken[..size]);
            }
        }
    }
}

impl Attention<'_> {
    /// Copies query, key and value of one head to where products read them in order.
    #[inline(always)]
    fn take_out(&mut self, head: usize) {
        let size = self.hidden / self.heads;
        let scale = 1.0 / (size as f32).sqrt();
        let scratch = &mut *self.scratch;
        let width = size.next_multiple_of(COLUMNS);
        let columns = scratch.keys.len() / size;
        let tokens = self.projected.chunks_exact(3 * self.hidden);
        let queries = scratch.queries.chunks_exact_mut(size);
        let values = scratch.values.chunks_exact_mut(width);
        for (token, ((projected, query), value)) in tokens.zip(queries).zip(values).enumerate() {
            let part = |part: usize| &projected[part * self.hidden + head * size..][..size];
            for (to, from) in query.iter_mut().zip(part(0)) {
                *to = from * scale;
            }
            for (row, from) in part(1).iter().enumerate() {
                scratch.keys[row * columns + token] = *from;
            }
            value[..size].copy_from_slice(part(2));
        }
    }
}

/// `product` ← `a` × `b`, of which `a` has `width` columns and `b` `columns`. Each sum is taken in
/// the order of `b`'s rows; columns of `a` beyond them have no part.
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

/// As [`tile`]: the product is rounded before it is added.
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
