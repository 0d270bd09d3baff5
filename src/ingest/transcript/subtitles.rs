//! `WebVTT` and `SubRip`: cues to turns.
//!
//! Accepts what Teams, Zoom and other tools write, beyond the standards: omitted hours, `,` or `.`
//! before milliseconds or none, cue settings, cues without a blank line between them, words after a
//! blank line. A cue with an invalid timing line is rejected with the reason. Rolling captions are
//! read once.

use std::sync::LazyLock;

use regex::Regex;

use super::captions::{Shown, repeated};
use super::marks::clock;
use super::names::Names;
use super::roles::Roles;
use super::source::{Anchor, Source};
use super::speakers::{Marker, Style, marker};
use super::turns::{OtherMark, Stretch, add_mark};
use crate::error::{Error, Location, Result, RowFault};
use crate::ingest::record::Rejected;
use crate::ingest::sentences::LineBreaks;

/// Longest silence inside a turn, in milliseconds.
const GAP: u64 = 2000;

static TIMING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let time = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?";
    Regex::new(&format!(r"^\s*{time}\s*-->\s*{time}(?:\s+\S.*)?\s*$")).ok()
});
/// A line that begins like a timing line.
static TIMING_BEGUN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,:]\d+)?\s*-->").ok());
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"<(/?)([a-zA-Z]*)((?:\.[^\s<>]*)?)\s*([^<>]*)>|\{\\[^{}]*\}").ok()
});
static ENTITY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"&(#[xX]?[0-9a-fA-F]{1,6}|[a-zA-Z]{2,6});").ok());

/// The words of one voice in one cue.
struct Segment {
    cue: usize,
    /// The name of the voice; `None` without a voice tag.
    voice: Option<String>,
    text: String,
    /// Whether somebody else begins to speak (`>>`).
    begins: bool,
}

struct Cue {
    /// Position in the file, from 1; rejected cues count too.
    number: u64,
    line: u64,
    /// Milliseconds.
    start: u64,
    end: u64,
}

#[derive(Default)]
struct Cues {
    read: Vec<Cue>,
    segments: Vec<Segment>,
    rejected: Vec<Rejected>,
    /// The voice that is open at the end of the last cue.
    open: Option<String>,
    /// Whether the last cue was rejected.
    is_rejected: bool,
    /// Lines of words after an empty line inside a cue.
    after_blank: Vec<u64>,
    notes: Vec<String>,
}

/// Reads cues into turns; text after a blank line belongs to the cue before, except in `WebVTT`
/// notes and styles.
pub(super) fn read(text: &str, name: &str, roles: &Roles, srt: bool) -> Result<Source> {
    let mut cues = Cues::default();
    let empty: Vec<bool> = text.split('\n').map(str::is_empty).collect();
    for block in blocks(text) {
        // A line with only spaces is part of a cue, as YouTube writes it.
        let before = (block[0].0 as usize).checked_sub(2);
        cues.add_block(&block, name, srt, before.is_some_and(|line| empty[line]));
    }
    if cues.read.is_empty() && cues.rejected.is_empty() {
        return Err(Error::Document {
            path: name.to_string(),
            reason: "no cue was found: no line like 00:00:01.000 --> 00:00:02.000".into(),
        });
    }
    cues.unroll();
    let (speakers, marks) = speakers(&mut cues, roles);
    cues.note_blanks();
    Ok(Source {
        marks,
        ..source(cues, &speakers)
    })
}

/// Blocks of lines between blank lines, with line numbers.
fn blocks(text: &str) -> Vec<Vec<(u64, &str)>> {
    let mut blocks = vec![Vec::new()];
    for (i, line) in text.split('\n').enumerate() {
        if line.trim().is_empty() {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            block.push((i as u64 + 1, line));
        }
    }
    blocks.retain(|b| !b.is_empty());
    blocks
}

impl Cues {
    fn add_block(&mut self, block: &[(u64, &str)], name: &str, srt: bool, after_blank: bool) {
        let is_timing = |line: &str| TIMING_BEGUN.as_ref().is_some_and(|r| r.is_match(line));
        let first = block.iter().take(2).position(|(_, line)| is_timing(line));
        let Some(mut timing) = first else {
            let is_text = srt || !is_comment(block[0].1);
            let is_id = block.len() == 1 && is_identifier(block[0].1);
            if is_text && !is_id {
                self.add_words(block, after_blank);
            }
            return;
        };
        while timing < block.len() {
            // A number right before a timing line belongs to the next cue, not to these words.
            let next = (timing + 1..block.len()).find(|i| is_timing(block[*i].1));
            let end = match next {
                Some(next) if next > timing + 1 && is_number(block[next - 1].1) => next - 1,
                Some(next) => next,
                None => block.len(),
            };
            self.add_cue(&block[timing..end], name);
            timing = next.unwrap_or(block.len());
        }
    }

    fn add_cue(&mut self, lines: &[(u64, &str)], name: &str) {
        let (line, timing) = lines[0];
        self.open = None;
        let number = (self.read.len() + self.rejected.len()) as u64 + 1;
        match times(timing) {
            Ok((start, end)) => {
                self.read.push(Cue {
                    number,
                    line,
                    start,
                    end,
                });
                self.is_rejected = false;
                self.add_lines(&lines[1..]);
            }
            Err(fault) => {
                self.is_rejected = true;
                let raw: Vec<&str> = lines.iter().map(|(_, l)| *l).collect();
                self.rejected.push(Rejected {
                    at: Location::new(name, line, 0),
                    last_line: lines.last().map_or(line, |(l, _)| *l),
                    fault,
                    raw: raw.join("\n").into_bytes(),
                });
            }
        }
    }

    /// Adds words after a blank line to the cue above.
    fn add_words(&mut self, lines: &[(u64, &str)], after_blank: bool) {
        if self.is_rejected {
            if let (Some(rejected), Some((last, _))) = (self.rejected.last_mut(), lines.last()) {
                rejected.last_line = *last;
                for (_, line) in lines {
                    rejected.raw.push(b'\n');
                    rejected.raw.extend_from_slice(line.as_bytes());
                }
            }
        } else if !self.read.is_empty() {
            if after_blank {
                self.after_blank.push(lines[0].0);
            }
            self.add_lines(lines);
        }
    }

    /// Adds lines to the last cue.
    fn add_lines(&mut self, lines: &[(u64, &str)]) {
        let cue = self.read.len() - 1;
        for (_, words) in lines {
            let open = self.open.take();
            self.open = self.add_voices(cue, words, open);
        }
    }

    fn note_blanks(&mut self) {
        let Some(first) = self.after_blank.first() else {
            return;
        };
        let count = self.after_blank.len();
        let note = format!(
            "words after a blank line inside a cue were kept ({count} in all, first at line {first})"
        );
        self.notes.push(note);
    }

    /// Removes the words that rolling captions repeat.
    fn unroll(&mut self) {
        let shown = |(i, cue): (usize, &Cue)| Shown {
            start: cue.start,
            end: cue.end,
            words: self
                .segments
                .iter()
                .filter(|s| s.cue == i)
                .flat_map(|s| s.text.split(' '))
                .collect(),
        };
        let shown: Vec<Shown<'_>> = self.read.iter().enumerate().map(shown).collect();
        if shown.is_empty() {
            return;
        }
        let mut left = repeated(&shown);
        let words: usize = left.iter().sum();
        let first = left.iter().position(|n| *n > 0);
        for segment in &mut self.segments {
            let all: Vec<&str> = segment.text.split(' ').collect();
            let dropped = left[segment.cue].min(all.len());
            left[segment.cue] -= dropped;
            segment.text = all[dropped..].join(" ");
        }
        self.segments.retain(|s| !s.text.is_empty());
        if let Some(first) = first {
            self.notes.push(format!(
                "rolling captions: {words} words that the cue before shows too were left out (first at line {})",
                self.read[first].line
            ));
        }
    }

    /// Adds the words of a line by voice; returns the voice that is still open at its end.
    fn add_voices(&mut self, cue: usize, line: &str, open: Option<String>) -> Option<String> {
        let mut voice = open;
        let mut from = 0;
        let mut words = String::new();
        let tags = TAG.as_ref().into_iter().flat_map(|r| r.captures_iter(line));
        for tag in tags {
            let (Some(whole), kind) = (tag.get(0), tag.get(2).map_or("", |m| m.as_str())) else {
                continue;
            };
            words.push_str(&line[from..whole.start()]);
            from = whole.end();
            if kind == "v" {
                self.push(cue, voice.as_ref(), &words);
                words.clear();
                let name = tag.get(4).map_or("", |m| m.as_str());
                let closes = tag.get(1).is_some_and(|m| !m.is_empty());
                voice = (!closes && !name.trim().is_empty())
                    .then(|| unescaped(name).trim().to_string());
            } else if !is_tag(kind, &tag) {
                words.push_str(whole.as_str());
            }
        }
        words.push_str(&line[from..]);
        self.push(cue, voice.as_ref(), &words);
        voice
    }

    fn push(&mut self, cue: usize, voice: Option<&String>, words: &str) {
        let text = unescaped(words);
        let words: Vec<&str> = text.split_whitespace().collect();
        // `>>` in a line: somebody else speaks.
        let starts = |i: &usize| *i > 0 && words[*i].starts_with(">>");
        let mut cuts: Vec<usize> = vec![0];
        cuts.extend((0..words.len()).filter(starts));
        cuts.push(words.len());
        for pair in cuts.windows(2).filter(|pair| pair[0] < pair[1]) {
            self.segments.push(Segment {
                cue,
                voice: voice.cloned(),
                text: words[pair[0]..pair[1]].join(" "),
                begins: false,
            });
        }
    }
}

/// Whether a block of `WebVTT` without a timing line is no cue.
fn is_comment(line: &str) -> bool {
    ["WEBVTT", "NOTE", "STYLE", "REGION"].iter().any(|word| {
        let rest = line.strip_prefix(word);
        rest.is_some_and(|r| r.is_empty() || r.starts_with(char::is_whitespace))
    })
}

/// Whether a line is a number or another name of a cue, not words.
fn is_identifier(line: &str) -> bool {
    let line = line.trim();
    let has_digit = line.contains(|c: char| c.is_ascii_digit());
    let is_code = |c: char| c.is_ascii_hexdigit() || matches!(c, '-' | '/' | '_');
    is_number(line) || (has_digit && line.len() >= 8 && line.chars().all(is_code))
}

fn is_number(line: &str) -> bool {
    line.trim().chars().all(|c| c.is_ascii_digit())
}

/// Whether a tag belongs to the format, in contrast to words in angle brackets.
fn is_tag(kind: &str, tag: &regex::Captures<'_>) -> bool {
    let is_time = tag
        .get(4)
        .is_some_and(|m| clock(m.as_str().trim()).is_some());
    let known = [
        "i", "b", "u", "s", "c", "font", "ruby", "rt", "lang", "br", "span",
    ];
    tag[0].starts_with('{')
        || known.contains(&kind.to_lowercase().as_str())
        || (kind.is_empty() && is_time)
}

/// Start and end of a cue in milliseconds.
fn times(line: &str) -> Result<(u64, u64), RowFault> {
    let fault = |reason| RowFault::CueTiming { reason };
    let found = TIMING.as_ref().and_then(|r| r.captures(line));
    let Some(found) = found else {
        let has_end = line
            .split_once("-->")
            .is_some_and(|(_, end)| !end.trim().is_empty());
        return Err(fault(if has_end { "an invalid time" } else { "no end" }));
    };
    let number = |i: usize| {
        found
            .get(i)
            .map_or(Some(0), |m| m.as_str().parse::<u64>().ok())
    };
    let time = |first: usize| {
        let fraction = found.get(first + 3).map_or("", |m| m.as_str());
        let millis: u64 = format!("{fraction:0<3}").parse().ok()?;
        let minutes = number(first)?
            .checked_mul(60)?
            .checked_add(number(first + 1)?)?;
        let seconds = minutes.checked_mul(60)?.checked_add(number(first + 2)?)?;
        seconds.checked_mul(1000)?.checked_add(millis)
    };
    match (time(1), time(5)) {
        (Some(start), Some(end)) if start <= end => Ok((start, end)),
        (Some(_), Some(_)) => Err(fault("an end before its start")),
        _ => Err(fault("an invalid time")),
    }
}

/// Resolves the character references in a text; unknown references are unchanged.
fn unescaped(text: &str) -> String {
    let Some(entity) = ENTITY.as_ref() else {
        return text.to_string();
    };
    let replaced = entity.replace_all(text, |c: &regex::Captures<'_>| {
        let code = |digits: &str, radix| {
            let code = u32::from_str_radix(digits, radix)
                .ok()
                .and_then(char::from_u32);
            code.filter(|c| !c.is_control()).map(String::from)
        };
        let resolved = match &c[1] {
            "amp" => Some("&".into()),
            "lt" => Some("<".into()),
            "gt" => Some(">".into()),
            "quot" => Some("\"".into()),
            "apos" => Some("'".into()),
            "nbsp" => Some(" ".into()),
            "lrm" | "rlm" => Some(String::new()),
            name => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
                Some(hex) => code(hex, 16),
                None => name.strip_prefix('#').and_then(|digits| code(digits, 10)),
            },
        };
        resolved.unwrap_or_else(|| c[0].to_string())
    });
    replaced.into_owned()
}

/// The speaker of each segment, and the marks that begin no turn. If any cue has a voice tag, a cue
/// without one has no speaker. Otherwise a name before a colon holds until the next name: writers
/// name changes only.
fn speakers(cues: &mut Cues, roles: &Roles) -> (Vec<String>, Vec<OtherMark>) {
    let Cues { read, segments, .. } = cues;
    if segments.iter().any(|s| s.voice.is_some()) {
        let voice = |s: &Segment| s.voice.clone().unwrap_or_default();
        return (segments.iter().map(voice).collect(), Vec::new());
    }
    let texts: Vec<String> = segments.iter().map(|s| s.text.clone()).collect();
    let is_named =
        |m: &Marker<'_>| m.time.is_none() && !matches!(m.style, Style::Alone | Style::Dash);
    let marks: Vec<_> = texts.iter().map(|t| marker(t).filter(is_named)).collect();
    let mut names = Names::new(roles);
    marks.iter().for_each(|m| names.count(m.as_ref(), false));
    let (mut last, mut asked) = (String::new(), false);
    let (mut speakers, mut others) = (Vec::with_capacity(segments.len()), Vec::new());
    for (segment, mark) in segments.iter_mut().zip(&marks) {
        let mark = mark.as_ref();
        if let Some(mark) = mark.filter(|m| names.begins(m, false, asked)) {
            last = mark.name.to_string();
            asked = roles.asks(&last);
            segment.text = segment.text[mark.after..].trim_start().to_string();
            segment.begins = mark.style == Style::Sure;
        } else if let Some(mark) = mark.filter(|m| names.looks_like_speaker(m)) {
            add_mark(&mut others, mark.name, read[segment.cue].line);
            if asked {
                last.clear();
            }
        }
        if let Some(words) = segment.text.strip_prefix(">>") {
            last.clear();
            segment.text = words.trim_start_matches('>').trim_start().to_string();
            segment.begins = true;
        }
        speakers.push(last.clone());
    }
    (speakers, others)
}

/// The plain text, one line per turn: `Name: words`.
fn source(cues: Cues, speakers: &[String]) -> Source {
    let mut text = String::new();
    let mut anchors: Vec<Anchor> = Vec::new();
    let mut turns: Vec<Stretch> = Vec::new();
    let mut last: Option<usize> = None;
    for (segment, speaker) in cues.segments.iter().zip(speakers) {
        if segment.text.is_empty() {
            continue;
        }
        let cue = &cues.read[segment.cue];
        let goes_on = last.is_some_and(|l: usize| {
            let before = &cues.read[l];
            !segment.begins && (l == segment.cue || cue.start.saturating_sub(before.end) <= GAP)
        });
        match turns.last_mut() {
            Some(turn) if goes_on && turn.speaker == *speaker => {
                text.push(' ');
                anchors.push(anchor(text.len(), cue));
                text.push_str(&segment.text);
                turn.span.end = text.len();
            }
            _ => {
                if !text.is_empty() {
                    text.push('\n');
                }
                if !speaker.is_empty() {
                    text.push_str(speaker);
                    text.push_str(": ");
                }
                let start = text.len();
                anchors.push(anchor(start, cue));
                text.push_str(&segment.text);
                turns.push(Stretch {
                    speaker: speaker.clone(),
                    span: start..text.len(),
                    time: None,
                    coding: String::new(),
                });
            }
        }
        last = Some(segment.cue);
    }
    text.push('\n');
    Source {
        text,
        anchors,
        turns,
        breaks: LineBreaks::End,
        rejected: cues.rejected,
        headers: Vec::new(),
        marks: Vec::new(),
        notes: cues.notes,
    }
}

fn anchor(byte: usize, cue: &Cue) -> Anchor {
    Anchor {
        byte,
        number: cue.number,
        line: cue.line,
        time: Some((cue.start, cue.end)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::turns::testing::{pair, spoken};
    use super::*;

    fn read_vtt(text: &str) -> Source {
        read(text, "f.vtt", &Roles::default(), false).unwrap()
    }

    fn said(source: &Source) -> Vec<(String, String)> {
        spoken(&source.text, &source.turns)
    }

    #[test]
    fn a_voice_is_its_cues_alone_and_near_cues_of_one_voice_are_one_turn() {
        let source = read_vtt(
            "WEBVTT - Rapat\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE dibuat otomatis\n\n5b0f-1\n00:00:01.000 --> 00:00:03.000 align:start position:0%\n<v Budi Santoso>Air di rumah\n\n5b0f-2\n00:04.500 --> 00:00:06.000\n<v.loud Budi Santoso>mati &amp; keruh.</v>\n\n00:00:10.000 --> 00:00:12.000\nYa, benar.\n\n00:00:20.000 --> 00:00:21.000\n<v Budi Santoso>Sejak <i>Senin</i>.</v> <v Sari>Lalu?</v>\n",
        );
        assert_eq!(
            said(&source),
            [
                pair("Budi Santoso", "Air di rumah mati & keruh."),
                pair("", "Ya, benar."),
                pair("Budi Santoso", "Sejak Senin."),
                pair("Sari", "Lalu?"),
            ]
        );
        assert!(
            source
                .text
                .starts_with("Budi Santoso: Air di rumah mati & keruh.\n")
        );
        assert_eq!(source.anchors[1].time, Some((4_500, 6_000)));
    }

    #[test]
    fn a_name_in_the_cue_holds_until_the_next() {
        let source = read(
            "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}Sari: Apa kabar?\n\n2\n00:00:03,000 --> 00:00:04,000\nBudi: Air mati,\n3\n00:00:05,500 --> 00:00:06,000\n<i>sejak Senin.</i>\n\n4\n00:00:30,000 --> 00:00:31,000\nAneh.\n\n5\n00:00:32,000 --> 00:00:33,000\nSari: 10:30 Rapat: ya?\n\n6\n00:00:34,000 --> 00:00:35,000\nBudi: Panah --> itu\n",
            "f.srt", &Roles::default(), true,
        )
        .unwrap();
        assert_eq!(
            said(&source),
            [
                pair("Sari", "Apa kabar?"),
                pair("Budi", "Air mati, sejak Senin."),
                pair("Budi", "Aneh."),
                pair("Sari", "10:30 Rapat: ya?"),
                pair("Budi", "Panah --> itu"),
            ]
        );
    }

    #[test]
    fn a_cue_without_an_end_is_left_out_with_its_place() {
        let source = read_vtt(
            "WEBVTT\n\n00:01.000 -->\nHilang\n\n00:05.000 --> 00:04.000\nTerbalik\n\n00:06.000 --> 00:07.000\nAda\n",
        );
        assert_eq!(said(&source), [pair("", "Ada")]);
        let faults: Vec<_> = source
            .rejected
            .iter()
            .map(|r| (r.at.line, r.fault.to_string()))
            .collect();
        assert_eq!(faults[0].0, 3);
        assert!(faults[0].1.contains("no end"), "{faults:?}");
        assert_eq!(faults[1].0, 6);
        assert_eq!(source.anchors[0].number, 3);
    }

    #[test]
    fn a_file_without_cues_is_refused() {
        assert!(read("WEBVTT\n\nhalo\n", "f.vtt", &Roles::default(), false).is_err());
    }

    #[test]
    fn words_between_angle_brackets_stay() {
        let source = read_vtt(
            "WEBVTT\n\n00:01.000 --> 00:02.000\nBiaya <c.x>naik</c> <100 ribu> &lt;3 &foo;\n",
        );
        assert_eq!(said(&source), [pair("", "Biaya naik <100 ribu> <3 &foo;")]);
    }

    #[test]
    fn times_may_have_no_milliseconds_and_one_digit() {
        let text = "1\n0:0:1 --> 0:0:4\nTono: Ya.\n\n2\n00:05 --> 00:09,5\nWati: Air mati.\n";
        let source = read(text, "f.srt", &Roles::default(), true).unwrap();
        let times: Vec<_> = source.anchors.iter().map(|a| a.time).collect();
        assert_eq!(times, [Some((1000, 4000)), Some((5000, 9500))]);
        assert_eq!(said(&source)[1], pair("Wati", "Air mati."));
    }

    #[test]
    fn brackets_and_chevrons_name_who_speaks_even_once() {
        let source = read_vtt(
            "WEBVTT\n\n00:01.000 --> 00:02.000\n[SPEAKER_00]: Apa?\n\n00:02.500 --> 00:03.000\n(SPEAKER_01): Air mati.\n\n00:04.000 --> 00:05.000\n&gt;&gt; Wati: Lapor. >> Lalu?\n\n00:05.000 --> 00:06.000\n>> Ya.\n",
        );
        assert_eq!(
            said(&source),
            [
                pair("SPEAKER_00", "Apa?"),
                pair("SPEAKER_01", "Air mati."),
                pair("Wati", "Lapor."),
                pair("", "Lalu?"),
                pair("", "Ya."),
            ]
        );
    }

    #[test]
    fn words_after_a_blank_line_belong_to_their_cue() {
        let source = read_vtt(
            "WEBVTT\n\nNOTE satu\n\n00:01.000 --> 00:02.000\n\n<v Wati>Air mati,\n\nsejak Senin.</v>\n\nNOTE dua\n\n00:03.000 -->\nHilang\n\njuga\n\n12\n\n00:05.000 --> 00:06.000\n<v Tono>Ya.</v>\n",
        );
        assert_eq!(
            said(&source),
            [pair("Wati", "Air mati, sejak Senin."), pair("Tono", "Ya.")]
        );
        assert!(source.notes[0].contains("2 in all, first at line 7"));
        assert_eq!(source.rejected[0].raw, b"00:03.000 -->\nHilang\njuga");
    }

    #[test]
    fn rolling_captions_are_read_once() {
        let source = read_vtt(
            "WEBVTT\n\n00:01.000 --> 00:02.000\n \nair di<00:01.200><c> desa</c>\n\n00:02.000 --> 00:02.010\nair di desa\n \n\n00:02.010 --> 00:04.000\nair di desa\nmati<00:03.000><c> lagi</c>\n",
        );
        assert_eq!(said(&source), [pair("", "air di desa mati lagi")]);
        assert_eq!(source.notes.len(), 1);
    }

    #[test]
    fn a_mark_that_is_not_taken_is_not_the_interviewers() {
        let source = read_vtt(
            "WEBVTT\n\n00:01.000 --> 00:02.000\nModerator: Dua hal.\n\n00:02.500 --> 00:03.000\nKata kepala desa kami waktu itu: air mati.\n",
        );
        assert_eq!(said(&source)[1].0, "");
        assert_eq!(source.marks[0].line, 6);
    }
}
