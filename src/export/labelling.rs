//! Labels a file: the job that the command line, a wheel and a worker share.

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

/// How a file is labelled.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LabelOptions {
    /// How the input is read.
    pub read: ReadOptions,
    /// What the names of our columns begin with; `konflik_` when `None`.
    pub prefix: Option<String>,
    /// How many rows the context encoder reads.
    pub depth: Depth,
    /// Leave out the words that spoke for a code: faster.
    pub no_evidence: bool,
    /// How near copies of earlier rows are looked for; not at all when `None`.
    pub duplicates: Option<DuplicateParams>,
    /// Where rows go.
    pub routes: Option<Routes>,
    /// The format of the output; by its suffix, or that of the input for standard output, when
    /// `None`.
    pub format: Option<TableFormat>,
    /// The formats that a suffix may name.
    pub formats: TableFormats,
    /// Where rows go that can't be read; beside the output when `None`, nowhere for standard
    /// output.
    pub rejects: Option<PathBuf>,
    /// Whether outputs that are there are replaced.
    pub force: bool,
}

impl LabelOptions {
    /// Where rows of a labelling to `output` go that can't be read.
    fn rejects_of(&self, output: &Path) -> Option<PathBuf> {
        let beside = || (output.as_os_str() != "-").then(|| rejects_beside(output));
        self.rejects.clone().or_else(beside)
    }
}

/// What happens while a file is labelled.
#[derive(Debug)]
#[non_exhaustive]
pub enum LabelEvent<'e> {
    /// So many rows more were labelled or left out.
    Rows(u64),
    /// A row was left out.
    LeftOut(&'e Rejected),
}

/// A file that is open, checked and ready to be labelled. Dropping it leaves nothing.
pub struct LabelJob<'a> {
    model: &'a Model,
    options: &'a LabelOptions,
    reader: Reader,
    rows: LabelledRows<'a>,
    output: Output,
    rejects: Option<(PathBuf, Output)>,
}

/// Labels the statements of a file with the starter model or another one and writes them with
/// their codes; `-` is standard input or output.
///
/// Fails before any row is read where the output can't be written, where it is the input, or where
/// the input has a column of ours. A row that can't be read goes to the rejects; the other rows are
/// labelled.
pub fn label_file(
    model: &Model,
    input: &Path,
    output: &Path,
    options: &LabelOptions,
) -> Result<LabelCounts> {
    LabelJob::open(model, input, output, options)?.run(&mut |_| {})
}

impl<'a> LabelJob<'a> {
    /// Opens input and outputs and checks all that can be checked before the work.
    pub fn open(
        model: &'a Model,
        input: &Path,
        output: &Path,
        options: &'a LabelOptions,
    ) -> Result<Self> {
        let reader = Reader::open(input, &options.read)?;
        Self::with_reader(model, reader, output, options)
    }

    /// The same with an input that is open already.
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

    /// Where rows go that can't be read.
    pub fn rejects(&self) -> Option<&Path> {
        self.rejects.as_ref().map(|(path, _)| path.as_path())
    }

    /// Labels all rows and puts the output into place, and the rejects if there are any.
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

/// Refuses to write over what is being read.
pub fn refuse_same_file(input: &Path, output: &Path) -> Result<()> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Error::OutputIsInput {
            path: output.to_path_buf(),
        }),
        _ => Ok(()),
    }
}
