//! `konflik behave`: behavioural tests of a model.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::evaluate::{Behaviour, BehaviourTests};
use konflik::label::Depth;
use konflik::report::{behaviour_junit, behaviour_markdown, behaviour_text};

use crate::cli::Status;
use crate::cli::args::{FastArgs, load_model};
use crate::cli::console::Console;
use crate::cli::document::{Document, DocumentArgs, DocumentForm, Form};

const EXAMPLES: &str = "Examples:
  konflik behave corpus/challenges/behaviour.toml
  konflik behave tests.toml --model models/mine -o behaviour.xml -o behaviour.md
  konflik behave tests.toml --print json | jq '.tests[] | select(.passed | not).name'";

/// Test a model on minimal pairs and on statements with an expected code
///
/// A TOML file holds the tests: statements that must get a certain code (expect = "code"), the same
/// code ("same"), a different code ("other"), or a higher probability ("rises"). Outputs may also be
/// .xml (JUnit). The exit code is 1 if a test has more failures than it allows.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct BehaveArgs {
    /// Tests (TOML)
    #[arg(value_name = "TESTS")]
    tests: PathBuf,
    #[command(flatten)]
    document: DocumentArgs<BehaviourForm>,
    /// Model directory [default: the starter model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    #[command(flatten)]
    fast: FastArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BehaviourForm {
    Text,
    Json,
    Md,
    /// JUnit XML
    Junit,
}

impl DocumentForm for BehaviourForm {
    fn of_path(path: &Path) -> konflik::Result<Self> {
        if path.extension().and_then(OsStr::to_str) == Some("xml") {
            return Ok(Self::Junit);
        }
        Ok(match Form::of_path(path)? {
            Form::Text => Self::Text,
            Form::Json => Self::Json,
            Form::Md => Self::Md,
        })
    }
}

impl BehaviourForm {
    fn render(self, behaviour: &Behaviour) -> Result<String> {
        match self {
            Self::Text => Form::Text.render(behaviour),
            Self::Json => Form::Json.render(behaviour),
            Self::Md => Form::Md.render(behaviour),
            Self::Junit => Ok(behaviour_junit(behaviour)),
        }
    }
}

impl Document for Behaviour {
    fn text(&self) -> String {
        behaviour_text(self)
    }

    fn markdown(&self) -> String {
        behaviour_markdown(self)
    }
}

pub(in crate::cli) fn run(args: &BehaveArgs, console: &Console) -> Result<Status> {
    let document = args.document.job(&[&args.tests])?;
    let tests = BehaviourTests::read(&args.tests)?;
    let behaviour = tests.run(
        &load_model(args.model.as_deref())?,
        args.fast.depth(Depth::Careful),
    )?;
    document.write(|form| form.render(&behaviour), console)?;
    Ok(if behaviour.passed {
        Status::Done
    } else {
        Status::Findings
    })
}
