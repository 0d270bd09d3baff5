//! Products of matrices in integers: weights of 8 bits, activations of up to 16, exact sums.
//!
//! AVX2 has one instruction that multiplies pairs of 16-bit numbers and adds the two products
//! (`vpmaddwd`). It takes twice the multiplications of single precision at once, and as activations
//! keep 14 to 16 bits, vectors differ from those of single precision in the sixth digit only; with
//! activations of 8 bits in the third. Integer sums have no rounding, so any order gives the same.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a loop is not compiled for its registers"
)]

use std::borrow::Cow;

use pulp::NullaryFnOnce;

use super::float::quantise;
use super::machine::Machine;

/// Two neighbouring inputs.
type Pair = [i16; 2];
/// Outputs that are computed at once.
const COLUMNS: usize = 16;
/// Rows that are computed at once.
const ROWS: usize = 4;
/// For each pair of inputs the weights of [`COLUMNS`] outputs.
type Panel = [[Pair; COLUMNS]];
type Tile = [[i32; COLUMNS]; ROWS];

/// Rows of activations, each in integers with a unit of its own.
#[derive(Default)]
pub(super) struct Quantised {
    pairs: Vec<Pair>,
    /// Pairs of a row.
    width: usize,
    /// What an integer of each row stands for.
    pub(super) units: Vec<f32>,
}

impl Quantised {
    /// Makes room for `rows` rows of `inputs` numbers, all of which are to be set.
    pub(super) fn reset(&mut self, rows: usize, inputs: usize) {
        self.width = inputs.div_ceil(2);
        self.pairs
            .resize(rows.next_multiple_of(ROWS) * self.width, [0; 2]);
        self.pairs[rows * self.width..].fill([0; 2]);
        self.units.resize(rows, 0.0);
    }

    /// Writes a row.
    #[inline(always)]
    pub(super) fn set(&mut self, row: usize, values: &[f32]) {
        let pairs = &mut self.pairs[row * self.width..][..self.width];
        if let Some(last) = pairs.last_mut() {
            last[1] = 0;
        }
        self.units[row] = quantise(values, limit(values.len()), pairs.as_flattened_mut());
    }
}

/// The largest activation of which no sum over `inputs` products with weights of 8 bits overflows.
fn limit(inputs: usize) -> i16 {
    let most = i32::MAX as usize / (128 * inputs.max(1));
    i16::try_from(most).unwrap_or(i16::MAX)
}

/// A linear layer: weights outputs × inputs, of each output in units of its own.
pub(super) struct Linear {
    weights: Cow<'static, [i8]>,
    inputs: usize,
    units: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// A layer of as many outputs as there are units and biases; `weights` has `inputs` for each.
    pub(super) fn new(
        weights: Cow<'static, [i8]>,
        inputs: usize,
        units: Vec<f32>,
        bias: Vec<f32>,
    ) -> Self {
        Self {
            weights,
            inputs,
            units,
            bias,
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.units.len()
    }

    /// The sums of products of all rows.
    pub(super) fn product(&self, machine: Machine, rows: &Quantised, sums: &mut Sums) {
        sums.width = self.outputs().next_multiple_of(COLUMNS);
        let tiles = rows.pairs.len() / rows.width.max(1);
        sums.values.resize(tiles * sums.width, 0);
        sums.panel.resize(rows.width, [[0; 2]; COLUMNS]);
        machine.run(Product {
            machine,
            layer: self,
            rows,
            sums,
        });
    }

    /// Gives the numbers that the sums of one row stand for to `put`, with their places.
    #[inline(always)]
    pub(super) fn finish(&self, sums: &[i32], unit: f32, values: &mut [f32]) {
        let parameters = self.units.iter().zip(&self.bias);
        for ((value, sum), (own, bias)) in values.iter_mut().zip(sums).zip(parameters) {
            *value = *sum as f32 * (unit * own) + bias;
        }
    }

    /// The weights of [`COLUMNS`] outputs from `first`, 0 where there are none.
    #[inline(always)]
    fn pack(&self, first: usize, panel: &mut Panel) {
        panel.as_flattened_mut().fill([0; 2]);
        let outputs = self.weights.chunks_exact(self.inputs).skip(first);
        for (column, weights) in outputs.take(COLUMNS).enumerate() {
            for (pairs, pair) in panel.iter_mut().zip(weights.chunks(2)) {
                pairs[column] = [pair[0], pair.get(1).copied().unwrap_or(0)].map(i16::from);
            }
        }
    }
}

/// Sums of products, rows × outputs, both rounded up.
#[derive(Default)]
pub(super) struct Sums {
    values: Vec<i32>,
    width: usize,
    panel: Vec<[Pair; COLUMNS]>,
}

impl Sums {
    pub(super) fn row(&self, row: usize) -> &[i32] {
        &self.values[row * self.width..][..self.width]
    }
}

struct Product<'a> {
    machine: Machine,
    layer: &'a Linear,
    rows: &'a Quantised,
    sums: &'a mut Sums,
}

impl NullaryFnOnce for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (width, sums) = (self.sums.width, &mut self.sums.values);
        let panel = &mut self.sums.panel;
        for first in (0..width).step_by(COLUMNS) {
            match self.machine {
                #[cfg(target_arch = "x86_64")]
                Machine::Avx2(simd) if avx2::packs(self.layer, first) => {
                    avx2::pack(simd, self.layer, first, panel);
                }
                _ => self.layer.pack(first, panel),
            }
            let blocks = self.rows.pairs.chunks_exact(ROWS * self.rows.width);
            for (block, sums) in blocks.zip(sums.chunks_exact_mut(ROWS * width)) {
                let tile = match self.machine {
                    #[cfg(target_arch = "x86_64")]
                    Machine::Avx2(simd) => avx2::tile(simd, block, panel),
                    Machine::Portable => tile(block, panel),
                };
                for (sums, tile) in sums.chunks_exact_mut(width).zip(tile) {
                    sums[first..first + COLUMNS].copy_from_slice(&tile);
                }
            }
        }
    }
}

/// The sums of [`ROWS`] rows.
#[inline(always)]
fn tile(rows: &[Pair], panel: &Panel) -> Tile {
    let mut tile = [[0; COLUMNS]; ROWS];
    for (row, sums) in rows.chunks_exact(panel.len()).zip(&mut tile) {
        for ([a, b], weights) in row.iter().zip(panel) {
            for (sum, [v, w]) in sums.iter_mut().zip(weights) {
                *sum += i32::from(*a) * i32::from(*v) + i32::from(*b) * i32::from(*w);
            }
        }
    }
    tile
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{COLUMNS, Linear, Pair, Panel, ROWS, Tile};

    /// Inputs that are packed at once.
    const INPUTS: usize = 16;
    /// Outputs that are packed at once.
    const OUTPUTS: usize = 8;

    /// As [`tile`](super::tile).
    #[inline(always)]
    pub(super) fn tile(simd: V3, rows: &[Pair], panel: &Panel) -> Tile {
        let width = panel.len();
        let rows: [&[Pair]; ROWS] = std::array::from_fn(|row| &rows[row * width..][..width]);
        let mut sums = [[simd.avx._mm256_setzero_si256(); 2]; ROWS];
        for (i, weights) in panel.iter().enumerate() {
            let weights: [__m256i; 2] = cast(*weights);
            for (sums, row) in sums.iter_mut().zip(rows) {
                let pair = simd.avx._mm256_set1_epi32(cast(row[i]));
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    let products = simd.avx2._mm256_madd_epi16(pair, weights);
                    *sum = simd.avx2._mm256_add_epi32(*sum, products);
                }
            }
        }
        cast(sums)
    }

    /// Whether the outputs from `first` can be packed without a rest.
    pub(super) fn packs(layer: &Linear, first: usize) -> bool {
        first + COLUMNS <= layer.outputs() && layer.inputs.is_multiple_of(INPUTS)
    }

    /// As [`Linear::pack`].
    #[inline(always)]
    pub(super) fn pack(simd: V3, layer: &Linear, first: usize, panel: &mut Panel) {
        let (blocks, _) = panel.as_chunks_mut::<{ INPUTS / 2 }>();
        for (i, block) in blocks.iter_mut().enumerate() {
            for half in 0..COLUMNS / OUTPUTS {
                let rows = std::array::from_fn(|output| {
                    let start = (first + half * OUTPUTS + output) * layer.inputs + i * INPUTS;
                    let mut weights = [0; INPUTS];
                    weights.copy_from_slice(&layer.weights[start..start + INPUTS]);
                    simd.avx2._mm256_cvtepi8_epi16(cast(weights))
                });
                for (pairs, column) in block.iter_mut().zip(transpose(simd, rows)) {
                    let column: [Pair; OUTPUTS] = cast(column);
                    pairs[half * OUTPUTS..][..OUTPUTS].copy_from_slice(&column);
                }
            }
        }
    }

    /// Transposes 8 × 8 numbers of 32 bits.
    #[inline(always)]
    #[expect(clippy::many_single_char_names, reason = "registers")]
    fn transpose(simd: V3, rows: [__m256i; 8]) -> [__m256i; 8] {
        let avx2 = simd.avx2;
        let [a, b, c, d] = std::array::from_fn(|i| {
            let (x, y) = (rows[2 * i], rows[2 * i + 1]);
            [
                avx2._mm256_unpacklo_epi32(x, y),
                avx2._mm256_unpackhi_epi32(x, y),
            ]
        });
        let fours = |x: [__m256i; 2], y: [__m256i; 2]| {
            [
                avx2._mm256_unpacklo_epi64(x[0], y[0]),
                avx2._mm256_unpackhi_epi64(x[0], y[0]),
                avx2._mm256_unpacklo_epi64(x[1], y[1]),
                avx2._mm256_unpackhi_epi64(x[1], y[1]),
            ]
        };
        let (upper, lower) = (fours(a, b), fours(c, d));
        std::array::from_fn(|i| {
            let (x, y) = (upper[i % 4], lower[i % 4]);
            if i < 4 {
                avx2._mm256_permute2x128_si256::<0x20>(x, y)
            } else {
                avx2._mm256_permute2x128_si256::<0x31>(x, y)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of any size in ±127, the same each time.
    fn weights(count: usize) -> Vec<i8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as i8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    fn sums(machine: Machine, rows: usize, inputs: usize, outputs: usize) -> (Vec<i32>, Vec<i32>) {
        let (units, bias) = (vec![1.0; outputs], vec![0.0; outputs]);
        let weights = weights(outputs * inputs);
        let layer = Linear::new(weights.into(), inputs, units, bias);
        let mut quantised = Quantised::default();
        quantised.reset(rows, inputs);
        for row in 0..rows {
            let values: Vec<f32> = (0..inputs)
                .map(|i| ((i * (row + 3)) as f32).sin())
                .collect();
            quantised.set(row, &values);
        }
        let mut sums = Sums::default();
        layer.product(machine, &quantised, &mut sums);
        let ours = (0..rows).flat_map(|row| sums.row(row)[..outputs].to_vec());
        let by_hand = (0..rows * outputs).map(|i| {
            let (row, output) = (i / outputs, i % outputs);
            let row = &quantised.pairs[row * quantised.width..][..quantised.width];
            let own = &layer.weights[output * inputs..][..inputs];
            let products = row.as_flattened().iter().zip(own);
            products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
        });
        (ours.collect(), by_hand.collect())
    }

    #[test]
    fn sums_are_exact_on_every_machine() {
        let shapes = [
            (1, 1, 1),
            (5, 33, 17),
            (4, 32, 16),
            (7, 64, 40),
            (3, 1536, 20),
        ];
        for (rows, inputs, outputs) in shapes {
            for machine in [Machine::detect(), Machine::Portable] {
                let (ours, by_hand) = sums(machine, rows, inputs, outputs);
                assert_eq!(ours, by_hand, "{rows} × {inputs} × {outputs}, {machine:?}");
            }
        }
    }

    #[test]
    fn the_largest_sum_fits() {
        for inputs in [1, 384, 512, 513, 1536, 4096] {
            let most = i64::from(limit(inputs)) * 128 * i64::try_from(inputs).unwrap();
            assert!(most <= i64::from(i32::MAX));
        }
        assert_eq!((limit(384), limit(1536)), (32767, 10922));
    }
}
