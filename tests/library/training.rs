//! Training: the same bytes whatever the threads and the order, any codebook, clear refusals.

use std::borrow::Cow;

use super::common::{small_corpus, trained};
use konflik::corpus::Statement;
use konflik::model::{Aids, TrainParams, train_with};
use konflik::{Codebook, Corpus, Error, Model};

fn bytes(corpus: &Corpus) -> Vec<Vec<u8>> {
    let files = trained(corpus).model.to_files().unwrap();
    [
        files.manifest,
        files.codebook,
        files.tokenizer,
        files.tensors,
    ]
    .map(Cow::into_owned)
    .to_vec()
}

#[test]
fn any_number_of_threads_and_two_runs_give_the_same_bytes() {
    let corpus = small_corpus();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| bytes(&corpus))
    };
    let one = with(1);
    assert!(one == with(1), "two runs differ");
    for threads in [2, 3, 8] {
        assert!(one == with(threads), "{threads} threads give other bytes");
    }
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let corpus = small_corpus();
    let mut reversed = corpus.clone();
    reversed.statements.reverse();
    assert!(bytes(&corpus) == bytes(&reversed));
}

#[test]
fn another_seed_is_another_model() {
    let corpus = small_corpus();
    let mut params = TrainParams::default();
    params.seed = 3;
    let other = train_with(&corpus, "test", &params, Aids::default(), &|_| {}).unwrap();
    assert_ne!(trained(&corpus).model.id(), other.model.id());
}

/// Below 2,000 statements the context encoder lends its vectors, and a model of them needs no other
/// file: it is found again by its hash.
#[test]
fn few_statements_are_learned_with_the_context_encoder() {
    let corpus = small_corpus();
    let suited = TrainParams::suited_to(corpus.statements.len());
    assert!(suited.context && !TrainParams::suited_to(2000).context);
    let mut without = suited.clone();
    without.context = false;
    let [with, without] = [suited, without].map(|params| {
        let training = train_with(&corpus, "few", &params, Aids::default(), &|_| {});
        training.unwrap().model
    });
    assert!(with.sees_context() && !without.sees_context());
    assert!(with.sentence_encoder().is_some() && without.sentence_encoder().is_none());
    let files = with.to_files().unwrap();
    let read = Model::from_files(&files, "again").unwrap();
    assert!(read.sees_context());
    let text = "Antrean loket dari subuh, obatnya kosong lagi";
    let said = read.predict(text).unwrap();
    assert_eq!(said, with.predict(text).unwrap());
    assert_ne!(said, without.predict(text).unwrap());
}

/// More characters than the alphabet holds: which are kept must not be left to chance.
#[test]
fn a_corpus_of_many_scripts_gives_the_same_bytes_too() {
    let mut corpus = weather();
    for (i, statement) in corpus.statements.iter_mut().enumerate() {
        let strange: String = (0..20)
            .filter_map(|k| char::from_u32(0x4e00 + (i * 20 + k) as u32))
            .collect();
        statement.text = format!("{} {strange} {strange}", statement.text);
    }
    let first = bytes(&corpus);
    for _ in 0..3 {
        assert!(first == bytes(&corpus));
    }
}

/// What one statement says, however often, is no word of the model.
#[test]
fn a_word_of_one_statement_stands_in_no_file() {
    let mut corpus = weather();
    corpus.statements[3]
        .text
        .push_str(" zyxwvutsrq 3271046504930002 zyxwvutsrq 3271046504930002");
    let all = bytes(&corpus).concat();
    let text = String::from_utf8_lossy(&all);
    assert!(!text.contains("zyxwvutsrq") && !text.contains("3271046504930002"));
}

/// A codebook of three variables that have nothing to do with conflicts, in other languages.
const WEATHER: &str = r#"
schema_version = 1
id = "weather"
version = "2.1.0"
title = { de = "Wetter" }
languages = ["de"]
[[variable]]
id = "sky"
name = { de = "Himmel" }
question = { de = "Wie ist der Himmel?" }
code = [
  { id = "clear", name = { de = "klar" }, brief = { de = "klar" }, definition = { de = "ohne Wolken" } },
  { id = "grey", name = { de = "grau" }, brief = { de = "grau" }, definition = { de = "mit Wolken" } },
]
[[variable]]
id = "wind"
name = { de = "Wind" }
question = { de = "Geht Wind?" }
code = [
  { id = "still", name = { de = "still" }, brief = { de = "still" }, definition = { de = "kein Wind" } },
  { id = "breeze", name = { de = "Brise" }, brief = { de = "Brise" }, definition = { de = "etwas Wind" } },
  { id = "storm", name = { de = "Sturm" }, brief = { de = "Sturm" }, definition = { de = "viel Wind" } },
]
[[variable]]
id = "season"
name = { de = "Jahreszeit" }
question = { de = "Wann?" }
code = [
  { id = "summer", name = { de = "Sommer" }, brief = { de = "Sommer" }, definition = { de = "warm" } },
  { id = "winter", name = { de = "Winter" }, brief = { de = "Winter" }, definition = { de = "kalt" } },
]
"#;

fn weather() -> Corpus {
    let words = [
        ["sonnig blau", "bedeckt wolkig"],
        ["warm Juli", "Schnee frostig"],
    ];
    let winds = ["kein Lüftchen", "es weht leicht", "Orkan tobt"];
    let statements = (0..120).map(|i| {
        let codes = [i % 2, i % 3, (i / 6) % 2];
        Statement {
            id: format!("w{i:03}"),
            text: format!(
                "Heute {} und {}, {} am {}. Tag",
                words[0][codes[0]],
                winds[codes[1]],
                words[1][codes[2]],
                i % 28 + 1
            ),
            language: None,
            source: None,
            group: format!("g{}", i / 3),
            codes: codes.map(Some).to_vec(),
            extra: Vec::new(),
            line: i as u64 + 2,
        }
    });
    Corpus {
        codebook: Codebook::from_toml(WEATHER, "weather.toml").unwrap(),
        statements: statements.collect(),
        has_groups: true,
        name: "weather.csv".into(),
        layout: None,
    }
}

#[test]
fn another_codebook_trains_and_labels_by_the_same_code() {
    let model = trained(&weather()).model;
    let prediction = model.predict("Orkan, bedeckt, Schnee").unwrap().unwrap();
    let codes: Vec<&str> = model
        .variables()
        .iter()
        .zip(&prediction.variables)
        .map(|(v, p)| v.codes[p.code].as_str())
        .collect();
    assert_eq!(codes, ["grey", "storm", "winter"]);
    assert!(model.language().is_none() && prediction.language.is_none());
    assert!(
        prediction.variables[1]
            .evidence
            .iter()
            .any(|e| e.word == "Orkan")
    );
}

fn refused(change: impl Fn(&mut Vec<Statement>)) -> String {
    let mut corpus = weather();
    change(&mut corpus.statements);
    match train_with(
        &corpus,
        "test",
        &TrainParams::default(),
        Aids::default(),
        &|_| {},
    ) {
        Err(error @ Error::Untrainable { .. }) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("trained"),
    }
}

#[test]
fn a_corpus_that_teaches_nothing_is_refused_with_its_counts() {
    let one_code = refused(|s| s.iter_mut().for_each(|s| s.codes[0] = Some(0)));
    assert!(
        one_code
            .contains("sky needs statements of at least two codes, there are: clear 120, grey 0")
    );
    let one_group = refused(|s| s.iter_mut().for_each(|s| s.group = "g".into()));
    assert!(one_group.contains("one group"));
    let no_codes = refused(|s| s.iter_mut().for_each(|s| s.codes[1] = None));
    assert!(no_codes.contains("wind needs"));
}

#[test]
fn a_code_with_one_statement_or_none_is_warned_of_and_does_no_harm() {
    let mut corpus = weather();
    for (i, statement) in corpus.statements.iter_mut().enumerate() {
        statement.codes[1] = Some(usize::from(i == 5));
    }
    let training = trained(&corpus);
    assert!(
        training
            .warnings
            .iter()
            .any(|w| w.contains("\"breeze\" has one statement"))
    );
    assert!(
        training
            .warnings
            .iter()
            .any(|w| w.contains("\"storm\" has no statement"))
    );
    let prediction = training.model.predict("es weht leicht").unwrap().unwrap();
    let wind = &prediction.variables[1];
    assert!(wind.probabilities.iter().all(|p| p.is_finite()));
    assert!(wind.probabilities[2].abs() < f64::EPSILON);
}

#[test]
fn probabilities_of_statements_not_seen_are_calibrated() {
    let training = trained(&small_corpus());
    for variable in &training.out_of_fold {
        let mut confidence = 0.0;
        let mut right = 0.0;
        for row in &variable.rows {
            let best = row.probabilities.iter().copied().fold(0.0, f64::max);
            confidence += best;
            right += f64::from(u8::from(
                (row.probabilities[row.code] - best).abs() < f64::EPSILON,
            ));
        }
        let gap = (confidence - right).abs() / variable.rows.len() as f64;
        assert!(
            gap < 0.05,
            "{}: mean confidence is {gap:.3} from accuracy",
            variable.variable
        );
    }
}
