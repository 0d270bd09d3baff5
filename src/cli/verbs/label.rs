//! `konflik label`: codes for new statements.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::export::table::TableFormat;
use konflik::export::{LabelJob, LabelOptions, refuse_same_file};
use konflik::label::{Depth, DuplicateParams, LabelCounts, Routes};
use konflik::{Codebook, Model, Reader};

use crate::cli::Status;
use crate::cli::args::{EncoderArgs, FastArgs, InputArgs, written_format};
use crate::cli::console::Console;
use crate::cli::input::announce;
use crate::cli::labelling::watched;
use crate::cli::out::{counted, counted_as};
use crate::cli::privacy::{PrivacyArgs, say_masked, warn_masked_columns};
use crate::cli::said::{SHOWN_REJECTS, decision_lines, saying_nothing};
use crate::cli::summary;

const EXAMPLES: &str = "Examples:
  konflik label complaints.csv -o labelled.csv
  konflik label interview.txt -o labelled.jsonl --model models/mine
  konflik label - --text-column narrative < feed.csv | head";

const COLUMNS: &str = "Added columns";

/// Label new statements with the starter model or your own
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(in crate::cli) struct LabelArgs {
    /// Statements: .csv, .tsv, .json, .jsonl, .xlsx, .ods, a transcript (.txt, .md, .docx, .vtt,
    /// .srt), or `-` for standard input
    #[arg(value_name = "INPUT")]
    statements: PathBuf,
    /// Write to this file (.csv, .tsv or .jsonl), or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of standard output [default: the input's format]
    #[arg(long, value_name = "FORMAT", value_parser = written_format())]
    output_format: Option<TableFormat>,
    /// Overwrite an existing output
    #[arg(long)]
    force: bool,
    /// Model directory [default: the starter model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Refuse a model that was not trained with this codebook
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    #[command(flatten)]
    fast: FastArgs,
    /// Read every row with the context encoder [default: the first 20,000 rows; after that, only
    /// unclear rows]
    #[arg(long, conflicts_with = "fast")]
    careful: bool,
    /// Add the columns `konflik_queue` and `konflik_owner`, by the rules in this file (TOML)
    #[arg(long, value_name = "FILE", help_heading = COLUMNS)]
    routes: Option<PathBuf>,
    /// Add the column `konflik_duplicate_of`: the id of an earlier row that is nearly identical
    #[arg(long, help_heading = COLUMNS)]
    duplicates: bool,
    /// Search this many earlier rows for duplicates; each takes about 1.5 kB of memory
    #[arg(long, value_name = "N", help_heading = COLUMNS, requires = "duplicates", default_value_t = DuplicateParams::default().remembered)]
    remembered: usize,
    /// Leave out the evidence, the words that support a code: a third faster
    #[arg(long, help_heading = COLUMNS)]
    no_evidence: bool,
    /// Prefix of the added columns
    #[arg(long, help_heading = COLUMNS, default_value = "konflik_")]
    prefix: String,
    #[command(flatten)]
    rejects: RejectArgs,
    #[command(flatten)]
    privacy: PrivacyArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    encoder: EncoderArgs,
}

/// What is done with rows that could not be read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Left-out rows")]
struct RejectArgs {
    /// Write the rows that could not be read to this file [default: OUTPUT.rejects.jsonl]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Exit with 1 if more rows were left out
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Exit with 0 even if rows were left out
    #[arg(long, conflicts_with = "max_rejects")]
    skip_bad_rows: bool,
}

impl RejectArgs {
    fn allow(&self, rejected: u64) -> bool {
        self.skip_bad_rows || rejected <= self.max_rejects
    }
}

pub(in crate::cli) fn run(args: &LabelArgs, console: &Console) -> Result<Status> {
    refuse_same_file(&args.statements, &args.output)?;
    // The first row would wait for the word lists.
    rayon::spawn(konflik::language::prepare);
    let model = args.encoder.model(args.model.as_deref())?;
    if let Some(path) = &args.codebook {
        model.require_codebook(&Codebook::read(path)?)?;
    }
    if args.fast.fast && model.sees_context() {
        console.warn(
            "--fast has no effect: this model was trained with the context encoder's vectors \
             (`konflik train --without context` trains a model without these)",
        );
    }
    if args.statements.as_os_str() == "-" && std::io::stdin().is_terminal() {
        console.say("reading standard input; end it with Ctrl-D");
    }
    let options = args.options(&model)?;
    let key = args.privacy.prepare_key(&args.output, args.force)?;
    let reader = Reader::open(&args.statements, &options.read)?;
    announce(reader.layout(), console);
    let job = LabelJob::with_reader(&model, reader, &args.output, &options)?;
    let rejects = job.rejects().map(Path::to_path_buf);
    let counts = watched(job, &args.statements, console)?;
    report(&counts, &model, args, rejects.as_deref(), console);
    args.privacy
        .write_key(key, &options.read.privacy, console)?;
    // The process ends here; to free a model piece by piece would only take time.
    std::mem::forget(model);
    Ok(if args.rejects.allow(counts.rejected) {
        Status::Done
    } else {
        Status::Findings
    })
}

impl LabelArgs {
    fn options(&self, model: &Model) -> konflik::Result<LabelOptions> {
        let routes = self.routes.as_deref();
        let routes = routes.map(|path| Routes::read(path, model.codebook()));
        let mut options = LabelOptions::default();
        options.read = self.input.options()?;
        options.read.privacy = self.privacy.privacy()?;
        options.prefix = Some(self.prefix.clone());
        options.depth = self.fast.depth(if self.careful {
            Depth::Careful
        } else {
            Depth::default()
        });
        options.no_evidence = self.no_evidence;
        options.duplicates = self.duplicates.then(|| {
            let mut params = DuplicateParams::default();
            params.remembered = self.remembered;
            params
        });
        options.routes = routes.transpose()?;
        options.format = self.output_format;
        options.rejects.clone_from(&self.rejects.rejects);
        options.force = self.force;
        Ok(options)
    }
}

fn report(
    counts: &LabelCounts,
    model: &Model,
    args: &LabelArgs,
    rejects: Option<&Path>,
    console: &Console,
) {
    if counts.rejected as usize > SHOWN_REJECTS {
        console.warn(&format!(
            "and {} more",
            counted(counts.rejected - SHOWN_REJECTS as u64, "row")
        ));
    }
    if let Some(line) = counts.first_blank {
        console.warn(&format!(
            "{} without text (the first in line {line}): kept, but not coded",
            counted(counts.blank, "row")
        ));
    }
    if let Some(line) = counts.first_silent {
        console.warn(&format!(
            "{} nothing (the first in line {line}): no code",
            counted_as(counts.silent, "row says", "rows say")
        ));
    }
    if let Some(line) = counts.first_context {
        console.warn(&format!(
            "{} of an interviewer (the first in line {line}): context, no code; see --interviewer and --participant",
            counted(counts.context, "row")
        ));
    }
    if counts.rows == 0 {
        console.warn("nothing to label: no rows below the header, or only turns of an interviewer");
    }
    console.say(&format!(
        "{} read: {} labelled, {} without text{}, {} left out; by {}",
        counted(counts.rows, "row"),
        counts.labelled,
        counts.blank,
        saying_nothing(counts),
        counts.rejected,
        model.id()
    ));
    if !console.is_terminal() {
        for line in decision_lines(counts, model) {
            console.say(&line);
        }
    }
    if let Some((line, id)) = &counts.first_repeated_id {
        console.warn(&format!(
            "{} the id of an earlier row (the first in line {line}: {id:?}); give every row its own id, or name the column with --map id=COLUMN",
            counted_as(counts.repeated_ids, "row has", "rows have")
        ));
    }
    if args.duplicates {
        console.say(&format!(
            "{} of an earlier row",
            counted_as(counts.copies, "row is a near copy", "rows are near copies")
        ));
    }
    if let Some(likeness) = &counts.held_back {
        console.warn(&format!(
            "this batch differs from the training data ({:.0} % of words unseen, mean probability {:.2}), so no code is `auto`; code a sample and run `konflik evaluate`",
            100.0 * likeness.unseen_words, likeness.confidence
        ));
    }
    if counts.read_in_context > 0 {
        console.say(&format!(
            "{} read by the context encoder",
            counted(counts.read_in_context, "row")
        ));
    }
    if counts.read_in_part > 0 {
        console.warn(&format!(
            "{} too long for the context encoder, which read only the first 8,064 tokens",
            counted_as(counts.read_in_part, "row is", "rows are")
        ));
    }
    if !counts.cut.is_empty() {
        console.say(&cut_line(counts));
    }
    say_masked(&counts.masked, counts.taken_pseudonyms, console);
    warn_masked_columns(&counts.masked_columns, console);
    if let (Some(path), true) = (rejects, counts.rejected > 0) {
        console.say(&format!("left-out rows are in {}", path.display()));
    }
    if args.output.as_os_str() != "-" {
        console.say(&format!("wrote {}", args.output.display()));
    }
    // A person gets a table; a program that reads the pipe gets the lines above.
    if console.is_terminal() && counts.labelled > 0 {
        let table = summary::table(counts, model, summary::Style::of_environment());
        console.say(table.trim_end());
    }
}

/// The parts of rows that models do not read, the most frequent first.
fn cut_line(counts: &LabelCounts) -> String {
    let mut kinds: Vec<_> = counts.cut.iter().collect();
    kinds.sort_by_key(|(kind, n)| (std::cmp::Reverse(**n), **kind));
    let said = kinds.iter().enumerate().map(|(i, (kind, n))| {
        let rows = match (i, *n) {
            (0, 1) => " row",
            (0, _) => " rows",
            _ => "",
        };
        format!("{} in {n}{rows}", kind.name())
    });
    let list: Vec<String> = said.collect();
    format!("cut before coding: {}", list.join(", "))
}
