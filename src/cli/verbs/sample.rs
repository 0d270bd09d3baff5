//! `konflik sample`: the next statements for a person to code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{ArgGroup, Args};
use konflik::Error;
use konflik::corpus::KeyedRows;
use konflik::error::ColumnHolds;
use konflik::evaluate::{Picked, SampledBy, Sampler, statement_vectors};
use konflik::export::sample_rows;
use konflik::export::table::TableFormats;

use crate::cli::Status;
use crate::cli::args::IdArgs;
use crate::cli::console::Console;
use crate::cli::document::check_output;
use crate::cli::input::{announce_file, announce_ids};
use crate::cli::out::{counted, write_output};

const EXAMPLES: &str = "Examples:
  konflik sample labelled.csv --random 200 -o to-code.csv
  konflik sample labelled.csv --random 100 --uncertain 50 --diverse 50 --exclude coded.csv -o next.csv
  konflik sample labelled.csv --quota konflik_topic=10 --quota source=20 -o to-code.csv";

const PICKS: &str = "Selection";
const INPUT: &str = "Input";

/// Pick the next statements for a person to code
///
/// Column `sampled_by` says how each row was picked. Use only `random` rows to evaluate a model or to
/// estimate shares; the other rows are more useful for training. The model's own columns are left
/// out, because these would influence the coder.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("picks").required(true).multiple(true).args(["random", "uncertain", "diverse", "quota"])))]
pub(in crate::cli) struct SampleArgs {
    /// Statements (CSV, TSV or JSON lines) with ids; for --uncertain, a labelled file
    #[arg(value_name = "INPUT")]
    statements: PathBuf,
    /// Write to this file (.csv or .tsv)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite an existing output
    #[arg(long)]
    force: bool,
    /// Pick N rows at random
    #[arg(long, value_name = "N", help_heading = PICKS)]
    random: Option<usize>,
    /// Pick the N rows that the model is least sure of
    #[arg(long, value_name = "N", help_heading = PICKS)]
    uncertain: Option<usize>,
    /// Pick the N rows that differ most from the rows picked or coded before
    #[arg(long, value_name = "N", help_heading = PICKS)]
    diverse: Option<usize>,
    /// Pick N rows at random for each value of a column; repeatable
    #[arg(long, value_name = "COLUMN=N", help_heading = PICKS, value_parser = parse_quota)]
    quota: Vec<(String, usize)>,
    /// Exclude the statements in this file, by id, because they are already coded; repeatable
    #[arg(long, value_name = "FILE", help_heading = PICKS)]
    exclude: Vec<PathBuf>,
    /// Variable whose probability --uncertain uses [default: the lowest of all variables]
    #[arg(long, value_name = "VARIABLE", help_heading = PICKS)]
    variable: Option<String>,
    /// Random seed
    #[arg(long, value_name = "N", help_heading = PICKS, default_value_t = 1)]
    seed: u64,
    #[command(flatten, next_help_heading = INPUT)]
    id: IdArgs,
    /// Column of the statements
    #[arg(long, value_name = "NAME", help_heading = INPUT, default_value = "text")]
    text_column: String,
    /// Prefix of the columns with the model's codes
    #[arg(long, help_heading = INPUT, default_value = "konflik_")]
    prefix: String,
}

fn parse_quota(text: &str) -> Result<(String, usize), String> {
    let wrong = || "expected a column and a number, such as source=20".to_string();
    let (column, n) = text.rsplit_once('=').ok_or_else(wrong)?;
    Ok((column.to_string(), n.parse().map_err(|_| wrong())?))
}

pub(in crate::cli) fn run(args: &SampleArgs, console: &Console) -> Result<Status> {
    let format = TableFormats::default().of_path(&args.output)?;
    let mut inputs: Vec<&Path> = vec![&args.statements];
    inputs.extend(args.exclude.iter().map(PathBuf::as_path));
    check_output(&args.output, &inputs, args.force)?;
    let id = args.id.column();
    let rows = KeyedRows::read_by(&args.statements, id)?;
    announce_file(&rows.layout, console);
    announce_ids(&rows, id, console);
    let picked = draw(args, &rows)?;
    let variables = variables(args, &rows);
    let table = sample_rows(&rows, &picked, &variables, &args.prefix, format)?;
    write_output(&args.output, table, args.force)?;
    let count = |by| picked.iter().filter(|p| p.by == by).count();
    let counts: Vec<String> = SampledBy::ALL
        .into_iter()
        .filter(|by| count(*by) > 0)
        .map(|by| format!("{} {}", by.as_str(), count(by)))
        .collect();
    console.say(&format!(
        "wrote {}: {} ({})",
        args.output.display(),
        counted(picked.len() as u64, "row"),
        counts.join(", ")
    ));
    let asked = [args.random, args.uncertain, args.diverse];
    let asked: usize = asked.into_iter().flatten().sum();
    if picked.len() - count(SampledBy::Quota) < asked {
        console.warn("fewer rows were available than requested");
        return Ok(Status::Findings);
    }
    Ok(Status::Done)
}

/// Picks rows: random rows first, so that they are a random sample of all uncoded rows.
fn draw(args: &SampleArgs, rows: &KeyedRows) -> konflik::Result<Vec<Picked>> {
    let text = rows.require(&args.text_column, ColumnHolds::Text)?;
    let coded = coded(args, rows)?;
    let is_open = |p: &usize| !coded.contains(p) && !rows.rows[*p].cells[text].trim().is_empty();
    let open = (0..rows.rows.len()).filter(is_open).collect();
    let mut sampler = Sampler::new(open, args.seed);
    sampler.random(args.random.unwrap_or(0));
    for (column, n) in &args.quota {
        let column = rows.require(column, ColumnHolds::Slice)?;
        sampler.quota(*n, |p| {
            let value = rows.rows[p].cells[column].trim();
            (!value.is_empty()).then(|| value.to_string())
        });
    }
    if let Some(n) = args.uncertain {
        let columns = probability_columns(args, rows)?;
        sampler.uncertain(n, |p| {
            let cells = columns.iter().map(|c| rows.rows[p].cells[*c].trim());
            cells.filter_map(|c| c.parse().ok()).min_by(f64::total_cmp)
        });
    }
    if let Some(n) = args.diverse {
        let texts: Vec<&str> = rows.rows.iter().map(|r| r.cells[text].as_str()).collect();
        let coded: Vec<usize> = coded.into_iter().collect();
        sampler.diverse(n, &statement_vectors(&texts)?, &coded);
    }
    Ok(sampler.finish())
}

/// Positions of the statements that are coded already.
fn coded(args: &SampleArgs, rows: &KeyedRows) -> konflik::Result<BTreeSet<usize>> {
    let mut coded = BTreeSet::new();
    for path in &args.exclude {
        let file = match KeyedRows::read_by(path, args.id.column()) {
            // The column may only be named in the other file.
            Err(Error::MissingColumn { .. }) => KeyedRows::read_by(path, None)?,
            other => other?,
        };
        coded.extend(file.rows.iter().filter_map(|row| rows.position(&row.id)));
    }
    Ok(coded)
}

const PROBABILITY: &str = "_probability";

/// The variables that the file is labelled by.
fn variables(args: &SampleArgs, rows: &KeyedRows) -> Vec<String> {
    let variable = |column: &String| {
        let variable = column
            .strip_prefix(&args.prefix)?
            .strip_suffix(PROBABILITY)?;
        Some(variable.to_string())
    };
    rows.columns.iter().filter_map(variable).collect()
}

fn probability_columns(args: &SampleArgs, rows: &KeyedRows) -> konflik::Result<Vec<usize>> {
    let variables = match &args.variable {
        Some(variable) => vec![variable.clone()],
        None => variables(args, rows),
    };
    let column = |v: &String| format!("{}{v}{PROBABILITY}", args.prefix);
    if variables.is_empty() {
        return Err(Error::MissingColumn {
            path: rows.name.clone(),
            wanted: column(&"conflict".to_string()),
            holds: ColumnHolds::Probabilities,
            found: rows.columns.clone(),
        });
    }
    let wanted = variables.iter().map(column);
    wanted
        .map(|name| rows.require(&name, ColumnHolds::Probabilities))
        .collect()
}
