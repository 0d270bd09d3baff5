//! Exact and near duplicates, and the minimal pairs that are allowed to be near.
//!
//! The search is exact, without sampling. Prefix filter (Chaudhuri, Ganti and Kaushik 2006): two
//! sets x with Jaccard index ≥ `t` share a shingle among the first |x| − ⌈t|x|⌉ + 1 of each, rarest
//! first. Only statements that share one are compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Finding, Kind, code_names, shown};
use crate::corpus::near::{MIN_SHINGLES, SHINGLE, jaccard, normalised};
use crate::corpus::{Corpus, Statement};

pub(super) fn duplicates(corpus: &Corpus, near: f64) -> Vec<Finding> {
    let normal: Vec<String> = corpus
        .statements
        .iter()
        .map(|s| normalised(&s.text))
        .collect();
    let mut findings = exact(corpus, &normal);
    for (a, b, likeness) in near_pairs(&normal, near) {
        let (first, second) = (&corpus.statements[a], &corpus.statements[b]);
        if normal[a] == normal[b] || same_pair(first, second) {
            continue;
        }
        let kind = if first.group == second.group {
            Kind::NearDuplicateInGroup
        } else {
            Kind::NearDuplicateAcrossGroups
        };
        findings.push(Finding {
            kind,
            lines: vec![first.line, second.line],
            message: format!(
                "{likeness:.2} alike: {} and {}",
                shown(&first.text),
                shown(&second.text)
            ),
        });
    }
    findings
}

fn exact(corpus: &Corpus, normal: &[String]) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Statement> = BTreeMap::new();
    let mut findings = Vec::new();
    for (text, statement) in normal.iter().zip(&corpus.statements) {
        let Some(earlier) = first.get(text.as_str()) else {
            first.insert(text, statement);
            continue;
        };
        let same = earlier.codes == statement.codes;
        let codes = [earlier, &statement].map(|s| code_names(corpus, s));
        findings.push(Finding {
            kind: if same {
                Kind::Duplicate
            } else {
                Kind::Contradiction
            },
            lines: vec![earlier.line, statement.line],
            message: if same {
                shown(&statement.text)
            } else {
                format!(
                    "{} is coded ({}) and ({})",
                    shown(&statement.text),
                    codes[0],
                    codes[1]
                )
            },
        });
    }
    findings
}

fn pair(statement: &Statement) -> Option<&str> {
    let value = statement
        .extra
        .iter()
        .find(|(column, _)| column == "pair")
        .map(|(_, value)| value.trim());
    value.filter(|v| !v.is_empty())
}

fn same_pair(a: &Statement, b: &Statement) -> bool {
    pair(a).is_some() && pair(a) == pair(b)
}

/// Pairs that are not two statements of the same group with different codes.
pub(super) fn bad_pairs(corpus: &Corpus) -> Vec<Finding> {
    let mut pairs: BTreeMap<&str, Vec<&Statement>> = BTreeMap::new();
    for statement in &corpus.statements {
        if let Some(id) = pair(statement) {
            pairs.entry(id).or_default().push(statement);
        }
    }
    let bad = |(id, members): (&str, Vec<&Statement>)| {
        let fault = match members.as_slice() {
            [a, b] if a.group != b.group => "is in two groups".to_string(),
            [a, b] if a.codes == b.codes => "has the same codes twice".to_string(),
            [_, _] => return None,
            other => format!("has {} statements, not two", other.len()),
        };
        Some(Finding {
            kind: Kind::BadPair,
            lines: members.iter().map(|s| s.line).collect(),
            message: format!("pair {id:?} {fault}"),
        })
    };
    pairs.into_iter().filter_map(bad).collect()
}

/// The shingles of each text as ranks, ascending; rank 0 is the rarest shingle.
fn shingle_sets(texts: &[String]) -> Vec<Vec<u32>> {
    let shingles = |text: &String| -> BTreeSet<String> {
        let chars: Vec<char> = text.chars().collect();
        chars.windows(SHINGLE).map(|w| w.iter().collect()).collect()
    };
    let sets: Vec<BTreeSet<String>> = texts.iter().map(shingles).collect();
    let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
    for shingle in sets.iter().flatten() {
        *frequency.entry(shingle).or_default() += 1;
    }
    let mut by_rarity: Vec<(u32, &str)> = frequency.into_iter().map(|(s, n)| (n, s)).collect();
    by_rarity.sort_unstable();
    let rank: HashMap<&str, u32> = by_rarity
        .iter()
        .enumerate()
        .map(|(i, (_, s))| (*s, i as u32))
        .collect();
    let ranked = |set: &BTreeSet<String>| {
        let mut ranks: Vec<u32> = set.iter().map(|s| rank[s.as_str()]).collect();
        ranks.sort_unstable();
        ranks
    };
    sets.iter().map(ranked).collect()
}

fn near_pairs(texts: &[String], near: f64) -> Vec<(usize, usize, f64)> {
    let sets = shingle_sets(texts);
    let mut index: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (b, set) in sets.iter().enumerate() {
        if set.len() < MIN_SHINGLES {
            continue;
        }
        let prefix = set.len() - (near * set.len() as f64).ceil() as usize + 1;
        let mut candidates = BTreeSet::new();
        for shingle in &set[..prefix.min(set.len())] {
            let earlier = index.entry(*shingle).or_default();
            candidates.extend(earlier.iter().copied());
            earlier.push(b);
        }
        for a in candidates {
            let likeness = jaccard(&sets[a], set);
            if likeness >= near {
                found.push((a, b, likeness));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The prefix filter finds the same pairs as comparing all.
        #[test]
        fn the_filter_loses_no_pair(texts in prop::collection::vec("(abcd|bcde|efgh|xyzw| ){6,14}", 2..25), near in 0.3..1.0f64) {
            let sets = shingle_sets(&texts);
            let mut all = Vec::new();
            for b in 0..sets.len() {
                for a in 0..b {
                    if sets[a].len().min(sets[b].len()) >= MIN_SHINGLES && jaccard(&sets[a], &sets[b]) >= near {
                        all.push((a, b));
                    }
                }
            }
            let mut found: Vec<_> = near_pairs(&texts, near).into_iter().map(|(a, b, _)| (a, b)).collect();
            found.sort_unstable();
            all.sort_unstable();
            prop_assert_eq!(found, all);
        }
    }
}
