//! `konflik compare`: two labelled files against gold codes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::evaluate::{Comparison, compare};
use konflik::report::{comparison_markdown, comparison_text};

use crate::cli::Status;
use crate::cli::args::{BootstrapArgs, GoldArgs, IdArgs};
use crate::cli::console::{Console, NO_GROUPS};
use crate::cli::document::{Document, DocumentArgs, Form};
use crate::cli::input::read_labels;

const EXAMPLES: &str = "Examples:
  konflik compare before.csv after.csv --gold gold.csv
  konflik compare starter.csv mine.jsonl --gold gold.csv -o changes.md -o changes.json
  konflik compare a.csv b.csv --gold gold.csv --print json | jq '.variables[0].changes'";

/// Compare two labelled files of the same statements against gold codes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct CompareArgs {
    /// The first labelled file (CSV, TSV or JSON lines), with ids
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The second labelled file
    #[arg(value_name = "B")]
    b: PathBuf,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    document: DocumentArgs<Form>,
    /// Prefix of the columns with codes in A and B
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
}

impl Document for Comparison {
    fn text(&self) -> String {
        comparison_text(self)
    }

    fn markdown(&self) -> String {
        comparison_markdown(self)
    }
}

pub(in crate::cli) fn run(args: &CompareArgs, console: &Console) -> Result<Status> {
    let document = args.document.job(&[&args.a, &args.b, &args.gold.gold])?;
    let gold = args.gold.read(&args.id, console)?;
    if !gold.has_groups {
        console.warn(NO_GROUPS);
    }
    let id = args.id.column();
    let labels = |path| read_labels(path, &gold.codebook, &args.prefix, id, console);
    let (a, b) = (labels(&args.a)?, labels(&args.b)?);
    let params = args.bootstrap.params();
    let comparison = compare(&gold, &a, &b, &params)?;
    document.write(|form| form.render(&comparison), console)?;
    Ok(match comparison.not_in_a + comparison.not_in_b {
        0 => Status::Done,
        _ => Status::Findings,
    })
}
