//! The value of each view of a statement: trainings without the view, scored out of fold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::compare::{Triple, differences};
use super::{Bootstrap, Difference, EvaluateParams};
use crate::codebook::Variable;
use crate::corpus::{Corpus, Statement};
use crate::error::Result;
use crate::features::Views;
use crate::model::{Aids, OutOfFold, OutOfFoldRow, Step, TrainParams, argmax, train_with};

/// The value of each view.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Ablation {
    /// Always `konflik/ablation`.
    #[schemars(extend("const" = "konflik/ablation"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Name of the corpus.
    pub corpus: String,
    /// Number of statements in the corpus.
    pub statements: usize,
    /// Method of the intervals: the same draws of groups for both trainings.
    pub bootstrap: Bootstrap,
    /// One per training with fewer views.
    pub rows: Vec<AblationRow>,
}

/// A training with fewer views, compared with the training with all views.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AblationRow {
    /// The change of the views.
    pub views: String,
    /// One per variable.
    pub variables: Vec<AblationScore>,
}

/// The scores of a variable: `a` with all views, `b` with fewer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AblationScore {
    /// Id of the variable.
    pub id: String,
    /// Mean F1 over the codes that occur in the gold.
    pub macro_f1: Difference,
    /// Share of statements with the right code.
    pub accuracy: Difference,
}

/// A training to compare: its views, and whether it has the sentence encoder.
struct Variant {
    name: String,
    views: Views,
    sentence: bool,
}

/// The trainings without one view, and the trainings with only one view.
fn variants(views: Views, sentence: bool) -> Vec<Variant> {
    let with = |lexical, semantic, cues| Views {
        lexical,
        semantic,
        cues,
    };
    let Views {
        lexical,
        semantic,
        cues,
    } = views;
    let all = [
        ("without lexical", with(false, semantic, cues), sentence),
        ("without semantic", with(lexical, false, cues), sentence),
        ("without cues", with(lexical, semantic, false), sentence),
        ("without sentence", views, false),
        ("lexical alone", with(lexical, false, false), false),
        ("semantic alone", with(false, semantic, false), false),
        ("sentence alone", with(false, false, false), sentence),
    ];
    let mut seen = vec![(views, sentence)];
    let mut kept = Vec::new();
    for (name, views, sentence) in all {
        let learns = views.lexical || views.semantic || sentence;
        if learns && !seen.contains(&(views, sentence)) {
            seen.push((views, sentence));
            kept.push(Variant {
                name: name.into(),
                views,
                sentence,
            });
        }
    }
    kept
}

/// Trains with all views of `params`, then with fewer, and compares the out-of-fold codes. `watch`
/// gets the name of each training.
pub fn ablate(
    corpus: &Corpus,
    params: &TrainParams,
    aids: Aids<'_>,
    evaluate: &EvaluateParams,
    watch: &(dyn Fn(&str, Step) + Sync),
) -> Result<Ablation> {
    evaluate.check()?;
    let with_all = |step| watch("all views", step);
    let all = train_with(corpus, "ablation", params, aids, &with_all)?.out_of_fold;
    let mut rows = Vec::new();
    let has_sentences = aids.sentences.is_some() || params.context;
    for variant in variants(params.views, has_sentences) {
        let params = TrainParams {
            views: variant.views,
            context: params.context && variant.sentence,
            ..params.clone()
        };
        let aids = Aids {
            sentences: aids.sentences.filter(|_| variant.sentence),
            ..aids
        };
        let watch = |step| watch(&variant.name, step);
        let fewer = train_with(corpus, "ablation", &params, aids, &watch)?.out_of_fold;
        rows.push(AblationRow {
            variables: compared(corpus, &all, &fewer, evaluate),
            views: variant.name,
        });
    }
    Ok(Ablation {
        schema: "konflik/ablation",
        schema_version: 1,
        corpus: corpus.name.clone(),
        statements: corpus.statements.len(),
        bootstrap: Bootstrap::of(corpus, evaluate),
        rows,
    })
}

fn compared(
    corpus: &Corpus,
    all: &[OutOfFold],
    fewer: &[OutOfFold],
    params: &EvaluateParams,
) -> Vec<AblationScore> {
    let statements = corpus.statements.iter();
    let by_id: BTreeMap<&str, &Statement> = statements.map(|s| (s.id.as_str(), s)).collect();
    let score = |((a, b), variable): ((&OutOfFold, &OutOfFold), &Variable)| {
        let triple = |(a, b): (&OutOfFoldRow, &OutOfFoldRow)| {
            Some(Triple {
                statement: by_id.get(a.id.as_str())?,
                gold: a.code,
                a: argmax(&a.probabilities),
                b: argmax(&b.probabilities),
            })
        };
        let triples: Vec<Triple<'_>> = a.rows.iter().zip(&b.rows).filter_map(triple).collect();
        let mut scores = differences(&triples, variable.codes.len(), params).into_iter();
        let (accuracy, macro_f1) = (scores.next()?, scores.next()?);
        Some(AblationScore {
            id: a.variable.clone(),
            macro_f1,
            accuracy,
        })
    };
    let variables = &corpus.codebook.variables;
    all.iter()
        .zip(fewer)
        .zip(variables)
        .filter_map(score)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_views_is_trained_once() {
        let names = |views, sentence| -> Vec<String> {
            let variants = variants(views, sentence);
            variants.into_iter().map(|v| v.name).collect()
        };
        assert_eq!(
            names(Views::default(), false),
            [
                "without lexical",
                "without semantic",
                "without cues",
                "lexical alone",
                "semantic alone"
            ]
        );
        let lexical = Views {
            semantic: false,
            ..Views::default()
        };
        assert_eq!(names(lexical, false), ["without cues"]);
        assert!(names(Views::default(), true).contains(&"without sentence".to_string()));
    }
}
