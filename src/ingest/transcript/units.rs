//! Cuts turns into statements.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::captions::{Border, pieces};
use super::header;
use super::marks::{is_spoken, spoken, stamp_line, stamps};
use super::source::{Anchor, Source};
use super::turns::Stretch;
use super::{Speaker, SpeakerRole, Transcript, TranscriptOptions, Turn, UnitKind};
use crate::error::{Error, Result};
use crate::ingest::format::TranscriptFormat;
use crate::ingest::privacy::Counts;
use crate::ingest::sentences::statements;

/// A statement of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `FILE:0012.1`: the first statement that begins in line (or cue) 12 of the file.
    pub id: String,
    /// Position of its turn in [`Transcript::turns`].
    pub turn: usize,
    /// First code point in the plain text.
    pub start: usize,
    /// The code point after the last.
    pub end: usize,
    /// Milliseconds from the start of the recording, if the file has times.
    pub time_start: Option<u64>,
    /// Milliseconds from the start of the recording, if the file has times.
    pub time_end: Option<u64>,
    /// The plain text from `start` to `end`.
    pub raw: String,
    /// The words without time stamps and non-verbal marks: the text that a model reads.
    pub text: String,
    /// The line of the file where it begins, from 1; for a document, the paragraph.
    pub line: u64,
}

/// Builds a transcript from turns and units.
pub(super) fn transcript(
    source: Source,
    speakers: Vec<Speaker>,
    name: &str,
    format: TranscriptFormat,
    unit: UnitKind,
) -> Transcript {
    let mut turns: Vec<Turn> = Vec::with_capacity(source.turns.len());
    let mut units = Vec::new();
    let headers = headers(&source);
    let above = |byte: usize| {
        let starts = source.headers.iter();
        let before =
            starts.take_while(|(first, _)| source.anchors[*first as usize - 1].byte < byte);
        before.count().checked_sub(1)
    };
    let mut cutter = Cutter {
        source: &source,
        stem: file_stem(name),
        unit,
        markdown: format == TranscriptFormat::Markdown,
        position: Position::default(),
        counts: BTreeMap::new(),
        stamps: Vec::new(),
        long: 0,
    };
    for stretch in &source.turns {
        let speaker = speakers.iter().position(|s| s.name == stretch.speaker);
        let speaker = speaker.unwrap_or_default();
        let asks = speakers[speaker].role == SpeakerRole::Interviewer;
        let (turn, own) = cutter.turn(stretch, speaker, turns.len(), asks);
        turns.push(Turn {
            header: above(stretch.span.start),
            ..turn
        });
        units.extend(own);
    }
    let long = cutter.long;
    let mut notes = source.notes;
    if long > 0 {
        notes.push(format!(
            "statements without full stops cut at pauses and borders of cues: {long}"
        ));
    }
    Transcript {
        name: name.to_string(),
        text: source.text,
        format,
        speakers,
        turns,
        units,
        rejected: source.rejected,
        headers,
        other_marks: source.marks,
        notes,
        masked: Counts::new(),
        taken_pseudonyms: 0,
    }
}

/// The speakers, in the order of their first turn.
pub(super) fn speakers(turns: &[Stretch], options: &TranscriptOptions) -> Vec<Speaker> {
    let mut found: Vec<Speaker> = Vec::new();
    for turn in turns {
        match found.iter_mut().find(|s| s.name == turn.speaker) {
            Some(speaker) => speaker.turns += 1,
            None => found.push(Speaker {
                name: turn.speaker.clone(),
                turns: 1,
                role: SpeakerRole::Participant,
            }),
        }
    }
    let names: Vec<String> = found.iter().map(|s| s.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let roles = options.roles.assign(&names);
    for (speaker, name) in found.iter_mut().zip(names) {
        speaker.role = roles[name];
    }
    found
}

/// A file name without folder and suffix: the prefix of statement ids.
pub fn file_stem(name: &str) -> String {
    Path::new(name)
        .file_stem()
        .map_or_else(|| name.into(), |s| s.to_string_lossy().into_owned())
}

/// Cuts turns into units, from the start to the end of a text.
struct Cutter<'a> {
    source: &'a Source,
    stem: String,
    unit: UnitKind,
    markdown: bool,
    position: Position,
    /// Number of units that began in each piece of the file.
    counts: BTreeMap<u64, usize>,
    /// Time stamps in the current turn: byte of the plain text, milliseconds.
    stamps: Vec<(usize, u64)>,
    /// Number of statements that were cut because they are too long.
    long: usize,
}

impl Cutter<'_> {
    fn turn(
        &mut self,
        stretch: &Stretch,
        speaker: usize,
        number: usize,
        asks: bool,
    ) -> (Turn, Vec<Unit>) {
        let span = trimmed(&self.source.text, stretch.span.clone());
        self.stamps = stamps(&self.source.text[span.clone()])
            .into_iter()
            .map(|(byte, time)| (byte + span.start, time))
            .collect();
        let start = self.position.advance(&self.source.text, span.start);
        let (time_start, time_end) = self.times(stretch, &span);
        let mut units = Vec::new();
        if !asks {
            for range in self.units(&span) {
                units.push(self.unit(stretch, number, range));
            }
        }
        let end = self.position.advance(&self.source.text, span.end);
        let text = self.model_text(&self.source.text[span]);
        let turn = Turn {
            speaker,
            start,
            end,
            time_start,
            time_end,
            text,
            coding: stretch.coding.clone(),
            header: None,
        };
        (turn, units)
    }

    /// The units of a turn as byte ranges of the plain text.
    fn units(&mut self, span: &Range<usize>) -> Vec<Range<usize>> {
        let source = self.source;
        let words = &source.text[span.clone()];
        let ranges: Vec<Range<usize>> = match self.unit {
            UnitKind::Turn => std::iter::once(0..words.len()).collect(),
            UnitKind::Statement => statements(words, source.breaks)
                .into_iter()
                .flat_map(|range| self.short(span.start, words, range))
                .collect(),
            UnitKind::Row => self.pieces(span),
        };
        let mut units: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            let raw = &words[range.clone()];
            let is_heading = self.markdown && raw.starts_with('#');
            if is_spoken(raw) && !self.model_text(raw).is_empty() && !is_heading {
                units.push(range.start + span.start..range.end + span.start);
            } else if let Some(before) = units.last_mut()
                && raw.contains(['[', '(', '{', '#', ':'])
                && !is_heading
                && !is_own_stamp(words, &range)
            {
                // A mark or stamp alone belongs to the words before it.
                before.end = range.end + span.start;
            }
        }
        units
    }

    /// The parts of a statement of captions, if it is too long to code; `start` is the turn's.
    fn short(&mut self, start: usize, words: &str, range: Range<usize>) -> Vec<Range<usize>> {
        let anchors = &self.source.anchors;
        let (from, to) = (start + range.start, start + range.end);
        let first = anchors.partition_point(|a| a.byte <= from);
        let last = anchors.partition_point(|a| a.byte < to).max(first);
        let Some((_, before)) = anchors.get(first.saturating_sub(1)).and_then(|a| a.time) else {
            return vec![range];
        };
        let mut ended = before;
        let borders: Vec<Border> = anchors[first..last]
            .iter()
            .map(|a| {
                let (begins, ends) = a.time.unwrap_or((ended, ended));
                let silence = begins.saturating_sub(ended);
                ended = ends;
                Border {
                    byte: a.byte - from,
                    silence,
                }
            })
            .collect();
        let parts = pieces(&words[range.clone()], &borders);
        self.long += usize::from(parts.len() > 1);
        let moved = |r: Range<usize>| trimmed(words, r.start + range.start..r.end + range.start);
        parts.into_iter().map(moved).collect()
    }

    /// A turn cut at the pieces of the file, trimmed; ranges count from the start of the turn.
    fn pieces(&self, span: &Range<usize>) -> Vec<Range<usize>> {
        let anchors = &self.source.anchors;
        let first = anchors.partition_point(|a| a.byte <= span.start);
        let last = anchors.partition_point(|a| a.byte < span.end);
        let mut cuts: Vec<usize> = vec![span.start];
        cuts.extend(anchors[first..last.max(first)].iter().map(|a| a.byte));
        cuts.push(span.end);
        cuts.windows(2)
            .map(|pair| trimmed(&self.source.text, pair[0]..pair[1]))
            .filter(|r| !r.is_empty())
            .map(|r| r.start - span.start..r.end - span.start)
            .collect()
    }

    fn unit(&mut self, stretch: &Stretch, turn: usize, range: Range<usize>) -> Unit {
        let raw = &self.source.text[range.clone()];
        let anchor = self.anchor(range.start);
        let count = self.counts.entry(anchor.number).or_default();
        *count += 1;
        let kind = match self.unit {
            UnitKind::Statement => "",
            UnitKind::Turn => "t",
            UnitKind::Row => "r",
        };
        let id = format!("{}:{kind}{:04}.{count}", self.stem, anchor.number);
        let (time_start, time_end) = self.times(stretch, &range);
        let start = self.position.advance(&self.source.text, range.start);
        Unit {
            id,
            turn,
            start,
            end: start + raw.chars().count(),
            time_start,
            time_end,
            text: self.model_text(raw),
            raw: raw.to_string(),
            line: anchor.line,
        }
    }

    /// The piece of the file that contains a byte of the plain text.
    fn anchor(&self, byte: usize) -> Anchor {
        let after = self.source.anchors.partition_point(|a| a.byte <= byte);
        self.source.anchors[after.saturating_sub(1)]
    }

    /// The times of a part of a turn: from its cues, or from the stamps around its words.
    fn times(&self, stretch: &Stretch, range: &Range<usize>) -> (Option<u64>, Option<u64>) {
        if range.is_empty() {
            return (stretch.time, None);
        }
        let (first, last) = (self.anchor(range.start), self.anchor(range.end - 1));
        if let (Some((start, _)), Some((_, end))) = (first.time, last.time) {
            return (Some(start), Some(end));
        }
        let words = &self.source.text[range.clone()];
        let begins = range.start + words.find(char::is_alphabetic).unwrap_or(0);
        let ends = words
            .rfind(char::is_alphabetic)
            .map_or(range.end, |i| range.start + i);
        let before = self.stamps.partition_point(|(byte, _)| *byte < begins);
        let start = before.checked_sub(1).map(|i| self.stamps[i].1);
        let after = self.stamps.partition_point(|(byte, _)| *byte <= ends);
        let end = self.stamps.get(after).filter(|(byte, _)| *byte < range.end);
        (start.or(stretch.time), end.map(|(_, time)| *time))
    }

    /// The text that a model reads.
    fn model_text(&self, raw: &str) -> String {
        if self.markdown {
            let is_heading = |line: &&str| line.trim_start().starts_with('#');
            let lines: Vec<&str> = raw.split('\n').filter(|l| !is_heading(l)).collect();
            let strong = lines
                .join("\n")
                .replace("**", "")
                .replace("__", "")
                .replace('`', "");
            // Single stars that remain after the marks are removed are emphasis.
            spoken(&strong).replace('*', "")
        } else {
            spoken(raw)
        }
    }
}

/// The header data of each interview, read from the text after masking.
fn headers(source: &Source) -> Vec<Vec<(String, String)>> {
    let line = |number: u64| {
        let byte = source.anchors[number as usize - 1].byte;
        source.text[byte..].lines().next().unwrap_or_default()
    };
    let of_header = |(first, last): &(u64, u64)| {
        let mut entries: Vec<(String, String)> = Vec::new();
        for (column, value) in (*first..=*last).filter_map(|n| header::entry(line(n))) {
            match entries.iter_mut().find(|(c, _)| *c == column) {
                Some((_, before)) => *before = format!("{before}; {value}"),
                None => entries.push((column, value)),
            }
        }
        entries
    };
    source.headers.iter().map(of_header).collect()
}

/// Whether a part is a stamp on a line of its own: the start of what follows, not the end of what
/// is before.
fn is_own_stamp(words: &str, range: &Range<usize>) -> bool {
    let before = words[..range.start].trim_end_matches([' ', '\t']);
    before.ends_with('\n') && stamp_line(&words[range.clone()]).is_some()
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

/// Number of code points up to a byte offset, counted in one pass over the text.
#[derive(Default)]
struct Position {
    byte: usize,
    chars: usize,
}

impl Position {
    /// The code point of byte `to`, which must never decrease.
    fn advance(&mut self, text: &str, to: usize) -> usize {
        self.chars += text[self.byte..to].chars().count();
        self.byte = to;
        self.chars
    }
}

impl Transcript {
    /// Fails if the role of a speaker is unclear, because it must not be guessed.
    pub fn settled(&self, name: &str) -> Result<()> {
        let names = self.unclear();
        if names.is_empty() {
            return Ok(());
        }
        Err(Error::WhoAsks {
            path: name.to_string(),
            names,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::privacy::Privacy;
    use crate::ingest::transcript::TranscriptReading;

    const INTERVIEW: &str = "Wawancara di balai desa\nCatatan: rekaman jelas\n\nPewawancara: Bagaimana layanannya?\nInforman 1: Antri lama sekali, dari jam 6... sampai siang. Kata dr. Bedah tunggu.\nPadahal sakit.\n\n[00:03:40] Informan 1: Obatnya kosong! [tertawa] #00:03:45-5#\nPewawancara: Lalu?\nIstri saya: Kami 😡 ke Padang.\n";

    fn read_as(bytes: &[u8], format: TranscriptFormat, unit: UnitKind) -> Result<Transcript> {
        let transcript = TranscriptOptions {
            unit,
            ..TranscriptOptions::default()
        };
        let reading = TranscriptReading {
            options: &transcript,
            privacy: &Privacy::default(),
            encoding: None,
        };
        Transcript::read(bytes, "w.txt", format, reading)
    }

    fn read(text: &str) -> Transcript {
        read_as(text.as_bytes(), TranscriptFormat::Text, UnitKind::Statement).unwrap()
    }

    /// Offsets select the words of each unit and turn in the plain text.
    fn check_offsets(transcript: &Transcript) {
        let chars: Vec<char> = transcript.text.chars().collect();
        for unit in &transcript.units {
            let cut: String = chars[unit.start..unit.end].iter().collect();
            assert_eq!(cut, unit.raw);
            let turn = &transcript.turns[unit.turn];
            assert!(turn.start <= unit.start && unit.end <= turn.end);
        }
    }

    #[test]
    fn turns_become_statements_and_questions_do_not() {
        let found = read(INTERVIEW);
        let said: Vec<_> = found.units.iter().map(|u| u.text.as_str()).collect();
        assert_eq!(
            said,
            [
                "Antri lama sekali, dari jam 6... sampai siang.",
                "Kata dr. Bedah tunggu.",
                "Padahal sakit.",
                "Obatnya kosong!",
                "Kami 😡 ke Padang.",
            ]
        );
        check_offsets(&found);
        let ids: Vec<_> = found.units.iter().map(|u| u.id.as_str()).collect();
        assert_eq!(
            ids,
            ["w:0005.1", "w:0005.2", "w:0006.1", "w:0008.1", "w:0010.1"]
        );
        let obat = &found.units[3];
        assert_eq!(obat.raw, "Obatnya kosong! [tertawa] #00:03:45-5#");
        assert_eq!(
            (obat.time_start, obat.time_end),
            (Some(220_000), Some(225_500))
        );
        assert_eq!(found.turns[obat.turn + 1].text, "Lalu?");
    }

    #[test]
    fn turns_and_lines_are_units_too() {
        let turns = read_as(INTERVIEW.as_bytes(), TranscriptFormat::Text, UnitKind::Turn).unwrap();
        assert_eq!(turns.units.len(), 3);
        assert_eq!(turns.units[0].id, "w:t0005.1");
        let rows = read_as(INTERVIEW.as_bytes(), TranscriptFormat::Text, UnitKind::Row).unwrap();
        let said: Vec<_> = rows.units.iter().map(|u| u.text.as_str()).collect();
        assert_eq!(said[1], "Padahal sakit.");
        assert_eq!(rows.units.len(), 4);
        check_offsets(&rows);
    }

    /// A turn added at the end that makes a name a speaker changes no earlier statement id.
    #[test]
    fn what_is_added_at_the_end_changes_no_id() {
        let longer = format!("{INTERVIEW}Istri saya: Jauh sekali. Mahal.\nCatatan: selesai\n");
        let (before, after) = (read(INTERVIEW), read(&longer));
        let ids = |t: &Transcript| t.units.iter().map(|u| u.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&after)[..before.units.len()], ids(&before));
        assert_eq!(ids(&after).len(), before.units.len() + 3);
        let talk = "Budi: Air mati. Lama.\nKami diam.\n";
        let (before, after) = (read(talk), read(&format!("{talk}Budi: Ya.\n")));
        assert_eq!(before.units.len(), after.units.len() - 1);
        assert_eq!(ids(&after)[..3], ids(&before));
    }

    #[test]
    fn emphasis_and_headings_of_markdown_are_no_words() {
        let text = "# Wawancara\n\n**Pewawancara:** Apa?\n\n**Informan:** Air **mati** *sekali*. *tertawa*\n\n## Bagian dua\n\n**Informan:** Ya.\n";
        let found = read_as(
            text.as_bytes(),
            TranscriptFormat::Markdown,
            UnitKind::Statement,
        )
        .unwrap();
        let said: Vec<_> = found.units.iter().map(|u| u.text.as_str()).collect();
        assert_eq!(said, ["Air mati sekali.", "Ya."]);
        assert_eq!(found.turns[1].text, "Air mati sekali.");
    }

    #[test]
    fn who_may_ask_or_answer_must_be_settled() {
        let found = read("P: Apa?\nI: Air mati.\nP: Lalu?\nI: Ya.\n");
        assert_eq!(found.unclear(), ["P", "I"]);
        assert_eq!(found.settled("f").unwrap_err().code(), "K0222");
        assert!(
            read("P: Apa?\nN: Air mati.\nP: Lalu?\n")
                .settled("f")
                .is_ok()
        );
    }

    /// Pieces of transcripts, so that random texts reach the rules.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,12}",
            Just("\n".to_string()),
            Just("\n\n".into()),
            Just("Pewawancara: ".into()),
            Just("\nInforman 1: ".into()),
            Just("\nBudi – ".into()),
            Just("[Sari] ".into()),
            Just("#00:03:40-5# ".into()),
            Just("[tertawa]".into()),
            Just("dr. Sari. \"Ya. Ya.\" 😡 Rp 1.500.".into()),
            Just("\n00:00:01.000 --> 00:00:02.000\n".into()),
            Just("<v Budi>".into()),
            Just("</v>&amp;".into()),
            Just("WEBVTT\n\n".into()),
        ]
    }

    const FORMATS: [TranscriptFormat; 5] = [
        TranscriptFormat::Text,
        TranscriptFormat::Markdown,
        TranscriptFormat::Docx,
        TranscriptFormat::WebVtt,
        TranscriptFormat::Srt,
    ];
    const UNITS: [UnitKind; 3] = [UnitKind::Statement, UnitKind::Turn, UnitKind::Row];

    fn check_all(bytes: &[u8]) {
        for format in FORMATS {
            for unit in UNITS {
                if let Ok(found) = read_as(bytes, format, unit) {
                    check_offsets(&found);
                    let mut ids: Vec<_> = found.units.iter().map(|u| &u.id).collect();
                    ids.sort_unstable();
                    ids.dedup();
                    assert_eq!(ids.len(), found.units.len());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            check_all(&bytes);
        }

        #[test]
        fn offsets_select_the_words_of_any_transcript(pieces in proptest::collection::vec(piece(), 0..20)) {
            check_all(pieces.concat().as_bytes());
            check_all(format!("WEBVTT\n\n{}", pieces.concat()).as_bytes());
        }

        #[test]
        fn ids_outlive_an_added_turn(pieces in proptest::collection::vec(piece(), 1..12)) {
            let text = format!("Informan 1: Awal.\n{}\n", pieces.concat());
            let longer = format!("{text}\nInforman 1: Tambahan.\n");
            let read = |text: &str| read_as(text.as_bytes(), TranscriptFormat::Text, UnitKind::Statement);
            if let (Ok(before), Ok(after)) = (read(&text), read(&longer)) {
                let ids: Vec<_> = after.units.iter().map(|u| u.id.as_str()).collect();
                for unit in &before.units {
                    prop_assert!(ids.contains(&unit.id.as_str()), "{} of {:?}", unit.id, ids);
                }
            }
        }
    }
}
