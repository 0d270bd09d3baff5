//! A rule of a gate file: a score, its statements and its bounds.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Smaller differences are rounding errors.
pub(super) const ROUNDING: f64 = 1e-12;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) name: Option<String>,
    pub(super) variable: String,
    pub(super) score: ScoreName,
    code: Option<String>,
    language: Option<String>,
    source: Option<String>,
    length: Option<String>,
    /// Another variable and a code: selects the statements with this gold code.
    #[serde(default, rename = "where")]
    having: BTreeMap<String, String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    max_drop: Option<f64>,
    max_relative_drop: Option<f64>,
    pub(super) min_support: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScoreName {
    MacroF1,
    Accuracy,
    Alpha,
    Precision,
    Recall,
    F1,
    Ece,
    Brier,
    LogLoss,
    Aurc,
    AutoError,
}

impl ScoreName {
    fn as_str(self) -> &'static str {
        match self {
            Self::MacroF1 => "macro_f1",
            Self::Accuracy => "accuracy",
            Self::Alpha => "alpha",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::Ece => "ece",
            Self::Brier => "brier",
            Self::LogLoss => "log_loss",
            Self::Aurc => "aurc",
            Self::AutoError => "auto_error",
        }
    }

    fn is_of_code(self) -> bool {
        matches!(self, Self::Precision | Self::Recall | Self::F1)
    }

    /// Whether the score should be low; such scores exist only for all statements.
    pub(super) fn is_error(self) -> bool {
        matches!(
            self,
            Self::Ece | Self::Brier | Self::LogLoss | Self::Aurc | Self::AutoError
        )
    }
}

/// A score from the JSON form of an evaluation.
pub(super) struct Found {
    pub(super) value: f64,
    /// The worse end of the interval.
    pub(super) end: f64,
    pub(super) support: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    AtLeast,
    AtMost,
    Drop,
    RelativeDrop,
}

impl Bound {
    pub(super) fn words(self, is_error: bool) -> String {
        let drop = if is_error { "rise" } else { "drop" };
        match self {
            Self::AtLeast => "at least".into(),
            Self::AtMost => "at most".into(),
            Self::Drop => format!("{drop} of at most"),
            Self::RelativeDrop => format!("relative {drop} of at most"),
        }
    }

    pub(super) fn holds(self, judged: f64, at: f64) -> bool {
        match self {
            Self::AtLeast => judged >= at - ROUNDING,
            Self::AtMost | Self::Drop | Self::RelativeDrop => judged <= at + ROUNDING,
        }
    }
}

impl RuleFile {
    /// Refuses rules that contradict themselves.
    pub(super) fn check(&self, has_baseline: bool) -> Result<(), String> {
        let score = self.score.as_str();
        let slices = [&self.language, &self.source, &self.length];
        let named = slices.iter().filter(|s| s.is_some()).count() + self.having.len();
        let bounds = self.bounds();
        let is_drop = self.max_drop.is_some() || self.max_relative_drop.is_some();
        if bounds.is_empty() {
            return Err("name a bound: at_least, at_most, max_drop or max_relative_drop".into());
        }
        if bounds.iter().any(|(_, at)| !at.is_finite()) {
            return Err("a bound must be a number".into());
        }
        if self.score.is_of_code() != self.code.is_some() {
            let word = if self.code.is_some() { "is not" } else { "is" };
            return Err(format!("{score} {word} the score of a single `code`"));
        }
        if named > 1 {
            return Err(
                "name one of language, source, length and where (with one variable)".into(),
            );
        }
        if self.having.contains_key(&self.variable) {
            return Err("`where` is for another variable; use `code` for this one".into());
        }
        if self.score.is_error() && named > 0 {
            return Err(format!("{score} is measured on all statements only"));
        }
        if self.score.is_error() && self.at_least.is_some() {
            return Err(format!("{score} should be low: use at_most"));
        }
        if !self.score.is_error() && self.at_most.is_some() {
            return Err(format!("{score} should be high: use at_least"));
        }
        if is_drop && !has_baseline {
            return Err("a drop needs a [baseline]".into());
        }
        Ok(())
    }

    pub(super) fn bounds(&self) -> Vec<(Bound, f64)> {
        let all = [
            (Bound::AtLeast, self.at_least),
            (Bound::AtMost, self.at_most),
            (Bound::Drop, self.max_drop),
            (Bound::RelativeDrop, self.max_relative_drop),
        ];
        all.into_iter()
            .filter_map(|(bound, at)| Some((bound, at?)))
            .collect()
    }

    /// Describes the subject of the rule in words.
    pub(super) fn about(&self) -> String {
        let mut about = format!("{} {}", self.variable, self.score.as_str());
        for part in [&self.code, &self.language, &self.source] {
            about.extend(part.iter().map(|part| format!(", {part}")));
        }
        about.extend(
            self.length
                .iter()
                .map(|length| format!(", {length} statements")),
        );
        let having = self.having.iter();
        about.extend(having.map(|(variable, code)| format!(", {variable} {code}")));
        about
    }

    /// The scores of the rule's slice, or of all statements.
    fn slice<'a>(&self, variable: &'a Value) -> Result<&'a Value, String> {
        let named = [
            ("by_language", &self.language),
            ("by_source", &self.source),
            ("by_length", &self.length),
        ];
        let mut slices = named.iter().filter_map(|(key, name)| {
            let name = name.as_ref()?;
            Some((variable.get(key), &key[3..], name))
        });
        let mut having = self.having.iter().map(|(other, code)| {
            let by_variable = variable.get("by_variable");
            (by_variable.and_then(|v| v.get(other)), other.as_str(), code)
        });
        match slices.next().or_else(|| having.next()) {
            None => variable.get("overall").ok_or_else(|| "no scores".into()),
            Some((slices, what, name)) => slices
                .and_then(|slices| slices.get(name))
                .ok_or_else(|| format!("no statement has {what} {name:?}")),
        }
    }

    /// The score in the JSON form of an evaluation.
    pub(super) fn find(&self, evaluation: &Value) -> Result<Found, String> {
        let variable = entry(evaluation, "variables", "id", &self.variable)
            .ok_or_else(|| format!("no variable {:?}", self.variable))?;
        let scores = self.slice(variable)?;
        let all = scores.get("n");
        let (score, support) = match (&self.code, self.score) {
            (Some(code), _) => {
                let code = entry(scores, "by_code", "code", code)
                    .ok_or_else(|| format!("no code {code:?}"))?;
                (code.get(self.score.as_str()), code.get("support"))
            }
            (None, ScoreName::AutoError) => {
                let auto = entry(variable, "decisions", "decision", "auto");
                let auto = auto.ok_or("no decisions")?;
                (auto.get("error_rate"), auto.get("n"))
            }
            (None, score) if score.is_error() => {
                let calibration = variable.get("calibration");
                (calibration.and_then(|c| c.get(score.as_str())), all)
            }
            (None, score) => (scores.get(score.as_str()), all),
        };
        let score = score.ok_or_else(|| format!("no score {}", self.score.as_str()))?;
        let number = |pointer: &str| score.pointer(pointer).and_then(Value::as_f64);
        let end = if self.score.is_error() {
            "/interval/1"
        } else {
            "/interval/0"
        };
        let reason = || {
            let reason = score.get("reason").and_then(Value::as_str);
            reason.unwrap_or("it has no interval").to_string()
        };
        Ok(Found {
            value: number("/value").ok_or_else(reason)?,
            end: number(end).ok_or_else(reason)?,
            support: support.and_then(Value::as_u64).ok_or("no support")?,
        })
    }
}

/// The object in a list whose `key` is `name`.
fn entry<'a>(of: &'a Value, list: &str, key: &str, name: &str) -> Option<&'a Value> {
    let list = of.get(list)?.as_array()?;
    list.iter()
        .find(|o| o.get(key).and_then(Value::as_str) == Some(name))
}
