//! The fast path: everything up to the softmax is a sum over words, so each distinct word is
//! worked out once, by the model's own tokenizers, and kept with its scores and its length.
//!
//! A statement is then: find the words, look each up, add; look pairs of words up, add; divide by
//! the norms; heads. It says what [`Model::predict`] says (a property test holds both together).

mod evidence;
mod table;

use std::sync::{Mutex, PoisonError};

use ndarray::Array1;

use super::{Prediction, predicted};
use crate::error::Result;
use crate::features::{BIAS, is_capital, pair_hash, squared_norm, steady_shapes, word_hash};
use crate::language::Identifier;
use crate::model::{Model, probabilities_in_place};
use crate::tokenize::{Scanner, squeezed};

use table::{Word, WordTable};

/// Bytes that the tables of all workers may take.
const TABLE_BYTES: usize = 64 << 20;
/// What a word takes beside its values, about.
const WORD_BYTES: usize = 160;
/// Fewer words are not worth a table.
const MIN_WORDS: usize = 256;
/// Counts whose ln(1 + n) is at hand.
const COUNTS: usize = 64;

/// Labels statements with a model, from any number of threads.
pub struct Labeller<'m> {
    model: &'m Model,
    /// Codes of the outputs that are needed: these are the first columns of all weights.
    columns: usize,
    heads: Vec<FlatHead>,
    bias: Vec<f64>,
    logarithms: [f64; COUNTS],
    with_evidence: bool,
    workers: Vec<Mutex<Worker>>,
}

/// A head with its coefficients in one list.
struct FlatHead {
    /// Its columns in the scores.
    columns: std::ops::Range<usize>,
    /// Inputs × codes.
    coefficients: Vec<f64>,
    /// Whether each score has to do with its own code only and cues with none.
    only_scales: bool,
    intercept: Vec<f64>,
    flattening: f64,
    absent: Vec<usize>,
}

/// What one thread works with.
struct Worker {
    scanner: Scanner,
    table: WordTable,
    statement: Statement,
    identifier: Identifier,
}

/// A statement as it is added up.
#[derive(Default)]
struct Statement {
    number: u64,
    /// Sums over the words, one per column: the lexical ones, then the semantic ones.
    sums: Vec<f64>,
    norm2: f64,
    semantic_norm2: f64,
    counts: Vec<u32>,
    known: bool,
    /// The distinct words in the order in which they are first met.
    distinct: Vec<Distinct>,
    /// The pairs that have a feature.
    pairs: Vec<Pair>,
    /// Hash and place among the distinct words of the word before.
    previous: Option<(u64, u32)>,
}

/// A distinct word of a statement.
struct Distinct {
    place: usize,
    start: usize,
    end: usize,
    times: u32,
}

/// Two neighbouring words that have a feature together: their places among the distinct words.
struct Pair {
    words: [u32; 2],
    feature: u32,
    weight: f32,
}

impl<'m> Labeller<'m> {
    /// A labeller that gives evidence.
    pub fn new(model: &'m Model) -> Self {
        Self::with_table_bytes(model, TABLE_BYTES)
    }

    /// A labeller whose tables of words take about so many bytes; what it says is the same.
    pub fn with_table_bytes(model: &'m Model, bytes: usize) -> Self {
        let outputs: Vec<_> = model.outputs().take(model.outputs_needed()).collect();
        let columns = outputs.last().map_or(0, |(_, columns)| columns.end);
        let workers = rayon::current_num_threads().max(1);
        let word = 2 * columns * size_of::<f32>() + WORD_BYTES;
        let capacity = (bytes / 2 / workers / word).max(MIN_WORDS);
        let worker = || {
            Mutex::new(Worker {
                scanner: Scanner::default(),
                table: WordTable::new(capacity, 2 * columns),
                statement: Statement::default(),
                identifier: Identifier::default(),
            })
        };
        let heads = outputs.into_iter().map(|(variable, columns)| FlatHead {
            columns,
            only_scales: variable.head.only_scales(),
            coefficients: variable.head.coefficients.concat(),
            intercept: variable.head.intercept.clone(),
            flattening: variable.head.flattening,
            absent: variable.head.absent.clone(),
        });
        Self {
            columns,
            heads: heads.collect(),
            bias: model.feature_weights(BIAS)[..columns]
                .iter()
                .map(|w| f64::from(*w))
                .collect(),
            logarithms: std::array::from_fn(|n| (n as f64).ln_1p()),
            with_evidence: true,
            workers: (0..workers).map(|_| worker()).collect(),
            model,
        }
    }

    /// The same without evidence, which costs as much as the rest.
    #[must_use]
    pub fn without_evidence(mut self) -> Self {
        self.with_evidence = false;
        self
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Codes one statement; see [`Model::predict`].
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.model.extractor().sentence_vectors(&[text])?;
        self.predict_beside(text, vectors.row(0).to_vec())
    }

    /// Codes one statement whose sentence vector is known (an empty one without that view).
    pub(super) fn predict_beside(
        &self,
        text: &str,
        sentence: Vec<f32>,
    ) -> Result<Option<Prediction>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let number = rayon::current_thread_index().unwrap_or(0) % self.workers.len();
        // A panic of another statement leaves a table whole: entries are put in complete.
        let mut worker = self.workers[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let worker = &mut *worker;
        self.add_up(text, worker)?;
        let identifier = &mut worker.identifier;
        let (statement, table) = (&worker.statement, &worker.table);
        let logits = self.logits(statement, sentence);
        let cues = self.cues(statement);
        let probabilities = self
            .heads
            .iter()
            .map(|head| head.probabilities(&logits, &cues));
        let probabilities = probabilities.collect();
        Ok(Some(predicted(
            self.model,
            || identifier.identify(text),
            probabilities,
            statement.known,
            |position, p| {
                if !self.with_evidence {
                    return Vec::new();
                }
                evidence::strongest(self, statement, table, text, position, p)
            },
        )))
    }

    /// Adds the words of a statement up.
    fn add_up(&self, text: &str, worker: &mut Worker) -> Result<()> {
        let Worker {
            scanner,
            table,
            statement,
            ..
        } = worker;
        table.begin();
        let extractor = self.model.extractor();
        statement.begin(self.columns, extractor.cues().names().len());
        let mut failed = Ok(());
        extractor
            .tokenizer()
            .each_word(text, scanner, |word, start, end| {
                match table.place(word, |values| self.fold(word, values)) {
                    Ok(place) => self.add_word(text, statement, table, place, start, end),
                    Err(error) => failed = Err(error),
                }
            })?;
        failed
    }

    fn add_word(
        &self,
        text: &str,
        statement: &mut Statement,
        table: &mut WordTable,
        place: usize,
        start: usize,
        end: usize,
    ) {
        let sums = statement.sums.iter_mut().zip(table.values(place));
        sums.for_each(|(sum, value)| *sum += f64::from(*value));
        let original = text.get(start..end).unwrap_or_default();
        let word = table.word_mut(place);
        statement.norm2 += word.norm2;
        statement.semantic_norm2 += word.semantic_norm2;
        statement.known |= word.known;
        statement.count(word, is_capital(original));
        let slot = statement.meet(word, place, start, end);
        let hash = word.hash;
        if let Some((previous, before)) = statement.previous.replace((hash, slot)) {
            let lexical = self.model.extractor().lexical();
            if let Some((feature, weight)) = lexical.pair_feature(pair_hash(previous, hash)) {
                let sums = &mut statement.sums[..self.columns];
                add(sums, self.model.feature_weights(feature), f64::from(weight));
                statement.norm2 += f64::from(weight) * f64::from(weight);
                statement.known = true;
                statement.pairs.push(Pair {
                    words: [before, slot],
                    feature,
                    weight,
                });
            }
        }
    }

    /// Works a word out by the views themselves: its lexical scores, then its semantic ones.
    fn fold(&self, word: &str, values: &mut Vec<f32>) -> Result<Word> {
        let extractor = self.model.extractor();
        let features = extractor
            .lexical()
            .word_features(word, extractor.tokenizer())?;
        let mut sums = vec![0.0; 2 * self.columns];
        let (lexical, semantic) = sums.split_at_mut(self.columns);
        for (feature, weight) in &features {
            let weights = self.model.feature_weights(*feature);
            add(lexical, weights, f64::from(*weight));
        }
        let mut semantic_norm2 = 0.0;
        let mut known = !features.is_empty();
        if let Some(view) = extractor.semantic() {
            let tokens = view.tokens(&squeezed(word))?;
            known |= !tokens.is_empty();
            for token in tokens {
                semantic_norm2 += f64::from(view.squared_norms()[token as usize]);
                add(semantic, self.model.token_scores(token), 1.0);
            }
        }
        values.extend(sums.iter().map(|s| *s as f32));
        let lexicon = extractor.cues().lexicon_of(word);
        Ok(Word {
            hash: word_hash(word),
            norm2: squared_norm(&features),
            semantic_norm2,
            lexicon: lexicon.and_then(|l| u16::try_from(l).ok()),
            shapes: steady_shapes(word),
            known,
            visible: word.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()),
            last: (0, 0),
        })
    }

    fn logits(&self, statement: &Statement, sentence: Vec<f32>) -> Vec<f64> {
        let [norm, semantic_norm] = [statement.norm2, statement.semantic_norm2].map(norm_of);
        let (lexical, semantic) = statement.sums.split_at(self.columns);
        let mut logits: Vec<f64> = lexical
            .iter()
            .zip(semantic)
            .zip(&self.bias)
            .map(|((lexical, semantic), bias)| bias + lexical / norm + semantic / semantic_norm)
            .collect();
        self.model
            .add_sentence_scores(Array1::from_vec(sentence).view(), &mut logits);
        logits
    }

    fn cues(&self, statement: &Statement) -> Vec<f64> {
        let logarithm = |n: &u32| match self.logarithms.get(*n as usize) {
            Some(value) => *value,
            None => f64::from(*n).ln_1p(),
        };
        statement.counts.iter().map(logarithm).collect()
    }
}

/// √ of a squared norm; 1 where that is 0.
fn norm_of(norm2: f64) -> f64 {
    if norm2 > 0.0 { norm2.sqrt() } else { 1.0 }
}

impl FlatHead {
    fn probabilities(&self, logits: &[f64], cues: &[f64]) -> Vec<f64> {
        let mut scores = self.intercept.clone();
        let logits = &logits[self.columns.clone()];
        if self.only_scales {
            let factors = self.coefficients.iter().step_by(scores.len() + 1);
            for ((score, logit), factor) in scores.iter_mut().zip(logits).zip(factors) {
                *score += logit * factor;
            }
        } else {
            let inputs = logits.iter().chain(cues);
            let rows = self.coefficients.chunks_exact(scores.len());
            for (input, row) in inputs.zip(rows).filter(|(input, _)| **input != 0.0) {
                for (score, coefficient) in scores.iter_mut().zip(row) {
                    *score += input * coefficient;
                }
            }
        }
        for &absent in &self.absent {
            scores[absent] = f64::NEG_INFINITY;
        }
        probabilities_in_place(&mut scores, self.flattening);
        scores
    }
}

impl Statement {
    fn begin(&mut self, columns: usize, cues: usize) {
        self.number += 1;
        self.sums.clear();
        self.sums.resize(2 * columns, 0.0);
        self.counts.clear();
        self.counts.resize(cues, 0);
        (self.norm2, self.semantic_norm2) = (0.0, 0.0);
        self.known = false;
        self.distinct.clear();
        self.pairs.clear();
        self.previous = None;
    }

    /// Counts the cues of a word.
    fn count(&mut self, word: &Word, is_capital: bool) {
        let Some(shapes) = self.counts.len().checked_sub(crate::features::SHAPE_COUNT) else {
            return;
        };
        if let Some(lexicon) = word.lexicon {
            self.counts[usize::from(lexicon)] += 1;
        }
        let bits = word.shapes | crate::features::capital_shape(is_capital);
        for (bit, count) in self.counts[shapes..].iter_mut().enumerate() {
            *count += u32::from(bits >> bit & 1);
        }
    }

    /// The place of a word among the distinct ones.
    fn meet(&mut self, word: &mut Word, place: usize, start: usize, end: usize) -> u32 {
        let (number, slot) = word.last;
        if number == self.number
            && let Some(met) = self.distinct.get_mut(slot as usize)
        {
            met.times += 1;
            return slot;
        }
        let slot = self.distinct.len() as u32;
        word.last = (self.number, slot);
        self.distinct.push(Distinct {
            place,
            start,
            end,
            times: 1,
        });
        slot
    }
}

/// sums ← sums + factor × values.
fn add(sums: &mut [f64], values: &[f32], factor: f64) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(s, v)| *s += factor * f64::from(*v));
}
