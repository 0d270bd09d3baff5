//! The table at the end of labelling on a terminal: codes with bars and decisions.

use std::fmt::Write;

use konflik::Model;
use konflik::label::LabelCounts;
use konflik::model::VariableModel;

/// Cells of the longest bar.
const BAR: usize = 16;

/// How the table is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) is_coloured: bool,
}

impl Style {
    /// Colours, unless `NO_COLOR` is set and not empty (no-color.org) or the terminal has none.
    pub(super) fn of_environment() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self {
            is_coloured: !refused && !is_dumb,
        }
    }

    /// Text in a colour (a parameter of SGR), padded on the left to a width.
    fn right(self, text: &str, width: usize, colour: &str) -> String {
        let padded = format!("{text:>width$}");
        if self.is_coloured && !colour.is_empty() {
            format!("\u{1b}[{colour}m{padded}\u{1b}[0m")
        } else {
            padded
        }
    }
}

/// Blue, green, yellow, magenta: distinct for most colour-blind people, and never the only sign.
const BAR_COLOUR: &str = "34";
const DECISIONS: [(&str, &str); 3] = [("auto", "32"), ("review", "33"), ("abstain", "35")];

/// The table of all variables, one line per code, most frequent first.
pub(super) fn table(counts: &LabelCounts, model: &Model, style: Style) -> String {
    let codes = model.variables().iter().flat_map(|v| &v.codes);
    let width = codes.map(|c| c.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (position, variable) in model.variables().iter().enumerate() {
        of_variable(&mut out, counts, (position, variable), width, style);
    }
    out
}

fn of_variable(
    out: &mut String,
    counts: &LabelCounts,
    (position, variable): (usize, &VariableModel),
    width: usize,
    style: Style,
) {
    let mut rows: Vec<(u64, &str, [u64; 3])> = counts
        .codes
        .iter()
        .filter(|((v, _), _)| *v == position)
        .map(|((_, code), n)| (n.iter().sum(), variable.codes[*code].as_str(), *n))
        .collect();
    rows.sort_by_key(|(n, code, _)| (std::cmp::Reverse(*n), *code));
    let all: u64 = rows.iter().map(|(n, ..)| n).sum();
    let most = rows.first().map_or(1, |(n, ..)| *n).max(1);
    let head = if style.is_coloured {
        ["\u{1b}[1m", "\u{1b}[0m"]
    } else {
        ["", ""]
    };
    let _ = write!(
        out,
        "\n{}{:<width$}{}  {:BAR$} {:>8} {:>7}",
        head[0], variable.id, head[1], "", "rows", "share"
    );
    for (name, colour) in DECISIONS {
        let _ = write!(out, " {}", style.right(name, 8, colour));
    }
    out.push('\n');
    for (n, code, decisions) in &rows {
        let filled = (*n as f64 / most as f64 * BAR as f64).ceil() as usize;
        let bar = format!("{}{}", "█".repeat(filled), " ".repeat(BAR - filled));
        let bar = style.right(&bar, BAR, BAR_COLOUR);
        let _ = write!(out, "{code:<width$}  {bar} {n:>8} {:>7}", share(*n, all));
        for (n, (_, colour)) in decisions.iter().zip(DECISIONS) {
            let colour = if *n > 0 { colour } else { "" };
            let _ = write!(out, " {}", style.right(&n.to_string(), 8, colour));
        }
        out.push('\n');
    }
    let mut sums = [0u64; 3];
    for (.., n) in &rows {
        sums.iter_mut().zip(n).for_each(|(s, n)| *s += n);
    }
    let _ = write!(out, "{:<width$}  {:BAR$} {all:>8} {:>7}", "", "", "");
    for (n, (_, colour)) in sums.iter().zip(DECISIONS) {
        let _ = write!(out, " {}", style.right(&share(*n, all), 8, colour));
    }
    out.push('\n');
}

fn share(n: u64, all: u64) -> String {
    format!("{:.1} %", 100.0 * n as f64 / all.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> LabelCounts {
        let mut counts = LabelCounts::default();
        counts.codes.insert((0, 0), [90, 8, 2]);
        counts.codes.insert((0, 2), [40, 9, 1]);
        counts.codes.insert((1, 1), [0, 100, 50]);
        counts
    }

    #[test]
    fn the_table_lines_up() {
        let model = Model::starter().unwrap();
        let plain = table(&counts(), &model, Style { is_coloured: false });
        let lines: Vec<&str> = plain.lines().collect();
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>(),
            [
                "realistic",
                "████████████████",
                "100",
                "66.7",
                "%",
                "90",
                "8",
                "2"
            ]
        );
        assert!(lines[3].contains("████████ ") && !lines[3].contains("█████████"));
        let widths: Vec<usize> = lines
            .iter()
            .filter(|l| !l.is_empty())
            .map(|l| l.chars().count())
            .collect();
        assert!(widths.iter().all(|w| *w == widths[0]), "{plain}");
    }

    #[test]
    fn colours_change_nothing_else() {
        let model = Model::starter().unwrap();
        let coloured = table(&counts(), &model, Style { is_coloured: true });
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(
            plain,
            table(&counts(), &model, Style { is_coloured: false })
        );
    }
}
