//! Labelling one batch, with progress.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use konflik::Format;
use konflik::export::{LabelEvent, LabelJob};
use konflik::label::LabelCounts;

use super::console::Console;
use super::said::{SHOWN_REJECTS, left_out};

/// Labels a file that is open and shows how far it is.
pub(super) fn watched(
    job: LabelJob<'_>,
    input: &Path,
    console: &Console,
) -> konflik::Result<LabelCounts> {
    let expected = console
        .shows_progress()
        .then(|| expected_rows(input))
        .flatten();
    let bar = console.rows(expected, "labelling");
    let mut shown = 0;
    let counts = job.run(&mut |event| match event {
        LabelEvent::Rows(n) => bar.inc(n),
        LabelEvent::LeftOut(row) => {
            shown += 1;
            if shown <= SHOWN_REJECTS {
                console.warn(&left_out(row));
            }
        }
        _ => {}
    });
    bar.finish_and_clear();
    counts
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
