//! Shared code of the text and Markdown outputs, and number formats.

use super::table::Table;
use crate::evaluate::{Bootstrap, Score};

/// The target of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// For a terminal.
    Text,
    /// For a repository, a step summary or a report.
    Markdown,
}

impl Style {
    pub(super) fn table(self, table: &Table) -> String {
        match self {
            Self::Text => format!("{}\n", table.text()),
            Self::Markdown => format!("{}\n", table.markdown()),
        }
    }

    pub(super) fn heading(self, text: &str) -> String {
        match self {
            Self::Text => format!("{}\n\n", text.to_uppercase()),
            Self::Markdown => format!("## {text}\n\n"),
        }
    }
}

pub(super) fn value(score: &Score) -> String {
    score
        .value
        .map_or_else(|| "–".to_string(), |v| format!("{v:.3}"))
}

/// A difference with its sign.
pub(super) fn signed(score: &Score) -> String {
    score
        .value
        .map_or_else(|| "–".to_string(), |v| format!("{v:+.3}"))
}

/// The interval, or the reason why it is missing.
pub(super) fn interval(score: &Score) -> String {
    match (score.interval, score.reason) {
        (Some([low, high]), _) => format!("{low:.3} to {high:.3}"),
        (None, Some(reason)) => reason.to_string(),
        (None, None) => String::new(),
    }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

pub(super) fn percent_interval([low, high]: [f64; 2]) -> String {
    format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high)
}

/// With fewer groups, bootstrap intervals by group are too narrow (Cameron, Gelbach and Miller,
/// "Bootstrap-based improvements for inference with clustered errors", 2008).
const FEW_GROUPS: usize = 20;

/// A note if there are too few groups for the draws.
pub(super) fn few_groups(bootstrap: &Bootstrap) -> String {
    if bootstrap.unit != "groups" || bootstrap.count >= FEW_GROUPS {
        return String::new();
    }
    format!(
        "There are only {} groups to draw from: intervals are rather too narrow.\n",
        bootstrap.count
    )
}
