//! Throughput of the stages, on the project's own corpus and feed.
//!
//!     cargo bench                                  # all
//!     cargo bench -- label                         # one
//!     KONFLIK_FEED=feed.csv cargo bench -- label   # on a feed of your own (a `text` column)
//!
//! Every bench asserts what it computed, so that a broken stage can't look fast.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that can't read its data should stop"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use konflik::corpus::Statement;
use konflik::evaluate::{EvaluateParams, evaluate, evaluate_out_of_fold, tune};
use konflik::export::table::TableFormats;
use konflik::export::{LabelledColumns, LabelledRows};
use konflik::features::{EncoderViews, FeatureExtractor, LexicalParams, StaticEncoder, Views};
use konflik::label::{Depth, Labelled, Labeller, Labelling, label_rows};
use konflik::model::{Aids, Decision, OutOfFold, OutOfFoldRow, TrainParams, train_with};
use konflik::{Codebook, Corpus, Format, Model, ReadOptions, Reader};

fn main() {
    divan::main();
}

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn corpus() -> Corpus {
    let codebook = Codebook::read(&project("corpus/codebook.toml")).unwrap();
    Corpus::read(
        &project("corpus/statements.csv"),
        codebook,
        &ReadOptions::default(),
    )
    .unwrap()
}

/// A feed of at least 10,000 rows as CSV.
fn feed() -> (Vec<u8>, usize) {
    let path = std::env::var_os("KONFLIK_FEED")
        .map_or_else(|| project("corpus/statements.csv"), Into::into);
    let options = ReadOptions::default();
    let mut reader = Reader::open(&path, &options).unwrap();
    let mut texts = Vec::new();
    while let Some(Ok(record)) = reader.next_row().unwrap() {
        texts.push(record.text);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "text"]).unwrap();
    let rows = texts.len().max(10_000);
    for (i, text) in texts.iter().cycle().take(rows).enumerate() {
        writer.write_record([&i.to_string(), text]).unwrap();
    }
    (writer.into_inner().unwrap(), rows)
}

fn stream(feed: &[u8]) -> Reader {
    let mut options = ReadOptions::default();
    options.format = Some(Format::CSV);
    Reader::from_stream(
        Box::new(std::io::Cursor::new(feed.to_vec())),
        "feed",
        &options,
    )
    .unwrap()
}

#[divan::bench(sample_count = 10)]
fn read_rows(bencher: Bencher<'_, '_>) {
    let (feed, rows) = feed();
    bencher
        .counter(ItemsCount::new(rows))
        .counter(BytesCount::new(feed.len()))
        .bench(|| {
            let mut reader = stream(&feed);
            let mut count = 0;
            while let Some(row) = reader.next_row().unwrap() {
                black_box(row.unwrap());
                count += 1;
            }
            assert_eq!(count, rows);
        });
}

/// Words alone.
#[divan::bench(sample_count = 5)]
fn scan(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    let model = Model::starter().unwrap();
    bencher
        .counter(ItemsCount::new(corpus.statements.len()))
        .bench(|| {
            let words = corpus
                .statements
                .iter()
                .map(|s| model.extractor().tokenizer().words(&s.text).unwrap().len());
            assert!(words.sum::<usize>() > 50_000);
        });
}

/// The different words of the corpus.
fn different_words(corpus: &Corpus, model: &Model) -> Vec<String> {
    let tokenizer = model.extractor().tokenizer();
    let texts = corpus.statements.iter();
    let words = texts.flat_map(|s| tokenizer.words(&s.text).unwrap());
    let words: BTreeSet<String> = words.map(|token| token.word).collect();
    words.into_iter().collect()
}

/// Words to sub-word pieces; an item is a word.
#[divan::bench(sample_count = 5)]
fn tokenize(bencher: Bencher<'_, '_>) {
    let model = Model::starter().unwrap();
    let words = different_words(&corpus(), &model);
    bencher.counter(ItemsCount::new(words.len())).bench(|| {
        let tokenizer = model.extractor().tokenizer();
        let pieces = words.iter().map(|w| tokenizer.pieces(w).unwrap().len());
        assert!(pieces.sum::<usize>() >= words.len());
    });
}

/// A word that the labeller has not met; an item is a word.
#[divan::bench(sample_count = 5)]
fn fold_miss(bencher: Bencher<'_, '_>) {
    let model = Model::starter().unwrap();
    let words = different_words(&corpus(), &model);
    let new = || Labeller::new(&model).without_evidence();
    bencher
        .counter(ItemsCount::new(words.len()))
        .with_inputs(new)
        .bench_refs(|labeller| label_all(labeller, words.iter().map(String::as_str)));
}

/// A word that it has met; an item is a word.
#[divan::bench(sample_count = 5)]
fn fold_hit(bencher: Bencher<'_, '_>) {
    let model = Model::starter().unwrap();
    let words = different_words(&corpus(), &model);
    let labeller = Labeller::new(&model).without_evidence();
    label_all(&labeller, words.iter().map(String::as_str));
    bencher
        .counter(ItemsCount::new(words.len()))
        .bench(|| label_all(&labeller, words.iter().map(String::as_str)));
}

fn label_all<'a>(labeller: &Labeller<'_>, texts: impl Iterator<Item = &'a str>) {
    let mut count = 0;
    for text in texts {
        let prediction = labeller.predict(text).unwrap().unwrap();
        let sum: f64 = prediction.variables[0].probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
        count += 1;
    }
    assert!(count > 10_000, "{count}");
}

fn fitted_views(texts: &[&str], corpus: &Corpus) -> FeatureExtractor {
    let encoder = StaticEncoder::shipped().unwrap();
    FeatureExtractor::fit(
        texts,
        &corpus.codebook,
        Views::default(),
        &LexicalParams::default(),
        EncoderViews {
            semantic: Some(encoder.view()),
            sentence: None,
        },
        None,
    )
    .unwrap()
}

#[divan::bench(sample_count = 3)]
fn fit_features(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    let texts: Vec<&str> = corpus.statements.iter().map(|s| s.text.as_str()).collect();
    bencher.counter(ItemsCount::new(texts.len())).bench(|| {
        let fitted = fitted_views(&texts, &corpus);
        assert!(fitted.lexical().len() > 10_000);
    });
}

/// Reading, labelling with the starter model and writing, on `threads` threads.
#[divan::bench(args = [1, 2], sample_count = 5)]
fn label(bencher: Bencher<'_, '_>, threads: usize) {
    label_feed(bencher, threads, &Model::starter().unwrap(), false);
}

/// The same with evidence.
#[divan::bench(args = [1, 2], sample_count = 5)]
fn label_with_evidence(bencher: Bencher<'_, '_>, threads: usize) {
    label_feed(bencher, threads, &Model::starter().unwrap(), true);
}

/// The same without, by a variable of 2 or of 77 codes.
#[divan::bench(args = [2, 77], sample_count = 5)]
fn label_codes(bencher: Bencher<'_, '_>, codes: usize) {
    label_feed(bencher, 1, &model_of(codes), false);
}

/// A model of one variable with so many codes: the largest cells of topic, conflict and language.
fn model_of(codes: usize) -> Model {
    let mut corpus = corpus();
    let cell = |s: &Statement| (s.codes.clone(), s.language.clone());
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for statement in &corpus.statements {
        *counts.entry(cell(statement)).or_default() += 1;
    }
    let mut cells: Vec<_> = counts.into_iter().collect();
    cells.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    cells.truncate(codes);
    assert_eq!(cells.len(), codes);
    corpus.statements.retain_mut(|s| {
        let code = cells.iter().position(|(c, _)| *c == cell(s));
        s.codes = vec![code];
        code.is_some()
    });
    let mut variable = corpus.codebook.variables.swap_remove(1);
    let pattern = variable.codes[0].clone();
    let named = |i: usize| {
        let mut code = pattern.clone();
        code.id = format!("cell_{i}");
        code
    };
    variable.codes = (0..codes).map(named).collect();
    corpus.codebook.variables = vec![variable];
    let mut params = TrainParams::default();
    params.folds = 2;
    let trained = train_with(&corpus, "bench", &params, Aids::default(), &|_| {});
    trained.unwrap().model
}

fn label_feed(bencher: Bencher<'_, '_>, threads: usize, model: &Model, evidence: bool) {
    let (feed, rows) = feed();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    bencher
        .counter(ItemsCount::new(rows))
        .counter(BytesCount::new(feed.len()))
        .bench(|| {
            let mut reader = stream(&feed);
            let out = LabelledRows::new(
                reader.layout(),
                "feed",
                &TableFormats::default().named("csv").unwrap(),
                model,
                &LabelledColumns::default(),
            );
            let out = out.unwrap();
            let mut written = 0;
            let counts = pool.install(|| {
                let labeller = Labeller::new(model);
                let labeller = if evidence {
                    labeller
                } else {
                    labeller.without_evidence()
                };
                label_rows(
                    &mut reader,
                    Labelling {
                        labeller: &labeller,
                        depth: Depth::Fast,
                        duplicates: None,
                        routes: None,
                    },
                    &|row, bytes| out.row(row, bytes),
                    &mut |row| {
                        if let Labelled::Rows { bytes, .. } = row {
                            written += bytes.len();
                        }
                        Ok(())
                    },
                )
            });
            let counts = counts.unwrap();
            assert_eq!((counts.rows as usize, counts.rejected), (rows, 0));
            assert!(written > feed.len());
        });
}

/// The whole training: views, cross-fitting of three variables, heads.
#[divan::bench(sample_count = 3)]
fn train_starter(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    bencher
        .counter(ItemsCount::new(corpus.statements.len()))
        .bench(|| {
            let training = train_with(
                &corpus,
                "bench",
                &TrainParams::default(),
                Aids::default(),
                &|_| {},
            )
            .unwrap();
            assert_eq!(training.model.origin().statements, corpus.statements.len());
        });
}

/// The search for hyperparameters on 2,000 statements.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn tune_starter(bencher: Bencher<'_, '_>) {
    let mut corpus = corpus();
    corpus.statements.truncate(2000);
    let params = TrainParams::suited_to(corpus.statements.len());
    bencher
        .counter(ItemsCount::new(corpus.statements.len()))
        .bench(|| {
            let tuning = tune(&corpus, &params, Aids::default(), &|_| {}).unwrap();
            assert!(tuning.params.check().is_ok());
        });
}

#[divan::bench(sample_count = 3)]
fn evaluate_with_intervals(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    let model = Model::starter().unwrap();
    bencher
        .counter(ItemsCount::new(corpus.statements.len()))
        .bench(|| {
            let evaluation = evaluate(&model, &corpus, &EvaluateParams::default()).unwrap();
            assert!(evaluation.variables[0].overall.macro_f1.interval.is_some());
        });
}

/// 1,000 replicates of one variable's scores and calibration over 100,000 statements, on one
/// thread, each a group of its own and in groups of ten.
#[divan::bench(args = [1, 10], sample_count = 3)]
fn bootstrap(bencher: Bencher<'_, '_>, group_size: usize) {
    const ROWS: usize = 100_000;
    let model = Model::starter().unwrap();
    let statement = |i: usize| Statement {
        id: i.to_string(),
        text: "Antri lama".into(),
        language: None,
        source: None,
        group: (i / group_size).to_string(),
        codes: vec![Some(i % 3), None],
        extra: Vec::new(),
        line: 0,
    };
    let mut corpus = corpus();
    corpus.statements = (0..ROWS).map(statement).collect();
    // One in seven is wrong; every confidence is another.
    let row = |i: usize| {
        let (p, code) = (0.5 + 0.5 * (i as f64) / ROWS as f64, i % 3);
        let mut probabilities = vec![(1.0 - p) / 2.0; 3];
        probabilities[if i.is_multiple_of(7) {
            (code + 1) % 3
        } else {
            code
        }] = p;
        OutOfFoldRow {
            id: i.to_string(),
            code,
            probabilities,
            decision: Decision::Auto,
        }
    };
    let judged = OutOfFold {
        variable: "conflict".into(),
        rows: (0..ROWS).map(row).collect(),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let params = EvaluateParams::default();
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let judged = std::slice::from_ref(&judged);
        let evaluation = pool.install(|| evaluate_out_of_fold(&model, &corpus, judged, &params));
        let evaluation = evaluation.unwrap();
        let [low, high] = evaluation.variables[0].overall.accuracy.interval.unwrap();
        assert!(low < 6.0 / 7.0 && 6.0 / 7.0 < high && high - low < 0.01);
    });
}
