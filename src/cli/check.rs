//! `konflik check`: faults of a corpus.

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::Corpus;
use konflik::corpus::check::{CheckParams, check};

use super::console::Console;
use super::{CorpusArgs, InputArgs, Status, print};

const EXAMPLES: &str = "Examples:
  konflik check corpus
  konflik check coded.csv --codebook codebook.toml --min-stratum 5
  konflik check corpus --print json | jq .findings";

/// Check a corpus: duplicates, contradictions, thin codes, damage, private data
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Likeness from which two statements are near duplicates, 0 to 1
    #[arg(long, default_value_t = CheckParams::default().near)]
    near: f64,
    /// Fewest statements of a code in a language
    #[arg(long, value_name = "N", default_value_t = CheckParams::default().min_stratum)]
    min_stratum: usize,
    /// What to print
    #[arg(long, value_name = "FORM", default_value = "text")]
    print: Form,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(super) fn run(args: &CheckArgs, console: &Console) -> Result<Status> {
    let codebook = args.corpus.codebook()?;
    let corpus = Corpus::read(&args.corpus.statements(), codebook, &args.input.options()?)?;
    let params = CheckParams {
        near: args.near,
        min_stratum: args.min_stratum,
    };
    let report = check(&corpus, &params)?;
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
