//! Labelling: rows in, rows out, nothing lost and nothing of the input changed.

use std::io::Cursor;

use konflik::export::LabelledColumns;
use konflik::features::Views;
use konflik::label::{DuplicateParams, LabelCounts, Labelled, Labeller, Labelling, label_rows};
use konflik::model::{Aids, TrainParams, train_with};
use konflik::{Format, Model, Prediction, ReadOptions, Reader};

use super::common::{fast, rows_of, small_corpus};
use proptest::prelude::*;

fn model() -> &'static Model {
    use std::sync::OnceLock;
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::starter().unwrap())
}

fn labelled(input: &str, format: Format, output: &str) -> (String, LabelCounts, Vec<String>) {
    let mut options = ReadOptions::default();
    options.format = Some(format);
    labelled_with(input, &options, output)
}

fn labelled_with(
    input: &str,
    options: &ReadOptions,
    output: &str,
) -> (String, LabelCounts, Vec<String>) {
    let mut reader = opened(input, options).unwrap();
    let rows = rows_of(&reader, output, model(), &LabelledColumns::default());
    let mut out = rows.writer().header().unwrap();
    let mut rejected = Vec::new();
    let counts = label_rows(
        &mut reader,
        fast(&Labeller::new(model())),
        &|row, bytes| rows.row(row, bytes),
        &mut |row| {
            match row {
                Labelled::Rows { bytes, .. } => out.extend(bytes),
                Labelled::Rejected(row) => rejected.push(row.fault.code().to_string()),
            }
            Ok(())
        },
    );
    (String::from_utf8(out).unwrap(), counts.unwrap(), rejected)
}

fn opened(input: &str, options: &ReadOptions) -> konflik::Result<Reader> {
    Reader::from_stream(Box::new(Cursor::new(input.to_string())), "in", options)
}

#[test]
fn input_cells_stand_untouched_before_ours() {
    let input = "no;\"te\"\"xt\";text\r\n0123;\"a;b\";Antri lama sekali\r\n1e5;=1+1;\"dua\nbaris, mantap\"\r\n";
    let (out, counts, _) = labelled(input, Format::CSV, "csv");
    let lines: Vec<&str> = out.split_inclusive('\n').collect();
    assert!(
        lines[0].starts_with("no;\"te\"\"xt\";text;konflik_conflict;konflik_conflict_probability;")
    );
    assert!(lines[1].starts_with("0123;\"a;b\";Antri lama sekali;realistic;"));
    assert!(out.contains("1e5;=1+1;\"dua\nbaris, mantap\";none;"));
    assert_eq!((counts.rows, counts.labelled), (2, 2));
}

#[test]
fn json_objects_keep_their_form_and_get_full_probabilities() {
    let input = "{\"n\": 18446744073709551616, \"o\":{\"b\":[1.0]},\"text\":\"Obat kosong\"}\n{\"text\":\"terima kasih\"}\n";
    let (out, _, _) = labelled(input, Format::Jsonl, "jsonl");
    let first = out.lines().next().unwrap();
    assert!(first.starts_with("{\"n\": 18446744073709551616, \"o\":{\"b\":[1.0]},\"text\":\"Obat kosong\",\"konflik_conflict\":"));
    let value: serde_json::Value = serde_json::from_str(first).unwrap();
    let sum: f64 = value["konflik_topic_probabilities"]
        .as_object()
        .unwrap()
        .values()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 0.01);
}

#[test]
fn rows_read_are_labelled_blank_or_rejected() {
    let input = "id,text\n1,Antri lama\n2\n3,\n4,  \n5,\"x\"y\n6,😡\n";
    let (out, counts, rejected) = labelled(input, Format::CSV, "csv");
    assert_eq!(
        [
            counts.rows,
            counts.labelled,
            counts.blank,
            counts.silent,
            counts.rejected
        ],
        [6, 1, 2, 1, 2]
    );
    assert_eq!(rejected, ["K0301", "K0305"]);
    assert_eq!(counts.first_blank, Some(4));
    assert!(out.contains("\n3,,,,no_statement,"));
}

#[test]
fn table_and_json_give_the_same_codes() {
    let (table, ..) = labelled("id,text\n1,Aplikasi error terus\n", Format::CSV, "jsonl");
    let (json, ..) = labelled(
        "{\"id\":\"1\",\"text\":\"Aplikasi error terus\"}\n",
        Format::Jsonl,
        "jsonl",
    );
    assert_eq!(table, json);
    let (flat, ..) = labelled(
        "{\"id\":\"1\",\"text\":\"Aplikasi error terus\"}\n",
        Format::Jsonl,
        "csv",
    );
    let (csv, ..) = labelled("id,text\n1,Aplikasi error terus\n", Format::CSV, "csv");
    assert_eq!(flat, csv);
}

#[test]
fn a_key_that_would_be_lost_in_a_table_rejects_its_row() {
    let input = "{\"text\":\"a\"}\n{\"text\":\"b\",\"more\":1}\n";
    let (_, counts, rejected) = labelled(input, Format::Jsonl, "csv");
    assert_eq!((counts.labelled, rejected), (1, vec!["K0312".to_string()]));
}

#[test]
fn a_key_that_the_output_writes_rejects_its_row() {
    let input = "{\"text\":\"a\"}\n{\"text\":\"b\",\"konflik_topic\":\"mine\"}\n";
    let (_, counts, rejected) = labelled(input, Format::Jsonl, "jsonl");
    assert_eq!((counts.labelled, rejected), (1, vec!["K0314".to_string()]));
}

#[test]
fn composed_and_decomposed_text_get_the_same_probabilities() {
    let probabilities = |text: &str| {
        let prediction = model().predict_fast(text).unwrap().unwrap();
        prediction
            .variables
            .into_iter()
            .map(|v| v.probabilities)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        probabilities("café lama sekali"),
        probabilities("cafe\u{301} lama sekali")
    );
}

#[test]
fn a_text_without_a_known_feature_abstains() {
    let prediction = model().predict_fast("ꙮ").unwrap().unwrap();
    for variable in &prediction.variables {
        assert_eq!(variable.decision, konflik::Decision::Abstain);
        assert!(variable.evidence.is_empty());
    }
    assert_eq!(prediction.language, None);
}

#[test]
fn the_threads_do_not_matter() {
    let rows: Vec<String> = (0..3000)
        .map(|i| format!("{i},antri lama nomor {i}"))
        .collect();
    let input = format!("id,text\n{}\n", rows.join("\n"));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| labelled(&input, Format::CSV, "csv").0)
    };
    assert!(with(1) == with(4));
}

/// The evidence words of a code are words of the statement, at their place.
#[test]
fn evidence_points_into_the_text() {
    let text = "😡 Obatnya kosong, kata petugas; antri LAMA…";
    let prediction = model().predict_fast(text).unwrap().unwrap();
    let found: Vec<_> = prediction
        .variables
        .iter()
        .flat_map(|v| &v.evidence)
        .collect();
    assert!(!found.is_empty());
    for evidence in found {
        let at: String = text
            .chars()
            .skip(evidence.start)
            .take(evidence.word.chars().count())
            .collect();
        assert_eq!(at, evidence.word);
    }
}

/// A training of its own for each set of views, with a codebook of other sizes too.
fn models() -> &'static [Model] {
    use std::sync::OnceLock;
    static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let corpus = small_corpus();
        let views = |lexical, semantic, cues| Views {
            lexical,
            semantic,
            cues,
        };
        let sets = [
            views(true, false, false),
            views(false, true, true),
            views(true, true, true),
        ];
        let params = |views| {
            let mut params = TrainParams::default();
            params.views = views;
            params.head_alphas = vec![10.0];
            params
        };
        let train = |views| train_with(&corpus, "m", &params(views), Aids::default(), &|_| {});
        sets.map(|views| train(views).unwrap().model).into()
    })
}

/// Both say the same of a text: probabilities within 1e-5, the same codes, decisions and evidence
/// unless two values are as near as that.
fn assert_the_same(plain: Option<&Prediction>, folded: Option<&Prediction>, model: &Model) {
    const NEAR: f64 = 1e-5;
    let (Some(plain), Some(folded)) = (plain, folded) else {
        assert!(plain.is_none() && folded.is_none());
        return;
    };
    assert_eq!(plain.language, folded.language);
    let variables = plain
        .variables
        .iter()
        .zip(&folded.variables)
        .zip(model.variables());
    for ((a, b), variable) in variables {
        let pairs = a.probabilities.iter().zip(&b.probabilities);
        for (p, q) in pairs {
            assert!((p - q).abs() < NEAR, "{p} {q}");
        }
        let thresholds = [
            variable.thresholds.auto.unwrap_or(2.0),
            variable.thresholds.abstain,
        ];
        let p = a.probability();
        if (p - a.probabilities[b.code]).abs() > NEAR {
            assert_eq!(a.code, b.code);
        }
        if thresholds.iter().all(|t| (p - t).abs() > NEAR) {
            assert_eq!(a.decision, b.decision);
        }
        for (e, f) in a.evidence.iter().zip(&b.evidence) {
            assert!((e.weight - f.weight).abs() < 1e-4, "{e:?} {f:?}");
        }
    }
}

/// The fast path says what the plain path says, on the corpus, with a table of any size.
#[test]
fn folded_statements_are_coded_as_plain_ones() {
    let corpus = small_corpus();
    let starter = [model()];
    for model in models().iter().chain(starter) {
        for labeller in [Labeller::new(model), Labeller::with_table_bytes(model, 0)] {
            for statement in &corpus.statements {
                let plain = model.predict_fast(&statement.text).unwrap();
                let folded = labeller.predict_fast(&statement.text).unwrap();
                assert_the_same(plain.as_ref(), folded.as_ref(), model);
            }
        }
    }
}

proptest! {
    /// On any string at all.
    #[test]
    fn folded_texts_are_coded_as_plain_ones(
        texts in prop::collection::vec("([a-zA-Z0-9 .,!?]|antri |lama |BPJS |rp|[à-ž😡…\u{301}]|\\PC){0,30}", 1..6)
    ) {
        for model in models() {
            let labeller = Labeller::new(model);
            for text in &texts {
                let (plain, folded) = (model.predict_fast(text).unwrap(), labeller.predict_fast(text).unwrap());
                assert_the_same(plain.as_ref(), folded.as_ref(), model);
            }
        }
    }

    /// No text fails, and what is said of it is well-formed.
    #[test]
    fn any_text_is_coded(text in "\\PC{0,80}") {
        if let Some(prediction) = model().predict_fast(&text).unwrap() {
            for variable in prediction.variables {
                prop_assert!((variable.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                prop_assert!(variable.probabilities.iter().all(|p| *p <= variable.probability()));
            }
        }
    }

    /// A row gets the same codes alone as among others.
    #[test]
    fn a_batch_is_the_sum_of_its_rows(texts in prop::collection::vec("[a-z ]{1,30}", 1..12)) {
        let table = |texts: &[String]| {
            let rows: Vec<String> = texts.iter().map(|t| format!("{t},x\n")).collect();
            labelled(&format!("text,id\n{}", rows.concat()), Format::CSV, "csv").0
        };
        let together = table(&texts);
        let alone: Vec<String> = texts.iter().map(|t| table(std::slice::from_ref(t)).lines().nth(1).unwrap().to_string()).collect();
        prop_assert_eq!(together.lines().skip(1).collect::<Vec<_>>(), alone);
    }
}

#[test]
fn a_near_copy_names_the_first_row_of_its_kind() {
    let input = "id,text\na,Tolong perbaiki pipa bocor di kampung kami segera\n,Antri lama\n\
                 b,TOLONG perbaiki pipa bocor di kampung kami segera!\n";
    let mut reader =
        Reader::from_stream(Box::new(Cursor::new(input)), "in", &ReadOptions::default()).unwrap();
    let mut wanted = LabelledColumns::default();
    wanted.copies = true;
    let rows = rows_of(&reader, "csv", model(), &wanted);
    assert!(
        String::from_utf8(rows.writer().header().unwrap())
            .unwrap()
            .ends_with(",konflik_duplicate_of\n")
    );
    let mut copies = Vec::new();
    let counts = label_rows(
        &mut reader,
        Labelling {
            duplicates: Some(&DuplicateParams::default()),
            ..fast(&Labeller::new(model()))
        },
        &|row, bytes| rows.row(row, bytes),
        &mut |row| {
            if let Labelled::Rows { bytes, .. } = row {
                for line in String::from_utf8(bytes).unwrap().lines() {
                    copies.push(line.rsplit(',').next().unwrap().to_string());
                }
            }
            Ok(())
        },
    );
    assert_eq!(
        (copies, counts.unwrap().copies),
        (vec![String::new(), String::new(), "a".into()], 1)
    );
}

#[test]
fn a_hundred_thousand_cells_are_a_row_or_a_fault_but_no_trouble() {
    let cells = vec!["x"; 100_000].join(",");
    let (_, counts, faults) = labelled(
        &format!("id,text\n1,{cells}\n2,Antri\n"),
        Format::CSV,
        "csv",
    );
    assert_eq!((counts.labelled, faults), (1, vec!["K0301".to_string()]));
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    let wide = format!("text,{}\nAntri,{cells}\n", names.join(","));
    let refused = opened(&wide, &ReadOptions::default()).err().unwrap();
    assert_eq!(refused.code(), "K0212");
    let mut options = ReadOptions::default();
    options.max_columns = 100_001;
    let (out, counts, _) = labelled_with(&wide, &options, "csv");
    assert_eq!((counts.labelled, out.lines().count()), (1, 2));
}
