//! Everything that can go wrong, where it went wrong, and what to do about it.

mod foreign;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use foreign::ForeignKind;

/// The library's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a file: what a person needs to find the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it; `<stdin>` for standard input.
    pub path: String,
    /// Line from 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column in bytes from 1; 0 when the whole line is meant.
    pub column: u64,
}

impl Location {
    /// The place `line`:`column` of `path`.
    pub fn new(path: impl Into<String>, line: u64, column: u64) -> Self {
        Self {
            path: path.into(),
            line,
            column,
        }
    }

    /// A whole file.
    pub fn file(path: impl Into<String>) -> Self {
        Self::new(path, 0, 0)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// Why one row of an input could not be used. The other rows still are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// The row has another number of fields than the header.
    #[error("the header has {expected} columns, this row {got}")]
    Ragged {
        /// Fields in the header.
        expected: usize,
        /// Fields in this row.
        got: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("not UTF-8 at byte {byte} of the file")]
    NotUtf8 {
        /// Offset from the start of the file.
        byte: u64,
    },
    /// A line that is not in the encoding of the rest of the file.
    #[error("not in {encoding}, which the file was read in")]
    OtherEncoding {
        /// The encoding of the file.
        encoding: &'static str,
    },
    /// A NUL byte, which text never holds.
    #[error("a NUL byte at byte {byte} of the file")]
    Nul {
        /// Offset from the start of the file.
        byte: u64,
    },
    /// A cell longer than the limit.
    #[error("a cell (or row) of {bytes} bytes; a cell may have {limit}")]
    CellTooLong {
        /// Length of the cell, or of the row where it was too long to be cut into cells.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Lines that end in a carriage return alone, as on old Macs.
    #[error("a carriage return without a line feed")]
    LoneCarriageReturn,
    /// A column that the output is going to write.
    #[error("the key {key:?} is one that the output writes")]
    TakenKey {
        /// The key.
        key: String,
    },
    /// Text after the quote that closes a cell.
    #[error("text after a closing quote")]
    AfterQuote,
    /// The timing line of a subtitle's cue.
    #[error("the timing line of this cue has {reason}")]
    CueTiming {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A line that is not a JSON object.
    #[error("not a JSON object: {reason}")]
    Json {
        /// The JSON reader's words.
        reason: String,
    },
    /// A JSON object with more brackets inside each other than the limit.
    #[error("nested more than {limit} deep")]
    TooDeep {
        /// The limit in force.
        limit: usize,
    },
    /// A JSON object without the text key.
    #[error("no key {key:?}")]
    NoTextKey {
        /// The key looked for.
        key: String,
    },
    /// The value under the text key is not a string.
    #[error("{key:?} is {kind}, not a string")]
    NotAString {
        /// The key looked at.
        key: String,
        /// What stands there.
        kind: &'static str,
    },
    /// A key that the first object doesn't have, where a table is to be made of the objects.
    #[error("the key {key:?} is not in the first object, which names the columns")]
    StrayKey {
        /// The key.
        key: String,
    },
}

impl RowFault {
    /// The code of this fault, stable over releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "K0301",
            Self::NotUtf8 { .. } => "K0302",
            Self::OtherEncoding { .. } => "K0315",
            Self::Nul { .. } => "K0303",
            Self::CellTooLong { .. } => "K0304",
            Self::AfterQuote => "K0305",
            Self::LoneCarriageReturn => "K0313",
            Self::TakenKey { .. } => "K0314",
            Self::Json { .. } => "K0306",
            Self::TooDeep { .. } => "K0316",
            Self::NoTextKey { .. } => "K0307",
            Self::NotAString { .. } => "K0308",
            Self::StrayKey { .. } => "K0312",
            Self::CueTiming { .. } => "K0320",
        }
    }
}

/// What a column that is missing would hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnHolds {
    /// The statements.
    Text,
    /// The codes of a variable.
    Codes,
    /// The ids by which files are joined.
    Id,
    /// What statements are divided by.
    Slice,
    /// How sure the model is.
    Probabilities,
    /// Something else that the user named it for.
    Other,
}

/// Every error of the library. `code` is stable, `hint` says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading failed.
    #[error("can't read {path}")]
    Read {
        /// The file or folder.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Writing failed; nothing half-written is left.
    #[error("can't write {path}")]
    Write {
        /// The file or folder.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The output is there already.
    #[error("{path} exists already")]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// Input and output are the same file.
    #[error("{path} is an input or another output already")]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// A key that would lie in the folder of the output.
    #[error("{path}: the key would lie in the folder of the output")]
    KeyBesideOutput {
        /// The key.
        path: PathBuf,
    },
    /// The suffix names no format that can be read or written.
    #[error("{path}: no format is known by this suffix")]
    UnknownFormat {
        /// The file.
        path: String,
        /// The suffixes that would do.
        known: &'static str,
    },
    /// A file without a byte, or with nothing but white space.
    #[error("{path}: the file is empty")]
    EmptyFile {
        /// The file.
        path: String,
    },
    /// The file is of a kind that isn't read.
    #[error("{path}: looks like {kind}")]
    Foreign {
        /// The file.
        path: String,
        /// What it looks like.
        kind: ForeignKind,
    },
    /// A table with more columns than the limit.
    #[error("{path}: {columns} columns; a table may have {limit}")]
    TooManyColumns {
        /// The file.
        path: String,
        /// Its columns.
        columns: usize,
        /// The limit.
        limit: usize,
    },
    /// The file is of a format that this build leaves out.
    #[error("{path}: this build reads no {format} files")]
    NotInBuild {
        /// The file.
        path: String,
        /// The format.
        format: &'static str,
        /// The cargo feature that reads it.
        feature: &'static str,
    },
    /// A workbook that can't be read.
    #[error("{path}: can't read the table: {reason}")]
    Workbook {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A workbook without the sheet that was asked for.
    #[error("{path}: no sheet {wanted:?}; the sheets are {}", quoted(.found))]
    MissingSheet {
        /// The file.
        path: String,
        /// The sheet looked for.
        wanted: String,
        /// The sheets there are.
        found: Vec<String>,
    },
    /// A document or subtitle file that can't be read.
    #[error("{path}: {reason}")]
    Document {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A transcript that is, or unpacks to, more than may be read into memory.
    #[error("{path}: more than {limit} bytes, unpacked")]
    DocumentTooLarge {
        /// The file.
        path: String,
        /// The limit in force.
        limit: u64,
    },
    /// A packed file that unpacks to more than the limit, as one made to fill a memory does.
    #[error("{path}: unpacks to more than {limit} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in force.
        limit: u64,
    },
    /// Two inputs of one name, whose statements would have the same ids.
    #[error("{path}: there is another input called {name:?}")]
    SameName {
        /// The second file.
        path: String,
        /// The name of both, without folder and suffix.
        name: String,
    },
    /// Speakers of whom it isn't known whether they ask or answer.
    #[error("{path}: can't tell who asks and who answers: {}", quoted(.names))]
    WhoAsks {
        /// The file.
        path: String,
        /// Their names.
        names: Vec<String>,
    },
    /// A column that is needed isn't there.
    #[error("{path}: no column {wanted:?}; the columns are {}", quoted(.found))]
    MissingColumn {
        /// The file.
        path: String,
        /// The column looked for.
        wanted: String,
        /// What it would hold.
        holds: ColumnHolds,
        /// The columns there are.
        found: Vec<String>,
    },
    /// Two columns of one name.
    #[error("{path}: two columns are named {name:?} (the {}. and the {}.)", .first + 1, .second + 1)]
    DuplicateColumn {
        /// The file.
        path: String,
        /// The name.
        name: String,
        /// Position of the first, from 0.
        first: usize,
        /// Position of the second, from 0.
        second: usize,
    },
    /// The input has a column that the output is going to write.
    #[error("{path}: the column {name:?} is there already")]
    ColumnTaken {
        /// The file.
        path: String,
        /// The column.
        name: String,
    },
    /// A quoted cell that never ends: the rest of the file would be swallowed.
    #[error("{at}: the quote opened here is never closed")]
    OpenQuote {
        /// Where the quote opens.
        at: Location,
    },
    /// A row of a file that must be whole (a corpus, a gold file).
    #[error("{at}: {fault}")]
    Row {
        /// Where.
        at: Location,
        /// What.
        fault: RowFault,
    },
    /// A statement without text in a corpus or gold file.
    #[error("{at}: the text is empty")]
    EmptyText {
        /// Where.
        at: Location,
    },
    /// Several rows of a file that must be whole.
    #[error("{}", listed(.faults))]
    Rows {
        /// What is wrong with each.
        faults: Vec<Error>,
    },
    /// A code that the codebook doesn't have.
    #[error("{at}: {variable} has no code {code:?}; its codes are {}", quoted(.codes))]
    UnknownCode {
        /// Where.
        at: Location,
        /// The variable.
        variable: String,
        /// The code found.
        code: String,
        /// The codes there are.
        codes: Vec<String>,
    },
    /// A row without an id in a file that is joined with others by id.
    #[error("{at}: the row has no id")]
    NoId {
        /// Where.
        at: Location,
    },
    /// A cell that should hold a date of year and month.
    #[error("{at}: {cell:?} is no date that begins with year and month")]
    NoDate {
        /// Where.
        at: Location,
        /// The cell.
        cell: String,
    },
    /// An annotation of doccano, Label Studio or a REFI-QDA project that can't be understood.
    #[error("{at}: {reason}")]
    Annotation {
        /// Where.
        at: Location,
        /// What is wrong.
        reason: String,
    },
    /// Two statements with one id.
    #[error("{at}: the id {id:?} stands in line {first} already")]
    DuplicateId {
        /// Where.
        at: Location,
        /// The id.
        id: String,
        /// The line of the first.
        first: u64,
    },
    /// A TOML or JSON file that doesn't say what it should.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Location,
        /// The reader's words.
        reason: String,
    },
    /// A codebook that contradicts itself.
    #[error("{path}: {reason}")]
    Codebook {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A gate that contradicts itself, or whose baseline is another.
    #[error("{at}: {reason}")]
    Gate {
        /// Where.
        at: Location,
        /// What is wrong.
        reason: String,
    },
    /// No preset of that name.
    #[error("no preset {name:?}; the presets are {}", quoted(.known))]
    UnknownPreset {
        /// The name.
        name: String,
        /// The presets there are.
        known: Vec<String>,
    },
    /// Behavioural tests that can't be run.
    #[error("{at}: {reason}")]
    Behaviour {
        /// Where.
        at: Location,
        /// What is wrong.
        reason: String,
    },
    /// A hyperparameter outside its range.
    #[error("{name} is {value}; it must be {range}")]
    Parameter {
        /// The hyperparameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// The range it must lie in.
        range: &'static str,
    },
    /// A corpus that nothing can be learned from.
    #[error("can't train: {reason}")]
    Untrainable {
        /// Why.
        reason: String,
    },
    /// A solver that stopped before its optimum.
    #[error("the {solver} did not converge: {measure} is {value:.3e}, wanted at most {wanted:.3e}")]
    NotConverged {
        /// Which solver.
        solver: &'static str,
        /// What is measured.
        measure: &'static str,
        /// Where it stopped.
        value: f64,
        /// Where it had to get.
        wanted: f64,
    },
    /// A model directory that is no model, or is damaged.
    #[error("{path}: {reason}")]
    Model {
        /// The model directory or file in it.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A folder that is no sentence encoder, or one of a kind that isn't supported.
    #[error("{path}: {reason}")]
    Encoder {
        /// The file or folder.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A model needs a sentence encoder that was not given.
    #[error("the model was trained with the sentence encoder {needed}; {}", match given {
        Some(given) => format!("given is {given}"),
        None => "none is given".into(),
    })]
    WrongEncoder {
        /// Which one it needs.
        needed: String,
        /// Which one was given, if any.
        given: Option<String>,
    },
    /// A sentence encoder was given to a model that was trained without one.
    #[error("the model was trained without a sentence encoder; {given} has no part in it")]
    UnusedEncoder {
        /// The encoder.
        given: String,
    },
    /// A file of a context encoder that is damaged or of another kind.
    #[error("{path} (SHA-256 {hash}): {reason}")]
    ContextEncoder {
        /// The file.
        path: String,
        /// Its hash.
        hash: String,
        /// What is wrong.
        reason: String,
    },
    /// A model of a format that is newer than this build.
    #[error(
        "{path}: made by konflik {made_by} in model format {found}; this build reads formats up to {supported}"
    )]
    ModelTooNew {
        /// The model directory.
        path: String,
        /// The version that wrote it.
        made_by: String,
        /// Its format.
        found: u32,
        /// The newest format of this build.
        supported: u32,
    },
    /// A model trained by another codebook than the one given.
    #[error("the model was trained with codebook {trained}, the one given is {given}")]
    CodebookMismatch {
        /// Hash in the model.
        trained: String,
        /// Hash of the given one.
        given: String,
    },
    /// The vectors of a static encoder can't be used.
    #[error("the vectors of {name}: {reason}")]
    Vectors {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer failed.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// The library's words.
        reason: String,
    },
    /// Nothing to evaluate.
    #[error("{path}: nothing to evaluate: {reason}")]
    NotMeasured {
        /// The gold file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A routing file that can't be followed.
    #[error("{at}: {reason}")]
    Routes {
        /// Where.
        at: Location,
        /// What is wrong with it.
        reason: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// A report is asked about rows that something else has coded.
    #[error("{path} was coded by the {what} {labelled}, the one given is {given}")]
    CodedByOther {
        /// The labelled file.
        path: String,
        /// `model` or `codebook`.
        what: &'static str,
        /// What the file names.
        labelled: String,
        /// What was given, or taken where nothing was.
        given: String,
    },
    /// A template of a report can't be used.
    #[error("template {name}: {reason}")]
    Template {
        /// The template, with its line where that is known.
        name: String,
        /// The library's words.
        reason: String,
    },
    /// A solver refused its input.
    #[error("{reason}")]
    Solver {
        /// The solver's words.
        reason: String,
    },
}

impl Error {
    /// A read error of `path`.
    pub fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.display().to_string(),
            source,
        }
    }

    /// A write error of `path`.
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.display().to_string(),
            source,
        }
    }

    /// The faults as one error; `None` without any.
    pub(crate) fn several(mut faults: Vec<Self>) -> Option<Self> {
        match faults.len() {
            0 | 1 => faults.pop(),
            _ => Some(Self::Rows { faults }),
        }
    }

    /// The code of this error, stable over releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rows { faults } => faults.first().map_or("K0300", Self::code),
            Self::Read { .. } => "K0101",
            Self::Write { .. } => "K0102",
            Self::OutputExists { .. } => "K0103",
            Self::OutputIsInput { .. } => "K0104",
            Self::KeyBesideOutput { .. } => "K0105",
            Self::UnknownFormat { .. } => "K0201",
            Self::EmptyFile { .. } => "K0202",
            Self::Foreign { .. } => "K0203",
            Self::MissingColumn { .. } => "K0204",
            Self::DuplicateColumn { .. } => "K0205",
            Self::ColumnTaken { .. } => "K0206",
            Self::OpenQuote { .. } => "K0207",
            Self::NotInBuild { .. } => "K0211",
            Self::TooManyColumns { .. } => "K0212",
            Self::Workbook { .. } => "K0208",
            Self::MissingSheet { .. } => "K0209",
            Self::TooLarge { .. } => "K0210",
            Self::Document { .. } => "K0220",
            Self::DocumentTooLarge { .. } => "K0221",
            Self::WhoAsks { .. } => "K0222",
            Self::SameName { .. } => "K0223",
            Self::Row { fault, .. } => fault.code(),
            Self::EmptyText { .. } => "K0309",
            Self::UnknownCode { .. } => "K0310",
            Self::DuplicateId { .. } => "K0311",
            Self::NoId { .. } => "K0331",
            Self::Annotation { .. } => "K0332",
            Self::NoDate { .. } => "K0333",
            Self::Syntax { .. } => "K0401",
            Self::Codebook { .. } => "K0402",
            Self::Parameter { .. } => "K0403",
            Self::UnknownPreset { .. } => "K0404",
            Self::Untrainable { .. } => "K0501",
            Self::NotConverged { .. } => "K0502",
            Self::Model { .. } => "K0601",
            Self::ModelTooNew { .. } => "K0602",
            Self::CodebookMismatch { .. } => "K0603",
            Self::Encoder { .. } => "K0604",
            Self::WrongEncoder { .. } => "K0605",
            Self::UnusedEncoder { .. } => "K0606",
            Self::ContextEncoder { .. } => "K0607",
            Self::Tokenizer { .. } => "K0701",
            Self::Vectors { .. } => "K0702",
            Self::NotMeasured { .. } => "K0801",
            Self::Gate { .. } => "K0802",
            Self::Behaviour { .. } => "K0803",
            Self::Routes { .. } => "K0901",
            Self::CodedByOther { .. } => "K0902",
            Self::Template { .. } => "K0903",
            Self::Solver { .. } => "K0503",
        }
    }

    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rows { faults } => faults.first().and_then(Self::hint),
            Self::OutputExists { .. } => Some("name another output, or add --force".into()),
            Self::OutputIsInput { .. } => Some("name another output".into()),
            Self::KeyBesideOutput { .. } => {
                Some("who gets the output must not get the key: name another folder".into())
            }
            Self::UnknownFormat { known, .. } => Some(format!("use {known}")),
            Self::TooManyColumns { .. } => Some(
                "is the delimiter right (--delimiter)? If you trust the file, raise the limit with --max-columns".into(),
            ),
            Self::NotInBuild { feature, .. } => Some(format!(
                "build konflik with `cargo install --path . --features {feature}`, or save the file as CSV or JSON lines"
            )),
            Self::Foreign { kind, .. } => Some(kind.remedy().into()),
            Self::MissingColumn {
                wanted,
                holds,
                found,
                ..
            } => Some(missing_column_hint(wanted, *holds, found)),
            Self::Workbook { .. } => Some(
                "open it where it was made and save it anew, without a password, or save the table as CSV".into(),
            ),
            Self::MissingSheet { wanted, found, .. } => {
                nearest(wanted, found).map(|near| format!("did you mean {near:?}?"))
            }
            Self::UnknownPreset { name, known } => Some(match nearest(name, known) {
                Some(near) => format!("did you mean {near:?}? A file of your own ends in .toml"),
                None => "name one of them, or a file that ends in .toml".into(),
            }),
            Self::TooLarge { .. } => {
                Some("if you trust the file, raise the limit with --max-unpacked".into())
            }
            Self::ColumnTaken { .. } => {
                Some("drop that column, or choose another prefix with --prefix".into())
            }
            Self::OpenQuote { .. } => {
                Some("close the quote, or double it if it belongs to the text".into())
            }
            Self::Row {
                fault: RowFault::Ragged { .. },
                ..
            } => Some("quote cells that hold the delimiter or a line break".into()),
            Self::Row {
                fault: RowFault::LoneCarriageReturn,
                ..
            } => Some("save the file with LF or CRLF line ends".into()),
            Self::Row {
                fault: RowFault::NotUtf8 { .. },
                ..
            } => Some("convert the file to UTF-8, or name its encoding with --encoding".into()),
            Self::Row {
                fault: RowFault::OtherEncoding { .. },
                ..
            } => Some("write the whole file in one encoding, or name another with --encoding".into()),
            Self::UnknownCode { code, codes, .. } => nearest(code, codes)
                .map(|near| format!("did you mean {near:?}?"))
                .or_else(|| Some("add the code to the codebook, or mend the row".into())),
            Self::NoDate { .. } => Some("write dates like 2026-03-14".into()),
            Self::NoId { .. } | Self::DuplicateId { .. } => Some("give every statement an id of its own".into()),
            Self::ModelTooNew { .. } => {
                Some("use a newer konflik, or train the model again".into())
            }
            Self::CodebookMismatch { .. } => {
                Some("train again with this codebook, or leave out --codebook".into())
            }
            Self::Vectors { .. } => Some(
                "name another model2vec directory, or leave out the option to use the one shipped"
                    .into(),
            ),
            Self::Model { .. } => {
                Some("copy the model again, or train it anew with `konflik train`".into())
            }
            Self::Encoder { .. } => Some(
                "an encoder is a folder with config.json, tokenizer.json and model.safetensors of a BERT or XLM-RoBERTa sentence model: copy it again, or take another".into(),
            ),
            Self::ContextEncoder { .. } => Some(
                "copy config.json, tokenizer.json and model.safetensors of the context encoder again, all three from one place".into(),
            ),
            Self::UnusedEncoder { .. } => Some(
                "leave out --encoder, or name a model that `train --encoder` made".into(),
            ),
            Self::WrongEncoder { .. } => Some(
                "name the encoder's folder with --encoder (in a build with the feature `encoder`)".into(),
            ),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("check the name; standard input is `-`".into())
            }
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("close it where it is open, or ask for the right to read it".into())
            }
            Self::Write { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("create the folder first".into())
            }
            _ => self.transcript_hint().or_else(|| self.report_hint()),
        }
    }

    /// What to do about a report, or what it is made by.
    fn report_hint(&self) -> Option<String> {
        match self {
            Self::Routes { near, .. } => near.as_ref().map(|near| format!("did you mean {near:?}?")),
            Self::CodedByOther { what, .. } => Some(format!(
                "name the {what} that the file was labelled with (--{what})"
            )),
            Self::Template { .. } => Some(
                "mend it, or leave out --template; the built-in ones are in src/report/page/templates".into(),
            ),
            _ => None,
        }
    }

    /// What to do about a transcript.
    fn transcript_hint(&self) -> Option<String> {
        match self {
            Self::Document { .. } => {
                Some("open it in the program that wrote it and save it again, as .docx, .txt, .vtt or .srt".into())
            }
            Self::DocumentTooLarge { .. } => {
                Some("split it, or raise the limit with --max-document if you trust it".into())
            }
            Self::SameName { .. } => {
                Some("ids of statements begin with the name of their file: rename one, or ingest them apart".into())
            }
            Self::WhoAsks { names, .. } => {
                let name = names.first().map_or("P", String::as_str);
                Some(format!(
                    "look with `konflik ingest FILE --preview`, then say --interviewer {name} or --participant {name}"
                ))
            }
            _ => None,
        }
    }
}

fn missing_column_hint(wanted: &str, holds: ColumnHolds, found: &[String]) -> String {
    let remedy = match holds {
        ColumnHolds::Text => "name the column of the text with --text-column",
        ColumnHolds::Other => "name one of these",
        ColumnHolds::Codes => "codes stand in columns named for the codebook's variables",
        ColumnHolds::Probabilities => "label the file first: konflik label",
        ColumnHolds::Slice => "statements can be divided by any column of the file",
        ColumnHolds::Id => "the files are joined by a column of ids: give each statement one",
    };
    match nearest(wanted, found) {
        Some(near) => format!("did you mean {near:?}? {remedy}"),
        None if found.len() == 1 => {
            format!("only one column was found: is the delimiter right (--delimiter)? {remedy}")
        }
        None => remedy.into(),
    }
}

/// The candidate that looks most like `word`, if one does.
pub(crate) fn nearest<'a>(word: &str, candidates: &'a [String]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .iter()
        .map(|c| (strsim::jaro_winkler(&lower, &c.to_lowercase()), c.as_str()))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

fn listed(faults: &[Error]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    format!(
        "{} rows are at fault\n  {}",
        faults.len(),
        lines.join("\n  ")
    )
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut list: Vec<String> = names.iter().take(SHOWN).map(|n| format!("{n:?}")).collect();
    if names.len() > SHOWN {
        list.push(format!("and {} more", names.len() - SHOWN));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_the_misspelt_and_leaves_the_strange() {
        let codes = [
            "realistic".to_string(),
            "non_realistic".to_string(),
            "none".to_string(),
        ];
        assert_eq!(nearest("realstic", &codes), Some("realistic"));
        assert_eq!(nearest("NONE", &codes), Some("none"));
        assert_eq!(nearest("xyz", &codes), None);
    }

    /// Whoever runs the tests may read everything, so no file shows it.
    #[test]
    fn a_locked_file_has_a_hint() {
        let locked = io::Error::from(io::ErrorKind::PermissionDenied);
        let hint = Error::read(Path::new("a.csv"), locked).hint().unwrap();
        assert!(hint.contains("close it"), "{hint}");
    }

    #[test]
    fn a_location_names_as_much_as_is_known() {
        assert_eq!(Location::file("a.csv").to_string(), "a.csv");
        assert_eq!(Location::new("a.csv", 3, 0).to_string(), "a.csv:3");
        assert_eq!(Location::new("a.csv", 3, 8).to_string(), "a.csv:3:8");
    }
}
