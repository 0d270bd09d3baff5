//! Arguments that several verbs share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use konflik::evaluate::EvaluateParams;
use konflik::export::table::{TableFormat, TableFormats};
use konflik::features::TextEncoder;
use konflik::ingest::{
    Charset, ColumnMap, Limits, Preset, READ, Role, Roles, TranscriptOptions, UnitKind,
};
use konflik::label::Depth;
use konflik::report::Lang;
use konflik::{Codebook, Corpus, Error, Format, Model, ReadOptions};

use super::console::Console;
use super::input;

/// How an input is read: the same options for every verb that reads one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// Read statements from this column or JSON key [default: guessed by its name
    /// and content]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,
    /// Name columns by their meaning: text, id, source, speaker, lang, date, group
    #[arg(long, value_name = "MEANING=NAME,..", value_delimiter = ',', value_parser = parse_mapping)]
    map: Vec<(Role, String)>,
    /// Use the columns of a known export: app-reviews, cfpb, chatwoot, sp4n-lapor, zammad, or a
    /// .toml file
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Format of the input [default: by its suffix; for standard input, by its first byte]
    #[arg(long, value_name = "FORMAT", value_parser = read_format())]
    format: Option<Format>,
    /// Delimiter of a table: one character, or `tab` [default: detected in the
    /// first rows]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Read the first row of a table as data: its columns are called `column A`, `column B`
    #[arg(long)]
    no_header: bool,
    /// Text encoding of the input, such as windows-1252 [default: by its byte-order mark, else
    /// detected]
    #[arg(long, value_name = "NAME", value_parser = parse_charset)]
    encoding: Option<Charset>,
    /// Sheet of a workbook [default: the first that is not empty]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    #[command(flatten)]
    transcript: TranscriptArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// How a transcript is read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transcripts")]
struct TranscriptArgs {
    /// Treat this speaker as an interviewer, whose turns are context and never coded; repeatable
    /// [default: Pewawancara, Peneliti, Moderator, Interviewer, Researcher and similar names]
    #[arg(long, value_name = "NAME")]
    interviewer: Vec<String>,
    /// Treat this speaker as a participant, whose turns are coded, even a single one; repeatable
    #[arg(long, value_name = "NAME")]
    participant: Vec<String>,
    /// Unit of coding [default: `statement` in a transcript, `row` in a table]
    #[arg(long, value_name = "UNIT")]
    unit: Option<UnitArg>,
}

/// How large an input may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input limits")]
#[expect(clippy::struct_field_names, reason = "flags of a command line")]
struct LimitArgs {
    /// Leave out rows with a cell of more bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_cell: usize,
    /// Leave out JSON objects with deeper nesting
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = parse_nesting)]
    max_nesting: usize,
    /// Refuse tables with more columns
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    max_columns: usize,
    /// Refuse workbooks and Parquet column chunks that unpack to more bytes
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20)]
    max_unpacked: u64,
    /// Refuse transcripts that unpack to more bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_bytes)]
    max_document: u64,
    /// Refuse documents whose elements have deeper nesting
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_depth)]
    max_depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum UnitArg {
    /// One sentence
    Statement,
    /// All that one speaker says until another speaks
    Turn,
    /// A line, paragraph or subtitle cue; a row of a table
    Row,
}

impl UnitArg {
    pub(super) fn kind(self) -> UnitKind {
        match self {
            Self::Statement => UnitKind::Statement,
            Self::Turn => UnitKind::Turn,
            Self::Row => UnitKind::Row,
        }
    }
}

impl InputArgs {
    pub(super) fn options(&self) -> konflik::Result<ReadOptions> {
        let mut named: BTreeMap<Role, String> = self.map.iter().cloned().collect();
        let text_column = named.remove(&Role::Text);
        let preset = self.preset.as_deref().map(Preset::named).transpose()?;
        let mut options = ReadOptions::default();
        options.format = self.format;
        options.text_column = self.text_column.clone().or(text_column);
        options.columns = ColumnMap { named, preset };
        options.delimiter = self.delimiter;
        options.no_header = self.no_header;
        options.encoding = self.encoding;
        options.max_cell = self.limits.max_cell;
        options.sheet.clone_from(&self.sheet);
        options.max_unpacked = self.limits.max_unpacked;
        options.max_nesting = self.limits.max_nesting;
        options.max_columns = self.limits.max_columns;
        options.unit = self.transcript.unit.map(UnitArg::kind);
        options.transcript = self.transcript();
        Ok(options)
    }

    fn transcript(&self) -> TranscriptOptions {
        let args = &self.transcript;
        let mut options = TranscriptOptions::default();
        options.roles = Roles::with(&args.interviewer, &args.participant);
        options.unit = args.unit.map(UnitArg::kind).unwrap_or_default();
        options.limits = Limits {
            max_bytes: self.limits.max_document,
            max_depth: self.limits.max_depth,
        };
        options
    }
}

/// Parses the name of a format that files are read from.
fn read_format() -> impl TypedValueParser<Value = Format> {
    let named = READ.iter().map(|known| match known.about {
        "" => PossibleValue::new(known.name),
        about => PossibleValue::new(known.name).help(about),
    });
    PossibleValuesParser::new(named).try_map(|name| {
        let found = READ.iter().find(|known| known.name == name);
        found.map(|known| known.format).ok_or("unknown")
    })
}

/// Parses the name of a format that tables are written in.
pub(super) fn written_format() -> impl TypedValueParser<Value = TableFormat> {
    let formats = TableFormats::default();
    let names: Vec<&str> = formats.iter().map(|format| format.name).collect();
    PossibleValuesParser::new(names).try_map(move |name| formats.named(&name).ok_or("unknown"))
}

pub(super) fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("expected one ASCII character, or `tab`".into()),
    }
}

pub(super) fn parse_mapping(text: &str) -> Result<(Role, String), String> {
    let (meaning, column) = text.split_once('=').ok_or("expected MEANING=NAME")?;
    let role = Role::ALL.into_iter().find(|r| r.name() == meaning.trim());
    let role = role.ok_or_else(|| format!("unknown meaning {meaning:?}"))?;
    Ok((role, column.to_string()))
}

/// `serde_json` itself goes 128 deep.
pub(super) fn parse_nesting(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (1..=120).contains(n));
    n.ok_or_else(|| "expected a number from 1 to 120".into())
}

pub(super) fn parse_charset(label: &str) -> Result<Charset, String> {
    Charset::named(label).ok_or_else(|| "unknown encoding".into())
}

/// A corpus: a file of statements and a codebook.
#[derive(Debug, Clone, Args)]
pub(super) struct CorpusArgs {
    /// Coded statements: a file, or a folder with statements.csv and codebook.toml
    #[arg(value_name = "CORPUS")]
    corpus: PathBuf,
    /// Codebook (TOML) [default: codebook.toml beside the statements]
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
}

impl CorpusArgs {
    pub(super) fn statements(&self) -> PathBuf {
        if self.corpus.is_dir() {
            self.corpus.join("statements.csv")
        } else {
            self.corpus.clone()
        }
    }

    pub(super) fn codebook(&self) -> konflik::Result<Codebook> {
        match &self.codebook {
            Some(path) => Codebook::read(path),
            None => Codebook::read(&self.statements().with_file_name("codebook.toml")),
        }
    }
}

/// A sentence encoder, whose vectors are an additional view.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sentence encoder")]
pub(super) struct EncoderArgs {
    /// Add the vectors of the sentence encoder in this folder as a view; needs a build with the
    /// feature `encoder`
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Put this text before each statement (`query: ` for e5 models) [default: as the encoder's
    /// folder says]
    #[arg(long, value_name = "TEXT", requires = "encoder")]
    encoder_prefix: Option<String>,
}

impl EncoderArgs {
    pub(super) fn load(&self) -> konflik::Result<Option<Arc<dyn TextEncoder>>> {
        let Some(path) = &self.encoder else {
            return Ok(None);
        };
        self.read(path).map(Some)
    }

    #[cfg(feature = "encoder")]
    pub(super) fn read(&self, path: &Path) -> konflik::Result<Arc<dyn TextEncoder>> {
        let encoder = konflik::features::SentenceEncoder::load(path)?;
        Ok(match &self.encoder_prefix {
            Some(prefix) => Arc::new(encoder.with_prefix(prefix)),
            None => Arc::new(encoder),
        })
    }

    #[cfg(not(feature = "encoder"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(super) fn read(&self, path: &Path) -> konflik::Result<Arc<dyn TextEncoder>> {
        Err(Error::Encoder {
            path: path.display().to_string(),
            reason: "this build reads no sentence encoders: build it with `--features encoder`"
                .into(),
        })
    }

    /// The model in this directory, or the starter model, with its encoder.
    pub(super) fn model(&self, directory: Option<&Path>) -> konflik::Result<Model> {
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
pub(super) struct FastArgs {
    /// Skip the context encoder: over 1000 times faster, less accurate on text from new sources
    #[arg(long)]
    pub(super) fast: bool,
}

impl FastArgs {
    /// How deep statements are read: `otherwise`, unless `--fast` is given.
    pub(super) fn depth(self, otherwise: Depth) -> Depth {
        if self.fast { Depth::Fast } else { otherwise }
    }
}

/// How intervals are computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Intervals")]
pub(super) struct BootstrapArgs {
    /// Number of bootstrap replicates
    #[arg(long, value_name = "N", default_value_t = EvaluateParams::default().replicates)]
    replicates: usize,
    /// Random seed of the bootstrap
    #[arg(long, value_name = "N", default_value_t = EvaluateParams::default().seed)]
    seed: u64,
}

impl BootstrapArgs {
    pub(super) fn params(&self) -> EvaluateParams {
        let mut params = EvaluateParams::default();
        params.replicates = self.replicates;
        params.seed = self.seed;
        params
    }
}

/// The column of the ids by which files are joined.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct IdArgs {
    /// Column of the ids, in every file that has it [default: found by its name]
    #[arg(long = "map", value_name = "id=COLUMN", value_parser = parse_id)]
    id: Option<String>,
}

impl IdArgs {
    pub(super) fn column(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

fn parse_id(text: &str) -> Result<String, String> {
    match parse_mapping(text)? {
        (Role::Id, column) => Ok(column),
        (role, _) => Err(format!(
            "only `id` can be named here, not `{}`",
            role.name()
        )),
    }
}

/// Gold statements and their codebook.
#[derive(Debug, Clone, Args)]
pub(super) struct GoldArgs {
    /// Gold statements: a file with ids and one column per variable
    #[arg(long, value_name = "FILE")]
    pub(super) gold: PathBuf,
    #[command(flatten)]
    codebook: CodebookFileArgs,
}

impl GoldArgs {
    /// Reads the statements, with the ids in the column that other files have them in, if it is
    /// there, or else in the column found by its name.
    pub(super) fn read(&self, id: &IdArgs, console: &Console) -> konflik::Result<Corpus> {
        let codebook = self.codebook.read(&self.gold)?;
        let options = input::keyed_options(&self.gold, id.column())?;
        input::read_corpus(&self.gold, codebook, &options, console)
    }
}

/// Which gold statements count.
#[derive(Debug, Clone, Args)]
pub(super) struct SampledArgs {
    /// Include statements that were not sampled at random (column `sampled_by`)
    #[arg(long)]
    any_sample: bool,
}

impl SampledArgs {
    /// The randomly sampled statements, or all if `--any-sample` is given.
    pub(super) fn chosen(&self, gold: Corpus, console: &Console) -> konflik::Result<Corpus> {
        let random = gold.drawn_at_random();
        let left_out = gold.statements.len() - random.statements.len();
        if self.any_sample || left_out == 0 {
            return Ok(gold);
        }
        if random.statements.is_empty() {
            return Err(Error::NotMeasured {
                path: gold.name,
                reason:
                    "no statement was sampled at random (column sampled_by); --any-sample includes all"
                        .into(),
            });
        }
        console.warn(&format!(
            "left out {left_out} statements that were not sampled at random (column sampled_by); --any-sample includes all"
        ));
        Ok(random)
    }
}

/// A codebook that need not be given.
#[derive(Debug, Clone, Args)]
pub(super) struct CodebookFileArgs {
    /// Codebook (TOML) [default: codebook.toml beside the coded file, else the starter model's]
    #[arg(long, value_name = "FILE")]
    pub(super) codebook: Option<PathBuf>,
}

impl CodebookFileArgs {
    pub(super) fn read(&self, coded: &Path) -> konflik::Result<Codebook> {
        let beside = coded.with_file_name("codebook.toml");
        match &self.codebook {
            Some(path) => Codebook::read(path),
            None if beside.is_file() => Codebook::read(&beside),
            None => Ok(Model::starter()?.codebook().clone()),
        }
    }
}

/// The model in this directory, or the starter model.
pub(super) fn load_model(directory: Option<&Path>) -> konflik::Result<Model> {
    directory.map_or_else(Model::starter, Model::load)
}

/// The model to start from.
pub(super) fn prior_model(path: &Path) -> konflik::Result<Model> {
    let is_starter = path == Path::new("starter") && !path.exists();
    load_model((!is_starter).then_some(path))
}

/// The languages of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LangArg {
    /// English
    En,
    /// Indonesian
    Id,
}

impl LangArg {
    pub(super) fn lang(self) -> Lang {
        match self {
            Self::En => Lang::En,
            Self::Id => Lang::Id,
        }
    }
}
