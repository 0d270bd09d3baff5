//! `konflik evaluate`: a model against gold codes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::evaluate::{EvaluateParams, evaluate};
use konflik::report::{evaluation_markdown, evaluation_text};
use konflik::{Corpus, Evaluation};

use super::console::{Console, NO_GROUPS};
use super::document::{Document, DocumentArgs};
use super::{EncoderArgs, InputArgs, Status};

const EXAMPLES: &str = "Examples:
  konflik evaluate gold.csv
  konflik evaluate gold.csv --model models/mine -o scores.json -o scores.md
  konflik evaluate - --print json < gold.csv | jq .variables[0].overall.macro_f1";

/// Score a model on statements that people coded
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvaluateArgs {
    /// Gold statements: a file with a column per variable, or `-`
    #[arg(value_name = "GOLD")]
    gold: PathBuf,
    /// Model directory; the starter model if left out
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Bootstrap replicates
    #[arg(long, default_value_t = EvaluateParams::default().replicates)]
    replicates: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = EvaluateParams::default().seed)]
    seed: u64,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    encoder: EncoderArgs,
    #[command(flatten)]
    input: InputArgs,
}

impl Document for Evaluation {
    fn text(&self) -> String {
        evaluation_text(self)
    }

    fn markdown(&self) -> String {
        evaluation_markdown(self)
    }
}

pub(super) fn run(args: &EvaluateArgs, console: &Console) -> Result<Status> {
    args.document.check(&[&args.gold])?;
    let model = args.encoder.model(args.model.as_deref())?;
    let gold = Corpus::read(&args.gold, model.codebook().clone(), &args.input.options())?;
    if !gold.has_groups {
        console.warn(NO_GROUPS);
    }
    let params = EvaluateParams {
        replicates: args.replicates,
        seed: args.seed,
    };
    let evaluation = evaluate(&model, &gold, &params)?;
    if evaluation.seen_in_training > 0 {
        console.warn(&format!(
            "{} of the statements were in the training",
            evaluation.seen_in_training
        ));
    }
    args.document.write(&evaluation, console)?;
    Ok(Status::Done)
}
