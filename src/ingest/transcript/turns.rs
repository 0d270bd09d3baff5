//! Finds the turns of a text, by the marks at the start of lines.

use std::ops::Range;

use super::header;
use super::lines::Line;
use super::marks::stamp_line;
use super::names::Names;
use super::notices;
use super::roles::Roles;
use super::speakers::marker;

/// A stretch of the plain text with one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Empty for words without a named speaker.
    pub(super) speaker: String,
    /// Bytes of the plain text, without the name.
    pub(super) span: Range<usize>,
    /// The time beside the name, in milliseconds.
    pub(super) time: Option<u64>,
    /// The content of the codes column; empty without such a column.
    pub(super) coding: String,
}

/// Why lines are no speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsideKind {
    /// Data of the interview that follows.
    Header,
    /// Text before the first mark, in a transcript with an interviewer.
    Preamble,
    /// A notice of the program that wrote the file.
    Notice,
}

/// Lines that are no speech, as bytes of the plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) kind: AsideKind,
    pub(super) span: Range<usize>,
}

/// A mark that looks like a speaker and begins no turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherMark {
    /// The name.
    pub name: String,
    /// How often it is marked.
    pub count: usize,
    /// The first line with it, from 1; of subtitles the first cue's.
    pub line: u64,
}

/// What is found in a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) turns: Vec<Stretch>,
    pub(super) asides: Vec<Aside>,
    pub(super) marks: Vec<OtherMark>,
}

impl Found {
    /// Adds the named turns of a part of a text, which begins at byte `from`.
    pub(super) fn add(&mut self, part: Self, text: &str, from: usize) {
        let moved = |span: Range<usize>| span.start + from..span.end + from;
        let named = part.turns.into_iter().filter(|t| !t.speaker.is_empty());
        self.turns.extend(named.map(|t| Stretch {
            span: moved(t.span),
            ..t
        }));
        self.asides.extend(part.asides.into_iter().map(|a| Aside {
            span: moved(a.span),
            ..a
        }));
        let above = text[..from].matches('\n').count() as u64;
        self.marks.extend(part.marks.into_iter().map(|m| OtherMark {
            line: m.line + above,
            ..m
        }));
    }
}

/// Adds a mark to those that begin no turn.
pub(super) fn add_mark(marks: &mut Vec<OtherMark>, name: &str, line: u64) {
    match marks.iter_mut().find(|m| m.name == name) {
        Some(mark) => mark.count += 1,
        None => marks.push(OtherMark {
            name: name.to_string(),
            count: 1,
            line,
        }),
    }
}

/// The turns of a text, and what is no speech.
///
/// A turn runs over blank lines to the next mark. If the transcript has an interviewer, text before
/// the first mark is a preamble; otherwise the text may be speech and is kept.
pub(super) fn turns(text: &str, roles: &Roles) -> Found {
    let lines = lines(text);
    let spoken = notices::without(&lines);
    let mut names = Names::new(roles);
    for line in &lines[..spoken] {
        if !line.is_blank() && line.stamp.is_none() && !header::is_entry(line) {
            names.count(line.marker.as_ref(), line.set_off);
        }
    }
    let mut builder = Builder {
        roles,
        names: &names,
        found: Found::default(),
        pending: None,
        goes_on: false,
        asked: false,
    };
    let headers = header::find(&lines[..spoken], &names);
    let mut from = 0;
    for header in headers {
        builder.add_lines(&lines, from..header.start);
        builder.add_aside(AsideKind::Header, &lines[header.clone()]);
        from = header.end;
    }
    builder.add_lines(&lines, from..spoken);
    builder.add_aside(AsideKind::Notice, &lines[spoken..]);
    builder.finish(text)
}

/// Makes turns, line by line.
struct Builder<'a> {
    roles: &'a Roles,
    names: &'a Names<'a>,
    found: Found,
    /// The time on a line of its own, which is the start of what follows.
    pending: Option<u64>,
    /// Whether the last turn goes on: no header is after it.
    goes_on: bool,
    /// Whether the last named speaker is an interviewer.
    asked: bool,
}

impl Builder<'_> {
    fn add_aside(&mut self, kind: AsideKind, lines: &[Line<'_>]) {
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            let span = first.start..last.end;
            self.found.asides.push(Aside { kind, span });
            self.goes_on = false;
        }
    }

    fn add_lines(&mut self, lines: &[Line<'_>], range: Range<usize>) {
        for number in range {
            let line = &lines[number];
            if line.stamp.is_some() {
                self.pending = line.stamp;
            } else if line.is_blank() {
                self.add_blank(line);
            } else {
                self.add_line(line, number as u64 + 1);
            }
        }
    }

    fn add_blank(&mut self, line: &Line<'_>) {
        if self.goes_on
            && self.pending.is_none()
            && let Some(turn) = self.found.turns.last_mut()
        {
            turn.span.end = line.end;
        }
    }

    fn add_line(&mut self, line: &Line<'_>, number: u64) {
        let pending = self.pending.take();
        let answers = self.asked && self.goes_on;
        let is_context = answers || self.found.turns.iter().all(|t| t.speaker.is_empty());
        if let Some(marker) = &line.marker {
            if self.names.begins(marker, line.set_off, answers) {
                let start = (line.start + marker.after).min(line.end);
                self.push(marker.name, start..line.end, marker.time.or(pending));
                return;
            }
            if self.names.looks_like_speaker(marker) {
                add_mark(&mut self.found.marks, marker.name, number);
                if is_context {
                    self.push("", line.start..line.end, marker.time.or(pending));
                    return;
                }
            }
        }
        match self.found.turns.last_mut() {
            Some(turn) if self.goes_on => turn.span.end = line.end,
            _ => self.push("", line.start..line.end, pending),
        }
    }

    fn push(&mut self, speaker: &str, span: Range<usize>, time: Option<u64>) {
        self.asked = self.roles.asks(speaker) || (self.asked && speaker.is_empty());
        self.goes_on = true;
        self.found.turns.push(Stretch {
            speaker: speaker.to_string(),
            span,
            time,
            coding: String::new(),
        });
    }

    /// Takes text before the first mark out of the turns if the transcript has an interviewer.
    fn finish(mut self, text: &str) -> Found {
        let turns = &mut self.found.turns;
        let asked = turns.iter().any(|t| self.roles.asks(&t.speaker));
        let is_marked = |t: &Stretch| {
            let first = text[t.span.clone()].lines().next().and_then(marker);
            first.is_some_and(|m| self.names.looks_like_speaker(&m))
        };
        let is_preamble = |t: &Stretch| t.speaker.is_empty() && asked && !is_marked(t);
        if turns.first().is_some_and(is_preamble) {
            let span = turns.remove(0).span;
            let kind = AsideKind::Preamble;
            self.found.asides.push(Aside { kind, span });
            self.found.asides.sort_by_key(|a| a.span.start);
        }
        self.found
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches('\n');
        let stamp = stamp_line(line);
        lines.push(Line {
            start,
            end: start + whole.len(),
            text: line,
            marker: marker(line).filter(|_| stamp.is_none()),
            set_off: lines
                .last()
                .is_none_or(|l| l.is_blank() || l.stamp.is_some()),
            stamp,
        });
        start += whole.len();
    }
    for i in 0..lines.len() {
        let followed = lines.get(i + 1).is_some_and(|l| !l.is_blank());
        lines[i].set_off &= followed;
    }
    lines
}

/// Helpers for the tests of the readers.
#[cfg(test)]
pub(super) mod testing {
    use super::Stretch;

    /// The speakers and their words.
    pub(in crate::ingest::transcript) fn spoken(
        text: &str,
        turns: &[Stretch],
    ) -> Vec<(String, String)> {
        let words = |turn: &Stretch| text[turn.span.clone()].to_string();
        let turns = turns.iter();
        turns.map(|t| (t.speaker.clone(), words(t))).collect()
    }

    pub(in crate::ingest::transcript) fn pair(speaker: &str, words: &str) -> (String, String) {
        (speaker.into(), words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let turns = turns(text, &Roles::default()).turns;
        let words = |t: &Stretch| text[t.span.clone()].trim().to_string();
        turns
            .iter()
            .map(|t| (t.speaker.clone(), words(t)))
            .collect()
    }

    fn pairs<'a>(list: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
        let owned = |(a, b): &(&str, &str)| ((*a).to_string(), (*b).to_string());
        list.iter().map(owned).collect()
    }

    #[test]
    fn a_turn_runs_over_blank_lines_to_the_next_mark() {
        let text = "Pewawancara: Bagaimana?\n\nInforman 1: Antri.\n\nLama.\nPewawancara: Lalu?\n";
        assert_eq!(
            found(text),
            pairs(&[
                ("Pewawancara", "Bagaimana?"),
                ("Informan 1", "Antri.\n\nLama."),
                ("Pewawancara", "Lalu?"),
            ])
        );
    }

    #[test]
    fn names_alone_on_their_lines_speak() {
        let text =
            "Sari\nApa kabar?\n\nBudi\nAir mati.\nSejak Senin.\n\nSari\nLalu?\n\nBudi\nYa.\n";
        assert_eq!(
            found(text),
            pairs(&[
                ("Sari", "Apa kabar?"),
                ("Budi", "Air mati.\nSejak Senin."),
                ("Sari", "Lalu?"),
                ("Budi", "Ya."),
            ])
        );
        let text = "P\nApa kabar?\n\nInforman\nIya\n\nP\nLalu?\n\nInforman\nIya\n";
        assert_eq!(found(text).len(), 4);
    }

    #[test]
    fn bracketed_and_tagged_names_speak_if_they_repeat() {
        let text = "[Sari] Apa kabar?\n[Budi] Air mati.\n[Sari] Lalu?\n[Budi] Ya.\n[nama] itu\n";
        assert_eq!(found(text)[3], pairs(&[("Budi", "Ya.\n[nama] itu")])[0]);
        let text = "@sari: Apa?\n@budi: Mati.\n@sari: Lalu?\n@budi: Ya.\n";
        assert_eq!(found(text)[1], pairs(&[("budi", "Mati.")])[0]);
    }

    #[test]
    fn what_does_not_repeat_is_no_speaker() {
        let text = "Budi: Air mati.\nKeluhan: banyak.\nContoh: satu.\nContoh: dua.\nBudi: Ya.\n";
        assert_eq!(found(text).len(), 2);
        assert_eq!(
            found("Jam 08:15 saya datang.\nJam 08:45 dipanggil.\n").len(),
            1
        );
    }

    #[test]
    fn a_head_that_names_the_speakers_is_no_talk() {
        let text = "Tempat: balai desa\nInforman 1: penambang, 43 tahun\n\nPewawancara: Apa kabar?\nInforman 1: Baik.\n";
        assert_eq!(found(text)[1], pairs(&[("Informan 1", "Baik.")])[0]);
        assert_eq!(found(text).len(), 2);
    }

    #[test]
    fn talk_before_the_first_mark_is_kept_where_nobody_asks() {
        assert_eq!(
            found("Air mati.\n\nDokter: Ya.\nDokter: Baik.\n")[0].1,
            "Air mati."
        );
        let text = "Transkrip\n=====\nPewawancara: Apa kabar?\nBu Rina: Obat kosong.\n";
        assert_eq!(found(text)[1], pairs(&[("Bu Rina", "Obat kosong.")])[0]);
        let text = "Informan 1: Kami lapor.\nKeluhan saya: air mati.\n\nPewawancara: Lalu?\nInforman 1: Diam.\n";
        assert_eq!(found(text)[0].1, "Kami lapor.\nKeluhan saya: air mati.");
    }

    #[test]
    fn names_of_any_length_and_case_speak() {
        let text = "Nenek Sumi binti Karto Mulyo: Air mati.\nPewawancara: Lalu?\nNenek Sumi binti Karto Mulyo: Lapor.\n";
        assert_eq!(found(text)[2].0, "Nenek Sumi binti Karto Mulyo");
        let text = "tono: apa?\nwati: air mati.\ntono: lalu?\nwati: lapor.\n";
        assert_eq!(found(text)[1], pairs(&[("wati", "air mati.")])[0]);
        let text = "pewawancara: apa?\nwati: air mati.\n";
        assert_eq!(found(text)[1], pairs(&[("wati", "air mati.")])[0]);
    }

    #[test]
    fn numbers_chevrons_and_brackets_stand_before_names() {
        for text in [
            "1. Moderator: Apa?\n2. Wati: Air mati.\n",
            "001 Moderator: Apa?\n002 Wati: Air mati.\n",
            "(1) Moderator: Apa?\n(2) Wati: Air mati.\n",
            ">> Moderator: Apa?\n>> Wati: Air mati.\n",
            "[Moderator]: Apa?\n[Wati]: Air mati.\n",
            "(Moderator)\nApa?\n(Wati)\nAir mati.\n",
            "Moderator – Apa?\nWati – Air mati.\n",
        ] {
            let right = pairs(&[("Moderator", "Apa?"), ("Wati", "Air mati.")]);
            assert_eq!(found(text), right, "{text}");
        }
        let list = "Moderator: Apa?\nInforman: Dua.\n1. Air: keruh\n2. Listrik: mati\n";
        assert_eq!(found(list).len(), 2);
    }

    #[test]
    fn words_after_a_mark_that_is_not_taken_are_kept_and_the_mark_is_named() {
        let text = "Moderator: Dua hal.\nYang kedua menurut kami semua di sini: air.\nKata kepala desa kami waktu itu: air mati.\nWati: Ya.\n";
        let all = turns(text, &Roles::default());
        assert_eq!(all.marks[0].name, "Yang kedua menurut kami semua di sini");
        assert_eq!((all.marks[0].count, all.marks[0].line), (1, 2));
        assert_eq!(found(text)[1].0, "");
        assert_eq!(found(text).last(), pairs(&[("Wati", "Ya.")]).first());
        let before = turns("Wati: Air mati.\n\nModerator: Lalu?\n", &Roles::default());
        assert_eq!(before.turns.len(), 2);
        assert_eq!(before.marks.len(), 1);
    }

    #[test]
    fn times_stand_beside_names_in_each_style() {
        for line in [
            "Informan 01:02:20\nYa.",
            "Informan 01:02:20: Ya.",
            "Informan 01:02:20 Ya.",
            "Informan [01:02:20] Ya.",
            "Informan (01:02:20) Ya.",
            "Informan {01:02:20}: Ya.",
            "Informan <01:02:20> Ya.",
            "Informan [01:02:20 - 01:02:24]\nYa.",
            "[01:02:20] Informan: Ya.",
            "01:02:20 Informan: Ya.",
            "[Informan 01:02:20] Ya.",
            "[01:02:20 Informan]: Ya.",
            "Informan: [01:02:20] Ya.",
            "01:02:20\nInforman: Ya.",
        ] {
            let found = turns(&format!("{line}\n"), &Roles::default()).turns;
            let words = |t: &Stretch| format!("{line}\n")[t.span.clone()].trim().to_string();
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(found[0].speaker, "Informan", "{line}");
            assert_eq!(found[0].time, Some(3_740_000), "{line}");
            assert_eq!(words(&found[0]), "Ya.", "{line}");
        }
    }

    #[test]
    fn a_stamp_on_its_own_line_begins_what_follows() {
        let text = "Tono: Apa?\n\n00:05:12\n\nWati: Air mati.\n1 minute 2 seconds\nTono: Lalu?\nWati: Lapor.\n";
        let found = turns(text, &Roles::default()).turns;
        let times: Vec<_> = found.iter().map(|t| t.time).collect();
        assert_eq!(times, [None, Some(312_000), Some(62_000), None]);
        assert_eq!(text[found[0].span.clone()].trim(), "Apa?");
    }

    #[test]
    fn closing_notices_are_no_speech() {
        let text = "Tono: Apa?\nWati: Air mati.\n\nRecording ended\nTranscribed by https://contoh.example\n";
        let all = turns(text, &Roles::default());
        assert_eq!(all.asides[0].kind, AsideKind::Notice);
        assert_eq!(found(text)[1], pairs(&[("Wati", "Air mati.")])[0]);
    }
}
