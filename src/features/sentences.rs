//! The sentence view: vectors of whole texts, made by an encoder that the model does not carry.

use std::sync::Arc;

use ndarray::Array2;

use super::EncoderId;
use crate::error::{Error, Result};

/// Turns whole texts into vectors that lie the closer the more alike the texts are in meaning.
pub trait TextEncoder: Send + Sync {
    /// Which encoder it is. The hash covers all that a vector depends on beside the text.
    fn id(&self) -> EncoderId;

    /// The vectors of `texts` in their order, shape texts × dimensions. The vector of a text does
    /// not depend on the texts beside it.
    fn encode(&self, texts: &[&str]) -> Result<Array2<f32>>;
}

/// Which encoder is needed, and the encoder itself once it is there.
#[derive(Clone)]
pub struct SentenceView {
    id: EncoderId,
    encoder: Option<Arc<dyn TextEncoder>>,
}

impl SentenceView {
    /// The view of an encoder.
    pub fn new(encoder: Arc<dyn TextEncoder>) -> Self {
        Self {
            id: encoder.id(),
            encoder: Some(encoder),
        }
    }

    /// The view of an encoder that is yet to be given.
    pub fn without_encoder(id: EncoderId) -> Self {
        Self { id, encoder: None }
    }

    /// Which encoder it needs.
    pub fn encoder(&self) -> &EncoderId {
        &self.id
    }

    /// Gives it the encoder; another than the one it needs is refused.
    pub fn attach(&mut self, encoder: Arc<dyn TextEncoder>) -> Result<()> {
        let given = encoder.id();
        if given.hash != self.id.hash {
            return Err(Error::WrongEncoder {
                needed: self.id.to_string(),
                given: Some(given.to_string()),
            });
        }
        self.encoder = Some(encoder);
        Ok(())
    }

    /// The vectors of `texts`, shape texts × dimensions. Fails while the encoder is missing.
    pub fn encode(&self, texts: &[&str]) -> Result<Array2<f32>> {
        match &self.encoder {
            Some(encoder) => encoder.encode(texts),
            None => Err(Error::WrongEncoder {
                needed: self.id.to_string(),
                given: None,
            }),
        }
    }
}
