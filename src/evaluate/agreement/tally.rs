//! The sums behind the coefficients of agreement.

use crate::evaluate::Confusion;
use crate::evaluate::counts::ONE_VALUE;

type Derived = Result<f64, &'static str>;

const NO_PAIR: &str = "no statement was coded by two coders";

/// Number of codings with each code, for one statement.
pub(super) struct Counts {
    pub(super) by_code: Vec<u32>,
    /// Number of all codings.
    pub(super) total: u32,
}

impl Counts {
    pub(super) fn of(given: impl Iterator<Item = Option<usize>>, codes: usize) -> Self {
        let mut by_code = vec![0; codes];
        given.flatten().for_each(|code| by_code[code] += 1);
        Self {
            total: by_code.iter().sum(),
            by_code,
        }
    }

    /// The same codings as "has code `k`" and "does not have it".
    pub(super) fn against_rest(&self, k: usize) -> Self {
        Self {
            by_code: vec![self.by_code[k], self.total - self.by_code[k]],
            total: self.total,
        }
    }
}

/// Sums over statements.
pub(super) struct Tally {
    /// Number of codings by code, over pairable statements (with two or more codings).
    by_code: Vec<f64>,
    /// Number of pairable statements.
    pairable: u64,
    /// Share of agreeing pairs of codings, summed over pairable statements.
    agreeing: f64,
    /// Σ over pairable statements of (differing pairs, in both orders) / (codings − 1).
    disagreement: f64,
    /// Number of statements with a coding.
    coded: f64,
    /// Share of each code, summed over the coded statements.
    shares: Vec<f64>,
}

impl Tally {
    pub(super) fn new(codes: usize) -> Self {
        Self {
            by_code: vec![0.0; codes],
            pairable: 0,
            agreeing: 0.0,
            disagreement: 0.0,
            coded: 0.0,
            shares: vec![0.0; codes],
        }
    }

    /// Adds a statement `times` times.
    pub(super) fn add(&mut self, unit: &Counts, times: u64) {
        if unit.total == 0 || times == 0 {
            return;
        }
        let (m, w) = (f64::from(unit.total), times as f64);
        self.coded += w;
        for (share, n) in self.shares.iter_mut().zip(&unit.by_code) {
            *share += w * f64::from(*n) / m;
        }
        if unit.total < 2 {
            return;
        }
        let squares: f64 = unit.by_code.iter().map(|n| f64::from(*n).powi(2)).sum();
        self.pairable += times;
        self.agreeing += w * (squares - m) / (m * (m - 1.0));
        self.disagreement += w * (m * m - squares) / (m - 1.0);
        for (sum, n) in self.by_code.iter_mut().zip(&unit.by_code) {
            *sum += w * f64::from(*n);
        }
    }

    /// Number of statements with two or more codings.
    pub(super) fn pairable(&self) -> u64 {
        self.pairable
    }

    /// Share of agreeing pairs of codings: mean over pairable statements.
    pub(super) fn percent(&self) -> Derived {
        match self.pairable {
            0 => Err(NO_PAIR),
            n => Ok(self.agreeing / n as f64),
        }
    }

    /// Krippendorff's alpha (nominal): 1 − observed / expected disagreement. The expectation is
    /// over all pairable codings without replacement (Krippendorff, "Content Analysis", ch. 12).
    pub(super) fn alpha(&self) -> Derived {
        let n: f64 = self.by_code.iter().sum();
        self.percent()?;
        let squares: f64 = self.by_code.iter().map(|c| c * c).sum();
        let expected = (n * n - squares) / (n - 1.0);
        if expected <= 0.0 {
            return Err(ONE_VALUE);
        }
        Ok(1.0 - self.disagreement / expected)
    }

    /// Gwet's AC1 (2008), in the form for missing codings (Gwet, "Handbook of inter-rater
    /// reliability", ch. 4). Chance agreement is Σ π (1 − π) / (codes − 1), where π is the mean
    /// share of a code over all coded statements.
    pub(super) fn ac1(&self) -> Derived {
        let percent = self.percent()?;
        if self.shares.len() < 2 {
            return Err(ONE_VALUE);
        }
        let spread: f64 = self
            .shares
            .iter()
            .map(|s| s / self.coded)
            .map(|share| share * (1.0 - share))
            .sum();
        let chance = spread / (self.shares.len() as f64 - 1.0);
        Ok((percent - chance) / (1.0 - chance))
    }

    /// Fleiss' kappa (1971), for statements with exactly `m` codings each.
    pub(super) fn fleiss_kappa(&self, m: u32) -> Derived {
        let percent = self.percent()?;
        let n = self.pairable as f64 * f64::from(m);
        let chance: f64 = self.by_code.iter().map(|c| (c / n).powi(2)).sum();
        beyond(percent, chance)
    }
}

/// Cohen's kappa (1960) for two coders.
pub(super) fn kappa(confusion: &Confusion) -> Derived {
    let agreement = confusion.accuracy()?;
    let n = confusion.total() as f64;
    let chance: f64 = (0..confusion.rows().len())
        .map(|k| confusion.support(k) as f64 / n * (confusion.predicted(k) as f64 / n))
        .sum();
    beyond(agreement, chance)
}

/// (agreement − chance) / (1 − chance).
fn beyond(agreement: f64, chance: f64) -> Derived {
    // A chance agreement this close to 1 means one code, apart from rounding.
    if 1.0 - chance < 1e-12 {
        return Err(ONE_VALUE);
    }
    Ok((agreement - chance) / (1.0 - chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(units: &[&[Option<usize>]], codes: usize) -> Tally {
        let mut tally = Tally::new(codes);
        for unit in units {
            tally.add(&Counts::of(unit.iter().copied(), codes), 1);
        }
        tally
    }

    #[test]
    fn nobody_twice_is_no_agreement() {
        let tally = tally(&[&[Some(0), None], &[None, Some(1)], &[None, None]], 2);
        assert_eq!(tally.percent(), Err(NO_PAIR));
        assert_eq!(tally.alpha(), Err(NO_PAIR));
        assert_eq!(tally.ac1(), Err(NO_PAIR));
    }

    #[test]
    fn one_code_has_agreement_but_nothing_beyond_chance() {
        let tally = tally(&[&[Some(0), Some(0)], &[Some(0), Some(0)]], 2);
        assert_eq!(tally.percent(), Ok(1.0));
        assert_eq!(tally.alpha(), Err(ONE_VALUE));
        assert_eq!(tally.fleiss_kappa(2), Err(ONE_VALUE));
        assert_eq!(tally.ac1(), Ok(1.0));
    }

    #[test]
    fn kappa_of_one_code_is_undefined() {
        let mut confusion = Confusion::new(2);
        confusion.add(0, 0);
        assert_eq!(kappa(&confusion), Err(ONE_VALUE));
    }
}
