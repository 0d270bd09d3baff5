//! Statements by week, and weeks with unusually many statements.
//!
//! A week is a spike of a code (or of all statements) if its count is both surprising and large
//! compared with the eight weeks before it. At least four such weeks are required. The conditions
//! are:
//!
//! - The rate is the median of those weeks, but at least one half. A Poisson count at least as high
//!   as the week's count has a probability below 0.001.
//! - The count is more than three robust standard deviations above that median (1.4826 × median
//!   absolute deviation from the median). So codes whose counts vary more than Poisson counts raise
//!   no flag.
//! - The week has at least five statements.
//!
//! This is a rule of thumb for where to look first. There are many weeks, so about one in a
//! thousand steady weeks is flagged by chance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::statistics::{median, poisson_tail};

/// Number of earlier weeks in the comparison, and its minimum.
const WINDOW: usize = 8;
const LEAST_WINDOW: usize = 4;
/// Minimum number of statements in a spike.
const LEAST: u64 = 5;
/// A count is surprising below this probability.
const LEVEL: f64 = 0.001;
/// Minimum robust standard deviations; factor from a median absolute deviation to one of them.
const DEVIATIONS: f64 = 3.0;
const TO_DEVIATION: f64 = 1.4826;
/// Lower bound of the rate; with rate 0 every count would be significant.
const LEAST_RATE: f64 = 0.5;
/// Maximum number of weeks: one wrong year would otherwise create thousands of empty weeks.
const LONGEST: i64 = 53 * 30;

/// The order of day and month in a date that doesn't start with its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// Only dates that begin with the year are read: `2026-02-01`, `2026/2/1`, `2026-02-01T08:00`.
    #[default]
    YearFirst,
    /// `1/2/2026` is the first of February.
    DayFirst,
    /// `1/2/2026` is the second of January.
    MonthFirst,
}

/// Statements by week.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Weeks {
    /// The column with the dates.
    pub column: String,
    /// Number of statements without a readable date.
    pub undated: u64,
    /// All weeks from the first to the last, including weeks without statements.
    pub weeks: Vec<Week>,
    /// Weeks with unusually many statements.
    pub spikes: Vec<Spike>,
}

/// A week; weeks start on Monday.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Week {
    /// The Monday of the week, such as `2026-02-02`.
    pub monday: String,
    /// Number of statements with each code of the first variable.
    pub codes: Vec<u64>,
    /// Number of statements.
    pub n: u64,
}

/// A week with unusually many statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Spike {
    /// Position of the week.
    pub week: usize,
    /// The Monday of the week.
    pub monday: String,
    /// Position of the code; `None` for all statements.
    pub code: Option<usize>,
    /// Number of statements.
    pub n: u64,
    /// Median of the weeks before.
    pub usual: f64,
    /// Probability of at least this many statements if the median is the rate.
    pub chance: f64,
}

/// Counts by week during the pass.
#[derive(Debug, Default)]
pub(super) struct WeekCounts {
    by_week: BTreeMap<i64, Vec<u64>>,
    undated: u64,
}

impl WeekCounts {
    pub(super) fn add(&mut self, date: &str, order: DateOrder, code: usize, codes: usize) {
        let Some(day) = day_number(date, order) else {
            self.undated += 1;
            return;
        };
        let counts = self
            .by_week
            .entry(week_of(day))
            .or_insert_with(|| vec![0; codes]);
        counts[code] += 1;
    }

    /// `None` if no date could be read, or if the dates span too many weeks.
    pub(super) fn done(self, column: &str, codes: usize) -> Option<Weeks> {
        let (first, _) = self.by_week.first_key_value()?;
        let (last, _) = self.by_week.last_key_value()?;
        if last - first > LONGEST {
            return None;
        }
        let week = |number: i64| {
            let counts = self.by_week.get(&number).cloned();
            let codes = counts.unwrap_or_else(|| vec![0; codes]);
            Week {
                monday: iso(number * 7 - 3),
                n: codes.iter().sum(),
                codes,
            }
        };
        let weeks: Vec<Week> = (*first..=*last).map(week).collect();
        Some(Weeks {
            column: column.to_string(),
            undated: self.undated,
            spikes: spikes(&weeks, codes),
            weeks,
        })
    }
}

/// The spikes of all statements and of each of the `codes` codes, in order.
pub fn spikes(weeks: &[Week], codes: usize) -> Vec<Spike> {
    let series = std::iter::once(None).chain((0..codes).map(Some));
    let mut found = Vec::new();
    for code in series {
        let counts: Vec<u64> = weeks
            .iter()
            .map(|w| code.map_or(w.n, |c| w.codes[c]))
            .collect();
        for week in LEAST_WINDOW..counts.len() {
            let before = &counts[week.saturating_sub(WINDOW)..week];
            if let Some((usual, chance)) = surprise(before, counts[week]) {
                found.push(Spike {
                    week,
                    monday: weeks[week].monday.clone(),
                    code,
                    n: counts[week],
                    usual,
                    chance,
                });
            }
        }
    }
    found.sort_by_key(|s| (s.week, s.code));
    found
}

/// The median of the weeks before and the probability of the count, if it is a spike.
fn surprise(before: &[u64], n: u64) -> Option<(f64, f64)> {
    let values: Vec<f64> = before.iter().map(|n| *n as f64).collect();
    let usual = median(&values);
    let distances: Vec<f64> = values.iter().map(|v| (v - usual).abs()).collect();
    let deviation = TO_DEVIATION * median(&distances);
    let chance = poisson_tail(n, usual.max(LEAST_RATE));
    let is_spike = n >= LEAST && chance < LEVEL && n as f64 > usual + DEVIATIONS * deviation;
    is_spike.then_some((usual, chance))
}

/// Days since 1970-01-01 for the date at the start of a cell.
fn day_number(cell: &str, order: DateOrder) -> Option<i64> {
    let cell = cell.trim();
    let end = cell.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/' | '.')));
    let date = &cell[..end.unwrap_or(cell.len())];
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str| text.parse::<i64>().ok();
    let (year, month, day) = if a.len() == 4 {
        (number(a)?, number(b)?, number(c)?)
    } else if c.len() == 4 {
        match order {
            DateOrder::YearFirst => return None,
            DateOrder::DayFirst => (number(c)?, number(b)?, number(a)?),
            DateOrder::MonthFirst => (number(c)?, number(a)?, number(b)?),
        }
    } else {
        return None;
    };
    let days = days_from_civil(year, month, day);
    // A 31 February would be a day in March.
    let is_real = (1..=12).contains(&month) && day >= 1 && civil(days) == [year, month, day];
    is_real.then_some(days)
}

/// The week of a day; 1970-01-01 was the Thursday of week 0, which began on day −3.
fn week_of(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
/// date algorithms", 2013).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day for a day number; the inverse of [`days_from_civil`], from the same source.
fn civil(days: i64) -> [i64; 3] {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    [year, month, doy - (153 * mp + 2) / 5 + 1]
}

fn iso(days: i64) -> String {
    let [year, month, day] = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `datetime.date(2026, 2, 1).toordinal() - 719163` = 20485, and so on.
    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, day) in [
            ("1970-01-01", 0),
            ("2026-02-01", 20_485),
            ("2024-02-29T23:59:59Z", 19_782),
            ("1900/3/1", -25_508),
            ("2000.12.31 08:00", 11_322),
        ] {
            assert_eq!(day_number(text, DateOrder::YearFirst), Some(day), "{text}");
            assert_eq!(iso(day)[..4], text[..4]);
        }
        for text in [
            "",
            "2026",
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "01/02/2026",
            "26-02-01",
        ] {
            assert_eq!(day_number(text, DateOrder::YearFirst), None, "{text}");
        }
        assert_eq!(day_number("01/02/2026", DateOrder::DayFirst), Some(20_485));
        assert_eq!(
            day_number("02-01-2026 07:30", DateOrder::MonthFirst),
            Some(20_485)
        );
    }

    #[test]
    fn weeks_begin_on_monday() {
        let day = |text| day_number(text, DateOrder::YearFirst).unwrap();
        assert_eq!(week_of(day("2026-02-02")), week_of(day("2026-02-08")));
        assert_eq!(week_of(day("2026-02-01")) + 1, week_of(day("2026-02-02")));
        assert_eq!(iso(week_of(day("2026-02-08")) * 7 - 3), "2026-02-02");
    }

    fn weekly(counts: &[u64]) -> Weeks {
        let mut weeks = WeekCounts::default();
        for (i, n) in (0..).zip(counts) {
            let monday = iso(20_486 + 7 * i);
            (0..*n).for_each(|_| weeks.add(&monday, DateOrder::YearFirst, 1, 2));
        }
        weeks.done("date", 2).unwrap()
    }

    fn flagged(counts: &[u64]) -> Vec<usize> {
        let weeks = weekly(counts);
        let of_all = weeks.spikes.iter().filter(|s| s.code.is_none());
        of_all.map(|s| s.week).collect()
    }

    #[test]
    fn a_spike_is_surprising_and_large() {
        assert_eq!(flagged(&[10, 12, 9, 11, 10, 30, 11]), [5]);
        // As surprising for a Poisson count, but these counts vary more anyway.
        assert_eq!(flagged(&[10, 30, 18, 5, 25, 38]), [0; 0]);
        // Too few weeks before, too few statements.
        assert_eq!(flagged(&[1, 1, 1, 40]), [0; 0]);
        assert_eq!(flagged(&[0, 0, 1, 0, 4]), [0; 0]);
    }

    #[test]
    fn weeks_without_statements_count() {
        let weeks = weekly(&[3, 0, 0, 0, 0, 9]);
        assert_eq!(weeks.weeks.len(), 6);
        assert_eq!(weeks.weeks[1].codes, [0, 0]);
        assert_eq!((weeks.spikes[0].week, weeks.spikes[0].usual), (5, 0.0));
        assert_eq!(weeks.spikes.len(), 2, "of all and of the code");
    }
}
