//! `konflik evaluate`: the scores of a model on gold codes.

mod study;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::batch::{ModelScores, TopWords, top_words};
use konflik::evaluate::{EvaluateParams, Gate, GateOutcome, Verdict, evaluate};
use konflik::label::Depth;
use konflik::report::{
    Pages, evaluation_markdown, evaluation_text, gate_github, gate_gitlab, gate_junit, gate_summary,
};
use konflik::{Codebook, Corpus, Evaluation, ReadOptions};

use crate::cli::Status;
use crate::cli::args::{
    BootstrapArgs, CodebookFileArgs, EncoderArgs, FastArgs, InputArgs, LangArg, SampledArgs,
};
use crate::cli::console::{Console, NO_GROUPS};
use crate::cli::document::{Document, DocumentArgs, DocumentJob, EvaluationForm};
use crate::cli::input::{BadRowArgs, Coded};

use study::{Study, StudyArgs};

const EXAMPLES: &str = "Examples:
  konflik evaluate gold.csv
  konflik evaluate gold.csv --model models/mine -o scores.json -o scores.md
  konflik evaluate gold.csv --gate gate.toml -o gate.xml -o scores.md --print github";

/// Score a model on statements that people coded
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct EvaluateArgs {
    /// Gold statements: a file with one column per variable, or `-` for standard input
    #[arg(value_name = "GOLD")]
    gold: PathBuf,
    /// Model directory [default: the starter model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    #[command(flatten)]
    fast: FastArgs,
    #[command(flatten)]
    document: DocumentArgs<EvaluationForm>,
    /// Language of an .html output, a page with charts
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: LangArg,
    /// Check the scores against requirements (TOML): exit code 1 if one is missed, 3 if one can't be
    /// measured. Outputs may then also be .xml (JUnit), .gitlab.json (code quality report) and
    /// .summary.md (step summary)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ablate", "learning_curve", "skip_bad_rows"])]
    gate: Option<PathBuf>,
    #[command(flatten)]
    codebook: CodebookFileArgs,
    #[command(flatten)]
    sampled: SampledArgs,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
    #[command(flatten)]
    study: StudyArgs,
    #[command(flatten)]
    bad_rows: BadRowArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    encoder: EncoderArgs,
}

impl Document for Evaluation {
    fn text(&self) -> String {
        evaluation_text(self)
    }

    fn markdown(&self) -> String {
        evaluation_markdown(self)
    }
}

impl EvaluationForm {
    fn render(self, evaluation: &Evaluation, page: &Page) -> Result<String> {
        let of_gate = |render: fn(&Verdict) -> String| {
            let verdict = evaluation.gate.as_ref();
            verdict.map(render).ok_or_else(|| self.not_of_this())
        };
        Ok(match self {
            Self::Junit => of_gate(gate_junit)?,
            Self::Github => of_gate(gate_github)?,
            Self::Gitlab => of_gate(gate_gitlab)?,
            Self::Summary => of_gate(gate_summary)?,
            Self::Html => page.render(evaluation)?,
            plain => plain.plain()?.render(evaluation)?,
        })
    }
}

/// What the page of an evaluation needs beside the scores.
struct Page {
    lang: LangArg,
    top_words: Vec<TopWords>,
}

impl Page {
    fn render(&self, evaluation: &Evaluation) -> Result<String> {
        let pages = Pages::new(self.lang.lang(), None)?;
        let scores = ModelScores::try_from(evaluation)?;
        Ok(pages.evaluation_html(&scores, &self.top_words)?)
    }
}

/// What to measure and what to write; the arguments are checked.
struct EvaluateJob<'a> {
    args: &'a EvaluateArgs,
    gate: Option<Gate>,
    study: Option<Study<'a>>,
    options: ReadOptions,
    params: EvaluateParams,
    document: DocumentJob<'a, EvaluationForm>,
}

impl EvaluateArgs {
    fn job(&self) -> Result<EvaluateJob<'_>> {
        let document = self.document.job(&[&self.gold])?;
        let gate = self.gate.as_deref().map(Gate::read).transpose()?;
        let study = self.study.study(&self.gold, self.document.force)?;
        let is_missing = |form: &EvaluationForm| match form {
            EvaluationForm::Html => study.is_some(),
            form => form.is_of_gate() && gate.is_none(),
        };
        if let Some(form) = document.forms().find(is_missing) {
            return Err(form.not_of_this().into());
        }
        Ok(EvaluateJob {
            args: self,
            gate,
            study,
            options: self.input.options()?,
            params: {
                let mut params = self.bootstrap.params();
                params.depth = self.fast.depth(Depth::Careful);
                params
            },
            document,
        })
    }
}

pub(in crate::cli) fn run(args: &EvaluateArgs, console: &Console) -> Result<Status> {
    let job = args.job()?;
    match &job.study {
        Some(study) => job.run_study(study, console),
        None => job.score(console),
    }
}

impl EvaluateJob<'_> {
    fn corpus(&self, codebook: Codebook, console: &Console) -> Result<Corpus> {
        let corpus = Coded {
            path: &self.args.gold,
            codebook,
            options: &self.options,
            beside: &self.args.gold,
            force: self.args.document.force,
        };
        Ok(self.args.bad_rows.read_corpus(corpus, console)?)
    }

    fn run_study(&self, study: &Study<'_>, console: &Console) -> Result<Status> {
        let codebook = self.args.codebook.read(&self.args.gold)?;
        let corpus = self.corpus(codebook, console)?;
        warn_without_groups(&corpus, console);
        let sentences = self.args.encoder.load()?;
        study.run(
            &corpus,
            sentences.as_ref(),
            &self.params,
            &self.document,
            console,
        )?;
        Ok(Status::Done)
    }

    fn score(&self, console: &Console) -> Result<Status> {
        let args = self.args;
        let model = args.encoder.model(args.model.as_deref())?;
        if let Some(path) = &args.codebook.codebook {
            model.require_codebook(&Codebook::read(path)?)?;
        }
        let gold = self.corpus(model.codebook().clone(), console)?;
        let gold = args.sampled.chosen(gold, console)?;
        warn_without_groups(&gold, console);
        let mut evaluation = evaluate(&model, &gold, &self.params)?;
        evaluation.gate = self.gate.as_ref().map(|gate| gate.judge(&evaluation));
        if evaluation.seen_in_training > 0 {
            console.warn(&format!(
                "{} of the statements were in the training data",
                evaluation.seen_in_training
            ));
        }
        let is_page = self.document.forms().any(|f| f == EvaluationForm::Html);
        let page = Page {
            lang: args.lang,
            top_words: if is_page {
                top_words(&model, &gold)?
            } else {
                Vec::new()
            },
        };
        let render = |form: EvaluationForm| form.render(&evaluation, &page);
        self.document.write(render, console)?;
        Ok(match evaluation.gate.map(|verdict| verdict.outcome) {
            None | Some(GateOutcome::Passed) => Status::Done,
            Some(GateOutcome::Missed) => Status::Findings,
            Some(GateOutcome::NotMeasured) => Status::NotMeasured,
        })
    }
}

fn warn_without_groups(corpus: &Corpus, console: &Console) {
    if !corpus.has_groups {
        console.warn(NO_GROUPS);
    }
}
