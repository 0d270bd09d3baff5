//! `konflik codebook`: read and check codebooks.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use konflik::report::codebook_markdown;
use konflik::{Codebook, Model};

use crate::cli::Status;
use crate::cli::console::Console;
use crate::cli::out::{counted, print};

const LINT_EXAMPLES: &str = "Examples:
  konflik codebook lint corpus/codebook.toml
  konflik codebook lint mine.toml && konflik train coded.csv --codebook mine.toml -o models/mine
  konflik codebook lint mine.toml | wc -l";

const SHOW_EXAMPLES: &str = "Examples:
  konflik codebook show
  konflik codebook show corpus/codebook.toml --lang id > buku-kode.md
  konflik codebook show mine.toml --print json | jq .variable[].id";

/// Read and check codebooks
#[derive(Debug, Args)]
pub(in crate::cli) struct CodebookArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find problems that would confuse a coder
    #[command(after_help = LINT_EXAMPLES)]
    Lint {
        /// Codebook (TOML)
        #[arg(value_name = "FILE")]
        codebook: PathBuf,
    },
    /// Show a codebook as a coding manual
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Codebook (TOML) [default: the starter model's]
        #[arg(value_name = "FILE")]
        codebook: Option<PathBuf>,
        /// Language of the manual
        #[arg(long, default_value = "en")]
        lang: String,
        /// Form of the manual
        #[arg(long, value_name = "FORM", default_value = "md")]
        print: Form,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Md,
    Json,
}

pub(in crate::cli) fn run(args: &CodebookArgs, console: &Console) -> Result<Status> {
    match &args.verb {
        Verb::Lint { codebook } => lint(&Codebook::read(codebook)?, console),
        Verb::Show {
            codebook,
            lang,
            print: form,
        } => {
            let codebook = match codebook {
                Some(path) => Codebook::read(path)?,
                None => Model::starter()?.codebook().clone(),
            };
            if !codebook.languages.contains(lang) {
                console.warn(&format!(
                    "the codebook has no texts in {lang}, only in {}",
                    codebook.languages.join(", ")
                ));
            }
            print(&match form {
                Form::Md => codebook_markdown(&codebook, lang),
                Form::Json => serde_json::to_string_pretty(&codebook)? + "\n",
            })?;
            Ok(Status::Done)
        }
    }
}

fn lint(codebook: &Codebook, console: &Console) -> Result<Status> {
    let findings = codebook.lint();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if !lines.is_empty() {
        print(&(lines.join("\n") + "\n"))?;
    }
    let codes: usize = codebook.variables.iter().map(|v| v.codes.len()).sum();
    console.say(&format!(
        "{} {}: {}, {}, {}; {}",
        codebook.id,
        codebook.version,
        counted(codebook.variables.len() as u64, "variable"),
        counted(codes as u64, "code"),
        counted(codebook.cues.len() as u64, "cue"),
        counted(findings.len() as u64, "finding"),
    ));
    Ok(if findings.is_empty() {
        Status::Done
    } else {
        Status::Findings
    })
}
