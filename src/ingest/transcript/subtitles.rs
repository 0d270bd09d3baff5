//! `WebVTT` and `SubRip`: cues to turns.
//!
//! Accepts what Teams, Zoom and other tools write, beyond the standards: omitted hours, `,` or `.`
//! before milliseconds, cue settings, cues without a blank line between them. A cue with an invalid
//! timing line is rejected with the reason.

use std::sync::LazyLock;

use regex::Regex;

use super::marks::clock;
use super::names::Names;
use super::roles::Roles;
use super::source::{Anchor, Source};
use super::speakers::{Style, marker};
use super::turns::Stretch;
use crate::error::{Error, Location, Result, RowFault};
use crate::ingest::record::Rejected;
use crate::ingest::sentences::LineBreaks;

/// Longest silence inside a turn, in milliseconds.
const GAP: u64 = 2000;

static TIMING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let time = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})";
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
}

/// Reads cues into turns; `srt`: text after a blank line belongs to the cue before.
pub(super) fn read(text: &str, name: &str, roles: &Roles, srt: bool) -> Result<Source> {
    let mut cues = Cues::default();
    for block in blocks(text) {
        cues.add_block(&block, name, srt);
    }
    if cues.read.is_empty() && cues.rejected.is_empty() {
        return Err(Error::Document {
            path: name.to_string(),
            reason: "no cue was found: no line like 00:00:01.000 --> 00:00:02.000".into(),
        });
    }
    let speakers = speakers(&mut cues.segments, roles);
    Ok(source(cues, &speakers))
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
    fn add_block(&mut self, block: &[(u64, &str)], name: &str, srt: bool) {
        let is_timing = |line: &str| TIMING_BEGUN.as_ref().is_some_and(|r| r.is_match(line));
        // A block without a timing line is words in SRT only; in VTT it is a note or a style.
        let first = block.iter().take(2).position(|(_, line)| is_timing(line));
        let Some(mut timing) = first else {
            if srt && let Some(last) = self.read.len().checked_sub(1) {
                block
                    .iter()
                    .for_each(|(_, line)| self.add_words(last, line));
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
        let number = (self.read.len() + self.rejected.len()) as u64 + 1;
        match times(timing) {
            Ok((start, end)) => {
                self.read.push(Cue {
                    number,
                    line,
                    start,
                    end,
                });
                let cue = self.read.len() - 1;
                let mut voice = None;
                for (_, words) in &lines[1..] {
                    voice = self.add_voices(cue, words, voice);
                }
            }
            Err(fault) => {
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

    fn add_words(&mut self, cue: usize, line: &str) {
        self.add_voices(cue, line, None);
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
        let text: Vec<&str> = text.split_whitespace().collect();
        if !text.is_empty() {
            self.segments.push(Segment {
                cue,
                voice: voice.cloned(),
                text: text.join(" "),
            });
        }
    }
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

/// The speaker of each segment. If any cue has a voice tag, a cue without one has no speaker.
/// Otherwise a name before a colon holds until the next name: writers name changes only.
fn speakers(segments: &mut [Segment], roles: &Roles) -> Vec<String> {
    if segments.iter().any(|s| s.voice.is_some()) {
        let voice = |s: &Segment| s.voice.clone().unwrap_or_default();
        return segments.iter().map(voice).collect();
    }
    let texts: Vec<String> = segments.iter().map(|s| s.text.clone()).collect();
    let marks: Vec<_> = texts
        .iter()
        .map(|t| {
            marker(t).filter(|m| m.time.is_none() && !matches!(m.style, Style::Alone | Style::Dash))
        })
        .collect();
    let mut names = Names::new(roles);
    marks.iter().for_each(|m| names.count(m.as_ref(), false));
    let mut last = String::new();
    let mut speakers = Vec::with_capacity(segments.len());
    for (segment, mark) in segments.iter_mut().zip(&marks) {
        if let Some(mark) = mark.filter(|m| names.begins(m, false, roles.asks(&last))) {
            last = mark.name.to_string();
            segment.text = segment.text[mark.after..].trim_start().to_string();
        }
        speakers.push(last.clone());
    }
    speakers
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
            l == segment.cue || cue.start.saturating_sub(before.end) <= GAP
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
        notes: Vec::new(),
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
}
