//! Trains a model on coded statements and saves it.
//!
//!     cargo run --release --example train -- corpus target/my-model

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::path::Path;

use konflik::{Codebook, Corpus, ReadOptions, Result, TrainParams, train};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [corpus, output] = arguments.as_slice() else {
        eprintln!("usage: train CORPUS_FOLDER MODEL_FOLDER");
        std::process::exit(2);
    };
    let folder = Path::new(corpus);
    let codebook = Codebook::read(&folder.join("codebook.toml"))?;
    let statements = folder.join("statements.csv");
    let corpus = Corpus::read(&statements, codebook, &ReadOptions::default())?;
    let params = TrainParams::suited_to(corpus.statements.len());
    let training = train(&corpus, &params)?;
    training
        .model
        .save(Path::new(output), "# My model\n", false)?;
    println!(
        "{} learned from {} statements",
        training.model.id(),
        corpus.statements.len()
    );
    Ok(())
}
