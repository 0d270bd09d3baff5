//! Charts as plain SVG. Horizontal positions are percentages and vertical positions are pixels, so
//! a chart fills the width of the page and its text never shrinks. Colours come from the styles of
//! the page; each series also has its own pattern.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::words::Words;
use crate::batch::{ModelScores, ReliabilityPoint, RiskPoint, Spike, Week};

/// Number of distinct series styles; further series repeat them.
pub(super) const SERIES: usize = 8;
/// Maximum label length in code points; a phone has room for it next to a number.
const LABEL: usize = 36;

/// A stacked bar.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) parts: Vec<u64>,
}

/// The accessible name and description of a chart.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    /// Unique on the page.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

fn shortened(label: &str) -> String {
    match label.char_indices().nth(LABEL) {
        Some((end, _)) => format!("{}…", label[..end].trim_end()),
        None => label.to_string(),
    }
}

fn open(named: &Named<'_>, height: f64, class: &str) -> String {
    let Named {
        id,
        title,
        description,
    } = named;
    format!(
        r#"<svg id="{id}" class="chart {class}" width="100%" height="{height}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
        escape(*title),
        escape(*description)
    )
}

/// A rectangle of a series: its colour, and its pattern over it.
fn block(out: &mut String, series: usize, place: &str) {
    let series = series % SERIES;
    let _ = write!(out, r#"<rect {place} class="seg s{series}"/>"#);
    if series > 0 {
        let _ = write!(out, r#"<rect {place} fill="url(#p{series})"/>"#);
    }
}

/// The patterns of all series; included once per page.
pub(super) fn patterns() -> String {
    let marks = [
        r#"<path d="M-2 2l4-4M0 8l8-8M6 10l4-4"/>"#,
        r#"<circle cx="2" cy="2" r="1.1" class="dot"/><circle cx="6" cy="6" r="1.1" class="dot"/>"#,
        r#"<path d="M0 4h8"/>"#,
        r#"<path d="M0 0l8 8M8 0l-8 8"/>"#,
        r#"<path d="M4 0v8"/>"#,
        r#"<path d="M-2 6l4 4M0 0l8 8M6-2l4 4"/>"#,
        r#"<path d="M4 0v8M0 4h8"/>"#,
    ];
    let mut out = String::from(
        r#"<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>"#,
    );
    for (i, mark) in marks.iter().enumerate() {
        let _ = write!(
            out,
            r#"<pattern id="p{}" width="8" height="8" patternUnits="userSpaceOnUse"><g class="mark">{mark}</g></pattern>"#,
            i + 1
        );
    }
    out.push_str("</defs></svg>");
    out
}

/// The legend square of a series.
pub(super) fn swatch(series: usize) -> String {
    let mut out = String::from(
        r#"<svg class="swatch" width="16" height="16" aria-hidden="true" focusable="false">"#,
    );
    block(&mut out, series, r#"x="0" y="0" width="16" height="16""#);
    out.push_str("</svg>");
    out
}

/// Bars below each other, each with its label above. The lengths are relative to the largest count.
/// With `fills`, all bars have full length and the parts are shares.
pub(super) fn stacked_bars(named: &Named<'_>, bars: &[Bar], fills: bool, words: &Words) -> String {
    const STEP: f64 = 42.0;
    let mut out = open(named, STEP * bars.len() as f64, "bars");
    let longest = bars
        .iter()
        .map(|b| b.parts.iter().sum::<u64>())
        .max()
        .unwrap_or(0);
    for (i, bar) in bars.iter().enumerate() {
        let (top, n) = (STEP * i as f64, bar.parts.iter().sum::<u64>());
        let _ = write!(
            out,
            r#"<text x="0" y="{}" class="label">{}</text><text x="100%" y="{}" class="count">{}</text>"#,
            top + 14.0,
            escape(shortened(&bar.label)),
            top + 14.0,
            words.number(n)
        );
        let whole = if fills { n } else { longest }.max(1) as f64;
        let mut left = 0.0;
        for (series, part) in bar.parts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let width = 100.0 * *part as f64 / whole;
            let place = format!(
                r#"x="{left:.3}%" y="{}" width="{width:.3}%" height="14""#,
                top + 21.0
            );
            block(&mut out, series, &place);
            left += width;
        }
    }
    out.push_str("</svg>");
    out
}

/// The maximum of an axis: a round number at or above `n`.
fn round_up(n: u64) -> u64 {
    let mut unit = 1;
    loop {
        for step in [1, 2, 4, 5, 8, 10] {
            if step * unit >= n.max(2) {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

/// Weeks as columns side by side; spikes are marked by a triangle.
pub(super) fn week_columns(
    named: &Named<'_>,
    weeks: &[Week],
    spikes: &[&Spike],
    first: usize,
    words: &Words,
) -> String {
    const TOP: f64 = 26.0;
    const PLOT: f64 = 190.0;
    const LEFT: f64 = 9.0;
    let mut out = open(named, TOP + PLOT + 28.0, "weeks");
    let highest = round_up(weeks.iter().map(|w| w.n).max().unwrap_or(0));
    for n in [0, highest / 2, highest] {
        let y = TOP + PLOT * (1.0 - n as f64 / highest as f64);
        let _ = write!(
            out,
            r#"<line x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}" class="grid"/><text x="0" y="{:.1}" class="tick">{}</text>"#,
            y - 4.0,
            words.number(n)
        );
    }
    let slot = (100.0 - LEFT) / weeks.len().max(1) as f64;
    // Limits the width of columns if there are few weeks.
    let width = (slot * 0.78).min(7.0);
    let labelled = weeks.len().div_ceil(4).max(1);
    for (i, week) in weeks.iter().enumerate() {
        let middle = LEFT + slot * (i as f64 + 0.5);
        let mut y = TOP + PLOT;
        for (series, n) in week.codes.iter().enumerate().filter(|(_, n)| **n > 0) {
            let height = PLOT * *n as f64 / highest as f64;
            y -= height;
            let place = format!(
                r#"x="{:.3}%" y="{y:.1}" width="{width:.3}%" height="{height:.1}""#,
                middle - width / 2.0
            );
            block(&mut out, series, &place);
        }
        if spikes.iter().any(|s| s.week == first + i) {
            let _ = write!(
                out,
                r#"<text x="{middle:.3}%" y="{:.1}" class="spike">▲</text>"#,
                y - 5.0
            );
        }
        // A label is about 60 pixels wide, a fifth of a phone's screen.
        if i % labelled == 0 && middle < 80.0 {
            let _ = write!(
                out,
                r#"<text x="{:.3}%" y="{}" class="tick">{}</text>"#,
                middle - width / 2.0,
                TOP + PLOT + 18.0,
                week.monday
            );
        }
    }
    out.push_str("</svg>");
    out
}

/// Height and top margin of the curves in pixels; left edge and width in per cent.
const CURVE: f64 = 220.0;
const CURVE_TOP: f64 = 22.0;
const CURVE_LEFT: f64 = 12.0;
const CURVE_WIDTH: f64 = 84.0;

fn across(share: f64) -> String {
    format!("{:.3}%", CURVE_LEFT + CURVE_WIDTH * share)
}

fn down(share: f64) -> String {
    format!("{:.1}", CURVE_TOP + CURVE * (1.0 - share))
}

/// Grid and labels of both axes; `highest` is the share at the top.
fn axes(out: &mut String, highest: f64, [across_name, down_name]: [&str; 2], words: &Words) {
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let label = |value: f64| format!("{} %", words.decimal(100.0 * value, 0));
        let _ = write!(
            out,
            r#"<line x1="{}" x2="{}" y1="{}" y2="{}" class="grid"/><text x="{}" y="{:.1}" class="tick end">{}</text><text x="{}" y="{:.1}" class="tick middle">{}</text>"#,
            across(0.0),
            across(1.0),
            down(share),
            down(share),
            across(-0.015),
            CURVE_TOP + CURVE * (1.0 - share) + 4.0,
            label(share * highest),
            across(share),
            CURVE_TOP + CURVE + 18.0,
            label(share)
        );
    }
    let _ = write!(
        out,
        r#"<text x="{}" y="{}" class="tick middle">{}</text><text x="0" y="11" class="tick">{}</text>"#,
        across(0.5),
        CURVE_TOP + CURVE + 36.0,
        escape(across_name),
        escape(down_name)
    );
}

/// Share of right statements by mean confidence, with intervals.
pub(super) fn reliability(named: &Named<'_>, points: &[ReliabilityPoint], words: &Words) -> String {
    let mut out = open(named, CURVE_TOP + CURVE + 44.0, "curve");
    let axis = ["probability", "right"].map(|key| words.fill(key, &[]));
    axes(&mut out, 1.0, [&axis[0], &axis[1]], words);
    let _ = write!(
        out,
        r#"<line x1="{}" y1="{}" x2="{}" y2="{}" class="ideal"/>"#,
        across(0.0),
        down(0.0),
        across(1.0),
        down(1.0)
    );
    for point in points {
        let x = across(point.confidence);
        if let Some([low, high]) = point.accuracy.interval {
            let _ = write!(
                out,
                r#"<line x1="{x}" x2="{x}" y1="{}" y2="{}" class="whisker"/>"#,
                down(low),
                down(high)
            );
        }
        if let Some(value) = point.accuracy.value {
            let _ = write!(
                out,
                r#"<circle cx="{x}" cy="{}" r="4.5" class="point"/>"#,
                down(value)
            );
        }
    }
    out.push_str("</svg>");
    out
}

/// The error rate by the share of statements kept.
pub(super) fn risk_coverage(named: &Named<'_>, points: &[RiskPoint], words: &Words) -> String {
    let mut out = open(named, CURVE_TOP + CURVE + 44.0, "curve");
    let axis = ["kept", "errors"].map(|key| words.fill(key, &[]));
    let highest = points.iter().map(|p| p.risk).fold(0.0, f64::max);
    // Rounded up to 4 %, so that the labels of the four steps are whole numbers.
    let top = ((highest * 25.0).ceil() / 25.0).max(0.04);
    axes(&mut out, top, [&axis[0], &axis[1]], words);
    for pair in points.windows(2) {
        let _ = write!(
            out,
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" class="line"/>"#,
            across(pair[0].coverage),
            down(pair[0].risk / top),
            across(pair[1].coverage),
            down(pair[1].risk / top)
        );
    }
    for point in points {
        let _ = write!(
            out,
            r#"<circle cx="{}" cy="{}" r="3" class="point"/>"#,
            across(point.coverage),
            down(point.risk / top)
        );
    }
    out.push_str("</svg>");
    out
}

/// Both curves of each variable.
pub(super) fn curves(scores: &ModelScores, words: &Words) -> Vec<[String; 2]> {
    let of_variable = |(i, v): (usize, &crate::batch::VariableScores)| {
        let text = |key: &str| words.fill(key, &[]);
        let titles = ["reliability", "risk"].map(|key| format!("{}: {}", text(key), v.id));
        let says = ["reliability_lead", "risk_lead"].map(|key| {
            let chart = text("chart_shows");
            format!("{} {chart}", text(key))
        });
        let ids = [format!("reliability-{i}"), format!("risk-{i}")];
        let named = |k: usize| Named {
            id: &ids[k],
            title: &titles[k],
            description: &says[k],
        };
        [
            reliability(&named(0), &v.calibration.reliability, words),
            risk_coverage(&named(1), &v.calibration.risk_coverage, words),
        ]
    };
    scores
        .variables
        .iter()
        .enumerate()
        .map(of_variable)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::words::Lang;

    #[test]
    fn labels_are_escaped_and_cut() {
        let bars = [Bar {
            label: format!("<script>{}", "x".repeat(100)),
            parts: vec![3, 0, 1],
        }];
        let named = Named {
            id: "c",
            title: "a & \"b\"",
            description: "d",
        };
        let svg = stacked_bars(&named, &bars, false, &Words::of(Lang::En));
        assert!(svg.contains("&lt;script&gt;xxx") && !svg.contains("<script"));
        assert!(svg.contains("a &amp; &quot;b&quot;") && svg.contains('…'));
        // Three of four and one of four; the empty series is left out.
        assert!(
            svg.contains(r#"x="0.000%" y="21" width="75.000%""#),
            "{svg}"
        );
        assert!(
            svg.contains(r#"x="75.000%" y="21" width="25.000%""#),
            "{svg}"
        );
        assert_eq!(svg.matches("seg s").count(), 2);
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0, 1, 3, 9, 11, 37, 41, 99, 101, 4500].map(round_up);
        assert_eq!(ends, [2, 2, 4, 10, 20, 40, 50, 100, 200, 5000]);
    }
}
