//! Header data of an interview: `Nama : …`, `Date: …`, at the start of a file or between two
//! interviews. It is no speech; it goes into columns of the statements that follow.

use std::ops::Range;

use super::keys::{LABEL_WORDS, has_key, is_key, words};
use super::lines::Line;
use super::names::{Names, is_proper};
use super::speakers::Style;

/// Words of titles above an interview.
const TITLES: &[&str] = &[
    "transkrip",
    "transkripsi",
    "transcript",
    "wawancara",
    "interview",
    "verbatim",
    "notulen",
    "rekaman",
    "recording",
    "lampiran",
    "appendix",
    "fgd",
    "diskusi",
    "discussion",
];

/// Most words of a title.
const TITLE_WORDS: usize = 12;
/// Most lines of titles above a header.
const TITLE_LINES: usize = 3;

/// Whether a line without a mark is a title or a date above an interview.
fn is_title(line: &str) -> bool {
    let lower = line.to_lowercase();
    let count = words(&lower).count();
    let is_date =
        count <= LABEL_WORDS + 1 && lower.chars().filter(char::is_ascii_digit).count() >= 4;
    let is_rule = !lower.chars().any(char::is_alphanumeric);
    let is_named = count <= TITLE_WORDS && words(&lower).any(|w| TITLES.contains(&w));
    is_rule || ((is_date || is_named) && !is_sentence(line))
}

fn is_sentence(text: &str) -> bool {
    text.trim_end().ends_with(['.', '?', '!', '…'])
}

/// Whether a line is header data as far as it shows alone: it says nothing about speakers.
pub(super) fn is_entry(line: &Line<'_>) -> bool {
    label(line).is_some_and(is_key) || (line.marker.is_none() && is_title(line.text))
}

/// The column of a label: `meta_hari_tanggal` for `Hari/Tanggal`.
pub(super) fn column(label: &str) -> String {
    let lower = label.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    format!("meta_{}", words.join("_"))
}

/// The label and the value of a header line; a title has no label.
pub(super) fn entry(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_start_matches(['#', '*', '-', ' ']);
    let value = |v: &str| v.trim().trim_matches('*').trim().to_string();
    match line.split_once(':') {
        _ if !line.chars().any(char::is_alphanumeric) => None,
        Some((label, rest)) if words(label).count() > 0 => Some((column(label), value(rest))),
        _ => Some((column("title"), value(line))),
    }
}

/// The header data of a text as ranges of lines, in order.
pub(super) fn find(lines: &[Line<'_>], names: &Names<'_>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].is_blank() {
            at += 1;
            continue;
        }
        let end = (at..lines.len())
            .find(|i| lines[*i].is_blank())
            .unwrap_or(lines.len());
        let is_first = lines[..at].iter().all(Line::is_blank);
        let after_header = found
            .last()
            .is_some_and(|h| lines[h.end..at].iter().all(Line::is_blank));
        let length = Block {
            lines: &lines[at..end],
            names,
            is_first: is_first || after_header,
        }
        .header();
        if length > 0 {
            found.push(at..at + length);
        }
        at = end;
    }
    found
}

/// The lines between two blank lines.
struct Block<'a, 'b> {
    lines: &'a [Line<'b>],
    names: &'a Names<'b>,
    /// Whether only header data is before it.
    is_first: bool,
}

impl Block<'_, '_> {
    /// The number of lines at its start that are header data.
    fn header(&self) -> usize {
        let titles = self.titles();
        let rest = &self.lines[titles..];
        let labelled = rest.iter().take_while(|l| label(l).is_some()).count();
        let is_key = |l: &Line<'_>| label(l).is_some_and(has_key);
        let keys = rest[..labelled].iter().filter(|l| is_key(l)).count();
        let Some(last) = rest[..labelled].iter().rposition(is_key) else {
            return if self.is_first {
                self.without_keys(titles, labelled)
            } else {
                0
            };
        };
        // Speech may list data too: a header begins with them, or begins an interview.
        let first = rest[..labelled].iter().position(is_key).unwrap_or(0);
        let at_start = titles > 0 || self.is_first;
        let begins = first == 0 || (at_start && rest[..first].iter().all(|l| self.is_entry(l)));
        let end = last + 1 + self.role_entries(&rest[last + 1..]);
        let whole = titles + labelled == self.lines.len();
        let enough = keys >= 2 || (self.is_first && end == labelled && whole);
        if begins && enough { titles + end } else { 0 }
    }

    /// The number of titles at its start; only above labels or at the start of the text.
    fn titles(&self) -> usize {
        let count = self
            .lines
            .iter()
            .take(TITLE_LINES)
            .take_while(|l| label(l).is_none() && (self.is_first || is_title(l.text)))
            .take_while(|l| !self.begins(l) && !is_sentence(l.text) && l.stamp.is_none())
            .count();
        let labelled = self.lines.get(count).and_then(label).is_some();
        if labelled { count } else { 0 }
    }

    /// The first block without known keys: all its lines have labels that are no speakers, or all
    /// are titles.
    fn without_keys(&self, titles: usize, labelled: usize) -> usize {
        let all = self.lines.len();
        let first_speaks = self.lines.get(titles).is_some_and(|l| self.begins(l));
        let is_speech = self.lines[titles..].iter().any(|l| is_sentence(l.text));
        if labelled > 0 && titles + labelled == all && !first_speaks && !is_speech {
            return all;
        }
        let titles = self
            .lines
            .iter()
            .take_while(|l| label(l).is_none() && is_title(l.text) && !self.begins(l));
        titles.take_while(|l| l.stamp.is_none()).count()
    }

    /// The number of lines such as `Pewawancara : Tim A` below the last key: all that are left if
    /// none of them is speech, or names of roles that speak further down.
    fn role_entries(&self, lines: &[Line<'_>]) -> usize {
        let is_data = |l: &Line<'_>| label(l).is_some() && (self.is_entry(l) || !self.begins(l));
        if lines.iter().all(is_data) {
            return lines.len();
        }
        let speaks_below = |(i, line): &(usize, &Line<'_>)| {
            let again = lines[i + 1..].iter().any(|l| label(l) == label(line));
            again && self.is_entry(line) && value(line).is_some_and(is_proper)
        };
        lines.iter().enumerate().take_while(speaks_below).count()
    }

    /// `Pewawancara : Tim A`.
    fn is_entry(&self, line: &Line<'_>) -> bool {
        self.begins(line) && !is_sentence(line.text)
    }

    fn begins(&self, line: &Line<'_>) -> bool {
        let marker = line.marker.as_ref();
        marker.is_some_and(|m| self.names.begins(m, line.set_off, false))
    }
}

/// The words after a label.
fn value<'a>(line: &Line<'a>) -> Option<&'a str> {
    line.marker.as_ref().map(|m| line.text[m.after..].trim())
}

/// The label before a colon.
fn label<'a>(line: &Line<'a>) -> Option<&'a str> {
    let marker = line.marker.as_ref()?;
    (marker.style == Style::Colon && marker.time.is_none()).then_some(marker.name)
}

#[cfg(test)]
mod tests {
    use super::super::roles::Roles;
    use super::super::turns::{AsideKind, turns};
    use super::*;

    /// The lines of each header, and the number of turns.
    fn headers(text: &str) -> (Vec<String>, usize) {
        let found = turns(text, &Roles::default());
        let headers = found.asides.iter().filter(|a| a.kind == AsideKind::Header);
        let lines = headers.map(|a| text[a.span.clone()].trim().replace('\n', "|"));
        (lines.collect(), found.turns.len())
    }

    #[test]
    fn headers_stand_at_the_start_and_between_interviews() {
        let text = "Transkrip 1\nNama\t: Wati\nUsia\t: 45\n\nPeneliti\t: Apa?\nInforman\t: Air mati.\n\nTranskrip 2\nNama\t: Tono\nUsia\t: 50\nPeneliti\t: Apa?\nInforman\t: Ya.\n";
        let (found, turns) = headers(text);
        assert_eq!(found[0], "Transkrip 1|Nama\t: Wati|Usia\t: 45");
        assert_eq!(found[1], "Transkrip 2|Nama\t: Tono|Usia\t: 50");
        assert_eq!((found.len(), turns), (2, 4));
    }

    #[test]
    fn roles_in_a_header_name_people_and_speak_below() {
        let text = "Interviewer: Team A\nName: W.\nDate of interview: 3 March\nPlace: hall\n\nInterviewer: Well?\nRespondent: Bad.\n";
        assert_eq!(headers(text).1, 2);
        let text = "Hari/Tanggal: Senin\nLokasi: Balai\nPewawancara: Tim Kami\nInforman: Ibu W\nPewawancara: Apa?\nInforman: Mati.\n";
        assert_eq!(headers(text).1, 2);
        assert_eq!(headers(text).0[0].matches('|').count(), 3);
    }

    #[test]
    fn a_remark_may_end_a_header() {
        let text = "Wawancara 01\nTempat: balai\nInforman 1: sopir, 43 tahun\nCatatan: rekaman jelas.\n\nPewawancara: Apa?\nInforman 1: Mati.\n";
        let (found, turns) = headers(text);
        assert_eq!(
            (
                found[0].lines().count(),
                found[0].matches('|').count(),
                turns
            ),
            (1, 3, 2)
        );
    }

    #[test]
    fn data_in_an_answer_is_speech() {
        let text = "Informan: Data saya begini.\nNama: Wati.\nUsia: 45.\nPewawancara: Lalu?\nInforman: Ya.\n";
        assert_eq!(headers(text), (Vec::new(), 3));
        assert_eq!(headers("Wati: Air mati.\n\nModerator: Lalu?\n").0.len(), 0);
    }

    #[test]
    fn labels_are_columns() {
        let entry = |line| entry(line).map(|(column, value)| format!("{column}={value}"));
        assert_eq!(
            entry("Hari/Tanggal : Senin, 3").as_deref(),
            Some("meta_hari_tanggal=Senin, 3")
        );
        assert_eq!(entry("**Nama:** Wati").as_deref(), Some("meta_nama=Wati"));
        assert_eq!(
            entry("Wawancara 1").as_deref(),
            Some("meta_title=Wawancara 1")
        );
        assert_eq!(entry("====="), None);
        assert!(is_key("Hari/Tanggal") && !is_key("Nama saya") && has_key("Nama informan"));
    }
}
