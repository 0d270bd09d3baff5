//! Plain-text interview transcripts: turns by speaker, turns to statements.
//!
//! A turn begins with a name and a colon at the start of a line and runs to the next such line.
//! A name counts if it is a known role or stands before at least two turns, so that a sentence
//! with a colon in it is not taken for a speaker. The interviewer's words are context, never a
//! statement of their own; what stands before the first marker, but for a head of labels, is
//! nobody's. Offsets are Unicode code points into the text with LF line ends.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::{Record, Speaker, check_head, checked_text, unreadable, write_cell};
use crate::error::{Error, Location, Result};

/// Longest name before the colon, in characters and in words (as MAXQDA reads them).
const NAME_CHARS: usize = 63;
const NAME_WORDS: usize = 4;

/// Names that are speakers even if they speak once.
const ROLES: [&str; 16] = [
    "pewawancara",
    "peneliti",
    "moderator",
    "interviewer",
    "researcher",
    "informan",
    "narasumber",
    "responden",
    "partisipan",
    "interviewee",
    "participant",
    "respondent",
    "speaker",
    "pasien",
    "patient",
    "petugas",
];

/// Words that end in a full stop without ending a sentence.
const ABBREVIATIONS: [&str; 26] = [
    "dr.", "drg.", "drs.", "dra.", "prof.", "ir.", "h.", "hj.", "bpk.", "sdr.", "sdri.", "yth.",
    "jl.", "jln.", "no.", "rp.", "tgl.", "hal.", "kec.", "kab.", "mr.", "mrs.", "ms.", "st.",
    "e.g.", "i.e.",
];

/// How transcripts are cut into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptOptions {
    /// Speakers whose turns are questions: context, never labelled. Compared without case; a
    /// number after the name is allowed.
    pub interviewers: Vec<String>,
}

impl Default for TranscriptOptions {
    fn default() -> Self {
        let names = [
            "Pewawancara",
            "Peneliti",
            "Moderator",
            "Interviewer",
            "Researcher",
        ];
        Self {
            interviewers: names.map(String::from).to_vec(),
        }
    }
}

/// Columns of the rows made from a transcript.
pub(super) fn columns() -> Vec<String> {
    [
        "id",
        "source",
        "speaker",
        "start",
        "end",
        "context_before",
        "text",
    ]
    .map(String::from)
    .to_vec()
}

pub(super) struct Rows {
    rows: std::vec::IntoIter<Record>,
    speakers: Vec<Speaker>,
}

impl Rows {
    pub(super) fn open(
        mut input: Box<dyn BufRead + Send>,
        name: &str,
        options: &TranscriptOptions,
    ) -> Result<Self> {
        let mut bytes = Vec::new();
        input
            .read_to_end(&mut bytes)
            .map_err(|e| unreadable(name, e))?;
        let bom = check_head(&bytes, name)?;
        let text = checked_text(&bytes[bom..], bom as u64).map_err(|fault| Error::Row {
            at: Location::file(name),
            fault,
        })?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.trim().is_empty() {
            return Err(Error::EmptyFile {
                path: name.to_string(),
            });
        }
        let turns = turns(&text, options);
        Ok(Self {
            rows: records(&text, &turns, name, options).into_iter(),
            speakers: speakers(&turns, options),
        })
    }

    pub(super) fn next_row(&mut self) -> Option<Record> {
        self.rows.next()
    }

    /// Who speaks, in the order of the first turn.
    pub(super) fn speakers(&self) -> Vec<Speaker> {
        self.speakers.clone()
    }
}

/// A stretch of the text that one person speaks; byte offsets.
#[derive(Debug, PartialEq, Eq)]
struct Turn<'a> {
    speaker: &'a str,
    start: usize,
    text: &'a str,
}

fn speakers(turns: &[Turn<'_>], options: &TranscriptOptions) -> Vec<Speaker> {
    let mut found: Vec<Speaker> = Vec::new();
    for turn in turns {
        match found.iter_mut().find(|s| s.name == turn.speaker) {
            Some(speaker) => speaker.turns += 1,
            None => found.push(Speaker {
                name: turn.speaker.to_string(),
                turns: 1,
                is_interviewer: is_interviewer(turn.speaker, options),
            }),
        }
    }
    found
}

fn records(text: &str, turns: &[Turn<'_>], name: &str, options: &TranscriptOptions) -> Vec<Record> {
    let stem = Path::new(name)
        .file_stem()
        .map_or_else(|| name.into(), |s| s.to_string_lossy().into_owned());
    let mut rows = Vec::new();
    let mut question = "";
    let mut position = Position::default();
    for turn in turns {
        if is_interviewer(turn.speaker, options) {
            question = turn.text.trim();
            continue;
        }
        for unit in sentences(turn.text) {
            let start = turn.start + (unit.as_ptr() as usize - turn.text.as_ptr() as usize);
            let (line, first) = position.advance(text, start);
            let id = format!("{stem}:{:04}", rows.len() + 1);
            let last = first + unit.chars().count();
            let cells = [
                &id,
                name,
                turn.speaker,
                &first.to_string(),
                &last.to_string(),
                question,
                unit,
            ];
            rows.push(Record {
                line,
                raw: row(&cells),
                text: unit.to_string(),
            });
        }
    }
    rows
}

/// Lines and code points up to a byte offset, counted once over the whole text.
#[derive(Default)]
struct Position {
    byte: usize,
    chars: usize,
    lines: u64,
}

impl Position {
    /// Line (from 1) and code point of byte `to`, which never goes back.
    fn advance(&mut self, text: &str, to: usize) -> (u64, usize) {
        let passed = &text[self.byte..to];
        self.chars += passed.chars().count();
        self.lines += passed.matches('\n').count() as u64;
        self.byte = to;
        (self.lines + 1, self.chars)
    }
}

fn row(cells: &[&str]) -> Vec<u8> {
    let mut raw = Vec::new();
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            raw.push(b',');
        }
        write_cell(&mut raw, cell, b',');
    }
    raw
}

/// A name and a colon at the start of a line, with a time stamp before or after the name
/// (`[00:03:40]`, `#00:03:40-5#`, `(00:01)`, `00:01`) and bold marks left out.
static MARKER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^\s*(?:\*\*)?(?:[\[{(#]?\d[\d:.,-]{3,}[\]})#]?\s+)?(?:\*\*)?",
        r"([^:\[\](){}*]+?)\s*(?:[\[(]\d[\d:.,-]{3,}[\])])?\s*(?:\*\*)?:(?:\*\*)?",
    ))
    .ok()
});

/// The name at the start of a line and the byte after its colon.
fn marker(line: &str) -> Option<(&str, usize)> {
    let found = MARKER.as_ref()?.captures(line)?;
    let (name, after) = (found.get(1)?.as_str().trim(), found.get(0)?.end());
    let rest = &line[after..];
    let plausible = name.chars().count() <= NAME_CHARS
        && name.split_whitespace().count() <= NAME_WORDS
        && name.chars().any(char::is_alphabetic)
        && !rest.starts_with("//")
        && !name.contains(['.', '?', '!', ',', '"'])
        && !is_clock_time(name, rest);
    plausible.then_some((name, after))
}

/// Whether the colon stands between digits: `Jam 08:15` names nobody.
fn is_clock_time(name: &str, rest: &str) -> bool {
    name.ends_with(|c: char| c.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_digit())
}

/// A role without its number: `Informan 3` and `informan` are one.
fn role(name: &str) -> String {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace())
        .to_lowercase()
}

fn is_interviewer(speaker: &str, options: &TranscriptOptions) -> bool {
    let speaker = role(speaker);
    options.interviewers.iter().any(|i| role(i) == speaker)
}

/// The turns of a transcript.
///
/// A name counts as a speaker if it is a known role, stands before two turns, or answers: comes
/// in capitals right after an interviewer's turn. With an interviewer in the transcript, what
/// stands before the first turn is a preamble; without one it may be speech and is kept.
fn turns<'a>(text: &'a str, options: &TranscriptOptions) -> Vec<Turn<'a>> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in text.split('\n').filter_map(marker) {
        *count.entry(name).or_default() += 1;
    }
    let asks = |name: &str| is_interviewer(name, options);
    let is_speaker =
        |name: &str| count[name] >= 2 || ROLES.contains(&role(name).as_str()) || asks(name);
    let head = head_length(text, &is_speaker);
    let mut turns: Vec<Turn<'_>> = Vec::new();
    let mut start = head;
    for line in text[head..].split_inclusive('\n') {
        let end = start + line.len();
        let answers = turns.last().is_some_and(|t| asks(t.speaker));
        let speaks =
            |name: &str| is_speaker(name) || (answers && name.starts_with(char::is_uppercase));
        match marker(line.trim_end_matches('\n')).filter(|(name, _)| speaks(name)) {
            Some((speaker, after)) => turns.push(Turn {
                speaker,
                start: start + after,
                text: &text[start + after..end],
            }),
            None => match turns.last_mut() {
                Some(turn) => turn.text = &text[turn.start..end],
                None => turns.push(Turn {
                    speaker: "",
                    start,
                    text: &text[start..end],
                }),
            },
        }
        start = end;
    }
    let is_preamble = |t: &Turn<'_>| t.speaker.is_empty();
    if turns.first().is_some_and(is_preamble)
        && (turns.iter().any(|t| asks(t.speaker)) || turns[0].text.trim().is_empty())
    {
        turns.remove(0);
    }
    turns
}

/// Length of a head of `Place: …`, `Date: …` lines that comes before the talk.
///
/// Such a head may also name the speakers (`Informan 1: a miner, 43`). It is the first block of
/// lines, all of them labelled but perhaps a title, the first with a label that nobody speaks under.
fn head_length(text: &str, is_speaker: &dyn Fn(&str) -> bool) -> usize {
    let Some(length) = text.find("\n\n") else {
        return 0;
    };
    let lines: Vec<&str> = text[..length].split('\n').collect();
    let labels: Vec<&str> = lines
        .iter()
        .filter_map(|l| marker(l))
        .map(|(name, _)| name)
        .collect();
    let titled = marker(lines[0]).is_none();
    let all_labelled = labels.len() + usize::from(titled) == lines.len();
    if all_labelled && labels.first().is_some_and(|name| !is_speaker(name)) {
        length
    } else {
        0
    }
}

/// The sentences of a turn, trimmed; empty ones are left out.
fn sentences(turn: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (i, c) in turn.char_indices() {
        let end = i + c.len_utf8();
        let ends = match c {
            '\n' => turn[end..].trim_start_matches(' ').starts_with('\n'),
            '.' | '!' | '?' | '…' => ends_sentence(&turn[start..end], &turn[end..]),
            _ => false,
        };
        if ends {
            found.push(&turn[start..end]);
            start = end;
        }
    }
    found.push(&turn[start..]);
    found
        .into_iter()
        .map(str::trim)
        .filter(|s| is_spoken(s))
        .collect()
}

/// Whether a sentence holds words outside brackets: not a time stamp, a rule, or notes such as
/// `[tertawa]`.
fn is_spoken(sentence: &str) -> bool {
    let mut depth = 0u32;
    sentence.chars().any(|c| {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_alphabetic()
    })
}

/// Whether a sentence ends after `before`, which ends in a mark, and before `after`.
fn ends_sentence(before: &str, after: &str) -> bool {
    let Some(next) = after.chars().next() else {
        return true;
    };
    if !next.is_whitespace() {
        return false;
    }
    let word = before
        .split_whitespace()
        .next_back()
        .unwrap_or_default()
        .to_lowercase();
    let initial = word.len() == 2 && word.ends_with('.');
    if ABBREVIATIONS.contains(&word.as_str()) || initial {
        return false;
    }
    // An ellipsis inside a sentence goes on in lower case.
    let trailing_off = before.ends_with("..") || before.ends_with('…');
    let goes_on = after
        .trim_start()
        .chars()
        .next()
        .is_some_and(char::is_lowercase);
    !(trailing_off && goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVIEW: &str = "Wawancara di balai desa\nCatatan: rekaman jelas\n\nPewawancara: Bagaimana layanannya?\nInforman 1: Antri lama sekali, dari jam 6... sampai siang. Kata dr. Bedah tunggu.\nPadahal sakit.\n\n[00:03:40] Informan 1: Obatnya kosong!\nPewawancara: Lalu?\nIstri saya: Kami ke Padang.\n";

    fn rows(text: &str) -> Vec<Record> {
        let options = TranscriptOptions::default();
        records(text, &turns(text, &options), "w.txt", &options)
    }

    fn texts(text: &str) -> Vec<(String, String)> {
        rows(text)
            .into_iter()
            .map(|r| {
                let cells = super::super::delimited::cells(&r.raw, b',');
                (cells[2].clone(), r.text)
            })
            .collect()
    }

    #[test]
    fn turns_become_statements_and_questions_do_not() {
        let found = texts(INTERVIEW);
        let said: Vec<_> = found.iter().map(|(_, t)| t.as_str()).collect();
        assert_eq!(
            said,
            [
                "Antri lama sekali, dari jam 6... sampai siang.",
                "Kata dr. Bedah tunggu.",
                "Padahal sakit.",
                "Obatnya kosong!",
                "Kami ke Padang.",
            ]
            .into_iter()
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn offsets_are_code_points_into_the_text() {
        let text = "Informan: Aduh 😡 mahal. Jauh pula.\nInforman: Ya.\n";
        for record in rows(text) {
            let cells = super::super::delimited::cells(&record.raw, b',');
            let (start, end): (usize, usize) =
                (cells[3].parse().unwrap(), cells[4].parse().unwrap());
            let cut: String = text.chars().skip(start).take(end - start).collect();
            assert_eq!(cut, record.text);
        }
    }

    #[test]
    fn a_head_that_names_the_speakers_is_no_talk() {
        let text = "Tempat: balai desa\nInforman 1: penambang, 43 tahun\n\nPewawancara: Apa kabar?\nInforman 1: Baik.\n";
        assert_eq!(
            texts(text),
            [("Informan 1".to_string(), "Baik.".to_string())]
        );
    }

    #[test]
    fn talk_in_the_first_block_and_before_the_first_marker_is_kept() {
        let found = texts(
            "Informan 1: Kami lapor.\nKeluhan saya: air mati.\n\nPewawancara: Lalu?\nInforman 1: Diam.\n",
        );
        let said: Vec<_> = found.iter().map(|(_, t)| t.as_str()).collect();
        assert_eq!(said, ["Kami lapor.", "Keluhan saya: air mati.", "Diam."]);
        let found = texts("Air mati lagi.\n\nDokter: Ya.\nDokter: Baik.\n");
        assert_eq!(found[0], (String::new(), "Air mati lagi.".to_string()));
    }

    #[test]
    fn time_stamps_and_bold_marks_around_names_are_left_out() {
        for line in [
            "Pewawancara (00:01): x",
            "00:01 Pewawancara: x",
            "[00:01:02] Pewawancara: x",
            "#00:03:40-5# Pewawancara: x",
            "**Pewawancara:** x",
            "  Pewawancara : x",
        ] {
            let (name, after) = marker(line).unwrap();
            assert_eq!((name, line[after..].trim()), ("Pewawancara", "x"), "{line}");
        }
        assert_eq!(marker("lihat https://contoh"), None);
        assert_eq!(marker("00:03:15 --> 00:03:20"), None);
    }

    #[test]
    fn who_answers_once_is_a_speaker_too_and_the_preamble_is_none() {
        let found = texts(
            "Transkrip wawancara\n=====\nPewawancara: Apa kabar?\nBu Rina: Obat kosong. [tertawa] (diam)\n00:03:15\n",
        );
        assert_eq!(found, [("Bu Rina".to_string(), "Obat kosong.".to_string())]);
    }

    #[test]
    fn clock_times_are_no_speakers() {
        let found = texts("Jam 08:15 saya datang.\nJam 08:45 baru dipanggil.\n");
        assert!(
            found.iter().all(|(speaker, _)| speaker.is_empty()),
            "{found:?}"
        );
    }

    #[test]
    fn a_text_without_speakers_is_cut_into_sentences() {
        let found = texts("Jalan rusak. Kapan diperbaiki?");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "");
    }
}
