//! A report in the form that its page needs: names, orders and drawings are computed, so that
//! templates only place them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use minijinja::Value;
use serde::Serialize;

use super::charts::{self, Bar, Named};
use super::methods::{Methods, methods};
use super::words::Words;
use crate::batch::{BatchReport, Breakdown, BreakdownValue, ByColumn, Spike, VariableReport};
use crate::codebook::Role;

/// Maximum number of weeks that are drawn and listed.
const DRAWN_WEEKS: usize = 52;

#[derive(Serialize)]
pub(super) struct View {
    /// The labelled file name without its folder.
    file: String,
    sections: Vec<&'static str>,
    tiles: Vec<Tile>,
    /// The codes of the first variable.
    legend: Vec<LegendItem>,
    mix: Mix,
    weeks: Option<WeeksView>,
    breakdowns: Vec<BreakdownView>,
    variable_names: BTreeMap<String, String>,
    code_names: BTreeMap<String, BTreeMap<String, String>>,
    vent_name: String,
    methods: Methods,
    audit: Vec<AuditLine>,
    files: Vec<FileLine>,
    word_min: Option<u32>,
}

#[derive(Serialize)]
struct Tile {
    value: String,
    name: String,
    note: String,
}

#[derive(Serialize)]
struct LegendItem {
    swatch: Value,
    name: String,
}

#[derive(Serialize)]
struct Mix {
    is_crossed: bool,
    rows_name: String,
    columns_name: String,
    chart: Value,
    rows: Vec<Row>,
}

/// A row of counts; `parts` are by code of the first variable, or by column of a table.
#[derive(Serialize)]
struct Row {
    name: String,
    n: u64,
    coded: u64,
    share: f64,
    parts: Vec<u64>,
}

#[derive(Serialize)]
struct WeeksView {
    chart: Value,
    rows: Vec<WeekRow>,
    spikes: Vec<String>,
}

#[derive(Serialize)]
struct WeekRow {
    monday: String,
    n: u64,
    codes: Vec<u64>,
    flags: String,
}

#[derive(Serialize)]
struct BreakdownView {
    heading: String,
    column: String,
    named: usize,
    chart: Value,
    rows: Vec<Row>,
    crossed: Vec<CrossedView>,
}

#[derive(Serialize)]
struct CrossedView {
    name: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct AuditLine {
    name: String,
    kind: String,
    coded: Vec<String>,
}

#[derive(Serialize)]
struct FileLine {
    name: String,
    kind: String,
    sha256: Option<String>,
}

impl View {
    /// `word_min` is the minimum number of occurrences in training for a word to be a feature, if
    /// the model is known.
    pub(super) fn of(report: &BatchReport, words: &Words, word_min: Option<u32>) -> Self {
        let viewer = Viewer { report, words };
        let names = |v: &VariableReport| {
            let codes = v.codes.iter().map(|c| (c.id.clone(), c.name.clone()));
            (v.id.clone(), codes.collect())
        };
        let vents = report.variables.iter().flat_map(|v| &v.codes);
        let vents = vents.filter(|c| c.role == Some(Role::Vents));
        let vents: Vec<&str> = vents.map(|c| c.name.as_str()).collect();
        let file = report.files.first().map_or("", |f| f.name.as_str());
        Self {
            file: file.rsplit(['/', '\\']).next().unwrap_or(file).to_string(),
            sections: viewer.sections(),
            tiles: viewer.tiles(),
            legend: viewer.legend(),
            mix: viewer.mix(),
            weeks: viewer.weeks(),
            breakdowns: report
                .breakdowns
                .iter()
                .enumerate()
                .map(|(i, b)| viewer.breakdown(i, b))
                .collect(),
            variable_names: report
                .variables
                .iter()
                .map(|v| (v.id.clone(), v.name.clone()))
                .collect(),
            code_names: report.variables.iter().map(names).collect(),
            vent_name: vents.join(", "),
            methods: methods(report, words),
            audit: viewer.audit(),
            files: viewer.files(),
            word_min,
        }
    }
}

struct Viewer<'a> {
    report: &'a BatchReport,
    words: &'a Words,
}

fn drawn(svg: String) -> Value {
    Value::from_safe_string(svg)
}

impl Viewer<'_> {
    fn text(&self, key: &str) -> String {
        self.words.fill(key, &[])
    }

    fn first(&self) -> &VariableReport {
        &self.report.variables[0]
    }

    fn sections(&self) -> Vec<&'static str> {
        let r = self.report;
        let has = [
            ("overview", true),
            ("mix", true),
            ("weeks", r.weeks.is_some()),
            ("triage", r.triage.is_routed || r.triage.knows_acts),
            ("vented", r.triage.vented.is_some()),
            ("unsure", true),
            ("codes", true),
            ("methods", true),
            ("audit", true),
            ("scores", r.scores.is_some()),
            ("drift", r.drift.is_some()),
        ];
        has.into_iter()
            .filter(|(_, is_there)| *is_there)
            .map(|(name, _)| name)
            .collect()
    }

    fn tiles(&self) -> Vec<Tile> {
        let (r, words) = (self.report, self.words);
        let number = |n: u64| words.number(n);
        let mut note = words.fill(
            "coded_rows_note",
            &[
                ("read", &number(r.rows.read)),
                ("blank", &number(r.rows.blank)),
                ("left_out", &number(r.rows.left_out)),
            ],
        );
        if let Some(copies) = r.rows.copies.filter(|n| *n > 0) {
            note = format!(
                "{note}. {}",
                words.fill("copies_note", &[("n", &number(copies))])
            );
        }
        let mut tiles = vec![Tile {
            value: number(r.rows.coded),
            name: self.text("coded_rows"),
            note,
        }];
        tiles.extend(self.share_tile());
        let first = self.first();
        let [auto, review, abstain] = first.decisions;
        let all = auto + review + abstain;
        if all > 0 {
            tiles.push(Tile {
                value: words.part(auto, all),
                name: words.fill("decided", &[("variable", &first.name)]),
                note: words.fill(
                    "decided_note",
                    &[
                        ("review", &words.part(review, all)),
                        ("abstain", &words.part(abstain, all)),
                    ],
                ),
            });
        }
        if r.triage.is_routed {
            let triage = &r.triage;
            let named = || triage.queues.iter().filter(|q| q.queue.is_some());
            let rest = triage
                .queues
                .iter()
                .filter(|q| q.queue.is_none())
                .map(|q| q.rows)
                .sum();
            tiles.push(Tile {
                value: number(named().map(|q| q.rows).sum()),
                name: self.text("queued"),
                note: words.fill(
                    "queued_note",
                    &[
                        ("groups", &number(named().map(|q| q.groups).sum())),
                        ("rest", &number(rest)),
                    ],
                ),
            });
        }
        tiles
    }

    /// The share of the first code of the first variable; in the shipped codebook, statements that
    /// can be acted on.
    fn share_tile(&self) -> Option<Tile> {
        let (first, words) = (self.first(), self.words);
        let code = first.codes.first()?;
        let name = words.fill("share_of", &[("code", &code.name)]);
        let corrected = self.report.prevalence.as_ref().and_then(|p| {
            let of_variable = p.variables.iter().find(|v| v.id == first.id)?;
            let found = of_variable
                .overall
                .codes
                .iter()
                .find(|c| c.code == code.id)?;
            Some((of_variable.overall.sample, found.estimate.clone()))
        });
        if let Some((n, estimate)) = corrected
            && let (Some(value), Some([low, high])) = (estimate.value, estimate.interval)
        {
            let [low, high] = [low, high].map(|end| words.percent(end));
            let interval = format!("{low} {} {high}", self.text("to"));
            return Some(Tile {
                value: words.percent(value),
                name,
                note: words.fill(
                    "share_corrected",
                    &[("interval", &interval), ("n", &words.number(n))],
                ),
            });
        }
        Some(Tile {
            value: words.percent(code.share?),
            name,
            note: self.text("share_counted"),
        })
    }

    fn legend(&self) -> Vec<LegendItem> {
        let item = |(series, name): (usize, String)| LegendItem {
            swatch: drawn(charts::swatch(series)),
            name,
        };
        self.first()
            .codes
            .iter()
            .map(|c| c.name.clone())
            .enumerate()
            .map(item)
            .collect()
    }

    /// The last variable by the first, or the only variable alone; most frequent first.
    fn mix(&self) -> Mix {
        let r = self.report;
        let counts: Vec<Vec<u64>> = match &r.crossing {
            Some(crossing) => crossing.counts.clone(),
            None => self.first().codes.iter().map(|c| vec![c.n]).collect(),
        };
        let of_rows = r
            .crossing
            .as_ref()
            .map_or(self.first(), |c| &r.variables[c.rows]);
        let all: u64 = counts.iter().flatten().sum();
        let lines = of_rows.codes.iter().zip(counts);
        let mut rows: Vec<Row> = lines
            .map(|(c, parts)| row(c.name.clone(), parts, all))
            .collect();
        rows.retain(|row| row.n > 0);
        rows.sort_by_key(|row| Reverse(row.n));
        let title = self.text("h_mix");
        let chart = self.text("chart_shows");
        Mix {
            is_crossed: r.crossing.is_some(),
            rows_name: of_rows.name.clone(),
            columns_name: self.first().name.clone(),
            chart: drawn(charts::stacked_bars(
                &chart_named("chart-mix", &title, &chart),
                &bars(&rows),
                false,
                self.words,
            )),
            rows,
        }
    }

    fn weeks(&self) -> Option<WeeksView> {
        let weeks = self.report.weeks.as_ref()?;
        let first = weeks.weeks.len().saturating_sub(DRAWN_WEEKS);
        let shown = &weeks.weeks[first..];
        let spikes: Vec<&Spike> = weeks.spikes.iter().filter(|s| s.week >= first).collect();
        let code = |s: &Spike| match s.code {
            None => self.text("all"),
            Some(code) => self.first().codes[code].name.clone(),
        };
        let flags = |week: usize| {
            let of_week = spikes.iter().filter(|s| s.week == week);
            of_week.map(|s| code(s)).collect::<Vec<_>>().join(", ")
        };
        let rows = shown.iter().enumerate().map(|(i, week)| WeekRow {
            monday: week.monday.clone(),
            n: week.n,
            codes: week.codes.clone(),
            flags: flags(first + i),
        });
        let line = |s: &&Spike| {
            self.words.fill(
                "spike_line",
                &[
                    ("week", &s.monday),
                    ("n", &self.words.number(s.n)),
                    ("code", &code(s)),
                    ("usual", &self.words.decimal(s.usual, 1)),
                ],
            )
        };
        let (title, chart) = (self.text("h_weeks"), self.text("chart_shows"));
        Some(WeeksView {
            rows: rows.collect(),
            spikes: spikes.iter().map(line).collect(),
            chart: drawn(charts::week_columns(
                &chart_named("chart-weeks", &title, &chart),
                shown,
                &spikes,
                first,
                self.words,
            )),
        })
    }

    fn breakdown(&self, position: usize, breakdown: &Breakdown) -> BreakdownView {
        let words = self.words;
        let kind = match breakdown.kind {
            ByColumn::Source => "by_kind_source",
            ByColumn::Channel => "by_kind_channel",
            ByColumn::Role => "by_kind_role",
            ByColumn::Speaker => "by_kind_speaker",
            ByColumn::Other => "by_kind_other",
        };
        let kind = words.fill(kind, &[("column", &breakdown.column)]);
        let others = breakdown.others.as_ref().map(|o| {
            let n = words.number(breakdown.other_values as u64);
            (words.fill("others", &[("n", &n)]), o)
        });
        let value = |v: &BreakdownValue| match v.value.as_str() {
            "" => self.text("blank"),
            value => value.to_string(),
        };
        let named: Vec<(String, &BreakdownValue)> = breakdown
            .values
            .iter()
            .map(|v| (value(v), v))
            .chain(others)
            .collect();
        let all = named.iter().map(|(_, v)| v.n).sum();
        let rows: Vec<Row> = named
            .iter()
            .map(|(name, v)| Row {
                n: v.n,
                ..row(name.clone(), v.codes[0].clone(), all)
            })
            .collect();
        let is_whose = matches!(
            breakdown.kind,
            ByColumn::Role | ByColumn::Speaker | ByColumn::Other
        );
        let further = self.report.variables.iter().enumerate().skip(1);
        let crossed = further
            .filter(|_| is_whose)
            .map(|(v, variable)| CrossedView {
                name: variable.name.clone(),
                rows: crossed_rows(variable, v, &named),
            });
        let heading = words.fill("h_by", &[("column", &kind)]);
        let id = format!("chart-by-{position}");
        let chart = self.text("chart_shows");
        BreakdownView {
            column: breakdown.column.clone(),
            named: breakdown.values.len(),
            chart: drawn(charts::stacked_bars(
                &chart_named(&id, &heading, &chart),
                &bars(&rows),
                true,
                words,
            )),
            crossed: crossed.collect(),
            heading,
            rows,
        }
    }

    fn audit(&self) -> Vec<AuditLine> {
        let (r, words) = (self.report, self.words);
        let mut lines = Vec::new();
        let blank = |_: &VariableReport| String::new();
        let sole = r.models.len() == 1;
        for (model, n) in &r.models {
            let name = if model.is_empty() {
                self.text("audit_unnamed")
            } else {
                model.clone()
            };
            // Rows of several models are not separated by variable.
            let coded = r
                .variables
                .iter()
                .map(|v| words.number(if sole { v.coded } else { *n }));
            lines.push(AuditLine {
                name,
                kind: self.text("audit_model"),
                coded: coded.collect(),
            });
        }
        for (position, coder) in r.agreement.iter().flat_map(|a| a.coders.iter().enumerate()) {
            let of = |v: &VariableReport| {
                let found = r
                    .agreement
                    .as_ref()
                    .and_then(|a| a.variables.iter().find(|x| x.id == v.id));
                found.map_or_else(|| blank(v), |x| words.number(x.coded[position]))
            };
            let kind = if coder.is_model {
                "audit_model"
            } else {
                "audit_person"
            };
            lines.push(AuditLine {
                name: coder.name.clone(),
                kind: self.text(kind),
                coded: r.variables.iter().map(of).collect(),
            });
        }
        if let (Some(coded), Some(prevalence)) = (&r.gold_coded, &r.prevalence) {
            lines.push(AuditLine {
                name: prevalence.gold.clone(),
                kind: self.text("audit_gold"),
                coded: coded.iter().map(|n| words.number(*n)).collect(),
            });
        }
        lines
    }

    fn files(&self) -> Vec<FileLine> {
        let r = self.report;
        let line = |file: &crate::batch::SourceFile| FileLine {
            name: file.name.clone(),
            kind: self.text(&format!("file_{}", file.kind)),
            sha256: file.sha256.clone(),
        };
        let codebook = FileLine {
            name: format!("{} {}", r.codebook.id, r.codebook.version),
            kind: self.text("file_codebook"),
            sha256: Some(r.codebook.sha256.clone()),
        };
        let files = r.files.iter().chain(&r.routes).map(line);
        files.chain(std::iter::once(codebook)).collect()
    }
}

fn row(name: String, parts: Vec<u64>, all: u64) -> Row {
    let n = parts.iter().sum();
    Row {
        name,
        n,
        coded: n,
        share: n as f64 / all.max(1) as f64,
        parts,
    }
}

fn bars(rows: &[Row]) -> Vec<Bar> {
    let bar = |row: &Row| Bar {
        label: row.name.clone(),
        parts: row.parts.clone(),
    };
    rows.iter().map(bar).collect()
}

/// One line per code, one column per value.
fn crossed_rows(
    variable: &VariableReport,
    position: usize,
    values: &[(String, &BreakdownValue)],
) -> Vec<Row> {
    let line = |(code, named): (usize, &crate::batch::CodeReport)| {
        let parts = values
            .iter()
            .map(|(_, v)| v.codes[position][code])
            .collect();
        row(named.name.clone(), parts, variable.coded)
    };
    variable.codes.iter().enumerate().map(line).collect()
}

fn chart_named<'n>(id: &'n str, title: &'n str, description: &'n str) -> Named<'n> {
    Named {
        id,
        title,
        description,
    }
}
