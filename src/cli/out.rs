//! Small outputs, and counts in words.

use std::path::Path;

use konflik::base::output::Output;

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

/// A word for a count: `1 row`, `2 rows`.
pub(super) fn counted(n: u64, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn counted_as(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
