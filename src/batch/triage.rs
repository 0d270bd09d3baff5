//! Which statements can be acted on first, which are only anger, and which a person should check.
//!
//! The model only codes a statement. The queue of a statement and the order of the queues come from
//! the rules of a routing file. Within a queue, statements are sorted by number of near copies,
//! then by file order.

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

/// Maximum number of queues in a labelled file; statements of further queues count as unrouted.
const MOST_QUEUES: usize = 100;

/// Statements by what should be done with them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Triage {
    /// Whether the queues come from the rules of a routing file or of the labelling.
    pub is_routed: bool,
    /// Whether a code of the codebook has the role `acts`.
    pub knows_acts: bool,
    /// Whether the labelling searched for near copies.
    pub knows_copies: bool,
    /// The queues in the order of their first rules. The last one has no name: statements that can
    /// be acted on but match no rule, if the codebook defines which codes can be acted on.
    pub queues: Vec<Queue>,
    /// Statements that are only anger, if a code of the codebook has the role `vents`.
    pub vented: Option<Vented>,
    /// Number of statements that match no rule and of which the model is unsure. The variable is
    /// the one whose codes can be acted on, or else the first.
    pub unsure: u64,
    /// The least probable of these statements.
    pub unsure_shown: Vec<Case>,
}

/// Statements with the same destination.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Queue {
    /// Name of the queue; `None` for statements that match no rule.
    pub queue: Option<String>,
    /// Who is responsible for the queue.
    pub owner: Option<String>,
    /// The rule, if known.
    pub rule: Option<String>,
    /// Number of statements.
    pub rows: u64,
    /// Number of statements; near copies count once.
    pub groups: u64,
    /// The first statements of the queue.
    pub shown: Vec<Case>,
}

/// Statements with hostility but without an issue.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Vented {
    /// Number of these statements that match no rule.
    pub rows: u64,
    /// Some of these statements, chosen by the hash of their ids.
    pub shown: Vec<Case>,
}

/// A statement with its codes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Case {
    /// The statement.
    pub excerpt: Excerpt,
    /// Number of near copies in the same queue, including the statement itself.
    pub alike: u64,
    /// The codes, one per variable that has a code.
    pub codes: Vec<CaseCode>,
    /// The date as written in the file.
    pub date: String,
    /// The source as written in the file.
    pub source: String,
}

/// A code of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CaseCode {
    /// Position of the variable.
    pub variable: usize,
    /// Position of the code.
    pub code: usize,
    /// Probability of the code, if the file has it.
    pub probability: Option<f64>,
    /// The decision on the code, if the file has it.
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
            // The first variable decides what to do; evidence for other variables would hide its
            // evidence.
            excerpt: Excerpt::new(&row.id, row.line, row.text, &row.evidence[0]),
            alike,
            codes: codes.collect(),
            date: short(row.date),
            source: short(row.source),
        }
    }
}

/// A key that is the same on every machine and independent of the file order.
pub(super) fn scattered(row: &CodedRow<'_>) -> (u64, u64) {
    (Hash::of(row.id.as_bytes()).first_u64(), row.line)
}

/// A probability as an integer, for use as a key.
pub(super) fn in_parts(probability: f64) -> u32 {
    (probability.clamp(0.0, 1.0) * 1e6).round() as u32
}

struct Filling {
    queue: Queue,
    /// The shown groups, keyed by the hash of the queue and of the first id.
    shown: HashMap<u64, (Reverse<u64>, u64), FxBuildHasher>,
    cases: std::collections::BTreeMap<(Reverse<u64>, u64), (u64, Case)>,
}

/// Fills the queues row by row.
pub(super) struct TriageTally<'a> {
    routes: Option<&'a Routes>,
    /// Variable and codes of statements that can be acted on.
    acts: Option<(usize, Vec<usize>)>,
    /// Variable and codes of statements that are only anger.
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

    /// The group of a row, and the size of the group in the queue including the row.
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
            // Without the rules the order of the queues is unknown, so the largest comes first.
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

    /// A dropped group comes back with its next copy, whose text is just as good. So the largest
    /// groups are shown, whatever the order of the rows.
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

    /// The largest groups are shown: first by number of copies, then in file order.
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
        // Rows 5 and 2 were dropped; their copies are shown instead.
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
