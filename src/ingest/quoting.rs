//! Cells of delimited text: how they are quoted (RFC 4180).

use std::borrow::Cow;

use memchr::memmem;

const QUOTE: u8 = b'"';

/// The content of a cell, without its quoting.
pub(super) fn unquoted(cell: &str) -> Cow<'_, str> {
    let Some(inner) = cell.strip_prefix('"') else {
        return Cow::Borrowed(cell);
    };
    match inner.strip_suffix('"') {
        Some(inner) if !inner.contains('"') => Cow::Borrowed(inner),
        _ => {
            let mut text = String::new();
            unquote_into(&mut text, cell);
            Cow::Owned(text)
        }
    }
}

/// Appends the content of a cell, without its quoting.
pub(super) fn unquote_into(text: &mut String, cell: &str) {
    let Some(inner) = cell.strip_prefix('"') else {
        text.push_str(cell);
        return;
    };
    let inner = inner.trim_end_matches('\r');
    let mut rest = inner.strip_suffix('"').unwrap_or(inner);
    while let Some(at) = memmem::find(rest.as_bytes(), b"\"\"") {
        text.push_str(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
}

/// Whether a cell must be quoted.
pub(crate) fn needs_quotes(cell: &str, delimiter: u8) -> bool {
    let special = |b: u8| b == delimiter || matches!(b, QUOTE | b'\n' | b'\r');
    cell.bytes().any(special)
}

/// Appends `cell` to `out`, quoted if necessary.
pub(crate) fn write_cell(out: &mut Vec<u8>, cell: &str, delimiter: u8) {
    if !needs_quotes(cell, delimiter) {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(QUOTE);
    for byte in cell.bytes() {
        if byte == QUOTE {
            out.push(QUOTE);
        }
        out.push(byte);
    }
    out.push(QUOTE);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The csv crate reads back what is written here.
        #[test]
        fn writes_what_the_csv_crate_reads(cell in "\\PC*[,\"\r\n]?\\PC*") {
            let mut line = b"x,".to_vec();
            write_cell(&mut line, &cell, b',');
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_slice());
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(&record[1], cell.as_str());
        }

        /// Writing and unquoting returns the same cell.
        #[test]
        fn a_written_cell_says_the_same(cell in "\\PC*[,\"\r\n]?\\PC*") {
            let mut written = Vec::new();
            write_cell(&mut written, &cell, b',');
            let written = String::from_utf8(written).unwrap();
            prop_assert_eq!(unquoted(&written), cell.as_str());
        }
    }
}
