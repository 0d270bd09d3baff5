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
use konflik::{Codebook, Corpus, Evaluation};

use crate::cli::Status;
use crate::cli::args::LangArg;
use crate::cli::args::{
    BootstrapArgs, CodebookFileArgs, EncoderArgs, FastArgs, InputArgs, SampledArgs,
};
use crate::cli::console::{Console, NO_GROUPS};
use crate::cli::document::{Document, DocumentArgs, EvaluationForm};
use crate::cli::input::{BadRowArgs, Coded};

use study::StudyArgs;

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

impl EvaluateArgs {
    fn corpus(&self, codebook: Codebook, console: &Console) -> Result<Corpus> {
        let options = self.input.options()?;
        let corpus = Coded {
            path: &self.gold,
            codebook,
            options: &options,
            beside: &self.gold,
            force: self.document.force,
        };
        Ok(self.bad_rows.read_corpus(corpus, console)?)
    }
}

pub(in crate::cli) fn run(args: &EvaluateArgs, console: &Console) -> Result<Status> {
    args.document.check(&[&args.gold])?;
    let gate = args.gate.as_deref().map(Gate::read).transpose()?;
    let forms = args.document.forms()?;
    if let Some(form) = forms
        .iter()
        .find(|form| form.is_of_gate() && gate.is_none())
    {
        return Err(form.not_of_this().into());
    }
    let params = EvaluateParams {
        depth: args.fast.depth(Depth::Careful),
        ..args.bootstrap.params()
    };
    if args.study.is_asked_for() {
        if forms.contains(&EvaluationForm::Html) {
            return Err(EvaluationForm::Html.not_of_this().into());
        }
        args.study.check(&args.gold, args.document.force)?;
        let codebook = args.codebook.read(&args.gold)?;
        let corpus = args.corpus(codebook, console)?;
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
    let gold = args.corpus(model.codebook().clone(), console)?;
    let gold = args.sampled.chosen(gold, console)?;
    if !gold.has_groups {
        console.warn(NO_GROUPS);
    }
    let mut evaluation = evaluate(&model, &gold, &params)?;
    evaluation.gate = gate.map(|gate| gate.judge(&evaluation));
    if evaluation.seen_in_training > 0 {
        console.warn(&format!(
            "{} of the statements were in the training data",
            evaluation.seen_in_training
        ));
    }
    let page = Page {
        lang: args.lang,
        top_words: if forms.contains(&EvaluationForm::Html) {
            top_words(&model, &gold)?
        } else {
            Vec::new()
        },
    };
    let render = |form: EvaluationForm| form.render(&evaluation, &page);
    args.document.write(render, console)?;
    Ok(match evaluation.gate.map(|verdict| verdict.outcome) {
        None | Some(GateOutcome::Passed) => Status::Done,
        Some(GateOutcome::Missed) => Status::Findings,
        Some(GateOutcome::NotMeasured) => Status::NotMeasured,
    })
}
