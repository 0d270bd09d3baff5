//! The project's own corpus and codebook are in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use konflik::Statement;
use konflik::corpus::check::{CheckParams, check};
use konflik::evaluate::Confusion;
use serde_json::Value;

use super::common::project;

#[test]
fn the_corpus_has_no_faults() {
    let report = check(&super::common::corpus(), &CheckParams::default()).unwrap();
    assert_eq!(report.faults(), 0, "{}", report.text());
}

#[test]
fn the_codebook_has_no_findings() {
    assert_eq!(super::common::corpus().codebook.lint(), []);
}

#[test]
fn the_starter_model_is_trained_on_this_corpus() {
    let model = konflik::Model::starter().unwrap();
    let corpus = super::common::corpus();
    assert_eq!(
        model.origin().corpus_hash,
        corpus.hash().to_string(),
        "train the starter model again"
    );
    assert_eq!(model.codebook().hash(), corpus.codebook.hash());
}

/// Reads a table of the corpus as (header, rows).
fn table(path: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(project("corpus").join(path)).unwrap();
    let header = reader.headers().unwrap().iter().map(String::from).collect();
    let rows = reader
        .records()
        .map(|r| r.unwrap().iter().map(String::from).collect());
    (header, rows.collect())
}

/// The descriptor says of each column what the table holds: names in order, required, unique,
/// enumerated, patterned, foreign keys.
#[test]
fn the_data_package_describes_the_tables() {
    let package: Value =
        serde_json::from_str(&fs::read_to_string(project("corpus/datapackage.json")).unwrap())
            .unwrap();
    for resource in package["resources"].as_array().unwrap() {
        let (header, rows) = table(resource["path"].as_str().unwrap());
        let fields = resource["schema"]["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert_eq!(header, names);
        for (column, field) in fields.iter().enumerate() {
            let values: Vec<&str> = rows.iter().map(|r| r[column].as_str()).collect();
            check_field(field, &values);
        }
        for key in resource["schema"]["foreignKeys"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let column = names.iter().position(|n| key["fields"][0] == *n).unwrap();
            let (others, other_rows) = table("statements.csv");
            let other = others
                .iter()
                .position(|n| key["reference"]["fields"][0] == *n)
                .unwrap();
            let known: BTreeSet<&String> = other_rows.iter().map(|r| &r[other]).collect();
            assert!(rows.iter().all(|r| known.contains(&r[column])));
        }
    }
}

fn check_field(field: &Value, values: &[&str]) {
    let name = field["name"].as_str().unwrap();
    let constraints = &field["constraints"];
    if constraints["required"] == true {
        assert!(
            values.iter().all(|v| !v.trim().is_empty()),
            "{name} is required"
        );
    }
    if constraints["unique"] == true {
        assert_eq!(
            values.iter().collect::<BTreeSet<_>>().len(),
            values.len(),
            "{name} is unique"
        );
    }
    if let Some(allowed) = constraints["enum"].as_array() {
        assert!(
            values.iter().all(|v| allowed.iter().any(|a| a == v)),
            "{name} is one of {allowed:?}"
        );
    }
    if let Some(pattern) = constraints["pattern"].as_str() {
        let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        assert!(
            values.iter().all(|v| v.is_empty() || pattern.is_match(v)),
            "{name} is {pattern}"
        );
    }
}

/// Alpha of the two codings is what the datasheet says, and good by Krippendorff's measure.
#[test]
fn the_second_coding_agrees_as_the_datasheet_says() {
    let (header, rows) = table("second_coding.csv");
    let datasheet = fs::read_to_string(project("corpus/README.md")).unwrap();
    let column = |name: String| header.iter().position(|h| *h == name).unwrap();
    for variable in &super::common::corpus().codebook.variables {
        let [first, second] =
            ["first", "second"].map(|coder| column(format!("{}_{coder}", variable.id)));
        let mut confusion = Confusion::new(variable.codes.len());
        for row in &rows {
            let code = |c: usize| variable.code_index(&row[c]).unwrap();
            confusion.add(code(first), code(second));
        }
        let alpha = confusion.alpha().unwrap();
        assert!(alpha > 0.8, "{}: {alpha:.3}", variable.id);
        let line = format!("| {} | {alpha:.3} |", variable.id);
        assert!(datasheet.contains(&line), "the datasheet should say {line}");
    }
}

/// The plan of the corpus: what it promises to hold.
#[test]
fn the_corpus_is_as_wide_as_planned() {
    let corpus = super::common::corpus();
    let extra =
        |s: &Statement, name: &str| s.extra.iter().find(|(n, _)| n == name).unwrap().1.clone();
    for rule in 1..=11 {
        let wanted = format!("R{rule}");
        let n = corpus
            .statements
            .iter()
            .filter(|s| extra(s, "rule") == wanted)
            .count();
        assert!(n >= 40, "{wanted}: {n}");
    }
    let pairs: BTreeSet<String> = corpus
        .statements
        .iter()
        .map(|s| extra(s, "pair"))
        .filter(|p| !p.is_empty())
        .collect();
    assert!(pairs.len() >= 150, "{} pairs", pairs.len());
    let mut strata: BTreeMap<(Vec<Option<usize>>, Option<String>), usize> = BTreeMap::new();
    for statement in &corpus.statements {
        *strata
            .entry((statement.codes.clone(), statement.language.clone()))
            .or_default() += 1;
    }
    assert_eq!(
        strata.len(),
        3 * 11 * 3,
        "every conflict code with every topic in every language"
    );
    assert!(strata.values().all(|n| *n >= 12));
}

/// The codebook that the documentation shows is one.
#[test]
fn the_codebook_of_the_docs_can_be_read() {
    let page = fs::read_to_string(project("docs/train.md")).unwrap();
    let toml = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let codebook = konflik::Codebook::from_toml(toml, "docs/train.md").unwrap();
    assert_eq!(codebook.variables[0].id, "theme");
}
