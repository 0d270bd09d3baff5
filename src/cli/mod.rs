//! The command line: one file per verb, each with one `run`.

mod agree;
mod behave;
mod check;
mod codebook;
mod compare;
mod console;
mod document;
mod evaluate;
mod hints;
mod ingest;
mod input;
mod label;
mod model;
mod prevalence;
mod privacy;
mod report;
mod restore;
mod run;
mod sample;
mod study;
mod summary;
mod train;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use konflik::base::output::Output;
use konflik::evaluate::EvaluateParams;
use konflik::features::TextEncoder;
use konflik::ingest::{
    Charset, ColumnMap, Limits, Preset, Role, Roles, TranscriptFormat, TranscriptOptions, UnitKind,
};
use konflik::label::Depth;
use konflik::{Codebook, Corpus, Error, Format, Model, ReadOptions};

use console::Console;

const ABOUT: &str = "Code complaints and interview statements by conflict type and topic";
const EXIT_CODES: &str = "Exit codes:
  0  done
  1  done, but rows were left out, `check` or `lint` found something, or a gate was missed
  2  not done: usage, configuration, unreadable input, refused model, unwritable output
  3  nothing could be measured";

/// What the user typed.
#[derive(Debug, Parser)]
#[command(name = "konflik", version, about = ABOUT, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Threads to use; results are the same with any number
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::RunArgs),
    Ingest(ingest::IngestArgs),
    Train(train::TrainArgs),
    Label(label::LabelArgs),
    Restore(restore::RestoreArgs),
    Evaluate(evaluate::EvaluateArgs),
    Compare(compare::CompareArgs),
    Agree(agree::AgreeArgs),
    Prevalence(prevalence::PrevalenceArgs),
    Sample(sample::SampleArgs),
    Report(report::ReportArgs),
    Behave(behave::BehaveArgs),
    Check(check::CheckArgs),
    Codebook(codebook::CodebookArgs),
    Model(model::ModelArgs),
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
        Verb::Run(args) => run::run(args, &console),
        Verb::Ingest(args) => ingest::run(args, &console),
        Verb::Train(args) => train::run(args, &console),
        Verb::Label(args) => label::run(args, &console),
        Verb::Restore(args) => restore::run(args, &console),
        Verb::Evaluate(args) => evaluate::run(args, &console),
        Verb::Compare(args) => compare::run(args, &console),
        Verb::Agree(args) => agree::run(args, &console),
        Verb::Prevalence(args) => prevalence::run(args, &console),
        Verb::Sample(args) => sample::run(args, &console),
        Verb::Report(args) => report::run(args, &console),
        Verb::Behave(args) => behave::run(args, &console),
        Verb::Check(args) => check::run(args, &console),
        Verb::Codebook(args) => codebook::run(args, &console),
        Verb::Model(args) => model::run(args),
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

/// How an input is read: the same options for every verb that reads one.
#[derive(Debug, Clone, Args)]
struct InputArgs {
    /// Column (or JSON key) of the statement; guessed by its name if left out
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,
    /// Columns by what they mean: text, id, source, speaker, lang, date, group
    #[arg(long, value_name = "MEANING=NAME,..", value_delimiter = ',', value_parser = parse_mapping)]
    map: Vec<(Role, String)>,
    /// Columns of an export: app-reviews, cfpb, chatwoot, sp4n-lapor, zammad, or a .toml file
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Format of the input; by its suffix, or the first byte of standard input, if left out
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,
    /// Delimiter of a table: one character, or `tab`; found in the header if left out
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Encoding of the input, such as windows-1252; by its mark or its bytes if left out
    #[arg(long, value_name = "NAME", value_parser = parse_charset)]
    encoding: Option<Charset>,
    /// Sheet of a workbook; the first with something in it if left out
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Bytes that a workbook, or a column of a Parquet file's row group, may unpack to
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20)]
    max_unpacked: u64,
    /// Longest cell in bytes; a row with a longer one is left out
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_cell: usize,
    /// Brackets within brackets that a JSON object may have; a row with more is left out
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = parse_nesting)]
    max_nesting: usize,
    /// Columns that a table may have
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    max_columns: usize,
    #[command(flatten)]
    transcript: TranscriptArgs,
}

/// How a transcript is read.
#[derive(Debug, Clone, Args)]
struct TranscriptArgs {
    /// Speaker of a transcript who asks: context, never labelled; may be repeated [default:
    /// Pewawancara, Peneliti, Moderator, Interviewer, Researcher and the like]
    #[arg(long, value_name = "NAME")]
    interviewer: Vec<String>,
    /// Speaker of a transcript who answers, also one who speaks once; may be repeated
    #[arg(long, value_name = "NAME")]
    participant: Vec<String>,
    /// What is coded as one [default: `statement` of a transcript, `row` of a table]
    #[arg(long, value_name = "UNIT")]
    unit: Option<UnitArg>,
    /// Largest transcript in bytes, unpacked
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_bytes)]
    max_document: u64,
    /// Deepest nesting of a document's elements
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_depth)]
    max_depth: usize,
}

impl TranscriptArgs {
    fn options(&self) -> TranscriptOptions {
        TranscriptOptions {
            roles: Roles::with(&self.interviewer, &self.participant),
            unit: self.unit.map(UnitArg::kind).unwrap_or_default(),
            limits: Limits {
                max_bytes: self.max_document,
                max_depth: self.max_depth,
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnitArg {
    /// A sentence
    Statement,
    /// Everything that somebody says until somebody else does
    Turn,
    /// A line, paragraph or cue; a row of a table
    Row,
}

impl UnitArg {
    fn kind(self) -> UnitKind {
        match self {
            Self::Statement => UnitKind::Statement,
            Self::Turn => UnitKind::Turn,
            Self::Row => UnitKind::Row,
        }
    }
}

impl InputArgs {
    fn options(&self) -> konflik::Result<ReadOptions> {
        let mut named: BTreeMap<Role, String> = self.map.iter().cloned().collect();
        let text_column = named.remove(&Role::Text);
        let preset = self.preset.as_deref().map(Preset::named).transpose()?;
        Ok(ReadOptions {
            format: self.format.map(FormatArg::format),
            text_column: self.text_column.clone().or(text_column),
            columns: ColumnMap { named, preset },
            delimiter: self.delimiter,
            encoding: self.encoding,
            max_cell: self.max_cell,
            sheet: self.sheet.clone(),
            max_unpacked: self.max_unpacked,
            max_nesting: self.max_nesting,
            max_columns: self.max_columns,
            unit: self.transcript.unit.map(UnitArg::kind),
            transcript: self.transcript.options(),
            ..ReadOptions::default()
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Csv,
    Tsv,
    Jsonl,
    /// An array of objects
    Json,
    /// A spreadsheet
    Xlsx,
    Ods,
    /// A Parquet file; needs a build with the feature `parquet`
    Parquet,
    /// A transcript
    Txt,
    /// A transcript in Markdown
    Md,
    /// A transcript in Word
    Docx,
    /// Subtitles of Teams, Zoom and others
    Vtt,
    /// Subtitles
    Srt,
}

impl FormatArg {
    fn format(self) -> Format {
        match self {
            Self::Csv => Format::CSV,
            Self::Tsv => Format::TSV,
            Self::Jsonl => Format::Jsonl,
            Self::Json => Format::Json,
            Self::Xlsx | Self::Ods => Format::Workbook,
            Self::Parquet => Format::Parquet,
            Self::Txt => Format::Transcript(TranscriptFormat::Text),
            Self::Md => Format::Transcript(TranscriptFormat::Markdown),
            Self::Docx => Format::Transcript(TranscriptFormat::Docx),
            Self::Vtt => Format::Transcript(TranscriptFormat::WebVtt),
            Self::Srt => Format::Transcript(TranscriptFormat::Srt),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormatArg {
    Csv,
    Tsv,
    Jsonl,
}

impl OutputFormatArg {
    fn format(self) -> Format {
        match self {
            Self::Csv => Format::CSV,
            Self::Tsv => Format::TSV,
            Self::Jsonl => Format::Jsonl,
        }
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("one ASCII character, or `tab`".into()),
    }
}

fn parse_mapping(text: &str) -> Result<(Role, String), String> {
    let (meaning, column) = text.split_once('=').ok_or("MEANING=NAME is wanted")?;
    let role = Role::ALL.into_iter().find(|r| r.name() == meaning.trim());
    let role = role.ok_or_else(|| format!("{meaning:?} is none of the meanings"))?;
    Ok((role, column.to_string()))
}

/// `serde_json` itself goes 128 deep.
fn parse_nesting(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (1..=120).contains(n));
    n.ok_or_else(|| "a number from 1 to 120".into())
}

fn parse_charset(label: &str) -> Result<Charset, String> {
    Charset::named(label).ok_or_else(|| "no encoding has this name".into())
}

/// A corpus: the file of its statements and that of its codebook.
#[derive(Debug, Clone, Args)]
struct CorpusArgs {
    /// Coded statements: a file, or a folder that holds statements.csv and codebook.toml
    #[arg(value_name = "CORPUS")]
    corpus: PathBuf,
    /// Codebook (TOML); by default codebook.toml beside the statements
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
}

impl CorpusArgs {
    fn statements(&self) -> PathBuf {
        if self.corpus.is_dir() {
            self.corpus.join("statements.csv")
        } else {
            self.corpus.clone()
        }
    }

    fn codebook(&self) -> konflik::Result<Codebook> {
        match &self.codebook {
            Some(path) => Codebook::read(path),
            None => Codebook::read(&self.statements().with_file_name("codebook.toml")),
        }
    }
}

/// A sentence encoder, whose vectors are a further view.
#[derive(Debug, Clone, Args)]
struct EncoderArgs {
    /// Folder of a sentence encoder whose vectors are a further view; needs a build with the
    /// feature `encoder`
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// What to put before each text (`query: ` for the e5 models); by default as the folder says
    #[arg(long, value_name = "TEXT", requires = "encoder")]
    encoder_prefix: Option<String>,
}

impl EncoderArgs {
    fn load(&self) -> konflik::Result<Option<Arc<dyn TextEncoder>>> {
        let Some(path) = &self.encoder else {
            return Ok(None);
        };
        self.read(path).map(Some)
    }

    #[cfg(feature = "encoder")]
    fn read(&self, path: &Path) -> konflik::Result<Arc<dyn TextEncoder>> {
        let encoder = konflik::features::SentenceEncoder::load(path)?;
        Ok(match &self.encoder_prefix {
            Some(prefix) => Arc::new(encoder.with_prefix(prefix)),
            None => Arc::new(encoder),
        })
    }

    #[cfg(not(feature = "encoder"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    fn read(&self, path: &Path) -> konflik::Result<Arc<dyn TextEncoder>> {
        Err(Error::Encoder {
            path: path.display().to_string(),
            reason: "this build reads no sentence encoders: build it with `--features encoder`"
                .into(),
        })
    }

    /// The model of that directory, or the starter model, with its encoder.
    fn model(&self, directory: Option<&Path>) -> konflik::Result<Model> {
        let mut model = load_model(directory)?;
        match (self.load()?, model.sentence_encoder()) {
            (Some(encoder), _) => model.attach_encoder(encoder)?,
            (None, Some(needed)) if !model.has_encoder() => {
                return Err(Error::WrongEncoder {
                    needed: needed.to_string(),
                    given: None,
                });
            }
            (None, _) => {}
        }
        Ok(model)
    }
}

/// Whether the context encoder reads statements.
#[derive(Debug, Clone, Copy, Args)]
struct FastArgs {
    /// Leave the context encoder out: over a thousand times faster, and wrong more often on
    /// language of new sources
    #[arg(long)]
    fast: bool,
}

impl FastArgs {
    /// What is read, if it is not left out.
    fn depth(self, otherwise: Depth) -> Depth {
        if self.fast { Depth::Fast } else { otherwise }
    }
}

/// How intervals are drawn.
#[derive(Debug, Clone, Args)]
struct BootstrapArgs {
    /// Bootstrap replicates
    #[arg(long, default_value_t = EvaluateParams::default().replicates)]
    replicates: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = EvaluateParams::default().seed)]
    seed: u64,
}

impl BootstrapArgs {
    fn params(&self) -> EvaluateParams {
        EvaluateParams {
            replicates: self.replicates,
            seed: self.seed,
            ..EvaluateParams::default()
        }
    }
}

/// Gold statements and the codebook that they are coded by.
#[derive(Debug, Clone, Args)]
struct GoldArgs {
    /// Gold statements: a file with a column per variable, and ids
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    #[command(flatten)]
    codebook: CodebookFileArgs,
}

impl GoldArgs {
    fn read(&self, console: &Console) -> konflik::Result<Corpus> {
        let codebook = self.codebook.read(&self.gold)?;
        input::read_corpus(&self.gold, codebook, &ReadOptions::default(), console)
    }
}

/// Which gold statements count.
#[derive(Debug, Clone, Args)]
struct SampledArgs {
    /// Also take statements that were not drawn by chance (column `sampled_by`)
    #[arg(long)]
    any_sample: bool,
}

impl SampledArgs {
    /// The statements that were drawn by chance, or all where that is asked for.
    fn chosen(&self, gold: Corpus, console: &Console) -> konflik::Result<Corpus> {
        let random = gold.drawn_at_random();
        let left_out = gold.statements.len() - random.statements.len();
        if self.any_sample || left_out == 0 {
            return Ok(gold);
        }
        if random.statements.is_empty() {
            return Err(Error::NotMeasured {
                path: gold.name,
                reason:
                    "no statement was drawn at random (column sampled_by); --any-sample takes all"
                        .into(),
            });
        }
        console.warn(&format!(
            "{left_out} statements were not drawn at random (column sampled_by) and are left out; --any-sample takes them"
        ));
        Ok(random)
    }
}

/// A codebook that needn't be named.
#[derive(Debug, Clone, Args)]
struct CodebookFileArgs {
    /// Codebook (TOML); by default codebook.toml beside the coded file, else the starter model's
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
}

impl CodebookFileArgs {
    fn read(&self, coded: &Path) -> konflik::Result<Codebook> {
        let beside = coded.with_file_name("codebook.toml");
        match &self.codebook {
            Some(path) => Codebook::read(path),
            None if beside.is_file() => Codebook::read(&beside),
            None => Ok(Model::starter()?.codebook().clone()),
        }
    }
}

/// The model of that directory, or the starter model.
fn load_model(directory: Option<&Path>) -> konflik::Result<Model> {
    directory.map_or_else(Model::starter, Model::load)
}

/// Prints data to standard output.
fn print(text: &str) -> konflik::Result<()> {
    write_output(Path::new("-"), text, true)
}

/// Writes a small output whole.
fn write_output(path: &Path, content: impl AsRef<[u8]>, force: bool) -> konflik::Result<()> {
    let mut output = Output::prepare(path, force)?;
    output.write(content.as_ref())?;
    output.commit()
}

/// Refuses to write over what is being read.
fn refuse_same_file(input: &Path, output: &Path) -> konflik::Result<()> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Error::OutputIsInput {
            path: output.to_path_buf(),
        }),
        _ => Ok(()),
    }
}

/// A word for a count: `1 row`, `2 rows`.
fn counted(n: u64, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
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
