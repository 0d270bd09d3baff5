//! Agreement of coders against independent programs (`tests/oracle/agreement.py`).

use std::fmt::Write;
use std::fs;

use konflik::Codebook;
use konflik::corpus::{CoderOptions, CoderTable};
use konflik::evaluate::{Agreement, EvaluateParams, Score, agreement};
use konflik::export::table::TableFormats;
use konflik::export::{adjudicated, disagreements};
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
    classes: usize,
    codes: Vec<Vec<Option<usize>>>,
    alpha: f64,
    fleiss: f64,
    percent: f64,
    ac1: f64,
    pairs: Vec<f64>,
    by_code: Vec<[f64; 3]>,
}

fn table(codes: &[Vec<Option<usize>>], codebook: &Codebook) -> CoderTable {
    let names: Vec<String> = (0..codes.len()).map(|c| format!("v_{c}")).collect();
    let mut csv = format!("id,{}\n", names.join(","));
    for unit in 0..codes[0].len() {
        let cell =
            |coder: &Vec<Option<usize>>| coder[unit].map_or(String::new(), |k| format!("c{k}"));
        let cells: Vec<String> = codes.iter().map(cell).collect();
        writeln!(csv, "{unit},{}", cells.join(",")).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codings.csv");
    fs::write(&path, csv).unwrap();
    CoderTable::read(&[path], codebook, &CoderOptions::default()).unwrap()
}

fn measured(codes: &[Vec<Option<usize>>], classes: usize) -> konflik::Result<Agreement> {
    let codebook = codebook(classes);
    let mut params = EvaluateParams::default();
    params.replicates = 200;
    agreement(&table(codes, &codebook), &codebook, &params)
}

fn close(ours: &Score, theirs: f64) {
    let value = ours.value.unwrap();
    assert!((value - theirs).abs() < 1e-9, "{value} {theirs}");
    let [low, high] = ours.interval.unwrap();
    assert!(low <= high);
}

#[test]
fn coefficients_are_those_of_independent_programs() {
    let fixture: Fixture = serde_json::from_str(include_str!("../oracle/agreement.json")).unwrap();
    for case in &fixture.cases {
        let agreement = measured(&case.codes, case.classes).unwrap();
        let ours = &agreement.variables[0];
        close(&ours.overall.alpha, case.alpha);
        close(&ours.fleiss_kappa, case.fleiss);
        close(&ours.overall.percent, case.percent);
        close(&ours.overall.ac1, case.ac1);
        assert_eq!(ours.pairs.len(), case.pairs.len());
        for (pair, kappa) in ours.pairs.iter().zip(&case.pairs) {
            let value = pair.kappa.value.unwrap();
            assert!((value - kappa).abs() < 1e-9, "{value} {kappa}");
        }
        for (code, [percent, alpha, ac1]) in ours.by_code.iter().zip(&case.by_code) {
            for (ours, theirs) in [
                (&code.coefficients.percent, percent),
                (&code.coefficients.alpha, alpha),
                (&code.coefficients.ac1, ac1),
            ] {
                assert!((ours.value.unwrap() - theirs).abs() < 1e-9);
            }
        }
    }
}

/// Under skew the coefficients part, and why is said.
#[test]
fn a_note_stands_only_where_they_differ() {
    let fixture: Fixture = serde_json::from_str(include_str!("../oracle/agreement.json")).unwrap();
    let note = |i: usize| {
        let case: &Case = &fixture.cases[i];
        measured(&case.codes, case.classes).unwrap().variables[0]
            .note
            .clone()
    };
    let skewed = note(1).unwrap();
    assert!(skewed.contains("97 % of all codings are c0"), "{skewed}");
    assert_eq!(note(2), None);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let one = vec![vec![Some(0), Some(1), None]];
    assert_eq!(measured(&one, 2).unwrap_err().code(), "K0801");
    let apart = vec![vec![Some(0), None], vec![None, Some(1)]];
    assert_eq!(measured(&apart, 2).unwrap_err().code(), "K0801");
    let nothing = vec![vec![None, None], vec![None, None]];
    assert_eq!(measured(&nothing, 2).unwrap_err().code(), "K0801");
    let same = vec![vec![Some(0); 4], vec![Some(0); 4]];
    let agreement = measured(&same, 2).unwrap();
    let overall = &agreement.variables[0].overall;
    assert_eq!(overall.percent.value, Some(1.0));
    assert_eq!(overall.alpha.reason, Some("only one code occurs"));
    assert_eq!(
        agreement.variables[0].by_code[1].coefficients.alpha.value,
        None
    );
}

/// Codings of two coders on `statements` in groups of `size`, read as a table with that column.
fn grouped(codes: &[Vec<Option<usize>>], size: usize) -> Agreement {
    let codebook = codebook(2);
    let mut csv = "id,group,v_a,v_b\n".to_string();
    for (unit, (a, b)) in codes[0].iter().zip(&codes[1]).enumerate() {
        let [a, b] = [a.unwrap(), b.unwrap()];
        writeln!(csv, "{unit},case {},c{a},c{b}", unit / size).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codings.csv");
    fs::write(&path, csv).unwrap();
    let table = CoderTable::read(&[path], &codebook, &CoderOptions::default()).unwrap();
    agreement(&table, &codebook, &EvaluateParams::default()).unwrap()
}

/// Fifty cases of eight statements that a coder gets right or wrong as a whole say as much as
/// fifty statements: intervals are about √8 times as wide. Cases of one statement change nothing.
#[test]
fn cases_widen_the_interval() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut codes = vec![Vec::new(), Vec::new()];
    for _ in 0..50 {
        let (code, agrees) = (rng.random_range(0..2), rng.random_bool(0.8));
        for _ in 0..8 {
            codes[0].push(Some(code));
            codes[1].push(Some(if agrees { code } else { 1 - code }));
        }
    }
    let by_case = grouped(&codes, 8);
    assert_eq!(by_case.bootstrap.unit, "groups");
    let (single, plain) = (grouped(&codes, 1), {
        let codebook = codebook(2);
        agreement(
            &table(&codes, &codebook),
            &codebook,
            &EvaluateParams::default(),
        )
        .unwrap()
    });
    let width = |score: &Score| score.interval.map(|[low, high]| high - low).unwrap();
    let of = |a: &Agreement| {
        let variable = &a.variables[0];
        let code = &variable.by_code[0].coefficients;
        [
            width(&variable.overall.alpha),
            width(&variable.overall.percent),
            width(&variable.fleiss_kappa),
            width(&code.ac1),
            width(&variable.pairs[0].kappa),
        ]
    };
    for ((wide, narrow), same) in of(&by_case).into_iter().zip(of(&single)).zip(of(&plain)) {
        let ratio = wide / narrow;
        assert!((2.2..3.5).contains(&ratio), "{ratio}");
        assert!((narrow - same).abs() < 1e-12, "{narrow} {same}");
    }
    let value = |a: &Agreement| a.variables[0].overall.alpha.value;
    assert_eq!(value(&by_case), value(&plain));
}

#[test]
fn disagreements_and_majorities_are_written() {
    let codes = [
        vec![Some(0), Some(0), Some(1), None],
        vec![Some(0), Some(1), Some(1), None],
        vec![Some(0), None, Some(0), None],
    ];
    let codebook = codebook(2);
    let table = table(&codes, &codebook);
    let csv = TableFormats::default().named("csv").unwrap();
    assert_eq!(
        String::from_utf8(disagreements(&table, &codebook, csv).unwrap()).unwrap(),
        "id,text,variable,0,1,2\n1,,v,c0,c1,\n2,,v,c1,c1,c0\n"
    );
    let settled = adjudicated(&table, &codebook, csv).unwrap();
    assert_eq!(settled.ties, 1);
    assert_eq!(
        String::from_utf8(settled.rows).unwrap(),
        "id,text,v,v_votes\n0,,c0,3 of 3\n1,,,1 of 2\n2,,c1,2 of 3\n3,,,\n"
    );
}
