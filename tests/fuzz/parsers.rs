//! Each parser as a function of bytes that panics where a promise is broken.
//!
//! A fuzz target calls one of them; `tests/library/mutations.rs` calls them all with changed
//! fixtures, so that what is promised stands here once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use konflik::base::hash::Hash;
use konflik::corpus::CoderTable;
use konflik::evaluate::{BehaviourTests, Gate};
use konflik::features::{ContextEncoder, ContextFiles};
use konflik::ingest::privacy::{Counts, Privacy, Pseudonyms, redacted};
use konflik::ingest::{
    Charset, Limits, Preset, Transcript, TranscriptFormat, TranscriptOptions, TranscriptReading,
    UnitKind,
};
use konflik::model::{Aids, ModelFiles, TrainParams, train_with};
use konflik::{Codebook, Corpus, Format, Model, ReadOptions, Reader};
use zip::write::SimpleFileOptions;

/// A parser by its name.
pub struct Parser {
    /// Also the name of its fuzz target.
    pub name: &'static str,
    /// Reads bytes, and panics where what was read is not as promised.
    pub check: fn(&[u8]),
}

/// All parsers.
pub const PARSERS: &[Parser] = &[
    parser("csv", csv),
    parser("jsonl", jsonl),
    parser("json", json),
    parser("xlsx", workbook),
    parser("ods", workbook),
    parser("parquet", parquet),
    parser("sheet_xml", sheet_xml),
    parser("strings_xml", strings_xml),
    parser("content_xml", content_xml),
    parser("docx", docx),
    parser("document_xml", document_xml),
    parser("text", text),
    parser("markdown", markdown),
    parser("vtt", vtt),
    parser("srt", srt),
    parser("stream", stream),
    parser("encodings", encodings),
    parser("redaction", redaction),
    parser("names", names),
    parser("codebook", codebook),
    parser("preset", preset),
    parser("gate", gate),
    parser("behaviour", behaviour),
    parser("annotations", annotations),
    parser("model", model),
    parser("context", context),
];

const fn parser(name: &'static str, check: fn(&[u8])) -> Parser {
    Parser { name, check }
}

/// Delimited tables.
pub fn csv(bytes: &[u8]) {
    table(bytes, Some(Format::CSV));
}

/// One JSON object a line.
pub fn jsonl(bytes: &[u8]) {
    table(bytes, Some(Format::Jsonl));
}

/// An array of JSON objects.
pub fn json(bytes: &[u8]) {
    table(bytes, Some(Format::Json));
}

/// XLSX and ODS as they come.
pub fn workbook(bytes: &[u8]) {
    table(bytes, Some(Format::Workbook));
}

/// Parquet; nothing but a refusal without the feature.
pub fn parquet(bytes: &[u8]) {
    table(bytes, Some(Format::Parquet));
}

/// The cells of an XLSX workbook that is whole otherwise.
pub fn sheet_xml(bytes: &[u8]) {
    workbook(&xlsx_with("xl/worksheets/sheet3.xml", bytes));
}

/// The shared strings of an XLSX workbook that is whole otherwise.
pub fn strings_xml(bytes: &[u8]) {
    workbook(&xlsx_with("xl/sharedStrings.xml", bytes));
}

/// The content of an ODS workbook.
pub fn content_xml(bytes: &[u8]) {
    workbook(&packed(&[("content.xml", bytes)]));
}

/// Word documents as they come.
pub fn docx(bytes: &[u8]) {
    transcript(bytes, TranscriptFormat::Docx);
}

/// The main part of a Word document.
pub fn document_xml(bytes: &[u8]) {
    docx(&packed(&[("word/document.xml", bytes)]));
}

/// Plain text.
pub fn text(bytes: &[u8]) {
    transcript(bytes, TranscriptFormat::Text);
}

/// Markdown.
pub fn markdown(bytes: &[u8]) {
    transcript(bytes, TranscriptFormat::Markdown);
}

/// `WebVTT` subtitles.
pub fn vtt(bytes: &[u8]) {
    transcript(bytes, TranscriptFormat::WebVtt);
}

/// `SubRip` subtitles.
pub fn srt(bytes: &[u8]) {
    transcript(bytes, TranscriptFormat::Srt);
}

/// Standard input without a word about what it is.
pub fn stream(bytes: &[u8]) {
    table(bytes, None);
}

/// A table and a transcript in an encoding that is named; the first byte picks it.
pub fn encodings(bytes: &[u8]) {
    const LABELS: [&str; 10] = [
        "utf-8",
        "windows-1252",
        "windows-1251",
        "utf-16le",
        "utf-16be",
        "gbk",
        "gb18030",
        "shift_jis",
        "euc-kr",
        "iso-2022-jp",
    ];
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let named = Charset::named(LABELS[usize::from(*first) % LABELS.len()]);
    for format in [Format::CSV, Format::Transcript(TranscriptFormat::Text)] {
        rows(bytes, &of_format(Some(format), |o| o.encoding = named));
    }
}

/// Private data in a text.
pub fn redaction(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut counts = Counts::new();
    let masked = redacted(&text, &mut counts);
    assert_eq!(counts.is_empty(), masked == text, "{masked:?}");
}

/// A list of names; the key that is written of it is a list again.
pub fn names(bytes: &[u8]) {
    let Ok(list) = read_at("names.csv", bytes, Pseudonyms::read) else {
        return;
    };
    let again = read_at("key.csv", &list.table(), Pseudonyms::read);
    assert_eq!(again.as_ref().ok(), Some(&list), "{again:?}");
    let _ = list.replaced(&String::from_utf8_lossy(bytes));
}

/// A codebook.
pub fn codebook(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Codebook::from_toml(text, "in") {
        Ok(codebook) => {
            codebook.lint();
            assert_eq!(codebook.hash(), codebook.clone().hash());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A preset of columns.
pub fn preset(bytes: &[u8]) {
    let _ = read_at("preset.toml", bytes, |path| {
        Preset::named(&path.display().to_string())
    });
}

/// A gate.
pub fn gate(bytes: &[u8]) {
    let _ = read_at("gate.toml", bytes, Gate::read);
}

/// Behavioural tests.
pub fn behaviour(bytes: &[u8]) {
    let _ = read_at("tests.toml", bytes, BehaviourTests::read);
}

/// An export of Label Studio.
pub fn annotations(bytes: &[u8]) {
    let text = include_str!("../cmd/agree.in/codebook.toml");
    let codebook = Codebook::from_toml(text, "codebook.toml").expect("a codebook");
    let _ = read_at("studio.json", bytes, |path| {
        CoderTable::read(
            &[path],
            &codebook,
            &konflik::corpus::CoderOptions::default(),
        )
    });
}

/// A small model with bytes changed, its hashes made anew: what is not refused predicts.
pub fn model(bytes: &[u8]) {
    let good = small_model();
    let mut files = good.clone();
    change(
        bytes,
        &mut [
            &mut files.manifest,
            &mut files.codebook,
            &mut files.tokenizer,
            &mut files.tensors,
        ],
    );
    seal(&mut files, good);
    if let Ok(model) = Model::from_files(&files, "in") {
        for text in ["apple pear", "", "Round & crisp 😡 12345"] {
            let Ok(Some(prediction)) = model.predict(text) else {
                continue;
            };
            for variable in &prediction.variables {
                assert!(variable.probability().is_finite());
            }
        }
    }
}

/// The tiny context encoder with bytes changed: what is not refused gives numbers.
pub fn context(bytes: &[u8]) {
    let file = |name: &str| {
        let path = project("tests/oracle/tiny/context").join(name);
        Cow::Owned(fs::read(path).unwrap())
    };
    let mut files = ContextFiles {
        config: file("config.json"),
        tokenizer: file("tokenizer.json"),
        tensors: file("model.safetensors"),
    };
    let ContextFiles {
        config,
        tokenizer,
        tensors,
    } = &mut files;
    change(bytes, &mut [config, tokenizer, tensors]);
    let Ok(encoder) = ContextEncoder::from_files("in", &files) else {
        return;
    };
    let long = "the dust ".repeat(300);
    let texts = ["the queue is long", "", "obat kosong 😡 <s>", &*long];
    let Ok(found) = encoder.encode(&texts) else {
        return;
    };
    assert_eq!(found.vectors.len(), texts.len());
    for vector in found.vectors.rows() {
        assert!(vector.iter().all(|x| x.is_finite()));
        for head in encoder.heads() {
            let probabilities = head.probabilities(vector);
            assert_eq!(probabilities.len(), head.codes().len());
        }
    }
}

/// Changes bytes of files. Six bytes are one change: which file, where (a third, two bytes), what,
/// and how.
fn change<const N: usize>(bytes: &[u8], files: &mut [&mut Cow<'static, [u8]>; N]) {
    for change in bytes.chunks_exact(6) {
        let file = files[usize::from(change[0]) % N].to_mut();
        let third = file.len() * usize::from(change[1]) / 256;
        let at = third + usize::from(u16::from_le_bytes([change[2], change[3]]));
        let Some(byte) = file.get_mut(at) else {
            continue;
        };
        match change[5] % 4 {
            0 => *byte = change[4],
            1 => *byte ^= 1 << (change[4] % 8),
            2 => file.insert(at, change[4]),
            _ => {
                file.remove(at);
            }
        }
    }
}

/// Reads a table plainly, cut into statements, and masked.
fn table(bytes: &[u8], format: Option<Format>) {
    rows(bytes, &of_format(format, |_| {}));
    rows(
        bytes,
        &of_format(format, |o| o.unit = Some(UnitKind::Statement)),
    );
    rows(bytes, &of_format(format, |o| o.privacy = all_masked()));
}

/// Limits that a few kilobytes can reach.
fn of_format(format: Option<Format>, change: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut options = {
        let mut options = ReadOptions::default();
        options.format = format;
        options.max_cell = 4096;
        options.max_unpacked = 4 << 20;
        options.max_nesting = 16;
        options.privacy = Privacy::default();
        options.transcript = {
            let mut options = TranscriptOptions::default();
            options.limits = Limits {
                max_bytes: 4 << 20,
                ..Limits::default()
            };
            options
        };
        options
    };
    change(&mut options);
    options
}

/// Rows come in order, have a cell for each column, the statement where the layout says it is, and
/// the offsets of a statement select it.
fn rows(bytes: &[u8], options: &ReadOptions) {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut reader) = Reader::from_stream(input, "in", options) else {
        return;
    };
    let mut line = 0;
    while let Ok(Some(row)) = reader.next_row() {
        let layout = reader.layout();
        let record = match row {
            Ok(record) => record,
            Err(rejected) => {
                assert!(rejected.last_line >= rejected.at.line, "{rejected:?}");
                assert!(!rejected.fault.to_string().is_empty());
                continue;
            }
        };
        assert!(record.line >= line, "{record:?} comes after line {line}");
        line = record.line;
        let cells = record.cells();
        assert_eq!(cells.len(), layout.columns.len(), "{record:?}");
        assert_eq!(cells[layout.text], record.text, "{record:?}");
        let cut = layout.columns.iter().position(|c| c == "unit_start");
        if let Some(start) = cut.filter(|_| layout.text != layout.whole_text) {
            let place = |column: usize| cells[column].parse::<usize>().expect("a number");
            let whole: Vec<char> = cells[layout.whole_text].chars().collect();
            let cut: String = whole[place(start)..place(start + 1)].iter().collect();
            assert_eq!(cut, record.text, "{record:?}");
        }
    }
}

/// Offsets of turns and statements select their words, statements lie in their turns, and no two
/// have one id; also where names and numbers are masked.
fn transcript(bytes: &[u8], format: TranscriptFormat) {
    for unit in [UnitKind::Statement, UnitKind::Turn, UnitKind::Row] {
        for privacy in [Privacy::default(), all_masked()] {
            let options = of_format(Some(Format::Transcript(format)), |o| {
                o.transcript.unit = unit;
                o.privacy = privacy;
            });
            let reading = TranscriptReading {
                options: &options.transcript,
                privacy: &options.privacy,
                encoding: None,
            };
            match Transcript::read(bytes, "in", format, reading) {
                Ok(found) => transcript_is_as_promised(&found),
                Err(_) => return,
            }
            rows(bytes, &options);
        }
    }
}

fn transcript_is_as_promised(found: &Transcript) {
    let chars: Vec<char> = found.text.chars().collect();
    let mut ids = BTreeSet::new();
    for unit in &found.units {
        let words: String = chars[unit.start..unit.end].iter().collect();
        assert_eq!(words, unit.raw);
        let turn = &found.turns[unit.turn];
        assert!(turn.start <= unit.start && unit.end <= turn.end, "{unit:?}");
        assert!(ids.insert(&unit.id), "{} stands twice", unit.id);
    }
}

fn all_masked() -> Privacy {
    static NAMES: OnceLock<Pseudonyms> = OnceLock::new();
    let list = "name\nSari\nInforman 1\nAntri lama\nair\n";
    let names = NAMES.get_or_init(|| {
        read_at("names.csv", list.as_bytes(), Pseudonyms::read).expect("a list of names")
    });
    Privacy {
        redact: true,
        names: Some(names.clone()),
    }
}

/// A ZIP archive of these members.
fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(*name, stored).expect("room in memory");
        writer.write_all(bytes).expect("room in memory");
    }
    writer.finish().expect("room in memory").into_inner()
}

/// The workbook of the fixtures with another member.
fn xlsx_with(member: &str, bytes: &[u8]) -> Vec<u8> {
    let whole: &[u8] = include_bytes!("../cmd/tables.in/complaints.xlsx");
    let members = unpacked(whole);
    assert!(members.iter().any(|(name, _)| name == member));
    let changed: Vec<(&str, &[u8])> = members
        .iter()
        .map(|(name, old)| (name.as_str(), if name == member { bytes } else { old }))
        .collect();
    packed(&changed)
}

/// The members of an archive that is whole.
pub fn unpacked(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("a ZIP archive");
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).expect("a member");
        let mut bytes = Vec::new();
        std::io::copy(&mut member, &mut bytes).expect("a whole member");
        members.push((member.name().expect("a name").into_owned(), bytes));
    }
    members
}

/// Hands bytes to a reader of files.
fn read_at<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("room on the disk");
    read(&path)
}

/// A file of the project, from wherever this is built.
pub fn project(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut above = here.ancestors();
    let root = above.find(|p| p.join("corpus/codebook.toml").is_file());
    root.expect("the project's folder").join(path)
}

fn small_codebook() -> Codebook {
    let text = include_str!("../cmd/train.in/codebook.toml");
    Codebook::from_toml(text, "codebook.toml").expect("a codebook")
}

fn small_model() -> &'static ModelFiles<'static> {
    static FILES: OnceLock<ModelFiles<'static>> = OnceLock::new();
    FILES.get_or_init(|| {
        let coded = project("tests/cmd/train.in/coded.csv");
        let corpus =
            Corpus::read(&coded, small_codebook(), &ReadOptions::default()).expect("a corpus");
        let mut params = TrainParams::suited_to(corpus.statements.len());
        params.views.semantic = false;
        let trained = train_with(&corpus, "small", &params, Aids::default(), &|_| {});
        trained
            .expect("a model")
            .model
            .to_files()
            .expect("its files")
    })
}

/// What stands before the manifest's own hash.
const LABEL: &str = "\"checksum\": \"";

/// Writes size and hash of each file, and the manifest's own, as they are now.
fn seal(files: &mut ModelFiles<'_>, good: &ModelFiles<'_>) {
    let Ok(mut manifest) = String::from_utf8(files.manifest.to_vec()) else {
        return;
    };
    let parts = [
        (&good.codebook, &files.codebook),
        (&good.tokenizer, &files.tokenizer),
        (&good.tensors, &files.tensors),
    ];
    for (old, new) in parts {
        let (old_hash, new_hash) = (Hash::of(old).to_string(), Hash::of(new).to_string());
        manifest = manifest.replace(&old_hash, &new_hash);
        manifest = manifest.replace(
            &format!("\"bytes\": {},", old.len()),
            &format!("\"bytes\": {},", new.len()),
        );
    }
    if let Some(at) = manifest.rfind(LABEL).map(|at| at + LABEL.len())
        && let Some(length) = manifest[at..].find('"')
    {
        manifest.replace_range(at..at + length, "");
        let checksum = Hash::of(manifest.as_bytes()).to_string();
        manifest.insert_str(at, &checksum);
    }
    files.manifest = Cow::Owned(manifest.into_bytes());
}
