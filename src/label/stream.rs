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

/// Labels every row of `reader`; `sink` gets what `to_bytes` made of the rows, in order. With
/// `duplicates`, near copies of earlier rows are looked for.
pub fn label_rows(
    reader: &mut Reader,
    labeller: &Labeller<'_>,
    duplicates: Option<&DuplicateParams>,
    to_bytes: &Render<'_>,
    sink: &mut dyn FnMut(Labelled) -> Result<()>,
) -> Result<LabelCounts> {
    let mut counts = LabelCounts::default();
    let input = reader.name().to_string();
    let model = labeller.model();
    let mut firsts = duplicates.map(|params| FirstRows::new(params.clone()));
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            match reader.next_row()? {
                Some(row) => chunk.push(row),
                None => break,
            }
        }
        if chunk.is_empty() {
            counts.masked = reader.masked().clone();
            counts.taken_pseudonyms = reader.taken_pseudonyms();
            return Ok(counts);
        }
        let text = |row: &Result<Record, Rejected>| match row {
            Ok(record) => record.text.clone(),
            Err(_) => String::new(),
        };
        let vectors = if model.sentence_encoder().is_some() {
            let texts: Vec<String> = chunk.iter().map(text).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Some(model.extractor().sentence_vectors(&texts)?)
        } else {
            None
        };
        let vector = |i: usize| {
            vectors
                .as_ref()
                .map_or_else(Vec::new, |v| v.row(i).to_vec())
        };
        let copies = match &mut firsts {
            Some(firsts) => firsts.copies(&chunk, reader.layout()),
            None => vec![None; chunk.len()],
        };
        counts.copies += copies.iter().flatten().count() as u64;
        let label =
            |(i, (row, copy)): (usize, (Result<Record, Rejected>, Option<String>))| match row {
                Ok(record) => label_row(
                    record,
                    vector(i),
                    copy.as_deref(),
                    &input,
                    labeller,
                    to_bytes,
                ),
                Err(rejected) => Ok((0, None, Labelled::Rejected(rejected))),
            };
        let rows = chunk
            .into_par_iter()
            .zip(copies)
            .enumerate()
            .map(label)
            .collect::<Result<Vec<_>>>()?;
        for (line, prediction, row) in rows {
            counts.rows += 1;
            match &row {
                Labelled::Row(_) => counts.add(line, prediction.as_ref()),
                Labelled::Rejected(_) => counts.rejected += 1,
            }
            sink(row)?;
        }
    }
}

fn label_row(
    record: Record,
    sentence: Vec<f32>,
    copy: Option<&str>,
    input: &str,
    labeller: &Labeller<'_>,
    to_bytes: &Render<'_>,
) -> Result<(u64, Option<Prediction>, Labelled)> {
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
