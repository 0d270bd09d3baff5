//! Ablations and learning curves, for people to read.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::style::{Style, interval, signed, value};
use super::table::{Align, Table};
use crate::evaluate::{Ablation, CurvePoint, LearningCurve};

/// For a terminal.
pub fn ablation_text(ablation: &Ablation) -> String {
    ablation_in(ablation, Style::Text)
}

/// For a repository, a step summary or a report.
pub fn ablation_markdown(ablation: &Ablation) -> String {
    let table = ablation_in(ablation, Style::Markdown);
    format!("# What each view is worth\n\n{table}")
}

fn ablation_in(ablation: &Ablation, style: Style) -> String {
    let mut out = format!(
        "{} statements of {}, out of fold; 95 % intervals of the difference from {} paired \
         bootstrap draws of {}.\n\n",
        ablation.statements,
        ablation.corpus,
        ablation.bootstrap.params.replicates,
        ablation.bootstrap.unit
    );
    let ids = ablation.rows.first().map(|row| &row.variables);
    for (position, variable) in ids.into_iter().flatten().enumerate() {
        let mut table = Table::new(&[
            (variable.id.as_str(), Align::Left),
            ("macro-F1", Align::Right),
            ("95 % interval", Align::Left),
            ("difference", Align::Right),
            ("95 % interval", Align::Left),
        ]);
        let all = &variable.macro_f1.a;
        table.row([
            "all views".to_string(),
            value(all),
            interval(all),
            String::new(),
            String::new(),
        ]);
        for row in &ablation.rows {
            let score = &row.variables[position].macro_f1;
            table.row([
                row.views.clone(),
                value(&score.b),
                interval(&score.b),
                signed(&score.difference),
                interval(&score.difference),
            ]);
        }
        out.push_str(&style.table(&table));
    }
    out
}

/// For a terminal.
pub fn curve_text(curve: &LearningCurve) -> String {
    curve_in(curve, Style::Text)
}

/// For a repository, a step summary or a report.
pub fn curve_markdown(curve: &LearningCurve) -> String {
    let table = curve_in(curve, Style::Markdown);
    format!("# Scores by number of coded statements\n\n{table}")
}

fn curve_in(curve: &LearningCurve, style: Style) -> String {
    let mut out = format!(
        "Macro-F1 on {} statements of {} held out; mean of {} draws, with the lowest and the \
         highest.\n\n",
        curve.held_out, curve.corpus, curve.draws
    );
    let mut header = vec![("statements", Align::Right), ("begun with", Align::Left)];
    for id in &curve.variables {
        header.extend([(id.as_str(), Align::Right), ("draws", Align::Left)]);
    }
    let mut table = Table::new(&header);
    for point in &curve.points {
        let from = match &curve.from {
            Some(model) if point.from => model.as_str(),
            _ => "nothing",
        };
        let mut cells = vec![point.size.to_string(), from.to_string()];
        for score in &point.macro_f1 {
            cells.extend([value(score), interval(score)]);
        }
        table.row(cells);
    }
    out.push_str(&style.table(&table));
    out
}

/// Width, height and margins of the plot, in pixels.
const SIZE: [f64; 2] = [640.0, 400.0];
const LEFT: f64 = 56.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 48.0;

/// Colours for colour-blind readers (Okabe and Ito 2008).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// The curve as an SVG picture: one line per variable, dashed if training started from a model.
pub fn curve_svg(curve: &LearningCurve) -> String {
    let [width, height] = SIZE;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="12">
<title>Macro-F1 by number of coded statements</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
"##
    );
    axes(&mut svg, curve);
    for (v, id) in curve.variables.iter().enumerate() {
        let colour = COLOURS[v % COLOURS.len()];
        for from in [false, true] {
            let points = curve.points.iter().filter(|p| p.from == from && p.size > 0);
            line(&mut svg, points, v, colour, from);
        }
        let y = TOP + 14.0 + 36.0 * v as f64;
        let x = width - RIGHT + 16.0;
        let _ = writeln!(
            svg,
            r#"<line x1="{x}" y1="{y}" x2="{}" y2="{y}" stroke="{colour}" stroke-width="2"/><text x="{}" y="{}">{}</text>"#,
            x + 24.0,
            x + 30.0,
            y + 4.0,
            escape(id)
        );
        if curve.from.is_some() {
            let y = y + 16.0;
            let _ = writeln!(
                svg,
                r#"<line x1="{x}" y1="{y}" x2="{}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="5 3"/><text x="{}" y="{}">from a model</text>"#,
                x + 24.0,
                x + 30.0,
                y + 4.0
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, curve: &LearningCurve) {
    let [width, height] = SIZE;
    for step in 0..=5 {
        let score = f64::from(step) * 0.2;
        let y = y_of(score);
        let _ = writeln!(
            svg,
            r##"<line x1="{LEFT}" y1="{y}" x2="{}" y2="{y}" stroke="#dddddd"/><text x="{}" y="{}" text-anchor="end">{score:.1}</text>"##,
            width - RIGHT,
            LEFT - 6.0,
            y + 4.0
        );
    }
    for point in curve.points.iter().filter(|p| !p.from && p.size > 0) {
        let x = x_of(point.size);
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"#,
            height - BOTTOM + 16.0,
            point.size
        );
    }
    let _ = writeln!(
        svg,
        r#"<text x="{}" y="{}" text-anchor="middle">coded statements (logarithmic)</text><text x="{LEFT}" y="{}" text-anchor="middle">macro-F1</text>"#,
        f64::midpoint(LEFT, width - RIGHT),
        height - 10.0,
        TOP - 8.0
    );
}

fn line<'a>(
    svg: &mut String,
    points: impl Iterator<Item = &'a CurvePoint>,
    variable: usize,
    colour: &str,
    dashed: bool,
) {
    let mut path = String::new();
    for point in points {
        let score = &point.macro_f1[variable];
        let (Some(mean), x) = (score.value, x_of(point.size)) else {
            continue;
        };
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.1} {:.1} ", y_of(mean));
        let _ = writeln!(
            svg,
            r#"<circle cx="{x:.1}" cy="{:.1}" r="3.5" fill="{colour}"/>"#,
            y_of(mean)
        );
        if let Some([low, high]) = score.interval {
            let _ = writeln!(
                svg,
                r#"<line x1="{x:.1}" y1="{:.1}" x2="{x:.1}" y2="{:.1}" stroke="{colour}"/>"#,
                y_of(low),
                y_of(high)
            );
        }
    }
    let dash = if dashed {
        r#" stroke-dasharray="5 3""#
    } else {
        ""
    };
    let _ = writeln!(
        svg,
        r#"<path d="{}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>"#,
        path.trim_end()
    );
}

fn x_of(size: usize) -> f64 {
    let share = (size as f64 / 50.0).ln() / 20.0f64.ln();
    LEFT + 20.0 + share * (SIZE[0] - LEFT - RIGHT - 40.0)
}

fn y_of(score: f64) -> f64 {
    TOP + (1.0 - score) * (SIZE[1] - TOP - BOTTOM)
}
