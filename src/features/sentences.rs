//! The sentence view: vectors of whole texts, from an encoder that is not stored in the model.

use std::sync::Arc;

use super::{ContextEncoder, EncoderId, TextEncoder, Vectors};
use crate::error::{Error, Result};

/// The id of the required encoder, and the encoder once it is attached.
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

    /// The view of the context encoder that is embedded in every build.
    pub fn shipped() -> Result<Self> {
        Ok(Self::new(Arc::new(ContextEncoder::shipped()?)))
    }

    /// A view that requires this encoder. The shipped encoder is attached; any other must be
    /// attached later.
    pub fn needing(id: EncoderId) -> Result<Self> {
        // Hashing the shipped encoder takes time, so the name is compared first.
        if id.name == ContextEncoder::SHIPPED {
            let shipped = Self::shipped()?;
            if shipped.id.hash == id.hash {
                return Ok(shipped);
            }
        }
        Ok(Self { id, encoder: None })
    }

    /// Whether the encoder is attached.
    pub fn is_complete(&self) -> bool {
        self.encoder.is_some()
    }

    /// Whether the encoder is the shipped one.
    pub fn is_shipped(&self) -> bool {
        self.encoder.is_some() && self.id.name == ContextEncoder::SHIPPED
    }

    /// The id of the required encoder.
    pub fn encoder(&self) -> &EncoderId {
        &self.id
    }

    /// Attaches the encoder; refuses any but the required one.
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

    /// The vectors of `texts`. Fails if no encoder is attached.
    pub fn encode(&self, texts: &[&str]) -> Result<Vectors> {
        match &self.encoder {
            Some(encoder) => encoder.encode(texts),
            None => Err(Error::WrongEncoder {
                needed: self.id.to_string(),
                given: None,
            }),
        }
    }
}
