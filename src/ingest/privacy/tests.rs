use std::collections::BTreeMap;
use std::io::Cursor;

use super::*;
use crate::ingest::{ReadOptions, Reader, Roles, SpeakerRole, TranscriptFormat, UnitKind};

fn guarded(file: &str, privacy: Privacy) -> (Reader, Vec<Record>, Vec<Rejected>) {
    let options = ReadOptions {
        privacy,
        ..ReadOptions::default()
    };
    let input = Box::new(Cursor::new(file.as_bytes().to_vec()));
    let mut reader = Reader::from_stream(input, "in", &options).unwrap();
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    while let Some(row) = reader.next_row().unwrap() {
        match row {
            Ok(record) => records.push(record),
            Err(row) => rejected.push(row),
        }
    }
    (reader, records, rejected)
}

fn redact() -> Privacy {
    Privacy {
        redact: true,
        names: None,
    }
}

fn raw(record: &Record) -> &str {
    std::str::from_utf8(&record.raw).unwrap()
}

#[test]
fn all_cells_but_identifiers_are_masked_and_counted_once() {
    let file = "id,text,hp,date\n0001234567890,\"Hub 0812-0000-1111, \"\"ya\"\"\",081200002222,2026-01-02\n2,\"Antri, lama\",-,\n";
    let (reader, records, _) = guarded(file, redact());
    assert_eq!(
        raw(&records[0]),
        "0001234567890,\"Hub <phone>, \"\"ya\"\"\",<phone>,2026-01-02"
    );
    assert_eq!(records[0].text, "Hub <phone>, \"ya\"");
    // A row without private data stays as it was written.
    assert_eq!(raw(&records[1]), "2,\"Antri, lama\",-,");
    assert_eq!(reader.masked(), &Counts::from([(Kind::Phone, 2)]));
}

#[test]
fn a_column_that_is_masked_as_a_whole_is_named() {
    let file = "post,text,kontak\n57030613367776000,antre lama,-\n57030113088812200,petugas 2 orang,081200002222\n";
    let (reader, ..) = guarded(file, redact());
    assert_eq!(reader.masked_columns(), ["post"]);
    let options = ReadOptions {
        privacy: redact(),
        columns: crate::ingest::ColumnMap {
            named: BTreeMap::from([(Role::Id, "post".to_string())]),
            preset: None,
        },
        ..ReadOptions::default()
    };
    let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &options).unwrap();
    let row = reader.next_row().unwrap().unwrap().unwrap();
    assert_eq!(raw(&row), "57030613367776000,antre lama,-");
    assert!(reader.masked_columns().is_empty());
}

#[test]
fn strings_and_numbers_of_an_object_are_masked_at_any_depth() {
    let file = "{\"text\":\"Hub \\u0040anwar_x\\n\",\"id\":3299014107850001,\"to\":{\"wa\":[6281200001111,12.5]},\"@x:\":true}\n";
    let (_, records, _) = guarded(file, redact());
    assert_eq!(
        raw(&records[0]),
        "{\"text\":\"Hub @user\\n\",\"id\":3299014107850001,\"to\":{\"wa\":[\"<phone>\",12.5]},\"@x:\":true}"
    );
    assert_eq!(records[0].text, "Hub @user\n");
}

/// Each statement of a row repeats the cells of the row, but masked data is counted once.
#[test]
fn a_row_that_is_cut_is_masked_before_and_counted_once() {
    let file = "id,text,hp\n1,Hub 0812-0000-1111. Atau a@b.id. Lama.,0812-0000-2222\n";
    let options = ReadOptions {
        privacy: redact(),
        unit: Some(UnitKind::Statement),
        ..ReadOptions::default()
    };
    let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &options).unwrap();
    let mut found = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        found.push(String::from_utf8(row.unwrap().raw).unwrap());
    }
    assert_eq!(
        found,
        [
            "1,Hub <phone>. Atau <email>. Lama.,<phone>,1,0,12,Hub <phone>.",
            "1,Hub <phone>. Atau <email>. Lama.,<phone>,2,13,26,Atau <email>.",
            "1,Hub <phone>. Atau <email>. Lama.,<phone>,3,27,32,Lama.",
        ]
    );
    let counts = Counts::from([(Kind::Phone, 2), (Kind::Email, 1)]);
    assert_eq!(reader.masked(), &counts);
}

const TALK: &str = "Pewawancara: Pak Anwar, nomornya 0812-0000-1111?\nAnwar: Ya. Telepon 0812-0000\n2222 saja. [Anwar] Atau ke Budi, Jl. Merdeka Raya No. 12.\nPewawancara: Baik, ANWAR.\nAnwar: Ya.\n";

fn names_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    std::fs::write(&path, "name,pseudonym\nAnwar,Warga A\nBudi,\n").unwrap();
    (folder, path)
}

/// A statement comes with its neighbouring turn and its words twice; masked data is counted in the
/// plain text only.
#[test]
fn a_transcript_is_masked_in_its_plain_text_and_counted_once() {
    let (_folder, path) = names_file();
    let options = ReadOptions {
        format: Some(Format::Transcript(TranscriptFormat::Text)),
        privacy: Privacy {
            redact: true,
            names: Some(Pseudonyms::read(&path).unwrap()),
        },
        ..ReadOptions::default()
    };
    let input = Box::new(TALK.as_bytes());
    let mut reader = Reader::from_stream(input, "dir/anwar-1.txt", &options).unwrap();
    let mut said = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let row = row.unwrap();
        let cells = row.cells();
        said.push([0, 1, 3, 11].map(|i| cells[i].clone()).join("|"));
    }
    assert_eq!(
        said,
        [
            "warga a-1:0002.1|dir/warga a-1.txt|Warga A|Ya.",
            "warga a-1:0002.2|dir/warga a-1.txt|Warga A|Telepon <phone> saja.",
            "warga a-1:0003.1|dir/warga a-1.txt|Warga A|[Warga A] Atau ke Nama2, <address>.",
            "warga a-1:0005.1|dir/warga a-1.txt|Warga A|Ya.",
        ]
    );
    let transcript = reader.transcript().unwrap();
    assert_eq!(
        transcript.text,
        "Pewawancara: Pak Warga A, nomornya <phone>?\nWarga A: Ya. Telepon <phone> saja. [Warga A] Atau ke Nama2, <address>.\nPewawancara: Baik, WARGA A.\nWarga A: Ya.\n"
    );
    let chars: Vec<char> = transcript.text.chars().collect();
    for unit in &transcript.units {
        let cut: String = chars[unit.start..unit.end].iter().collect();
        assert_eq!(cut, unit.raw);
    }
    let counts = [(Kind::Phone, 2), (Kind::Address, 1), (Kind::Name, 6)];
    assert_eq!(reader.masked(), &Counts::from(counts));
    assert_eq!(reader.source(), "dir/warga a-1.txt");
}

/// Roles are given by the true names, which are not readable afterwards.
#[test]
fn roles_are_given_by_true_names() {
    let (_folder, path) = names_file();
    let mut options = ReadOptions {
        format: Some(Format::Transcript(TranscriptFormat::Text)),
        ..ReadOptions::default()
    };
    options.privacy.names = Some(Pseudonyms::read(&path).unwrap());
    options.transcript.roles = Roles::with(&["Anwar".into()], &[]);
    let file = b"Anwar: Apa kabar?\nBudi: Baik.\nAnwar: Lalu?\nBudi: Ya.\n";
    let reader = Reader::from_stream(Box::new(&file[..]), "in", &options).unwrap();
    let roles = reader.layout().speakers.iter();
    let roles: Vec<_> = roles.map(|s| (s.name.as_str(), s.role)).collect();
    assert_eq!(
        roles,
        [
            ("Warga A", SpeakerRole::Interviewer),
            ("Nama2", SpeakerRole::Participant)
        ]
    );
}

#[test]
fn a_refused_row_is_masked_too() {
    let (_, _, rejected) = guarded("id,text\n1,a,0812-0000-1111\n", redact());
    assert_eq!(rejected[0].raw, b"1,a,<phone>");
}

/// The quality of the patterns on sentences written for it; each sentence lists its kinds.
#[test]
fn recall_and_precision_on_our_own_sentences_are_as_stated() {
    let options = ReadOptions::default();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/privacy/cases.csv");
    let mut reader = Reader::open(path.as_ref(), &options).unwrap();
    let (mut hit, mut missed, mut wrong) = (0, 0, 0);
    let mut by_kind: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    let mut misjudged = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let record = row.unwrap();
        let kinds = record.cell(0).into_owned();
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        kinds
            .split_whitespace()
            .for_each(|k| *wanted.entry(k).or_default() += 1);
        let mut counts = Counts::new();
        redacted(&record.text, &mut counts);
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        counts
            .iter()
            .for_each(|(k, n)| *found.entry(k.name()).or_default() += n);
        if wanted != found {
            misjudged.push(format!("{} {kinds:?} {found:?}", record.text));
        }
        for kind in wanted
            .keys()
            .chain(found.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let (w, f) = (
                wanted.get(kind).unwrap_or(&0),
                found.get(kind).unwrap_or(&0),
            );
            let sums = by_kind.entry((*kind).to_string()).or_default();
            for (sum, n) in
                sums.iter_mut()
                    .zip([*w.min(f), w.saturating_sub(*f), f.saturating_sub(*w)])
            {
                *sum += n;
            }
            hit += w.min(f);
            missed += w.saturating_sub(*f);
            wrong += f.saturating_sub(*w);
        }
    }
    // As stated in tests/privacy/README.md.
    assert_eq!(
        (hit, missed, wrong),
        (80, 7, 0),
        "{by_kind:?} {misjudged:#?}"
    );
}
