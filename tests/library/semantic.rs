//! The semantic view: vectors as model2vec gives them, what they are for, and what a training may
//! start from.

use std::fmt::Write as _;
use std::fs;

use super::common::{project, small_corpus};
use konflik::corpus::{Codings, group_folds};
use konflik::features::{StaticEncoder, Views};
use konflik::model::{Aids, TrainParams, Training, train_with};
use konflik::{Corpus, Error, Model};

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn vector(encoder: &StaticEncoder, text: &str) -> Vec<f32> {
    let view = encoder.view();
    let tokens = view.tokens(text).unwrap();
    let vector = encoder.vector(&tokens, view.norm(&tokens));
    let length = dot(&vector, &vector).sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.into_iter().map(|x| x * scale).collect()
}

/// The reference file is written by model2vec itself.
#[test]
fn vectors_are_those_of_model2vec() {
    let json = fs::read(project("tests/oracle/model2vec_vectors.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
    let encoder = StaticEncoder::load(&project("models/encoder")).unwrap();
    assert_eq!(
        encoder.id().hash,
        StaticEncoder::shipped().unwrap().id().hash
    );
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        let ours = vector(&encoder, text);
        let theirs = case["vector"].as_array().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(theirs) {
            let b = b.as_f64().unwrap();
            assert!((f64::from(*a) - b).abs() < 1e-4, "{text}: {a} {b}");
        }
    }
}

#[test]
fn the_same_meaning_is_near_in_both_languages() {
    let encoder = StaticEncoder::shipped().unwrap();
    let pairs = [
        ("akses jauh sekali", "access is too far"),
        ("obatnya kosong", "the medicine is out of stock"),
        ("petugasnya kasar", "the staff were rude"),
        ("iuran naik lagi", "the premium went up again"),
    ];
    let vectors = pairs.map(|(a, b)| (vector(&encoder, a), vector(&encoder, b)));
    for (i, (indonesian, _)) in vectors.iter().enumerate() {
        let nearest = (0..pairs.len()).max_by(|a, b| {
            let near = |j: &usize| dot(indonesian, &vectors[*j].1);
            near(a).total_cmp(&near(b))
        });
        assert_eq!(nearest, Some(i), "{}", pairs[i].0);
    }
}

#[test]
fn an_encoder_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = || StaticEncoder::load(folder.path()).err().unwrap().code();
    assert_eq!(refusal(), "K0101");
    let tokenizer = project("models/encoder/tokenizer.json");
    fs::copy(tokenizer, folder.path().join("tokenizer.json")).unwrap();
    fs::write(folder.path().join("model.safetensors"), b"not tensors").unwrap();
    assert_eq!(refusal(), "K0702");
    let other = project("models/starter/model.safetensors");
    fs::copy(other, folder.path().join("model.safetensors")).unwrap();
    assert_eq!(refusal(), "K0702");
}

fn fit(corpus: &Corpus, views: Views, aids: Aids<'_>) -> Training {
    let mut params = TrainParams::default();
    params.views = views;
    train_with(corpus, "test", &params, aids, &|_| {}).unwrap()
}

/// Shares of statements whose conflict code is right.
fn accuracy(model: &Model, corpus: &Corpus) -> f64 {
    let right = corpus.statements.iter().filter(|s| {
        let prediction = model.predict(&s.text).unwrap().unwrap();
        Some(prediction.variables[0].code) == s.codes[0]
    });
    right.count() as f64 / corpus.statements.len() as f64
}

/// Some 100 statements to learn from, the others to be coded.
fn few_and_many() -> (Corpus, Corpus) {
    let corpus = small_corpus();
    let folds = group_folds(corpus.statements.iter().map(|s| s.group.as_str()), 5, 3);
    let positions = |few: bool| -> Vec<usize> {
        let all = 0..folds.len();
        all.filter(|i| (folds[*i] == 0) == few).collect()
    };
    (
        corpus.subset(&positions(true)),
        corpus.subset(&positions(false)),
    )
}

#[test]
fn each_view_can_be_left_out_and_the_semantic_one_helps_few_statements() {
    let (few, many) = few_and_many();
    let with = |lexical, semantic, cues| {
        let views = Views {
            lexical,
            semantic,
            cues,
        };
        fit(&few, views, Aids::default()).model
    };
    let all = with(true, true, true);
    let (no_lexical, no_semantic) = (with(false, true, true), with(true, false, true));
    assert_eq!(no_lexical.feature_count(), 1);
    assert!(no_semantic.extractor().semantic().is_none());
    assert!(
        with(true, true, false)
            .extractor()
            .cues()
            .names()
            .is_empty()
    );
    assert!(accuracy(&all, &many) > accuracy(&no_semantic, &many));
    let mut cues_alone = TrainParams::default();
    cues_alone.views = Views {
        lexical: false,
        semantic: false,
        cues: true,
    };
    let refused = train_with(&few, "test", &cues_alone, Aids::default(), &|_| {});
    assert!(matches!(
        refused.err(),
        Some(Error::Parameter { name: "views", .. })
    ));
}

#[test]
fn a_model_that_starts_from_another_keeps_what_it_knew() {
    let (few, many) = few_and_many();
    let prior = fit(&many, Views::default(), Aids::default()).model;
    let aids = Aids {
        prior: Some(&prior),
        ..Aids::default()
    };
    let alone = fit(&few, Views::default(), Aids::default()).model;
    let started = fit(&few, Views::default(), aids).model;
    assert_eq!(started.origin().from.as_deref(), Some(prior.id()));
    assert!(started.has_seen(&many.statements[0].text));
    assert!(accuracy(&started, &many) > accuracy(&alone, &many) + 0.1);
}

/// The view's settings are those of the model it started from, in memory and on disk.
#[test]
fn a_model_that_starts_from_another_is_the_same_after_saving() {
    let (few, many) = few_and_many();
    let prior = fit(&many, Views::default(), Aids::default()).model;
    let aids = Aids {
        prior: Some(&prior),
        ..Aids::default()
    };
    let mut params = TrainParams::default();
    params.lexical.char_weight = 0.0;
    let model = train_with(&few, "test", &params, aids, &|_| {})
        .unwrap()
        .model;
    let read = Model::from_files(&model.to_files().unwrap(), "test").unwrap();
    assert_eq!(model.origin().params.lexical, prior.origin().params.lexical);
    for statement in &many.statements[..50] {
        let text = &statement.text;
        assert_eq!(model.predict(text).unwrap(), read.predict(text).unwrap());
    }
}

#[test]
fn coders_who_differ_make_a_model_less_sure() {
    let (few, _) = few_and_many();
    let variable = &few.codebook.variables[0];
    let codes = variable.code_ids();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codings.csv");
    let mut table = String::from("id,conflict_ani,conflict_budi,conflict_cici\n");
    // Two of three coders read every second statement in another way.
    for (i, s) in few.statements.iter().enumerate() {
        let code = s.codes[0].unwrap();
        let other = codes[(code + i % 2) % codes.len()].as_str();
        writeln!(table, "{},{},{other},{other}", s.id, codes[code]).unwrap();
    }
    fs::write(&path, table).unwrap();
    let codings = Codings::read(&path, &few.codebook).unwrap();
    let aids = Aids {
        codings: Some(&codings),
        ..Aids::default()
    };
    let hard = fit(&few, Views::default(), Aids::default()).model;
    let soft = fit(&few, Views::default(), aids).model;
    assert_eq!(soft.origin().soft, few.statements.len() / 2);
    assert_eq!(hard.origin().soft, 0);
    let trust = |model: &Model| {
        let of = |s: &konflik::Statement| {
            let prediction = model.predict(&s.text).unwrap().unwrap();
            prediction.variables[0].probabilities[s.codes[0].unwrap()]
        };
        few.statements.iter().map(of).sum::<f64>() / few.statements.len() as f64
    };
    assert!(
        trust(&soft) < trust(&hard),
        "{} {}",
        trust(&soft),
        trust(&hard)
    );
}
