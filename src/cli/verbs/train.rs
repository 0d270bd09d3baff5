//! `konflik train`: coded statements into a model.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::corpus::Codings;
use konflik::evaluate::{EvaluateParams, Trial, evaluate_out_of_fold, tune};
use konflik::features::{LexicalParams, StaticEncoder, TextEncoder, Views};
use konflik::model::{Aids, Reading, StagedModel, TrainParams};
use konflik::report::model_card;
use konflik::{Codebook, Corpus, Error, Model, ReadOptions};

use crate::cli::Status;
use crate::cli::args::{CorpusArgs, EncoderArgs, InputArgs, prior_model};
use crate::cli::console::{Console, NO_GROUPS};
use crate::cli::input::{BadRowArgs, Coded};
use crate::cli::out::counted;
use crate::cli::said::{out_of_fold_sentence, score_lines, watched};

const EXAMPLES: &str = "Examples:
  konflik train corpus -o models/mine
  konflik train coded.csv --codebook codebook.toml -o models/mine --text-column statement
  konflik train fifty.csv --from starter --tune -o models/ours";

/// Train a model on coded statements
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct TrainArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Write the model to this directory
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Overwrite an existing model
    #[arg(long)]
    force: bool,
    /// Start from this model: a directory, or `starter`
    #[arg(long, value_name = "MODEL")]
    from: Option<PathBuf>,
    /// First search for better hyperparameters by cross-validation, starting from the given values
    #[arg(long)]
    tune: bool,
    /// Learn from the codes of several coders: a table with `id` and a column
    /// `<variable>_<coder>` per coder. For these statements the model learns the share of coders
    /// behind each code
    #[arg(long, value_name = "FILE")]
    codings: Option<PathBuf>,
    /// Name of the model [default: the name of the directory]
    #[arg(long)]
    name: Option<String>,
    /// Append this Markdown file to the model card: intended use, scores on other data, limits
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    views: ViewArgs,
    #[command(flatten)]
    bad_rows: BadRowArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    encoder: EncoderArgs,
}

/// Hyperparameters.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hyperparameters")]
struct ParamArgs {
    /// Cost of errors, relative to the penalty on large weights [default: 10; 30 below 2000
    /// statements]
    #[arg(long, value_name = "COST")]
    cost: Option<f64>,
    /// Weight rare codes up, from 0 (not at all) to 1 (fully)
    #[arg(long, value_name = "SHARE", default_value_t = TrainParams::default().balance)]
    balance: f64,
    /// Weight of the semantic view, relative to the lexical view [default: 0.5; 1 below 2000
    /// statements]
    #[arg(long, value_name = "WEIGHT")]
    semantic_weight: Option<f64>,
    /// Weight of the sentence encoder's view, relative to the lexical view
    #[arg(long, value_name = "WEIGHT", default_value_t = TrainParams::default().sentence_weight)]
    sentence_weight: f64,
    /// Weight of character n-grams and subword pieces, relative to words
    #[arg(long, value_name = "WEIGHT", conflicts_with = "from", default_value_t = TrainParams::default().lexical.char_weight)]
    char_weight: f32,
    /// Ignore words in fewer than N statements [default: 2; 1 below 2000 statements]
    #[arg(long, value_name = "N", conflicts_with = "from")]
    word_min_df: Option<u32>,
    /// Ignore word pairs in fewer than N statements [default: 3; 2 below 2000 statements]
    #[arg(long, value_name = "N", conflicts_with = "from")]
    bigram_min_df: Option<u32>,
    /// Ignore character n-grams and subword pieces in fewer than N statements [default: 4; 2 below
    /// 2000 statements]
    #[arg(long, value_name = "N", conflicts_with = "from")]
    char_min_df: Option<u32>,
    /// Number of folds for cross-fitting
    #[arg(long, value_name = "N", default_value_t = TrainParams::default().folds)]
    folds: usize,
    /// Target error rate of `auto` decisions
    #[arg(long, value_name = "RATE", default_value_t = TrainParams::default().stated_error)]
    stated_error: f64,
    /// Random seed of the folds and the training order
    #[arg(long, value_name = "N", default_value_t = TrainParams::default().seed)]
    seed: u64,
}

/// The views of a statement that the model learns from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Views")]
struct ViewArgs {
    /// Leave out a view; repeatable
    #[arg(long, value_name = "VIEW")]
    without: Vec<View>,
    /// Use the context encoder's vectors even with 2000 or more statements; the model then labels
    /// about 100 statements a second on one core
    #[arg(long)]
    context: bool,
    /// Combine the model with the context encoder as this file says (JSON, from `models/prior.py`)
    /// [default: as the model in --from does, if it has the same codebook]
    #[arg(long, value_name = "FILE")]
    reading: Option<PathBuf>,
    /// Use the vectors in this model2vec directory for the semantic view, not the built-in vectors
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
}

/// A view that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    Lexical,
    Semantic,
    Cues,
    /// The vectors of the context encoder
    Context,
}

impl ParamArgs {
    /// The given hyperparameters, else the defaults for this number of statements.
    fn params(&self, views: &ViewArgs, statements: usize) -> TrainParams {
        let suited = TrainParams::suited_to(statements);
        let lexical = suited.lexical;
        {
            let mut params = TrainParams::default();
            params.cost = self.cost.unwrap_or(suited.cost);
            params.balance = self.balance;
            params.folds = self.folds;
            params.stated_error = self.stated_error;
            params.seed = self.seed;
            params.semantic_weight = self.semantic_weight.unwrap_or(suited.semantic_weight);
            params.sentence_weight = self.sentence_weight;
            params.views = Views {
                lexical: !views.without.contains(&View::Lexical),
                semantic: !views.without.contains(&View::Semantic),
                cues: !views.without.contains(&View::Cues),
            };
            params.context =
                (suited.context || views.context) && !views.without.contains(&View::Context);
            params.lexical = LexicalParams {
                char_weight: self.char_weight,
                word_min_df: self.word_min_df.unwrap_or(lexical.word_min_df),
                bigram_min_df: self.bigram_min_df.unwrap_or(lexical.bigram_min_df),
                char_min_df: self.char_min_df.unwrap_or(lexical.char_min_df),
                ..lexical
            };
            params
        }
    }
}

/// What to train on and where to write the model; the arguments are checked.
struct TrainJob<'a> {
    args: &'a TrainArgs,
    codebook: Codebook,
    notes: String,
    target: StagedModel,
    options: ReadOptions,
    name: String,
    reading: Option<Reading>,
}

impl TrainArgs {
    fn job(&self) -> Result<TrainJob<'_>> {
        let codebook = self.corpus.codebook()?;
        let notes = match &self.notes {
            Some(path) => fs::read_to_string(path).map_err(|e| Error::read(path, e))?,
            None => String::new(),
        };
        let directory = self.output.file_name();
        let stem = directory.map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned());
        Ok(TrainJob {
            args: self,
            codebook,
            notes,
            target: StagedModel::prepare(&self.output, self.force)?,
            options: self.input.options()?,
            name: self.name.clone().unwrap_or(stem),
            reading: self
                .views
                .reading
                .as_deref()
                .map(Reading::read)
                .transpose()?,
        })
    }
}

/// What training uses besides the corpus.
struct Loaded {
    vectors: Option<StaticEncoder>,
    sentences: Option<Arc<dyn TextEncoder>>,
    prior: Option<Model>,
    codings: Option<Codings>,
}

impl Loaded {
    fn of(args: &TrainArgs, codebook: &Codebook) -> konflik::Result<Self> {
        let vectors = args.views.vectors.as_deref();
        let codings = args.codings.as_deref();
        Ok(Self {
            vectors: vectors.map(StaticEncoder::load).transpose()?,
            sentences: args.encoder.load()?,
            prior: args.from.as_deref().map(prior_model).transpose()?,
            codings: codings
                .map(|path| Codings::read(path, codebook))
                .transpose()?,
        })
    }

    fn aids(&self) -> Aids<'_> {
        Aids {
            encoder: self.vectors.as_ref(),
            sentences: self.sentences.as_ref(),
            prior: self.prior.as_ref(),
            codings: self.codings.as_ref(),
        }
    }
}

pub(in crate::cli) fn run(args: &TrainArgs, console: &Console) -> Result<Status> {
    args.job()?.run(console)
}

impl TrainJob<'_> {
    fn run(self, console: &Console) -> Result<Status> {
        let args = self.args;
        let coded = Coded {
            path: &args.corpus.statements(),
            codebook: self.codebook,
            options: &self.options,
            beside: &args.output,
            force: args.force,
        };
        let corpus = args.bad_rows.read_corpus(coded, console)?;
        if !corpus.has_groups {
            console.warn(NO_GROUPS);
        }
        let loaded = Loaded::of(args, &corpus.codebook)?;
        if let Some(codings) = &loaded.codings {
            say_codings(console, codings, &corpus);
        }
        let aids = loaded.aids();
        let mut params = args.params.params(&args.views, corpus.statements.len());
        if args.tune {
            params = tuned(console, &corpus, &params, aids)?;
        }
        let mut training = watched(console, &corpus, &self.name, &params, aids)?;
        if let Some(reading) = self.reading {
            training.model.set_reading(reading)?;
        }
        let evaluation = evaluate_out_of_fold(
            &training.model,
            &corpus,
            &training.out_of_fold,
            &EvaluateParams::default(),
        )?;
        training.model.set_scores(evaluation.summary())?;
        let how = out_of_fold_sentence(training.model.origin().folds);
        self.target.commit(
            &training.model,
            &model_card(&training.model, &evaluation, &how, &self.notes),
        )?;
        for line in score_lines(&evaluation) {
            console.say(&line);
        }
        let output = args.output.display();
        console.say(&format!("wrote {output} ({})", training.model.id()));
        console.say(&format!(
            "next: konflik label NEW.csv --model {output} -o labelled.csv"
        ));
        Ok(Status::Done)
    }
}

/// Searches for hyperparameters and says what was tried.
fn tuned(
    console: &Console,
    corpus: &Corpus,
    params: &TrainParams,
    aids: Aids<'_>,
) -> konflik::Result<TrainParams> {
    console.say("tuning: mean macro-F1 over variables and folds");
    let tuning = tune(corpus, params, aids, &|trial: &Trial| {
        console.say(&format!(
            "  {} {}: {:.4} ({:+.4}, standard error {:.4}){}",
            trial.name,
            trial.value,
            trial.macro_f1,
            trial.gain,
            trial.error,
            if trial.kept { ", kept" } else { "" }
        ));
    })?;
    console.say(&format!(
        "tuned: {:.4} to {:.4} in {}; out-of-fold scores are slightly optimistic because of tuning",
        tuning.before,
        tuning.after,
        counted(tuning.trials.len() as u64, "trial")
    ));
    Ok(tuning.params)
}

fn say_codings(console: &Console, codings: &Codings, corpus: &Corpus) {
    let coders = codings.coders.iter().map(Vec::len).max().unwrap_or(0);
    console.say(&format!(
        "{} statements have codes from up to {}",
        codings.len(),
        counted(coders as u64, "coder")
    ));
    let strangers = codings.strangers(corpus);
    if let Some(first) = strangers.first() {
        console.warn(&format!(
            "left out {} ids of --codings that are not in the corpus, such as {first}",
            strangers.len()
        ));
    }
}
