//! `konflik evaluate`: a model against gold codes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::evaluate::{EvaluateParams, evaluate};
use konflik::report::{evaluation_markdown, evaluation_text};
use konflik::{Codebook, Corpus, Evaluation};

use super::console::{Console, NO_GROUPS};
use super::document::{Document, DocumentArgs};
use super::study::StudyArgs;
use super::{CodebookFileArgs, EncoderArgs, InputArgs, Status};

const EXAMPLES: &str = "Examples:
  konflik evaluate gold.csv
  konflik evaluate gold.csv --model models/mine -o scores.json -o scores.md
  konflik evaluate coded.csv --learning-curve --from starter --plot curve.svg";

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
    #[command(flatten)]
    study: StudyArgs,
    #[command(flatten)]
    codebook: CodebookFileArgs,
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
    let params = EvaluateParams {
        replicates: args.replicates,
        seed: args.seed,
    };
    if args.study.is_asked_for() {
        args.study.check(&args.gold, args.document.force)?;
        let codebook = args.codebook.read(&args.gold)?;
        let corpus = Corpus::read(&args.gold, codebook, &args.input.options())?;
        if !corpus.has_groups {
            console.warn(NO_GROUPS);
        }
        let document = &args.document;
        args.study
            .run(&corpus, &args.encoder, &params, document, console)?;
        return Ok(Status::Done);
    }
    let model = args.encoder.model(args.model.as_deref())?;
    if let Some(path) = &args.codebook.codebook {
        model.require_codebook(&Codebook::read(path)?)?;
    }
    let gold = Corpus::read(&args.gold, model.codebook().clone(), &args.input.options())?;
    if !gold.has_groups {
        console.warn(NO_GROUPS);
    }
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
