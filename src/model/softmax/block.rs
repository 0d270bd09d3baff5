//! Exact solution for one statement's block of dual variables.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into the pass is compiled for its SIMD registers"
)]

use super::elementary::{exp, largest, ln, sum_of};
use crate::model::softmax_in_place;

/// Solves ln aₖ + A aₖ = bₖ − ν for all k with Σ aₖ = 1.
///
/// Newton's method on ν starts at the left end `b_max` − A, where Σ aₖ ≥ 1. The sum is convex and
/// decreasing in ν, so each step stays left of the root and needs no safeguard.
#[inline(always)]
pub(super) fn solve_block(b: &[f64], a: f64, out: &mut [f64]) {
    const STEPS: usize = 60;
    /// A smaller remainder of Σ aₖ − 1 is removed by scaling.
    const EXACT: f64 = 1e-9;
    if a <= f64::MIN_POSITIVE {
        out.copy_from_slice(b);
        softmax_in_place(out);
        return;
    }
    let mut nu = largest(b) - a;
    let log_a = ln(a);
    let mut sum = 1.0;
    for _ in 0..STEPS {
        for (b, out) in b.iter().zip(out.iter_mut()) {
            *out = wright_omega(b - nu + log_a) / a;
        }
        sum = sum_of(out, |a| a);
        if sum - 1.0 <= EXACT {
            break;
        }
        nu += (sum - 1.0) / sum_of(out, |o| o / (1.0 + a * o));
    }
    out.iter_mut().for_each(|a| *a /= sum);
}

/// ω with ω + ln ω = s: the Wright omega function on the real line.
///
/// Two steps of the iteration of Fritsch, Shafer and Crowley, from a start with an error of a few
/// per cent (Lawrence, Corless and Jeffrey, "Algorithm 917", ACM TOMS 38(3), 2012).
#[inline(always)]
fn wright_omega(s: f64) -> f64 {
    let power = exp(if s < 0.0 { s } else { 0.0 });
    let small = power * (1.0 - power);
    let near = s - 1.0;
    let middle = 1.0 + near / 2.0 + near * near / 16.0 - near * near * near / 192.0;
    let middle = if middle > 0.05 { middle } else { 0.05 };
    let log = ln(if s > 2.0 { s } else { 2.0 });
    let large = s - log + log / s;
    let start = if s < 2.0 { middle } else { large };
    let mut w = if s < -2.0 { small } else { start };
    for _ in 0..2 {
        let r = s - w - ln(w);
        let w1 = 1.0 + w;
        let t = w1 * (w1 + 2.0 / 3.0 * r);
        w *= 1.0 + r / w1 * (t - r / 2.0) / (t - r);
    }
    // If exp(s) underflows, so does ω.
    if s < -700.0 { power } else { w }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn omega_satisfies_its_equation_to_double_precision() {
        for i in -800..2000 {
            let s = f64::from(i) * 0.05;
            let w = wright_omega(s);
            assert!(
                (w + w.ln() - s).abs() < 1e-11 * s.abs().max(1.0),
                "{s}: {w}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_block_is_solved_whatever_its_scale(b in prop::collection::vec(-200.0..200.0f64, 2..20), a in 1e-6..1e4f64) {
            let mut out = vec![0.0; b.len()];
            solve_block(&b, a, &mut out);
            prop_assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            // ln a + A a - b is the same for all k.
            let level: Vec<f64> = out.iter().zip(&b).filter(|(o, _)| **o > 1e-250).map(|(o, b)| o.ln() + a * o - b).collect();
            let spread = level.iter().copied().fold(f64::NEG_INFINITY, f64::max) - level.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(spread < 1e-6 * a.max(200.0), "{spread}");
        }
    }
}
