//! Whether a model is good enough to ship: minimum scores and maximum drops, judged on intervals.

mod rule;

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

use super::Evaluation;
use crate::base::hash::Hash;
use crate::base::toml::{line_of, other_version, syntax_error};
use crate::error::{Error, Location, Result};

use rule::{Bound, Found, ROUNDING, RuleFile};

/// The version of the gate format that this build reads.
const SCHEMA_VERSION: u32 = 1;
/// Minimum number of statements behind a score, unless the gate file sets another.
const MIN_SUPPORT: u64 = 30;
/// Maximum share of statements that may be from the training, unless the gate file sets another: a
/// few short statements occur everywhere.
const MAX_SEEN: f64 = 0.05;

/// Requirements that an evaluation must meet.
///
/// A score is judged by the worse end of its 95 % interval: the lower end if the score should be
/// high, the upper end if the score should be low. A drop is this end in the baseline minus this
/// end now, so both have the same margin; both must use the same gold statements. A score can't be
/// measured if it has no interval, too little support or no such slice, or if the model (or the
/// baseline's model) was trained on the statements. "Not measured" never counts as passed.
#[derive(Debug, Clone)]
pub struct Gate {
    name: String,
    hash: String,
    min_support: u64,
    max_seen: f64,
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
    #[serde(default = "max_seen")]
    max_seen: f64,
    baseline: Option<BaselineFile>,
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RuleFile>>,
}

fn min_support() -> u64 {
    MIN_SUPPORT
}

fn max_seen() -> f64 {
    MAX_SEEN
}

/// A stored evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// The JSON form of an evaluation; the path is relative to the gate file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The result of a gate for an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Verdict {
    /// Always `konflik/gate`.
    #[schemars(extend("const" = "konflik/gate"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// The gate file.
    pub gate: String,
    /// SHA-256 of the gate file.
    pub sha256: String,
    /// The evaluation from which drops are measured.
    pub baseline: Option<BaselineFile>,
    /// Missed if any check is missed; otherwise not measured if any check is; otherwise passed.
    pub outcome: GateOutcome,
    /// One per requirement.
    pub checks: Vec<Check>,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// The requirement is met.
    Passed,
    /// The requirement is not met.
    Missed,
    /// The score can't be measured.
    NotMeasured,
}

impl GateOutcome {
    /// The value in output files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// One requirement and its result.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// Name of the rule, or its subject.
    pub rule: String,
    /// Line of the rule in the gate file.
    pub line: u64,
    /// The variable.
    pub variable: String,
    /// The requirement in words.
    pub requirement: String,
    /// The score.
    pub value: Option<f64>,
    /// The number that is compared with the bound: an end of the interval, or a drop.
    pub judged: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// Number of statements behind the score.
    pub support: Option<u64>,
    /// The result.
    pub outcome: GateOutcome,
    /// Why the score could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
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
        if let Some(reason) = other_version(file.schema_version, SCHEMA_VERSION) {
            return Err(refused(0, reason));
        }
        if file.rules.is_empty() {
            return Err(refused(
                0,
                "it has no [[rule]], so there is nothing to check".into(),
            ));
        }
        if !(0.0..=1.0).contains(&file.max_seen) {
            return Err(refused(0, "max_seen must be a share from 0 to 1".into()));
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
            max_seen: file.max_seen,
            baseline: file.baseline.map(|b| Baseline::read(path, b)).transpose()?,
            rules,
            name,
        })
    }

    /// Judges an evaluation.
    pub fn judge(&self, evaluation: &Evaluation) -> Verdict {
        // Both evaluations are looked up in JSON form, by the same function.
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
        let found = self.unseen(now).and_then(|()| {
            let found = rule.file.find(now)?;
            let least = rule.file.min_support.unwrap_or(self.min_support);
            match found.support {
                n if n < least => Err(format!("{n} statements; at least {least} are needed")),
                _ => Ok(found),
            }
        });
        let before = || {
            let baseline = self.comparable(now)?;
            let found = self
                .unseen(baseline)
                .and_then(|()| rule.file.find(baseline));
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

    /// Fails if too many statements are from the training: their scores say nothing about others.
    fn unseen(&self, evaluation: &Value) -> Result<(), String> {
        let count = |key: &str| evaluation.get(key).and_then(Value::as_u64);
        let (Some(seen), Some(all)) = (count("seen_in_training"), count("statements")) else {
            return Err("the evaluation doesn't say what the model was trained on".into());
        };
        if seen as f64 > self.max_seen * all as f64 {
            return Err(format!(
                "{seen} of {all} statements were in the training of the model; at most {} % may be (max_seen)",
                100.0 * self.max_seen
            ));
        }
        Ok(())
    }

    /// The baseline, if it uses the same gold statements and codes.
    fn comparable(&self, now: &Value) -> Result<&Value, String> {
        let baseline = self.baseline.as_ref().ok_or("there is no baseline")?;
        for (key, what) in [
            ("schema_version", "by another version of konflik"),
            ("codebook", "with another codebook"),
            ("gold_sha256", "on other gold statements"),
        ] {
            if baseline.evaluation.get(key) != now.get(key) {
                return Err(format!("the baseline was made {what}"));
            }
        }
        Ok(&baseline.evaluation)
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
                "its sha256 is {hash}, but the gate says {}: it is not the agreed baseline",
                file.sha256
            )));
        }
        let evaluation: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if evaluation.get("schema").and_then(Value::as_str) != Some("konflik/evaluation") {
            return Err(refused(
                "it is not a konflik evaluation saved as JSON".into(),
            ));
        }
        Ok(Self { file, evaluation })
    }
}
