//! `konflik`: codes complaints and interview statements by conflict type and topic.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli::run(&cli) {
        Ok(status) => status.into(),
        Err(error) => cli::report_error(&error).into(),
    }
}
