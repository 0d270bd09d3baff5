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

use super::dates::{self, Form, Reading, civil};
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

/// The order of day and month in a date such as `1/2/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// The column tells: a first or second number above 12 is a day. If none is, the day is first.
    #[default]
    Inferred,
    /// Such dates are not read.
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

/// Statements of one code by week.
type ByWeek = BTreeMap<i64, Vec<u64>>;

/// Counts by week during the pass.
#[derive(Debug, Default)]
pub(super) struct WeekCounts {
    sure: ByWeek,
    /// Dates such as `1/2/2026`, by either order.
    day_first: ByWeek,
    month_first: ByWeek,
    forms: BTreeMap<Form, u64>,
    /// Dates such as `1/2/2026`: all, and those that have only one order.
    either: u64,
    only_day_first: u64,
    only_month_first: u64,
    unread: u64,
}

impl WeekCounts {
    pub(super) fn add(&mut self, date: &str, code: usize, codes: usize) {
        let count = |by_week: &mut ByWeek, day: i64| {
            let counts = by_week.entry(week_of(day));
            counts.or_insert_with(|| vec![0; codes])[code] += 1;
        };
        match dates::read(date) {
            None => self.unread += 1,
            Some(Reading::Sure(form, day)) => {
                count(&mut self.sure, day);
                *self.forms.entry(form).or_default() += 1;
            }
            Some(Reading::Either {
                day_first,
                month_first,
            }) => {
                self.either += 1;
                self.only_day_first += u64::from(month_first.is_none());
                self.only_month_first += u64::from(day_first.is_none());
                if let Some(day) = day_first {
                    count(&mut self.day_first, day);
                }
                if let Some(day) = month_first {
                    count(&mut self.month_first, day);
                }
            }
        }
    }

    /// The order of the dates such as `1/2/2026`, and why.
    fn order(&self, order: DateOrder) -> (DateOrder, &'static str) {
        match order {
            DateOrder::Inferred if self.only_month_first > self.only_day_first => (
                DateOrder::MonthFirst,
                "month first (a day above 12 decides)",
            ),
            DateOrder::Inferred if self.only_day_first > 0 => {
                (DateOrder::DayFirst, "day first (a day above 12 decides)")
            }
            DateOrder::Inferred => (
                DateOrder::DayFirst,
                "day first (guessed, as no day is above 12; change it with --dates)",
            ),
            DateOrder::DayFirst => (order, "day first"),
            DateOrder::MonthFirst => (order, "month first"),
            DateOrder::YearFirst => (order, "not read, as asked"),
        }
    }

    /// What was read, for people; `None` if all dates begin with the year.
    pub(super) fn said(&self, order: DateOrder) -> Option<String> {
        let forms = self
            .forms
            .iter()
            .filter(|(form, _)| **form != Form::YearFirst);
        let mut said: Vec<String> = forms
            .map(|(form, n)| format!("{n} {}", form.called()))
            .collect();
        if self.either > 0 {
            said.push(format!("{} {}", self.either, self.order(order).1));
        }
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// `None` if no date could be read, or if the dates span too many weeks.
    pub(super) fn done(mut self, column: &str, order: DateOrder, codes: usize) -> Option<Weeks> {
        let either = match self.order(order).0 {
            DateOrder::MonthFirst => std::mem::take(&mut self.month_first),
            DateOrder::YearFirst => ByWeek::new(),
            _ => std::mem::take(&mut self.day_first),
        };
        let read: u64 = either.values().flatten().sum();
        let undated = self.unread + self.either - read;
        let mut by_week = self.sure;
        for (week, counts) in either {
            let sums = by_week.entry(week).or_insert_with(|| vec![0; codes]);
            sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
        let (first, _) = by_week.first_key_value()?;
        let (last, _) = by_week.last_key_value()?;
        if last - first > LONGEST {
            return None;
        }
        let week = |number: i64| {
            let counts = by_week.get(&number).cloned();
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
            undated,
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

/// The week of a day; 1970-01-01 was the Thursday of week 0, which began on day −3.
fn week_of(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

fn iso(days: i64) -> String {
    let [year, month, day] = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        match dates::read(text) {
            Some(Reading::Sure(_, day)) => day,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// Python: `datetime.date(2026, 2, 1).toordinal() - 719163` = 20485, and so on.
    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, wanted) in [
            ("1970-01-01", 0),
            ("2026-02-01", 20_485),
            ("2024-02-29T23:59:59Z", 19_782),
            ("1900/3/1", -25_508),
            ("2000.12.31 08:00", 11_322),
        ] {
            assert_eq!(day(text), wanted, "{text}");
            assert_eq!(iso(wanted)[..4], text[..4]);
        }
    }

    #[test]
    fn the_column_tells_the_order_of_day_and_month() {
        for (cells, order, monday, undated) in [
            (
                ["1/2/2026", "13/2/2026"],
                DateOrder::Inferred,
                "2026-01-26",
                0,
            ),
            (
                ["1/2/2026", "2/13/2026"],
                DateOrder::Inferred,
                "2025-12-29",
                0,
            ),
            (
                ["1/2/2026", "2/2/2026"],
                DateOrder::Inferred,
                "2026-01-26",
                0,
            ),
            (
                ["1/2/2026", "13/2/2026"],
                DateOrder::MonthFirst,
                "2025-12-29",
                1,
            ),
        ] {
            let mut counts = WeekCounts::default();
            cells.iter().for_each(|cell| counts.add(cell, 0, 1));
            assert!(counts.said(order).unwrap().starts_with("2 "));
            let weeks = counts.done("date", order, 1).unwrap();
            assert_eq!(
                (weeks.weeks[0].monday.as_str(), weeks.undated),
                (monday, undated)
            );
        }
        let mut counts = WeekCounts::default();
        counts.add("1/2/2026", 0, 1);
        assert!(counts.done("date", DateOrder::YearFirst, 1).is_none());
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(week_of(day("2026-02-02")), week_of(day("2026-02-08")));
        assert_eq!(week_of(day("2026-02-01")) + 1, week_of(day("2026-02-02")));
        assert_eq!(iso(week_of(day("2026-02-08")) * 7 - 3), "2026-02-02");
    }

    fn weekly(counts: &[u64]) -> Weeks {
        let mut weeks = WeekCounts::default();
        for (i, n) in (0..).zip(counts) {
            let monday = iso(20_486 + 7 * i);
            (0..*n).for_each(|_| weeks.add(&monday, 1, 2));
        }
        weeks.done("date", DateOrder::Inferred, 2).unwrap()
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
