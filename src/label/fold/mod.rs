//! The fast path. Everything up to the softmax is a sum over words, so each distinct word is
//! processed once, by the model's own tokenizers, and cached with its scores and its squared norms.
//!
//! A statement then takes these steps: find the words, look each one up, add; look up word pairs,
//! add; divide by the norms; apply the heads. The result equals [`Model::predict`] (a property test
//! checks this).

mod evidence;
mod head;
mod lanes;
mod statement;
mod table;
mod words;

use std::ops::Range;
use std::sync::{Mutex, PoisonError, RwLock};

use ndarray::Array1;

use super::{ContextReading, Prediction, predicted};
use crate::error::Result;
use crate::features::{BIAS, pair_hash};
use crate::ingest::clean::{Cleaned, is_bare_answer, says_nothing, statement_text};
use crate::language::{Identifier, Language};
use crate::model::Model;
use crate::tokenize::{Cut, Scanner, Tokenizer};

use evidence::Weighing;
use head::FlatHead;
use statement::{Pair, Statement};
use table::{Fresh, Known, Place, Shared, Sought};
use words::{Folder, Scratch};

/// Maximum size of the word table in bytes.
const TABLE_BYTES: usize = 64 << 20;
/// Approximate size of a word without its values, in bytes.
const WORD_BYTES: usize = 64;
/// Minimum capacity of the table; a smaller table is of no use.
const MIN_WORDS: usize = 256;
/// Counts with a precomputed ln(1 + n).
const COUNTS: usize = 64;

/// Labels statements with a model; can be shared by threads.
pub struct Labeller<'m> {
    model: &'m Model,
    folder: Folder<'m>,
    heads: Vec<FlatHead>,
    bias: Vec<f64>,
    logarithms: [f64; COUNTS],
    with_evidence: bool,
    table: RwLock<Shared>,
    workers: Vec<Mutex<Worker>>,
}

/// Cuts a text into words; reused for the next text.
#[derive(Default)]
struct Cutter {
    scanner: Scanner,
    /// The words, concatenated.
    words: String,
    tokens: Vec<Token>,
}

/// A word of a text.
struct Token {
    /// Range of the word in `words`.
    word: Range<usize>,
    /// Start and end byte in the text.
    at: (usize, usize),
    sought: Sought,
    place: Option<Place>,
}

impl Cutter {
    fn cut(&mut self, text: &str, tokenizer: &Tokenizer) -> Result<Cut> {
        let Self {
            scanner,
            words,
            tokens,
        } = self;
        words.clear();
        tokens.clear();
        tokenizer.each_word(text, scanner, |word, start, end| {
            let from = words.len();
            words.push_str(word);
            tokens.push(Token {
                word: from..words.len(),
                at: (start, end),
                sought: Sought::new(word),
                place: None,
            });
        })
    }
}

/// The working memory of one thread.
#[derive(Default)]
struct Worker {
    cutter: Cutter,
    fresh: Fresh,
    scratch: Scratch,
    statement: Statement,
    identifier: Identifier,
    weighing: Weighing,
    /// Scores of all outputs.
    logits: Vec<f64>,
    cues: Vec<f64>,
}

impl<'m> Labeller<'m> {
    /// A labeller with evidence.
    pub fn new(model: &'m Model) -> Self {
        Self::with_table_bytes(model, TABLE_BYTES)
    }

    /// A labeller whose word table takes about `bytes` bytes; the size does not change the results.
    pub fn with_table_bytes(model: &'m Model, bytes: usize) -> Self {
        let outputs: Vec<_> = model.outputs().take(model.outputs_needed()).collect();
        let columns = outputs.last().map_or(0, |(_, columns)| columns.end);
        let folder = Folder::new(model, columns);
        let values = 2 * folder.columns();
        let capacity = (bytes / 2 / (values * size_of::<f32>() + WORD_BYTES)).max(MIN_WORDS);
        let bias = &model.feature_weights(BIAS)[..columns];
        let workers = rayon::current_num_threads().max(1);
        Self {
            heads: outputs
                .into_iter()
                .map(|(variable, columns)| FlatHead::new(variable, columns))
                .collect(),
            bias: bias.iter().map(|w| f64::from(*w)).collect(),
            logarithms: std::array::from_fn(|n| (n as f64).ln_1p()),
            with_evidence: true,
            table: RwLock::new(Shared::new(capacity, values)),
            workers: (0..workers).map(|_| Mutex::default()).collect(),
            folder,
            model,
        }
    }

    /// Turns evidence off. Evidence takes a quarter of the time.
    #[must_use]
    pub fn without_evidence(mut self) -> Self {
        self.with_evidence = false;
        self
    }

    /// Whether predictions come with evidence.
    pub(super) fn gives_evidence(&self) -> bool {
        self.with_evidence
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Codes one statement; see [`Model::predict`].
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        let reading = self
            .model
            .context_readings(&[text], self.with_evidence)?
            .swap_remove(0);
        self.predict_read(text, reading.as_ref())
    }

    /// Codes one statement by the fast views alone.
    pub fn predict_fast(&self, text: &str) -> Result<Option<Prediction>> {
        self.predict_read(text, None)
    }

    fn predict_read(
        &self,
        text: &str,
        reading: Option<&ContextReading>,
    ) -> Result<Option<Prediction>> {
        let vectors = self.model.extractor().sentence_vectors(&[text])?;
        self.predict_beside(&statement_text(text), vectors.row(0).to_vec(), reading)
    }

    /// Codes one statement with a known sentence vector (empty without that view).
    pub(super) fn predict_beside(
        &self,
        cleaned: &Cleaned<'_>,
        sentence: Vec<f32>,
        reading: Option<&ContextReading>,
    ) -> Result<Option<Prediction>> {
        if says_nothing(cleaned) {
            return Ok(None);
        }
        let text = cleaned.text();
        let number = rayon::current_thread_index().unwrap_or(0) % self.workers.len();
        // After a panic in another statement the worker is still valid: words are added only when
        // complete, and everything else is reset.
        let mut worker = self.workers[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let worker = &mut *worker;
        if worker.fresh.is_full() {
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            table.take(&mut worker.fresh);
        }
        let shared = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let mut known = Known {
            shared: &shared,
            fresh: &mut worker.fresh,
        };
        let statement = &mut worker.statement;
        let cut = self.add_up(
            text,
            &mut worker.cutter,
            &mut known,
            &mut worker.scratch,
            statement,
        )?;
        let (logits, cues) = (&mut worker.logits, &mut worker.cues);
        self.put_logits(statement, sentence, logits);
        self.put_cues(statement, cues);
        let probabilities = self
            .heads
            .iter()
            .map(|head| head.probabilities(logits, cues));
        let probabilities = probabilities.collect();
        let statement = &worker.statement;
        let (identifier, weighing) = (&mut worker.identifier, &mut worker.weighing);
        Ok(Some(predicted(
            self.model,
            || language(text, cut, statement, identifier),
            probabilities,
            reading,
            [statement.known, is_bare_answer(text)],
            |position, p| {
                if !self.with_evidence {
                    return Vec::new();
                }
                let by_context = reading.and_then(|r| r.strongest(position, p, cleaned));
                by_context.unwrap_or_else(|| {
                    weighing.strongest(self, statement, &known, cleaned, position, p)
                })
            },
        )))
    }

    /// Adds up the words of a statement.
    fn add_up(
        &self,
        text: &str,
        cutter: &mut Cutter,
        known: &mut Known<'_>,
        scratch: &mut Scratch,
        statement: &mut Statement,
    ) -> Result<Cut> {
        let extractor = self.model.extractor();
        let cut = cutter.cut(text, extractor.tokenizer())?;
        // Words are scattered in memory. Looking them up in one loop lets the cache misses overlap.
        for token in &mut cutter.tokens {
            token.place = known.find(&token.sought, &cutter.words[token.word.clone()]);
        }
        statement.begin(2 * self.folder.columns(), extractor.cues().names().len());
        let mut previous = None;
        for token in &cutter.tokens {
            let place = if let Some(place) = token.place {
                place
            } else {
                let word = &cutter.words[token.word.clone()];
                let fold = |values: &mut Vec<f32>| self.folder.fold(word, scratch, values);
                known.place(&token.sought, word, fold)?
            };
            let (word, values) = known.get(place);
            statement.add(&self.folder, word, values, text, token.at);
            let slot = if self.with_evidence {
                statement.meet(place, token.at)
            } else {
                0
            };
            if let Some(before) = previous.replace((word.hash, slot)) {
                self.add_pair(before, (word.hash, slot), statement);
            }
        }
        statement.end_part();
        Ok(cut)
    }

    /// Adds the feature of two neighbouring words; each word is given by its hash and its position
    /// in the distinct words.
    fn add_pair(&self, first: (u64, u32), second: (u64, u32), statement: &mut Statement) {
        let lexical = self.model.extractor().lexical();
        if let Some((feature, weight)) = lexical.pair_feature(pair_hash(first.0, second.0)) {
            statement.add_pair(&self.folder, feature, weight);
            if self.with_evidence {
                statement.pairs.push(Pair {
                    words: [first.1, second.1],
                    feature,
                    weight,
                });
            }
        }
    }

    /// Writes the scores of a statement to `logits`.
    fn put_logits(&self, statement: &mut Statement, sentence: Vec<f32>, logits: &mut Vec<f64>) {
        let [norm, semantic_norm] = [statement.norm2, statement.semantic_norm2].map(norm_of);
        let (lexical, semantic) = statement.sums().split_at(self.folder.columns());
        let sums = lexical.iter().zip(semantic);
        let of_views = sums.map(|(lexical, semantic)| lexical / norm + semantic / semantic_norm);
        logits.clear();
        logits.extend(self.bias.iter().zip(of_views).map(|(bias, sum)| bias + sum));
        if !sentence.is_empty() {
            self.model
                .add_sentence_scores(Array1::from_vec(sentence).view(), logits);
        }
    }

    /// Writes the values of the cues to `cues`.
    fn put_cues(&self, statement: &Statement, cues: &mut Vec<f64>) {
        let logarithm = |n: &u32| match self.logarithms.get(*n as usize) {
            Some(value) => *value,
            None => f64::from(*n).ln_1p(),
        };
        cues.clear();
        cues.extend(statement.counts.iter().map(logarithm));
    }
}

/// The language of a text, after its words were added up.
fn language(
    text: &str,
    cut: Cut,
    statement: &Statement,
    identifier: &mut Identifier,
) -> Option<Language> {
    if cut == Cut::Rewritten {
        return identifier.identify(text);
    }
    let mut tally = statement.tally;
    for &(start, end) in &statement.odd {
        identifier.add(&text[start..end], &mut tally);
    }
    tally.language()
}

/// √ of a squared norm; 1 for norm 0.
fn norm_of(norm2: f64) -> f64 {
    if norm2 > 0.0 { norm2.sqrt() } else { 1.0 }
}
