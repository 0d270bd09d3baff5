//! Errors: what went wrong, where, and what to do about it.

mod coded;
mod foreign;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use foreign::ForeignKind;

use coded::coded;

/// The library's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a file, precise enough to find the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it; `<stdin>` for standard input.
    pub path: String,
    /// Line from 1; 0 for the whole file.
    pub line: u64,
    /// Column in bytes from 1; 0 for the whole line.
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

coded! {
    /// Why one row of an input was rejected. The other rows are still used.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[non_exhaustive]
    pub enum RowFault {
        /// The row and the header differ in their number of fields.
        #[error("the header has {expected} columns, this row {got}")]
        Ragged {
            /// Fields in the header.
            expected: usize,
            /// Fields in this row.
            got: usize,
        } => "K0301", "quote cells that hold the delimiter or a line break";
        /// A single cell in the last line of a table with several columns.
        #[error("the last line is no row of the table: it has one cell, the header {expected}")]
        Footer {
            /// Fields in the header.
            expected: usize,
        } => "K0317";
        /// Bytes that are not UTF-8.
        #[error("not UTF-8 at byte {byte} of the file")]
        NotUtf8 {
            /// Offset from the start of the file.
            byte: u64,
        } => "K0302", "convert the file to UTF-8, or name its encoding";
        /// A line that is not in the encoding of the rest of the file.
        #[error("not valid {encoding}, the encoding of the file")]
        OtherEncoding {
            /// The encoding of the file.
            encoding: &'static str,
        } => "K0315", "write the whole file in one encoding, or name another encoding";
        /// A NUL byte: not allowed in text.
        #[error("a NUL byte at byte {byte} of the file")]
        Nul {
            /// Offset from the start of the file.
            byte: u64,
        } => "K0303";
        /// A cell longer than the limit.
        #[error("a cell (or row) of {bytes} bytes; a cell may have at most {limit}")]
        CellTooLong {
            /// Length of the cell, or of the row if the row is too long to be split into cells.
            bytes: usize,
            /// The limit in force.
            limit: usize,
        } => "K0304";
        /// Lines that end in a lone carriage return, as on old Macs.
        #[error("a carriage return without a line feed")]
        LoneCarriageReturn => "K0313", "save the file with LF or CRLF line ends";
        /// A key that the output writes itself.
        #[error("the key {key:?} is reserved for the output")]
        TakenKey {
            /// The key.
            key: String,
        } => "K0314";
        /// Text after the closing quote of a cell.
        #[error("text after a closing quote")]
        AfterQuote => "K0305";
        /// A wrong timing line in a subtitle cue.
        #[error("the timing line of this cue has {reason}")]
        CueTiming {
            /// What is wrong with the line.
            reason: &'static str,
        } => "K0320";
        /// A line that is not a JSON object.
        #[error("not a JSON object: {reason}")]
        Json {
            /// The message of the JSON parser.
            reason: String,
        } => "K0306";
        /// A JSON object that is nested deeper than the limit.
        #[error("nested more than {limit} deep")]
        TooDeep {
            /// The limit in force.
            limit: usize,
        } => "K0316";
        /// A JSON object without the text key.
        #[error("no key {key:?}")]
        NoTextKey {
            /// The key looked for.
            key: String,
        } => "K0307";
        /// The value under the text key is not a string.
        #[error("{key:?} is {kind}, not a string")]
        NotAString {
            /// The key looked at.
            key: String,
            /// The kind of the value.
            kind: &'static str,
        } => "K0308";
        /// A key that the first object doesn't have, while objects are read as a table.
        #[error("the key {key:?} is not in the first object, which names the columns")]
        StrayKey {
            /// The key.
            key: String,
        } => "K0312";
    }
}

/// What a missing column would hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnHolds {
    /// The statements.
    Text,
    /// The codes of a variable.
    Codes,
    /// The ids that join files.
    Id,
    /// The values that divide statements into slices.
    Slice,
    /// The probabilities of the model.
    Probabilities,
    /// Something else; the user named the column.
    Other,
}

coded! {
    /// Every error of the library, with a stable code and, if something can be done, a hint.
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
        } => "K0101", read_hint(source.kind());
        /// Writing failed; no partial output is left.
        #[error("can't write {path}")]
        Write {
            /// The file or folder.
            path: String,
            /// The system's reason.
            source: io::Error,
        } => "K0102",
            (source.kind() == io::ErrorKind::NotFound).then_some("create the folder first");
        /// The output already exists.
        #[error("{path} already exists")]
        OutputExists {
            /// The output.
            path: PathBuf,
        } => "K0103", "name another output, or remove the existing one";
        /// Input and output are the same file.
        #[error("{path} is already an input or another output")]
        OutputIsInput {
            /// The file.
            path: PathBuf,
        } => "K0104", "name another output";
        /// The key would be written to the output folder.
        #[error("{path}: the key would be in the folder of the output")]
        KeyBesideOutput {
            /// The key.
            path: PathBuf,
        } => "K0105", "the recipients of the output must not get the key: name another folder";
        /// The suffix belongs to no format that can be read or written.
        #[error("{path}: the suffix names no supported format")]
        UnknownFormat {
            /// The file.
            path: String,
            /// The known suffixes.
            known: String,
        } => "K0201", format!("use {known}");
        /// A file of zero bytes, or of white space only.
        #[error("{path}: the file is empty")]
        EmptyFile {
            /// The file.
            path: String,
        } => "K0202";
        /// The file is of an unsupported kind.
        #[error("{path}: looks like {kind}")]
        Foreign {
            /// The file.
            path: String,
            /// What it looks like.
            kind: ForeignKind,
        } => "K0203", kind.remedy();
        /// A table with more columns than the limit.
        #[error("{path}: {columns} columns; a table may have at most {limit}")]
        TooManyColumns {
            /// The file.
            path: String,
            /// Its columns.
            columns: usize,
            /// The limit.
            limit: usize,
        } => "K0212",
            "is the delimiter right? If you trust the file, raise the limit of columns";
        /// A JSON file with columns instead of records.
        #[error("{path}: the JSON holds columns, not records")]
        JsonByColumn {
            /// The file.
            path: String,
        } => "K0213",
            "write one object a row; in pandas: to_json(FILE, orient=\"records\")";
        /// This build was compiled without support for the format.
        #[error("{path}: this build reads no {format} files")]
        NotInBuild {
            /// The file.
            path: String,
            /// The format.
            format: &'static str,
            /// The cargo feature that reads it.
            feature: &'static str,
        } => "K0211",
            format!(
                "build konflik with its feature `{feature}`, or save the file as CSV or JSON lines"
            );
        /// A workbook that can't be read.
        #[error("{path}: can't read the table: {reason}")]
        Workbook {
            /// The file.
            path: String,
            /// What is wrong.
            reason: String,
        } => "K0208",
            "open it where it was made and save it again, without a password, or save the table as \
             CSV";
        /// A workbook without the requested sheet.
        #[error("{path}: no sheet {wanted:?}; the sheets are {}", quoted(.found))]
        MissingSheet {
            /// The file.
            path: String,
            /// The sheet looked for.
            wanted: String,
            /// The sheets of the workbook.
            found: Vec<String>,
        } => "K0209", nearest(wanted, found).map(did_you_mean);
        /// A document or subtitle file that can't be read.
        #[error("{path}: {reason}")]
        Document {
            /// The file.
            path: String,
            /// What is wrong.
            reason: String,
        } => "K0220",
            "open it in the program that wrote it and save it again, as .docx, .txt, .vtt or .srt";
        /// A transcript that exceeds the memory limit, packed or unpacked.
        #[error("{path}: more than {limit} bytes, unpacked")]
        DocumentTooLarge {
            /// The file.
            path: String,
            /// The limit in force.
            limit: u64,
        } => "K0221", "split the file, or raise the limit if you trust the file";
        /// The archive unpacks to more than the limit (as a zip bomb would).
        #[error("{path}: unpacks to more than {limit} bytes")]
        TooLarge {
            /// The file.
            path: String,
            /// The limit in force.
            limit: u64,
        } => "K0210", "if you trust the file, raise the limit";
        /// Two inputs with the same name: their statements would have the same ids.
        #[error("{path}: there is another input called {name:?}")]
        SameName {
            /// The second file.
            path: String,
            /// The common name, without folder and suffix.
            name: String,
        } => "K0223",
            "ids of statements begin with the name of their file: rename one, or ingest separately";
        /// Speakers who may be interviewer or participant.
        #[error("{path}: can't tell who asks and who answers: {}", quoted(.names))]
        WhoAsks {
            /// The file.
            path: String,
            /// Their names.
            names: Vec<String>,
        } => "K0222",
            format!("say whether {} asks or answers", names.first().map_or("P", String::as_str));
        /// A required column is missing.
        #[error("{path}: no column {wanted:?}; the columns are {}", quoted(.found))]
        MissingColumn {
            /// The file.
            path: String,
            /// The column looked for.
            wanted: String,
            /// What the column would hold.
            holds: ColumnHolds,
            /// The columns of the file.
            found: Vec<String>,
        } => "K0204", missing_column_hint(wanted, *holds, found);
        /// Two columns with the same name.
        #[error(
            "{path}: two columns are named {name:?} (the {}. and the {}.)", .first + 1, .second + 1
        )]
        DuplicateColumn {
            /// The file.
            path: String,
            /// The name.
            name: String,
            /// Position of the first, from 0.
            first: usize,
            /// Position of the second, from 0.
            second: usize,
        } => "K0205";
        /// The input has a column that the output writes itself.
        #[error("{path}: the column {name:?} already exists")]
        ColumnTaken {
            /// The file.
            path: String,
            /// The column.
            name: String,
        } => "K0206", "drop that column, or choose another prefix";
        /// A quoted cell that never ends: it would swallow the rest of the file.
        #[error("{at}: the quote opened here is never closed")]
        OpenQuote {
            /// Where the quote opens.
            at: Location,
        } => "K0207", "close the quote, or double it if it belongs to the text";
        /// A faulty row in a file that allows none (a corpus, a gold file).
        #[error("{at}: {fault}")]
        Row {
            /// Where.
            at: Location,
            /// What.
            fault: RowFault,
        } => fault.code(), fault.hint();
        /// A statement without text in a corpus or gold file.
        #[error("{at}: the text is empty")]
        EmptyText {
            /// Where.
            at: Location,
        } => "K0309";
        /// Several faulty rows in a file that allows none.
        #[error("{}", listed(.faults))]
        Rows {
            /// One error per row.
            faults: Vec<Error>,
        } => faults.first().map_or("K0300", Self::code), faults.first().and_then(Self::hint);
        /// A code that the codebook doesn't have.
        #[error("{at}: {variable} has no code {code:?}; its codes are {}", quoted(.codes))]
        UnknownCode {
            /// Where.
            at: Location,
            /// The variable.
            variable: String,
            /// The code found.
            code: String,
            /// The codes of the variable.
            codes: Vec<String>,
        } => "K0310",
            code_hint(code, codes);
        /// A row without an id in a file that is joined by id.
        #[error("{at}: the row has no id")]
        NoId {
            /// Where.
            at: Location,
        } => "K0331", "give every statement a unique id";
        /// A cell that must hold a date with year and month.
        #[error("{at}: {cell:?} is not a date that begins with year and month")]
        NoDate {
            /// Where.
            at: Location,
            /// The cell.
            cell: String,
        } => "K0333", "write dates like 2026-03-14";
        /// An annotation of doccano, Label Studio or a REFI-QDA project that can't be understood.
        #[error("{at}: {reason}")]
        Annotation {
            /// Where.
            at: Location,
            /// What is wrong.
            reason: String,
        } => "K0332";
        /// Two statements with the same id.
        #[error("{at}: the id {id:?} is already in line {first}")]
        DuplicateId {
            /// Where.
            at: Location,
            /// The id.
            id: String,
            /// The line of the first.
            first: u64,
        } => "K0311", "give every statement a unique id";
        /// A TOML or JSON file with a syntax error or unexpected content.
        #[error("{at}: {reason}")]
        Syntax {
            /// Where.
            at: Location,
            /// The message of the parser.
            reason: String,
        } => "K0401";
        /// A codebook that contradicts itself.
        #[error("{path}: {reason}")]
        Codebook {
            /// The file.
            path: String,
            /// What is wrong.
            reason: String,
        } => "K0402";
        /// A gate that contradicts itself, or that has another baseline.
        #[error("{at}: {reason}")]
        Gate {
            /// Where.
            at: Location,
            /// What is wrong.
            reason: String,
        } => "K0802";
        /// No preset has that name.
        #[error("no preset {name:?}; the presets are {}", quoted(.known))]
        UnknownPreset {
            /// The name.
            name: String,
            /// The known presets.
            known: Vec<String>,
        } => "K0404", preset_hint(name, known);
        /// Behavioural tests that can't be run.
        #[error("{at}: {reason}")]
        Behaviour {
            /// Where.
            at: Location,
            /// What is wrong.
            reason: String,
        } => "K0803";
        /// A hyperparameter outside its range.
        #[error("{name} is {value}; it must be {range}")]
        Parameter {
            /// The hyperparameter.
            name: &'static str,
            /// Its value.
            value: String,
            /// The allowed range.
            range: &'static str,
        } => "K0403";
        /// A corpus that can't train a model.
        #[error("can't train: {reason}")]
        Untrainable {
            /// Why.
            reason: String,
        } => "K0501";
        /// A solver that stopped before its optimum.
        #[error(
            "the {solver} did not converge: {measure} is {value:.3e}, must be at most {wanted:.3e}"
        )]
        NotConverged {
            /// Which solver.
            solver: &'static str,
            /// What is measured.
            measure: &'static str,
            /// The final value.
            value: f64,
            /// The required value.
            wanted: f64,
        } => "K0502";
        /// A directory that is not a model, or is damaged.
        #[error("{path}: {reason}")]
        Model {
            /// The model directory or file in it.
            path: String,
            /// What is wrong.
            reason: String,
        } => "K0601", "copy the model again, or train it again";
        /// A folder that is not a sentence encoder, or one of an unsupported kind.
        #[error("{path}: {reason}")]
        Encoder {
            /// The file or folder.
            path: String,
            /// What is wrong.
            reason: String,
        } => "K0604",
            "an encoder is a folder with config.json, tokenizer.json and model.safetensors of a \
             BERT or XLM-RoBERTa sentence model: copy it again, or take another";
        /// A model needs a sentence encoder that was not given.
        #[error("the model was trained with the sentence encoder {needed}; {}", match given {
            Some(given) => format!("given is {given}"),
            None => "none is given".into(),
        })]
        WrongEncoder {
            /// The required encoder.
            needed: String,
            /// The given encoder, if any.
            given: Option<String>,
        } => "K0605",
            "use the encoder that the model was trained with (in a build with the feature \
             `encoder`)";
        /// A sentence encoder was given, but the model was trained without one.
        #[error("the model was trained without a sentence encoder; it can't use {given}")]
        UnusedEncoder {
            /// The encoder.
            given: String,
        } => "K0606",
            "use the model without an encoder, or take a model that was trained with one";
        /// A file of a context encoder is damaged or of another kind.
        #[error("{path} (SHA-256 {hash}): {reason}")]
        ContextEncoder {
            /// The file.
            path: String,
            /// Its hash.
            hash: String,
            /// What is wrong.
            reason: String,
        } => "K0607",
            "copy config.json, tokenizer.json and model.safetensors of the context encoder again, \
             all three from one place";
        /// The model format is newer than this build.
        #[error(
            "{path}: made by konflik {made_by} in model format {found}; \
             this build reads formats up to {supported}"
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
        } => "K0602", "use a newer konflik, or train the model again";
        /// The model was trained with another codebook than the given one.
        #[error("the model was trained with codebook {trained}, the one given is {given}")]
        CodebookMismatch {
            /// Hash of the codebook in the model.
            trained: String,
            /// Hash of the given codebook.
            given: String,
        } => "K0603", "train again with this codebook, or use the codebook of the model";
        /// The vectors of a static encoder can't be used.
        #[error("the vectors of {name}: {reason}")]
        Vectors {
            /// The name of the encoder.
            name: String,
            /// What is wrong.
            reason: String,
        } => "K0702", "use another model2vec directory, or the vectors that konflik ships";
        /// The tokenizer failed.
        #[error("tokenizer: {reason}")]
        Tokenizer {
            /// The message of the library.
            reason: String,
        } => "K0701";
        /// Nothing to evaluate.
        #[error("{path}: nothing to evaluate: {reason}")]
        NotMeasured {
            /// The gold file.
            path: String,
            /// Why.
            reason: String,
        } => "K0801";
        /// A routing file that can't be used.
        #[error("{at}: {reason}")]
        Routes {
            /// Where.
            at: Location,
            /// What is wrong.
            reason: String,
            /// A similar known name.
            near: Option<String>,
        } => "K0901", near.as_deref().map(did_you_mean);
        /// The rows of a report were coded by another model or codebook.
        #[error("{path} was coded by the {what} {labelled}, the one given is {given}")]
        CodedByOther {
            /// The labelled file.
            path: String,
            /// `model` or `codebook`.
            what: &'static str,
            /// The one that the file names.
            labelled: String,
            /// The given one, or the default.
            given: String,
        } => "K0902", format!("use the {what} that the file was labelled with");
        /// A report template can't be used.
        #[error("template {name}: {reason}")]
        Template {
            /// The template, with its line if known.
            name: String,
            /// The message of the library.
            reason: String,
        } => "K0903", "correct the template, or use the built-in one";
        /// A solver refused its input.
        #[error("{reason}")]
        Solver {
            /// The message of the solver.
            reason: String,
        } => "K0503";
    }
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

    /// Combines the faults into one error; `None` for no fault.
    pub(crate) fn several(mut faults: Vec<Self>) -> Option<Self> {
        match faults.len() {
            0 | 1 => faults.pop(),
            _ => Some(Self::Rows { faults }),
        }
    }
}

fn read_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound => Some("check the name"),
        io::ErrorKind::PermissionDenied => {
            Some("close the file in other programs, or ask for permission to read it")
        }
        _ => None,
    }
}

fn missing_column_hint(wanted: &str, holds: ColumnHolds, found: &[String]) -> String {
    let remedy = match holds {
        ColumnHolds::Text => "name the column of the text",
        ColumnHolds::Other => "name one of these",
        ColumnHolds::Codes => "codes are in columns named after the codebook's variables",
        ColumnHolds::Probabilities => "label the file first",
        ColumnHolds::Slice => "statements can be divided by any column of the file",
        ColumnHolds::Id => "the files are joined by a column of ids: give each statement one",
    };
    if holds == ColumnHolds::Text && looks_like_data(found) {
        return "the first row looks like data: if the table has no header, say so, and name the \
                column of the text"
            .into();
    }
    match nearest(wanted, found) {
        Some(near) => format!("{} {remedy}", did_you_mean(near)),
        None if found.len() == 1 => {
            format!("only one column was found: is the delimiter right? {remedy}")
        }
        None => remedy.into(),
    }
}

/// Whether one of the names is a number or a date, so that they look like a row of data rather than
/// like a header.
pub fn looks_like_data(names: &[String]) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || " -+/.,:%".contains(c);
    let is_number =
        |name: &String| name.chars().all(is_part) && name.chars().any(|c| c.is_ascii_digit());
    names.iter().any(is_number)
}

fn code_hint(code: &str, codes: &[String]) -> String {
    nearest(code, codes).map_or_else(
        || "add the code to the codebook, or correct the row".into(),
        did_you_mean,
    )
}

fn preset_hint(name: &str, known: &[String]) -> String {
    match nearest(name, known) {
        Some(near) => format!("{} A file of your own ends in .toml", did_you_mean(near)),
        None => "name one of them, or a file that ends in .toml".into(),
    }
}

fn did_you_mean(near: &str) -> String {
    format!("did you mean {near:?}?")
}

/// The candidate most similar to `word`, if any is similar enough.
pub fn nearest<'a>(word: &str, candidates: &'a [String]) -> Option<&'a str> {
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
        "{} rows have errors\n  {}",
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
