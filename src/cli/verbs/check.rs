//! `konflik check`: faults in a corpus.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::corpus::check::{CheckParams, check};
use konflik::evaluate::{Doubt, doubtful};
use konflik::export::doubt_rows;
use konflik::model::{Aids, TrainParams};
use konflik::{Corpus, ReadOptions};

use crate::cli::Status;
use crate::cli::args::{CorpusArgs, InputArgs};
use crate::cli::console::Console;
use crate::cli::document::TableOutput;
use crate::cli::input::read_corpus;
use crate::cli::out::print;
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

/// What to check and what to write; the arguments are checked.
struct CheckJob<'a> {
    options: ReadOptions,
    params: CheckParams,
    doubtful: Option<TableOutput<'a>>,
    print: Form,
}

impl CheckArgs {
    fn job(&self) -> Result<CheckJob<'_>> {
        let statements = self.corpus.statements();
        let table = |path| TableOutput::checked(path, &[&statements], self.force);
        Ok(CheckJob {
            doubtful: self.doubtful.as_deref().map(table).transpose()?,
            options: self.input.options()?,
            params: {
                let mut params = CheckParams::default();
                params.near = self.near;
                params.min_stratum = self.min_stratum;
                params
            },
            print: self.print,
        })
    }
}

pub(in crate::cli) fn run(args: &CheckArgs, console: &Console) -> Result<Status> {
    let job = args.job()?;
    let codebook = args.corpus.codebook()?;
    let corpus = read_corpus(&args.corpus.statements(), codebook, &job.options, console)?;
    job.run(&corpus, console)
}

impl CheckJob<'_> {
    fn run(&self, corpus: &Corpus, console: &Console) -> Result<Status> {
        let report = check(corpus, &self.params)?;
        if let Some(output) = &self.doubtful {
            write_doubts(output, corpus, console)?;
        }
        print(&match self.print {
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
}

/// Writes the codes to look at again: codes that models doubt, trained without the statement.
fn write_doubts(output: &TableOutput<'_>, corpus: &Corpus, console: &Console) -> Result<()> {
    let params = TrainParams::default();
    let training = watched(console, corpus, "check", &params, Aids::default())?;
    let doubts: Vec<(&str, Vec<Doubt>)> = training
        .out_of_fold
        .iter()
        .map(|v| (v.variable.as_str(), doubtful(v)))
        .collect();
    output.write(doubt_rows(corpus, &doubts, output.format)?)?;
    let counts: Vec<String> = doubts
        .iter()
        .map(|(variable, doubts)| format!("{variable} {}", doubts.len()))
        .collect();
    console.say(&format!(
        "wrote {}: codes to look at again ({})",
        output.path.display(),
        counts.join(", ")
    ));
    Ok(())
}
