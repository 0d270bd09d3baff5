//! Labels a file: the job shared by the command line, a Python wheel and a web worker.

use std::path::{Path, PathBuf};

use super::rejects::{discard_rejects, rejected_json};
use super::rows::{LabelledColumns, LabelledRows};
use super::table::{TableFormat, TableFormats};
use crate::base::output::Output;
use crate::error::{Error, Result};
use crate::ingest::{ReadOptions, Reader, Rejected};
use crate::label::{
    Depth, DuplicateParams, LabelCounts, Labelled, Labeller, Labelling, Routes, label_rows,
};
use crate::model::Model;

/// Options for labelling a file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LabelOptions {
    /// Options for reading the input.
    pub read: ReadOptions,
    /// Prefix of the added columns; `konflik_` if `None`.
    pub prefix: Option<String>,
    /// How many rows the context encoder reads.
    pub depth: Depth,
    /// Leave out the evidence words, which is faster.
    pub no_evidence: bool,
    /// Parameters of the search for near copies of earlier rows; `None` turns it off.
    pub duplicates: Option<DuplicateParams>,
    /// Rules that send rows to queues.
    pub routes: Option<Routes>,
    /// The output format. If `None`, the suffix of the output decides; for standard output, the
    /// format of the input.
    pub format: Option<TableFormat>,
    /// The formats that a suffix may select.
    pub formats: TableFormats,
    /// Path for rows that can't be read. If `None`, the path is next to the output; for standard
    /// output there is none.
    pub rejects: Option<PathBuf>,
    /// Whether existing outputs are replaced.
    pub force: bool,
}

impl LabelOptions {
    /// Path for the unreadable rows of a labelling to `output`.
    fn rejects_of(&self, output: &Path) -> Option<PathBuf> {
        let beside = || (output.as_os_str() != "-").then(|| rejects_beside(output));
        self.rejects.clone().or_else(beside)
    }
}

/// Events while a file is labelled.
#[derive(Debug)]
#[non_exhaustive]
pub enum LabelEvent<'e> {
    /// This number of further rows was labelled or left out.
    Rows(u64),
    /// A row was left out.
    LeftOut(&'e Rejected),
}

/// A labelling job that is open and checked. Dropping it leaves no files.
pub struct LabelJob<'a> {
    model: &'a Model,
    options: &'a LabelOptions,
    reader: Reader,
    rows: LabelledRows<'a>,
    output: Output,
    rejects: Option<(PathBuf, Output)>,
}

/// Labels the statements of a file with a model, such as the starter model, and writes them with
/// their codes; `-` is standard input or output.
///
/// Fails before reading a row if the output can't be written, if the output is the input, or if the
/// input already has one of the added columns. A row that can't be read goes to the rejects; the
/// other rows are labelled.
pub fn label_file(
    model: &Model,
    input: &Path,
    output: &Path,
    options: &LabelOptions,
) -> Result<LabelCounts> {
    LabelJob::open(model, input, output, options)?.run(&mut |_| {})
}

impl<'a> LabelJob<'a> {
    /// Opens input and outputs and checks everything that can be checked before the work.
    pub fn open(
        model: &'a Model,
        input: &Path,
        output: &Path,
        options: &'a LabelOptions,
    ) -> Result<Self> {
        let reader = Reader::open(input, &options.read)?;
        Self::with_reader(model, reader, output, options)
    }

    /// Like `open`, with an input that is already open.
    pub fn with_reader(
        model: &'a Model,
        reader: Reader,
        path: &Path,
        options: &'a LabelOptions,
    ) -> Result<Self> {
        let input = Path::new(reader.name());
        refuse_same_file(input, path)?;
        let output = Output::prepare(path, options.force)?;
        reader.settled()?;
        let format = match options.format {
            Some(format) => format,
            None if output.is_stdout() => options.formats.like(reader.layout())?,
            None => options.formats.of_path(path)?,
        };
        let default = LabelledColumns::default();
        let columns = LabelledColumns {
            prefix: options.prefix.clone().unwrap_or(default.prefix),
            evidence: !options.no_evidence,
            copies: options.duplicates.is_some(),
            routes: options.routes.is_some(),
        };
        let rows = LabelledRows::new(reader.layout(), reader.name(), &format, model, &columns)?;
        let rejects = match options.rejects_of(path) {
            Some(rejects) if rejects == path => {
                return Err(Error::OutputIsInput { path: rejects });
            }
            Some(rejects) => {
                refuse_same_file(input, &rejects)?;
                let prepared = Output::prepare(&rejects, options.force)?;
                Some((rejects, prepared))
            }
            None => None,
        };
        Ok(Self {
            model,
            options,
            reader,
            rows,
            output,
            rejects,
        })
    }

    /// The input.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Path for rows that can't be read.
    pub fn rejects(&self) -> Option<&Path> {
        self.rejects.as_ref().map(|(path, _)| path.as_path())
    }

    /// Labels all rows, then moves the output into place, and the rejects if there are any.
    pub fn run(self, watch: &mut (dyn FnMut(LabelEvent<'_>) + Send)) -> Result<LabelCounts> {
        let Self {
            model,
            options,
            mut reader,
            rows,
            mut output,
            rejects,
        } = self;
        let labeller = Labeller::new(model);
        let labeller = if options.no_evidence {
            labeller.without_evidence()
        } else {
            labeller
        };
        let labelling = Labelling {
            labeller: &labeller,
            depth: options.depth,
            duplicates: options.duplicates.as_ref(),
            routes: options.routes.as_ref(),
        };
        let mut rejects = rejects.map(|(_, rejects)| rejects);
        output.write(&rows.writer().header()?)?;
        let counts = label_rows(
            &mut reader,
            labelling,
            &|row, bytes| rows.row(row, bytes),
            &mut |labelled| match labelled {
                Labelled::Rows { count, bytes } => {
                    watch(LabelEvent::Rows(count));
                    output.write(&rows.writer().add(bytes)?)
                }
                Labelled::Rejected(row) => {
                    watch(LabelEvent::Rows(1));
                    watch(LabelEvent::LeftOut(&row));
                    match &mut rejects {
                        Some(rejects) => rejects.write(&rejected_json(&row)),
                        None => Ok(()),
                    }
                }
            },
        )?;
        output.write(&rows.writer().finish()?)?;
        match rejects {
            Some(rejects) if counts.rejected > 0 => rejects.commit()?,
            Some(rejects) => discard_rejects(rejects)?,
            None => {}
        }
        output.commit()?;
        Ok(counts)
    }
}

/// `labelled.csv.rejects.jsonl` for `labelled.csv`.
pub fn rejects_beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".rejects.jsonl");
    PathBuf::from(name)
}

/// Refuses to overwrite the input.
pub fn refuse_same_file(input: &Path, output: &Path) -> Result<()> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Error::OutputIsInput {
            path: output.to_path_buf(),
        }),
        _ => Ok(()),
    }
}
