//! What several test programs need.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use konflik::corpus::holdout;
use konflik::export::table::TableFormats;
use konflik::export::{LabelledColumns, LabelledRows};
use konflik::label::{Depth, Labeller, Labelling};
use konflik::model::{Aids, TrainParams, Training, train_with};
use konflik::{Codebook, Corpus, Model, ReadOptions, Reader};

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The project's corpus.
pub(crate) fn corpus() -> Corpus {
    let codebook = Codebook::read(&project("corpus/codebook.toml")).unwrap();
    Corpus::read(
        &project("corpus/statements.csv"),
        codebook,
        &ReadOptions::default(),
    )
    .unwrap()
}

/// Whole groups of it, some 500 statements.
pub(crate) fn small_corpus() -> Corpus {
    let corpus = corpus();
    let groups = corpus.statements.iter().map(|s| s.group.as_str());
    let (_, part) = holdout(groups, 500.0 / corpus.statements.len() as f64, 1);
    corpus.subset(&part)
}

/// A model trained on a corpus without watching.
pub(crate) fn trained(corpus: &Corpus) -> Training {
    train_with(
        corpus,
        "test",
        &TrainParams::default(),
        Aids::default(),
        &|_| {},
    )
    .unwrap()
}

/// A codebook of the variable `v` with the codes `c0`, `c1`, …
pub(crate) fn codebook(classes: usize) -> Codebook {
    let mut toml = "schema_version = 1\nid = \"k\"\nversion = \"1.0.0\"\ntitle = { en = \"K\" }\nlanguages = [\"en\"]\n\
                    [[variable]]\nid = \"v\"\nname = { en = \"V\" }\nquestion = { en = \"?\" }\n"
        .to_string();
    for k in 0..classes {
        let texts = "name = { en = \"N\" }\nbrief = { en = \"B\" }\ndefinition = { en = \"D\" }";
        writeln!(toml, "[[variable.code]]\nid = \"c{k}\"\n{texts}").unwrap();
    }
    Codebook::from_toml(&toml, "k").unwrap()
}

/// Rows of an input as they are written in the format of that name.
pub(crate) fn rows_of<'m>(
    reader: &Reader,
    format: &str,
    model: &'m Model,
    wanted: &LabelledColumns,
) -> LabelledRows<'m> {
    let format = TableFormats::default().named(format).unwrap();
    LabelledRows::new(reader.layout(), "in", &format, model, wanted).unwrap()
}

/// Labels by the fast views alone.
pub(crate) fn fast<'l>(labeller: &'l Labeller<'l>) -> Labelling<'l> {
    Labelling {
        labeller,
        depth: Depth::Fast,
        duplicates: None,
        routes: None,
    }
}
