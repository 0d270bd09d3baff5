//! The language of short, slangy statements: `tests/language/statements.csv`, all written for it.

use std::collections::BTreeMap;
use std::fmt::Write;

use konflik::language::identify;

use crate::common::project;

/// Statements by gold language and the one found.
fn confusion() -> BTreeMap<(String, String, String), usize> {
    let mut table = BTreeMap::new();
    let mut reader = csv::Reader::from_path(project("tests/language/statements.csv")).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let found = identify(&row[3]).map_or("-", konflik::language::Language::as_str);
        let key = (row[1].to_string(), row[2].to_string(), found.to_string());
        *table.entry(key).or_default() += 1;
    }
    table
}

/// The confusion table of docs/language.md.
#[test]
fn the_table_in_the_docs_is_what_is_measured() {
    let table = confusion();
    let count = |variety: &str, found: &str| {
        let of = table
            .iter()
            .filter(|((_, v, f), _)| v == variety && f == found);
        of.map(|(_, n)| n).sum::<usize>()
    };
    let mut lines = String::new();
    for variety in ["id", "en", "mix", "jv", "su", "min", "ms"] {
        let cells: Vec<String> = ["id", "en", "mix", "other", "-"]
            .iter()
            .map(|found| count(variety, found).to_string())
            .collect();
        writeln!(lines, "| {variety} | {} |", cells.join(" | ")).unwrap();
    }
    let docs = std::fs::read_to_string(project("docs/language.md")).unwrap();
    assert!(
        docs.contains(&lines),
        "docs/language.md should say\n{lines}"
    );
}

#[test]
fn regional_languages_are_not_called_indonesian() {
    let table = confusion();
    for variety in ["jv", "su", "min"] {
        let called = table.get(&("other".into(), variety.into(), "id".into()));
        assert_eq!(called, None, "{variety}");
    }
}
