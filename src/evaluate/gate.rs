//! Whether a model is good enough to ship: floors and largest drops, judged on intervals.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

use super::Evaluation;
use crate::codebook::{Hash, line_of, syntax_error};
use crate::error::{Error, Location, Result};

/// The version of the gate format that this build reads.
const SCHEMA_VERSION: u32 = 1;
/// Fewest statements that a score is judged on, unless the gate says otherwise.
const MIN_SUPPORT: u64 = 30;
/// Differences below it are rounding.
const ROUNDING: f64 = 1e-12;

/// Requirements that an evaluation must meet.
///
/// A score is judged by the worse end of its 95 % interval: the lower end of one that should be
/// high, the upper end of one that should be low. A drop is that end's in the baseline less that
/// end's now, so that both carry the same margin. What has no interval, too little support or no
/// slice of that name can't be measured, and that is never a pass.
#[derive(Debug, Clone)]
pub struct Gate {
    name: String,
    hash: String,
    min_support: u64,
    baseline: Option<Baseline>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Baseline {
    file: BaselineFile,
    evaluation: Value,
}

#[derive(Debug, Clone)]
struct Rule {
    line: u64,
    file: RuleFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GateFile {
    schema_version: u32,
    #[serde(default = "min_support")]
    min_support: u64,
    baseline: Option<BaselineFile>,
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RuleFile>>,
}

fn min_support() -> u64 {
    MIN_SUPPORT
}

/// An evaluation that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// The JSON form of an evaluation, by its place from the gate file.
    pub file: String,
    /// SHA-256 of that file.
    pub sha256: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    name: Option<String>,
    variable: String,
    score: ScoreName,
    code: Option<String>,
    language: Option<String>,
    source: Option<String>,
    length: Option<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    max_drop: Option<f64>,
    max_relative_drop: Option<f64>,
    min_support: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScoreName {
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

    /// Whether it should be low; such scores are of the whole only.
    fn is_error(self) -> bool {
        matches!(
            self,
            Self::Ece | Self::Brier | Self::LogLoss | Self::Aurc | Self::AutoError
        )
    }
}

/// What a gate says of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Always `konflik/gate`.
    pub schema: &'static str,
    /// Version of this form.
    pub schema_version: u32,
    /// The gate file.
    pub gate: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// The evaluation that drops are measured from.
    pub baseline: Option<BaselineFile>,
    /// Missed if a check is; else not measured if a check could not be; else passed.
    pub outcome: GateOutcome,
    /// One per requirement.
    pub checks: Vec<Check>,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// It is.
    Passed,
    /// It is not.
    Missed,
    /// It can't be told.
    NotMeasured,
}

impl GateOutcome {
    /// The words for it in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// One requirement and how it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Name of the rule, or what it is about.
    pub rule: String,
    /// Line of the rule in the gate file.
    pub line: u64,
    /// The variable.
    pub variable: String,
    /// The requirement in words.
    pub requirement: String,
    /// The score.
    pub value: Option<f64>,
    /// The number that is held against the bound: an end of the interval, or a drop.
    pub judged: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// Statements behind the score.
    pub support: Option<u64>,
    /// How it went.
    pub outcome: GateOutcome,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A score as the JSON form of an evaluation holds it.
struct Found {
    value: f64,
    /// The worse end of the interval.
    end: f64,
    support: u64,
}

impl Gate {
    /// Reads a gate file and its baseline.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        let name = path.display().to_string();
        let file: GateFile = toml::from_str(&text).map_err(|e| syntax_error(&text, &name, &e))?;
        let line = |rule: &Spanned<RuleFile>| line_of(&text, rule.span().start);
        let refused = |line, reason: String| Error::Gate {
            at: Location::new(&name, line, 0),
            reason,
        };
        if file.schema_version != SCHEMA_VERSION {
            let reason = format!(
                "schema_version is {}; this build reads 1",
                file.schema_version
            );
            return Err(refused(0, reason));
        }
        if file.rules.is_empty() {
            return Err(refused(
                0,
                "it has no [[rule]], so nothing could be missed".into(),
            ));
        }
        let has_baseline = file.baseline.is_some();
        let mut rules = Vec::new();
        for rule in file.rules {
            let line = line(&rule);
            let file = rule.into_inner();
            file.check(has_baseline)
                .map_err(|reason| refused(line, reason))?;
            rules.push(Rule { line, file });
        }
        Ok(Self {
            hash: Hash::of(text.as_bytes()).to_string(),
            min_support: file.min_support,
            baseline: file.baseline.map(|b| Baseline::read(path, b)).transpose()?,
            rules,
            name,
        })
    }

    /// Judges an evaluation.
    pub fn judge(&self, evaluation: &Evaluation) -> Verdict {
        // Scores now and in the baseline are looked up in the same form by the same function.
        let now = serde_json::to_value(evaluation).unwrap_or_default();
        let checks: Vec<Check> = self
            .rules
            .iter()
            .flat_map(|rule| self.checks(rule, &now))
            .collect();
        let any = |outcome| checks.iter().any(|c| c.outcome == outcome);
        Verdict {
            schema: "konflik/gate",
            schema_version: SCHEMA_VERSION,
            gate: self.name.clone(),
            sha256: self.hash.clone(),
            baseline: self.baseline.as_ref().map(|b| b.file.clone()),
            outcome: if any(GateOutcome::Missed) {
                GateOutcome::Missed
            } else if any(GateOutcome::NotMeasured) {
                GateOutcome::NotMeasured
            } else {
                GateOutcome::Passed
            },
            checks,
        }
    }

    fn checks(&self, rule: &Rule, now: &Value) -> Vec<Check> {
        let found = rule.file.find(now).and_then(|found| {
            let least = rule.file.min_support.unwrap_or(self.min_support);
            match found.support {
                n if n < least => Err(format!("{n} statements; {least} are asked for")),
                _ => Ok(found),
            }
        });
        let before = || {
            let baseline = self.baseline.as_ref().ok_or("there is no baseline")?;
            if baseline.evaluation.get("codebook") != now.get("codebook") {
                return Err("the baseline was made with another codebook".to_string());
            }
            let found = rule.file.find(&baseline.evaluation);
            found.map_err(|reason| format!("in the baseline: {reason}"))
        };
        let drop = |relative: bool| {
            let (now, before) = (found.as_ref().map_err(Clone::clone)?, before()?);
            let drop = if rule.file.score.is_error() {
                now.end - before.end
            } else {
                before.end - now.end
            };
            match relative {
                false => Ok(drop),
                true if before.end.abs() < ROUNDING => Err("the baseline is 0".to_string()),
                true => Ok(drop / before.end.abs()),
            }
        };
        let judged = |bound| match bound {
            Bound::AtLeast | Bound::AtMost => found.as_ref().map(|f| f.end).map_err(Clone::clone),
            Bound::Drop => drop(false),
            Bound::RelativeDrop => drop(true),
        };
        let bounds = rule.file.bounds().into_iter();
        bounds
            .map(|(bound, at)| rule.check(bound, at, judged(bound), found.as_ref().ok()))
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast,
    AtMost,
    Drop,
    RelativeDrop,
}

impl Bound {
    fn words(self, is_error: bool) -> String {
        let drop = if is_error { "rise" } else { "drop" };
        match self {
            Self::AtLeast => "at least".into(),
            Self::AtMost => "at most".into(),
            Self::Drop => format!("{drop} of at most"),
            Self::RelativeDrop => format!("relative {drop} of at most"),
        }
    }

    fn holds(self, judged: f64, at: f64) -> bool {
        match self {
            Self::AtLeast => judged >= at - ROUNDING,
            Self::AtMost | Self::Drop | Self::RelativeDrop => judged <= at + ROUNDING,
        }
    }
}

impl Rule {
    fn check(
        &self,
        bound: Bound,
        at: f64,
        judged: Result<f64, String>,
        found: Option<&Found>,
    ) -> Check {
        let words = bound.words(self.file.score.is_error());
        Check {
            rule: self.file.name.clone().unwrap_or_else(|| self.file.about()),
            line: self.line,
            variable: self.file.variable.clone(),
            requirement: format!("{words} {at}"),
            value: found.map(|f| f.value),
            judged: judged.as_ref().ok().copied(),
            bound: at,
            support: found.map(|f| f.support),
            outcome: match judged {
                Err(_) => GateOutcome::NotMeasured,
                Ok(judged) if bound.holds(judged, at) => GateOutcome::Passed,
                Ok(_) => GateOutcome::Missed,
            },
            reason: judged.err(),
        }
    }
}

impl Baseline {
    fn read(gate: &Path, file: BaselineFile) -> Result<Self> {
        let path = gate.with_file_name(&file.file);
        let bytes = fs::read(&path).map_err(|e| Error::read(&path, e))?;
        let refused = |reason: String| Error::Gate {
            at: Location::file(path.display().to_string()),
            reason,
        };
        let hash = Hash::of(&bytes).to_string();
        if !hash.eq_ignore_ascii_case(&file.sha256) {
            return Err(refused(format!(
                "its sha256 is {hash}, the gate says {}: it is not the baseline that was agreed on",
                file.sha256
            )));
        }
        let evaluation: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if evaluation.get("schema").and_then(Value::as_str) != Some("konflik/evaluation") {
            return Err(refused(
                "it is no evaluation: write one by `konflik evaluate GOLD -o baseline.json`".into(),
            ));
        }
        Ok(Self { file, evaluation })
    }
}

impl RuleFile {
    /// What contradicts itself can't be judged.
    fn check(&self, has_baseline: bool) -> Result<(), String> {
        let score = self.score.as_str();
        let slices = [&self.language, &self.source, &self.length];
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
        if slices.iter().filter(|s| s.is_some()).count() > 1 {
            return Err("name one of language, source and length".into());
        }
        if self.score.is_error() && slices.iter().any(|s| s.is_some()) {
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

    fn bounds(&self) -> Vec<(Bound, f64)> {
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

    /// What the rule is about, in words.
    fn about(&self) -> String {
        let mut about = format!("{} {}", self.variable, self.score.as_str());
        for part in [&self.code, &self.language, &self.source] {
            about.extend(part.iter().map(|part| format!(", {part}")));
        }
        about.extend(
            self.length
                .iter()
                .map(|length| format!(", {length} statements")),
        );
        about
    }

    /// The score in the JSON form of an evaluation.
    fn find(&self, evaluation: &Value) -> Result<Found, String> {
        let variable = entry(evaluation, "variables", "id", &self.variable)
            .ok_or_else(|| format!("no variable {:?}", self.variable))?;
        let slice = |key: &str, name: &Option<String>| {
            let name = name.as_ref()?;
            let found = variable.get(key).and_then(|slices| slices.get(name));
            Some(found.ok_or_else(|| format!("no statement has {} {name:?}", &key[3..])))
        };
        let scores = slice("by_language", &self.language)
            .or_else(|| slice("by_source", &self.source))
            .or_else(|| slice("by_length", &self.length))
            .unwrap_or_else(|| variable.get("overall").ok_or_else(|| "no scores".into()))?;
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

/// The object of a list whose `key` is `name`.
fn entry<'a>(of: &'a Value, list: &str, key: &str, name: &str) -> Option<&'a Value> {
    let list = of.get(list)?.as_array()?;
    list.iter()
        .find(|o| o.get(key).and_then(Value::as_str) == Some(name))
}
