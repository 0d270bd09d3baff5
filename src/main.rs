//! `konflik`: codes complaints and interview statements by conflict type and topic.

mod cli;

use std::panic;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

fn main() -> ExitCode {
    let told = panic::take_hook();
    // What ends a parser of workbooks is told as an error of the file.
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some(konflik::ingest::WORKER) {
            told(panic);
        }
    }));
    let cli = cli::Cli::parse();
    match cli::run(&cli) {
        Ok(status) => status.into(),
        Err(error) => cli::report_error(&error).into(),
    }
}
