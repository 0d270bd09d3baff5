//! What a text begins and ends with: greetings, thanks, marks.

use super::CutKind;
use super::draft::{Draft, Edit, MARK, Pattern};
use super::mail::has_words;
use super::words::Words;

static GREETING: Pattern = Pattern::new(concat!(
    r"(?i)^[\s,.!:;–—-]*(?:",
    // A day's greeting, and whom it is for.
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
    // Whom the greeting is for.
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
pub(super) static PATTERNS: [&Pattern; 4] = [&GREETING, &OPENING_MARKS, &CLOSING_MARKS, &CLOSING];

/// Words that a statement has at least that thanks are cut behind.
const WORDS_BEFORE_THANKS: usize = 4;

/// Cuts both ends until nothing more comes off.
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

/// What the sentence ends with stays.
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
    // Thanks are looked for in the last words only.
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
    // A comma before the thanks goes with it.
    let start = before.trim_end_matches([',', ' ', '\n', ';', '-']).len();
    let range = start..text.len();
    draft.apply(&[Edit::cut(range, CutKind::Closing)])
}

/// First words of greetings, in small letters.
const GREETERS: [&str; 72] = [
    "selamat",
    "slmt",
    "met",
    "pagi",
    "siang",
    "sore",
    "malam",
    "good",
    "halo",
    "hallo",
    "hello",
    "hai",
    "hi",
    "hey",
    "hei",
    "helo",
    "haloo",
    "halooo",
    "permisi",
    "salam",
    "greetings",
    "dengan",
    "to",
    "dear",
    "kepada",
    "yth",
    "ykh",
    "yang",
    "min",
    "minn",
    "mimin",
    "admin",
    "kak",
    "kakak",
    "ka",
    "kk",
    "gan",
    "sis",
    "bro",
    "bang",
    "pak",
    "bapak",
    "bpk",
    "bu",
    "ibu",
    "mas",
    "mbak",
    "mba",
    "tim",
    "team",
    "cs",
    "customer",
    "semua",
    "semuanya",
    "rekan",
    "all",
    "everyone",
    "guys",
    "there",
    "sir",
    "madam",
    "folks",
    "folk",
    "support",
    "sobat",
    "bosku",
    "bos",
    "tuan",
    "nyonya",
    "askum",
    "aslm",
    "asslm",
];

/// Whether the first word of a text may be a greeting.
pub(super) fn may_greet(text: &str) -> bool {
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || ",.!:;–—-".contains(c));
    let end = begin.bytes().position(|b| !b.is_ascii_alphabetic());
    let word = &begin[..end.unwrap_or(begin.len())];
    let is_long = || {
        let prefix = |p: &str| {
            word.get(..p.len())
                .is_some_and(|w| w.eq_ignore_ascii_case(p))
        };
        [
            "assala", "asala", "waala", "hell", "hal", "hai", "hey", "hii", "admin", "assl",
            "aslm", "teman", "rekan",
        ]
        .iter()
        .any(|p| prefix(p))
    };
    word.len() >= 2
        && matches!(
            word.as_bytes()[0] | 32,
            b's' | b'm'
                | b'p'
                | b'g'
                | b'h'
                | b'd'
                | b't'
                | b'k'
                | b'y'
                | b'a'
                | b'b'
                | b'c'
                | b'r'
                | b'e'
                | b'f'
                | b'n'
                | b'w'
        )
        && (GREETERS.iter().any(|g| word.eq_ignore_ascii_case(g)) || is_long())
}

/// Words that thanks, farewells and the lines of devices have.
const CLOSERS: Words = Words::new(&[
    b"dikirim",
    b"diunduh",
    b"get outlook",
    b"hormat",
    b"kasih",
    b"terimakasih",
    b"trimakasi",
    b"makasi",
    b"mksh",
    b"mks",
    b"nuhun",
    b"nuwun",
    b"regards",
    b"salam",
    b"suwun",
    b"sent ",
    b"sincerely",
    b"thank",
    b"trims",
    b"trmksh",
    b"thx",
    b"tks",
    b"tq",
    b"ty",
    b"terkirim",
    b"ttd",
    b"tertanda",
    b"wassala",
]);

/// Whether the end of a text may be thanks, a farewell or a signature.
pub(super) fn may_close(text: &str) -> bool {
    const TAIL: usize = 100;
    let bytes = text.as_bytes();
    CLOSERS.begin_in(&bytes[bytes.len().saturating_sub(TAIL)..])
}
