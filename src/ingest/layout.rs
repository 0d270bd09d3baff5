//! What is found out about an input once it is open.

use std::borrow::Cow;

use super::columns::{Column, Role};
use super::encoding::Encoding;
use super::format::Format;
use super::record::Record;
use super::transcript::Speaker;
use super::units;
use super::workbook::Sheet;

/// How the rows of an input are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The format that rows stand in; for a transcript that of the rows made from it.
    pub format: Format,
    /// The columns, in order; of JSON lines the keys of the first object.
    pub columns: Vec<String>,
    /// Position of the statement's column.
    pub text: usize,
    /// Position of the column that the text is read from: another one where the rows of a table
    /// are cut into statements.
    pub whole_text: usize,
    /// Whether that column was guessed by its name.
    pub text_was_guessed: bool,
    /// Other columns that could hold the text.
    pub other_texts: Vec<String>,
    /// Columns of another meaning.
    pub other_columns: Vec<Column>,
    /// The encoding of the file; rows are UTF-8 whatever it is.
    pub encoding: Encoding,
    /// The format of the content, where the suffix says another.
    pub mislabelled: Option<Format>,
    /// Whether the file begins with a byte-order mark, as Excel writes and wants it, or was in
    /// another encoding than UTF-8.
    pub bom: bool,
    /// Whether lines end in CR LF.
    pub crlf: bool,
    /// The sheet of a workbook that is read.
    pub sheet: Option<Sheet>,
    /// Who speaks in a transcript, how many turns, and whether as the interviewer.
    pub speakers: Vec<Speaker>,
    /// What was found out about a transcript, where it is not what its suffix says.
    pub notes: Vec<String>,
}

impl Layout {
    /// Position of the column of that meaning, unless it was only guessed.
    pub fn sure_column(&self, role: Role) -> Option<usize> {
        let sure = self.other_columns.iter().filter(|c| !c.was_guessed);
        sure.filter(|c| c.role == role).map(|c| c.position).next()
    }

    /// The number of a statement in its row, where rows of a table are cut.
    pub fn unit_number<'r>(&self, record: &'r Record) -> Option<Cow<'r, str>> {
        units::number_column(&self.columns).map(|column| record.cell(column))
    }

    /// Whether a record has a key or column of that name.
    pub fn has_key(&self, record: &Record, name: &str) -> bool {
        let position = self.columns.iter().position(|c| c == name);
        position.is_some_and(|column| record.has_column(column))
            || record.strays().any(|(key, _)| key == name)
    }
}
