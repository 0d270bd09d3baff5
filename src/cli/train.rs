//! `konflik train`: a model from coded statements.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::evaluate::{EvaluateParams, evaluate_out_of_fold};
use konflik::model::{StagedModel, Step, TrainParams, Training, train};
use konflik::report::model_card;
use konflik::{Corpus, Evaluation};

use super::console::{Console, NO_GROUPS};
use super::{CorpusArgs, InputArgs, Status};

const EXAMPLES: &str = "Examples:
  konflik train corpus -o models/mine
  konflik train coded.csv --codebook codebook.toml -o models/mine --text-column statement
  konflik train coded.jsonl --codebook codebook.toml -o models/mine --cost 30 --force";

/// Train a model on coded statements
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Directory to write the model to
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Name of the model; by default that of its directory
    #[arg(long)]
    name: Option<String>,
    /// Replace a model that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// Hyperparameters.
#[derive(Debug, Args)]
struct ParamArgs {
    /// Cost of an error beside the penalty on large weights
    #[arg(long, default_value_t = TrainParams::default().cost)]
    cost: f64,
    /// How far rare codes are weighted up, 0 to 1
    #[arg(long, default_value_t = TrainParams::default().balance)]
    balance: f64,
    /// Folds of the cross-fitting
    #[arg(long, default_value_t = TrainParams::default().folds)]
    folds: usize,
    /// Error rate that `auto` decisions keep to
    #[arg(long, default_value_t = TrainParams::default().stated_error)]
    stated_error: f64,
    /// Seed of folds and order
    #[arg(long, default_value_t = TrainParams::default().seed)]
    seed: u64,
}

impl ParamArgs {
    fn params(&self) -> TrainParams {
        TrainParams {
            cost: self.cost,
            balance: self.balance,
            folds: self.folds,
            stated_error: self.stated_error,
            seed: self.seed,
            ..TrainParams::default()
        }
    }
}

pub(super) fn run(args: &TrainArgs, console: &Console) -> Result<Status> {
    let codebook = args.corpus.codebook()?;
    let target = StagedModel::prepare(&args.output, args.force)?;
    let corpus = Corpus::read(&args.corpus.statements(), codebook, &args.input.options())?;
    if !corpus.has_groups {
        console.warn(NO_GROUPS);
    }
    let stem = args
        .output
        .file_name()
        .map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned());
    let name = args.name.clone().unwrap_or(stem);
    let mut training = watched(console, &corpus, &name, &args.params.params())?;
    let evaluation = evaluate_out_of_fold(
        &training.model,
        &corpus,
        &training.out_of_fold,
        &EvaluateParams::default(),
    )?;
    training.model.set_scores(evaluation.summary())?;
    let how = out_of_fold_sentence(training.model.origin().folds);
    target.commit(
        &training.model,
        &model_card(&training.model, &evaluation, &how),
    )?;
    for line in score_lines(&evaluation) {
        console.say(&line);
    }
    console.say(&format!(
        "wrote {} ({})",
        args.output.display(),
        training.model.id()
    ));
    console.say(&format!(
        "next: konflik label NEW.csv --model {} -o labelled.csv",
        args.output.display()
    ));
    Ok(Status::Done)
}

/// How out-of-fold scores come about, for a card.
pub(super) fn out_of_fold_sentence(folds: usize) -> String {
    format!(
        "Out-of-fold scores ({folds} folds by group): the regression and the head that coded a statement, and the \
         thresholds of its decision, were fitted on statements of other folds; the vocabulary is of all texts."
    )
}

/// Trains with a progress bar, then says the warnings.
pub(super) fn watched(
    console: &Console,
    corpus: &Corpus,
    name: &str,
    params: &TrainParams,
) -> Result<Training> {
    let bar = console.progress(Some(1), "reading words");
    let training = train(corpus, name, params, &|step| match step {
        Step::Views => {}
        Step::Regressions { done, total } => {
            bar.set_message("training");
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Step::Heads => bar.set_message("calibrating"),
    });
    bar.finish_and_clear();
    let training = training?;
    training.warnings.iter().for_each(|w| console.warn(w));
    Ok(training)
}

/// One line per variable with its main scores.
pub(super) fn score_lines(evaluation: &Evaluation) -> Vec<String> {
    let value = |v: Option<f64>| v.map_or_else(|| "undefined".to_string(), |v| format!("{v:.3}"));
    let line = |v: &konflik::evaluate::VariableEvaluation| {
        let o = &v.overall;
        let interval = o.macro_f1.interval.map_or(String::new(), |[low, high]| {
            format!(" [{low:.3} to {high:.3}]")
        });
        format!(
            "{}: macro-F1 {}{interval}, always {} {}; alpha {}",
            v.id,
            value(o.macro_f1.value),
            o.baseline.code,
            value(o.baseline.macro_f1.value),
            value(o.alpha.value),
        )
    };
    evaluation.variables.iter().map(line).collect()
}
