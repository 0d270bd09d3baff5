//! Arguments that several verbs share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use konflik::evaluate::EvaluateParams;
use konflik::export::table::{TableFormat, TableFormats};
use konflik::features::TextEncoder;
use konflik::ingest::{
    Charset, ColumnMap, Limits, Preset, Role, Roles, TranscriptFormat, TranscriptOptions, UnitKind,
};
use konflik::label::Depth;
use konflik::report::Lang;
use konflik::{Codebook, Corpus, Error, Format, Model, ReadOptions};

use super::console::Console;
use super::input;

/// How an input is read: the same options for every verb that reads one.
#[derive(Debug, Clone, Args)]
pub(super) struct InputArgs {
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
pub(super) struct TranscriptArgs {
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
    pub(super) fn options(&self) -> TranscriptOptions {
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
pub(super) enum UnitArg {
    /// A sentence
    Statement,
    /// Everything that somebody says until somebody else does
    Turn,
    /// A line, paragraph or cue; a row of a table
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
pub(super) enum FormatArg {
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
    pub(super) fn format(self) -> Format {
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
        _ => Err("one ASCII character, or `tab`".into()),
    }
}

pub(super) fn parse_mapping(text: &str) -> Result<(Role, String), String> {
    let (meaning, column) = text.split_once('=').ok_or("MEANING=NAME is wanted")?;
    let role = Role::ALL.into_iter().find(|r| r.name() == meaning.trim());
    let role = role.ok_or_else(|| format!("{meaning:?} is none of the meanings"))?;
    Ok((role, column.to_string()))
}

/// `serde_json` itself goes 128 deep.
pub(super) fn parse_nesting(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (1..=120).contains(n));
    n.ok_or_else(|| "a number from 1 to 120".into())
}

pub(super) fn parse_charset(label: &str) -> Result<Charset, String> {
    Charset::named(label).ok_or_else(|| "no encoding has this name".into())
}

/// A corpus: the file of its statements and that of its codebook.
#[derive(Debug, Clone, Args)]
pub(super) struct CorpusArgs {
    /// Coded statements: a file, or a folder that holds statements.csv and codebook.toml
    #[arg(value_name = "CORPUS")]
    corpus: PathBuf,
    /// Codebook (TOML); by default codebook.toml beside the statements
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

/// A sentence encoder, whose vectors are a further view.
#[derive(Debug, Clone, Args)]
pub(super) struct EncoderArgs {
    /// Folder of a sentence encoder whose vectors are a further view; needs a build with the
    /// feature `encoder`
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// What to put before each text (`query: ` for the e5 models); by default as the folder says
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

    /// The model of that directory, or the starter model, with its encoder.
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
    /// Leave the context encoder out: over a thousand times faster, and wrong more often on
    /// language of new sources
    #[arg(long)]
    pub(super) fast: bool,
}

impl FastArgs {
    /// What is read, if it is not left out.
    pub(super) fn depth(self, otherwise: Depth) -> Depth {
        if self.fast { Depth::Fast } else { otherwise }
    }
}

/// How intervals are drawn.
#[derive(Debug, Clone, Args)]
pub(super) struct BootstrapArgs {
    /// Bootstrap replicates
    #[arg(long, default_value_t = EvaluateParams::default().replicates)]
    replicates: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = EvaluateParams::default().seed)]
    seed: u64,
}

impl BootstrapArgs {
    pub(super) fn params(&self) -> EvaluateParams {
        EvaluateParams {
            replicates: self.replicates,
            seed: self.seed,
            ..EvaluateParams::default()
        }
    }
}

/// Gold statements and the codebook that they are coded by.
#[derive(Debug, Clone, Args)]
pub(super) struct GoldArgs {
    /// Gold statements: a file with a column per variable, and ids
    #[arg(long, value_name = "FILE")]
    pub(super) gold: PathBuf,
    #[command(flatten)]
    codebook: CodebookFileArgs,
}

impl GoldArgs {
    pub(super) fn read(&self, console: &Console) -> konflik::Result<Corpus> {
        let codebook = self.codebook.read(&self.gold)?;
        input::read_corpus(&self.gold, codebook, &ReadOptions::default(), console)
    }
}

/// Which gold statements count.
#[derive(Debug, Clone, Args)]
pub(super) struct SampledArgs {
    /// Also take statements that were not drawn by chance (column `sampled_by`)
    #[arg(long)]
    any_sample: bool,
}

impl SampledArgs {
    /// The statements that were drawn by chance, or all where that is asked for.
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
pub(super) struct CodebookFileArgs {
    /// Codebook (TOML); by default codebook.toml beside the coded file, else the starter model's
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

/// The model of that directory, or the starter model.
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
