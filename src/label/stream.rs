//! Labels a stream of rows in order, on all cores, without holding the stream.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::duplicates::{DuplicateParams, FirstRows};
use super::{Labeller, Prediction};
use crate::error::{Location, Result, RowFault};
use crate::ingest::privacy::Counts;
use crate::ingest::{Reader, Record, Rejected};

/// Makes the bytes of a row from what was read, what was predicted and the id of the row that it
/// is a copy of, on any thread.
pub type Render<'a> =
    dyn Fn(&Record, Option<&Prediction>, Option<&str>) -> Result<Vec<u8>, RowFault> + Sync + 'a;

/// Rows that are labelled at once.
const CHUNK: usize = 1024;

/// What became of one row.
#[derive(Debug)]
pub enum Labelled {
    /// The row as it is to be written.
    Row(Vec<u8>),
    /// The row could not be read or written.
    Rejected(Rejected),
}

/// Counts of a labelling. Rows read = labelled + blank + rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Rows read.
    pub rows: u64,
    /// Rows with codes.
    pub labelled: u64,
    /// Rows without text: written without codes.
    pub blank: u64,
    /// The line of the first of them.
    pub first_blank: Option<u64>,
    /// Rows left out.
    pub rejected: u64,
    /// For each variable (by position) and code (by position) the rows by decision.
    pub codes: BTreeMap<(usize, usize), [u64; 3]>,
    /// Rows that are near copies of an earlier one, where that was looked for.
    pub copies: u64,
    /// Private data that was masked, by kind.
    pub masked: Counts,
    /// Pseudonyms that stood in the input already.
    pub taken_pseudonyms: u64,
    /// Rows by the best code of every variable, in the order of the codebook.
    pub combinations: BTreeMap<Vec<usize>, u64>,
}

impl LabelCounts {
    fn add(&mut self, line: u64, prediction: Option<&Prediction>) {
        let Some(prediction) = prediction else {
            self.blank += 1;
            self.first_blank.get_or_insert(line);
            return;
        };
        self.labelled += 1;
        for (position, variable) in prediction.variables.iter().enumerate() {
            let counts = self.codes.entry((position, variable.code)).or_default();
            counts[variable.decision as usize] += 1;
        }
        let combination = prediction.variables.iter().map(|v| v.code).collect();
        *self.combinations.entry(combination).or_default() += 1;
    }
}

/// Rows that were read, each with the id of the row that it is a copy of.
type Waiting = Vec<(Result<Record, Rejected>, Option<String>)>;

/// A row with its line and what was predicted of it.
type Done = (u64, Option<Prediction>, Labelled);

/// Labels every row of `reader`; `sink` gets what `to_bytes` made of the rows, in order. With
/// `duplicates`, near copies of earlier rows are looked for. Reading ahead and writing behind go
/// on while rows are labelled.
pub fn label_rows(
    reader: &mut Reader,
    labeller: &Labeller<'_>,
    duplicates: Option<&DuplicateParams>,
    to_bytes: &Render<'_>,
    sink: &mut (dyn FnMut(Labelled) -> Result<()> + Send),
) -> Result<LabelCounts> {
    let mut counts = LabelCounts::default();
    let input = reader.name().to_string();
    let mut firsts = duplicates.map(|params| FirstRows::new(params.clone()));
    let mut waiting = read_chunk(reader, firsts.as_mut())?;
    let mut done = Vec::new();
    let mut copies = 0;
    while !waiting.is_empty() {
        copies += waiting.iter().filter(|(_, copy)| copy.is_some()).count() as u64;
        let (coded, (written, read)) = rayon::join(
            || label_chunk(waiting, &input, labeller, to_bytes),
            || {
                rayon::join(
                    || write_chunk(done, &mut counts, sink),
                    || read_chunk(reader, firsts.as_mut()),
                )
            },
        );
        written?;
        (done, waiting) = (coded?, read?);
    }
    write_chunk(done, &mut counts, sink)?;
    counts.copies = copies;
    counts.masked = reader.masked().clone();
    counts.taken_pseudonyms = reader.taken_pseudonyms();
    Ok(counts)
}

/// The next rows; none at the end.
fn read_chunk(reader: &mut Reader, firsts: Option<&mut FirstRows>) -> Result<Waiting> {
    let mut rows = Vec::with_capacity(CHUNK);
    while rows.len() < CHUNK {
        match reader.next_row()? {
            Some(row) => rows.push(row),
            None => break,
        }
    }
    let copies = match firsts {
        Some(firsts) => firsts.copies(&rows, reader.layout()),
        None => vec![None; rows.len()],
    };
    Ok(rows.into_iter().zip(copies).collect())
}

fn label_chunk(
    rows: Waiting,
    input: &str,
    labeller: &Labeller<'_>,
    to_bytes: &Render<'_>,
) -> Result<Vec<Done>> {
    let model = labeller.model();
    let vectors = match model.sentence_encoder() {
        Some(_) => {
            let text = |row: &Result<Record, Rejected>| match row {
                Ok(record) => record.text.clone(),
                Err(_) => String::new(),
            };
            let texts: Vec<String> = rows.iter().map(|(row, _)| text(row)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Some(model.extractor().sentence_vectors(&texts)?)
        }
        None => None,
    };
    let vector = |i: usize| {
        vectors
            .as_ref()
            .map_or_else(Vec::new, |v| v.row(i).to_vec())
    };
    let rows = rows.into_par_iter().enumerate();
    rows.map(|(i, (row, copy))| match row {
        Ok(record) => {
            let copy = copy.as_deref();
            label_row(record, vector(i), copy, input, labeller, to_bytes)
        }
        Err(rejected) => Ok((0, None, Labelled::Rejected(rejected))),
    })
    .collect()
}

fn write_chunk(
    rows: Vec<Done>,
    counts: &mut LabelCounts,
    sink: &mut (dyn FnMut(Labelled) -> Result<()> + Send),
) -> Result<()> {
    for (line, prediction, row) in rows {
        counts.rows += 1;
        match &row {
            Labelled::Row(_) => counts.add(line, prediction.as_ref()),
            Labelled::Rejected(_) => counts.rejected += 1,
        }
        sink(row)?;
    }
    Ok(())
}

fn label_row(
    record: Record,
    sentence: Vec<f32>,
    copy: Option<&str>,
    input: &str,
    labeller: &Labeller<'_>,
    to_bytes: &Render<'_>,
) -> Result<Done> {
    let prediction = labeller.predict_beside(&record.text, sentence)?;
    let row = match to_bytes(&record, prediction.as_ref(), copy) {
        Ok(bytes) => Labelled::Row(bytes),
        Err(fault) => Labelled::Rejected(Rejected {
            at: Location::new(input, record.line, 0),
            last_line: record.line,
            fault,
            raw: record.raw,
        }),
    };
    Ok((record.line, prediction, row))
}
