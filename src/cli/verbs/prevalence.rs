//! `konflik prevalence`: the share of each code, corrected for the model's errors.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::evaluate::{Prevalence, PrevalenceParams, prevalence};
use konflik::report::{prevalence_markdown, prevalence_text};

use crate::cli::Status;
use crate::cli::args::{BootstrapArgs, GoldArgs, IdArgs, SampledArgs};
use crate::cli::console::Console;
use crate::cli::document::{Document, DocumentArgs, Form};
use crate::cli::input::read_labels;

const EXAMPLES: &str = "Examples:
  konflik prevalence labelled.csv --gold sample.csv
  konflik prevalence labelled.csv --gold sample.csv --by konflik_topic --by date:month
  konflik prevalence labelled.jsonl --gold sample.csv --margin 0.03 -o shares.md -o shares.json";

/// Estimate the share of each code from a labelled file and a random sample that people coded
///
/// The sample is joined with the labelled file by id. The sample must be a random sample of that
/// file: rows picked for another reason, such as low confidence, would bias every share.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct PrevalenceArgs {
    /// What `konflik label` wrote (CSV, TSV or JSON lines), with ids
    #[arg(value_name = "LABELLED")]
    labelled: PathBuf,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    document: DocumentArgs<Form>,
    /// Also estimate shares per value of this column of LABELLED; `COLUMN:month` for the month of an
    /// ISO date; repeatable
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,
    #[command(flatten)]
    sampled: SampledArgs,
    /// Column of LABELLED with groups such as cases or speakers, to compute intervals by group
    /// [default: `group`, if it exists]
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Target half-width of the intervals, as a share; the result says how many statements to code
    /// for this target
    #[arg(long, value_name = "SHARE", default_value_t = PrevalenceParams::default().margin)]
    margin: f64,
    /// Prefix of the columns with the model's codes
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
}

impl Document for Prevalence {
    fn text(&self) -> String {
        prevalence_text(self)
    }

    fn markdown(&self) -> String {
        prevalence_markdown(self)
    }
}

pub(in crate::cli) fn run(args: &PrevalenceArgs, console: &Console) -> Result<Status> {
    let document = args.document.job(&[&args.labelled, &args.gold.gold])?;
    let gold = args
        .sampled
        .chosen(args.gold.read(&args.id, console)?, console)?;
    let labels = read_labels(
        &args.labelled,
        &gold.codebook,
        &args.prefix,
        args.id.column(),
        console,
    )?;
    let mut params = PrevalenceParams::default();
    params.margin = args.margin;
    params.by.clone_from(&args.by);
    params.group.clone_from(&args.group);
    params.evaluate = args.bootstrap.params();
    let shares = prevalence(&labels, &gold, &params)?;
    document.write(|form| form.render(&shares), console)?;
    Ok(match shares.strangers {
        0 => Status::Done,
        _ => Status::Findings,
    })
}
