//! What is known about an input after it is opened.

use std::borrow::Cow;

use super::columns::{Column, Role};
use super::encoding::Encoding;
use super::format::Format;
use super::record::Record;
use super::transcript::{OtherMark, Speaker};
use super::units;
use super::workbook::Sheet;

/// How the rows of an input are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The format of the rows; for a transcript, of the rows made from it.
    pub format: Format,
    /// The columns, in order; for JSON lines, the keys of the first object.
    pub columns: Vec<String>,
    /// Position of the column with the statement.
    pub text: usize,
    /// Position of the column with the whole text; differs from `text` if the rows of a table are
    /// cut into statements.
    pub whole_text: usize,
    /// Whether the text column was guessed, by its name or by what is in it.
    pub text_was_guessed: bool,
    /// Other columns that could hold the text.
    pub other_texts: Vec<String>,
    /// Columns with other roles.
    pub other_columns: Vec<Column>,
    /// The encoding of the file; rows are always UTF-8.
    pub encoding: Encoding,
    /// The format of the content, if the suffix names another one.
    pub mislabelled: Option<Format>,
    /// Whether the file begins with a byte-order mark (Excel writes and needs one), or was not in
    /// UTF-8.
    pub bom: bool,
    /// Whether lines end in CR LF.
    pub crlf: bool,
    /// The sheet that is read, for a workbook.
    pub sheet: Option<Sheet>,
    /// The speakers of a transcript with their number of turns and whether they interview.
    pub speakers: Vec<Speaker>,
    /// Marks of a transcript that look like speakers and begin no turn.
    pub other_marks: Vec<OtherMark>,
    /// What else was found out: lines above a header, a transcript that differs from what its
    /// suffix says.
    pub notes: Vec<String>,
}

impl Layout {
    /// Position of the column with that role, unless it was only guessed.
    pub fn sure_column(&self, role: Role) -> Option<usize> {
        let sure = self.other_columns.iter().filter(|c| !c.was_guessed);
        sure.filter(|c| c.role == role).map(|c| c.position).next()
    }

    /// The number of a statement in its row, if the rows of a table are cut.
    pub fn unit_number<'r>(&self, record: &'r Record) -> Option<Cow<'r, str>> {
        units::number_column(&self.columns).map(|column| record.cell(column))
    }

    /// Whether a record has a key or column with that name.
    pub fn has_key(&self, record: &Record, name: &str) -> bool {
        let position = self.columns.iter().position(|c| c == name);
        position.is_some_and(|column| record.has_column(column))
            || record.strays().any(|(key, _)| key == name)
    }
}
