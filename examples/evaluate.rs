//! Scores the starter model on gold statements.
//!
//!     cargo run --release --example evaluate -- gold.csv

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::path::Path;

use konflik::{Corpus, EvaluateParams, Model, ReadOptions, Result, evaluate};

fn main() -> Result<()> {
    let Some(gold) = std::env::args().nth(1) else {
        eprintln!("usage: evaluate GOLD");
        std::process::exit(2);
    };
    let model = Model::starter()?;
    let codebook = model.codebook().clone();
    let gold = Corpus::read(Path::new(&gold), codebook, &ReadOptions::default())?;
    let evaluation = evaluate(&model, &gold, &EvaluateParams::default())?;
    for variable in &evaluation.variables {
        match variable.overall.macro_f1.value {
            Some(value) => println!("{}: macro-F1 {value:.3}", variable.id),
            None => println!("{}: no macro-F1", variable.id),
        }
    }
    Ok(())
}
