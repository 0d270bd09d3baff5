//! `konflik evaluate --ablate` and `--learning-curve`: trainings on a coded corpus, compared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use konflik::Corpus;
use konflik::evaluate::{Ablation, EvaluateParams, LearningCurve, ablate, learning_curve};
use konflik::features::TextEncoder;
use konflik::model::{Aids, Step, TrainParams};
use konflik::report::{ablation_markdown, ablation_text, curve_markdown, curve_svg, curve_text};

use crate::cli::args::prior_model;
use crate::cli::console::Console;
use crate::cli::document::{Document, DocumentJob, EvaluationForm, check_output};
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

/// Trainings to compare; the arguments are checked.
pub(super) enum Study<'a> {
    Ablation,
    LearningCurve {
        from: Option<&'a Path>,
        plot: Option<&'a Path>,
        force: bool,
    },
}

impl StudyArgs {
    /// The study to run, if one is requested.
    pub(super) fn study(&self, gold: &Path, force: bool) -> Result<Option<Study<'_>>> {
        if self.ablate {
            return Ok(Some(Study::Ablation));
        }
        if !self.learning_curve {
            return Ok(None);
        }
        if let Some(path) = &self.plot {
            check_output(path, &[gold], force)?;
        }
        Ok(Some(Study::LearningCurve {
            from: self.from.as_deref(),
            plot: self.plot.as_deref(),
            force,
        }))
    }
}

impl Study<'_> {
    pub(super) fn run(
        &self,
        corpus: &Corpus,
        sentences: Option<&Arc<dyn TextEncoder>>,
        evaluate: &EvaluateParams,
        document: &DocumentJob<'_, EvaluationForm>,
        console: &Console,
    ) -> Result<()> {
        let aids = Aids {
            sentences,
            ..Aids::default()
        };
        match *self {
            Self::Ablation => {
                let ablation = ablation(corpus, aids, evaluate, console)?;
                document.write(|form| form.plain()?.render(&ablation), console)
            }
            Self::LearningCurve { from, plot, force } => {
                let prior = from.map(prior_model).transpose()?;
                let aids = Aids {
                    prior: prior.as_ref(),
                    ..aids
                };
                let curve = curve(corpus, aids, evaluate.seed, console)?;
                if let Some(path) = plot {
                    write_output(path, curve_svg(&curve).as_str(), force)?;
                    console.say(&format!("wrote {}", path.display()));
                }
                document.write(|form| form.plain()?.render(&curve), console)
            }
        }
    }
}

fn ablation(
    corpus: &Corpus,
    aids: Aids<'_>,
    evaluate: &EvaluateParams,
    console: &Console,
) -> konflik::Result<Ablation> {
    let params = TrainParams::suited_to(corpus.statements.len());
    let watch = |views: &str, step: Step| {
        if step == Step::Views {
            console.say(&format!("training {views}"));
        }
    };
    ablate(corpus, &params, aids, evaluate, &watch)
}

fn curve(
    corpus: &Corpus,
    aids: Aids<'_>,
    seed: u64,
    console: &Console,
) -> konflik::Result<LearningCurve> {
    let watch = |size: usize, from: bool| {
        let from = if from {
            ", starting from the model"
        } else {
            ""
        };
        let statements = counted(size as u64, "statement");
        console.say(&format!("training on {statements}{from}"));
    };
    learning_curve(corpus, &TrainParams::suited_to, aids, seed, &watch)
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
