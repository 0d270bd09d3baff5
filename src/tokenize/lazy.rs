//! The whole pipeline, built on first use: compiling its patterns takes longer than coding a
//! hundred statements, and most texts don't need it.

use std::sync::{Arc, OnceLock};

use tokenizers::Tokenizer as Pipeline;

use crate::error::{Error, Result};

/// A `tokenizer.json` and its pipeline.
#[derive(Debug, Clone)]
pub(super) struct LazyPipeline {
    json: Arc<[u8]>,
    built: OnceLock<std::result::Result<Box<Pipeline>, String>>,
}

impl LazyPipeline {
    pub(super) fn new(json: &[u8]) -> Self {
        Self {
            json: json.into(),
            built: OnceLock::new(),
        }
    }

    /// The pipeline, without padding and truncation.
    pub(super) fn get(&self) -> Result<&Pipeline> {
        let read = || {
            let mut pipeline = Pipeline::from_bytes(&self.json)?;
            pipeline.with_padding(None);
            pipeline.with_truncation(None)?;
            Ok(Box::new(pipeline))
        };
        let pipeline = self
            .built
            .get_or_init(|| read().map_err(|e: tokenizers::Error| e.to_string()));
        match pipeline {
            Ok(pipeline) => Ok(pipeline),
            Err(reason) => Err(Error::Tokenizer {
                reason: reason.clone(),
            }),
        }
    }
}
