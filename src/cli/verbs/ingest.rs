//! `konflik ingest`: files of any format into one table of statements.

use std::error::Error as _;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::base::output::Output;
use konflik::export::table::{TableFormat, TableFormats};
use konflik::export::{
    StatementRows, discard_rejects, refuse_same_file, refused_json, rejected_json, rejects_beside,
};
use konflik::ingest::privacy::Counts;
use konflik::ingest::{Rejected, SpeakerRole, Transcript, clock_time, file_stem};
use konflik::{Codebook, Error, ReadOptions, Reader};

use crate::cli::Status;
use crate::cli::args::{InputArgs, written_format};
use crate::cli::console::Console;
use crate::cli::hints;
use crate::cli::input::{announce, marks_line};
use crate::cli::out::{counted, print};
use crate::cli::privacy::{PrivacyArgs, say_masked, warn_masked_columns};
use crate::cli::said::{SHOWN_REJECTS, left_out};

const EXAMPLES: &str = "Examples:
  konflik ingest interview.docx --preview
  konflik ingest interviews/*.docx meeting.vtt -o statements.csv
  konflik ingest interview.txt --unit turn --redact --interviewer Rani -o turns.jsonl";

/// Turn transcripts and tables into one table of statements
///
/// The plain text of each transcript is written to OUTPUT.text/NAME.txt; columns `start` and `end`
/// count code points in this text.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(in crate::cli) struct IngestArgs {
    /// Transcripts (.txt, .md, .docx, .vtt, .srt) and tables
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write to this file (.csv, .tsv or .jsonl), or `-` for standard output, without plain texts
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of standard output
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = written_format())]
    output_format: TableFormat,
    /// Overwrite existing outputs
    #[arg(long)]
    force: bool,
    /// Print the speakers, turns and statements found, and write nothing
    #[arg(long)]
    preview: bool,
    /// Write the column `text` as a model reads it: without markup, quoted mail, signatures,
    /// greetings, links and reference numbers
    #[arg(long)]
    clean: bool,
    /// Add a column per variable of this codebook, filled from a document's own column of codes
    /// (Koding, Kode, Codes), which is kept as `coding`
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Exit with 0 even if rows or files were left out
    #[arg(long)]
    skip_bad_rows: bool,
    #[command(flatten)]
    privacy: PrivacyArgs,
    #[command(flatten)]
    input: InputArgs,
}

pub(in crate::cli) fn run(args: &IngestArgs, console: &Console) -> Result<Status> {
    let mut options = args.input.options()?;
    options.privacy = args.privacy.privacy()?;
    let (mut readers, refused) = open(args, &options, console)?;
    if args.preview {
        for reader in &mut readers {
            if reader.transcript().is_none() {
                announce(reader.layout(), console);
            }
            print(&preview(reader)?)?;
        }
        say_all_masked(&readers, console);
        return Ok(Status::Done);
    }
    let key = args.privacy.prepare_key(&args.output, args.force)?;
    let status = write(args, readers, refused, console)?;
    args.privacy.write_key(key, &options.privacy, console)?;
    Ok(status)
}

/// The readable files, and the errors of the others. It is an error if no file is readable.
fn open(
    args: &IngestArgs,
    options: &ReadOptions,
    console: &Console,
) -> konflik::Result<(Vec<Reader>, Vec<Error>)> {
    let (mut readers, mut refused) = (Vec::new(), Vec::new());
    for path in &args.files {
        refuse_same_file(path, &args.output)?;
        let reader = Reader::open(path, options).and_then(|reader| {
            // A preview is where it is seen who may ask.
            if !args.preview {
                reader.settled()?;
            }
            Ok(reader)
        });
        match reader {
            Ok(reader) => readers.push(reader),
            Err(error) => refused.push(error),
        }
    }
    if readers.is_empty()
        && let Some(last) = refused.pop()
    {
        refused
            .iter()
            .for_each(|error| say_refused(error, "file", console));
        return Err(last);
    }
    refused
        .iter()
        .for_each(|error| say_refused(error, "file", console));
    Ok((readers, refused))
}

fn say_refused(error: &Error, left_out: &str, console: &Console) {
    let cause = error.source().map_or(String::new(), |c| format!(": {c}"));
    console.warn(&format!(
        "[{}] {error}{cause}; {left_out} left out",
        error.code()
    ));
    if let Some(hint) = hints::of(error) {
        console.say(&format!("  help: {hint}"));
    }
}

/// Outputs that are put into place only when all is done.
struct Outputs {
    table: Output,
    texts: Vec<Output>,
    rejects: Option<Output>,
    counts: Counted,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    statements: u64,
    rejected: u64,
    /// Rows of interviewers in tables.
    context: u64,
    /// Files that could not be read, or not to their end.
    refused: u64,
}

impl Counted {
    fn is_whole(self) -> bool {
        self.rejected == 0 && self.refused == 0
    }
}

fn write(
    args: &IngestArgs,
    mut readers: Vec<Reader>,
    mut refused: Vec<Error>,
    console: &Console,
) -> Result<Status> {
    let format = output_format(args)?;
    let table = Output::prepare(&args.output, args.force)?;
    let folder = (!table.is_stdout()).then(|| text_folder(&args.output));
    let rejects = folder
        .is_some()
        .then(|| Output::prepare(&rejects_beside(&args.output), args.force))
        .transpose()?;
    let mut outputs = Outputs {
        table,
        texts: Vec::new(),
        rejects,
        counts: Counted::default(),
    };
    let layouts: Vec<_> = readers
        .iter()
        .map(|r| (r.source().to_string(), r.layout().clone()))
        .collect();
    refuse_same_stems(&readers)?;
    let rows = StatementRows::new(&layouts, format);
    let rows = if args.clean { rows.cleaned() } else { rows };
    let rows = match &args.codebook {
        Some(path) => rows.with_codes(Codebook::read(path)?)?,
        None => rows,
    };
    outputs.table.write(&rows.writer().header()?)?;
    let several = args.files.len() > 1;
    for (file, reader) in readers.iter_mut().enumerate() {
        if several {
            console.say(&format!("{}:", reader.name()));
        }
        announce(reader.layout(), console);
        match outputs.add(file, reader, &rows, console) {
            // What can't be written ends all; what can't be read, that file.
            Err(error) if several && !matches!(error, Error::Write { .. }) => {
                say_refused(&error, "the rest of the file", console);
                refused.push(error);
            }
            done => done?,
        }
    }
    for error in &refused {
        outputs.refuse(error)?;
    }
    let transcripts: Vec<&Transcript> = readers.iter().filter_map(Reader::transcript).collect();
    if let Some(folder) = &folder
        && !transcripts.is_empty()
    {
        outputs.stage_texts(folder, &transcripts, args.force)?;
    }
    let counts = outputs.counts;
    outputs.table.write(&rows.writer().finish()?)?;
    outputs.commit()?;
    let folder = folder.filter(|_| !transcripts.is_empty());
    report(args, folder, &counts, console);
    say_all_masked(&readers, console);
    Ok(if counts.is_whole() || args.skip_bad_rows {
        Status::Done
    } else {
        Status::Findings
    })
}

fn report(args: &IngestArgs, folder: Option<PathBuf>, counts: &Counted, console: &Console) {
    if counts.statements == 0 {
        console.warn(
            "no statements were found: no rows below the header, or only turns of an interviewer",
        );
    }
    if counts.context > 0 {
        console.warn(&format!(
            "{} of an interviewer: context, no statement; see --interviewer and --participant",
            counted(counts.context, "row")
        ));
    }
    let refused = match counts.refused {
        0 => String::new(),
        n => format!("; {} left out or cut short", counted(n, "file")),
    };
    console.say(&format!(
        "{} read: {}, {} left out{refused}",
        counted(args.files.len() as u64 - counts.refused, "file"),
        counted(counts.statements, "statement"),
        counts.rejected,
    ));
    if !counts.is_whole() && args.output.as_os_str() != "-" {
        let rejects = rejects_beside(&args.output);
        console.say(&format!(
            "left-out rows and files are in {}",
            rejects.display()
        ));
    }
    if let Some(folder) = folder {
        console.say(&format!(
            "plain text for `start` and `end` is in {}",
            folder.display()
        ));
    }
    if args.output.as_os_str() != "-" {
        console.say(&format!("wrote {}", args.output.display()));
    }
}

fn say_all_masked(readers: &[Reader], console: &Console) {
    let mut counts = Counts::new();
    for (kind, n) in readers.iter().flat_map(Reader::masked) {
        *counts.entry(*kind).or_default() += n;
    }
    let taken = readers.iter().map(Reader::taken_pseudonyms).sum();
    say_masked(&counts, taken, console);
    for reader in readers {
        warn_masked_columns(&reader.masked_columns(), console);
    }
}

impl Outputs {
    fn add(
        &mut self,
        file: usize,
        reader: &mut Reader,
        rows: &StatementRows,
        console: &Console,
    ) -> konflik::Result<()> {
        while let Some(row) = reader.next_row()? {
            match row {
                Ok(record) if record.is_context => self.counts.context += 1,
                Ok(record) => match rows.row(file, &record) {
                    Ok(bytes) => {
                        self.counts.statements += 1;
                        self.table.write(&rows.writer().add(bytes)?)?;
                    }
                    Err(fault) => self.reject(&record.rejected(reader.name(), fault), console)?,
                },
                Err(rejected) => self.reject(&rejected, console)?,
            }
        }
        Ok(())
    }

    fn reject(&mut self, rejected: &Rejected, console: &Console) -> konflik::Result<()> {
        self.counts.rejected += 1;
        if self.counts.rejected as usize <= SHOWN_REJECTS {
            console.warn(&left_out(rejected));
        }
        match &mut self.rejects {
            Some(rejects) => rejects.write(&rejected_json(rejected)),
            None => Ok(()),
        }
    }

    /// Writes a file that could not be read to the rejects.
    fn refuse(&mut self, error: &Error) -> konflik::Result<()> {
        self.counts.refused += 1;
        match &mut self.rejects {
            Some(rejects) => rejects.write(&refused_json(error)),
            None => Ok(()),
        }
    }

    /// Writes the plain texts beside their places in the folder, which is made.
    fn stage_texts(
        &mut self,
        folder: &Path,
        transcripts: &[&Transcript],
        force: bool,
    ) -> konflik::Result<()> {
        fs::create_dir_all(folder).map_err(|e| Error::write(folder, e))?;
        for transcript in transcripts {
            let path = folder.join(format!("{}.txt", file_stem(&transcript.name)));
            let mut text = Output::prepare(&path, force)?;
            text.write(transcript.text.as_bytes())?;
            self.texts.push(text);
        }
        Ok(())
    }

    /// Puts the table into place last: where it is, all is.
    fn commit(self) -> konflik::Result<()> {
        for text in self.texts {
            text.commit()?;
        }
        match self.rejects {
            Some(rejects) if !self.counts.is_whole() => rejects.commit()?,
            Some(rejects) => discard_rejects(rejects)?,
            None => {}
        }
        self.table.commit()
    }
}

fn output_format(args: &IngestArgs) -> konflik::Result<TableFormat> {
    if args.output.as_os_str() == "-" {
        return Ok(args.output_format);
    }
    TableFormats::default().of_path(&args.output)
}

/// `statements.csv.text` for `statements.csv`.
fn text_folder(output: &Path) -> PathBuf {
    let mut name: OsString = output.as_os_str().to_owned();
    name.push(".text");
    PathBuf::from(name)
}

/// Refuses two files of the same name: ids begin with the name, and would not be unique.
fn refuse_same_stems(readers: &[Reader]) -> konflik::Result<()> {
    for (i, reader) in readers.iter().enumerate() {
        let stem = file_stem(reader.source());
        if readers[..i].iter().any(|r| file_stem(r.source()) == stem) {
            return Err(Error::SameName {
                path: reader.name().to_string(),
                name: stem,
            });
        }
    }
    Ok(())
}

/// What was found in a file.
fn preview(reader: &mut Reader) -> konflik::Result<String> {
    const SHOWN: usize = 5;
    let mut out = String::new();
    if let Some(transcript) = reader.transcript() {
        let _ = writeln!(out, "{}: {}", reader.name(), transcript.format.name());
        preview_transcript(&mut out, transcript);
        return Ok(out);
    }
    let layout = reader.layout();
    let _ = writeln!(
        out,
        "{}: columns {}; statements are in {:?}",
        reader.name(),
        layout.columns.join(", "),
        layout.columns[layout.text]
    );
    for _ in 0..SHOWN {
        match reader.next_row()? {
            Some(Ok(record)) => {
                let asks = if record.is_context {
                    " (interviewer: context, not coded)"
                } else {
                    ""
                };
                let _ = writeln!(
                    out,
                    "  line {}{asks}: {}",
                    record.line,
                    record.text.replace('\n', " ")
                );
            }
            Some(Err(rejected)) => {
                let _ = writeln!(out, "  {}", left_out(&rejected));
            }
            None => break,
        }
    }
    Ok(out)
}

fn preview_transcript(out: &mut String, transcript: &Transcript) {
    for note in &transcript.notes {
        let _ = writeln!(out, "  {note}");
    }
    for speaker in &transcript.speakers {
        let name = match speaker.name.as_str() {
            "" => "unnamed",
            name => name,
        };
        let role = match speaker.role {
            SpeakerRole::Interviewer => "interviewer (context, not coded)".to_string(),
            SpeakerRole::Participant => "participant".to_string(),
            SpeakerRole::Unclear => {
                format!(
                    "interviewer or participant? use --interviewer {name} or --participant {name}"
                )
            }
        };
        let turns = counted(speaker.turns as u64, "turn");
        let _ = writeln!(out, "  {name}: {turns}, {role}");
    }
    if let Some(marks) = marks_line(&transcript.other_marks) {
        let _ = writeln!(out, "  {marks}");
    }
    let _ = writeln!(
        out,
        "{}, {}",
        counted(transcript.turns.len() as u64, "turn"),
        counted(transcript.units.len() as u64, "statement")
    );
    let mut units = transcript.units.iter().peekable();
    for (number, turn) in transcript.turns.iter().enumerate() {
        let speaker = &transcript.speakers[turn.speaker];
        let time = turn
            .time_start
            .map_or(String::new(), |t| format!(" [{}]", clock_time(t)));
        let _ = write!(out, "{}. {}{time}", number + 1, speaker.name);
        match speaker.role {
            SpeakerRole::Interviewer => {
                let _ = writeln!(out, ": {}", turn.text);
            }
            _ if turn.coding.is_empty() => out.push('\n'),
            _ => {
                let _ = writeln!(out, " (coding: {})", turn.coding.replace('\n', " "));
            }
        }
        while let Some(unit) = units.next_if(|u| u.turn == number) {
            let _ = writeln!(out, "   {}  {}", unit.id, unit.text);
        }
    }
    for rejected in &transcript.rejected {
        let _ = writeln!(out, "{}", left_out(rejected));
    }
}
