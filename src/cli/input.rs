//! What is said of an input once it is open, so that a wrong guess is seen.

use std::path::Path;

use konflik::corpus::Labels;
use konflik::ingest::{CharsetSource, Encoding, Layout, Sheet, Speaker, SpeakerRole};
use konflik::{Codebook, Corpus, Format, ReadOptions};

use super::console::Console;
use super::counted;

/// Reads coded statements, and says what was found out about their file.
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

/// Reads a labelled file, and says what was found out about it.
pub(super) fn read_labels(
    path: &Path,
    codebook: &Codebook,
    prefix: &str,
    console: &Console,
) -> konflik::Result<Labels> {
    let labels = Labels::read(path, codebook, prefix)?;
    if let Some(layout) = &labels.rows.layout {
        announce_file(layout, console);
    }
    Ok(labels)
}

/// Says what was found out about an input.
pub(super) fn announce(layout: &Layout, console: &Console) {
    announce_file(layout, console);
    let lines = columns_line(layout).into_iter().chain(text_line(layout));
    let notes = layout.notes.iter().cloned();
    for line in lines.chain(notes).chain(speakers_line(layout)) {
        console.say(&line);
    }
}

/// Says what was found out about a file whose rows are looked up by their ids or rewritten: which
/// column holds the text makes no difference to it.
pub(super) fn announce_file(layout: &Layout, console: &Console) {
    let format = layout.mislabelled.map(format_line);
    let lines = format.into_iter().chain(encoding_line(layout.encoding));
    let lines = lines.chain(layout.sheet.as_ref().map(sheet_line));
    for line in lines.chain(delimiter_line(layout)) {
        console.say(&line);
    }
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
    if layout.text_was_guessed {
        Some(format!(
            "text column: {text:?} (guessed; --text-column names another)"
        ))
    } else if layout.other_texts.is_empty() {
        None
    } else {
        let others = layout.other_texts.join(", ");
        Some(format!(
            "text column: {text:?} (there is also {others}; see --text-column)"
        ))
    }
}

fn speakers_line(layout: &Layout) -> Option<String> {
    let speaker = |speaker: &Speaker| {
        let name = match speaker.name.as_str() {
            "" => "nobody named".to_string(),
            name => format!("{name:?}"),
        };
        let role = match speaker.role {
            SpeakerRole::Interviewer => ", asks",
            SpeakerRole::Participant => "",
            SpeakerRole::Unclear => ", asks or answers?",
        };
        format!("{name} ({}{role})", counted(speaker.turns as u64, "turn"))
    };
    let list: Vec<String> = layout.speakers.iter().map(speaker).collect();
    (!list.is_empty()).then(|| format!("speakers: {}", list.join(", ")))
}

/// The columns that were guessed, but for the text's.
fn columns_line(layout: &Layout) -> Option<String> {
    let guessed = layout.other_columns.iter().filter(|c| c.was_guessed);
    let list: Vec<String> = guessed
        .map(|c| format!("{} {:?}", c.role.name(), layout.columns[c.position]))
        .collect();
    (!list.is_empty())
        .then(|| format!("columns: {} (guessed; --map names others)", list.join(", ")))
}

fn format_line(format: Format) -> String {
    let format = match format {
        Format::Workbook => "a workbook",
        Format::Parquet => "a Parquet table",
        Format::Transcript(_) => "a transcript",
        Format::Json | Format::Jsonl => "JSON",
        Format::Delimited(_) => "a table of text",
    };
    format!("format: {format}, which its suffix doesn't say")
}

fn sheet_line(sheet: &Sheet) -> String {
    let others = match sheet.others.as_slice() {
        [] => String::new(),
        others => format!("; there is also {} (--sheet)", others.join(", ")),
    };
    format!(
        "sheet: {:?}, header in row {}{others}",
        sheet.name, sheet.header_row
    )
}

fn encoding_line(Encoding { charset, source }: Encoding) -> Option<String> {
    let how = match source {
        _ if charset.is_utf8() => return None,
        CharsetSource::Named => return None,
        CharsetSource::Mark => "by its byte-order mark",
        CharsetSource::Detected => "detected; --encoding names another",
    };
    Some(format!("encoding: {} ({how})", charset.name()))
}
