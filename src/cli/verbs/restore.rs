//! `konflik restore`: pseudonyms back into names.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use konflik::base::output::Output;
use konflik::export::refuse_same_file;
use konflik::export::table::{Look, Row, TableFormats, TableHead};
use konflik::ingest::privacy::{Privacy, Pseudonyms};
use konflik::{Error, Reader};

use crate::cli::Status;
use crate::cli::args::InputArgs;
use crate::cli::console::Console;
use crate::cli::input::announce_file;
use crate::cli::out::counted;

const EXAMPLES: &str = "Examples:
  konflik restore labelled.csv --key private/key.csv -o private/named.csv
  konflik restore labelled.jsonl --key private/key.csv -o private/named.jsonl
  konflik restore labelled.csv --key private/key.csv --text-column narasi > named.csv";

/// Turn pseudonyms back into names
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RestoreArgs {
    /// Table or JSON lines with pseudonyms, or `-` for standard input
    #[arg(value_name = "INPUT")]
    rows: PathBuf,
    /// Key file, written when the names were replaced
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write to this file, in the input's format, or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Overwrite an existing output
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    input: InputArgs,
}

pub(in crate::cli) fn run(args: &RestoreArgs, console: &Console) -> Result<Status> {
    refuse_same_file(&args.rows, &args.output)?;
    refuse_same_file(&args.key, &args.output)?;
    let mut output = Output::prepare(&args.output, args.force)?;
    let mut options = args.input.options()?;
    options.unit = None;
    options.privacy = Privacy {
        redact: false,
        names: Some(Pseudonyms::read(&args.key)?.reversed()),
    };
    let mut reader = Reader::open(&args.rows, &options)?;
    announce_file(reader.layout(), console);
    let formats = TableFormats::default();
    let own = formats.like(reader.layout())?;
    let format = if output.is_stdout() {
        own
    } else {
        formats.of_path(&args.output)?
    };
    if format.nests != own.nests {
        return Err(Error::UnknownFormat {
            path: args.output.display().to_string(),
            known: "the format of the input".into(),
        }
        .into());
    }
    let writer = (format.open)(TableHead {
        input: Some(reader.layout().clone()),
        columns: Vec::new(),
        look: Look::of(reader.layout()),
    });
    output.write(&writer.header()?)?;
    let mut rows = 0;
    while let Some(row) = reader.next_row()? {
        let record = row.map_err(Error::from)?;
        let mut bytes = Vec::new();
        let row = Row {
            record: Some(&record),
            cells: &[],
        };
        let written = writer.row(row, &mut bytes);
        written.map_err(|fault| Error::from(record.rejected(reader.name(), fault)))?;
        output.write(&writer.add(bytes)?)?;
        rows += 1;
    }
    output.write(&writer.finish()?)?;
    output.commit()?;
    let names: u64 = reader.masked().values().sum();
    console.say(&format!(
        "{} read, {} restored",
        counted(rows, "row"),
        counted(names, "name")
    ));
    Ok(Status::Done)
}
