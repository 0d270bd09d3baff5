//! One statement's block of dual variables, solved exactly.

use crate::model::softmax_in_place;

/// Solves ln aₖ + A aₖ = bₖ − ν for all k with Σ aₖ = 1.
///
/// Newton's method on ν from the left end `b_max` − A, where Σ aₖ ≥ 1. The sum is convex and falls
/// in ν, so each step stays left of the root and none needs a safeguard.
pub(super) fn solve_block(b: &[f64], a: f64, out: &mut [f64]) {
    const STEPS: usize = 60;
    let max = b.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if a <= f64::MIN_POSITIVE {
        out.copy_from_slice(b);
        softmax_in_place(out);
        return;
    }
    let mut nu = max - a;
    let log_a = a.ln();
    for _ in 0..STEPS {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (b, out) in b.iter().zip(out.iter_mut()) {
            let omega = wright_omega(b - nu + log_a);
            *out = omega / a;
            sum += *out;
            slope += *out / (1.0 + omega);
        }
        let excess = sum - 1.0;
        if excess <= 1e-12 {
            break;
        }
        nu += excess / slope;
    }
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|a| *a /= sum);
}

/// ω with ω + ln ω = s: the Wright omega function on the real line.
///
/// One step of Fritsch, Shafer and Crowley's iteration, twice, from a start good to a few per
/// cent (Lawrence, Corless and Jeffrey, "Algorithm 917", ACM TOMS 38(3), 2012).
fn wright_omega(s: f64) -> f64 {
    if s < -36.0 {
        return s.exp();
    }
    let mut w = if s < -2.0 {
        let e = s.exp();
        e * (1.0 - e)
    } else if s < 2.0 {
        let t = s - 1.0;
        (1.0 + t / 2.0 + t * t / 16.0 - t * t * t / 192.0).max(0.05)
    } else {
        let l = s.ln();
        s - l + l / s
    };
    for _ in 0..2 {
        let r = s - w - w.ln();
        let w1 = 1.0 + w;
        let t = w1 * (w1 + 2.0 / 3.0 * r);
        w *= 1.0 + r / w1 * (t - r / 2.0) / (t - r);
    }
    w
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
