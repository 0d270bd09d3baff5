//! Shares of codes against `ppi_py` (`tests/oracle/prevalence.py`), and how often their intervals
//! hold the truth.

use std::fmt::Write;
use std::fs;

use konflik::corpus::Labels;
use konflik::evaluate::{
    EvaluateParams, Prevalence, PrevalenceParams, Score, ShareCounts, prevalence,
};
use konflik::{Corpus, ReadOptions};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;

use super::common::codebook;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    counts: [u64; 4],
    predicted: u64,
    uncoded: u64,
    estimate: f64,
    interval: [f64; 2],
    adjusted: Option<[f64; 3]>,
}

fn close(ours: &Score, value: f64, interval: [f64; 2]) {
    let [low, high] = ours.interval.unwrap();
    for (ours, theirs) in [
        (ours.value.unwrap(), value),
        (low, interval[0].max(0.0)),
        (high, interval[1].min(1.0)),
    ] {
        assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
    }
}

#[test]
fn shares_are_those_of_ppi_py() {
    let fixture: Fixture = serde_json::from_str(include_str!("../oracle/prevalence.json")).unwrap();
    for case in &fixture.cases {
        let [hit, missed, false_alarm, rejected] = case.counts;
        let counts = ShareCounts {
            hit,
            missed,
            false_alarm,
            rejected,
            predicted: case.predicted,
            uncoded: case.uncoded,
        };
        let ours = counts.estimates("a", 0.02);
        close(&ours.estimate, case.estimate, case.interval);
        match case.adjusted {
            Some([value, low, high]) => close(&ours.adjusted, value, [low, high]),
            None => assert_eq!(ours.adjusted.value, None),
        }
    }
}

/// What the classifier says of a statement with each of three codes.
const CONFUSION: [[f64; 3]; 3] = [[0.86, 0.08, 0.06], [0.12, 0.80, 0.08], [0.10, 0.05, 0.85]];
const SHARES: [f64; 3] = [0.55, 0.30, 0.15];

fn draw(rng: &mut Xoshiro256PlusPlus, shares: &[f64; 3]) -> usize {
    let at: f64 = rng.random();
    if at < shares[0] {
        0
    } else if at < shares[0] + shares[1] {
        1
    } else {
        2
    }
}

/// A feed of statements of which the first were drawn for people to code.
fn feed(rng: &mut Xoshiro256PlusPlus, sample: usize, uncoded: usize) -> [ShareCounts; 3] {
    let mut counts = [ShareCounts::default(); 3];
    for i in 0..sample + uncoded {
        let gold = draw(rng, &SHARES);
        let predicted = draw(rng, &CONFUSION[gold]);
        for (k, counts) in counts.iter_mut().enumerate() {
            match (i < sample, gold == k, predicted == k) {
                (true, true, true) => counts.hit += 1,
                (true, true, false) => counts.missed += 1,
                (true, false, true) => counts.false_alarm += 1,
                (true, false, false) => counts.rejected += 1,
                (false, _, given) => {
                    counts.uncoded += 1;
                    counts.predicted += u64::from(given);
                }
            }
        }
    }
    counts
}

/// Over 1,000 feeds, 95 % intervals hold the true share in 93 to 97 %, and are narrower than those
/// of the sample alone, while the model's own shares are off.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    const FEEDS: usize = 1000;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut held, mut held_adjusted) = ([0; 3], [0; 3]);
    let (mut width, mut width_alone, mut naive) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    for _ in 0..FEEDS {
        for (k, counts) in feed(&mut rng, 300, 4000).iter().enumerate() {
            let shares = counts.estimates("a", 0.02);
            let holds = |score: &Score| {
                let [low, high] = score.interval.unwrap();
                usize::from((low..=high).contains(&SHARES[k]))
            };
            held[k] += holds(&shares.estimate);
            held_adjusted[k] += holds(&shares.adjusted);
            let of = |score: &Score| score.interval.map(|[low, high]| high - low).unwrap();
            width[k] += of(&shares.estimate) / FEEDS as f64;
            width_alone[k] += of(&shares.sample) / FEEDS as f64;
            naive[k] += shares.naive.unwrap() / FEEDS as f64;
        }
    }
    for k in 0..3 {
        assert!((930..=970).contains(&held[k]), "estimate {k}: {}", held[k]);
        assert!(
            (925..=990).contains(&held_adjusted[k]),
            "adjusted {k}: {}",
            held_adjusted[k]
        );
        assert!(
            width[k] < 0.8 * width_alone[k],
            "{k}: {} {}",
            width[k],
            width_alone[k]
        );
    }
    assert!(
        (naive[2] - SHARES[2]).abs() > 0.01,
        "the model alone is off: {naive:?}"
    );
}

/// As many more rows as are said to be missing bring the interval to the width asked for.
#[test]
fn the_rows_that_are_said_to_be_missing_do() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let counts = feed(&mut rng, 300, 20_000)[0];
    let more = counts.estimates("a", 0.02).more_rows.unwrap() as usize;
    assert!((200..2000).contains(&more), "{more}");
    let counts = feed(&mut rng, 300 + more, 20_000 - more)[0];
    let [low, high] = counts.estimates("a", 0.02).estimate.interval.unwrap();
    assert!(((high - low) / 2.0 - 0.02).abs() < 0.002, "{low} {high}");
}

/// A feed of cases of `size` statements with one code each, as files: the labelled statements, and
/// the sample, which has every case of the first `sampled`.
fn cases(
    rng: &mut Xoshiro256PlusPlus,
    sampled: usize,
    all: usize,
    size: usize,
    column: bool,
) -> Prevalence {
    let (mut labelled, mut gold) = (
        format!("id,konflik_v{}\n", if column { ",group" } else { "" }),
        "id,text,v\n".to_string(),
    );
    for case in 0..all {
        let is_b = rng.random_bool(0.3);
        for i in 0..size {
            let says_b = rng.random_bool(if is_b { 0.8 } else { 0.1 });
            let group = if column {
                format!(",{case}")
            } else {
                String::new()
            };
            writeln!(
                labelled,
                "{case}-{i},{}{group}",
                if says_b { "c1" } else { "c0" }
            )
            .unwrap();
            if case < sampled {
                writeln!(gold, "{case}-{i},x,{}", if is_b { "c1" } else { "c0" }).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let paths = ["labelled.csv", "gold.csv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], labelled).unwrap();
    fs::write(&paths[1], gold).unwrap();
    let codebook = codebook(2);
    let labels = Labels::read(&paths[0], &codebook, "konflik_").unwrap();
    let gold = Corpus::read(&paths[1], codebook, &ReadOptions::default()).unwrap();
    let mut params = PrevalenceParams::default();
    params.evaluate = {
        let mut params = EvaluateParams::default();
        params.replicates = 200;
        params
    };
    prevalence(&labels, &gold, &params).unwrap()
}

/// Where statements of a case have one code, only draws of cases hold the truth as often as they
/// say; intervals of independent statements are far too narrow.
#[test]
fn intervals_by_case_hold_the_truth() {
    const FEEDS: u64 = 200;
    let mut held = [0; 2];
    let mut width = [0.0; 2];
    for seed in 0..FEEDS {
        for (i, column) in [true, false].into_iter().enumerate() {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let shares = cases(&mut rng, 60, 300, 5, column);
            assert_eq!(shares.bootstrap.is_some(), column);
            let code = &shares.variables[0].overall.codes[1];
            let [low, high] = code.estimate.interval.unwrap();
            held[i] += u64::from(low <= 0.3 && 0.3 <= high);
            width[i] += high - low;
            for score in [&code.sample, &code.adjusted] {
                assert!(score.interval.is_some(), "{score:?}");
            }
        }
    }
    assert!(held[0] * 100 >= FEEDS * 90, "{held:?}");
    assert!(held[1] * 100 <= FEEDS * 80, "{held:?}");
    assert!((1.7..2.6).contains(&(width[0] / width[1])), "{width:?}");
}

/// Cases of one statement are as if there were none, to the last digit.
#[test]
fn cases_of_one_statement_change_nothing() {
    let of = |column| {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let shares = cases(&mut rng, 100, 2000, 1, column);
        (shares.bootstrap, shares.variables)
    };
    assert_eq!(of(true), of(false));
}

/// In cases more statements are missing to the same margin.
#[test]
fn cases_ask_for_more_rows() {
    let rows = |column| {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let shares = cases(&mut rng, 60, 3000, 5, column);
        shares.variables[0].overall.codes[1].more_rows.unwrap() + 300
    };
    let ratio = rows(true) as f64 / rows(false) as f64;
    assert!((2.5..7.0).contains(&ratio), "{ratio}");
}
