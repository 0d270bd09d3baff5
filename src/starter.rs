//! The starter model, trained on the project's own corpus and embedded in every build.

use std::borrow::Cow;

use crate::error::Result;
use crate::model::{Model, ModelFiles};

/// Aligns bytes for numbers, so that tensors need no copy.
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

static TENSORS: &Aligned<[u8]> = &Aligned(*include_bytes!("../models/starter/model.safetensors"));

static FILES: ModelFiles<'static> = ModelFiles {
    manifest: Cow::Borrowed(include_bytes!("../models/starter/model.json")),
    codebook: Cow::Borrowed(include_bytes!("../models/starter/codebook.json")),
    tokenizer: Cow::Borrowed(include_bytes!("../models/starter/tokenizer.json")),
    encoder: Some(Cow::Borrowed(include_bytes!(
        "../models/starter/encoder.json"
    ))),
    tensors: Cow::Borrowed(&TENSORS.0),
};

impl Model {
    /// The starter model. A test checks the hashes of the embedded files, so they are not computed
    /// at each start.
    pub fn starter() -> Result<Self> {
        Self::from_trusted_files(&FILES, "the starter model")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_are_whole() {
        let checked = Model::from_files(&FILES, "starter").unwrap();
        assert_eq!(checked.id(), Model::starter().unwrap().id());
    }

    #[test]
    fn the_embedded_tables_are_not_copied() {
        let starter = Model::starter().unwrap();
        assert!(starter.lends_its_tables());
        assert!(!Model::from_files(&FILES, "s").unwrap().lends_its_tables());
    }
}
