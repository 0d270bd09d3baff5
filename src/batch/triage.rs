//! What can be acted on first, what is only anger, and what a person should look at.
//!
//! The model says what a statement is; where it goes and in which order only the rules of a
//! routing file say. Within a queue statements stand by how many near copies came in, then in the
//! order of the file.

use std::cmp::Reverse;
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use schemars::JsonSchema;
use serde::Serialize;

use super::columns::CodedRow;
use super::excerpt::{Excerpt, First, clean};
use crate::base::hash::Hash;
use crate::codebook::{Codebook, Role};
use crate::label::{Routed, Routes};
use crate::model::Decision;

/// Queues that a labelled file may name; what goes to others is counted as without a rule.
const MOST_QUEUES: usize = 100;

/// Statements by what is to be done with them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Triage {
    /// Whether rules of a routing file, or of the labelling, made the queues.
    pub is_routed: bool,
    /// Whether a code of the codebook has the role `acts`.
    pub knows_acts: bool,
    /// Whether near copies were looked for when the file was labelled.
    pub knows_copies: bool,
    /// The queues in the order of their first rules; last, without a name, what can be acted on
    /// and no rule fits, if the codebook says what can be.
    pub queues: Vec<Queue>,
    /// What is only anger, where a code of the codebook has the role `vents`.
    pub vented: Option<Vented>,
    /// Statements that no rule fits and the model is not sure of, by the variable whose codes can
    /// be acted on, else by the first.
    pub unsure: u64,
    /// The least probable of them.
    pub unsure_shown: Vec<Case>,
}

/// Statements that go the same way.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Queue {
    /// Its name; `None` for what no rule fits.
    pub queue: Option<String>,
    /// Who sees to it.
    pub owner: Option<String>,
    /// The rule, where it is known.
    pub rule: Option<String>,
    /// Statements.
    pub rows: u64,
    /// Statements, near copies counted once.
    pub groups: u64,
    /// The first of them.
    pub shown: Vec<Case>,
}

/// Hostility without an issue.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Vented {
    /// Statements that no rule fits.
    pub rows: u64,
    /// Some of them, drawn by the hash of their ids.
    pub shown: Vec<Case>,
}

/// A statement with its codes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Case {
    /// The statement.
    pub excerpt: Excerpt,
    /// Statements in the same queue that are near copies of one another, itself counted.
    pub alike: u64,
    /// Its codes, one per variable that has one.
    pub codes: Vec<CaseCode>,
    /// Its date as it stands in the file.
    pub date: String,
    /// Its source as it stands in the file.
    pub source: String,
}

/// A code of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CaseCode {
    /// Position of the variable.
    pub variable: usize,
    /// Position of the code.
    pub code: usize,
    /// Its probability, where the file has it.
    pub probability: Option<f64>,
    /// Whether it may stand, where the file says.
    pub decision: Option<Decision>,
}

impl Case {
    pub(super) fn of(row: &CodedRow<'_>, alike: u64) -> Self {
        let codes = row.codes.iter().enumerate().filter_map(|(variable, code)| {
            Some(CaseCode {
                variable,
                code: (*code)?,
                probability: row.probabilities[variable],
                decision: row.decisions[variable],
            })
        });
        let short = |text: &str| clean(text).chars().take(40).collect();
        Self {
            // The first variable says what is to be done; the words for others would hide its own.
            excerpt: Excerpt::new(&row.id, row.line, row.text, &row.evidence[0]),
            alike,
            codes: codes.collect(),
            date: short(row.date),
            source: short(row.source),
        }
    }
}

/// A key that is the same on every machine and says nothing of the order of the file.
pub(super) fn scattered(row: &CodedRow<'_>) -> (u64, u64) {
    (Hash::of(row.id.as_bytes()).first_u64(), row.line)
}

/// A probability as an integer, so that it can be a key.
pub(super) fn in_parts(probability: f64) -> u32 {
    (probability.clamp(0.0, 1.0) * 1e6).round() as u32
}

struct Filling {
    queue: Queue,
    /// Statements of each group, by the hash of the queue and of the first one's id.
    shown: HashMap<u64, (Reverse<u64>, u64), FxBuildHasher>,
    cases: std::collections::BTreeMap<(Reverse<u64>, u64), (u64, Case)>,
}

/// Fills the queues row by row.
pub(super) struct TriageTally<'a> {
    routes: Option<&'a Routes>,
    /// Variable and codes of what can be acted on.
    acts: Option<(usize, Vec<usize>)>,
    /// Variable and codes of what is anger.
    vents: Option<(usize, Vec<usize>)>,
    knows_copies: bool,
    reads_queues: bool,
    capacity: usize,
    queues: Vec<Filling>,
    rest: Filling,
    sizes: HashMap<u64, u64, FxBuildHasher>,
    vented: u64,
    vented_shown: First<(u64, u64), Case>,
    unsure: u64,
    unsure_shown: First<(u32, u64), Case>,
}

impl<'a> TriageTally<'a> {
    pub(super) fn new(
        codebook: &Codebook,
        routes: Option<&'a Routes>,
        [reads_queues, knows_copies]: [bool; 2],
        capacity: usize,
    ) -> Self {
        let of_rule = |rule: &crate::label::Rule| {
            Filling::new(
                Some(rule.queue.clone()),
                rule.owner.clone(),
                Some(rule.name.clone()),
            )
        };
        let queues = routes.map_or_else(Vec::new, |r| r.rules.iter().map(of_rule).collect());
        Self {
            routes,
            acts: codebook.with_role(Role::Acts),
            vents: codebook.with_role(Role::Vents),
            knows_copies,
            reads_queues: reads_queues && routes.is_none(),
            capacity,
            queues,
            rest: Filling::new(None, None, None),
            sizes: HashMap::default(),
            vented: 0,
            vented_shown: First::new(capacity.div_ceil(2)),
            unsure: 0,
            unsure_shown: First::new(capacity),
        }
    }

    pub(super) fn add(&mut self, row: &CodedRow<'_>) {
        if let Some(position) = self.position(row) {
            let group = self.counted(position, row);
            self.queues[position].add(row, group, self.capacity);
            return;
        }
        let watched = self.acts.as_ref().map_or(0, |(v, _)| *v);
        let is_unsure = row.decisions[watched].is_some_and(|d| d != Decision::Auto);
        if is_unsure {
            self.unsure += 1;
            let p = row.probabilities[watched].unwrap_or(0.0);
            self.unsure_shown
                .offer((in_parts(p), row.line), || Case::of(row, 1));
        }
        let has = |of: &Option<(usize, Vec<usize>)>| {
            of.as_ref().is_some_and(|(v, codes)| {
                row.decisions[*v] != Some(Decision::Abstain)
                    && row.codes[*v].is_some_and(|code| codes.contains(&code))
            })
        };
        if has(&self.acts) {
            let group = self.counted(usize::MAX, row);
            self.rest.add(row, group, self.capacity);
        } else if has(&self.vents) {
            self.vented += 1;
            self.vented_shown.offer(scattered(row), || Case::of(row, 1));
        }
    }

    /// The queue of a row.
    fn position(&mut self, row: &CodedRow<'_>) -> Option<usize> {
        if let Some(routes) = self.routes {
            return routes.first_fit(&Routed {
                codes: &row.codes,
                probabilities: &row.probabilities,
                decisions: &row.decisions,
                source: (!row.source.is_empty()).then_some(row.source),
                text: row.text,
            });
        }
        if !self.reads_queues || row.queue.is_empty() {
            return None;
        }
        let owner = (!row.owner.is_empty()).then(|| row.owner.to_string());
        let is_it =
            |f: &Filling| f.queue.queue.as_deref() == Some(row.queue) && f.queue.owner == owner;
        let known = self.queues.iter().position(is_it);
        if known.is_none() && self.queues.len() < MOST_QUEUES {
            self.queues
                .push(Filling::new(Some(row.queue.to_string()), owner, None));
            return Some(self.queues.len() - 1);
        }
        known
    }

    /// The group of a row and how many of it the queue has with it.
    fn counted(&mut self, queue: usize, row: &CodedRow<'_>) -> (u64, u64) {
        let first = if row.copy_of.is_empty() {
            &row.id
        } else {
            row.copy_of
        };
        let group = Hash::of(format!("{queue}\0{first}").as_bytes()).first_u64();
        let size = self.sizes.entry(group).or_insert(0);
        *size += 1;
        (group, *size)
    }

    pub(super) fn done(self) -> Triage {
        let is_routed = self.routes.is_some() || self.reads_queues;
        let knows_acts = self.acts.is_some();
        let mut queues: Vec<Queue> = self.queues.into_iter().map(Filling::done).collect();
        if self.routes.is_none() {
            // Without the rules nothing says which queue goes first.
            queues.sort_by(|a, b| (Reverse(a.rows), &a.queue).cmp(&(Reverse(b.rows), &b.queue)));
        }
        let rest = self.rest.done();
        queues.extend(knows_acts.then_some(rest));
        Triage {
            is_routed,
            knows_acts,
            knows_copies: self.knows_copies,
            queues,
            vented: self.vents.map(|_| Vented {
                rows: self.vented,
                shown: self.vented_shown.into_values(),
            }),
            unsure: self.unsure,
            unsure_shown: self.unsure_shown.into_values(),
        }
    }
}

impl Filling {
    fn new(queue: Option<String>, owner: Option<String>, rule: Option<String>) -> Self {
        Self {
            queue: Queue {
                queue,
                owner,
                rule,
                rows: 0,
                groups: 0,
                shown: Vec::new(),
            },
            shown: HashMap::default(),
            cases: std::collections::BTreeMap::new(),
        }
    }

    /// A group that fell out comes back with its next copy, whose text is as good; so the largest
    /// groups are shown whatever the order of the rows.
    fn add(&mut self, row: &CodedRow<'_>, (group, size): (u64, u64), capacity: usize) {
        self.queue.rows += 1;
        self.queue.groups += u64::from(size == 1);
        let shown = self.shown.remove(&group);
        let case = shown.and_then(|key| self.cases.remove(&key));
        let case = case.map(|(_, case)| Case {
            alike: size,
            ..case
        });
        let line = case.as_ref().map_or(row.line, |c| c.excerpt.line);
        let key = (Reverse(size), line);
        let is_full = self.cases.len() >= capacity;
        if is_full
            && self
                .cases
                .last_key_value()
                .is_none_or(|(last, _)| key > *last)
        {
            return;
        }
        if is_full && let Some((_, (dropped, _))) = self.cases.pop_last() {
            self.shown.remove(&dropped);
        }
        let case = case.unwrap_or_else(|| Case::of(row, size));
        self.shown.insert(group, key);
        self.cases.insert(key, (group, case));
    }

    fn done(self) -> Queue {
        Queue {
            shown: self.cases.into_values().map(|(_, case)| case).collect(),
            ..self.queue
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebook::tests::FRUIT;

    fn row<'a>(line: u64, copy_of: &'a str, queue: &'a str) -> CodedRow<'a> {
        CodedRow {
            id: line.to_string(),
            line,
            text: "soft",
            codes: vec![Some(1)],
            probabilities: vec![Some(0.6)],
            decisions: vec![Some(Decision::Review)],
            evidence: vec![vec!["soft"]],
            language: "",
            model: "",
            codebook: "",
            copy_of,
            queue,
            owner: "",
            date: "",
            source: "",
        }
    }

    /// The largest groups are shown, first those of more copies, then in the order of the file.
    #[test]
    fn near_copies_stand_together_and_the_largest_groups_first() {
        let codebook = Codebook::from_toml(FRUIT, "f").unwrap();
        let mut tally = TriageTally::new(&codebook, None, [true, true], 2);
        for line in 1..=5 {
            tally.add(&row(line, "", "a"));
        }
        for (line, first) in [(6, "5"), (7, "2"), (8, "5")] {
            tally.add(&row(line, first, "a"));
        }
        let triage = tally.done();
        let queue = &triage.queues[0];
        assert_eq!((queue.rows, queue.groups, triage.queues.len()), (8, 5, 1));
        let shown: Vec<(u64, u64)> = queue
            .shown
            .iter()
            .map(|c| (c.alike, c.excerpt.line))
            .collect();
        // Rows 5 and 2 had to make room; their copies stand for them.
        assert_eq!(shown, [(3, 6), (2, 7)]);
        assert!(triage.vented.is_none());
    }

    #[test]
    fn without_rules_or_roles_there_is_no_queue_but_the_unsure_are_listed() {
        let codebook = Codebook::from_toml(FRUIT, "f").unwrap();
        let mut tally = TriageTally::new(&codebook, None, [false, false], 2);
        tally.add(&row(1, "", "a"));
        let triage = tally.done();
        assert!(!triage.knows_acts && triage.queues.is_empty() && triage.vented.is_none());
        assert_eq!((triage.unsure, triage.unsure_shown.len()), (1, 1));
    }

    /// Any code of any codebook can have a role; several codes can share one.
    #[test]
    fn roles_say_what_can_be_acted_on_and_what_only_vents() {
        let mut codebook = Codebook::from_toml(FRUIT, "f").unwrap();
        let codes = &mut codebook.variables[0].codes;
        codes[0].role = Some(Role::Vents);
        codes[1].role = Some(Role::Acts);
        let mut tally = TriageTally::new(&codebook, None, [false, false], 2);
        tally.add(&row(1, "", ""));
        let vented = CodedRow {
            codes: vec![Some(0)],
            ..row(2, "", "")
        };
        tally.add(&vented);
        let abstained = CodedRow {
            decisions: vec![Some(Decision::Abstain)],
            ..row(3, "", "")
        };
        tally.add(&abstained);
        let triage = tally.done();
        assert!(triage.knows_acts && !triage.is_routed);
        assert_eq!((triage.queues.len(), triage.queues[0].rows), (1, 1));
        assert_eq!(triage.vented.unwrap().rows, 1);
    }
}
