//! Splits by group: statements of one imagined or real case are never on both sides.

use std::collections::BTreeMap;

use crate::base::hash::Hash;

/// The positions of the statements of each group. The order of the groups depends only on the
/// seed.
fn shuffled_groups<'a>(groups: impl IntoIterator<Item = &'a str>, seed: u64) -> Vec<Vec<usize>> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, group) in groups.into_iter().enumerate() {
        members.entry(group).or_default().push(position);
    }
    let key = |group: &str| Hash::of(format!("{seed}\0{group}").as_bytes());
    let mut ordered: Vec<_> = members
        .into_iter()
        .map(|(group, m)| (key(group), m))
        .collect();
    ordered.sort_unstable_by_key(|(key, _)| *key);
    ordered.into_iter().map(|(_, m)| m).collect()
}

/// Splits positions into a training part and a held-out part of about `fraction`, by group.
///
/// Both parts are ascending. With fewer than two groups nothing is held out.
pub fn holdout<'a>(
    groups: impl IntoIterator<Item = &'a str>,
    fraction: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let groups = shuffled_groups(groups, seed);
    let total: usize = groups.iter().map(Vec::len).sum();
    let wanted = (total as f64 * fraction).round() as usize;
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    let last = groups.len().saturating_sub(1);
    for (i, group) in groups.into_iter().enumerate() {
        let room = held_out.len() < wanted && i < last;
        if room {
            held_out.extend(group);
        } else {
            train.extend(group);
        }
    }
    train.sort_unstable();
    held_out.sort_unstable();
    (train, held_out)
}

/// The fold (0 to `folds` − 1) of each position. A group is in one fold; fold sizes are as even as
/// the groups allow.
pub fn group_folds<'a>(
    groups: impl IntoIterator<Item = &'a str>,
    folds: usize,
    seed: u64,
) -> Vec<usize> {
    let groups = shuffled_groups(groups, seed);
    let total: usize = groups.iter().map(Vec::len).sum();
    let mut sizes = vec![0; folds.max(1)];
    let mut fold_of = vec![0; total];
    for group in groups {
        let smallest = sizes
            .iter()
            .enumerate()
            .min_by_key(|(_, size)| **size)
            .map_or(0, |(fold, _)| fold);
        sizes[smallest] += group.len();
        for position in group {
            fold_of[position] = smallest;
        }
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<String> {
        (0..500).map(|i| format!("g{}", i / 4)).collect()
    }

    #[test]
    fn no_group_is_on_both_sides() {
        let groups = groups();
        let (train, held_out) = holdout(groups.iter().map(String::as_str), 0.2, 7);
        assert_eq!(train.len() + held_out.len(), 500);
        assert_eq!(held_out.len(), 100);
        assert!(
            held_out
                .iter()
                .all(|&h| train.iter().all(|&t| groups[t] != groups[h]))
        );
    }

    #[test]
    fn folds_are_even_and_keep_groups_together() {
        let groups = groups();
        let folds = group_folds(groups.iter().map(String::as_str), 5, 7);
        for fold in 0..5 {
            assert_eq!(folds.iter().filter(|f| **f == fold).count(), 100);
        }
        assert!((0..500).all(|i| folds[i] == folds[i / 4 * 4]));
    }

    #[test]
    fn another_seed_is_another_split_and_the_same_seed_the_same() {
        let groups = groups();
        let split = |seed| holdout(groups.iter().map(String::as_str), 0.2, seed).1;
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
    }

    #[test]
    fn one_group_is_never_held_out() {
        assert_eq!(holdout(["a", "a"], 0.5, 1), (vec![0, 1], vec![]));
    }
}
