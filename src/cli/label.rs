//! `konflik label`: codes for new statements.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::base::output::Output;
use konflik::export::{LabelledRows, rejected_json};
use konflik::ingest::Rejected;
use konflik::label::{Depth, DuplicateParams, LabelCounts, Labelled, Labeller, Routes, label_rows};
use konflik::{Codebook, Format, Model, ReadOptions, Reader};

use super::console::Console;
use super::input::announce;
use super::privacy::{PrivacyArgs, say_masked};
use super::summary;
use super::{EncoderArgs, FastArgs, InputArgs, OutputFormatArg, Status, counted, refuse_same_file};

const EXAMPLES: &str = "Examples:
  konflik label complaints.csv -o labelled.csv
  konflik label interview.txt -o labelled.jsonl --model models/mine
  konflik label - --text-column narrative < feed.csv | head";

/// Rejected rows that are shown; the others are counted.
pub(super) const SHOWN_REJECTS: usize = 5;

/// Label new statements, by the starter model or one of your own
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct LabelArgs {
    /// Statements: .csv, .tsv, .json, .jsonl, .xlsx, .ods, a transcript (.txt, .md, .docx, .vtt,
    /// .srt), or `-` for standard input
    #[arg(value_name = "INPUT")]
    statements: PathBuf,
    /// Where to write: .csv, .tsv, .jsonl, or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Model directory; the starter model if left out
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Refuse a model that was not trained with this codebook
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Format of standard output; that of the input if left out
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<OutputFormatArg>,
    /// Leave out the words that spoke for a code; a third faster
    #[arg(long)]
    no_evidence: bool,
    #[command(flatten)]
    fast: FastArgs,
    /// Let the context encoder read every row, however many; without it the first 20,000, and of
    /// the others those that are unclear
    #[arg(long, conflicts_with = "fast")]
    careful: bool,
    /// What the names of our columns begin with
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    #[command(flatten)]
    rejects: RejectArgs,
    /// Add a column `konflik_duplicate_of`: the id of the earlier row that a row is a near copy of
    #[arg(long)]
    duplicates: bool,
    /// Earlier rows among which copies are looked for; some 1.5 kB of memory each
    #[arg(long, value_name = "N", requires = "duplicates", default_value_t = DuplicateParams::default().remembered)]
    remembered: usize,
    /// Rules (TOML) that say where a row goes: adds columns `konflik_queue` and `konflik_owner`
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Replace an output that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    encoder: EncoderArgs,
    #[command(flatten)]
    privacy: PrivacyArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// What is done with rows that could not be read.
#[derive(Debug, Args)]
struct RejectArgs {
    /// Where to write rows that could not be read; by default OUTPUT.rejects.jsonl, if there are any
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Rows that may be left out before the exit code is 1
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Exit with 0 however many rows were left out
    #[arg(long, conflicts_with = "max_rejects")]
    skip_bad_rows: bool,
}

impl RejectArgs {
    fn allow(&self, rejected: u64) -> bool {
        self.skip_bad_rows || rejected <= self.max_rejects
    }
}

pub(super) fn run(args: &LabelArgs, console: &Console) -> Result<Status> {
    refuse_same_file(&args.statements, &args.output)?;
    let output = Output::prepare(&args.output, args.force)?;
    // The first row would wait for the word lists.
    rayon::spawn(konflik::language::prepare);
    let model = args.encoder.model(args.model.as_deref())?;
    if let Some(path) = &args.codebook {
        model.require_codebook(&Codebook::read(path)?)?;
    }
    if args.fast.fast && model.sees_context() {
        console.warn(
            "--fast changes nothing: this model was trained with the context encoder's vectors \
             (`konflik train --without context` makes one without)",
        );
    }
    let routes = args.routes.as_deref();
    let routes = routes.map(|path| Routes::read(path, model.codebook()));
    let routes = routes.transpose()?;
    if args.statements.as_os_str() == "-" && std::io::stdin().is_terminal() {
        console.say("reading standard input; end it with Ctrl-D");
    }
    let options = ReadOptions {
        privacy: args.privacy.privacy()?,
        ..args.input.options()?
    };
    let key = args.privacy.prepare_key(&args.output, args.force)?;
    let reader = Reader::open(&args.statements, &options)?;
    announce(reader.layout(), console);
    refuse_unclear_roles(&reader)?;
    let format = output_format(args, &output, &reader)?;
    let rejects = rejects_path(args, &output);
    let labelling = Labelling {
        input: &args.statements,
        model: &model,
        format,
        prefix: &args.prefix,
        duplicates: args.duplicates.then(|| DuplicateParams {
            remembered: args.remembered,
            ..DuplicateParams::default()
        }),
        evidence: !args.no_evidence,
        depth: args.fast.depth(if args.careful {
            Depth::Careful
        } else {
            Depth::default()
        }),
        routes: routes.as_ref(),
    };
    let rejected = rejects
        .as_deref()
        .map(|path| prepare_rejects(path, args))
        .transpose()?;
    let counts = labelling.run(reader, output, rejected, console)?;
    report(&counts, &model, args, rejects.as_deref(), console);
    args.privacy.write_key(key, &options.privacy, console)?;
    // The process ends here; to free a model piece by piece would only take time.
    std::mem::forget(model);
    Ok(if args.rejects.allow(counts.rejected) {
        Status::Done
    } else {
        Status::Findings
    })
}

/// Who may ask or answer is settled before anything is written.
pub(super) fn refuse_unclear_roles(reader: &Reader) -> konflik::Result<()> {
    let transcript = reader.transcript();
    transcript.map_or(Ok(()), |t| t.settled(reader.name()))
}

fn output_format(args: &LabelArgs, output: &Output, reader: &Reader) -> konflik::Result<Format> {
    let format = match args.output_format {
        Some(format) => format.format(),
        None if output.is_stdout() => reader.layout().format,
        None => Format::of_path(&args.output)?,
    };
    // A `.csv` that is asked for keeps the delimiter it came with.
    Ok(match (format, reader.layout().format) {
        (Format::CSV, same @ Format::Delimited(_))
            if args.output_format.is_none() && is_csv(&args.statements) =>
        {
            same
        }
        (Format::Transcript(_) | Format::Json | Format::Workbook | Format::Parquet, _) => {
            return Err(konflik::Error::UnknownFormat {
                path: args.output.display().to_string(),
                known: ".csv, .tsv or .jsonl",
            });
        }
        (format, _) => format,
    })
}

fn is_csv(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

fn rejects_path(args: &LabelArgs, output: &Output) -> Option<PathBuf> {
    let beside = || (!output.is_stdout()).then(|| rejects_beside(&args.output));
    args.rejects.rejects.clone().or_else(beside)
}

/// `labelled.csv.rejects.jsonl` for `labelled.csv`.
pub(super) fn rejects_beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".rejects.jsonl");
    PathBuf::from(name)
}

/// Rejects never go to the input or the output, and replace a file only under `--force`.
fn prepare_rejects(path: &Path, args: &LabelArgs) -> konflik::Result<Output> {
    refuse_same_file(&args.statements, path)?;
    if path == args.output {
        return Err(konflik::Error::OutputIsInput {
            path: path.to_path_buf(),
        });
    }
    Output::prepare(path, args.force)
}

/// One batch to be labelled.
pub(super) struct Labelling<'a> {
    pub(super) input: &'a Path,
    pub(super) model: &'a Model,
    pub(super) format: Format,
    pub(super) prefix: &'a str,
    pub(super) duplicates: Option<DuplicateParams>,
    pub(super) evidence: bool,
    pub(super) depth: Depth,
    pub(super) routes: Option<&'a Routes>,
}

impl Labelling<'_> {
    /// Labels all rows and puts the output into place, and the rejects if there are any.
    pub(super) fn run(
        &self,
        mut reader: Reader,
        mut output: Output,
        mut rejects: Option<Output>,
        console: &Console,
    ) -> konflik::Result<LabelCounts> {
        let name = reader.name().to_string();
        let rows = LabelledRows::new(reader.layout(), &name, self.format, self.prefix, self.model)?;
        let rows = if self.duplicates.is_some() {
            rows.showing_copies(&name)?
        } else {
            rows
        };
        let rows = match self.routes {
            Some(routes) => rows.routed_by(routes, &name)?,
            None => rows,
        };
        let (rows, labeller) = match (rows, Labeller::new(self.model)) {
            (rows, labeller) if self.evidence => (rows, labeller),
            (rows, labeller) => (rows.without_evidence(), labeller.without_evidence()),
        };
        output.write(&rows.header())?;
        let mut shown = 0;
        let looks = console.shows_progress();
        let expected = looks.then(|| expected_rows(self.input)).flatten();
        let bar = console.rows(expected, "labelling");
        let counts = label_rows(
            &mut reader,
            &labeller,
            self.depth,
            self.duplicates.as_ref(),
            &|record, prediction, copy_of, line| rows.row(record, prediction, copy_of, line),
            &mut |row| match row {
                Labelled::Rows { count, bytes } => {
                    bar.inc(count);
                    output.write(&bytes)
                }
                Labelled::Rejected(row) => {
                    bar.inc(1);
                    shown += 1;
                    if shown <= SHOWN_REJECTS {
                        console.warn(&left_out(&row));
                    }
                    match &mut rejects {
                        Some(rejects) => rejects.write(&rejected_json(&row)),
                        None => Ok(()),
                    }
                }
            },
        );
        bar.finish_and_clear();
        let counts = counts?;
        match rejects {
            Some(rejects) if counts.rejected > 0 => rejects.commit()?,
            Some(rejects) => rejects.discard_rejects()?,
            None => {}
        }
        output.commit()?;
        Ok(counts)
    }
}

/// About how many rows a file of text has: its lines outside quotation marks but the header. `None`
/// for other files and for what can be read only once.
fn expected_rows(path: &Path) -> Option<u64> {
    let has_header = match Format::of_path(path).ok()? {
        Format::Delimited(_) => true,
        Format::Jsonl => false,
        _ => return None,
    };
    if !path.is_file() {
        return None;
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).ok()?);
    let (mut lines, mut quoted, mut last) = (0, false, b'\n');
    loop {
        let bytes = file.fill_buf().ok()?;
        let Some(end) = bytes.last() else { break };
        last = *end;
        for byte in bytes {
            // Quotation marks in JSON never hold a line break.
            quoted ^= has_header && *byte == b'"';
            lines += u64::from(*byte == b'\n' && !quoted);
        }
        let read = bytes.len();
        file.consume(read);
    }
    lines += u64::from(last != b'\n');
    Some(lines.saturating_sub(u64::from(has_header)))
}

/// A part of the line of counts, where there are such rows.
pub(super) fn saying_nothing(counts: &LabelCounts) -> String {
    match counts.silent {
        0 => String::new(),
        n => format!(", {n} saying nothing"),
    }
}

fn counted_as(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What is said of a row that could not be read.
pub(super) fn left_out(row: &Rejected) -> String {
    let lines = match row.last_line.saturating_sub(row.at.line) {
        0 => String::new(),
        _ => format!(" (the row runs to line {})", row.last_line),
    };
    format!(
        "[{}] {}: {}{lines}; row left out",
        row.fault.code(),
        row.at,
        row.fault
    )
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
            "{} without text (the first in line {line}): kept, without codes",
            counted(counts.blank, "row")
        ));
    }
    if let Some(line) = counts.first_silent {
        console.warn(&format!(
            "{} nothing (the first in line {line}): no code",
            counted_as(counts.silent, "row says", "rows say")
        ));
    }
    if counts.rows == 0 {
        console.warn(
            "there is nothing to label: no row below the header, or no turn but the interviewer's",
        );
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
    if args.duplicates {
        console.say(&format!(
            "{} of an earlier one",
            counted_as(counts.copies, "row is a near copy", "rows are near copies")
        ));
    }
    if let Some(likeness) = &counts.held_back {
        console.warn(&format!(
            "this batch is unlike what the thresholds were learned on ({:.0} % of its words unseen, mean probability {:.2}): no code is `auto`; code a sample and run `konflik evaluate`",
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
            "{} too long for the context encoder: it read the first 8,064 tokens",
            counted_as(counts.read_in_part, "row is", "rows are")
        ));
    }
    if !counts.cut.is_empty() {
        console.say(&cut_line(counts));
    }
    say_masked(&counts.masked, counts.taken_pseudonyms, console);
    if let (Some(path), true) = (rejects, counts.rejected > 0) {
        console.say(&format!("rows left out are in {}", path.display()));
    }
    if args.output.as_os_str() != "-" {
        console.say(&format!("wrote {}", args.output.display()));
    }
    // People read tables; what reads a pipe knows the lines.
    if console.is_terminal() && counts.labelled > 0 {
        let table = summary::table(counts, model, summary::Style::of_environment());
        console.say(table.trim_end());
    }
}

/// What models don't read of the rows, the most frequent first.
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

/// For each variable how many codes may stand and how many a person should look at.
pub(super) fn decision_lines(counts: &LabelCounts, model: &Model) -> Vec<String> {
    let line = |(position, variable): (usize, &konflik::model::VariableModel)| {
        let of_variable = counts.codes.iter().filter(|((v, _), _)| *v == position);
        let mut sums = [0u64; 3];
        let mut codes: Vec<(u64, &str)> = Vec::new();
        for ((_, code), by_decision) in of_variable {
            sums.iter_mut().zip(by_decision).for_each(|(s, n)| *s += n);
            codes.push((by_decision.iter().sum(), &variable.codes[*code]));
        }
        codes.sort_by_key(|(n, code)| (std::cmp::Reverse(*n), *code));
        let list: Vec<String> = codes
            .iter()
            .map(|(n, code)| format!("{code} {n}"))
            .collect();
        let [auto, review, abstain] = sums;
        format!(
            "  {}: {} (auto {auto}, review {review}, abstain {abstain})",
            variable.id,
            list.join(", ")
        )
    };
    model.variables().iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_ahead() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, rows) in [
            ("a.csv", "id,text\n1,a\n2,\"two\nlines\"\n3,c", Some(3)),
            ("b.csv", "text\n", Some(0)),
            ("c.csv", "", Some(0)),
            (
                "d.jsonl",
                "{\"text\": \"a \\\" b\"}\n{\"text\": \"c\"}\n",
                Some(2),
            ),
            ("e.xlsx", "a\nb\n", None),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert_eq!(expected_rows(&path), rows, "{name}");
        }
        assert_eq!(expected_rows(Path::new("-")), None);
        assert_eq!(expected_rows(folder.path()), None);
    }
}
