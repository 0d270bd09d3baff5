//! The methods paragraph: what was done, with which numbers; only for inputs that were given.

use serde::Serialize;

use super::words::Words;
use crate::batch::{BatchReport, ReportUnit, ScoreValue};
use crate::evaluate::Score;

/// A paragraph to quote, and a list of what it can't say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Methods {
    pub(super) sentences: Vec<String>,
    pub(super) missing: Vec<String>,
}

/// Value and interval, or the reason why it is missing.
fn score(value: Option<f64>, interval: Option<[f64; 2]>, words: &Words) -> String {
    in_brackets(value, interval, words, |v| words.decimal(v, 3))
}

fn in_numbers(score: &ScoreValue, words: &Words) -> String {
    in_brackets(score.value, score.interval, words, |v| words.decimal(v, 3))
}

fn share(score: &Score, words: &Words) -> String {
    in_brackets(score.value, score.interval, words, |v| words.percent(v))
}

fn in_brackets(
    value: Option<f64>,
    interval: Option<[f64; 2]>,
    words: &Words,
    written: impl Fn(f64) -> String,
) -> String {
    let Some(value) = value else {
        return words.fill("undefined", &[]);
    };
    let value = written(value);
    match interval.map(|ends| ends.map(written)) {
        Some([low, high]) => words.fill(
            "m_interval",
            &[("value", &value), ("low", &low), ("high", &high)],
        ),
        None => value,
    }
}

pub(super) fn methods(report: &BatchReport, words: &Words) -> Methods {
    let mut all = Composer {
        report,
        words,
        sentences: Vec::new(),
        missing: Vec::new(),
        has_interval: false,
    };
    all.units();
    all.decisions();
    all.agreement();
    all.scores();
    all.shares();
    all.rules();
    if all.has_interval {
        all.say("m_intervals", &[]);
    }
    Methods {
        sentences: all.sentences,
        missing: all.missing,
    }
}

struct Composer<'a> {
    report: &'a BatchReport,
    words: &'a Words,
    sentences: Vec<String>,
    missing: Vec<String>,
    has_interval: bool,
}

impl Composer<'_> {
    fn say(&mut self, key: &str, values: &[(&str, &str)]) {
        self.sentences.push(self.words.fill(key, values));
    }

    fn lack(&mut self, key: &str) {
        self.missing.push(self.words.fill(key, &[]));
    }

    fn number(&self, n: u64) -> String {
        self.words.number(n)
    }

    fn score(&mut self, score: &ScoreValue) -> String {
        self.has_interval |= score.interval.is_some();
        in_numbers(score, self.words)
    }

    fn units(&mut self) {
        let report = self.report;
        self.say(
            match report.unit {
                ReportUnit::Statement => "m_unit_statement",
                ReportUnit::Row => "m_unit_row",
            },
            &[],
        );
        let names: Vec<String> = report.variables.iter().map(|v| v.name.clone()).collect();
        let hash: String = report.codebook.sha256.chars().take(12).collect();
        self.say(
            "m_coded",
            &[
                ("n", &self.number(report.rows.coded)),
                ("variables", &self.words.list(&names)),
                ("codebook", &report.codebook.id),
                ("version", &report.codebook.version),
                ("hash", &hash),
            ],
        );
        let models: Vec<String> = report
            .models
            .keys()
            .filter(|m| !m.is_empty())
            .cloned()
            .collect();
        match models.as_slice() {
            [] => {}
            [model] => self.say("m_model", &[("model", model), ("version", report.software)]),
            several => {
                let list = self.words.list(several);
                self.say("m_models", &[("models", &list)]);
            }
        }
        if let Some(copies) = report.rows.copies.filter(|n| *n > 0) {
            self.say("m_copies", &[("n", &self.number(copies))]);
        }
    }

    fn decisions(&mut self) {
        let report = self.report;
        for variable in &report.variables {
            let all: u64 = variable.decisions.iter().sum();
            if all == 0 {
                self.lack("missing_probabilities");
                return;
            }
            let [auto, review, abstain] = variable.decisions.map(|n| self.words.part(n, all));
            self.say(
                "m_auto",
                &[
                    ("variable", &variable.name),
                    ("auto", &auto),
                    ("review", &review),
                    ("abstain", &abstain),
                ],
            );
        }
    }

    fn agreement(&mut self) {
        let report = self.report;
        let Some(agreement) = &report.agreement else {
            return self.lack("missing_agreement");
        };
        let models = agreement.coders.iter().filter(|c| c.is_model).count();
        let people = agreement.coders.len() - models;
        // The coefficients are between people if there are at least two; otherwise between all
        // coders.
        let key = if people > 1 {
            "m_agreement"
        } else {
            "m_agreement_model"
        };
        for variable in &agreement.variables {
            let alpha = &variable.overall.alpha;
            self.has_interval |= alpha.interval.is_some();
            let alpha = score(alpha.value, alpha.interval, self.words);
            self.say(
                key,
                &[
                    ("people", &people.to_string()),
                    ("models", &models.to_string()),
                    ("n", &self.number(variable.n)),
                    ("alpha", &alpha),
                    ("variable", &self.name(&variable.id)),
                ],
            );
        }
    }

    fn scores(&mut self) {
        let report = self.report;
        let Some(scores) = &report.scores else {
            return self.lack("missing_scores");
        };
        for variable in &scores.variables {
            let f1 = self.score(&variable.overall.macro_f1);
            let accuracy = self.score(&variable.overall.accuracy);
            self.say(
                "m_scores",
                &[
                    ("n", &self.number(variable.overall.n)),
                    ("gold", &scores.gold),
                    ("f1", &f1),
                    ("accuracy", &accuracy),
                    ("variable", &self.name(&variable.id)),
                ],
            );
        }
        if scores.seen_in_training == 0 {
            self.say("m_scores_unseen", &[]);
        } else {
            self.say(
                "m_scores_seen",
                &[
                    ("seen", &self.number(scores.seen_in_training)),
                    ("n", &self.number(scores.statements)),
                    ("gold", &scores.gold),
                ],
            );
        }
    }

    /// The shares of the first variable's codes.
    fn shares(&mut self) {
        let report = self.report;
        let first = report.variables.first();
        let found = report.prevalence.as_ref().and_then(|p| {
            let id = &first?.id;
            p.variables.iter().find(|v| v.id == *id)
        });
        let (Some(found), Some(variable)) = (found, first) else {
            return self.lack("missing_prevalence");
        };
        let codes = || found.overall.codes.iter().zip(&variable.codes);
        let shares: Vec<String> = codes()
            .map(|(code, named)| format!("{} {}", named.name, share(&code.estimate, self.words)))
            .collect();
        self.has_interval |= codes().any(|(code, _)| code.estimate.interval.is_some());
        self.say(
            "m_prevalence",
            &[
                ("n", &self.number(found.overall.sample)),
                ("variable", &variable.name),
                ("shares", &self.words.list(&shares)),
            ],
        );
        if codes().any(|(code, _)| code.is_rough) {
            self.say("m_rough", &[]);
        }
    }

    fn rules(&mut self) {
        let report = self.report;
        if !report.triage.knows_acts {
            self.lack("missing_acts");
        }
        let Some(routes) = &report.routes else {
            return;
        };
        let n = report
            .triage
            .queues
            .iter()
            .filter(|q| q.rule.is_some())
            .count();
        let hash: String = routes
            .sha256
            .iter()
            .flat_map(|h| h.chars().take(12))
            .collect();
        self.say("m_routes", &[("n", &n.to_string()), ("hash", &hash)]);
    }

    /// The name of a variable.
    fn name(&self, id: &str) -> String {
        let found = self.report.variables.iter().find(|v| v.id == id);
        found.map_or(id, |v| &v.name).to_string()
    }
}
