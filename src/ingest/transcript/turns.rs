//! Finds the turns of a text, by the marks at the start of lines.

use std::ops::Range;

use super::names::Names;
use super::roles::Roles;
use super::speakers::{Marker, marker};

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

/// A line of a text and the mark at its start.
struct Line<'a> {
    start: usize,
    end: usize,
    text: &'a str,
    marker: Option<Marker<'a>>,
    /// Whether it follows a blank line or the start of the text, and words follow it.
    set_off: bool,
}

/// The turns of a text.
///
/// A turn runs over blank lines to the next mark. If the transcript has an interviewer, text before
/// the first mark is a preamble; otherwise the text may be speech and is kept.
pub(super) fn turns(text: &str, roles: &Roles) -> Vec<Stretch> {
    let lines = lines(text);
    let mut names = Names::new(roles);
    for line in &lines {
        if !line.text.trim().is_empty() {
            names.count(line.marker.as_ref(), line.set_off);
        }
    }
    let head = head_length(text, &lines, &names);
    let mut turns: Vec<Stretch> = Vec::new();
    for line in lines.iter().filter(|l| l.start >= head) {
        let answers = turns.last().is_some_and(|t| roles.asks(&t.speaker));
        let begins = |m: &&Marker<'_>| names.begins(m, line.set_off, answers);
        match (line.marker.as_ref().filter(begins), turns.last_mut()) {
            (Some(marker), _) => turns.push(Stretch {
                speaker: marker.name.to_string(),
                span: (line.start + marker.after).min(line.end)..line.end,
                time: marker.time,
                coding: String::new(),
            }),
            (None, Some(turn)) => turn.span.end = line.end,
            (None, None) => turns.push(Stretch {
                speaker: String::new(),
                span: line.start..line.end,
                time: None,
                coding: String::new(),
            }),
        }
    }
    let asked = turns.iter().any(|t| roles.asks(&t.speaker));
    let is_preamble =
        |t: &Stretch| t.speaker.is_empty() && (asked || text[t.span.clone()].trim().is_empty());
    if turns.first().is_some_and(is_preamble) {
        turns.remove(0);
    }
    turns
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches('\n');
        lines.push(Line {
            start,
            end: start + whole.len(),
            text: line,
            marker: marker(line),
            set_off: lines.last().is_none_or(|l| l.text.trim().is_empty()),
        });
        start += whole.len();
    }
    for i in 0..lines.len() {
        let followed = lines.get(i + 1).is_some_and(|l| !l.text.trim().is_empty());
        lines[i].set_off &= followed;
    }
    lines
}

/// Length of a head of `Place: …`, `Date: …` lines before the talk.
///
/// Such a head may also name the speakers (`Informan 1: a miner, 43`). It is the first block of
/// lines. All lines except perhaps a title have labels, and the first label is not a speaker.
fn head_length(text: &str, lines: &[Line<'_>], names: &Names<'_>) -> usize {
    let Some(length) = text.find("\n\n") else {
        return 0;
    };
    let is_label = |m: &&Marker<'_>| m.style == super::speakers::Style::Colon;
    let block: Vec<&Line<'_>> = lines.iter().take_while(|l| l.start < length).collect();
    let labels: Vec<&Marker<'_>> = block
        .iter()
        .filter_map(|l| l.marker.as_ref())
        .filter(is_label)
        .collect();
    let titled = block
        .first()
        .is_some_and(|l| l.marker.as_ref().is_none_or(|m| !is_label(&m)));
    let all_labelled = labels.len() + usize::from(titled) == block.len();
    if all_labelled
        && labels
            .first()
            .is_some_and(|m| !names.begins(m, false, false))
    {
        length + 2
    } else {
        0
    }
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
        let turns = turns(text, &Roles::default());
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
}
