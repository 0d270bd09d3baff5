//! Reports and evaluations as pages. Templates are filled with the numbers; the texts are in one
//! file per language. Templates in a folder can replace the built-in ones one by one.

mod charts;
mod methods;
mod view;
mod words;

use std::fs;
use std::path::Path;

use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, context};

use crate::batch::{BatchReport, ModelScores, TopWords};
use crate::error::{Error, Result};

use view::View;
pub use words::Lang;
use words::Words;

/// The built-in templates.
const TEMPLATES: [(&str, &str); 7] = [
    ("base.html", include_str!("templates/base.html")),
    ("evaluation.html", include_str!("templates/evaluation.html")),
    ("macros.html", include_str!("templates/macros.html")),
    ("report.html", include_str!("templates/report.html")),
    ("report.md", include_str!("templates/report.md")),
    ("scores.html", include_str!("templates/scores.html")),
    ("style.css", include_str!("templates/style.css")),
];
/// The escaping of strings in Markdown templates.
const MARKDOWN: AutoEscape = AutoEscape::Custom(std::borrow::Cow::Borrowed("markdown"));

/// Renders pages in one language.
pub struct Pages {
    environment: Environment<'static>,
    words: Words,
    word_min: Option<u32>,
}

impl Pages {
    /// Uses the built-in templates; templates with the same name in `folder` replace them.
    ///
    /// Fails if a template can't be parsed, or if the folder contains none.
    pub fn new(lang: Lang, folder: Option<&Path>) -> Result<Self> {
        let words = Words::of(lang);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(escaping);
        environment.set_formatter(formatted);
        add_functions(&mut environment, &words);
        let mut replaced = 0;
        for (name, built_in) in TEMPLATES {
            let own = folder
                .map(|folder| folder.join(name))
                .filter(|path| path.is_file());
            let source = match &own {
                Some(path) => fs::read_to_string(path).map_err(|e| Error::read(path, e))?,
                None => built_in.to_string(),
            };
            replaced += usize::from(own.is_some());
            environment
                .add_template_owned(name, source)
                .map_err(|e| faulty(&e))?;
        }
        if let (Some(folder), 0) = (folder, replaced) {
            let names: Vec<&str> = TEMPLATES.iter().map(|(name, _)| *name).collect();
            return Err(Error::Template {
                name: folder.display().to_string(),
                reason: format!("the folder contains none of {}", names.join(", ")),
            });
        }
        Ok(Self {
            environment,
            words,
            word_min: None,
        })
    }

    /// Sets the minimum number of occurrences in training for a word to be known.
    #[must_use]
    pub fn knowing_words_from(mut self, word_min: u32) -> Self {
        self.word_min = Some(word_min);
        self
    }

    /// A report as one HTML file.
    pub fn report_html(&self, report: &BatchReport) -> Result<String> {
        self.report(report, "report.html")
    }

    /// A report in Markdown.
    pub fn report_markdown(&self, report: &BatchReport) -> Result<String> {
        // Template blocks leave blank lines behind.
        Ok(without_gaps(&self.report(report, "report.md")?))
    }

    fn report(&self, report: &BatchReport, template: &str) -> Result<String> {
        let view = View::of(report, &self.words, self.word_min);
        let scores = report.scores.as_ref();
        let curves = scores.map(|scores| charts::curves(scores, &self.words));
        self.render(
            template,
            context! {
                r => Serde(report),
                v => Serde(&view),
                curves => drawn(curves.unwrap_or_default()),
                top_words => Value::from(()),
            },
        )
    }

    /// An evaluation as one HTML file, with the strongest words of the model.
    pub fn evaluation_html(&self, scores: &ModelScores, top_words: &[TopWords]) -> Result<String> {
        self.render(
            "evaluation.html",
            context! {
                s => Serde(scores),
                curves => drawn(charts::curves(scores, &self.words)),
                top_words => Serde(top_words),
            },
        )
    }

    fn render(&self, template: &str, values: Value) -> Result<String> {
        let page = context! {
            lang => self.words.lang.code(),
            version => env!("CARGO_PKG_VERSION"),
            patterns => Value::from_safe_string(charts::patterns()),
            ..values
        };
        let template = self.environment.get_template(template);
        template
            .and_then(|t| t.render(page))
            .map_err(|e| faulty(&e))
    }
}

fn drawn(curves: Vec<[String; 2]>) -> Value {
    let pair = |pair: [String; 2]| Value::from(pair.map(Value::from_safe_string).to_vec());
    Value::from(curves.into_iter().map(pair).collect::<Vec<_>>())
}

fn faulty(error: &minijinja::Error) -> Error {
    let line = error
        .line()
        .map_or(String::new(), |line| format!(":{line}"));
    let reason = error
        .detail()
        .map_or_else(|| error.kind().to_string(), String::from);
    Error::Template {
        name: format!("{}{line}", error.name().unwrap_or("?")),
        reason,
    }
}

fn escaping(name: &str) -> AutoEscape {
    match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "md")) => MARKDOWN,
        _ => AutoEscape::None,
    }
}

fn formatted(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    if *state.auto_escape() != MARKDOWN {
        return minijinja::escape_formatter(out, state, value);
    }
    match value.as_str() {
        Some(text) if !value.is_safe() => out.write_str(&markdown(text))?,
        _ => write!(out, "{value}")?,
    }
    Ok(())
}

/// Escapes text for Markdown: no HTML, no markup, no table cells, no line breaks.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Allows at most one empty line in a row, and none inside a table or list.
fn without_gaps(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut was_blank = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && was_blank {
            continue;
        }
        was_blank = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn add_functions(environment: &mut Environment<'static>, words: &Words) {
    let texts = words.clone();
    let text = move |key: &str, values: Kwargs| -> Result<String, minijinja::Error> {
        if texts.get(key).is_none() {
            let reason = format!("there is no text {key:?}");
            return Err(minijinja::Error::new(
                minijinja::ErrorKind::InvalidOperation,
                reason,
            ));
        }
        let names: Vec<String> = values.args().map(String::from).collect();
        let mut filled = Vec::with_capacity(names.len());
        for name in &names {
            filled.push((name.as_str(), values.get::<Value>(name)?.to_string()));
        }
        let pairs: Vec<(&str, &str)> = filled.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Ok(texts.fill(key, &pairs))
    };
    environment.add_function("t", text);
    let numbers = words.clone();
    environment.add_filter("n", move |n: u64| numbers.number(n));
    let shares = words.clone();
    environment.add_filter("pct", move |share: f64| shares.percent(share));
    let parts = words.clone();
    environment.add_filter("part", move |part: u64, whole: u64| parts.part(part, whole));
    for decimals in 1..=3 {
        let words = words.clone();
        let decimal = move |value: f64| words.decimal(value, decimals);
        environment.add_filter(format!("f{decimals}"), decimal);
    }
    // A reason without a translation stays as in the evaluation.
    let reasons = words.clone();
    environment.add_filter("reason", move |reason: &str| {
        reasons
            .get(reason)
            .map_or_else(|| reason.to_string(), String::from)
    });
    let languages = words.clone();
    environment.add_filter("language", move |code: &str| {
        let key = format!(
            "{}_language",
            if code.is_empty() { "unknown" } else { code }
        );
        languages
            .get(&key)
            .map_or_else(|| code.to_string(), String::from)
    });
}
