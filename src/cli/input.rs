//! What is said of an input once it is open, so that a wrong guess is seen.

use konflik::Format;
use konflik::ingest::{CharsetSource, Encoding, Layout, Sheet};

/// A line for each thing that was found out and is not the plain case.
pub(super) fn found_lines(layout: &Layout) -> Vec<String> {
    let format = layout.mislabelled.map(|_| format_line(layout));
    let encoding = encoding_line(layout.encoding);
    let sheet = layout.sheet.as_ref().map(sheet_line);
    let lines = format.into_iter().chain(encoding).chain(sheet);
    lines.chain(columns_line(layout)).collect()
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

fn format_line(layout: &Layout) -> String {
    let format = match layout.format {
        _ if layout.sheet.is_some() => "a workbook",
        _ if !layout.speakers.is_empty() => "a transcript",
        Format::Jsonl => "JSON",
        _ => "a table of text",
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
