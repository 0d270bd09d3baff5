//! Interview transcripts: files to turns by speaker, turns to statements.
//!
//! For any file format (text, Markdown, Word, `WebVTT`, `SubRip`), a [`Transcript`] has the plain
//! text, its [`Turn`]s and the [`Unit`]s to be coded. Offsets are Unicode code points of the plain
//! text, whose line ends are LF. The interviewer's words are context, never a unit.

mod captions;
mod docx;
mod header;
mod keys;
mod lines;
mod marks;
mod names;
mod notices;
mod plain;
mod roles;
mod rows;
mod source;
mod speakers;
mod subtitles;
mod tables;
mod turns;
mod units;

use crate::error::{Error, ForeignKind, Result};

pub use marks::clock_time;
pub use roles::{Roles, SpeakerRole};
pub(crate) use rows::CODING;
pub(super) use rows::Rows;
pub use turns::OtherMark;
pub use units::{Unit, file_stem};

use super::encoding::Charset;
use super::format::TranscriptFormat;
use super::privacy::{Counts, Mask, Privacy};
use super::record::Rejected;
use source::Source;

/// The unit that is coded as one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnitKind {
    /// A sentence, by the rules for Indonesian and English.
    #[default]
    Statement,
    /// All words of a speaker until the next speaker.
    Turn,
    /// A piece of the file: a line, paragraph or cue.
    Row,
}

/// Limits on what is read into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a transcript, unpacked; a larger document is an error.
    pub max_bytes: u64,
    /// Deepest nesting of elements in a document.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 128 << 20,
            max_depth: 256,
        }
    }
}

impl Limits {
    fn check(&self, bytes: u64, name: &str) -> Result<()> {
        if bytes > self.max_bytes {
            return Err(Error::DocumentTooLarge {
                path: name.to_string(),
                limit: self.max_bytes,
            });
        }
        Ok(())
    }
}

/// How transcripts are cut into statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TranscriptOptions {
    /// Who asks and who answers.
    pub roles: Roles,
    /// The unit that is coded as one statement.
    pub unit: UnitKind,
    /// Limits on size and nesting.
    pub limits: Limits,
}

/// How one transcript is read.
#[derive(Debug, Clone, Copy)]
pub struct TranscriptReading<'a> {
    /// How it is cut into statements.
    pub options: &'a TranscriptOptions,
    /// How private data is treated.
    pub privacy: &'a Privacy,
    /// The encoding of a text; detected if `None`.
    pub encoding: Option<Charset>,
}

/// A speaker of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The name; empty for words without a named speaker.
    pub name: String,
    /// The number of turns.
    pub turns: usize,
    /// Whether the words are questions (context, never labelled) or answers.
    pub role: SpeakerRole,
}

/// The words of one speaker until the next speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Position of the speaker in [`Transcript::speakers`].
    pub speaker: usize,
    /// First code point in the plain text.
    pub start: usize,
    /// The code point after the last.
    pub end: usize,
    /// Milliseconds from the start of the recording, if the file has times.
    pub time_start: Option<u64>,
    /// Milliseconds from the start of the recording, if the file has times.
    pub time_end: Option<u64>,
    /// The words, without time stamps and non-verbal marks.
    pub text: String,
    /// The content of the codes column in a document's table; empty without such a column.
    pub coding: String,
    /// Position in [`Transcript::headers`] of the header that is above the turn.
    pub header: Option<usize>,
}

/// A transcript, from any file format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The prefix of ids and the value of the column `source`: the file name, with names of
    /// people replaced if that was requested.
    pub name: String,
    /// The plain text that offsets refer to.
    pub text: String,
    /// The format of the file, by its content.
    pub format: TranscriptFormat,
    /// The speakers, in the order of their first turn.
    pub speakers: Vec<Speaker>,
    /// All turns, including the interviewer's.
    pub turns: Vec<Turn>,
    /// The statements of all speakers except interviewers.
    pub units: Vec<Unit>,
    /// Pieces of the file that could not be read.
    pub rejected: Vec<Rejected>,
    /// Header data of each interview in the file: names of columns (`meta_nama`) and values.
    pub headers: Vec<Vec<(String, String)>>,
    /// Marks that look like speakers and begin no turn.
    pub other_marks: Vec<OtherMark>,
    /// Notes about what was found out: the encoding, the format, lines that are no speech.
    pub notes: Vec<String>,
    /// How often private data of each kind was masked.
    pub masked: Counts,
    /// How often a pseudonym was in the file already.
    pub taken_pseudonyms: u64,
}

impl Transcript {
    /// Reads a whole transcript; `name` is the file name, `claimed` the format by its suffix.
    pub fn read(
        bytes: &[u8],
        name: &str,
        claimed: TranscriptFormat,
        reading: TranscriptReading<'_>,
    ) -> Result<Self> {
        let TranscriptReading {
            options, privacy, ..
        } = reading;
        options.limits.check(bytes.len() as u64, name)?;
        let mut notes = Vec::new();
        let (format, mut source) = read_source(bytes, name, claimed, reading, &mut notes)?;
        if format != claimed {
            notes.push(format!("read as {}, by its content", format.name()));
        }
        if source.text.trim().is_empty() && source.rejected.is_empty() {
            return Err(Error::EmptyFile {
                path: name.to_string(),
            });
        }
        // Roles are assigned by the true names, before masking.
        let mut speakers = units::speakers(&source.turns, options);
        let shown = privacy.file_name(name);
        let mask = Mask::new(privacy).map(|mut mask| {
            source.mask(&mut mask);
            for speaker in &mut speakers {
                speaker.name = mask.name(&speaker.name);
            }
            mask
        });
        let mut transcript = units::transcript(source, speakers, &shown, format, options.unit);
        notes.append(&mut transcript.notes);
        transcript.notes = notes;
        if let Some(mask) = mask {
            transcript.masked = mask.counts;
            transcript.taken_pseudonyms = mask.taken;
        }
        Ok(transcript)
    }

    /// Speakers whose role is unclear: one letter that may mean either role.
    pub fn unclear(&self) -> Vec<String> {
        let unclear = self
            .speakers
            .iter()
            .filter(|s| s.role == SpeakerRole::Unclear);
        unclear.map(|s| s.name.clone()).collect()
    }
}

fn read_source(
    bytes: &[u8],
    name: &str,
    claimed: TranscriptFormat,
    reading: TranscriptReading<'_>,
    notes: &mut Vec<String>,
) -> Result<(TranscriptFormat, Source)> {
    let roles = &reading.options.roles;
    if bytes.starts_with(b"PK\x03\x04") {
        let document = docx::read(bytes, name, &reading.options.limits)?;
        let source = document_source(document, roles);
        return Ok((TranscriptFormat::Docx, source));
    }
    let decoded = plain::decode(bytes, name, reading.encoding)?;
    notes.extend(decoded.note);
    let text = decoded.text;
    if text.trim().is_empty() {
        return Err(Error::EmptyFile {
            path: name.to_string(),
        });
    }
    let format = plain::format_of(&text, claimed);
    if claimed == TranscriptFormat::Docx && format == TranscriptFormat::Text {
        return Err(Error::Foreign {
            path: name.to_string(),
            kind: ForeignKind::TextAsWord,
        });
    }
    let source = match format {
        TranscriptFormat::WebVtt => subtitles::read(&text, name, roles, false)?,
        TranscriptFormat::Srt => subtitles::read(&text, name, roles, true)?,
        _ => text_source(text, roles),
    };
    Ok((format, source))
}

fn text_source(text: String, roles: &Roles) -> Source {
    let found = turns::turns(&text, roles);
    Source::of_lines(text, found, super::sentences::LineBreaks::Wrap)
}

/// The turns of a document: those in transcript tables, and marked turns between the tables.
fn document_source(document: docx::Document, roles: &Roles) -> Source {
    let docx::Document { text, turns: rows } = document;
    let found = if rows.is_empty() {
        turns::turns(&text, roles)
    } else {
        between_rows(&text, rows, roles)
    };
    Source::of_lines(text, found, super::sentences::LineBreaks::End)
}

/// The turns of tables, and marked turns between them.
fn between_rows(text: &str, rows: Vec<turns::Stretch>, roles: &Roles) -> turns::Found {
    let mut all = turns::Found::default();
    let mut from = 0;
    for row in rows {
        let line = text[..row.span.start].rfind('\n').map_or(0, |n| n + 1);
        all.add(turns::turns(&text[from..line.max(from)], roles), text, from);
        from = row.span.end;
        all.turns.push(row);
    }
    all.add(turns::turns(&text[from..], roles), text, from);
    all
}
