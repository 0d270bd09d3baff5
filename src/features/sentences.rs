//! The sentence view: vectors of whole texts, made by an encoder that the model does not carry.

use std::sync::Arc;

use super::{ContextEncoder, EncoderId, Vectors};
use crate::error::{Error, Result};

/// Turns whole texts into vectors that lie the closer the more alike the texts are in meaning.
pub trait TextEncoder: Send + Sync {
    /// Which encoder it is. The hash covers all that a vector depends on beside the text.
    fn id(&self) -> EncoderId;

    /// The vectors of `texts` in their order. The vector of a text does
    /// not depend on the texts beside it.
    fn encode(&self, texts: &[&str]) -> Result<Vectors>;
}

impl<T: TextEncoder + ?Sized> TextEncoder for &T {
    fn id(&self) -> EncoderId {
        (**self).id()
    }

    fn encode(&self, texts: &[&str]) -> Result<Vectors> {
        (**self).encode(texts)
    }
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

    /// The view of the context encoder that every build carries.
    pub fn shipped() -> Result<Self> {
        Ok(Self::new(Arc::new(ContextEncoder::shipped()?)))
    }

    /// The view that needs this encoder. The shipped one is there; another is yet to be given.
    pub fn needing(id: EncoderId) -> Result<Self> {
        // The hash of the shipped encoder takes time: only of what may be it.
        if id.name == ContextEncoder::SHIPPED {
            let shipped = Self::shipped()?;
            if shipped.id.hash == id.hash {
                return Ok(shipped);
            }
        }
        Ok(Self { id, encoder: None })
    }

    /// Whether its encoder is there.
    pub fn is_complete(&self) -> bool {
        self.encoder.is_some()
    }

    /// Whether its encoder is the shipped one.
    pub fn is_shipped(&self) -> bool {
        self.encoder.is_some() && self.id.name == ContextEncoder::SHIPPED
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

    /// The vectors of `texts`. Fails while the encoder is missing.
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
