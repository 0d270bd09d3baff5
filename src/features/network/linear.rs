//! Linear layers: 8-bit weights use integer arithmetic, single-precision weights use floats.
//!
//! AVX2 has an instruction (`vpmaddwd`) that multiplies pairs of 16-bit numbers and adds the two
//! products: twice as many multiplications as in single precision. Activations keep 14 to 16 bits,
//! so that vectors agree with single precision to the fifth digit; 8-bit activations agree to the
//! third. Integer sums don't round, so any order gives the same result.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into a loop is compiled for its vector registers"
)]

use std::borrow::Cow;

use pulp::NullaryFnOnce;

use super::float::quantise;
use super::machine::Machine;

/// Two neighbouring inputs.
type Pair = [i16; 2];
/// Outputs per tile.
const COLUMNS: usize = 16;
/// Rows per tile.
const ROWS: usize = 4;
/// The weights of [`COLUMNS`] outputs for each pair of inputs.
type Panel = [[Pair; COLUMNS]];
type Tile = [[i32; COLUMNS]; ROWS];

/// A linear layer: weights × inputs + bias.
pub(crate) struct Linear {
    weights: Weights,
    bias: Vec<f32>,
}

enum Weights {
    Integers(Integers),
    /// Inputs × outputs.
    #[cfg(feature = "encoder")]
    Floats(ndarray::Array2<f32>),
}

/// Outputs × inputs, with one unit (scale) per output.
struct Integers {
    weights: Cow<'static, [i8]>,
    inputs: usize,
    units: Vec<f32>,
}

/// Buffers for intermediate results, reused by all layers.
#[derive(Default)]
pub(super) struct Scratch {
    rows: Quantised,
    panel: Vec<[Pair; COLUMNS]>,
}

/// Rows of activations as integers, with one unit (scale) per row.
#[derive(Default)]
struct Quantised {
    /// Rows, padded with zero rows to a multiple of [`ROWS`].
    pairs: Vec<Pair>,
    /// Pairs per row.
    width: usize,
    units: Vec<f32>,
}

impl Linear {
    /// A layer with `inputs` weights per output, and one unit and one bias per output.
    pub(crate) fn integers(
        weights: Cow<'static, [i8]>,
        inputs: usize,
        units: Vec<f32>,
        bias: Vec<f32>,
    ) -> Self {
        let weights = Weights::Integers(Integers {
            weights,
            inputs,
            units,
        });
        Self { weights, bias }
    }

    /// A layer in single precision; `weights` are inputs × outputs.
    #[cfg(feature = "encoder")]
    pub(crate) fn floats(weights: ndarray::Array2<f32>, bias: Vec<f32>) -> Self {
        let weights = Weights::Floats(weights);
        Self { weights, bias }
    }

    /// Computes rows × outputs from rows × inputs.
    pub(super) fn apply(
        &self,
        machine: Machine,
        rows: &[f32],
        scratch: &mut Scratch,
        outputs: &mut Vec<f32>,
    ) {
        match &self.weights {
            Weights::Integers(weights) => {
                outputs.resize(rows.len() / weights.inputs * self.bias.len(), 0.0);
                machine.run(Product {
                    machine,
                    weights,
                    bias: &self.bias,
                    rows,
                    scratch,
                    outputs,
                });
            }
            #[cfg(feature = "encoder")]
            Weights::Floats(weights) => multiply(rows, weights, &self.bias, outputs),
        }
    }
}

/// `outputs` ← `rows` × `weights` + `bias`.
#[cfg(feature = "encoder")]
fn multiply(rows: &[f32], weights: &ndarray::Array2<f32>, bias: &[f32], outputs: &mut Vec<f32>) {
    use ndarray::linalg::general_mat_mul;
    use ndarray::{ArrayView2, ArrayViewMut2};

    let (width, count) = weights.dim();
    let shape = (rows.len() / width.max(1), count);
    outputs.clear();
    outputs.extend((0..shape.0).flat_map(|_| bias));
    let (Ok(rows), Ok(mut sums)) = (
        ArrayView2::from_shape((shape.0, width), rows),
        ArrayViewMut2::from_shape(shape, outputs),
    ) else {
        return;
    };
    general_mat_mul(1.0, &rows, weights, 1.0, &mut sums);
}

impl Quantised {
    #[inline(always)]
    fn set(&mut self, rows: &[f32], inputs: usize) {
        let count = rows.len() / inputs;
        self.width = inputs.div_ceil(2);
        let whole = count.next_multiple_of(ROWS) * self.width;
        self.pairs.resize(whole, [0; 2]);
        self.pairs[count * self.width..].fill([0; 2]);
        self.units.resize(count, 0.0);
        let limit = limit(inputs);
        let places = self.pairs.chunks_exact_mut(self.width);
        let rows = rows.chunks_exact(inputs);
        for ((unit, row), pairs) in self.units.iter_mut().zip(rows).zip(places) {
            // With an odd number of inputs the last pair ends in 0.
            pairs[self.width - 1] = [0; 2];
            *unit = quantise(row, limit, pairs.as_flattened_mut());
        }
    }
}

/// The largest activation for which a sum of `inputs` products with 8-bit weights can't overflow.
fn limit(inputs: usize) -> i16 {
    let most = i32::MAX as usize / (128 * inputs);
    i16::try_from(most).unwrap_or(i16::MAX)
}

impl Integers {
    /// Packs the weights of [`COLUMNS`] outputs from `first`, padded with 0.
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

/// outputs ← rows × weights + bias.
struct Product<'a> {
    machine: Machine,
    weights: &'a Integers,
    bias: &'a [f32],
    rows: &'a [f32],
    scratch: &'a mut Scratch,
    outputs: &'a mut [f32],
}

impl NullaryFnOnce for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Scratch { rows, panel } = self.scratch;
        rows.set(self.rows, self.weights.inputs);
        panel.resize(rows.width, [[0; 2]; COLUMNS]);
        let width = self.bias.len();
        for first in (0..width).step_by(COLUMNS) {
            match self.machine {
                #[cfg(target_arch = "x86_64")]
                Machine::Avx2(simd) if avx2::packs(self.weights, first) => {
                    avx2::pack(simd, self.weights, first, panel);
                }
                _ => self.weights.pack(first, panel),
            }
            let columns = first..width.min(first + COLUMNS);
            let units = &self.weights.units[columns.clone()];
            let bias = &self.bias[columns.clone()];
            let blocks = rows.pairs.chunks_exact(ROWS * rows.width);
            let row_units = rows.units.chunks(ROWS);
            let outputs = self.outputs.chunks_mut(ROWS * width);
            for ((block, row_units), outputs) in blocks.zip(row_units).zip(outputs) {
                let tile = match self.machine {
                    #[cfg(target_arch = "x86_64")]
                    Machine::Avx2(simd) => avx2::tile(simd, block, panel),
                    Machine::Portable => tile(block, panel),
                };
                let outputs = outputs.chunks_exact_mut(width);
                for ((row, sums), unit) in outputs.zip(&tile).zip(row_units) {
                    let row = row[columns.clone()].iter_mut().zip(sums);
                    for (((x, sum), own), bias) in row.zip(units).zip(bias) {
                        *x = *sum as f32 * (unit * own) + bias;
                    }
                }
            }
        }
    }
}

/// Computes the sums of [`ROWS`] rows.
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

    use super::{COLUMNS, Integers, Pair, Panel, ROWS, Tile};

    /// Inputs packed per step.
    const INPUTS: usize = 16;
    /// Outputs packed per step.
    const OUTPUTS: usize = 8;

    /// Same as [`tile`](super::tile).
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

    /// Whether the outputs from `first` fill whole blocks.
    pub(super) fn packs(weights: &Integers, first: usize) -> bool {
        first + COLUMNS <= weights.units.len() && weights.inputs.is_multiple_of(INPUTS)
    }

    /// Same as [`Integers::pack`].
    #[inline(always)]
    pub(super) fn pack(simd: V3, weights: &Integers, first: usize, panel: &mut Panel) {
        let (blocks, _) = panel.as_chunks_mut::<{ INPUTS / 2 }>();
        for (i, block) in blocks.iter_mut().enumerate() {
            for half in 0..COLUMNS / OUTPUTS {
                let rows = std::array::from_fn(|output| {
                    let start = (first + half * OUTPUTS + output) * weights.inputs + i * INPUTS;
                    let mut bytes = [0; INPUTS];
                    bytes.copy_from_slice(&weights.weights[start..start + INPUTS]);
                    simd.avx2._mm256_cvtepi8_epi16(cast(bytes))
                });
                for (pairs, column) in block.iter_mut().zip(transpose(simd, rows)) {
                    let column: [Pair; OUTPUTS] = cast(column);
                    pairs[half * OUTPUTS..][..OUTPUTS].copy_from_slice(&column);
                }
            }
        }
    }

    /// Transposes a matrix of 8 × 8 32-bit numbers.
    #[inline(always)]
    fn transpose(simd: V3, rows: [__m256i; 8]) -> [__m256i; 8] {
        let avx2 = simd.avx2;
        let twos: [_; 4] = std::array::from_fn(|i| {
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
        let (upper, lower) = (fours(twos[0], twos[1]), fours(twos[2], twos[3]));
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

    /// Pseudorandom weights, the same on each call.
    fn weights(count: usize) -> Vec<i8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as i8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    /// Checks the outputs of a layer against a simple computation.
    fn check(machine: Machine, rows: usize, inputs: usize, outputs: usize) {
        let (weights, ones) = (weights(outputs * inputs), vec![1.0; outputs]);
        let layer = Linear::integers(weights.clone().into(), inputs, ones.clone(), ones);
        let numbers: Vec<f32> = (0..rows * inputs).map(|i| (i as f32).sin()).collect();
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        // Rows of an earlier call must not influence the result.
        layer.apply(machine, &vec![9.0; 8 * inputs], &mut scratch, &mut found);
        layer.apply(machine, &numbers, &mut scratch, &mut found);
        assert_eq!(found.len(), rows * outputs);
        let quantised = &scratch.rows;
        for (i, found) in found.iter().enumerate() {
            let (row, output) = (i / outputs, i % outputs);
            let integers = &quantised.pairs[row * quantised.width..][..quantised.width];
            let products = integers
                .as_flattened()
                .iter()
                .zip(&weights[output * inputs..][..inputs]);
            let sum: i32 = products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            let expected = sum as f32 * quantised.units[row] + 1.0;
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{rows} × {inputs} × {outputs}"
            );
        }
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
            check(Machine::detect(), rows, inputs, outputs);
            check(Machine::Portable, rows, inputs, outputs);
        }
    }

    #[test]
    fn the_largest_sum_fits() {
        for inputs in [1, 384, 512, 513, 1536, 4096] {
            let most = usize::from(limit(inputs).unsigned_abs()) * 128 * inputs;
            assert!(i32::try_from(most).is_ok());
        }
        assert_eq!((limit(384), limit(1536)), (32767, 10922));
    }

    #[cfg(feature = "encoder")]
    #[test]
    fn single_precision_is_multiplied_as_it_is() {
        let weights = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        let layer = Linear::floats(weights, vec![0.5, -0.5]);
        let (mut scratch, mut found) = (Scratch::default(), vec![9.0; 7]);
        let rows = [1.0, 0.0, 2.0, 0.0, 1.0, 0.0];
        layer.apply(Machine::detect(), &rows, &mut scratch, &mut found);
        assert_eq!(found, [11.5, 13.5, 3.5, 3.5]);
    }
}
