//! Behavioural tests over the starter model.

use std::fs;

use konflik::Model;
use konflik::evaluate::{Behaviour, BehaviourTests};
use konflik::label::Depth;
use konflik::report::{behaviour_junit, behaviour_text};
use tempfile::TempDir;

fn run(tests: &str) -> konflik::Result<Behaviour> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tests.toml");
    fs::write(&path, format!("schema_version = 1\n{tests}")).unwrap();
    BehaviourTests::read(&path)?.run(&Model::starter()?, Depth::Fast)
}

fn test(lines: &str) -> konflik::Result<Behaviour> {
    run(&format!(
        "[[test]]\nname = \"t\"\ncapability = \"c\"\nvariable = \"conflict\"\n{lines}\n"
    ))
}

const CLAIM: &str = "Obat saya sudah dua minggu kosong di apotek.";
const THANKS: &str = "Terima kasih, perawatnya ramah dan cepat.";

/// Each expectation is met where it should be, and not where it shouldn't.
#[test]
fn expectations_are_told_apart() {
    for (expect, cases, passes) in [
        (
            "\"code\"\ncode = \"realistic\"",
            format!("[[{CLAIM:?}]]"),
            true,
        ),
        (
            "\"code\"\ncode = \"realistic\"",
            format!("[[{THANKS:?}]]"),
            false,
        ),
        ("\"same\"", format!("[[{CLAIM:?}, {CLAIM:?}]]"), true),
        ("\"same\"", format!("[[{CLAIM:?}, {THANKS:?}]]"), false),
        ("\"other\"", format!("[[{CLAIM:?}, {THANKS:?}]]"), true),
        ("\"other\"", format!("[[{CLAIM:?}, {CLAIM:?}]]"), false),
        (
            "\"rises\"\ncode = \"none\"",
            format!("[[{CLAIM:?}, {THANKS:?}]]"),
            true,
        ),
        (
            "\"rises\"\ncode = \"none\"",
            format!("[[{THANKS:?}, {CLAIM:?}]]"),
            false,
        ),
    ] {
        let behaviour = test(&format!("expect = {expect}\ncases = {cases}")).unwrap();
        assert_eq!(behaviour.passed, passes, "{expect} {cases}");
        let junit = behaviour_junit(&behaviour);
        assert_eq!(junit.contains("failures=\"1\""), !passes, "{junit}");
    }
}

#[test]
fn some_cases_may_fail() {
    let cases = format!("[[{CLAIM:?}], [{THANKS:?}]]");
    for (may_fail, passes) in [("0.4", false), ("0.5", true)] {
        let lines = format!(
            "expect = \"code\"\ncode = \"realistic\"\nmay_fail = {may_fail}\ncases = {cases}"
        );
        let behaviour = test(&lines).unwrap();
        assert_eq!((behaviour.passed, behaviour.tests[0].failed), (passes, 1));
        assert!(behaviour_text(&behaviour).contains(THANKS));
    }
}

#[test]
fn tests_that_say_nothing_are_refused() {
    for lines in [
        "expect = \"code\"\ncases = [[\"x\"]]",
        "expect = \"same\"\ncode = \"none\"\ncases = [[\"x\", \"y\"]]",
        "expect = \"same\"\ncases = [[\"x\"]]",
        "expect = \"same\"\ncases = []",
        "expect = \"same\"\ncases = [[\"x\", \" \"]]",
        "expect = \"same\"\nmay_fail = 1\ncases = [[\"x\", \"y\"]]",
    ] {
        assert_eq!(test(lines).unwrap_err().code(), "K0803", "{lines}");
    }
    assert_eq!(run("").unwrap_err().code(), "K0803");
    let unknown = "expect = \"code\"\ncode = \"nothing\"\ncases = [[\"x\"]]";
    assert_eq!(test(unknown).unwrap_err().code(), "K0310");
    let misspelt = "expects = \"same\"\ncases = [[\"x\", \"y\"]]";
    assert_eq!(test(misspelt).unwrap_err().code(), "K0401");
}

/// What a sum over words can't do, with the floors that are held to: each `may_fail` of the files.
#[test]
fn the_starter_model_keeps_the_floors_of_the_challenges() {
    let folder = super::common::project("corpus/challenges");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter(|path| !path.ends_with("behaviour.toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    let model = Model::starter().unwrap();
    for path in files {
        let behaviour = BehaviourTests::read(&path)
            .unwrap()
            .run(&model, Depth::Careful)
            .unwrap();
        assert!(behaviour.passed, "{}", behaviour_text(&behaviour));
    }
}

/// The tests of the project are whole, whatever the model makes of them.
#[test]
fn the_projects_tests_run() {
    let path = super::common::project("corpus/challenges/behaviour.toml");
    let tests = BehaviourTests::read(&path).unwrap();
    let behaviour = tests.run(&Model::starter().unwrap(), Depth::Fast).unwrap();
    assert!(behaviour.tests.len() >= 8);
}
