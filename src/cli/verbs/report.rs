//! `konflik report`: a labelled file as a page for people.

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
use crate::cli::document::checked_outputs;
use crate::cli::input::keyed_options;
use crate::cli::out::{counted, print, write_output};

const EXAMPLES: &str = "Examples:
  konflik report labelled.csv -o report.html
  konflik report labelled.csv --routes routes.toml --lang id -o laporan.html
  konflik report labelled.csv --gold sample.csv --coders ani.csv budi.csv --evaluation scores.json -o report.html";

const SOURCES: &str = "Additional sources";
const CONTENT: &str = "Content";

/// Make a report of a labelled file: one page for people, readable offline
///
/// Other files add to the report: --routes the cases to act on first, --gold shares corrected for
/// the model's errors, --coders the agreement among people, --evaluation the scores of the model. The
/// report says which of these parts are missing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ReportArgs {
    /// What `konflik label` wrote (CSV, TSV or JSON lines), or `-`
    #[arg(value_name = "LABELLED")]
    labelled: PathBuf,
    /// Write to this file (.html, .md or .json); repeatable [default: Markdown on standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Overwrite existing outputs
    #[arg(long)]
    force: bool,
    /// Language of the report
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: LangArg,
    /// Model directory [default: the starter model, if it labelled the file]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Codebook (TOML) [default: the model's, else codebook.toml beside the labelled file]
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Prefix of the columns with the model's codes
    #[arg(long, default_value = "konflik_")]
    prefix: String,
    /// Rules (TOML) that assign rows to queues, in order of urgency
    #[arg(long, value_name = "FILE", help_heading = SOURCES)]
    routes: Option<PathBuf>,
    /// Random sample of the statements that people coded: a file with ids and one column per
    /// variable
    #[arg(long, value_name = "FILE", help_heading = SOURCES)]
    gold: Option<PathBuf>,
    #[command(flatten, next_help_heading = SOURCES)]
    sampled: SampledArgs,
    /// Files with the codes of several people, as for `konflik agree`
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = SOURCES)]
    coders: Vec<PathBuf>,
    /// Scores of the model: a file from `konflik evaluate -o FILE.json`
    #[arg(long, value_name = "FILE", help_heading = SOURCES)]
    evaluation: Option<PathBuf>,
    /// Count codes per value of this column; repeatable [default: channel, source, role and speaker]
    #[arg(long, value_name = "COLUMN", help_heading = CONTENT)]
    by: Vec<String>,
    /// Order of day and month in dates such as 1/2/2026
    #[arg(long, value_name = "ORDER", default_value = "auto", help_heading = CONTENT)]
    dates: DatesArg,
    /// Show this many statements per queue
    #[arg(long, value_name = "N", help_heading = CONTENT, default_value_t = BatchParams::default().shown)]
    shown: usize,
    /// Folder of templates that replace built-in templates of the same name
    #[arg(long, value_name = "DIR", help_heading = CONTENT)]
    template: Option<PathBuf>,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatesArg {
    /// A day above 12 in the column decides; otherwise the day is first
    Auto,
    /// Leave such dates out
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

/// What to report and where to write it; the arguments are checked.
struct ReportJob<'a> {
    args: &'a ReportArgs,
    outputs: Vec<(&'a Path, Form)>,
    pages: Pages,
    options: ReadOptions,
    params: BatchParams,
}

impl ReportArgs {
    fn job(&self) -> Result<ReportJob<'_>> {
        let lang = self.lang.lang();
        Ok(ReportJob {
            args: self,
            outputs: checked_outputs(&self.output, &self.inputs(), self.force, Form::of_path)?,
            pages: Pages::new(lang, self.template.as_deref())?,
            options: self.input.options()?,
            params: {
                let mut params = BatchParams::default();
                params.language = lang.code().into();
                params.by.clone_from(&self.by);
                params.dates = match self.dates {
                    DatesArg::Auto => DateOrder::Inferred,
                    DatesArg::Ymd => DateOrder::YearFirst,
                    DatesArg::Dmy => DateOrder::DayFirst,
                    DatesArg::Mdy => DateOrder::MonthFirst,
                };
                params.prefix.clone_from(&self.prefix);
                params.shown = self.shown;
                params
            },
        })
    }

    fn inputs(&self) -> Vec<&Path> {
        let optional = [&self.routes, &self.gold, &self.evaluation];
        let given = optional.into_iter().flatten().chain(&self.coders);
        std::iter::once(&self.labelled)
            .chain(given)
            .map(PathBuf::as_path)
            .collect()
    }
}

pub(in crate::cli) fn run(args: &ReportArgs, console: &Console) -> Result<Status> {
    args.job()?.run(console)
}

/// What the rows were coded by.
struct Basis {
    codebook: Codebook,
    model: Option<Model>,
}

impl Basis {
    /// The model given with `--model`, or the starter model if the first row names it, with the
    /// codebook of that model; else a codebook alone.
    fn of(job: &ReportJob<'_>, reader: &Reader) -> konflik::Result<Self> {
        let args = job.args;
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
        let named = job.first_cell(reader, &wanted)?;
        let is_starter =
            named.as_deref() == Some(starter.id()) && starter.codebook().hash() == codebook.hash();
        Ok(Self {
            codebook,
            model: is_starter.then_some(starter),
        })
    }
}

impl ReportJob<'_> {
    fn run(self, console: &Console) -> Result<Status> {
        let reader = self.open()?;
        let basis = Basis::of(&self, &reader)?;
        let report = self.measure(reader, &basis, console)?;
        for fault in &report.rows.faults {
            console.warn(&format!("{fault}; row left out"));
        }
        let left_out = report.rows.left_out;
        if left_out as usize > report.rows.faults.len() {
            console.warn(&format!("{} left out in total", counted(left_out, "row")));
        }
        if let Some(note) = &report.date_note {
            let remedy = match report.weeks {
                Some(_) => "",
                None => "; name a column with --map date=COLUMN",
            };
            console.say(&format!("{note}{remedy}"));
        }
        self.write(&report, basis.model.as_ref(), console)?;
        Ok(match left_out {
            0 => Status::Done,
            _ => Status::Findings,
        })
    }

    fn write(self, report: &BatchReport, model: Option<&Model>, console: &Console) -> Result<()> {
        let pages = match model {
            Some(model) => {
                let lexical = model.extractor().lexical();
                self.pages.knowing_words_from(lexical.params().word_min_df)
            }
            None => self.pages,
        };
        for (path, form) in &self.outputs {
            write_output(path, form.render(&pages, report)?, self.args.force)?;
            console.say(&format!("wrote {}", path.display()));
        }
        if self.outputs.is_empty() {
            print(&Form::Markdown.render(&pages, report)?)?;
        }
        Ok(())
    }

    /// Opens the labelled file. If labelling cut its texts into units, the statement is the unit.
    fn open(&self) -> konflik::Result<Reader> {
        const PART: &str = "unit_text";
        let labelled = &self.args.labelled;
        let reader = Reader::open(labelled, &self.options)?;
        let is_cut = reader.layout().columns.iter().any(|c| c == PART);
        if self.options.text_column.is_some() || !is_cut || labelled.as_os_str() == "-" {
            return Ok(reader);
        }
        let mut options = self.options.clone();
        options.text_column = Some(PART.into());
        Reader::open(labelled, &options)
    }

    /// The cell of a column in the first row; `None` for standard input, which is read only once.
    fn first_cell(&self, reader: &Reader, column: &str) -> konflik::Result<Option<String>> {
        let position = reader.layout().columns.iter().position(|c| c == column);
        let (Some(position), false) = (position, self.args.labelled.as_os_str() == "-") else {
            return Ok(None);
        };
        let mut again = self.open()?;
        while let Some(row) = again.next_row()? {
            if let Ok(record) = row {
                return Ok(Some(record.cell(position).into_owned()));
            }
        }
        Ok(None)
    }

    fn measure(&self, reader: Reader, basis: &Basis, console: &Console) -> Result<BatchReport> {
        let codebook = &basis.codebook;
        let routes = self
            .args
            .routes
            .as_deref()
            .map(|path| Routes::read(path, codebook))
            .transpose()?;
        let gold = self.gold(codebook, console)?;
        let coders = self.coded(codebook)?;
        let scores = self
            .args
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
        Ok(BatchReport::measure(reader, &sources, &self.params)?)
    }

    fn gold(
        &self,
        codebook: &Codebook,
        console: &Console,
    ) -> Result<Option<(Corpus, Labels, Prevalence)>> {
        let Some(path) = &self.args.gold else {
            return Ok(None);
        };
        let gold = Corpus::read(path, codebook.clone(), &keyed_options(path, None)?)?;
        let gold = self.args.sampled.chosen(gold, console)?;
        let labels = Labels::read(&self.args.labelled, codebook, &self.args.prefix)?;
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
        if self.args.coders.is_empty() {
            return Ok(None);
        }
        let mut options = CoderOptions::default();
        options.prefix.clone_from(&self.args.prefix);
        let table = CoderTable::read(&self.args.coders, codebook, &options)?;
        let agreement = agreement(&table, codebook, &self.args.bootstrap.params())?;
        Ok(Some((table, agreement)))
    }

    /// The files with their hashes; the routing file has its own.
    fn files(&self) -> konflik::Result<Vec<SourceFile>> {
        let named = [
            ("gold", &self.args.gold),
            ("evaluation", &self.args.evaluation),
        ];
        let named = named
            .into_iter()
            .filter_map(|(kind, path)| Some((kind, path.as_ref()?)));
        let coders = self.args.coders.iter().map(|path| ("coders", path));
        let all = std::iter::once(("labelled", &self.args.labelled))
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
