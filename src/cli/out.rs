//! Small outputs, and counts in words.

use std::path::{Path, PathBuf};

use konflik::base::output::Output;
use konflik::{Error, Format};

/// Prints data to standard output.
pub(super) fn print(text: &str) -> konflik::Result<()> {
    write_output(Path::new("-"), text, true)
}

/// Writes a small output whole.
pub(super) fn write_output(
    path: &Path,
    content: impl AsRef<[u8]>,
    force: bool,
) -> konflik::Result<()> {
    let mut output = Output::prepare(path, force)?;
    output.write(content.as_ref())?;
    output.commit()
}

/// Refuses an output that is the input.
pub(super) fn refuse_same_file(input: &Path, output: &Path) -> konflik::Result<()> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Error::OutputIsInput {
            path: output.to_path_buf(),
        }),
        _ => Ok(()),
    }
}

/// A word for a count: `1 row`, `2 rows`.
pub(super) fn counted(n: u64, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn counted_as(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `labelled.csv.rejects.jsonl` for `labelled.csv`.
pub(super) fn rejects_beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".rejects.jsonl");
    PathBuf::from(name)
}

/// The delimiter of a table to be written.
pub(super) fn delimiter(path: &Path) -> konflik::Result<u8> {
    match Format::of_path(path) {
        Ok(Format::Delimited(delimiter)) => Ok(delimiter),
        _ => Err(Error::UnknownFormat {
            path: path.display().to_string(),
            known: ".csv or .tsv",
        }),
    }
}
