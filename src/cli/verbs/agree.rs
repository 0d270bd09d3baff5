//! `konflik agree`: agreement among coders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::corpus::{CoderOptions, CoderTable};
use konflik::evaluate::{Agreement, agreement};
use konflik::export::{adjudicated, disagreements};
use konflik::report::{agreement_markdown, agreement_text};

use crate::cli::Status;
use crate::cli::args::{BootstrapArgs, CodebookFileArgs};
use crate::cli::console::Console;
use crate::cli::document::{Document, DocumentArgs, Form, check_output};
use crate::cli::input::announce_named;
use crate::cli::out::{counted, delimiter, write_output};

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

pub(in crate::cli) fn run(args: &AgreeArgs, console: &Console) -> Result<Status> {
    let inputs: Vec<&Path> = args.coders.iter().map(PathBuf::as_path).collect();
    args.document.check(&inputs)?;
    for path in [&args.disagreements, &args.adjudicated]
        .into_iter()
        .flatten()
    {
        delimiter(path)?;
        check_output(path, &inputs, args.document.force)?;
    }
    let codebook = args.codebook.read(&args.coders[0])?;
    let options = CoderOptions {
        id: args.id.clone(),
        prefix: args.prefix.clone(),
        group: args.group.clone(),
        max_unpacked: args.max_unpacked,
    };
    let table = CoderTable::read(&args.coders, &codebook, &options)?;
    for (name, layout) in &table.layouts {
        announce_named(name, layout, console);
    }
    for note in &table.notes {
        console.warn(note);
    }
    let params = args.bootstrap.params();
    let result = agreement(&table, &codebook, &params)?;
    if let Some(path) = &args.disagreements {
        let rows = disagreements(&table, &codebook, delimiter(path)?);
        write_output(path, &rows, args.document.force)?;
        console.say(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &args.adjudicated {
        let settled = adjudicated(&table, &codebook, delimiter(path)?);
        write_output(path, &settled.rows, args.document.force)?;
        let ties = counted(settled.ties as u64, "tie");
        console.say(&format!("wrote {}; {ties} left empty", path.display()));
    }
    args.document.write(|form| form.render(&result), console)?;
    Ok(if table.notes.is_empty() {
        Status::Done
    } else {
        Status::Findings
    })
}
