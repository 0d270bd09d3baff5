//! The form of a cell: a number, a date, an id, prose.

/// The form of a cell that is no text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Digits and their signs.
    Number,
    /// A date or a time.
    Date,
    /// Letters, then digits: the letters.
    Id(String),
}

/// Names of months, in English and Indonesian, by their first letters.
const MONTHS: [&str; 17] = [
    "jan", "feb", "mar", "apr", "may", "mei", "jun", "jul", "aug", "agu", "sep", "oct", "okt",
    "nov", "dec", "des", "peb",
];

impl Shape {
    /// The form of a cell; `None` for words.
    pub(super) fn of(cell: &str) -> Option<Self> {
        /// Longest id, in bytes.
        const LONGEST: usize = 40;
        let cell = cell.trim();
        if cell.len() > LONGEST || !cell.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        if is_date(cell) {
            return Some(Self::Date);
        }
        if cell
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.,% ()".contains(c))
        {
            return Some(Self::Number);
        }
        let prefix: String = cell.chars().take_while(|c| c.is_alphabetic()).collect();
        let is_id = |c: char| c.is_ascii_alphanumeric() || "-_/#.:".contains(c);
        let short = prefix.chars().count() <= 8;
        (short && cell.chars().all(is_id)).then(|| Self::Id(prefix.to_lowercase()))
    }
}

/// Whether a cell is a date or a time: with separators, or with the name of a month.
fn is_date(cell: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || " -/.:TZ+,".contains(c);
    let separators = cell.chars().skip(1).filter(|c| "-/:".contains(*c)).count();
    let dots = cell.matches('.').count();
    if cell.starts_with(|c: char| c.is_ascii_digit()) && cell.chars().all(is_part) {
        return separators > 0 || dots == 2 && cell.len() <= 10;
    }
    let words = cell.split(|c: char| !c.is_alphabetic());
    let mut words = words.filter(|word| word.chars().count() > 2).peekable();
    let is_month = |word: &str| {
        let begin: String = word.to_lowercase().chars().take(3).collect();
        word.len() <= 9 && MONTHS.contains(&begin.as_str())
    };
    words.peek().is_some() && words.all(is_month)
}

/// Whether a cell could be the name of a column.
pub(super) fn is_name(cell: &str) -> bool {
    const WORDS: usize = 12;
    let cell = cell.trim();
    let is_number = matches!(Shape::of(cell), Some(Shape::Number | Shape::Date));
    !is_number && !cell.ends_with(['.', '!']) && cell.split_whitespace().count() <= WORDS
}

/// How much the cells of a column are prose: words in a cell, on average, if they are varied and
/// no form; 0 if not.
pub(super) fn prose<'a>(cells: impl Iterator<Item = &'a str>) -> f64 {
    const FEWEST_WORDS: f64 = 2.5;
    const LEAST_VARIED: f64 = 0.6;
    let mut cells: Vec<&str> = cells.map(str::trim).filter(|c| !c.is_empty()).collect();
    let filled = cells.len() as f64;
    let shaped = cells.iter().filter(|c| Shape::of(c).is_some()).count() as f64;
    let is_word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    let words = |cell: &&str| cell.split_whitespace().filter(is_word).count();
    let words = cells.iter().map(words).sum::<usize>() as f64;
    cells.sort_unstable();
    cells.dedup();
    let is_prose = filled > 0.0
        && words / filled >= FEWEST_WORDS
        && cells.len() as f64 / filled >= LEAST_VARIED
        && shaped * 2.0 < filled;
    if is_prose { words / filled } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_ids_have_a_form_and_words_have_none() {
        for (cell, shape) in [
            ("12", Some(Shape::Number)),
            ("-1.250,50", Some(Shape::Number)),
            ("2026-11-02", Some(Shape::Date)),
            ("12/3/2026 08:00", Some(Shape::Date)),
            ("12 Maret 2026", Some(Shape::Date)),
            ("2026-11-02T08:00:00Z", Some(Shape::Date)),
            ("T-001", Some(Shape::Id("t".into()))),
            ("R_1", Some(Shape::Id("r".into()))),
            ("keluhan", None),
            ("Air mati 3 hari", None),
            ("", None),
        ] {
            assert_eq!(Shape::of(cell), shape, "{cell}");
        }
    }

    #[test]
    fn prose_is_long_and_varied() {
        assert!(prose(["Air keruh sejak Senin.", "Petugas kasar."].into_iter()) > 2.0);
        for cells in [
            ["web", "wa"],
            ["Air mati tiga hari"; 2].map(|_| "x"),
            ["1", "2"],
        ] {
            assert!(prose(cells.into_iter()) < 0.1);
        }
        assert!(prose(["Dinas Pekerjaan Umum"; 9].into_iter()) < 0.1);
        assert!(is_name("Apa keluhan Anda?") && !is_name("2026-01-02") && !is_name("Air mati."));
    }
}
