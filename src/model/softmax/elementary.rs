//! Exponential and logarithm without branches or calls, so that a loop over many values is compiled
//! for the widest SIMD registers. Operations and their order are the same on every machine.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into the loop is compiled for its SIMD registers"
)]

/// ln 2 in two parts; the first part ends in zero bits, so that its small multiples are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// Added to a number below 2⁵¹, this leaves the nearest integer in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Bits of 1.0: the biased exponent 1023.
const ONE: u64 = 1023 << 52;
/// Bits of 2⁵².
const LARGE: u64 = 0x4330_0000_0000_0000;

/// exp(x) with relative error 3e-15; inputs below −708 are clamped.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2, and the Taylor series of exp(r) to degree 13.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    const FACTORIALS: [f64; 13] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
        1.0,
    ];
    let x = if x > -708.0 { x } else { -708.0 };
    let x = if x < 709.0 { x } else { 709.0 };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut sum = 0.0;
    let mut i = 0;
    while i < FACTORIALS.len() {
        sum = (sum + FACTORIALS[i]) * r;
        i += 1;
    }
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(ONE));
    (1.0 + sum) * power
}

/// ln(x) with absolute error 1e-15 or relative error 1e-14. For zero and subnormal x returns
/// `ln(f64::MIN_POSITIVE)`.
///
/// x = 2ᵏ m with m between √½ and √2, and ln m = 2 artanh t with t = (m − 1) / (m + 1).
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    /// Bits of √½.
    const ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    let x = if x > f64::MIN_POSITIVE {
        x
    } else {
        f64::MIN_POSITIVE
    };
    let bits = x.to_bits();
    let exponent = bits.wrapping_add(ONE - ROOT) >> 52;
    let k = f64::from_bits(exponent | LARGE) - f64::from_bits(LARGE) - 1023.0;
    let m = f64::from_bits(bits.wrapping_add(ONE).wrapping_sub(exponent << 52));
    let t = (m - 1.0) / (m + 1.0);
    let square = t * t;
    let mut sum = 1.0 / 19.0;
    let mut odd = 17.0;
    while odd > 0.0 {
        sum = sum * square + 1.0 / odd;
        odd -= 2.0;
    }
    k * LN_2[0] + (2.0 * t * sum + k * LN_2[1])
}

/// Number of partial sums.
const LANES: usize = 4;

/// Σ f(value) in four partial sums: the order doesn't depend on the SIMD width.
#[inline(always)]
pub(super) fn sum_of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for values in whole {
        for lane in 0..LANES {
            sums[lane] += f(values[lane]);
        }
    }
    let rest: f64 = rest.iter().map(|v| f(*v)).sum();
    sums[0] + sums[1] + (sums[2] + sums[3]) + rest
}

/// The largest value; −∞ for an empty slice.
#[inline(always)]
pub(super) fn largest(values: &[f64]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut best = [f64::NEG_INFINITY; LANES];
    for values in whole {
        for lane in 0..LANES {
            best[lane] = if values[lane] > best[lane] {
                values[lane]
            } else {
                best[lane]
            };
        }
    }
    let all = best.iter().chain(rest);
    all.copied().fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_standard_library() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.010_1;
            let (ours, theirs) = (exp(x), x.exp());
            assert!(
                (ours / theirs - 1.0).abs() < 3e-15,
                "exp {x}: {ours} {theirs}"
            );
            let y = (x * 0.5).exp() * 1.3;
            let (ours, theirs) = (ln(y), y.ln());
            let allowed = 1e-15f64.max(1e-14 * theirs.abs());
            assert!((ours - theirs).abs() <= allowed, "ln {y}: {ours} {theirs}");
        }
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite() && ln(0.0) < -708.0);
    }

    #[test]
    fn sums_and_largest_take_every_value() {
        for n in 0..12 {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 5)).collect();
            let sum: f64 = values.iter().map(|v| 2.0 * v).sum();
            assert!((sum_of(&values, |v| 2.0 * v) - sum).abs() < 1e-12);
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(largest(&values).to_bits(), best.to_bits());
        }
    }
}
