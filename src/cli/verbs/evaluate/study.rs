//! `konflik evaluate --ablate` and `--learning-curve`: trainings on a coded corpus, compared.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::Corpus;
use konflik::evaluate::{Ablation, EvaluateParams, LearningCurve, ablate, learning_curve};
use konflik::model::{Aids, Step, TrainParams};
use konflik::report::{ablation_markdown, ablation_text, curve_markdown, curve_svg, curve_text};

use crate::cli::args::EncoderArgs;
use crate::cli::args::prior_model;
use crate::cli::console::Console;
use crate::cli::document::EvaluationForm;
use crate::cli::document::{Document, DocumentArgs, check_output};
use crate::cli::out::{counted, write_output};

/// Trainings to compare, instead of a model to score.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ablation and learning curve")]
pub(in crate::cli) struct StudyArgs {
    /// Report how much each view contributes: train on GOLD with and without the view, and score
    /// out of fold
    #[arg(long, conflicts_with_all = ["model", "learning_curve"])]
    ablate: bool,
    /// Report a learning curve: train on 50 to 1000 statements of GOLD, and score on a held-out
    /// quarter
    #[arg(long, conflicts_with = "model")]
    learning_curve: bool,
    /// Add a learning curve that starts from this model: a directory, or `starter`
    #[arg(long, value_name = "MODEL", requires = "learning_curve")]
    from: Option<PathBuf>,
    /// Draw the learning curve to this file (.svg)
    #[arg(long, value_name = "FILE", requires = "learning_curve")]
    plot: Option<PathBuf>,
}

impl StudyArgs {
    pub(in crate::cli) fn is_asked_for(&self) -> bool {
        self.ablate || self.learning_curve
    }

    /// Refuses outputs that can't be written, before the work.
    pub(in crate::cli) fn check(&self, gold: &std::path::Path, force: bool) -> Result<()> {
        match &self.plot {
            Some(path) => check_output(path, &[gold], force),
            None => Ok(()),
        }
    }

    pub(in crate::cli) fn run(
        &self,
        corpus: &Corpus,
        encoder: &EncoderArgs,
        evaluate: &EvaluateParams,
        document: &DocumentArgs<EvaluationForm>,
        console: &Console,
    ) -> Result<()> {
        let sentences = encoder.load()?;
        let prior = self.from.as_deref().map(prior_model).transpose()?;
        let aids = Aids {
            sentences: sentences.as_ref(),
            prior: prior.as_ref(),
            ..Aids::default()
        };
        if self.ablate {
            let params = TrainParams::suited_to(corpus.statements.len());
            let watch = |views: &str, step: Step| {
                if step == Step::Views {
                    console.say(&format!("training {views}"));
                }
            };
            let ablation = ablate(corpus, &params, aids, evaluate, &watch)?;
            return document.write(|form| form.plain()?.render(&ablation), console);
        }
        let watch = |size: usize, from: bool| {
            let from = if from {
                ", starting from the model"
            } else {
                ""
            };
            let statements = counted(size as u64, "statement");
            console.say(&format!("training on {statements}{from}"));
        };
        let params: &dyn Fn(usize) -> TrainParams = &TrainParams::suited_to;
        let curve = learning_curve(corpus, params, aids, evaluate.seed, &watch)?;
        if let Some(path) = &self.plot {
            write_output(path, curve_svg(&curve).as_str(), document.force)?;
            console.say(&format!("wrote {}", path.display()));
        }
        document.write(|form| form.plain()?.render(&curve), console)
    }
}

impl Document for Ablation {
    fn text(&self) -> String {
        ablation_text(self)
    }

    fn markdown(&self) -> String {
        ablation_markdown(self)
    }
}

impl Document for LearningCurve {
    fn text(&self) -> String {
        curve_text(self)
    }

    fn markdown(&self) -> String {
        curve_markdown(self)
    }
}
