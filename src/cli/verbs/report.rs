//! `konflik report`: what a labelled file says, as a page for people.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::batch::{BatchParams, BatchReport, DateOrder, ModelScores, SourceFile, Sources};
use konflik::corpus::{CoderOptions, CoderTable, Labels};
use konflik::evaluate::{Agreement, Prevalence, PrevalenceParams, agreement, prevalence};
use konflik::label::Routes;
use konflik::report::Pages;
use konflik::{Codebook, Corpus, Error, Model, ReadOptions, Reader};

use crate::cli::Status;
use crate::cli::args::{BootstrapArgs, InputArgs, LangArg, SampledArgs, load_model};
use crate::cli::console::Console;
use crate::cli::document::check_output;
use crate::cli::out::{counted, print, write_output};

const EXAMPLES: &str = "Examples:
  konflik report labelled.csv -o report.html
  konflik report labelled.csv --routes routes.toml --lang id -o laporan.html
  konflik report labelled.csv --gold sample.csv --coders ani.csv budi.csv --evaluation scores.json -o report.html";

/// Make a report of a labelled file: one page for people, to be read without a network
///
/// With what is given beside the labelled file it says more: --routes what can be acted on first,
/// --gold shares that are corrected for the model's errors, --coders how far people agree,
/// --evaluation how good the model is. What isn't given is left out and said to be missing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ReportArgs {
    /// What `konflik label` wrote (CSV, TSV or JSON lines), or `-`
    #[arg(value_name = "LABELLED")]
    labelled: PathBuf,
    /// Where to write: .html, .md or .json; may be repeated; Markdown on standard output if left
    /// out
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Rules (TOML) that say what goes to which queue, in which order
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// A random sample of the statements that people coded: a file with a column per variable,
    /// and ids
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    #[command(flatten)]
    sampled: SampledArgs,
    /// Codes that several people gave, as `konflik agree` reads them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    coders: Vec<PathBuf>,
    /// Scores of the model: what `konflik evaluate -o FILE.json` wrote
    #[arg(long, value_name = "FILE")]
    evaluation: Option<PathBuf>,
    /// Model directory; the starter model if it labelled the file
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Codebook (TOML); by default that of the model, else codebook.toml beside the labelled file
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Language of the report
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: LangArg,
    /// Column by whose values codes are counted; may be repeated [default: those of channel,
    /// source, role and speaker]
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,
    /// Order of dates that don't begin with the year
    #[arg(long, value_name = "ORDER", default_value = "ymd")]
    dates: DatesArg,
    /// Statements that are shown of each queue
    #[arg(long, value_name = "N", default_value_t = BatchParams::default().shown)]
    shown: usize,
    /// Folder of templates that replace the built-in ones of the same name
    #[arg(long, value_name = "DIR")]
    template: Option<PathBuf>,
    /// What the names of the columns with the model's codes begin with
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    /// Replace outputs that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatesArg {
    /// Only dates that begin with the year are read
    Ymd,
    /// 1/2/2026 is the first of February
    Dmy,
    /// 1/2/2026 is the second of January
    Mdy,
}

/// The forms of a report.
#[derive(Clone, Copy)]
enum Form {
    Html,
    Markdown,
    Json,
}

impl Form {
    fn of_path(path: &Path) -> konflik::Result<Self> {
        match path.extension().and_then(OsStr::to_str) {
            Some("html" | "htm") => Ok(Self::Html),
            Some("md") => Ok(Self::Markdown),
            Some("json") => Ok(Self::Json),
            _ => Err(Error::UnknownFormat {
                path: path.display().to_string(),
                known: ".html, .md or .json".into(),
            }),
        }
    }

    fn render(self, pages: &Pages, report: &BatchReport) -> Result<String> {
        Ok(match self {
            Self::Html => pages.report_html(report)?,
            Self::Markdown => pages.report_markdown(report)?,
            Self::Json => serde_json::to_string_pretty(report)? + "\n",
        })
    }
}

pub(in crate::cli) fn run(args: &ReportArgs, console: &Console) -> Result<Status> {
    let inputs = args.inputs();
    for path in &args.output {
        Form::of_path(path)?;
        check_output(path, &inputs, args.force)?;
    }
    let pages = Pages::new(args.lang.lang(), args.template.as_deref())?;
    let reader = args.open()?;
    let basis = Basis::of(args, &reader)?;
    let report = args.measure(reader, &basis, console)?;
    for fault in &report.rows.faults {
        console.warn(&format!("{fault}; row left out"));
    }
    let left_out = report.rows.left_out;
    if left_out as usize > report.rows.faults.len() {
        console.warn(&format!("{} left out in all", counted(left_out, "row")));
    }
    let word_min = basis
        .model
        .as_ref()
        .map(|m| m.extractor().lexical().params().word_min_df);
    let pages = match word_min {
        Some(least) => pages.knowing_words_from(least),
        None => pages,
    };
    for path in &args.output {
        let page = Form::of_path(path)?.render(&pages, &report)?;
        write_output(path, page, args.force)?;
        console.say(&format!("wrote {}", path.display()));
    }
    if args.output.is_empty() {
        print(&Form::Markdown.render(&pages, &report)?)?;
    }
    Ok(match left_out {
        0 => Status::Done,
        _ => Status::Findings,
    })
}

/// What the rows were coded by.
struct Basis {
    codebook: Codebook,
    model: Option<Model>,
}

impl Basis {
    /// The model that is named, or the starter model if the first row names it, with its codebook;
    /// else a codebook alone.
    fn of(args: &ReportArgs, reader: &Reader) -> konflik::Result<Self> {
        if let Some(path) = &args.model {
            let model = load_model(Some(path))?;
            if let Some(path) = &args.codebook {
                model.require_codebook(&Codebook::read(path)?)?;
            }
            return Ok(Self {
                codebook: model.codebook().clone(),
                model: Some(model),
            });
        }
        let starter = Model::starter()?;
        let beside = args.labelled.with_file_name("codebook.toml");
        let codebook = match &args.codebook {
            Some(path) => Codebook::read(path)?,
            None if beside.is_file() => Codebook::read(&beside)?,
            None => starter.codebook().clone(),
        };
        let wanted = format!("{}model", args.prefix);
        let named = first_cell(&args.labelled, reader, &wanted, args)?;
        let is_starter =
            named.as_deref() == Some(starter.id()) && starter.codebook().hash() == codebook.hash();
        Ok(Self {
            codebook,
            model: is_starter.then_some(starter),
        })
    }
}

/// The cell of a column in the first row; `None` for standard input, which is read only once.
fn first_cell(
    path: &Path,
    reader: &Reader,
    column: &str,
    args: &ReportArgs,
) -> konflik::Result<Option<String>> {
    let position = reader.layout().columns.iter().position(|c| c == column);
    let (Some(position), false) = (position, path.as_os_str() == "-") else {
        return Ok(None);
    };
    let mut again = args.open()?;
    while let Some(row) = again.next_row()? {
        if let Ok(record) = row {
            return Ok(Some(record.cell(position).into_owned()));
        }
    }
    Ok(None)
}

impl ReportArgs {
    fn inputs(&self) -> Vec<&Path> {
        let optional = [&self.routes, &self.gold, &self.evaluation];
        let given = optional.into_iter().flatten().chain(&self.coders);
        std::iter::once(&self.labelled)
            .chain(given)
            .map(PathBuf::as_path)
            .collect()
    }

    /// Of a table whose texts were cut when it was labelled, the statement is the part.
    fn open(&self) -> konflik::Result<Reader> {
        const PART: &str = "unit_text";
        let options = self.input.options()?;
        let reader = Reader::open(&self.labelled, &options)?;
        let is_cut = reader.layout().columns.iter().any(|c| c == PART);
        if options.text_column.is_some() || !is_cut || self.labelled.as_os_str() == "-" {
            return Ok(reader);
        }
        let options = ReadOptions {
            text_column: Some(PART.into()),
            ..options
        };
        Reader::open(&self.labelled, &options)
    }

    fn measure(&self, reader: Reader, basis: &Basis, console: &Console) -> Result<BatchReport> {
        let codebook = &basis.codebook;
        let routes = self
            .routes
            .as_deref()
            .map(|path| Routes::read(path, codebook))
            .transpose()?;
        let gold = self.gold(codebook, console)?;
        let coders = self.coded(codebook)?;
        let scores = self
            .evaluation
            .as_deref()
            .map(ModelScores::read)
            .transpose()?;
        let files = self.files()?;
        let sources = Sources {
            codebook,
            model: basis.model.as_ref(),
            routes: routes.as_ref(),
            gold: gold
                .as_ref()
                .map(|(gold, labels, shares)| (gold, labels, shares)),
            coders: coders.as_ref().map(|(table, agreement)| (table, agreement)),
            scores: scores.as_ref(),
            files: &files,
        };
        let params = BatchParams {
            language: self.lang.lang().code().into(),
            by: self.by.clone(),
            dates: match self.dates {
                DatesArg::Ymd => DateOrder::YearFirst,
                DatesArg::Dmy => DateOrder::DayFirst,
                DatesArg::Mdy => DateOrder::MonthFirst,
            },
            prefix: self.prefix.clone(),
            shown: self.shown,
        };
        Ok(BatchReport::measure(reader, &sources, &params)?)
    }

    fn gold(
        &self,
        codebook: &Codebook,
        console: &Console,
    ) -> Result<Option<(Corpus, Labels, Prevalence)>> {
        let Some(path) = &self.gold else {
            return Ok(None);
        };
        let gold = Corpus::read(path, codebook.clone(), &ReadOptions::default())?;
        let gold = self.sampled.chosen(gold, console)?;
        let labels = Labels::read(&self.labelled, codebook, &self.prefix)?;
        let shares = prevalence(&labels, &gold, &PrevalenceParams::default())?;
        if shares.strangers > 0 {
            let strangers = counted(shares.strangers as u64, "statement");
            console.warn(&format!(
                "{strangers} of {} are not in the labelled file",
                gold.name
            ));
        }
        Ok(Some((gold, labels, shares)))
    }

    fn coded(&self, codebook: &Codebook) -> Result<Option<(CoderTable, Agreement)>> {
        if self.coders.is_empty() {
            return Ok(None);
        }
        let options = CoderOptions {
            prefix: self.prefix.clone(),
            ..CoderOptions::default()
        };
        let table = CoderTable::read(&self.coders, codebook, &options)?;
        let agreement = agreement(&table, codebook, &self.bootstrap.params())?;
        Ok(Some((table, agreement)))
    }

    /// The files with their hashes; the routing file has its own.
    fn files(&self) -> konflik::Result<Vec<SourceFile>> {
        let named = [("gold", &self.gold), ("evaluation", &self.evaluation)];
        let named = named
            .into_iter()
            .filter_map(|(kind, path)| Some((kind, path.as_ref()?)));
        let coders = self.coders.iter().map(|path| ("coders", path));
        let all = std::iter::once(("labelled", &self.labelled))
            .chain(named)
            .chain(coders);
        all.map(|(kind, path)| source_file(kind, path)).collect()
    }
}

fn source_file(kind: &'static str, path: &Path) -> konflik::Result<SourceFile> {
    let sha256 = if path.as_os_str() == "-" {
        None
    } else {
        let bytes = fs::read(path).map_err(|e| Error::read(path, e))?;
        Some(konflik::base::hash::Hash::of(&bytes).to_string())
    };
    Ok(SourceFile {
        kind,
        name: path.display().to_string(),
        sha256,
    })
}
