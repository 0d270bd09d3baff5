//! Trims the start and end of a text: greetings, thanks, marks.

use super::CutKind;
use super::draft::{Draft, Edit, MARK, Pattern};
use super::mail::has_words;
use super::words::Words;

static GREETING: Pattern = Pattern::new(concat!(
    r"(?i)^[\s,.!:;–—-]*(?:",
    // A greeting for the time of day, and its addressee.
    r"(?:selamat|slmt|met)\s+(?:pagi|siang|sore|malam|petang)\b(?:\s+(?:dan salam sejahtera|dan salam))?",
    r"|(?:pagi|siang|sore|malam)(?:\s+VOCATIVE|\s*[,!.])",
    r"|(?:wa'?alaikum\w*|ass?ala?mu?\s?['’`]?\s?alai?kum+|as+alamu?alaikum|asslm\w*|as+kum|aslm\w*)\b(?:\s*(?:wr|warah?matullahi?|warohmatullahi?|wrwb)\b\.?)?(?:\s*(?:wb|wabarakatuh|wabarokatuh)\b\.?)?",
    r"|good\s+(?:morning|afternoon|evening|day)\b",
    r"|(?:ha?llo+w?|he?llo+|helo+|hal+o+|hai+|hi+|hey+|hei+|permisi|salam sejahtera|greetings|dengan hormat|to whom it may concern)\b",
    r"|dear\b(?:\s+[^\s,\n]+){0,4}?\s*[,\n]|dear(?:\s+VOCATIVE)+",
    r"|(?:kepada\s+)?(?:yth|ykh|yang terhormat)\b\.?(?:[^,:\n.!?]|\b(?:bpk|dr|drs|ir|h|hj|jl)\.){0,60}[,:\n]",
    r"|(?:kepada\s+)?(?:yth|ykh|yang terhormat)\b\.?(?:[\s/,]*VOCATIVE)+",
    r"|VOCATIVE\s*,",
    r")",
    // The addressee of the greeting.
    r"(?:[\s/&]*(?:\b(?:dan|and)\s+)?VOCATIVE)*(?:(?-i:\s+[A-Z][\w.]*){0,3}\s*(?:,|!|\n)|MARK\s*,?)?",
    r"[\s,.!:;–—-]*",
));
static OPENING_MARKS: Pattern =
    Pattern::new(r#"^[\s"'(\[]*(?:(?i:RT|QT|via|cc|to)\s+)?MARK[\s:,;.)\]|>–—-]*"#);
static CLOSING_MARKS: Pattern = Pattern::new(
    r"[\s:,;(\[|–—-]*(?:\b(?i:via|cc)[\s:]+)?MARK(?:\s*(?:[,;/&+]|dan|and|atau|or)?\s*MARK)*(?P<end>[\s.,;:)\]|!?]*)$",
);
static CLOSING: Pattern = Pattern::new(concat!(
    r"(?i)(?:[.!?,;\n…]|\s-)\s*(?P<from>",
    r"(?:(?:demikian|sekian)(?: (?:laporan|aduan|pengaduan|keluhan|surat|yang|dari|kami|saya|ini|dapat|sampaikan|disampaikan))*[,.]?\s*)?",
    r"(?:(?:dan|and|sekian|untuk itu|sebelumnya|sebelum dan sesudahnya)[, ]+)?",
    r"(?:(?:atas|for) [^.!?\n]{0,60}?[, ]+)?(?:(?:saya|kami)\s+)?(?:(?:meng)?ucapkan\s+)?",
    r"(?:ter?ima ?kas+ih?|trimakasih|trims|trmksh|makasih?|mksh|mks|tks|thx+|thanks|thank you|many thanks|tq|ty|hatur nuhun|nuhun|matur (?:nuwun|suwun)|suwun)",
    r"(?:[ ,]+(?:banyak|sebelumnya|sebelum dan sesudahnya|sekali|ya|yah|atas [^.!?,\n]{1,60}|very much|so much|again|in advance|for your [^.!?,\n]{1,40}|VOCATIVE))*",
    r"|(?:best |kind |warm )?regards|salam(?: hormat| hangat)?|was+alamu?'?alaikum\w*(?: wr\.? ?wb\.?)?|wassalam)",
    r"[\s.!,)]*$",
));

#[cfg(test)]
pub(super) static WORDS: [&Words; 2] = [&GREETERS, &CLOSERS];

#[cfg(test)]
pub(super) static PATTERNS: [&Pattern; 4] = [&GREETING, &OPENING_MARKS, &CLOSING_MARKS, &CLOSING];

/// Least number of words before thanks that are cut.
const WORDS_BEFORE_THANKS: usize = 4;

/// Cuts at both ends until nothing more can be cut.
pub(super) fn trim(draft: &mut Draft<'_>) {
    while opening_marks(draft) || greeting(draft) || closing_marks(draft) || closing(draft) {}
}

fn opening_marks(draft: &mut Draft<'_>) -> bool {
    if !draft.text().contains(MARK) {
        return false;
    }
    let range = OPENING_MARKS.find(draft.text());
    range.is_some_and(|range| draft.apply(&[Edit::cut(range, CutKind::Space)]))
}

/// Cuts marks at the end; the punctuation of the sentence stays.
fn closing_marks(draft: &mut Draft<'_>) -> bool {
    let text = draft.text();
    if !text.contains(MARK) {
        return false;
    }
    let Some(captures) = CLOSING_MARKS.regex().and_then(|regex| regex.captures(text)) else {
        return false;
    };
    let (Some(whole), Some(end)) = (captures.get(0), captures.name("end")) else {
        return false;
    };
    let is_ended = text[..whole.start()].ends_with(['.', '!', '?']);
    let ends: String = end
        .as_str()
        .chars()
        .filter(|c| matches!(c, '!' | '?' | '.'))
        .collect();
    let kept = if is_ended {
        ends.trim_start_matches('.').to_string()
    } else {
        ends
    };
    let edit = Edit::put(kept, whole.range(), CutKind::Space);
    draft.apply(&[edit])
}

fn greeting(draft: &mut Draft<'_>) -> bool {
    let text = draft.text();
    if !may_greet(text) {
        return false;
    }
    let Some(range) = GREETING.find(text) else {
        return false;
    };
    range.end > 0
        && has_words(&text[range.end..])
        && draft.apply(&[Edit::cut(range, CutKind::Greeting)])
}

fn closing(draft: &mut Draft<'_>) -> bool {
    // Thanks are searched in the last words only.
    const TAIL: usize = 240;
    let text = draft.text();
    if !may_close(text) {
        return false;
    }
    let tail = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
    let captures = CLOSING
        .regex()
        .and_then(|regex| regex.captures(&text[tail..]));
    let Some(from) = captures.and_then(|captures| Some(tail + captures.name("from")?.start()))
    else {
        return false;
    };
    let before = &text[..from];
    let words = before.split_whitespace().filter(|w| has_words(w)).count();
    if words < WORDS_BEFORE_THANKS {
        return false;
    }
    // A comma before the thanks is cut too.
    let start = before.trim_end_matches([',', ' ', '\n', ';', '-']).len();
    let range = start..text.len();
    draft.apply(&[Edit::cut(range, CutKind::Closing)])
}

/// First words of greetings.
const GREETERS: Words = Words::new(&[
    b"admin",
    b"all",
    b"asala",
    b"askum",
    b"aslm",
    b"assala",
    b"assl",
    b"asslm",
    b"bang",
    b"bapak",
    b"bos",
    b"bosku",
    b"bpk",
    b"bro",
    b"bu",
    b"cs",
    b"customer",
    b"dear",
    b"dengan",
    b"everyone",
    b"folk",
    b"folks",
    b"gan",
    b"good",
    b"greetings",
    b"guys",
    b"hai",
    b"haii",
    b"hallo",
    b"halo",
    b"haloo",
    b"halooo",
    b"hei",
    b"hell",
    b"hello",
    b"helo",
    b"hey",
    b"heyy",
    b"hi",
    b"hii",
    b"ibu",
    b"ka",
    b"kak",
    b"kakak",
    b"kepada",
    b"kk",
    b"madam",
    b"malam",
    b"mas",
    b"mba",
    b"mbak",
    b"met",
    b"mimin",
    b"min",
    b"minn",
    b"nyonya",
    b"pagi",
    b"pak",
    b"permisi",
    b"rekan",
    b"salam",
    b"selamat",
    b"semua",
    b"semuanya",
    b"siang",
    b"sir",
    b"sis",
    b"slmt",
    b"sobat",
    b"sore",
    b"support",
    b"team",
    b"teman",
    b"there",
    b"tim",
    b"to",
    b"tuan",
    b"waala",
    b"yang",
    b"ykh",
    b"yth",
]);

/// Whether the first word of a text may be a greeting.
pub(super) fn may_greet(text: &str) -> bool {
    let is_outside = |c: char| c.is_whitespace() || ",.!:;–—-".contains(c);
    GREETERS.begin(text.trim_start_matches(is_outside).as_bytes())
}

/// Words in thanks, farewells and device lines (`Sent from ...`).
const CLOSERS: Words = Words::new(&[
    b"dikirim",
    b"diunduh",
    b"get outlook",
    b"hormat",
    b"kasih",
    b"makasi",
    b"mks",
    b"mksh",
    b"nuhun",
    b"nuwun",
    b"regards",
    b"salam",
    b"sent ",
    b"sincerely",
    b"suwun",
    b"terimakasih",
    b"terkirim",
    b"tertanda",
    b"thank",
    b"thx",
    b"tks",
    b"tq",
    b"trimakasi",
    b"trims",
    b"trmksh",
    b"ttd",
    b"ty",
    b"wassala",
]);

/// Whether the end of a text may be thanks, a farewell or a signature.
pub(super) fn may_close(text: &str) -> bool {
    const TAIL: usize = 100;
    let bytes = text.as_bytes();
    CLOSERS.begin_in(&bytes[bytes.len().saturating_sub(TAIL)..])
}
