use std::fs;
use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::codebook::Codebook;
use crate::codebook::tests::FRUIT;
use crate::corpus::{CodedUnit, CoderOptions, CoderTable};
use crate::error::Result;

fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read(bytes: &[u8], options: &CoderOptions) -> Result<CoderTable> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("team.qdpx");
    fs::write(&path, bytes).unwrap();
    let codebook = Codebook::from_toml(FRUIT, "f").unwrap();
    CoderTable::read(&[path], &codebook, options)
}

const CODES: &str = "<CodeBook><Codes><Code guid=\"{C0}\" name=\"Fruit\" isCodable=\"false\">\
    <Code guid=\"{C1}\" name=\"APPLE\"/><Code guid=\"{C2}\" name=\"pear\"/></Code>\
    <Code guid=\"{C3}\" name=\"nice words\"/></Codes></CodeBook>";
const USERS: &str =
    "<Users><User guid=\"{A}\" name=\"Ani\"/><User guid=\"{B}\" name=\"Budi\"/></Users>";

/// A selection by a user with codes.
fn selection(start: u32, end: u32, user: &str, codes: &[&str]) -> String {
    let coding = |code: &&str| {
        format!(
            "<Coding guid=\"K\" creatingUser=\"{{{user}}}\"><CodeRef targetGUID=\"{{{code}}}\"/></Coding>"
        )
    };
    let codings: String = codes.iter().map(coding).collect();
    format!(
        "<PlainTextSelection guid=\"P\" startPosition=\"{start}\" endPosition=\"{end}\">{codings}</PlainTextSelection>"
    )
}

fn project(sources: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Project xmlns=\"urn:QDA-XML:project:1.0\" name=\"p\">{USERS}{CODES}<Sources>{sources}</Sources></Project>"
    )
}

/// A project with one source and its text in the folder of sources.
fn one(selections: &[String], text: &str) -> Result<CoderTable> {
    let source = format!(
        "<TextSource guid=\"{{S1}}\" name=\"one\" plainTextPath=\"internal://T1.txt\">{}</TextSource>",
        selections.concat()
    );
    let xml = project(&source);
    let members: [(&str, &[u8]); 3] = [
        ("project.qde", xml.as_bytes()),
        ("Sources/.root", b""),
        ("Sources/t1.TXT", text.as_bytes()),
    ];
    read(&packed(&members), &CoderOptions::default())
}

/// Id, text, and the code of each coder.
type Row<'a> = (&'a str, Option<&'a str>, &'a [Option<usize>]);

fn units(table: &CoderTable) -> Vec<Row<'_>> {
    fn row(unit: &CodedUnit) -> Row<'_> {
        (&unit.id, unit.text.as_deref(), &unit.codes[0])
    }
    table.units.iter().map(row).collect()
}

/// Positions count characters, not bytes. Codes are found by name below the name of the variable.
/// Users become coders.
#[test]
fn users_are_coders_and_identical_spans_statements() {
    let table = one(
        &[
            selection(0, 4, "A", &["C1"]),
            selection(5, 9, "B", &["C2"]),
            selection(0, 4, "B", &["C1"]),
            selection(5, 9, "A", &["C1"]),
            selection(10, 12, "A", &["C2"]),
        ],
        "🍎e\u{301}r soft ok",
    )
    .unwrap();
    let names: Vec<&str> = table.coders.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Ani", "Budi"]);
    let (apple, pear) = (Some(0), Some(1));
    assert_eq!(
        units(&table),
        [
            ("s1:0-4", Some("🍎e\u{301}r"), &[apple, apple][..]),
            ("s1:5-9", Some("soft"), &[apple, pear][..]),
            ("s1:10-12", Some("ok"), &[pear, None][..]),
        ]
    );
    assert!(table.notes.is_empty() && !table.has_groups());
}

/// Overlapping spans count neither as agreement nor as disagreement; a note tells their number.
#[test]
fn spans_that_are_not_identical_are_not_compared() {
    let table = one(
        &[
            selection(0, 4, "A", &["C1"]),
            selection(0, 5, "B", &["C1"]),
            selection(6, 9, "A", &["C1"]),
            selection(9, 12, "B", &["C2"]),
        ],
        "",
    )
    .unwrap();
    assert_eq!(table.units.len(), 4);
    assert!(table.units.iter().all(|u| u.text.is_none()));
    let has = |said: &str| table.notes.iter().any(|note| note.contains(said));
    assert!(
        has("only overlap another user's: 2 of 4"),
        "{:?}",
        table.notes
    );
    assert!(has("no text for 4 of 4 spans"), "{:?}", table.notes);
}

#[test]
fn what_is_left_out_is_counted() {
    let whole = "<Coding guid=\"K\" creatingUser=\"{A}\"><CodeRef targetGUID=\"{C1}\"/></Coding>";
    let table = one(
        &[
            selection(0, 4, "A", &["C1", "C2"]),
            selection(5, 9, "A", &["C1", "C3"]),
            "<PlainTextSelection guid=\"P\" startPosition=\"5\" endPosition=\"9\"><Description>a note</Description></PlainTextSelection>".into(),
            selection(7, 7, "A", &["C1"]),
            whole.into(),
        ],
        "round\rsoft",
    )
    .unwrap();
    assert_eq!(units(&table)[0], ("s1:0-4", Some("roun"), &[None][..]));
    assert_eq!(units(&table)[1], ("s1:5-9", Some("\nsof"), &[Some(0)][..]));
    let notes = table.notes.join("\n");
    for said in [
        "left out: codings by codes that the codebook doesn't have: 1 (nice words)",
        "left out: spans to which one user gave two codes of a variable: 1",
        "left out: codings of whole sources, pictures, sound or film: 1",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
}

/// Statements of one interview are similar. A single interview makes no groups.
#[test]
fn sources_are_groups() {
    let source = |guid: &str| {
        let selections = selection(0, 4, "A", &["C1"]);
        format!(
            "<TextSource guid=\"{guid}\" name=\"n\"><PlainTextContent>a&lt;b&#65;</PlainTextContent>{selections}</TextSource>"
        )
    };
    let xml = project(&format!("{}{}", source("S1"), source("S2")));
    let table = read(
        &packed(&[("project.qde", xml.as_bytes())]),
        &CoderOptions::default(),
    )
    .unwrap();
    let groups: Vec<_> = table.units.iter().map(|u| u.group.as_deref()).collect();
    assert_eq!(groups, [Some("s1"), Some("s2")]);
    assert_eq!(table.units[0].text.as_deref(), Some("a<bA"));
}

#[test]
fn what_is_no_project_is_refused() {
    let code_of = |bytes: &[u8]| read(bytes, &CoderOptions::default()).unwrap_err().code();
    let qde = |xml: &str| packed(&[("project.qde", xml.as_bytes())]);
    let source = |inner: &str| {
        qde(&project(&format!(
            "<TextSource guid=\"S1\">{inner}</TextSource>"
        )))
    };
    let deep = "<a>".repeat(300) + &"</a>".repeat(300);
    let bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    for (what, bytes) in [
        ("no ZIP", b"id,fruit\n1,apple\n".to_vec()),
        ("no main part", packed(&[("other.xml", b"<Project/>")])),
        ("cut off", qde("<Project><Users>")),
        ("not a project", qde("<html></html>")),
        ("too deep", qde(&format!("<Project>{deep}</Project>"))),
        ("entities", qde(&format!("{bomb}<Project/>"))),
        ("unknown entity", qde("<Project>&b;</Project>")),
        (
            "no number",
            source("<PlainTextSelection startPosition=\"x\" endPosition=\"3\"/>"),
        ),
        (
            "no end",
            source("<PlainTextSelection startPosition=\"1\"/>"),
        ),
        (
            "backwards",
            source("<PlainTextSelection startPosition=\"4\" endPosition=\"3\"/>"),
        ),
        (
            "nobody's",
            source(
                "<PlainTextSelection startPosition=\"1\" endPosition=\"3\"><Coding><CodeRef targetGUID=\"C1\"/></Coding></PlainTextSelection>",
            ),
        ),
        ("no code of ours", source(&selection(0, 2, "A", &["C3"]))),
        (
            "no guid",
            qde("<Project><Users><User name=\"A\"/></Users></Project>"),
        ),
    ] {
        assert_eq!(code_of(&bytes), "K0332", "{what}");
    }
}

/// The limit applies to the unpacked bytes, not to the size that the archive claims.
#[test]
fn what_unpacks_to_too_much_is_refused() {
    let zeros = vec![b' '; 3 << 20];
    let bytes = packed(&[("project.qde", b"<Project/>"), ("sources/a.txt", &zeros)]);
    assert!(bytes.len() < 100_000);
    let options = CoderOptions {
        max_unpacked: 1 << 20,
        ..CoderOptions::default()
    };
    assert_eq!(read(&bytes, &options).unwrap_err().code(), "K0210");
    assert!(
        read(&bytes, &CoderOptions::default())
            .unwrap()
            .units
            .is_empty()
    );
}
