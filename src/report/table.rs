//! Aligned tables, for a terminal or in Markdown.

use std::fmt::Write;

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table of text cells.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(header: &[(&str, Align)]) -> Self {
        Self {
            header: header
                .iter()
                .map(|(name, align)| ((*name).to_string(), *align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Appends a row with one cell per column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As plain text: columns padded with spaces, two spaces between columns.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut out = String::new();
        let names = self.header.iter().map(|(name, _)| name);
        self.line(&mut out, names, &widths);
        for row in &self.rows {
            self.line(&mut out, row.iter(), &widths);
        }
        out
    }

    /// As a Markdown table.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let names: Vec<&str> = self.header.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(out, "| {} |", names.join(" | "));
        let rules = self.header.iter().map(|(_, align)| {
            if *align == Align::Right {
                "---:"
            } else {
                "---"
            }
        });
        let _ = writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "));
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|c| c.replace('|', "\\|").replace('\n', " "))
                .collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|c| c.chars().count()).max().unwrap_or(0);
            widest.max(self.header[column].0.chars().count())
        };
        (0..self.header.len()).map(width).collect()
    }

    fn line<'a>(
        &self,
        out: &mut String,
        cells: impl Iterator<Item = &'a String>,
        widths: &[usize],
    ) {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.zip(widths).zip(&self.header) {
            let _ = match align {
                Align::Left => write!(line, "{cell:<width$}  "),
                Align::Right => write!(line, "{cell:>width$}  "),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("code", Align::Left), ("n", Align::Right)]);
        table.row(["none".to_string(), "7".to_string()]);
        table.row(["a|b".to_string(), "1200".to_string()]);
        table
    }

    #[test]
    fn text_lines_up() {
        assert_eq!(table().text(), "code     n\nnone     7\na|b   1200\n");
    }

    #[test]
    fn markdown_escapes_bars() {
        assert_eq!(
            table().markdown(),
            "| code | n |\n| --- | ---: |\n| none | 7 |\n| a\\|b | 1200 |\n"
        );
    }
}
