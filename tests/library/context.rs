//! The context encoder against torch, on a tiny random network (`tests/oracle/tiny_context.py`).

use std::borrow::Cow;
use std::fs;

use konflik::Error;
use konflik::base::hash::Hash;
use konflik::features::{ContextEncoder, ContextFiles, TextEncoder, Vectors};
use serde::Deserialize;

use super::common::project;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
    own_codes: Vec<Vec<f32>>,
    unread: Vec<usize>,
    probabilities: Vec<Probabilities>,
}

#[derive(Deserialize)]
struct Probabilities {
    mood: Vec<f32>,
    topic: Vec<f32>,
}

impl Expected {
    fn read() -> Self {
        let json = fs::read(project("tests/oracle/tiny/context/expected.json"));
        serde_json::from_slice(&json.unwrap()).unwrap()
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }
}

fn files() -> ContextFiles {
    let read = |name: &str| {
        let path = project("tests/oracle/tiny/context").join(name);
        Cow::Owned(fs::read(path).unwrap())
    };
    ContextFiles {
        config: read("config.json"),
        tokenizer: read("tokenizer.json"),
        tensors: read("model.safetensors"),
    }
}

fn encoder() -> ContextEncoder {
    ContextEncoder::from_files("tiny", &files()).unwrap()
}

fn farthest<'a>(
    ours: impl IntoIterator<Item = &'a f32>,
    theirs: impl IntoIterator<Item = &'a f32>,
) -> f32 {
    let pairs = ours.into_iter().zip(theirs);
    let differences = pairs.map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, d| if d <= most { most } else { d })
}

#[test]
fn vectors_and_probabilities_are_those_of_torch() {
    let (expected, encoder) = (Expected::read(), encoder());
    let found = encoder.encode(&expected.texts()).unwrap();
    assert_eq!(found.unread, expected.unread);
    assert!(found.unread.iter().any(|unread| *unread > 0));
    let rows = found.vectors.rows().zip(&expected.vectors);
    for ((vector, theirs), text) in rows.zip(&expected.texts) {
        assert_eq!(vector.len(), theirs.len());
        let far = farthest(vector, theirs);
        // Numbers of about 1 whose inputs were rounded to 15 bits in each layer.
        assert!(far < 3e-4, "{text:?}: {far:e}");
    }
    for (vector, theirs) in found.vectors.rows().zip(&expected.probabilities) {
        for head in encoder.heads() {
            let theirs = match head.variable() {
                "mood" => &theirs.mood,
                _ => &theirs.topic,
            };
            let ours = head.probabilities(vector);
            assert_eq!(
                (ours.len(), head.codes().len()),
                (theirs.len(), theirs.len())
            );
            assert!(farthest(&ours, theirs) < 3e-4);
        }
    }
}

#[test]
fn vectors_for_codes_of_others_are_those_of_torch() {
    let (expected, encoder) = (Expected::read(), encoder());
    let found = TextEncoder::encode(&encoder, &expected.texts()).unwrap();
    for (vector, theirs) in found.rows().zip(&expected.own_codes) {
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert_eq!(vector.len(), theirs.len());
        assert!(farthest(vector, theirs) < 1e-4);
    }
    let (id, files) = (encoder.id(), files());
    let hash = Hash::of(&[files.config, files.tokenizer, files.tensors].concat());
    assert_eq!((id.name.as_str(), id.dimensions), ("tiny", 64));
    assert_eq!(id.hash, hash.to_string());
}

#[test]
fn files_that_last_give_the_same_encoder() {
    fn leaked(bytes: Cow<'static, [u8]>) -> Cow<'static, [u8]> {
        Cow::Borrowed(bytes.into_owned().leak())
    }
    let files = files();
    let lasting = ContextFiles {
        config: leaked(files.config),
        tokenizer: leaked(files.tokenizer),
        tensors: leaked(files.tensors),
    };
    let (lasting, copied) = (
        ContextEncoder::from_files("tiny", &lasting).unwrap(),
        encoder(),
    );
    assert_eq!(lasting.id(), copied.id());
    let texts = ["the queue is long"];
    assert_eq!(
        lasting.encode(&texts).unwrap(),
        copied.encode(&texts).unwrap()
    );
}

#[test]
fn a_text_alone_is_the_same_as_among_others_on_any_number_of_threads() {
    let (expected, encoder) = (Expected::read(), encoder());
    let texts = expected.texts().repeat(7);
    let on = |threads, texts: &[&str]| -> Vectors {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| encoder.encode(texts)).unwrap().vectors
    };
    let together = on(1, &texts);
    assert_eq!(on(3, &texts), together);
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let backwards = on(2, &reversed);
    let last_first: Vec<&[f32]> = backwards.rows().collect();
    assert!(last_first.into_iter().rev().eq(together.rows()));
    for (text, vector) in texts.iter().zip(together.rows()) {
        assert_eq!(on(1, &[text]).row(0), vector, "{text:?}");
    }
}

#[test]
fn no_text_gives_no_row() {
    let found = encoder().encode(&[]).unwrap();
    let size = (found.vectors.len(), found.vectors.dimensions());
    assert_eq!((size, found.unread.len()), ((0, 32), 0));
}

#[test]
fn it_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<ContextEncoder>();
}

/// Replaces bytes of a file by as many others.
fn edited(file: &[u8], from: &str, to: &str) -> Cow<'static, [u8]> {
    let at = file.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("there is no {from}"));
    Cow::Owned([&file[..at], to.as_bytes(), &file[at + from.len()..]].concat())
}

#[test]
fn what_is_damaged_or_foreign_is_refused_with_its_hash() {
    let cases = [
        (
            0,
            "\"hidden_size\": 32",
            "\"hidden_size\": 33",
            "33 isn't a multiple of",
        ),
        (0, "\"gelu\"", "\"silu\"", "hidden_act is \"silu\""),
        (
            0,
            "ze\": 64",
            "ze\": 48",
            "is I8 [64, 32], by config.json it should be I8 [48, 32]",
        ),
        (0, "ngs\": 8", "ngs\": 2", "leaves no room for a text"),
        (0, "1e-12", "-1.0", "layer_norm_eps is -1"),
        (0, "\"calm\",", "", "heads.mood.weight"),
        (
            0,
            "layers\": 2",
            "layers\": 3",
            "has no tensor \"encoder.layer.2.qkv.weight\"",
        ),
        (0, "{", "[", "expected"),
        (1, "\"NFKC\"", "\"NFKD\"", "supported is"),
        (
            1,
            "\"Unigram\"",
            "\"WordPiece\"",
            "supported is the model Unigram",
        ),
        (
            1,
            "\"unk_id\": 3",
            "\"unk_id\": 999",
            "unk_id names no piece",
        ),
        (1, "\"always\"", "\"never\"", "the pre_tokenizer is"),
        (1, "{", "", "not a tokenizer"),
        (
            2,
            "ffn_in.weight",
            "ffn_im.weight",
            "has no tensor \"encoder.layer.",
        ),
        (2, "{", "}", "not a safetensors file"),
    ];
    for (file, from, to, told) in cases {
        let mut files = files();
        let parts = [&mut files.config, &mut files.tokenizer, &mut files.tensors];
        let part = parts.into_iter().nth(file).unwrap();
        // `tokenizers` writes its files indented.
        *part = edited(part, from, to);
        let hash = Hash::of(part).to_string();
        let blamed = if told.contains("tensor") || told.contains("heads") || told.contains("I8") {
            Hash::of(&files.tensors).to_string()
        } else {
            hash
        };
        let error = ContextEncoder::from_files("tiny", &files).err().unwrap();
        assert_eq!(error.code(), "K0607", "{error}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.to_string().contains(&blamed), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let mut files = files();
    let length = u64::from_le_bytes(files.tensors[..8].try_into().unwrap()) as usize;
    // The first tensors are those of four bytes.
    let at = 8 + length + 4 * 5;
    files.tensors.to_mut()[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = ContextEncoder::from_files("tiny", &files).err().unwrap();
    assert!(matches!(&error, Error::ContextEncoder { .. }));
    assert!(
        error.to_string().contains("number 5 of the tensor"),
        "{error}"
    );
}

#[test]
fn a_file_that_ends_early_is_refused() {
    let whole = files();
    for cut in [0, 7, 8, 100, whole.tensors.len() - 1] {
        let mut files = files();
        files.tensors.to_mut().truncate(cut);
        assert!(ContextEncoder::from_files("tiny", &files).is_err());
    }
}
