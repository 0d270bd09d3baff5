//! Statements a second by the context encoder, on the project's own corpus.
//!
//!     KONFLIK_CONTEXT=models/context cargo bench --bench context
//!
//! The folder has `config.json`, `tokenizer.json` and `model.safetensors`.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that can't read its data should stop"
)]

use std::fs;
use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;
use konflik::features::{ContextEncoder, ContextFiles};
use konflik::{Codebook, Corpus, ReadOptions};

fn main() {
    if folder().is_dir() {
        divan::main();
    }
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn folder() -> PathBuf {
    std::env::var_os("KONFLIK_CONTEXT").map_or_else(|| project("models/context"), Into::into)
}

fn files() -> ContextFiles {
    let read = |name| -> &'static [u8] { fs::read(folder().join(name)).unwrap().leak() };
    ContextFiles {
        config: read("config.json").into(),
        tokenizer: read("tokenizer.json").into(),
        tensors: read("model.safetensors").into(),
    }
}

fn encoder() -> ContextEncoder {
    ContextEncoder::from_files("bench", &files()).unwrap()
}

/// Statements from all over the corpus.
fn statements() -> Vec<String> {
    let codebook = Codebook::read(&project("corpus/codebook.toml")).unwrap();
    let path = project("corpus/statements.csv");
    let corpus = Corpus::read(&path, codebook, &ReadOptions::default()).unwrap();
    let texts = corpus.statements.into_iter().map(|s| s.text);
    texts.step_by(25).take(400).collect()
}

/// From the bytes of the files to an encoder.
#[divan::bench]
fn start(bencher: Bencher) {
    let files = files();
    let start = || ContextEncoder::from_files("bench", &files).unwrap();
    bencher.bench(start);
}

/// A statement by itself.
#[divan::bench]
fn one(bencher: Bencher) {
    let encoder = encoder();
    let one = || encoder.encode(&["Antri dari jam 6, obatnya kosong lagi"]);
    bencher.counter(ItemsCount::new(1_usize)).bench(one);
}

#[divan::bench(args = [1, 2])]
fn many(bencher: Bencher, threads: usize) {
    let (encoder, texts) = (encoder(), statements());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    let alone = encoder.encode(&texts[..1]).unwrap().vectors;
    bencher.counter(ItemsCount::new(texts.len())).bench(|| {
        let found = pool.install(|| encoder.encode(&texts)).unwrap();
        assert_eq!(found.vectors.row(0), alone.row(0));
    });
}
