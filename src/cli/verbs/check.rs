//! `konflik check`: faults in a corpus.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::Corpus;
use konflik::corpus::check::{CheckParams, check};
use konflik::evaluate::{Doubt, doubtful};
use konflik::export::doubt_rows;
use konflik::model::{Aids, TrainParams};

use crate::cli::Status;
use crate::cli::args::{CorpusArgs, InputArgs};
use crate::cli::console::Console;
use crate::cli::document::check_output;
use crate::cli::input::read_corpus;
use crate::cli::out::delimiter;
use crate::cli::out::{print, write_output};
use crate::cli::said::watched;

const EXAMPLES: &str = "Examples:
  konflik check corpus
  konflik check coded.csv --codebook codebook.toml --doubtful to-review.csv
  konflik check corpus --print json | jq .findings";

/// Check a corpus for duplicates, contradictions, rare codes, damaged text and private data
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Form of the printed findings
    #[arg(long, value_name = "FORM", default_value = "text")]
    print: Form,
    /// Write doubtful codes, most doubtful first (.csv or .tsv): codes that models trained on the
    /// other statements find unlikely. Takes as long as training
    #[arg(long, value_name = "FILE")]
    doubtful: Option<PathBuf>,
    /// Overwrite an existing output
    #[arg(long)]
    force: bool,
    /// Report statements at least this similar as near duplicates, 0 to 1
    #[arg(long, value_name = "SIMILARITY", default_value_t = CheckParams::default().near)]
    near: f64,
    /// Report codes with fewer statements in a language
    #[arg(long, value_name = "N", default_value_t = CheckParams::default().min_stratum)]
    min_stratum: usize,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(in crate::cli) fn run(args: &CheckArgs, console: &Console) -> Result<Status> {
    if let Some(path) = &args.doubtful {
        delimiter(path)?;
        check_output(path, &[&args.corpus.statements()], args.force)?;
    }
    let codebook = args.corpus.codebook()?;
    let corpus = read_corpus(
        &args.corpus.statements(),
        codebook,
        &args.input.options()?,
        console,
    )?;
    let params = CheckParams {
        near: args.near,
        min_stratum: args.min_stratum,
    };
    let report = check(&corpus, &params)?;
    if let Some(path) = &args.doubtful {
        write_doubts(path, &corpus, args.force, console)?;
    }
    print(&match args.print {
        Form::Text => report.text(),
        Form::Json => serde_json::to_string_pretty(&report)? + "\n",
    })?;
    let faults = report.faults();
    console.say(&format!(
        "{} statements, {faults} faults, {} to look at",
        corpus.statements.len(),
        report.findings.len() - faults
    ));
    Ok(if faults == 0 {
        Status::Done
    } else {
        Status::Findings
    })
}

/// Writes the codes to look at again: codes that models doubt, trained without the statement.
fn write_doubts(path: &Path, corpus: &Corpus, force: bool, console: &Console) -> Result<()> {
    let params = TrainParams::default();
    let training = watched(console, corpus, "check", &params, Aids::default())?;
    let doubts: Vec<(&str, Vec<Doubt>)> = training
        .out_of_fold
        .iter()
        .map(|v| (v.variable.as_str(), doubtful(v)))
        .collect();
    write_output(path, doubt_rows(corpus, &doubts, delimiter(path)?), force)?;
    let counts: Vec<String> = doubts
        .iter()
        .map(|(variable, doubts)| format!("{variable} {}", doubts.len()))
        .collect();
    console.say(&format!(
        "wrote {}: codes to look at again ({})",
        path.display(),
        counts.join(", ")
    ));
    Ok(())
}
