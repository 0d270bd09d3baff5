//! Labels a file: a table, JSON lines, a workbook or an interview.
//!
//!     cargo run --example label_file -- complaints.csv labelled.csv

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::path::Path;

use konflik::{LabelOptions, Model, Result, label_file};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: label_file INPUT OUTPUT");
        std::process::exit(2);
    };
    let model = Model::starter()?;
    let mut options = LabelOptions::default();
    options.prefix = Some("code_".into());
    let counts = label_file(&model, Path::new(input), Path::new(output), &options)?;
    println!(
        "{} rows: {} labelled, {} left out",
        counts.rows, counts.labelled, counts.rejected
    );
    Ok(())
}
