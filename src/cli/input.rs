//! What is printed about an input once it is open, so that a wrong guess is noticed.

use std::path::{Path, PathBuf};

use clap::Args;
use konflik::base::output::Output;
use konflik::corpus::{KeyedRows, Labels, LeftOut};
use konflik::export::{discard_rejects, left_out_json, refuse_same_file, rejects_beside};
use konflik::ingest::{
    CharsetSource, Encoding, Layout, OtherMark, Role, Sheet, Speaker, SpeakerRole, id_column,
};
use konflik::{Codebook, Corpus, Format, ReadOptions, Reader};

use super::console::Console;
use super::out::counted;
use super::said::SHOWN_REJECTS;

/// Reads coded statements, and says what was detected in the file.
pub(super) fn read_corpus(
    path: &Path,
    codebook: Codebook,
    options: &ReadOptions,
    console: &Console,
) -> konflik::Result<Corpus> {
    let corpus = Corpus::read(path, codebook, options)?;
    if let Some(layout) = &corpus.layout {
        announce(layout, console);
    }
    Ok(corpus)
}

/// What is done with rows that are not coded statements.
#[derive(Debug, Args)]
#[command(next_help_heading = "Left-out rows")]
pub(super) struct BadRowArgs {
    /// Leave out rows that can't be read or have no known code, and write these rows to a file
    /// [default: list the rows and stop]
    #[arg(long)]
    skip_bad_rows: bool,
    /// Write the left-out rows to this file [default: a file beside the output, else the input]
    #[arg(long, value_name = "FILE", requires = "skip_bad_rows")]
    rejects: Option<PathBuf>,
}

/// Coded statements to read.
pub(super) struct Coded<'a> {
    pub(super) path: &'a Path,
    pub(super) codebook: Codebook,
    pub(super) options: &'a ReadOptions,
    /// The file beside which the left-out rows are written.
    pub(super) beside: &'a Path,
    /// Whether an existing output is overwritten.
    pub(super) force: bool,
}

impl BadRowArgs {
    /// Reads coded statements as requested, and says what was detected in the file.
    pub(super) fn read_corpus(
        &self,
        coded: Coded<'_>,
        console: &Console,
    ) -> konflik::Result<Corpus> {
        let Coded {
            path,
            codebook,
            options,
            beside,
            force,
        } = coded;
        if !self.skip_bad_rows {
            return read_corpus(path, codebook, options, console);
        }
        let beside = || match beside.as_os_str() {
            stdin if stdin == "-" => rejects_beside(Path::new("stdin")),
            _ => rejects_beside(beside),
        };
        let rejects = self.rejects.clone().unwrap_or_else(beside);
        refuse_same_file(path, &rejects)?;
        let output = Output::prepare(&rejects, force)?;
        let (corpus, left_out) = Corpus::read_without_bad_rows(path, codebook, options)?;
        if let Some(layout) = &corpus.layout {
            announce(layout, console);
        }
        if left_out.is_empty() {
            discard_rejects(output)?;
            return Ok(corpus);
        }
        write_left_out(&left_out, output)?;
        for row in left_out.iter().take(SHOWN_REJECTS) {
            let code = row.error.code();
            console.warn(&format!("[{code}] {}; row left out", row.error));
        }
        console.warn(&format!(
            "{} of {} left out: see {}",
            left_out.len(),
            counted((corpus.statements.len() + left_out.len()) as u64, "row"),
            rejects.display()
        ));
        Ok(corpus)
    }
}

fn write_left_out(rows: &[LeftOut], mut output: Output) -> konflik::Result<()> {
    for row in rows {
        output.write(&left_out_json(row))?;
    }
    output.commit()
}

/// Options that read a file with ids: from the column `id` if the file has it, or else from the
/// column found by its name.
pub(super) fn keyed_options(path: &Path, id: Option<&str>) -> konflik::Result<ReadOptions> {
    let mut options = ReadOptions::default();
    if path.as_os_str() == "-" {
        return Ok(options);
    }
    let reader = Reader::open(path, &options)?;
    let columns = &reader.layout().columns;
    let named = id.filter(|id| columns.iter().any(|column| column == id));
    if let Some(column) = named.or_else(|| id_column(columns)) {
        options.columns.named.insert(Role::Id, column.to_string());
    }
    Ok(options)
}

/// Says which column holds the ids, if it was found by its name.
pub(super) fn announce_ids(rows: &KeyedRows, named: Option<&str>, console: &Console) {
    if named.is_none() && rows.id_column != "id" {
        console.say(&format!(
            "{}: id column: {:?} (guessed; change it with --map id=COLUMN)",
            rows.name, rows.id_column
        ));
    }
}

/// Reads a labelled file, and says what was detected in the file.
pub(super) fn read_labels(
    path: &Path,
    codebook: &Codebook,
    prefix: &str,
    id: Option<&str>,
    console: &Console,
) -> konflik::Result<Labels> {
    let labels = Labels::read_by(path, codebook, prefix, id)?;
    announce_file(&labels.rows.layout, console);
    announce_ids(&labels.rows, id, console);
    Ok(labels)
}

/// Says what was detected in an input.
pub(super) fn announce(layout: &Layout, console: &Console) {
    announce_file(layout, console);
    let lines = columns_line(layout).into_iter().chain(text_line(layout));
    let notes = layout.notes.iter().cloned();
    let marks = marks_line(&layout.other_marks);
    for line in lines.chain(notes).chain(speakers_line(layout)) {
        console.say(&line);
    }
    if let Some(marks) = marks {
        console.warn(&marks);
    }
}

/// Says what was detected in a file whose rows are looked up by id or rewritten, so that the text
/// column makes no difference.
pub(super) fn announce_file(layout: &Layout, console: &Console) {
    for line in file_lines(layout) {
        console.say(&line);
    }
}

/// The same for one of several files.
pub(super) fn announce_named(name: &str, layout: &Layout, console: &Console) {
    for line in file_lines(layout) {
        console.say(&format!("{name}: {line}"));
    }
}

fn file_lines(layout: &Layout) -> impl Iterator<Item = String> {
    let format = layout.mislabelled.map(format_line);
    let lines = format.into_iter().chain(encoding_line(layout.encoding));
    let lines = lines.chain(layout.sheet.as_ref().map(sheet_line));
    lines.chain(delimiter_line(layout))
}

fn delimiter_line(layout: &Layout) -> Option<String> {
    match layout.format {
        Format::Delimited(delimiter) if delimiter != b',' && delimiter != b'\t' => {
            Some(format!("delimiter: {:?}", char::from(delimiter)))
        }
        _ => None,
    }
}

fn text_line(layout: &Layout) -> Option<String> {
    let text = &layout.columns[layout.whole_text];
    let others = layout.other_texts.join(", ");
    match (layout.text_was_guessed, others.as_str()) {
        (true, "") => Some(format!(
            "text column: {text:?} (guessed; change it with --text-column)"
        )),
        (true, others) => Some(format!(
            "text column: {text:?} (guessed; there is also {others}; change it with --text-column)"
        )),
        (false, "") => None,
        (false, others) => Some(format!(
            "text column: {text:?} (there is also {others}; see --text-column)"
        )),
    }
}

fn speakers_line(layout: &Layout) -> Option<String> {
    let speaker = |speaker: &Speaker| {
        let name = match speaker.name.as_str() {
            "" => "unnamed".to_string(),
            name => format!("{name:?}"),
        };
        let role = match speaker.role {
            SpeakerRole::Interviewer => ", interviewer",
            SpeakerRole::Participant => "",
            SpeakerRole::Unclear => ", interviewer or participant?",
        };
        format!("{name} ({}{role})", counted(speaker.turns as u64, "turn"))
    };
    let list: Vec<String> = layout.speakers.iter().map(speaker).collect();
    (!list.is_empty()).then(|| format!("speakers: {}", list.join(", ")))
}

/// The marks of a transcript that look like speakers and begin no turn.
pub(super) fn marks_line(marks: &[OtherMark]) -> Option<String> {
    const SHOWN: usize = 8;
    let list: Vec<String> = marks
        .iter()
        .take(SHOWN)
        .map(|m| format!("{:?} ×{} (line {})", m.name, m.count, m.line))
        .collect();
    let more = match marks.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let most = marks.iter().rev().max_by_key(|m| m.count)?;
    Some(format!(
        "looks like a speaker, not taken: {}{more}; --participant {:?} takes it",
        list.join(", "),
        most.name
    ))
}

/// The guessed columns, except the text column.
fn columns_line(layout: &Layout) -> Option<String> {
    let guessed = layout.other_columns.iter().filter(|c| c.was_guessed);
    let list: Vec<String> = guessed
        .map(|c| format!("{} {:?}", c.role.name(), layout.columns[c.position]))
        .collect();
    (!list.is_empty()).then(|| {
        format!(
            "columns: {} (guessed; change them with --map)",
            list.join(", ")
        )
    })
}

fn format_line(format: Format) -> String {
    format!(
        "format: {}, although the suffix says otherwise",
        format.called()
    )
}

fn sheet_line(sheet: &Sheet) -> String {
    let others = match sheet.others.as_slice() {
        [] => String::new(),
        others => format!("; there is also {} (--sheet)", others.join(", ")),
    };
    let header = match sheet.header_row {
        0 => "no header".to_string(),
        row => format!("header in row {row}"),
    };
    format!("sheet: {:?}, {header}{others}", sheet.name)
}

fn encoding_line(Encoding { charset, source }: Encoding) -> Option<String> {
    let how = match source {
        _ if charset.is_utf8() => return None,
        CharsetSource::Named => return None,
        CharsetSource::Mark => "by its byte-order mark",
        CharsetSource::Detected => "detected; change it with --encoding",
    };
    Some(format!("encoding: {} ({how})", charset.name()))
}
