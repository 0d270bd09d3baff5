use std::collections::BTreeSet;

use super::*;

/// One of every variant of [`RowFault`].
fn faults() -> Vec<RowFault> {
    let key = || "key".to_string();
    vec![
        RowFault::Footer { expected: 3 },
        RowFault::Ragged {
            expected: 2,
            got: 3,
        },
        RowFault::NotUtf8 { byte: 7 },
        RowFault::OtherEncoding {
            encoding: "windows-1252",
        },
        RowFault::Nul { byte: 7 },
        RowFault::CellTooLong { bytes: 9, limit: 8 },
        RowFault::LoneCarriageReturn,
        RowFault::TakenKey { key: key() },
        RowFault::AfterQuote,
        RowFault::CueTiming { reason: "no end" },
        RowFault::Json { reason: key() },
        RowFault::TooDeep { limit: 64 },
        RowFault::NoTextKey { key: key() },
        RowFault::NotAString {
            key: key(),
            kind: "a number",
        },
        RowFault::StrayKey { key: key() },
    ]
}

/// At least one of every variant of [`Error`], and of each of its hints.
#[allow(clippy::too_many_lines)]
fn errors() -> Vec<Error> {
    let text = || "text".to_string();
    let path = || "a.csv".to_string();
    let at = || Location::new("a.csv", 3, 0);
    let names = || vec!["text".to_string(), "speaker".to_string()];
    let mut errors = vec![
        Error::read(Path::new("a.csv"), io::ErrorKind::NotFound.into()),
        Error::read(Path::new("a.csv"), io::ErrorKind::PermissionDenied.into()),
        Error::write(Path::new("a.csv"), io::ErrorKind::NotFound.into()),
        Error::OutputExists {
            path: path().into(),
        },
        Error::OutputIsInput {
            path: path().into(),
        },
        Error::KeyBesideOutput {
            path: path().into(),
        },
        Error::UnknownFormat {
            path: path(),
            known: ".csv".into(),
        },
        Error::EmptyFile { path: path() },
        Error::TooManyColumns {
            path: path(),
            columns: 9,
            limit: 8,
        },
        Error::NotInBuild {
            path: path(),
            format: "Parquet",
            feature: "parquet",
        },
        Error::Workbook {
            path: path(),
            reason: text(),
        },
        Error::MissingSheet {
            path: path(),
            wanted: "txt".into(),
            found: names(),
        },
        Error::Document {
            path: path(),
            reason: text(),
        },
        Error::DocumentTooLarge {
            path: path(),
            limit: 8,
        },
        Error::TooLarge {
            path: path(),
            limit: 8,
        },
        Error::SameName {
            path: path(),
            name: text(),
        },
        Error::WhoAsks {
            path: path(),
            names: names(),
        },
        Error::JsonByColumn { path: path() },
        Error::DuplicateColumn {
            path: path(),
            name: text(),
            first: 0,
            second: 1,
        },
        Error::ColumnTaken {
            path: path(),
            name: text(),
        },
        Error::OpenQuote { at: at() },
        Error::EmptyText { at: at() },
        Error::Rows {
            faults: vec![Error::NoId { at: at() }, Error::EmptyText { at: at() }],
        },
        Error::NoId { at: at() },
        Error::NoDate {
            at: at(),
            cell: text(),
        },
        Error::Annotation {
            at: at(),
            reason: text(),
        },
        Error::DuplicateId {
            at: at(),
            id: text(),
            first: 2,
        },
        Error::Syntax {
            at: at(),
            reason: text(),
        },
        Error::Codebook {
            path: path(),
            reason: text(),
        },
        Error::Gate {
            at: at(),
            reason: text(),
        },
        Error::Behaviour {
            at: at(),
            reason: text(),
        },
        Error::Parameter {
            name: "cost",
            value: text(),
            range: "above 0",
        },
        Error::Untrainable { reason: text() },
        Error::NotConverged {
            solver: "head",
            measure: "gradient",
            value: 1.0,
            wanted: 0.1,
        },
        Error::Model {
            path: path(),
            reason: text(),
        },
        Error::Encoder {
            path: path(),
            reason: text(),
        },
        Error::WrongEncoder {
            needed: text(),
            given: None,
        },
        Error::UnusedEncoder { given: text() },
        Error::ContextEncoder {
            path: path(),
            hash: text(),
            reason: text(),
        },
        Error::ModelTooNew {
            path: path(),
            made_by: "9.0.0".into(),
            found: 9,
            supported: 1,
        },
        Error::CodebookMismatch {
            trained: text(),
            given: text(),
        },
        Error::Vectors {
            name: text(),
            reason: text(),
        },
        Error::Tokenizer { reason: text() },
        Error::NotMeasured {
            path: path(),
            reason: text(),
        },
        Error::Routes {
            at: at(),
            reason: text(),
            near: Some("pear".into()),
        },
        Error::CodedByOther {
            path: path(),
            what: "model",
            labelled: text(),
            given: text(),
        },
        Error::Template {
            name: text(),
            reason: text(),
        },
        Error::Solver { reason: text() },
    ];
    for kind in [
        ForeignKind::WebPage,
        ForeignKind::Xml,
        ForeignKind::Pdf,
        ForeignKind::Rtf,
        ForeignKind::OldOffice,
        ForeignKind::Zip,
        ForeignKind::Gzip,
        ForeignKind::TextAsWord,
    ] {
        errors.push(Error::Foreign { path: path(), kind });
    }
    errors.extend(
        faults()
            .into_iter()
            .map(|fault| Error::Row { at: at(), fault }),
    );
    for wanted in ["txt", "zzz"] {
        errors.push(Error::UnknownCode {
            at: at(),
            variable: "topic".into(),
            code: wanted.into(),
            codes: names(),
        });
        errors.push(Error::UnknownPreset {
            name: wanted.into(),
            known: names(),
        });
        for holds in [
            ColumnHolds::Text,
            ColumnHolds::Codes,
            ColumnHolds::Id,
            ColumnHolds::Slice,
            ColumnHolds::Probabilities,
            ColumnHolds::Other,
        ] {
            for found in [names(), vec!["only".to_string()]] {
                errors.push(Error::MissingColumn {
                    path: path(),
                    wanted: wanted.into(),
                    holds,
                    found,
                });
            }
        }
    }
    errors
}

/// Fails if a variant has no sample, so that tests over the samples cover all variants.
fn assert_complete<'a>(samples: impl Iterator<Item = &'a str>, variants: &[&'a str]) {
    let seen: BTreeSet<&str> = samples.collect();
    let missing: Vec<_> = variants.iter().filter(|v| !seen.contains(*v)).collect();
    assert!(missing.is_empty(), "add samples of {missing:?}");
}

#[test]
fn there_is_a_sample_of_every_variant() {
    assert_complete(faults().iter().map(RowFault::variant), RowFault::VARIANTS);
    assert_complete(errors().iter().map(Error::variant), Error::VARIANTS);
}

#[test]
fn every_code_belongs_to_one_variant() {
    let mut owners: BTreeSet<(&str, &str)> = BTreeSet::new();
    owners.extend(faults().iter().map(|f| (f.code(), f.variant())));
    // A row has the code of its fault; several rows have the code of the first fault.
    let own = |e: &&Error| !matches!(e, Error::Row { .. } | Error::Rows { .. });
    let errors = errors();
    owners.extend(errors.iter().filter(own).map(|e| (e.code(), e.variant())));
    let codes: BTreeSet<&str> = owners.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes.len(), owners.len(), "{owners:?}");
    for code in codes {
        let digits = code.strip_prefix('K').unwrap_or_default();
        assert!(
            digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()),
            "{code}"
        );
    }
}

#[test]
fn codes_of_rows_stay() {
    let codes: Vec<&str> = faults().iter().map(RowFault::code).collect();
    assert_eq!(
        codes,
        [
            "K0317", "K0301", "K0302", "K0315", "K0303", "K0304", "K0313", "K0314", "K0305",
            "K0320", "K0306", "K0316", "K0307", "K0308", "K0312"
        ]
    );
}

#[test]
fn no_hint_names_an_option_a_verb_or_a_path_of_the_source() {
    for error in errors() {
        let Some(hint) = error.hint() else { continue };
        for word in ["--", "src/", "models/", "cargo ", "`konflik", "`-`"] {
            assert!(!hint.contains(word), "{}: {hint}", error.variant());
        }
    }
}

#[test]
fn several_rows_have_the_code_and_the_hint_of_the_first() {
    let at = Location::new("a.csv", 3, 0);
    let several = Error::several(vec![
        Error::NoId { at: at.clone() },
        Error::EmptyText { at },
    ])
    .unwrap();
    assert_eq!(several.code(), "K0331");
    assert!(several.hint().unwrap().contains("a unique id"));
}

#[test]
fn nearest_finds_misspelt_codes_only() {
    let codes = [
        "realistic".to_string(),
        "non_realistic".to_string(),
        "none".to_string(),
    ];
    assert_eq!(nearest("realstic", &codes), Some("realistic"));
    assert_eq!(nearest("NONE", &codes), Some("none"));
    assert_eq!(nearest("xyz", &codes), None);
}

/// Tested without a file: tests may run as root, which can read every file.
#[test]
fn a_locked_file_has_a_hint() {
    let locked = io::Error::from(io::ErrorKind::PermissionDenied);
    let hint = Error::read(Path::new("a.csv"), locked).hint().unwrap();
    assert!(hint.contains("permission"), "{hint}");
}

#[test]
fn a_location_names_as_much_as_is_known() {
    assert_eq!(Location::file("a.csv").to_string(), "a.csv");
    assert_eq!(Location::new("a.csv", 3, 0).to_string(), "a.csv:3");
    assert_eq!(Location::new("a.csv", 3, 8).to_string(), "a.csv:3:8");
}
