//! Labelling one batch, with progress.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use konflik::base::output::Output;
use konflik::export::{LabelledRows, rejected_json};
use konflik::label::{Depth, DuplicateParams, LabelCounts, Labelled, Labeller, Routes, label_rows};
use konflik::{Format, Model, Reader};

use super::console::Console;
use super::said::{SHOWN_REJECTS, left_out};

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
