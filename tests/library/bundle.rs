//! Model directories: whole or refused, with a reason.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::common::{small_corpus, trained};
use konflik::model::{FORMAT_VERSION, ModelFiles};
use konflik::{Error, Model};
use tempfile::TempDir;

fn files() -> &'static ModelFiles<'static> {
    static FILES: OnceLock<ModelFiles<'static>> = OnceLock::new();
    FILES.get_or_init(|| trained(&small_corpus()).model.to_files().unwrap())
}

fn saved() -> TempDir {
    let folder = TempDir::new().unwrap();
    let model = Model::from_files(files(), "memory").unwrap();
    model
        .save(&folder.path().join("model"), "# Card\n", false)
        .unwrap();
    folder
}

fn refusal(path: &Path) -> String {
    match Model::load(path) {
        Ok(_) => panic!("loaded"),
        Err(error) => format!("{error}"),
    }
}

/// Loads the saved model after `change` was made to the bytes of `file`.
fn refusal_after(file: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let folder = saved();
    let path = folder.path().join("model").join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    refusal(&folder.path().join("model"))
}

#[test]
fn a_saved_model_predicts_the_same_bits() {
    let folder = saved();
    let before = Model::from_files(files(), "memory").unwrap();
    let after = Model::load(&folder.path().join("model")).unwrap();
    assert_eq!(before.id(), after.id());
    for text in [
        "antri lama sekali",
        "Bagus!",
        "",
        "The claim form is online",
        "😡",
    ] {
        assert_eq!(before.predict(text).unwrap(), after.predict(text).unwrap());
    }
}

#[test]
fn a_cut_or_changed_file_is_named() {
    for file in ["model.safetensors", "tokenizer.json", "codebook.json"] {
        assert!(refusal_after(file, |b| b.truncate(b.len() / 2)).contains(&format!("{file} has")));
        assert!(refusal_after(file, |b| b.push(0)).contains(&format!("{file} has")));
        let middle = refusal_after(file, |b| {
            let at = b.len() / 2;
            b[at] ^= 1;
        });
        assert!(
            middle.contains(file) && middle.contains("hash differs"),
            "{middle}"
        );
    }
}

/// Every single flipped bit of the manifest is noticed; 1,500 places spread over it are tried.
#[test]
fn no_flip_in_the_manifest_goes_unnoticed() {
    let whole = files();
    let step = whole.manifest.len() / 1500 + 1;
    for at in (0..whole.manifest.len()).step_by(step) {
        let mut damaged = whole.clone();
        damaged.manifest.to_mut()[at] ^= 1 << (at % 7);
        assert!(Model::from_files(&damaged, "m").is_err(), "byte {at}");
    }
}

/// Every 97th prefix of the manifest is refused.
#[test]
fn no_prefix_of_the_manifest_is_a_model() {
    let whole = files();
    for length in (0..whole.manifest.len()).step_by(97) {
        let mut cut = whole.clone();
        cut.manifest.to_mut().truncate(length);
        assert!(Model::from_files(&cut, "m").is_err(), "{length} bytes");
    }
}

#[test]
fn a_newer_model_names_both_versions() {
    let newer = refusal_after("model.json", |b| {
        let text = String::from_utf8(b.clone()).unwrap();
        *b = text
            .replacen(
                &format!("\"format_version\": {FORMAT_VERSION}"),
                "\"format_version\": 9999",
                1,
            )
            .replacen("\"made_by\": \"", "\"made_by\": \"9.", 1)
            .into_bytes();
    });
    assert!(
        newer.contains("made by konflik 9.")
            && newer.contains("format 9999")
            && newer.contains(&format!("up to {FORMAT_VERSION}")),
        "{newer}"
    );
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    let folder = TempDir::new().unwrap();
    assert!(refusal(folder.path()).contains("not a konflik model"));
    assert!(matches!(
        Model::load(&folder.path().join("none")),
        Err(Error::Read { .. })
    ));
    fs::write(
        folder.path().join("model.json"),
        "{\"format\":\"x\",\"format_version\":1,\"made_by\":\"y\"}",
    )
    .unwrap();
    assert!(refusal(folder.path()).contains("not a konflik model"));
}

#[test]
fn a_missing_file_is_named() {
    let folder = saved();
    fs::remove_file(folder.path().join("model/tokenizer.json")).unwrap();
    assert!(refusal(&folder.path().join("model")).contains("tokenizer.json"));
}

#[test]
fn a_model_is_replaced_only_when_told_and_nothing_else_is() {
    let folder = saved();
    let place = folder.path().join("model");
    let model = Model::from_files(files(), "memory").unwrap();
    assert!(matches!(
        model.save(&place, "", false),
        Err(Error::OutputExists { .. })
    ));
    model.save(&place, "# New card\n", true).unwrap();
    assert_eq!(
        fs::read_to_string(place.join("README.md")).unwrap(),
        "# New card\n"
    );
    let letters = folder.path().join("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("dear.txt"), "dear").unwrap();
    assert!(model.save(&letters, "", true).is_err());
    assert_eq!(
        fs::read_to_string(letters.join("dear.txt")).unwrap(),
        "dear"
    );
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// A folder that also holds something else is nobody's to delete, whatever is called model.json in it.
#[test]
fn a_folder_with_other_files_is_never_replaced() {
    let model = Model::from_files(files(), "memory").unwrap();
    for (manifest, other) in [
        ("{}", "thesis.txt"),
        ("whole", "thesis.txt"),
        ("{}", "README.md"),
    ] {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("place");
        fs::create_dir(&place).unwrap();
        let manifest = if manifest == "whole" {
            files().manifest.to_vec()
        } else {
            manifest.into()
        };
        fs::write(place.join("model.json"), manifest).unwrap();
        fs::write(place.join(other), "precious").unwrap();
        assert!(matches!(
            model.save(&place, "", true),
            Err(Error::Model { .. })
        ));
        assert_eq!(fs::read_to_string(place.join(other)).unwrap(), "precious");
    }
}

#[test]
fn a_model_holds_no_statement() {
    let corpus = small_corpus();
    let whole = files();
    let all: Vec<u8> = [&whole.manifest, &whole.tokenizer, &whole.tensors]
        .into_iter()
        .flat_map(|f| f.iter().copied())
        .collect();
    let text = String::from_utf8_lossy(&all);
    for statement in corpus
        .statements
        .iter()
        .filter(|s| s.text.split_whitespace().count() > 3)
    {
        assert!(!text.contains(&statement.text), "{}", statement.text);
    }
}
