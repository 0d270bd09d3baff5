//! Labels a stream of rows in order on all cores, without keeping the stream in memory.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::context::{Context, ContextReading, Depth, read_those};
use super::duplicates::{DuplicateParams, FirstRows};
use super::familiar::Likeness;
use super::{Labeller, Prediction, ReadBy, Routes, Rule};
use crate::error::{Result, RowFault};
use crate::ingest::clean::{Cleaned, CutKind, says_nothing, statement_text};
use crate::ingest::privacy::Counts;
use crate::ingest::{Layout, Reader, Record, Rejected};

/// Appends the bytes of a row, on any thread.
pub type Render<'a> = dyn Fn(&LabelledRow<'_>, &mut Vec<u8>) -> Result<(), RowFault> + Sync + 'a;

/// A row with its results.
#[derive(Debug, Clone, Copy)]
pub struct LabelledRow<'r> {
    /// The input row.
    pub record: &'r Record,
    /// The prediction; `None` for a row without content.
    pub prediction: Option<&'r Prediction>,
    /// The id of the row that this row copies, if copies are searched.
    pub copy_of: Option<&'r str>,
    /// The first matching rule, if there are routes.
    pub rule: Option<&'r Rule>,
}

/// Options of the labelling.
#[derive(Clone, Copy)]
pub struct Labelling<'a> {
    /// Makes the predictions.
    pub labeller: &'a Labeller<'a>,
    /// How many rows the context encoder reads, if the model learned to use it.
    pub depth: Depth,
    /// Parameters of the search for near copies; `None` turns it off.
    pub duplicates: Option<&'a DuplicateParams>,
    /// Rules that send rows to queues.
    pub routes: Option<&'a Routes>,
}

/// Number of rows labelled at once, unless they are long.
const CHUNK: usize = 4096;
/// Approximate size of the rows labelled at once, in bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// Number of rows labelled at once if the context encoder reads them all.
const READ_CHUNK: usize = 512;
/// Number of first rows that are compared with the training data.
const LOOKED_AT: usize = 500;
/// Number of rows that a thread takes at once.
const BLOCK: usize = 64;

/// The result for some rows.
#[derive(Debug)]
pub enum Labelled {
    /// Consecutive rows, rendered for the output.
    Rows {
        /// Number of rows.
        count: u64,
        /// The rendered bytes.
        bytes: Vec<u8>,
    },
    /// A row could not be read or written.
    Rejected(Rejected),
}

/// Counts of a labelling. Rows read = labelled + blank + silent + context + rejected.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LabelCounts {
    /// Rows read.
    pub rows: u64,
    /// Rows with codes.
    pub labelled: u64,
    /// Rows without text; written without codes.
    pub blank: u64,
    /// The line of the first blank row.
    pub first_blank: Option<u64>,
    /// Rows with a text [without content](crate::ingest::clean::says_nothing); written without
    /// codes.
    pub silent: u64,
    /// The line of the first silent row.
    pub first_silent: Option<u64>,
    /// Rows of an interviewer, by the column of speakers; written without codes.
    pub context: u64,
    /// The line of the first row of an interviewer.
    pub first_context: Option<u64>,
    /// Rows left out.
    pub rejected: u64,
    /// Number of rows by decision, for each variable (by position) and code (by position).
    pub codes: BTreeMap<(usize, usize), [u64; 3]>,
    /// Rows that are near copies of an earlier row, if copies were searched.
    pub copies: u64,
    /// Rows with the id of an earlier row, if copies were searched.
    pub repeated_ids: u64,
    /// Line and id of the first such row.
    pub first_repeated_id: Option<(u64, String)>,
    /// How similar the batch is to the threshold training data, if `auto` was held back.
    pub held_back: Option<Likeness>,
    /// Rows that the context encoder read.
    pub read_in_context: u64,
    /// Rows whose end the context encoder did not read because they are too long.
    pub read_in_part: u64,
    /// Rows from which text was cut before coding, by kind.
    pub cut: BTreeMap<CutKind, u64>,
    /// Private data that was masked, by kind.
    pub masked: Counts,
    /// Pseudonyms that were already in the input.
    pub taken_pseudonyms: u64,
    /// Columns in which every cell was masked as a whole.
    pub masked_columns: Vec<String>,
    /// Rows by the best code of every variable, in the order of the codebook.
    pub combinations: BTreeMap<Vec<usize>, u64>,
}

impl LabelCounts {
    fn add(&mut self, record: &Record, prediction: Option<&Prediction>) {
        self.rows += 1;
        let Some(prediction) = prediction else {
            let (count, first) = if record.text.trim().is_empty() {
                (&mut self.blank, &mut self.first_blank)
            } else if record.is_context {
                (&mut self.context, &mut self.first_context)
            } else {
                (&mut self.silent, &mut self.first_silent)
            };
            *count += 1;
            first.get_or_insert(record.line);
            return;
        };
        self.labelled += 1;
        self.read_in_context += u64::from(prediction.read_by == ReadBy::Context);
        for (position, variable) in prediction.variables.iter().enumerate() {
            let counts = self.codes.entry((position, variable.code)).or_default();
            counts[variable.decision as usize] += 1;
        }
        let combination = prediction.variables.iter().map(|v| v.code).collect();
        *self.combinations.entry(combination).or_default() += 1;
    }

    /// Adds the counts of later rows.
    fn append(&mut self, other: &Self) {
        self.rows += other.rows;
        self.labelled += other.labelled;
        self.blank += other.blank;
        self.first_blank = self.first_blank.or(other.first_blank);
        self.silent += other.silent;
        self.first_silent = self.first_silent.or(other.first_silent);
        self.context += other.context;
        self.first_context = self.first_context.or(other.first_context);
        self.rejected += other.rejected;
        self.read_in_context += other.read_in_context;
        self.read_in_part += other.read_in_part;
        for (code, counts) in &other.codes {
            let sums = self.codes.entry(*code).or_default();
            sums.iter_mut().zip(counts).for_each(|(s, n)| *s += n);
        }
        for (kind, n) in &other.cut {
            *self.cut.entry(*kind).or_default() += n;
        }
        for (combination, n) in &other.combinations {
            *self.combinations.entry(combination.clone()).or_default() += n;
        }
    }
}

/// The input file.
struct Input {
    name: String,
    layout: Layout,
}

/// Rows that were read but not yet labelled.
struct Waiting {
    rows: Vec<Result<Record, Rejected>>,
    /// For each row the id of the row that it copies; empty if copies are not searched.
    copies: Vec<Option<String>>,
}

/// Rows that one thread labelled, in order.
#[derive(Default)]
struct Block {
    done: Vec<Labelled>,
    counts: LabelCounts,
}

/// Labels every row of `reader`; `sink` gets the output of `to_bytes` for the rows, in order. While
/// rows are labelled, the next rows are read and the previous rows are written.
pub fn label_rows(
    reader: &mut Reader,
    labelling: Labelling<'_>,
    to_bytes: &Render<'_>,
    sink: &mut (dyn FnMut(Labelled) -> Result<()> + Send),
) -> Result<LabelCounts> {
    let Labelling {
        labeller, depth, ..
    } = labelling;
    let mut counts = LabelCounts::default();
    let input = Input {
        name: reader.name().to_string(),
        layout: reader.layout().clone(),
    };
    let mut firsts = labelling
        .duplicates
        .map(|params| FirstRows::new(params.clone()));
    let context = match depth {
        Depth::Fast => None,
        _ => Context::of(labeller.model())?,
    };
    let mut second = SecondReading {
        context,
        depth,
        before: 0,
        holds_back: false,
    };
    let mut waiting = read_chunk(reader, Vec::new(), firsts.as_mut(), second.chunk())?;
    counts.held_back = unlike(&waiting, labeller)?;
    second.holds_back = counts.held_back.is_some();
    let mut done = Vec::new();
    let mut used = Vec::new();
    let mut copies = 0;
    while !waiting.rows.is_empty() {
        copies += waiting.copies.iter().flatten().count() as u64;
        let this = second;
        second.before += waiting.rows.len() as u64;
        let next = second.chunk();
        let (coded, (written, read)) = rayon::join(
            || label_chunk(&waiting, &input, labelling, this, to_bytes),
            || {
                rayon::join(
                    || write_chunk(done, &mut counts, sink),
                    || read_chunk(reader, used, firsts.as_mut(), next),
                )
            },
        );
        written?;
        done = coded?;
        // The reader reuses the memory of the rows.
        used = std::mem::replace(&mut waiting, read?).rows;
    }
    write_chunk(done, &mut counts, sink)?;
    counts.copies = copies;
    if let Some(firsts) = firsts {
        counts.repeated_ids = firsts.ids.repeated;
        counts.first_repeated_id = firsts.ids.first;
    }
    counts.masked = reader.masked().clone();
    counts.taken_pseudonyms = reader.taken_pseudonyms();
    counts.masked_columns = reader.masked_columns();
    Ok(counts)
}

/// The next rows; empty at the end. The memory of `used` is reused.
fn read_chunk(
    reader: &mut Reader,
    used: Vec<Result<Record, Rejected>>,
    firsts: Option<&mut FirstRows>,
    most: usize,
) -> Result<Waiting> {
    let used = used.into_iter().flatten();
    used.for_each(|record| reader.reuse(record));
    let mut rows = Vec::with_capacity(most);
    let mut bytes = 0;
    while rows.len() < most && bytes < CHUNK_BYTES {
        let Some(row) = reader.next_row()? else {
            break;
        };
        bytes += match &row {
            Ok(record) => record.raw.len(),
            Err(rejected) => rejected.raw.len(),
        };
        rows.push(row);
    }
    let copies = firsts.map(|firsts| firsts.copies(&rows, reader.layout()));
    Ok(Waiting {
        rows,
        copies: copies.unwrap_or_default(),
    })
}

/// The text of a row that is coded; empty for a row that could not be read or only asks.
fn text(row: &Result<Record, Rejected>) -> &str {
    let coded = row.as_ref().ok().filter(|record| !record.is_context);
    coded.map_or("", |record| record.text.as_str())
}

/// The likeness of the first rows, if they differ from the threshold training data.
fn unlike(waiting: &Waiting, labeller: &Labeller<'_>) -> Result<Option<Likeness>> {
    let Some(reading) = labeller.model().reading() else {
        return Ok(None);
    };
    let texts: Vec<&str> = waiting.rows.iter().map(text).take(LOOKED_AT).collect();
    let likeness = Likeness::of(&texts, labeller)?;
    Ok(likeness.filter(|l| l.is_unlike(&reading.familiar)))
}

/// Decides which rows of a batch the context encoder reads.
#[derive(Clone, Copy)]
struct SecondReading<'m> {
    context: Option<Context<'m>>,
    depth: Depth,
    /// Number of earlier rows.
    before: u64,
    /// Whether the batch differs from the threshold training data.
    holds_back: bool,
}

impl SecondReading<'_> {
    /// Number of rows labelled at once.
    fn chunk(&self) -> usize {
        let reads_all = match self.depth {
            Depth::Fast => false,
            Depth::Usual { whole } => self.before < whole,
            Depth::Careful => true,
        };
        if reads_all && self.context.is_some() {
            READ_CHUNK
        } else {
            CHUNK
        }
    }

    /// The encoder's results for rows; `None` for rows that the encoder does not read.
    fn of(
        &self,
        cleaned: &[Cleaned<'_>],
        labeller: &Labeller<'_>,
        vector: impl Fn(usize) -> Vec<f32> + Sync,
    ) -> Result<Vec<Option<ContextReading>>> {
        let Some(context) = &self.context else {
            return Ok(Vec::new());
        };
        let whole = match self.depth {
            Depth::Usual { whole } => whole.saturating_sub(self.before) as usize,
            _ => cleaned.len(),
        };
        let doubted = cleaned.par_iter().enumerate().map(|(i, text)| {
            if i < whole {
                return Ok(!says_nothing(text));
            }
            let fast = labeller.predict_beside(text, vector(i), None)?;
            Ok(fast.is_some_and(|p| context.doubts(&p)))
        });
        let doubted: Vec<bool> = doubted.collect::<Result<_>>()?;
        read_those(context, cleaned, labeller.gives_evidence(), |i| doubted[i])
    }
}

fn label_chunk(
    waiting: &Waiting,
    input: &Input,
    labelling: Labelling<'_>,
    second: SecondReading<'_>,
    to_bytes: &Render<'_>,
) -> Result<Vec<Block>> {
    let Waiting { rows, copies } = waiting;
    let labeller = labelling.labeller;
    let model = labeller.model();
    let vectors = match model.sentence_encoder() {
        Some(_) => {
            let texts: Vec<&str> = rows.iter().map(text).collect();
            Some(model.extractor().sentence_vectors(&texts)?)
        }
        None => None,
    };
    let vector = |i: usize| {
        vectors
            .as_ref()
            .map_or_else(Vec::new, |v| v.row(i).to_vec())
    };
    let cleaned: Vec<Cleaned<'_>> = rows
        .par_iter()
        .map(|row| statement_text(text(row)))
        .collect();
    let readings = second.of(&cleaned, labeller, vector)?;
    let label_block = |(number, rows): (usize, &[Result<Record, Rejected>])| {
        let mut block = Block::default();
        for (i, row) in (number * BLOCK..).zip(rows) {
            let record = match row {
                Ok(record) => record,
                Err(rejected) => {
                    block.reject(rejected.clone());
                    continue;
                }
            };
            let cleaned = &cleaned[i];
            let reading = readings.get(i).and_then(Option::as_ref);
            let mut prediction = labeller.predict_beside(cleaned, vector(i), reading)?;
            if second.holds_back {
                prediction.iter_mut().for_each(Prediction::hold_back);
            }
            block.counts.read_in_part += u64::from(reading.is_some_and(|r| r.unread > 0));
            for kind in cleaned.kinds().filter(|_| prediction.is_some()) {
                *block.counts.cut.entry(kind).or_default() += 1;
            }
            let rule = labelling
                .routes
                .zip(prediction.as_ref())
                .and_then(|(routes, p)| routes.rule_for(record, p, &input.layout));
            let row = LabelledRow {
                record,
                prediction: prediction.as_ref(),
                copy_of: copies.get(i).and_then(Option::as_deref),
                rule,
            };
            block.add(&row, &input.name, |bytes| to_bytes(&row, bytes));
        }
        Ok(block)
    };
    rows.par_chunks(BLOCK)
        .enumerate()
        .map(label_block)
        .collect()
}

impl Block {
    fn add(
        &mut self,
        row: &LabelledRow<'_>,
        input: &str,
        render: impl FnOnce(&mut Vec<u8>) -> Result<(), RowFault>,
    ) {
        if !matches!(self.done.last(), Some(Labelled::Rows { .. })) {
            self.done.push(Labelled::Rows {
                count: 0,
                bytes: Vec::new(),
            });
        }
        let Some(Labelled::Rows { count, bytes }) = self.done.last_mut() else {
            return;
        };
        let before = bytes.len();
        match render(bytes) {
            Ok(()) => {
                *count += 1;
                self.counts.add(row.record, row.prediction);
            }
            Err(fault) => {
                bytes.truncate(before);
                self.reject(row.record.rejected(input, fault));
            }
        }
    }

    fn reject(&mut self, rejected: Rejected) {
        self.counts.rows += 1;
        self.counts.rejected += 1;
        self.done.push(Labelled::Rejected(rejected));
    }
}

fn write_chunk(
    blocks: Vec<Block>,
    counts: &mut LabelCounts,
    sink: &mut (dyn FnMut(Labelled) -> Result<()> + Send),
) -> Result<()> {
    for block in blocks {
        counts.append(&block.counts);
        block.done.into_iter().try_for_each(&mut *sink)?;
    }
    Ok(())
}
