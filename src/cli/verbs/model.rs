//! `konflik model`: what a model codes and where it comes from.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use konflik::Model;
use konflik::model::{ModelDocument, VariableModel};
use konflik::report::{Align, Table};

use crate::cli::Status;
use crate::cli::args::load_model;
use crate::cli::out::print;

const EXAMPLES: &str = "Examples:
  konflik model show
  konflik model show models/mine
  konflik model show models/mine --print json | jq .scores";

/// Show what a model is
#[derive(Debug, Args)]
pub(in crate::cli) struct ModelArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the codes, training data and scores of a model
    #[command(after_help = EXAMPLES)]
    Show {
        /// Model directory [default: the starter model]
        #[arg(value_name = "DIR")]
        model: Option<PathBuf>,
        /// Form of the output
        #[arg(long, value_name = "FORM", default_value = "text")]
        print: Form,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(in crate::cli) fn run(args: &ModelArgs) -> Result<Status> {
    let Verb::Show { model, print: form } = &args.verb;
    let model = load_model(model.as_deref())?;
    print(&match form {
        Form::Text => text(&model),
        Form::Json => serde_json::to_string_pretty(&ModelDocument::of(&model))? + "\n",
    })?;
    Ok(Status::Done)
}

fn text(model: &Model) -> String {
    let origin = model.origin();
    let languages: Vec<String> = origin
        .languages
        .iter()
        .map(|(l, n)| format!("{l} {n}"))
        .collect();
    let mut out = format!("{}\n\n", model.id());
    let _ = writeln!(
        out,
        "codebook    {} {} (sha256 {})",
        model.codebook().id,
        model.codebook().version,
        model.codebook().hash().short()
    );
    let _ = writeln!(
        out,
        "trained on  {} statements in {} groups ({})",
        origin.statements,
        origin.groups,
        languages.join(", ")
    );
    let _ = writeln!(
        out,
        "features    {} lexical, {} cues",
        model.feature_count(),
        model.extractor().cues().names().len()
    );
    let _ = writeln!(out, "seed        {}\n", origin.params.seed);
    for variable in model.variables() {
        let t = &variable.thresholds;
        let auto = t
            .auto
            .map_or("never".to_string(), |p| format!("from {p:.3}"));
        let _ = writeln!(
            out,
            "{}: auto {auto} ({:.0} % of unseen statements, stated error {:.0} %), abstain below {:.3}",
            variable.id,
            100.0 * t.auto_coverage,
            100.0 * t.stated_error,
            t.abstain
        );
        out.push_str(&codes(model, variable).text());
        out.push('\n');
    }
    out
}

/// Codes with how many statements they were learned from and the F1 stored with the model.
fn codes(model: &Model, variable: &VariableModel) -> Table {
    let mut table = Table::new(&[
        ("code", Align::Left),
        ("statements", Align::Right),
        ("F1 unseen", Align::Right),
    ]);
    let scores = model.scores();
    for (code, count) in variable.codes.iter().zip(&variable.counts) {
        let f1 = scores.and_then(|scores| scores.f1(&variable.id, code));
        table.row([
            code.clone(),
            count.to_string(),
            f1.map_or("–".to_string(), |f| format!("{f:.3}")),
        ]);
    }
    table
}
