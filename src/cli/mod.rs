//! The command line: `verbs` has one file per verb; the other modules hold what verbs share.

mod args;
mod console;
mod document;
mod hints;
mod input;
mod labelling;
mod out;
mod privacy;
mod said;
mod summary;
mod verbs;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use konflik::Error;

use console::Console;

const ABOUT: &str = "Code complaints and interview statements by conflict type and topic";
const EXIT_CODES: &str = "Exit codes:
  0  done
  1  done, but rows were left out, a check or test failed, or a gate was missed
  2  failed: usage, configuration, unreadable input, refused model or output
  3  nothing could be measured";

/// What the user typed.
#[derive(Debug, Parser)]
#[command(name = "konflik", version, about = ABOUT, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Number of threads; results are the same with any number
    #[arg(long, global = true, value_name = "N", display_order = 900)]
    threads: Option<usize>,
    /// Print nothing but errors
    #[arg(long, short, global = true, display_order = 901)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(verbs::run::RunArgs),
    Ingest(verbs::ingest::IngestArgs),
    Train(verbs::train::TrainArgs),
    Label(verbs::label::LabelArgs),
    Restore(verbs::restore::RestoreArgs),
    Evaluate(verbs::evaluate::EvaluateArgs),
    Compare(verbs::compare::CompareArgs),
    Agree(verbs::agree::AgreeArgs),
    Prevalence(verbs::prevalence::PrevalenceArgs),
    Sample(verbs::sample::SampleArgs),
    Report(verbs::report::ReportArgs),
    Behave(verbs::behave::BehaveArgs),
    Check(verbs::check::CheckArgs),
    Codebook(verbs::codebook::CodebookArgs),
    Model(verbs::model::ModelArgs),
}

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    Findings,
    NotDone,
    NotMeasured,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Findings => 1,
            Status::NotDone => 2,
            Status::NotMeasured => 3,
        })
    }
}

pub(crate) fn run(cli: &Cli) -> Result<Status> {
    if let Some(threads) = cli.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
    }
    let console = Console::new(cli.quiet);
    match &cli.verb {
        Verb::Run(args) => verbs::run::run(args, &console),
        Verb::Ingest(args) => verbs::ingest::run(args, &console),
        Verb::Train(args) => verbs::train::run(args, &console),
        Verb::Label(args) => verbs::label::run(args, &console),
        Verb::Restore(args) => verbs::restore::run(args, &console),
        Verb::Evaluate(args) => verbs::evaluate::run(args, &console),
        Verb::Compare(args) => verbs::compare::run(args, &console),
        Verb::Agree(args) => verbs::agree::run(args, &console),
        Verb::Prevalence(args) => verbs::prevalence::run(args, &console),
        Verb::Sample(args) => verbs::sample::run(args, &console),
        Verb::Report(args) => verbs::report::run(args, &console),
        Verb::Behave(args) => verbs::behave::run(args, &console),
        Verb::Check(args) => verbs::check::run(args, &console),
        Verb::Codebook(args) => verbs::codebook::run(args, &console),
        Verb::Model(args) => verbs::model::run(args),
    }
}

/// Prints an error once, with its causes and what to do; a reader that went away is no error.
pub(crate) fn report_error(error: &anyhow::Error) -> Status {
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken_pipe) {
        return Status::Done;
    }
    let known = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>());
    let code = known.map_or(String::new(), |e| format!("[{}]", e.code()));
    let mut err = io::stderr().lock();
    // Nothing is left to do when standard error itself can't be written.
    let _ = writeln!(err, "konflik: error{code}: {error:#}");
    if let Some(hint) = known.and_then(hints::of) {
        let _ = writeln!(err, "  help: {hint}");
    }
    match known {
        Some(Error::NotMeasured { .. }) => Status::NotMeasured,
        _ => Status::NotDone,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every verb shows three examples.
    #[test]
    fn every_verb_has_three_examples() {
        fn check(command: &clap::Command) {
            let mut leaf = true;
            for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
                check(sub);
                leaf = false;
            }
            if leaf {
                let help = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert_eq!(
                    help.matches("\n  konflik ").count(),
                    3,
                    "{}: {help}",
                    command.get_name()
                );
            }
        }
        check(&Cli::command());
    }
}
