//! `konflik run`: the whole pipeline as `konflik.toml` says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use konflik::base::toml::syntax_error;
use konflik::corpus::holdout;
use konflik::evaluate::{EvaluateParams, evaluate};
use konflik::export::table::TableFormats;
use konflik::export::{LabelJob, LabelOptions, refuse_same_file};
use konflik::label::LabelCounts;
use konflik::model::{Aids, StagedModel, TrainParams};
use konflik::report::{Align, Table, model_card};
use konflik::{Codebook, Corpus, Error, Evaluation, Model, ReadOptions, Reader};
use serde::Deserialize;

use crate::cli::Status;
use crate::cli::console::{Console, NO_GROUPS};
use crate::cli::document::Form;
use crate::cli::input::{announce, read_corpus};
use crate::cli::labelling::watched as watched_labelling;
use crate::cli::out::{counted, write_output};
use crate::cli::said::{decision_lines, saying_nothing};
use crate::cli::said::{score_lines, watched};

const EXAMPLES: &str = "Examples:
  konflik run
  konflik run --config studies/2026/konflik.toml
  konflik run --threads 1 --quiet";

const CONFIG: &str = "konflik.toml";

/// Train, evaluate and label as konflik.toml says
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RunArgs {
    /// Configuration file [default: konflik.toml in this folder or the nearest folder above]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `konflik.toml`. Paths are relative to the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    corpus: CorpusConfig,
    #[serde(default)]
    train: TrainParams,
    #[serde(default)]
    evaluate: EvaluateConfig,
    #[serde(default)]
    label: LabelConfig,
    output: OutputConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorpusConfig {
    statements: PathBuf,
    codebook: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EvaluateConfig {
    /// Share of the statements that is held out, by group.
    holdout: f64,
    replicates: usize,
    seed: u64,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        let EvaluateParams {
            replicates, seed, ..
        } = EvaluateParams::default();
        Self {
            holdout: 0.2,
            replicates,
            seed,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LabelConfig {
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputConfig {
    /// Name of the model.
    name: String,
    /// Folder that the run owns: what it wrote there before is replaced.
    folder: PathBuf,
}

pub(in crate::cli) fn run(args: &RunArgs, console: &Console) -> Result<Status> {
    let path = match &args.config {
        Some(path) => path.clone(),
        None => nearest_config()?,
    };
    let config = read_config(&path)?;
    let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
    Pipeline {
        config,
        base,
        console,
    }
    .run()
}

fn nearest_config() -> Result<PathBuf> {
    let here = std::env::current_dir().context("can't tell the current folder")?;
    if Path::new(CONFIG).is_file() {
        return Ok(PathBuf::from(CONFIG));
    }
    let found = here
        .ancestors()
        .map(|folder| folder.join(CONFIG))
        .find(|p| p.is_file());
    found.with_context(|| format!("no {CONFIG} in this folder or above it; name one with --config"))
}

fn read_config(path: &Path) -> Result<Config> {
    let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
    let name = path.display().to_string();
    let config: Config = toml::from_str(&text).map_err(|e| syntax_error(&text, &name, &e))?;
    if !(config.evaluate.holdout > 0.0 && config.evaluate.holdout < 1.0) {
        return Err(Error::Parameter {
            name: "holdout",
            value: config.evaluate.holdout.to_string(),
            range: "between 0 and 1",
        }
        .into());
    }
    Ok(config)
}

struct Pipeline<'a> {
    config: Config,
    base: PathBuf,
    console: &'a Console,
}

/// An input and the place of its labelled form.
struct Input {
    path: PathBuf,
    reader: Reader,
    output: PathBuf,
}

/// A labelled batch.
struct Batch {
    input: PathBuf,
    output: PathBuf,
    counts: LabelCounts,
}

impl Pipeline<'_> {
    fn run(&self) -> Result<Status> {
        let folder = self.base.join(&self.config.output.folder);
        fs::create_dir_all(&folder).map_err(|e| Error::write(&folder, e))?;
        let staged = StagedModel::prepare(&folder.join("model"), true)?;
        let inputs = self.open_inputs(&folder)?;
        let corpus = self.corpus()?;
        let evaluation = self.evaluate_held_out(&corpus)?;
        let mut training = watched(
            self.console,
            &corpus,
            &self.config.output.name,
            &self.config.train,
            Aids::default(),
        )?;
        training.model.set_scores(evaluation.summary())?;
        let how = self.how();
        staged.commit(
            &training.model,
            &model_card(&training.model, &evaluation, &how, ""),
        )?;
        write_output(
            &folder.join("evaluation.md"),
            &Form::Md.render(&evaluation)?,
            true,
        )?;
        write_output(
            &folder.join("evaluation.json"),
            &Form::Json.render(&evaluation)?,
            true,
        )?;
        let batches = self.label(inputs, &folder, &training.model)?;
        let summary = summary(&training.model, &evaluation, &how, &batches);
        write_output(&folder.join("summary.md"), &summary, true)?;
        self.say_goodbye(&folder, &training.model, &batches);
        let rejected: u64 = batches.iter().map(|b| b.counts.rejected).sum();
        Ok(if rejected > 0 {
            Status::Findings
        } else {
            Status::Done
        })
    }

    /// All inputs are opened before any work, so that a missing one is known at once; so is one
    /// that would be written over, or two that would be written to one place.
    fn open_inputs(&self, folder: &Path) -> Result<Vec<Input>> {
        let mut inputs: Vec<Input> = Vec::new();
        for input in &self.config.label.inputs {
            let path = self.base.join(input);
            let reader = Reader::open(&path, &ReadOptions::default())?;
            if self.config.label.inputs.len() > 1 {
                self.console.say(&format!("{}:", reader.name()));
            }
            announce(reader.layout(), self.console);
            let suffix = TableFormats::default().like(reader.layout())?.suffixes[0];
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let output = folder.join("labelled").join(format!("{stem}.{suffix}"));
            refuse_same_file(&path, &output)?;
            if inputs.iter().any(|other| other.output == output) {
                return Err(Error::OutputIsInput { path: output }.into());
            }
            inputs.push(Input {
                path,
                reader,
                output,
            });
        }
        Ok(inputs)
    }

    fn corpus(&self) -> Result<Corpus> {
        let codebook = Codebook::read(&self.base.join(&self.config.corpus.codebook))?;
        let path = self.base.join(&self.config.corpus.statements);
        let corpus = read_corpus(&path, codebook, &ReadOptions::default(), self.console)?;
        if !corpus.has_groups {
            self.console.warn(NO_GROUPS);
        }
        let findings = corpus.codebook.lint().len();
        if findings > 0 {
            self.console.warn(&format!(
                "the codebook has {findings} findings; see `konflik codebook lint`"
            ));
        }
        self.console.say(&format!(
            "corpus: {} statements of {}",
            corpus.statements.len(),
            path.display()
        ));
        Ok(corpus)
    }

    fn evaluate_held_out(&self, corpus: &Corpus) -> Result<Evaluation> {
        let config = &self.config.evaluate;
        let groups = corpus.statements.iter().map(|s| s.group.as_str());
        let (train, held_out) = holdout(groups, config.holdout, config.seed);
        if held_out.is_empty() {
            return Err(Error::NotMeasured {
                path: corpus.name.clone(),
                reason: "no group was held out; raise `holdout`".into(),
            }
            .into());
        }
        self.console.say(&format!(
            "evaluation: training on {} statements, holding out {} by group",
            train.len(),
            held_out.len()
        ));
        let training = watched(
            self.console,
            &corpus.subset(&train),
            &self.config.output.name,
            &self.config.train,
            Aids::default(),
        )?;
        let mut params = EvaluateParams::default();
        params.replicates = config.replicates;
        params.seed = config.seed;
        let evaluation = evaluate(&training.model, &corpus.subset(&held_out), &params)?;
        if evaluation.seen_in_training > 0 {
            let n = counted(evaluation.seen_in_training as u64, "held-out text");
            self.console
                .warn(&format!("{n} also appear in the training part"));
        }
        for line in score_lines(&evaluation) {
            self.console.say(&format!("  {line}"));
        }
        Ok(evaluation)
    }

    fn how(&self) -> String {
        format!(
            "Scores were measured on {:.0} % of the statements: whole groups, held out from a model trained on the others with the same settings. \
             The final model is trained on all statements.",
            100.0 * self.config.evaluate.holdout
        )
    }

    fn label(&self, inputs: Vec<Input>, folder: &Path, model: &Model) -> Result<Vec<Batch>> {
        let labelled = folder.join("labelled");
        fs::create_dir_all(&labelled).map_err(|e| Error::write(&labelled, e))?;
        let mut batches = Vec::new();
        for Input {
            path,
            reader,
            output,
        } in inputs
        {
            let mut options = LabelOptions::default();
            options.force = true;
            let job = LabelJob::with_reader(model, reader, &output, &options)?;
            let counts = watched_labelling(job, &path, self.console)?;
            batches.push(Batch {
                input: path,
                output,
                counts,
            });
        }
        Ok(batches)
    }

    fn say_goodbye(&self, folder: &Path, model: &Model, batches: &[Batch]) {
        let say = |text: &str| self.console.say(text);
        say(&format!(
            "model: {} ({})",
            folder.join("model").display(),
            model.id()
        ));
        for batch in batches {
            say(&format!(
                "labelled: {} ({})",
                batch.output.display(),
                counted(batch.counts.rows, "row")
            ));
            decision_lines(&batch.counts, model)
                .iter()
                .for_each(|line| say(line));
        }
        say(&format!(
            "evaluation: {} and .json",
            folder.join("evaluation.md").display()
        ));
        say(&format!("summary: {}", folder.join("summary.md").display()));
        say(&format!(
            "next: konflik label YOUR.csv --model {} -o labelled.csv",
            folder.join("model").display()
        ));
    }
}

/// What was done and found, for a person.
fn summary(model: &Model, evaluation: &Evaluation, how: &str, batches: &[Batch]) -> String {
    let mut out = format!("# {}\n\n", model.id());
    let _ = writeln!(
        out,
        "Trained on {} statements. {how}\n",
        model.origin().statements
    );
    for line in score_lines(evaluation) {
        let _ = writeln!(out, "- {line}");
    }
    for batch in batches {
        let name = |path: &Path| {
            path.file_name()
                .map_or(String::new(), |n| n.to_string_lossy().into_owned())
        };
        let _ = writeln!(out, "\n## {}\n", name(&batch.input));
        let c = &batch.counts;
        let _ = writeln!(
            out,
            "{}: {} labelled, {} without text{}, {} left out. The codes are in `labelled/{}`.\n",
            counted(c.rows, "row"),
            c.labelled,
            c.blank,
            saying_nothing(c),
            c.rejected,
            name(&batch.output)
        );
        out.push_str(&combinations(model, c));
        out.push('\n');
        for line in decision_lines(c, model) {
            let _ = writeln!(out, "- {}", line.trim());
        }
    }
    out
}

/// The first variable's codes across the last one's; nothing where there is only one.
fn combinations(model: &Model, counts: &LabelCounts) -> String {
    let variables = model.variables();
    if variables.len() < 2 {
        return String::new();
    }
    let across = &variables[0];
    let mut header = vec![(variables.last().map_or("", |v| v.id.as_str()), Align::Left)];
    header.extend(across.codes.iter().map(|c| (c.as_str(), Align::Right)));
    let mut table = Table::new(&header);
    let mut rows: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (codes, n) in &counts.combinations {
        let (Some(&column), Some(&row)) = (codes.first(), codes.last()) else {
            continue;
        };
        rows.entry(row)
            .or_insert_with(|| vec![0; across.codes.len()])[column] += n;
    }
    let mut rows: Vec<(usize, Vec<u64>)> = rows.into_iter().collect();
    rows.sort_by_key(|(row, n)| (std::cmp::Reverse(n.iter().sum::<u64>()), *row));
    for (row, n) in rows {
        let code = variables
            .last()
            .map_or(String::new(), |v| v.codes[row].clone());
        table.row(std::iter::once(code).chain(n.iter().map(ToString::to_string)));
    }
    table.markdown()
}
