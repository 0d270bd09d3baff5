//! Dates as tables write them.

/// What a cell says about its day, in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The form leaves no choice.
    Sure(Form, i64),
    /// `1/2/2026`: the day by either order, if that is a day of the calendar.
    Either {
        day_first: Option<i64>,
        month_first: Option<i64>,
    },
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    YearFirst,
    MonthName,
    ExcelSerial,
    Epoch,
}

impl Form {
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::YearFirst => "year first",
            Self::MonthName => "with the name of the month",
            Self::ExcelSerial => "as serial numbers of Excel",
            Self::Epoch => "as seconds or milliseconds since 1970",
        }
    }
}

/// Names of the months, Indonesian and English.
const MONTHS: [&[&str]; 12] = [
    &["jan", "januari", "january"],
    &["feb", "peb", "februari", "pebruari", "february"],
    &["mar", "maret", "march"],
    &["apr", "april"],
    &["mei", "may"],
    &["jun", "juni", "june"],
    &["jul", "juli", "july"],
    &["agu", "agt", "ags", "aug", "agustus", "august"],
    &["sep", "sept", "september"],
    &["okt", "oct", "oktober", "october"],
    &["nov", "nop", "november", "nopember"],
    &["des", "dec", "desember", "december"],
];

/// Day 0 of Excel's serial numbers, and the serial numbers that are taken for dates: 1954 to 2119.
const EXCEL_ZERO: i64 = 25_569;
const SERIALS: std::ops::Range<i64> = 20_000..80_000;
/// Seconds since 1970 that are taken for dates: 1990 to 2099.
const SECONDS: std::ops::Range<i64> = 631_152_000..4_102_444_800;
const SECONDS_OF_DAY: i64 = 86_400;

/// Reads the date at the start of a cell; `None` if there is none.
pub(super) fn read(cell: &str) -> Option<Reading> {
    let cell = cell.trim();
    number(cell)
        .or_else(|| of_numbers(cell))
        .or_else(|| of_words(cell))
}

/// A cell that is one number: a compact date, a serial number of Excel, or a time since 1970.
fn number(cell: &str) -> Option<Reading> {
    let (whole, rest) = cell.split_once('.').unwrap_or((cell, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    let reading = match whole.len() {
        5 if SERIALS.contains(&value) => Reading::Sure(Form::ExcelSerial, value - EXCEL_ZERO),
        8 if matches!(value / 1_000_000, 19 | 20) => {
            let day = days_from_civil_checked(value / 10_000, value / 100 % 100, value % 100)?;
            Reading::Sure(Form::YearFirst, day)
        }
        9 | 10 if SECONDS.contains(&value) => Reading::Sure(Form::Epoch, value / SECONDS_OF_DAY),
        12 | 13 if SECONDS.contains(&(value / 1000)) => {
            Reading::Sure(Form::Epoch, value / 1000 / SECONDS_OF_DAY)
        }
        _ => return None,
    };
    Some(reading)
}

/// Three numbers, apart by `-`, `/` or `.`.
fn of_numbers(cell: &str) -> Option<Reading> {
    let end = cell.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/' | '.')));
    let parts: Vec<&str> = cell[..end.unwrap_or(cell.len())]
        .split(['-', '/', '.'])
        .collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let value = |text: &str| text.parse::<i64>().ok();
    if a.len() == 4 {
        let day = days_from_civil_checked(value(a)?, value(b)?, value(c)?)?;
        return Some(Reading::Sure(Form::YearFirst, day));
    }
    let (first, second, year) = (value(a)?, value(b)?, year(c)?);
    let day_first = days_from_civil_checked(year, second, first);
    let month_first = days_from_civil_checked(year, first, second);
    (day_first.is_some() || month_first.is_some()).then_some(Reading::Either {
        day_first,
        month_first,
    })
}

/// A year of four digits, or of two: 70 to 99 are of the last century.
fn year(text: &str) -> Option<i64> {
    let value: i64 = text.parse().ok()?;
    match text.len() {
        4 if (1900..=2200).contains(&value) => Some(value),
        2 if value < 70 => Some(2000 + value),
        2 => Some(1900 + value),
        _ => None,
    }
}

/// `3 Maret 2026`, `Mar 3, 2026`, `Tue Mar 03 08:00:00 +0700 2026`: the day is next to the month.
fn of_words(cell: &str) -> Option<Reading> {
    let parts: Vec<&str> = cell
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    let (at, month) = (0..parts.len()).find_map(|i| Some((i, month(parts[i])?)))?;
    let before = at.checked_sub(1).and_then(|i| day(parts[i]));
    let (day, used) = match before {
        Some(day) => (day, at - 1),
        None => (day(parts.get(at + 1)?)?, at + 1),
    };
    let others = || parts.iter().enumerate().filter(|(i, _)| *i != used);
    let long = others().find_map(|(_, part)| year(part).filter(|_| part.len() == 4));
    let short = || year(parts.get(at.max(used) + 1)?);
    let day = days_from_civil_checked(long.or_else(short)?, month, day)?;
    Some(Reading::Sure(Form::MonthName, day))
}

fn month(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let mut months = (1..).zip(MONTHS);
    let found = months.find(|(_, names)| names.contains(&word.as_str()));
    found.map(|(month, _)| month)
}

/// A day of one or two digits, with or without `st`, `nd`, `rd`, `th`.
fn day(part: &str) -> Option<i64> {
    let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = part[digits.len()..].to_lowercase();
    let is_ordinal = matches!(suffix.as_str(), "" | "st" | "nd" | "rd" | "th");
    let value = digits.parse().ok().filter(|day| (1..=31).contains(day));
    value.filter(|_| is_ordinal && digits.len() <= 2)
}

/// Days since 1970-01-01; `None` for a day that the calendar doesn't have.
fn days_from_civil_checked(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = days_from_civil(year, month, day);
    // A 31 February would be a day in March.
    let is_real = (1..=12).contains(&month) && day >= 1 && civil(days) == [year, month, day];
    is_real.then_some(days)
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
pub(super) fn civil(days: i64) -> [i64; 3] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-02-03 is day 20,487: Python, `datetime.date(2026, 2, 3).toordinal() - 719163`.
    const DAY: i64 = 20_487;

    #[test]
    fn dates_of_many_forms_are_one_day() {
        for (cell, form) in [
            ("2026-02-03", Form::YearFirst),
            ("2026/2/3 08:00", Form::YearFirst),
            ("2026-02-03T23:59:59Z", Form::YearFirst),
            ("20260203", Form::YearFirst),
            ("3 Februari 2026", Form::MonthName),
            ("Selasa, 3 Peb 2026 pukul 08.00", Form::MonthName),
            ("Feb 3, 2026", Form::MonthName),
            ("February 3rd, 2026 10:15 AM", Form::MonthName),
            ("03-Feb-26", Form::MonthName),
            ("Tue Feb 03 11:35:52 -0800 2026", Form::MonthName),
            ("Tue, 03 Feb 2026 11:35:52 +0700", Form::MonthName),
            ("46056", Form::ExcelSerial),
            ("46056.75", Form::ExcelSerial),
            ("1770120000", Form::Epoch),
            ("1770120000123", Form::Epoch),
        ] {
            assert_eq!(read(cell), Some(Reading::Sure(form, DAY)), "{cell}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_may_be_open() {
        let both = |cell| match read(cell) {
            Some(Reading::Either {
                day_first,
                month_first,
            }) => (day_first.is_some(), month_first.is_some()),
            other => panic!("{other:?}"),
        };
        assert_eq!(both("3/2/2026 08:00"), (true, true));
        assert_eq!(both("13.02.26"), (true, false));
        assert_eq!(both("02-13-2026"), (false, true));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for cell in [
            "",
            "2026",
            "2025-02-29",
            "31/31/2026",
            "kemarin",
            "Maret 2026",
            "3 marah 2026",
            "12",
            "081200001111",
            "31 Feb 2026",
        ] {
            assert_eq!(read(cell), None, "{cell}");
        }
    }
}
