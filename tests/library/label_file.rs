//! A file in, a labelled file out, as a program that is not the command line asks for it.

use std::fs;
use std::path::PathBuf;

use konflik::export::table::TableFormats;
use konflik::export::{LabelEvent, LabelJob};
use konflik::label::Depth;
use konflik::{LabelOptions, Model, label_file};
use tempfile::TempDir;

use super::markdown_out::MARKDOWN;

fn options() -> LabelOptions {
    let mut options = LabelOptions::default();
    options.depth = Depth::Fast;
    options
}

fn written(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn a_file_is_labelled_and_its_bad_rows_are_kept() {
    let folder = TempDir::new().unwrap();
    let input = written(
        &folder,
        "in.csv",
        "id;text\r\n1;Antri lama sekali\r\n2\r\n3;\r\n",
    );
    let output = folder.path().join("out.csv");
    let model = Model::starter().unwrap();
    let counts = label_file(&model, &input, &output, &options()).unwrap();
    assert_eq!(
        (counts.rows, counts.labelled, counts.blank, counts.rejected),
        (3, 1, 1, 1)
    );
    let labelled = fs::read_to_string(&output).unwrap();
    assert!(
        labelled.starts_with("id;text;konflik_conflict;"),
        "{labelled}"
    );
    assert!(
        labelled.contains("\r\n1;Antri lama sekali;realistic;"),
        "{labelled}"
    );
    let rejects = fs::read_to_string(folder.path().join("out.csv.rejects.jsonl")).unwrap();
    assert!(rejects.contains("K0301"), "{rejects}");
    // A second time the output is there.
    let again = label_file(&model, &input, &output, &options());
    assert_eq!(again.unwrap_err().code(), "K0103");
}

#[test]
fn a_job_is_refused_before_any_work_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let input = written(&folder, "in.csv", "id,text,konflik_model\n1,a,b\n");
    let model = Model::starter().unwrap();
    let refused = |output: &str, code: &str| {
        let output = folder.path().join(output);
        let error = label_file(&model, &input, &output, &options()).unwrap_err();
        assert_eq!(error.code(), code);
    };
    refused("out.csv", "K0206");
    refused("in.csv", "K0104");
    refused("out.xyz", "K0201");
    refused("no folder/out.csv", "K0102");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn events_count_all_rows() {
    let folder = TempDir::new().unwrap();
    let input = written(
        &folder,
        "in.csv",
        "id,text\n1,Antri lama\n2\n3,Obat kosong\n",
    );
    let output = folder.path().join("out.jsonl");
    let (model, options) = (Model::starter().unwrap(), options());
    let job = LabelJob::open(&model, &input, &output, &options).unwrap();
    let (mut rows, mut left_out) = (0, Vec::new());
    let counts = job.run(&mut |event| match event {
        LabelEvent::Rows(n) => rows += n,
        LabelEvent::LeftOut(row) => left_out.push(row.at.line),
        _ => {}
    });
    assert_eq!((rows, left_out), (counts.unwrap().rows, vec![3]));
}

#[test]
fn a_format_out_is_one_file_and_one_line() {
    let folder = TempDir::new().unwrap();
    let input = written(
        &folder,
        "in.jsonl",
        "{\"id\":1,\"text\":\"Antri | lama\"}\n",
    );
    let output = folder.path().join("out.md");
    let model = Model::starter().unwrap();
    let mut options = options();
    options.formats = TableFormats::default().with(MARKDOWN);
    label_file(&model, &input, &output, &options).unwrap();
    let table = fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("| id | text | konflik_conflict | konflik_conflict_probability |")
    );
    assert!(lines[2].starts_with("| 1 | Antri \\| lama | "), "{table}");
    assert_eq!(lines.last(), Some(&"Made by a format of ours."));
}
