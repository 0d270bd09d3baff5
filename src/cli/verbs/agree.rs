//! `konflik agree`: agreement among coders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::Codebook;
use konflik::corpus::{CoderOptions, CoderTable};
use konflik::evaluate::{Agreement, EvaluateParams, agreement};
use konflik::export::{adjudicated, disagreements};
use konflik::report::{agreement_markdown, agreement_text};

use crate::cli::Status;
use crate::cli::args::{BootstrapArgs, CodebookFileArgs};
use crate::cli::console::Console;
use crate::cli::document::{Document, DocumentArgs, DocumentJob, Form, TableOutput};
use crate::cli::input::announce_named;
use crate::cli::out::counted;

const EXAMPLES: &str = "Examples:
  konflik agree ani.csv budi.csv cici.jsonl
  konflik agree codings.csv --disagreements to-discuss.csv --adjudicated gold.csv
  konflik agree label-studio.json labelled.csv --codebook codebook.toml --print md";

/// Measure agreement among coders, and between coders and a model
///
/// Each file is one of: a table or JSON lines with a column per variable (one coder, named after the
/// file) or a column per variable and coder (`conflict_ani`, `conflict_budi`); JSON lines of one
/// doccano user; JSON of Label Studio; a REFI-QDA project (.qdpx) of ATLAS.ti, MAXQDA, NVivo and
/// others. In a project, the users are the coders and the coded spans are the statements; only
/// identical spans are compared. Columns that `konflik label` wrote count as a model.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct AgreeArgs {
    /// Files with codes, joined by id
    #[arg(value_name = "CODER", required = true)]
    coders: Vec<PathBuf>,
    #[command(flatten)]
    document: DocumentArgs<Form>,
    /// Write the statements that coders disagree on (.csv or .tsv)
    #[arg(long, value_name = "FILE")]
    disagreements: Option<PathBuf>,
    /// Write the majority code of each statement, empty for ties (.csv or .tsv)
    #[arg(long, value_name = "FILE")]
    adjudicated: Option<PathBuf>,
    #[command(flatten)]
    codebook: CodebookFileArgs,
    /// Column (or key) of the ids [default: `konflik_id` if it exists, else `id`]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Prefix of the columns with a model's codes
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    /// Column (or key) of the cases, to compute intervals by case [default: `group`, if it exists]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Refuse projects (.qdpx) that unpack to more bytes
    #[arg(long, value_name = "BYTES", default_value_t = CoderOptions::default().max_unpacked)]
    max_unpacked: u64,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
}

impl Document for Agreement {
    fn text(&self) -> String {
        agreement_text(self)
    }

    fn markdown(&self) -> String {
        agreement_markdown(self)
    }
}

/// What to compare and what to write; the arguments are checked.
struct AgreeJob<'a> {
    coders: &'a [PathBuf],
    options: CoderOptions,
    params: EvaluateParams,
    disagreements: Option<TableOutput<'a>>,
    adjudicated: Option<TableOutput<'a>>,
    document: DocumentJob<'a, Form>,
}

impl AgreeArgs {
    fn job(&self) -> Result<AgreeJob<'_>> {
        let inputs: Vec<&Path> = self.coders.iter().map(PathBuf::as_path).collect();
        let document = self.document.job(&inputs)?;
        let force = self.document.force;
        let table = |path| TableOutput::checked(path, &inputs, force);
        Ok(AgreeJob {
            coders: &self.coders,
            options: {
                let mut options = CoderOptions::default();
                options.id.clone_from(&self.id);
                options.prefix.clone_from(&self.prefix);
                options.group.clone_from(&self.group);
                options.max_unpacked = self.max_unpacked;
                options
            },
            params: self.bootstrap.params(),
            disagreements: self.disagreements.as_deref().map(table).transpose()?,
            adjudicated: self.adjudicated.as_deref().map(table).transpose()?,
            document,
        })
    }
}

pub(in crate::cli) fn run(args: &AgreeArgs, console: &Console) -> Result<Status> {
    let job = args.job()?;
    let codebook = args.codebook.read(&job.coders[0])?;
    job.run(&codebook, console)
}

impl AgreeJob<'_> {
    fn run(&self, codebook: &Codebook, console: &Console) -> Result<Status> {
        let table = CoderTable::read(self.coders, codebook, &self.options)?;
        for (name, layout) in &table.layouts {
            announce_named(name, layout, console);
        }
        for note in &table.notes {
            console.warn(note);
        }
        let result = agreement(&table, codebook, &self.params)?;
        if let Some(output) = &self.disagreements {
            output.write(disagreements(&table, codebook, output.format)?)?;
            console.say(&format!("wrote {}", output.path.display()));
        }
        if let Some(output) = &self.adjudicated {
            let settled = adjudicated(&table, codebook, output.format)?;
            output.write(&settled.rows)?;
            let ties = counted(settled.ties as u64, "tie");
            console.say(&format!(
                "wrote {}; {ties} left empty",
                output.path.display()
            ));
        }
        self.document.write(|form| form.render(&result), console)?;
        Ok(if table.notes.is_empty() {
            Status::Done
        } else {
            Status::Findings
        })
    }
}
