//! Finds the header of a table among its first rows.
//!
//! The header is the lowest row of names before the data. Rows above it are titles or upper
//! headers. Columns distinguish a header from data: where the cells below are numbers, dates or
//! ids of one form, a name is not.

use std::collections::BTreeSet;

use super::columns::is_text_name;
use super::shape::{Shape, is_name};

/// Rows below a row that tell the forms of its columns.
const JUDGED: usize = 20;
/// Rows below the first possible header that may be the header instead.
const LOWER: usize = 3;

/// A row among the first rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopRow {
    /// Its line in the file, or row in the sheet, from 1.
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

impl TopRow {
    fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|c| !c.trim().is_empty()).count()
    }

    /// Positions of the cells with content.
    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.cells.len()).filter(|c| !self.cell(*c).is_empty())
    }
}

/// Where the header is, and what its columns are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Header {
    /// Position of the header among the rows; `None` in a table without one.
    pub(super) row: Option<usize>,
    /// Position of the first row of data.
    pub(super) data: usize,
    /// The names as written, some of them perhaps blank.
    pub(super) names: Vec<String>,
    /// What was passed over, for people.
    pub(super) notes: Vec<String>,
}

/// What the user said of the header.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heading<'a> {
    /// The name of a column: a row that has it is the header if the one found has not.
    pub(super) wanted: Option<&'a str>,
    /// Whether the table has no header.
    pub(super) is_missing: bool,
}

/// The header of a table with these first rows; `None` if no row has content.
pub(super) fn header(rows: &[TopRow], heading: Heading<'_>) -> Option<Header> {
    if heading.is_missing {
        return no_header(rows);
    }
    let (row, data) = if let Some(found) = survey_header(rows) {
        found
    } else {
        let found = lowest(rows, first_wide(rows)?);
        (found, after_answers(rows, found + 1))
    };
    let (row, data) = match heading.wanted.and_then(|name| row_with(rows, row, name)) {
        Some(other) => (other, other + 1),
        None => (row, data),
    };
    let mut names: Vec<String> = rows[row].cells.iter().map(|c| c.trim().into()).collect();
    let used = row.checked_sub(1).map_or(BTreeSet::new(), |upper| {
        fill_blanks(&mut names, &rows[upper])
    });
    let mut notes = Vec::new();
    for (at, passed) in rows.iter().enumerate().take(data) {
        let is_left = |c: &usize| at + 1 != row || !used.contains(c);
        let cells = passed.places().filter(is_left);
        let cells: Vec<&str> = cells.map(|c| passed.cell(c)).collect();
        if at != row && !cells.is_empty() {
            notes.push(passed_over(passed.line, at < row, &cells));
        }
    }
    Some(Header {
        row: Some(row),
        data,
        names,
        notes,
    })
}

/// The columns of a table without a header: as many as most rows have.
fn no_header(rows: &[TopRow]) -> Option<Header> {
    let width = most_common(rows.iter().map(|row| row.cells.len()))?;
    Some(Header {
        row: None,
        data: 0,
        names: vec![String::new(); width],
        notes: Vec::new(),
    })
}

fn passed_over(line: u64, is_above: bool, cells: &[&str]) -> String {
    let place = if is_above { "above" } else { "below" };
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:?}")).collect();
    format!(
        "line {line} {place} the header is not read as data: {}",
        cells.join(", ")
    )
}

/// Names for blank cells of a header, and for names that are there before; also what to say of it.
pub(super) fn named(names: &[String], first: usize) -> (Vec<String>, Vec<String>) {
    let mut taken: BTreeSet<String> = names.iter().cloned().collect();
    let mut seen = BTreeSet::new();
    let mut columns = Vec::with_capacity(names.len());
    let mut notes = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let letters = letters(first + at);
        let mut own = name.clone();
        if name.trim().is_empty() {
            own = format!("column {letters}");
        } else if !seen.insert(name) {
            own = format!("{name} (column {letters})");
            notes.push(format!(
                "two columns are named {name:?}: the later one is called {own:?}"
            ));
        }
        if own != *name {
            while !taken.insert(own.clone()) {
                own.push('_');
            }
        }
        columns.push(own);
    }
    (columns, notes)
}

/// The letters of a column: A, B, … Z, AA.
fn letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (column % 26) as u8));
        if column < 26 {
            break;
        }
        column = column / 26 - 1;
    }
    letters.iter().rev().collect()
}

/// The header of an export of Qualtrics: names, questions, then ids in JSON.
fn survey_header(rows: &[TopRow]) -> Option<(usize, usize)> {
    const AMONG: usize = 10;
    let has_ids = |row: &TopRow| {
        let ids = row.places().filter(|c| row.cell(*c).starts_with("{\"Im"));
        ids.count() * 2 > row.filled()
    };
    let ids = rows.iter().take(AMONG).position(has_ids)?;
    Some((ids.saturating_sub(2), ids + 1))
}

/// The first row below the header that is no row of kinds of answers, as `SurveyMonkey` writes it.
fn after_answers(rows: &[TopRow], data: usize) -> usize {
    const KINDS: [&str; 3] = ["response", "open-ended response", "other (please specify)"];
    let is_kinds = rows.get(data).is_some_and(|row| {
        let mut places = row.places();
        row.filled() > 0
            && places.all(|c| KINDS.contains(&row.cell(c).to_lowercase().as_str()))
            && row.places().any(|c| row.cell(c).len() > KINDS[0].len())
    });
    data + usize::from(is_kinds)
}

/// The first row that has a column with the name, unless the header has it.
fn row_with(rows: &[TopRow], header: usize, name: &str) -> Option<usize> {
    let has = |row: &TopRow| row.cells.iter().any(|cell| cell.trim() == name.trim());
    if has(&rows[header]) {
        return None;
    }
    let is_like_header = |row: &TopRow| row.filled() >= rows[header].filled().min(2) && has(row);
    rows.iter().position(is_like_header)
}

/// The first row that is as wide as most, or the last row of names above it if it is data.
fn first_wide(rows: &[TopRow]) -> Option<usize> {
    const SHARE: (usize, usize) = (3, 5);
    let filled = rows.iter().map(TopRow::filled);
    let usual = most_common(filled.clone())?;
    let widest = filled.clone().max().filter(|n| *n > 0)?;
    let enough = (usual * SHARE.0).div_ceil(SHARE.1).max(widest.min(2));
    let wide = filled.clone().position(|n| n >= enough)?;
    if has_names(&rows[wide]) && !is_data(rows, wide) {
        return Some(wide);
    }
    let is_upper = |row: &TopRow| row.filled() > 1 && has_names(row);
    Some(rows[..wide].iter().rposition(is_upper).unwrap_or(wide))
}

/// Whether all cells of a row are names, each another one.
fn has_names(row: &TopRow) -> bool {
    let names: BTreeSet<&str> = row.places().map(|c| row.cell(c)).collect();
    names.len() == row.filled() && names.iter().all(|name| is_name(name))
}

/// The lowest row of names at or below `first`.
fn lowest(rows: &[TopRow], first: usize) -> usize {
    let mut header = first;
    for lower in first + 1..rows.len().min(first + 1 + LOWER) {
        if is_header_below(rows, header, lower) {
            header = lower;
        }
    }
    header
}

/// Whether the row at `lower` is the header rather than the one at `upper`.
fn is_header_below(rows: &[TopRow], upper: usize, lower: usize) -> bool {
    let (above, row) = (&rows[upper], &rows[lower]);
    if !has_names(row) {
        return false;
    }
    let typed = typed_columns(rows, lower);
    let is_named =
        |c: usize| !row.cell(c).is_empty() || lower == upper + 1 && !above.cell(c).is_empty();
    if !typed
        .iter()
        .all(|(c, shape)| is_named(*c) && Shape::of(row.cell(*c)).as_ref() != Some(shape))
    {
        return false;
    }
    let told = typed.iter().filter(|(c, _)| !row.cell(*c).is_empty());
    let told = told.count();
    let completes = row.places().any(|c| above.cell(c).is_empty());
    if completes {
        return told > 0;
    }
    let is_full = row.filled() >= above.filled();
    let mut cells = row.places().map(|c| row.cell(c));
    is_full && told > 0 && (told > 1 || cells.any(is_text_name))
}

/// Whether a row is one of data: half of the columns with cells of one form have that form here.
fn is_data(rows: &[TopRow], at: usize) -> bool {
    let typed = typed_columns(rows, at);
    let alike = typed
        .iter()
        .filter(|(c, shape)| Shape::of(rows[at].cell(*c)).as_ref() == Some(shape));
    !typed.is_empty() && alike.count() * 2 >= typed.len()
}

/// The columns whose cells below the row at `at` mostly have one form, with it.
fn typed_columns(rows: &[TopRow], at: usize) -> Vec<(usize, Shape)> {
    let below = &rows[(at + 1).min(rows.len())..rows.len().min(at + 1 + JUDGED)];
    let width = below.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let of = |column: usize| {
        let cells: Vec<&str> = below.iter().map(|row| row.cell(column)).collect();
        let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
        let shapes: Vec<Shape> = cells.iter().filter_map(|cell| Shape::of(cell)).collect();
        let usual = most_common(shapes.iter().cloned())?;
        let alike = shapes.iter().filter(|shape| **shape == usual).count();
        (alike * 2 > filled).then_some((column, usual))
    };
    (0..width).filter_map(of).collect()
}

/// Puts the names of an upper header where the lower one is blank; returns where.
fn fill_blanks(names: &mut Vec<String>, upper: &TopRow) -> BTreeSet<usize> {
    let is_upper = upper.filled() > 1 && upper.places().all(|c| is_name(upper.cell(c)));
    if !is_upper {
        return BTreeSet::new();
    }
    if names.len() < upper.cells.len() {
        names.resize(upper.cells.len(), String::new());
    }
    let blank = |c: &usize| names.get(*c).is_none_or(String::is_empty);
    let places: BTreeSet<usize> = upper.places().filter(blank).collect();
    for place in &places {
        names[*place] = upper.cell(*place).to_string();
    }
    places
}

/// The value that is there most often; of several the smallest.
fn most_common<T: Ord + Clone>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort();
    let mut best: Option<(usize, T)> = None;
    for group in sorted.chunk_by(|a, b| a == b) {
        if best.as_ref().is_none_or(|(n, _)| group.len() > *n) {
            best = Some((group.len(), group[0].clone()));
        }
    }
    best.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[&str]) -> Header {
        let cells = |row: &&str| row.split('|').map(String::from).collect();
        let rows: Vec<TopRow> = (1..)
            .zip(rows)
            .map(|(line, row)| TopRow {
                line,
                cells: cells(row),
            })
            .collect();
        header(&rows, Heading::default()).unwrap()
    }

    fn row_and_data(rows: &[&str]) -> (usize, usize) {
        let found = found(rows);
        (found.row.unwrap(), found.data)
    }

    #[test]
    fn a_name_in_a_data_cell_never_moves_the_header() {
        let rows = [
            "No|Tanggal|Jenis|Uraian Masalah",
            "1|2026-03-01|Saran|Parkir diperluas.",
            "2|2026-03-02|Keluhan|Air keruh.",
            "3|2026-03-02|Keluhan|Loket tutup.",
        ];
        assert_eq!(row_and_data(&rows), (0, 1));
        assert_eq!(
            row_and_data(&["jenis|isi", "text|air mati", "keluhan|x"]),
            (0, 1)
        );
    }

    #[test]
    fn titles_and_notes_above_the_header_are_passed_over_and_said() {
        let rows = [
            "Rekap",
            "Dinas Contoh|",
            "id|keluhan|kanal",
            "1|a|web",
            "2|b|wa",
        ];
        let found = found(&rows);
        assert_eq!((found.row, found.data), (Some(2), 3));
        assert_eq!(found.notes.len(), 2);
        assert!(found.notes[1].contains("line 2") && found.notes[1].contains("Dinas Contoh"));
    }

    #[test]
    fn of_two_headers_the_lower_one_counts_and_the_upper_fills_its_blanks() {
        let data = [
            "T-1|2026-01-02|web|Air keruh.",
            "T-2|2026-01-03|wa|Loket tutup.",
        ];
        let rows = [
            "Pelapor||Laporan|",
            "tiket|tanggal|kanal|keluhan",
            data[0],
            data[1],
        ];
        assert_eq!(row_and_data(&rows), (1, 2));
        let rows = [
            "No|Waktu||Keluhan",
            "|Tanggal|Jam|",
            "1|46082|0.5|Air",
            "2|46083|0.6|",
        ];
        let merged = found(&rows);
        assert_eq!(merged.names, ["No", "Tanggal", "Jam", "Keluhan"]);
        assert_eq!(merged.data, 2);
        assert!(merged.notes[0].contains("Waktu") && !merged.notes[0].contains("Keluhan"));
        let rows = [
            "id|date|text",
            "No|Tanggal|Keluhan",
            "1|2026-01-02|a",
            "2|2026-01-03|b",
        ];
        assert_eq!(row_and_data(&rows), (1, 2));
    }

    #[test]
    fn rows_of_surveys_below_the_names_are_no_answers() {
        let ids = "{\"ImportId\":\"a\"}|{\"ImportId\":\"b\"}";
        assert_eq!(
            row_and_data(&["Q1|Q2", "Usia?|Keluhan?", ids, "45|Air."]),
            (0, 3)
        );
        let rows = [
            "Respondent ID|Your comments",
            "|Open-Ended Response",
            "1|Late",
        ];
        assert_eq!(row_and_data(&rows), (0, 2));
    }

    #[test]
    fn a_header_with_few_names_is_not_taken_for_a_title() {
        let rows = ["id|keluhan||||", "1|a|2|3|4|5", "2|b|2|3|4|5"];
        assert_eq!(row_and_data(&rows), (0, 1));
    }

    #[test]
    fn a_name_of_the_user_finds_its_row() {
        let row = |line, text: &str| TopRow {
            line,
            cells: text.split('|').map(String::from).collect(),
        };
        let rows = [row(1, "a|b"), row(2, "x|y"), row(3, "c|d")];
        let found = |name| {
            let wanted = Some(name);
            header(
                &rows,
                Heading {
                    wanted,
                    is_missing: false,
                },
            )
            .unwrap()
            .row
        };
        assert_eq!(
            [found("y"), found("b"), found("gone")],
            [Some(1), Some(0), Some(0)]
        );
        let none = Heading {
            wanted: None,
            is_missing: true,
        };
        assert_eq!(header(&rows, none).unwrap().names, ["", ""]);
    }

    #[test]
    fn blank_and_repeated_names_are_kept_apart() {
        let names = ["id", "", "id", "column B"].map(String::from);
        let (columns, notes) = named(&names, 0);
        assert_eq!(columns, ["id", "column B_", "id (column C)", "column B"]);
        assert_eq!(notes.len(), 1);
        assert_eq!(letters(27), "AB");
    }
}
