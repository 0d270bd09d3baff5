//! The fast path: everything up to the softmax is a sum over words, so each distinct word is
//! worked out once, by the model's own tokenizers, and kept with its scores and its length.
//!
//! A statement is then: find the words, look each up, add; look pairs of words up, add; divide by
//! the norms; heads. It says what [`Model::predict`] says (a property test holds both together).

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

/// Bytes that the table of words may take.
const TABLE_BYTES: usize = 64 << 20;
/// What a word takes beside its values, about.
const WORD_BYTES: usize = 64;
/// Fewer words are not worth a table.
const MIN_WORDS: usize = 256;
/// Counts whose ln(1 + n) is at hand.
const COUNTS: usize = 64;

/// Labels statements with a model, from any number of threads.
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

/// Cuts one text after another into words.
#[derive(Default)]
struct Cutter {
    scanner: Scanner,
    /// The words, one after another.
    words: String,
    tokens: Vec<Token>,
}

/// A word of a text.
struct Token {
    /// Where it is among the words.
    word: Range<usize>,
    /// First byte in the text and the byte after its last.
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

/// What one thread works with.
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
    /// A labeller that gives evidence.
    pub fn new(model: &'m Model) -> Self {
        Self::with_table_bytes(model, TABLE_BYTES)
    }

    /// A labeller whose table of words takes about so many bytes; what it says is the same.
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

    /// The same without evidence, which takes a quarter of the time.
    #[must_use]
    pub fn without_evidence(mut self) -> Self {
        self.with_evidence = false;
        self
    }

    /// Whether it gives evidence.
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

    /// Codes one statement whose sentence vector is known (an empty one without that view).
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
        // A panic of another statement leaves what is here whole: words are put in complete, and
        // the rest is begun anew.
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

    /// Adds the words of a statement up.
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
        // Words lie far apart in memory: looked for one right after another, they are waited for
        // together.
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

    /// Adds what two neighbouring words weigh together; of each its hash and its place among the
    /// distinct words.
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

    /// Puts the scores of a statement into `logits`.
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

    /// Puts the values of the cues into `cues`.
    fn put_cues(&self, statement: &Statement, cues: &mut Vec<f64>) {
        let logarithm = |n: &u32| match self.logarithms.get(*n as usize) {
            Some(value) => *value,
            None => f64::from(*n).ln_1p(),
        };
        cues.clear();
        cues.extend(statement.counts.iter().map(logarithm));
    }
}

/// The language of a text whose words were added up.
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

/// √ of a squared norm; 1 where that is 0.
fn norm_of(norm2: f64) -> f64 {
    if norm2 > 0.0 { norm2.sqrt() } else { 1.0 }
}
