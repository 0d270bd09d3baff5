//! Single-precision functions of the network: basic operations in a fixed order, so that every
//! machine computes the same bits. The compiler can vectorise the loops for any registers.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into a loop is compiled for its vector registers"
)]

/// Number of parallel sums.
const LANES: usize = 8;
/// ln 2 in two parts; the first ends in zero bits, so that small multiples are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Adding it to a number below 2²² rounds to the nearest integer, kept in the low bits.
const ROUND: f32 = 12_582_912.0;
/// √(2/π).
const SQRT_2_PI: f32 = 0.797_884_6;
/// The bits of 1.0.
const ONE: u32 = 127 << 23;

/// exp(x) with relative error 2e-7; inputs below -87 and above 88 are clamped.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2; polynomial from Cephes (Moshier 1989).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const FACTORS: [f32; 6] = [
        1.987_569_1e-4,
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut sum = FACTORS[0];
    let mut i = 1;
    while i < FACTORS.len() {
        sum = sum * r + FACTORS[i];
        i += 1;
    }
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(ONE));
    (sum * r * r + r + 1.0) * power
}

/// The error function with absolute error 3e-7: a rational function as in Eigen; inputs are clamped
/// to ±4.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_4e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    let x = if x > -4.0 { x } else { -4.0 };
    let x = if x < 4.0 { x } else { 4.0 };
    let square = x * x;
    let (mut above, mut below) = (ABOVE[0], BELOW[0]);
    let mut i = 1;
    while i < ABOVE.len() {
        above = above * square + ABOVE[i];
        i += 1;
    }
    i = 1;
    while i < BELOW.len() {
        below = below * square + BELOW[i];
        i += 1;
    }
    x * above / below
}

/// The activation between the two linear layers of the feed-forward part.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Activation {
    /// The Gaussian error linear unit (Hendrycks and Gimpel 2016).
    Gelu,
    /// The tanh approximation of GELU.
    GeluTanh,
    Relu,
}

impl Activation {
    /// The activation with this name in `config.json`; the error lists the supported names.
    pub(crate) fn of(name: &str) -> Result<Self, String> {
        match name {
            "gelu" => Ok(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Ok(Self::GeluTanh),
            "relu" => Ok(Self::Relu),
            _ => Err(format!(
                "hidden_act is {name:?}; supported are gelu, gelu_new, gelu_pytorch_tanh, relu"
            )),
        }
    }

    #[inline(always)]
    pub(super) fn apply(self, row: &mut [f32]) {
        match self {
            Self::Gelu => {
                for x in row {
                    *x *= 0.5 * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2));
                }
            }
            Self::GeluTanh => {
                for x in row {
                    // (1 + tanh z) / 2 = 1 / (1 + exp -2z)
                    let z = SQRT_2_PI * (*x + 0.044_715 * *x * *x * *x);
                    *x /= 1.0 + exp(-2.0 * z);
                }
            }
            Self::Relu => {
                for x in row {
                    *x = if *x > 0.0 { *x } else { 0.0 };
                }
            }
        }
    }
}

/// Reduces the lanes by joining halves, then quarters, then the last two.
#[inline(always)]
fn fold(lanes: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let halves: [f32; LANES / 2] = std::array::from_fn(|i| join(lanes[i], lanes[i + LANES / 2]));
    join(join(halves[0], halves[2]), join(halves[1], halves[3]))
}

/// Σ value(x), in [`LANES`] parallel sums.
#[inline(always)]
fn sum(row: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += value(*x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += value(*x);
    }
    fold(sums, |a, b| a + b)
}

/// The largest value(x) of a row, at least `least`.
#[inline(always)]
fn largest(row: &[f32], least: f32, value: impl Fn(f32) -> f32) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut most = [least; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (most, x) in most.iter_mut().zip(chunk) {
            *most = larger(*most, value(*x));
        }
    }
    for (most, x) in most.iter_mut().zip(rest) {
        *most = larger(*most, value(*x));
    }
    fold(most, larger)
}

/// Turns scores into shares with sum 1.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32]) {
    let most = largest(row, f32::NEG_INFINITY, |x| x);
    for x in row.iter_mut() {
        *x = exp(*x - most);
    }
    let whole = sum(row, |x| x);
    for x in row {
        *x /= whole;
    }
}

/// Scales and shifts of a layer normalisation.
pub(crate) struct Norm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) eps: f32,
}

impl Norm {
    /// Normalises a row to mean 0 and variance 1, then scales and shifts the numbers.
    #[inline(always)]
    pub(super) fn apply(&self, row: &mut [f32]) {
        let count = row.len() as f32;
        let mean = sum(row, |x| x) / count;
        let variance = sum(row, |x| (x - mean) * (x - mean)) / count;
        let factor = 1.0 / (variance + self.eps).sqrt();
        for ((x, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
            *x = (*x - mean) * factor * weight + bias;
        }
    }
}

/// Quantises a row to integers in ±`limit`; returns the unit (the value of integer 1).
#[inline(always)]
pub(super) fn quantise(row: &[f32], limit: i16, integers: &mut [i16]) -> f32 {
    let (most, limit) = (largest(row, 0.0, f32::abs), i32::from(limit));
    let factor = if most > 0.0 { limit as f32 / most } else { 0.0 };
    for (integer, x) in integers.iter_mut().zip(row) {
        let rounded = (x * factor + ROUND).to_bits().cast_signed();
        let nearest = rounded.wrapping_sub(ROUND.to_bits().cast_signed());
        *integer = nearest.clamp(-limit, limit) as i16;
    }
    most / limit as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_has_the_documented_error() {
        for i in -8600..8700 {
            let x = i as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2e-7, "{x}: {error:e}");
        }
        assert_eq!(exp(0.0).to_bits(), 1_f32.to_bits());
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
        assert!(exp(f32::INFINITY) > 1e38);
    }

    #[test]
    fn erf_agrees_with_tables() {
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

    #[test]
    fn activations_match_their_names() {
        let numbers = [-9.0, -1.5, -0.1, 0.0, 0.3, 2.0, 9.0];
        let apply = |name| {
            let mut row = numbers;
            Activation::of(name).unwrap().apply(&mut row);
            row
        };
        let positive = numbers.map(|x| f32::to_bits(x.max(0.0)));
        assert_eq!(apply("relu").map(f32::to_bits), positive);
        let (gelu, tanh) = (apply("gelu"), apply("gelu_new"));
        for ((x, gelu), tanh) in numbers.into_iter().zip(gelu).zip(tanh) {
            let inner = SQRT_2_PI * (x + 0.044_715 * x * x * x);
            assert!((tanh - 0.5 * x * (1.0 + inner.tanh())).abs() < 1e-6, "{x}");
            assert!((gelu - tanh).abs() < 1e-3, "{x}");
        }
        assert!(Activation::of("silu").is_err());
    }

    #[test]
    fn shares_add_up_to_one() {
        let mut row: Vec<f32> = (0..19).map(|i| (i as f32 * 0.7).sin() * 30.0).collect();
        softmax(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_quantised_row_is_near() {
        let row: Vec<f32> = (0..19).map(|i| (i as f32 * 0.7).sin() * 30.0).collect();
        let mut integers = [0; 19];
        let unit = quantise(&row, 1000, &mut integers);
        for (x, integer) in row.iter().zip(integers) {
            assert!((x - f32::from(integer) * unit).abs() <= unit * 0.501);
        }
        assert!(integers.iter().any(|i| i.abs() == 1000));
        assert_eq!(quantise(&[0.0; 19], 1000, &mut integers).to_bits(), 0);
        assert_eq!(integers, [0; 19]);
        quantise(&[f32::NAN, f32::INFINITY, 1e-45], 1000, &mut integers[..3]);
        assert!(integers.iter().all(|i| i.abs() <= 1000));
    }
}
