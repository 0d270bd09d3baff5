//! The texts of the sources, cut at the positions of a project.
//!
//! Positions are counted in characters (code points). Programs differ in one place: some count a
//! line end of two characters (CR LF) as one, some as two. A project doesn't say which, so the
//! reading is taken under which more spans begin and end where words do.

use std::collections::{BTreeMap, BTreeSet};

use super::Span;
use crate::corpus::coders::annotation::FoundUnit;

/// The characters of each source.
pub(super) struct Texts {
    by_source: BTreeMap<String, Vec<char>>,
}

impl Texts {
    pub(super) fn counted(texts: &BTreeMap<String, String>, spans: &BTreeSet<&Span>) -> Self {
        let read = |counts_two: bool| {
            let characters = |(source, text): (&String, &String)| {
                let text = if counts_two {
                    text.clone()
                } else {
                    text.replace("\r\n", "\n")
                };
                (source.clone(), text.chars().collect())
            };
            Self {
                by_source: texts.iter().map(characters).collect(),
            }
        };
        let one = read(false);
        if !texts.values().any(|text| text.contains("\r\n")) {
            return one;
        }
        let two = read(true);
        let whole = |texts: &Self| {
            spans
                .iter()
                .map(|span| texts.whole_ends(span))
                .sum::<usize>()
        };
        if whole(&two) > whole(&one) { two } else { one }
    }

    /// The text of a span; `None` if it is blank, or if the source has no text there.
    pub(super) fn cut(&self, span: &Span) -> Option<String> {
        let (text, start, end) = self.place(span)?;
        let cut: String = text[start..end].iter().collect();
        let cut = cut.replace("\r\n", "\n").replace('\r', "\n");
        (!cut.trim().is_empty()).then_some(cut)
    }

    fn place(&self, span: &Span) -> Option<(&[char], usize, usize)> {
        let text = self.by_source.get(&span.source)?;
        let start = usize::try_from(span.start).ok()?;
        let end = usize::try_from(span.end).ok()?;
        (end <= text.len()).then_some((text, start, end))
    }

    /// How many ends of a span, of two, cut no word and leave out no final punctuation. A span
    /// that begins or ends with space, or inside a line end, has worse ends than any other.
    fn whole_ends(&self, span: &Span) -> usize {
        let Some((text, start, end)) = self.place(span) else {
            return 0;
        };
        let goes_on = |at: usize| {
            let before = at.checked_sub(1).and_then(|i| text.get(i));
            let pair = before.zip(text.get(at));
            pair.is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric())
        };
        let is_space = |at: usize| text.get(at).is_some_and(|c| c.is_whitespace());
        let is_mark = |at: usize| matches!(text.get(at), Some('.' | ',' | '!' | '?' | ';' | ':'));
        let starts = !goes_on(start) && !is_space(start) && !is_mark(start);
        let ends = !goes_on(end) && !is_space(end - 1) && !is_mark(end);
        usize::from(starts) + usize::from(ends)
    }

    /// A note with the number of statements whose text was not found.
    pub(super) fn note(&self, units: &[FoundUnit]) -> Option<String> {
        let without: Vec<&FoundUnit> = units.iter().filter(|unit| unit.text.is_none()).collect();
        let is_missing = |unit: &&&FoundUnit| {
            let source = unit.id.rsplit_once(':').map_or("", |(source, _)| source);
            !self.by_source.contains_key(source)
        };
        let missing = without.iter().filter(is_missing).count();
        (!without.is_empty()).then(|| {
            format!(
                "no text for {} of {} spans: the text of the source is missing or not UTF-8 \
                 ({missing}), or has nothing at these positions ({}); export the project again",
                without.len(),
                units.len(),
                without.len() - missing
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Satu.\r\nAir mati.\r\nLampu rusak, jalan juga.\r\n";

    fn cuts(text: &str, spans: &[(u64, u64)]) -> Vec<Option<String>> {
        let span = |(start, end): &(u64, u64)| Span {
            source: "s".into(),
            start: *start,
            end: *end,
        };
        let spans: Vec<Span> = spans.iter().map(span).collect();
        let texts = BTreeMap::from([("s".to_string(), text.to_string())]);
        let texts = Texts::counted(&texts, &spans.iter().collect());
        spans.iter().map(|span| texts.cut(span)).collect()
    }

    #[test]
    fn a_line_end_counts_as_one_or_two_as_the_spans_say() {
        let wanted = ["Air mati.", "Lampu rusak"].map(|t| Some(t.to_string()));
        assert_eq!(cuts(TEXT, &[(6, 15), (16, 27)]), wanted);
        assert_eq!(cuts(TEXT, &[(7, 16), (18, 29)]), wanted);
        let plain = TEXT.replace("\r\n", "\n");
        assert_eq!(cuts(&plain, &[(6, 15), (16, 27)]), wanted);
        assert_eq!(
            cuts(&plain.replace('\n', "\r"), &[(6, 15), (16, 27)]),
            wanted
        );
    }

    #[test]
    fn a_span_over_a_line_end_is_one_text() {
        let wanted = Some("Satu.\nAir mati.".to_string());
        for end in [15, 16] {
            assert_eq!(cuts(TEXT, &[(0, end)])[0], wanted);
        }
    }

    #[test]
    fn what_has_no_text_is_none() {
        assert_eq!(cuts(TEXT, &[(0, 900), (5, 6)]), [None, None]);
    }
}
