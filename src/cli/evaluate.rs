//! `konflik evaluate`: a model against gold codes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::evaluate::{EvaluateParams, evaluate};
use konflik::report::{evaluation_markdown, evaluation_text};
use konflik::{Corpus, Error, Evaluation};

use super::console::{Console, NO_GROUPS};
use super::{InputArgs, Status, load_model, print, refuse_same_file, write_output};

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
    /// Also write the scores here: .json, .md or .txt; may be repeated
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORM", default_value = "text")]
    print: Form,
    /// Bootstrap replicates
    #[arg(long, default_value_t = EvaluateParams::default().replicates)]
    replicates: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = EvaluateParams::default().seed)]
    seed: u64,
    /// Replace outputs that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    input: InputArgs,
}

/// A form of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
    Md,
}

impl Form {
    fn of_path(path: &Path) -> konflik::Result<Self> {
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => Ok(Self::Json),
            Some("md") => Ok(Self::Md),
            Some("txt") => Ok(Self::Text),
            _ => Err(Error::UnknownFormat {
                path: path.display().to_string(),
                known: ".json, .md or .txt",
            }),
        }
    }

    pub(super) fn render(self, evaluation: &Evaluation) -> Result<String> {
        Ok(match self {
            Self::Text => evaluation_text(evaluation),
            Self::Md => evaluation_markdown(evaluation),
            Self::Json => serde_json::to_string_pretty(evaluation)? + "\n",
        })
    }
}

pub(super) fn run(args: &EvaluateArgs, console: &Console) -> Result<Status> {
    let forms = args
        .output
        .iter()
        .map(|p| Form::of_path(p))
        .collect::<Result<Vec<_>, _>>()?;
    for (i, path) in args.output.iter().enumerate() {
        refuse_same_file(&args.gold, path)?;
        if args.output[..i].contains(path) {
            return Err(Error::OutputIsInput { path: path.clone() }.into());
        }
        // Refused before the work; opened again when there is something to write.
        konflik::export::Output::prepare(path, args.force)?;
    }
    let model = load_model(args.model.as_deref())?;
    let gold = Corpus::read(&args.gold, model.codebook().clone(), &args.input.options()?)?;
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
    for (path, form) in args.output.iter().zip(forms) {
        write_output(path, &form.render(&evaluation)?, args.force)?;
        console.say(&format!("wrote {}", path.display()));
    }
    print(&args.print.render(&evaluation)?)?;
    Ok(Status::Done)
}
