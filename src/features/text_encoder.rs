//! What turns whole texts into vectors.

use super::{EncoderId, Vectors};
use crate::error::Result;

/// Turns whole texts into vectors; texts with similar meaning have similar vectors.
pub trait TextEncoder: Send + Sync {
    /// Identifies the encoder. The hash covers everything but the text that a vector depends on.
    fn id(&self) -> EncoderId;

    /// The vectors of `texts`, in order. The vector of a text does not depend on the other texts.
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
