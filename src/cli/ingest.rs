//! `konflik ingest`: files of any format to one table of statements.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use konflik::export::{Output, StatementRows, rejected_json};
use konflik::ingest::privacy::Counts;
use konflik::ingest::{SpeakerRole, Transcript, clock_time, file_stem};
use konflik::{Codebook, Error, Format, ReadOptions, Reader};

use super::console::Console;
use super::input::announce;
use super::label::{SHOWN_REJECTS, left_out, refuse_unclear_roles, rejects_beside};
use super::privacy::{PrivacyArgs, say_masked};
use super::{InputArgs, OutputFormatArg, Status, counted, print, refuse_same_file};

const EXAMPLES: &str = "Examples:
  konflik ingest interview.docx --preview
  konflik ingest interviews/*.docx meeting.vtt -o statements.csv
  konflik ingest interview.txt --unit turn --redact --interviewer Rani -o turns.jsonl";

/// Turn transcripts and tables into one table of statements
///
/// Beside the table, the plain text of each transcript is written to OUTPUT.text/NAME.txt; `start`
/// and `end` of a statement are code points into it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct IngestArgs {
    /// Transcripts (.txt, .md, .docx, .vtt, .srt) and tables
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Where to write: .csv, .tsv, .jsonl, or `-` for standard output, which has no room for the
    /// plain text
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of standard output
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    output_format: OutputFormatArg,
    /// Print speakers, turns and statements found, and write nothing
    #[arg(long)]
    preview: bool,
    /// Replace outputs that are there
    #[arg(long)]
    force: bool,
    /// Add a column for each variable of this codebook, with the code that a document's column of
    /// codes (Koding, Kode, Codes) names; the column itself is kept as `coding`
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    #[command(flatten)]
    privacy: PrivacyArgs,
    #[command(flatten)]
    input: InputArgs,
}

pub(super) fn run(args: &IngestArgs, console: &Console) -> Result<Status> {
    let options = ReadOptions {
        privacy: args.privacy.privacy()?,
        ..args.input.options()?
    };
    let mut readers = Vec::new();
    for path in &args.files {
        refuse_same_file(path, &args.output)?;
        readers.push(Reader::open(path, &options)?);
    }
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
    let status = write(args, readers, console)?;
    args.privacy.write_key(key, &options.privacy, console)?;
    Ok(status)
}

/// Bytes that are written where they belong only when all is done.
struct Outputs {
    table: Output,
    texts: Vec<Output>,
    rejects: Option<Output>,
    rejected: u64,
    statements: u64,
}

fn write(args: &IngestArgs, mut readers: Vec<Reader>, console: &Console) -> Result<Status> {
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
        rejected: 0,
        statements: 0,
    };
    let layouts: Vec<_> = readers
        .iter()
        .map(|r| (r.source().to_string(), r.layout().clone()))
        .collect();
    refuse_same_stems(&readers)?;
    for reader in &readers {
        refuse_unclear_roles(reader)?;
    }
    let rows = StatementRows::new(&layouts, format);
    let rows = match &args.codebook {
        Some(path) => rows.with_codes(Codebook::read(path)?)?,
        None => rows,
    };
    outputs.table.write(&rows.header())?;
    for (file, reader) in readers.iter_mut().enumerate() {
        if args.files.len() > 1 {
            console.say(&format!("{}:", reader.name()));
        }
        announce(reader.layout(), console);
        outputs.add(file, reader, &rows, console)?;
    }
    let transcripts: Vec<&Transcript> = readers.iter().filter_map(Reader::transcript).collect();
    if let Some(folder) = &folder
        && !transcripts.is_empty()
    {
        outputs.stage_texts(folder, &transcripts, args.force)?;
    }
    let (statements, rejected) = (outputs.statements, outputs.rejected);
    outputs.commit()?;
    report(
        args,
        folder.filter(|_| !transcripts.is_empty()),
        statements,
        rejected,
        console,
    );
    say_all_masked(&readers, console);
    Ok(if rejected > 0 {
        Status::Findings
    } else {
        Status::Done
    })
}

fn report(
    args: &IngestArgs,
    folder: Option<PathBuf>,
    statements: u64,
    rejected: u64,
    console: &Console,
) {
    if statements == 0 {
        console.warn(
            "there is no statement: no row below the header, or no turn but the interviewer's",
        );
    }
    console.say(&format!(
        "{} read: {}, {rejected} left out",
        counted(args.files.len() as u64, "file"),
        counted(statements, "statement"),
    ));
    if rejected > 0 && args.output.as_os_str() != "-" {
        let rejects = rejects_beside(&args.output);
        console.say(&format!("what was left out is in {}", rejects.display()));
    }
    if let Some(folder) = folder {
        console.say(&format!(
            "the plain text that `start` and `end` point into is in {}",
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
                Ok(record) => {
                    self.statements += 1;
                    self.table.write(&rows.row(file, &record))?;
                }
                Err(rejected) => {
                    self.rejected += 1;
                    if self.rejected as usize <= SHOWN_REJECTS {
                        console.warn(&left_out(&rejected));
                    }
                    if let Some(rejects) = &mut self.rejects {
                        rejects.write(&rejected_json(&rejected))?;
                    }
                }
            }
        }
        Ok(())
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
            Some(rejects) if self.rejected > 0 => rejects.commit()?,
            Some(rejects) => rejects.discard_rejects()?,
            None => {}
        }
        self.table.commit()
    }
}

fn output_format(args: &IngestArgs) -> konflik::Result<Format> {
    if args.output.as_os_str() == "-" {
        return Ok(args.output_format.format());
    }
    match Format::of_path(&args.output) {
        Ok(format @ (Format::Delimited(_) | Format::Jsonl)) => Ok(format),
        _ => Err(Error::UnknownFormat {
            path: args.output.display().to_string(),
            known: ".csv, .tsv or .jsonl",
        }),
    }
}

/// `statements.csv.text` for `statements.csv`.
fn text_folder(output: &Path) -> PathBuf {
    let mut name: OsString = output.as_os_str().to_owned();
    name.push(".text");
    PathBuf::from(name)
}

/// Ids begin with the file's name: two files of one name would have the same.
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
                let _ = writeln!(
                    out,
                    "  line {}: {}",
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
            "" => "nobody named",
            name => name,
        };
        let role = match speaker.role {
            SpeakerRole::Interviewer => "asks: context, not coded".to_string(),
            SpeakerRole::Participant => "answers".to_string(),
            SpeakerRole::Unclear => {
                format!("asks or answers? say --interviewer {name} or --participant {name}")
            }
        };
        let turns = counted(speaker.turns as u64, "turn");
        let _ = writeln!(out, "  {name}: {turns}, {role}");
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
