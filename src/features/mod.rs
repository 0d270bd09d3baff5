//! The views of a statement: one function makes them for training and for labelling.
//!
//! - [`lexical`](LexicalView): words, word pairs, letters inside words and sub-word pieces; sparse.
//! - [`cues`](CueView): the codebook's lexicons and the shape of the text; few and dense.
//!
//! With the feature `encoder`, `SentenceEncoder` makes vectors of whole texts; it stands by itself.

mod cues;
mod lexical;
#[cfg(feature = "encoder")]
mod sentence;
mod sparse;

use rayon::prelude::*;

use crate::codebook::Codebook;
use crate::error::Result;
use crate::tokenize::Tokenizer;

pub use cues::CueView;
pub use lexical::{LexicalParams, LexicalView, WordFeatures};
#[cfg(feature = "encoder")]
pub use sentence::SentenceEncoder;
pub use sparse::SparseMatrix;

/// What is said of one statement to the classifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFeatures {
    /// The words the features were made from, with what each contributes.
    pub words: Vec<WordFeatures>,
    /// Weight of each lexical feature, ascending by feature, divided by the additive norm.
    pub lexical: Vec<(u32, f32)>,
    /// The additive norm that `lexical` was divided by.
    pub norm: f64,
    /// The cues, one value each.
    pub cues: Vec<f64>,
}

/// Makes the views of statements. Fitted once; making features learns nothing.
pub struct FeatureExtractor {
    tokenizer: Tokenizer,
    lexical: LexicalView,
    cues: CueView,
}

impl FeatureExtractor {
    /// Learns the tokenizer, the vocabulary and the document frequencies from `texts`.
    pub fn fit(texts: &[&str], codebook: &Codebook, params: &LexicalParams) -> Result<Self> {
        let tokenizer = Tokenizer::train(texts.iter().copied(), params.pieces, 2)?;
        let tokens = texts
            .par_iter()
            .map(|text| tokenizer.words(text))
            .collect::<Result<Vec<_>>>()?;
        let lexical = LexicalView::fit(&tokens, &tokenizer, params)?;
        Ok(Self {
            tokenizer,
            lexical,
            cues: CueView::new(codebook),
        })
    }

    /// Puts an extractor together from its stored parts.
    pub fn from_parts(tokenizer: Tokenizer, lexical: LexicalView, codebook: &Codebook) -> Self {
        Self {
            tokenizer,
            lexical,
            cues: CueView::new(codebook),
        }
    }

    /// The views of one statement.
    pub fn extract(&self, text: &str) -> Result<StatementFeatures> {
        let words = self
            .lexical
            .words(self.tokenizer.words(text)?, &self.tokenizer)?;
        let (lexical, norm) = LexicalView::row(&words);
        Ok(StatementFeatures {
            lexical,
            norm,
            cues: self.cues.values(text, words.iter().map(|w| &w.token)),
            words,
        })
    }

    /// The views of many statements, in order, on all cores.
    pub fn extract_all(&self, texts: &[&str]) -> Result<Vec<StatementFeatures>> {
        texts.par_iter().map(|text| self.extract(text)).collect()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The lexical view.
    pub fn lexical(&self) -> &LexicalView {
        &self.lexical
    }

    /// The cues.
    pub fn cues(&self) -> &CueView {
        &self.cues
    }
}
