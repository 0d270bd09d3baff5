//! The views of a statement: one function makes them for training and for labelling, of what
//! [`statement_text`] leaves of a text.
//!
//! - [`lexical`](LexicalView): words, word pairs, letters inside words and sub-word pieces; sparse.
//! - [`semantic`](SemanticView): the vectors of a static encoder; words of like meaning lie near
//!   each other.
//! - [`cues`](CueView): the codebook's lexicons and the shape of the text; few and dense.
//!
//! - [`sentence`](SentenceView), where an encoder is given: vectors of whole texts. [`ContextEncoder`]
//!   makes them with a small network; with the feature `encoder`, `SentenceEncoder` with a BERT or
//!   XLM-R model on disk.

mod context;
mod cues;
mod lexical;
mod matrix;
mod network;
mod semantic;
#[cfg(feature = "encoder")]
mod sentence;
mod sentences;
mod vectors;

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::ingest::clean::{Cleaned, statement_text};
use crate::tokenize::{Tokenizer, squeezed};

pub use context::{ContextEncoder, ContextFiles, ContextHead, ContextVectors, ContextWord};
pub use cues::CueView;
pub(crate) use cues::{SHAPE_COUNT, capital_shape, is_capital, steady_shapes};
pub(crate) use lexical::{BIAS, pair_hash, squared_norm_of, squeezed_hash, word_hash};
pub use lexical::{LexicalParams, LexicalView, WordFeatures};
pub use matrix::{FeatureMatrix, FeatureRow};
pub use semantic::{EncoderId, SemanticView, StaticEncoder};
#[cfg(feature = "encoder")]
pub use sentence::SentenceEncoder;
pub use sentences::{SentenceView, TextEncoder};
pub use vectors::Vectors;

/// Which views a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Views {
    /// Words, word pairs, letters inside words, sub-word pieces.
    pub lexical: bool,
    /// The vectors of a static encoder.
    pub semantic: bool,
    /// The codebook's lexicons and the shape of the text.
    pub cues: bool,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            lexical: true,
            semantic: true,
            cues: true,
        }
    }
}

/// What is said of one statement to the classifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFeatures {
    /// The words the features were made from, with what each contributes.
    pub words: Vec<WordFeatures>,
    /// Weight of each lexical feature, ascending by feature, divided by the additive norm.
    pub lexical: Vec<(u32, f32)>,
    /// The additive norm that `lexical` was divided by.
    pub norm: f64,
    /// The encoder's tokens of each word.
    pub tokens: Vec<Vec<u32>>,
    /// The additive norm of the tokens' vectors.
    pub semantic_norm: f64,
    /// The vector of the whole text; empty where the sentence view isn't used.
    pub sentence: Vec<f32>,
    /// The cues, one value each.
    pub cues: Vec<f64>,
}

impl StatementFeatures {
    /// Whether anything at all was found in the text beside its shape.
    pub fn has_content(&self) -> bool {
        self.lexical.len() > 1 || self.tokens.iter().any(|t| !t.is_empty())
    }
}

/// Makes the views of statements. Fitted once; making features learns nothing.
pub struct FeatureExtractor {
    tokenizer: Tokenizer,
    lexical: LexicalView,
    semantic: Option<SemanticView>,
    sentence: Option<SentenceView>,
    cues: CueView,
}

/// The views that come from encoders, where they are used.
#[derive(Clone, Default)]
pub struct EncoderViews {
    /// That of a static encoder.
    pub semantic: Option<SemanticView>,
    /// That of a sentence encoder.
    pub sentence: Option<SentenceView>,
}

impl FeatureExtractor {
    /// Learns the tokenizer, the vocabulary and the document frequencies from `texts`.
    ///
    /// What `prior` knows is kept, by its tokenizer, hyperparameters and weights, and the features
    /// of `texts` that are new to it are added. A view that isn't used gives no features.
    pub fn fit(
        texts: &[&str],
        codebook: &Codebook,
        views: Views,
        params: &LexicalParams,
        encoders: EncoderViews,
        prior: Option<&Self>,
    ) -> Result<Self> {
        let texts = &cleaned(texts);
        let (tokenizer, params) = if let Some(prior) = prior {
            (prior.tokenizer.clone(), prior.lexical.params())
        } else {
            let trained = Tokenizer::train(texts.iter().map(Cow::as_ref), params.pieces, 2)?;
            (trained, params)
        };
        let lexical = if views.lexical {
            let tokens = texts
                .par_iter()
                .map(|text| tokenizer.words(text))
                .collect::<Result<Vec<_>>>()?;
            let fitted = LexicalView::fit(&tokens, &tokenizer, params)?;
            match prior {
                Some(prior) => prior.lexical.extended(&fitted),
                None => fitted,
            }
        } else {
            LexicalView::from_parts(params.clone(), Vec::new(), Vec::new())
        };
        Ok(Self {
            tokenizer,
            lexical,
            semantic: encoders.semantic.filter(|_| views.semantic),
            sentence: encoders.sentence,
            cues: CueView::of(codebook, views),
        })
    }

    /// Puts an extractor together from its stored parts.
    pub fn from_parts(
        tokenizer: Tokenizer,
        lexical: LexicalView,
        encoders: EncoderViews,
        cues: CueView,
    ) -> Self {
        Self {
            tokenizer,
            lexical,
            semantic: encoders.semantic,
            sentence: encoders.sentence,
            cues,
        }
    }

    /// The views of one statement.
    pub fn extract(&self, text: &str) -> Result<StatementFeatures> {
        let vectors = self.sentence_vectors(&[text])?;
        self.extract_beside(text, vectors.row(0).to_vec())
    }

    /// The vectors of whole texts, of no dimension without the sentence view.
    /// Many at once are faster than one by one.
    pub fn sentence_vectors(&self, texts: &[&str]) -> Result<Vectors> {
        match &self.sentence {
            Some(view) => {
                let texts = cleaned(texts);
                view.encode(&texts.iter().map(Cow::as_ref).collect::<Vec<_>>())
            }
            None => Ok(Vectors::of(Array2::zeros((texts.len(), 0)))),
        }
    }

    /// The views of one statement whose [sentence vector](Self::sentence_vectors) is known.
    pub fn extract_beside(&self, text: &str, sentence: Vec<f32>) -> Result<StatementFeatures> {
        self.extract_cleaned(&statement_text(text), sentence)
    }

    /// The same of a text that was cleaned; places of words are places in that.
    pub(crate) fn extract_cleaned(
        &self,
        cleaned: &Cleaned<'_>,
        sentence: Vec<f32>,
    ) -> Result<StatementFeatures> {
        let text = cleaned.text();
        let words = self
            .lexical
            .words(self.tokenizer.words(text)?, &self.tokenizer)?;
        let (lexical, norm) = LexicalView::row(&words);
        let (tokens, semantic_norm) = self.semantic_tokens(&words)?;
        Ok(StatementFeatures {
            lexical,
            norm,
            tokens,
            semantic_norm,
            sentence,
            cues: self.cues.values(text, words.iter().map(|w| &w.token)),
            words,
        })
    }

    fn semantic_tokens(&self, words: &[WordFeatures]) -> Result<(Vec<Vec<u32>>, f64)> {
        let Some(semantic) = &self.semantic else {
            return Ok((Vec::new(), 1.0));
        };
        let tokens = words
            .iter()
            .map(|w| semantic.tokens(&squeezed(&w.token.word)))
            .collect::<Result<Vec<_>>>()?;
        let norm = semantic.norm(tokens.iter().flatten());
        Ok((tokens, norm))
    }

    /// The views of many statements, in order, on all cores.
    pub fn extract_all(&self, texts: &[&str]) -> Result<Vec<StatementFeatures>> {
        let vectors = self.sentence_vectors(texts)?;
        texts
            .par_iter()
            .enumerate()
            .map(|(i, text)| self.extract_beside(text, vectors.row(i).to_vec()))
            .collect()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The lexical view.
    pub fn lexical(&self) -> &LexicalView {
        &self.lexical
    }

    /// The semantic view, where it is used.
    pub fn semantic(&self) -> Option<&SemanticView> {
        self.semantic.as_ref()
    }

    /// The sentence view, where it is used.
    pub fn sentence(&self) -> Option<&SentenceView> {
        self.sentence.as_ref()
    }

    /// Gives the sentence view its encoder; fails if there is no such view or it needs another.
    pub fn attach_encoder(&mut self, encoder: Arc<dyn TextEncoder>) -> Result<()> {
        match &mut self.sentence {
            Some(view) => view.attach(encoder),
            None => Err(Error::UnusedEncoder {
                given: encoder.id().to_string(),
            }),
        }
    }

    /// The cues.
    pub fn cues(&self) -> &CueView {
        &self.cues
    }
}

/// What models read of texts.
fn cleaned<'a>(texts: &[&'a str]) -> Vec<Cow<'a, str>> {
    let text = |text: &&'a str| statement_text(text).into_text();
    texts.par_iter().map(text).collect()
}
