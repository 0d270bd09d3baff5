//! The project's own corpus and codebook are in order.

use konflik::corpus::check::{CheckParams, check};

#[test]
fn the_corpus_has_no_faults() {
    let report = check(&super::common::corpus(), &CheckParams::default()).unwrap();
    assert_eq!(report.faults(), 0, "{}", report.text());
}

#[test]
fn the_codebook_has_no_findings() {
    assert_eq!(super::common::corpus().codebook.lint(), []);
}

#[test]
fn the_starter_model_is_trained_on_this_corpus() {
    let model = konflik::Model::starter().unwrap();
    let corpus = super::common::corpus();
    assert_eq!(
        model.origin().corpus_hash,
        corpus.hash().to_string(),
        "train the starter model again"
    );
    assert_eq!(model.codebook().hash(), corpus.codebook.hash());
}
