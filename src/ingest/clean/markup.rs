//! Converts markup, entities and escapes back to the characters that were typed.

use std::ops::Range;

use super::draft::{Draft, Edit, Pattern};
use super::mail::has_words;
use super::{CutKind, Signs};

/// Most levels of nested escapes that are undone.
const LAYERS: usize = 4;

static HIDDEN: Pattern = Pattern::new(
    r"(?is)<!--.*?-->|<script\b[^>]*>.*?</script\s*>|<style\b[^>]*>.*?</style\s*>|<head\b[^>]*>.*?</head\s*>|<!doctype[^>]*>|<\?xml[^>]*>|<!\[CDATA\[|\]\]>|<!\[(?:end)?if[^>]*>",
);
static QUOTED: Pattern = Pattern::new(r"(?is)<blockquote\b[^>]*>.*</blockquote\s*>");
/// Only tags of HTML: `<again>` is text that somebody wrote.
static TAG: Pattern = Pattern::new(
    r#"(?i)</?(?P<name>a|abbr|acronym|address|article|aside|audio|b|big|blockquote|body|br|button|caption|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|fieldset|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|mark|meta|nav|nobr|noscript|object|ol|option|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|var|video|wbr|xml|[ovw]:\w+|st1:\w+)(?:[\s/]+(?:[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)|disabled|checked|nowrap|hidden|noshade|controls|allowfullscreen|async|defer|selected|required|readonly|open|download|autoplay|loop|muted))*[\s/]*>"#,
);
/// A tag that is incomplete because the cell was truncated.
static TORN_TAG: Pattern =
    Pattern::new(r"(?i)<(?:a|img|div|span|p|td|tr|font|table|iframe)\s+[\w:-]+\s*=[^<>]*$");
static ENTITY: Pattern = Pattern::new(
    r"&(?:#(?P<decimal>\d{1,7});?|#[xX](?P<hex>[0-9a-fA-F]{1,6});?|(?P<name>[a-zA-Z]{2,8}\d?);|(?P<bare>nbsp|quot|lt|gt|amp)\b)",
);
static BB_CODE: Pattern = Pattern::new(
    r"(?i)\[/?(?:b|i|u|s|quote|code|color|size|list|img|center|font|url)(?:=[^\]\n]{0,200})?\]",
);
static LINKED: Pattern =
    Pattern::new(r"!?\[(?P<text>[^\[\]\n]{1,200})\]\((?:https?://|www\.|mailto:|<url>)[^()\s]*\)");
static BOLD: Pattern = Pattern::new(r"\*\*(?P<text>[^*\n]+)\*\*");
static ESCAPE: Pattern =
    Pattern::new(r#"\\+(?:(?P<space>r\\+n|[nrt])|u(?P<hex>[0-9a-fA-F]{4})|(?P<char>["'/]))"#);
static DRIVE: Pattern = Pattern::new(r"\b[A-Za-z]:\\");
static SHEET_ESCAPE: Pattern = Pattern::new(r"_x(?P<hex>[0-9A-Fa-f]{4})_");
static PRINTABLE: Pattern = Pattern::new(r"(?:=[0-9A-F]{2})+|=[ \t]*\r?\n");

#[cfg(test)]
pub(super) static PATTERNS: [&Pattern; 12] = [
    &HIDDEN,
    &QUOTED,
    &TAG,
    &TORN_TAG,
    &ENTITY,
    &BB_CODE,
    &LINKED,
    &BOLD,
    &ESCAPE,
    &DRIVE,
    &SHEET_ESCAPE,
    &PRINTABLE,
];

/// Decodes transport, spreadsheets, JSON and HTML, in this order.
pub(super) fn decode(draft: &mut Draft<'_>, signs: &Signs) {
    if signs.any(Signs::EQUALS) {
        quoted_printable(draft);
    }
    if signs.any(Signs::BACKSLASH) {
        escapes(draft);
    }
    if signs.any(Signs::LOW_LINE) {
        draft.replace(&SHEET_ESCAPE, |captures, _| {
            escaped(captures.name("hex")?.as_str(), captures.get(0)?.range())
        });
    }
    for _ in 0..LAYERS {
        let before = draft.text().len();
        if draft.text().contains('<') {
            tags(draft);
        }
        if draft.text().contains('&') {
            draft.replace(&ENTITY, |captures, _| entity(captures));
        }
        if draft.text().len() == before {
            break;
        }
    }
    if signs.any(Signs::BRACKET) && draft.text().contains('[') {
        peel(draft, &LINKED);
        bb_code(draft);
    }
    if signs.any(Signs::STAR) {
        peel(draft, &BOLD);
    }
    if Signs::of(draft.text()).any(Signs::WIDE | Signs::BREAK) {
        characters(draft);
    }
}

/// Cuts each match except for its text.
fn peel(draft: &mut Draft<'_>, pattern: &Pattern) {
    let Some(regex) = pattern.regex() else {
        return;
    };
    let mut edits = Vec::new();
    for captures in regex.captures_iter(draft.text()) {
        if let (Some(whole), Some(text)) = (captures.get(0), captures.name("text")) {
            edits.push(Edit::cut(whole.start()..text.start(), CutKind::Markup));
            edits.push(Edit::cut(text.end()..whole.end(), CutKind::Markup));
        }
    }
    draft.apply(&edits);
}

fn tags(draft: &mut Draft<'_>) {
    draft.replace(&HIDDEN, |captures, _| {
        Some(Edit::put(" ", captures.get(0)?.range(), CutKind::Markup))
    });
    if let Some(quoted) = QUOTED.find(draft.text())
        && (has_words(&draft.text()[..quoted.start]) || has_words(&draft.text()[quoted.end..]))
    {
        draft.apply(&[Edit::put("\n", quoted, CutKind::Quote)]);
    }
    // The mask of an address looks like a tag.
    let masks = !draft.text().contains("</address");
    draft.replace(&TAG, |captures, text| {
        let name = captures.name("name")?.as_str();
        let range = captures.get(0)?.range();
        if masks && text[range.clone()].eq_ignore_ascii_case("<address>") {
            return None;
        }
        Some(Edit::put(space_of(name), range, CutKind::Markup))
    });
    if let Some(torn) = TORN_TAG.find(draft.text()) {
        draft.apply(&[Edit::cut(torn, CutKind::Markup)]);
    }
}

/// What replaces a tag between the words around it.
fn space_of(tag: &str) -> &'static str {
    match tag.to_ascii_lowercase().as_str() {
        "a" | "abbr" | "acronym" | "b" | "big" | "cite" | "code" | "del" | "em" | "font" | "i"
        | "ins" | "kbd" | "label" | "mark" | "nobr" | "q" | "s" | "samp" | "small" | "span"
        | "strike" | "strong" | "sub" | "sup" | "tt" | "u" | "var" | "wbr" => "",
        "td" | "th" | "img" | "input" | "option" | "button" => " ",
        _ => "\n",
    }
}

/// `[url]` alone is a mask; with a closing tag it is a tag.
fn bb_code(draft: &mut Draft<'_>) {
    let text = draft.text();
    if text.contains("[/") {
        draft.replace(&BB_CODE, |captures, _| {
            Some(Edit::cut(captures.get(0)?.range(), CutKind::Markup))
        });
    }
}

fn entity(captures: &regex::Captures<'_>) -> Option<Edit> {
    let range = captures.get(0)?.range();
    let number = |name: &str, radix| {
        let digits = captures.name(name)?.as_str();
        u32::from_str_radix(digits, radix).ok()
    };
    if let Some(code) = number("decimal", 10).or_else(|| number("hex", 16)) {
        return character(code).map(|with| Edit::put(with, range, CutKind::Markup));
    }
    let name = captures.name("name").or_else(|| captures.name("bare"))?;
    let with = named(name.as_str())?;
    Some(Edit::put(with, range, CutKind::Markup))
}

/// The character with this code; codes of C1 controls are read as Windows-1252.
fn character(code: u32) -> Option<String> {
    let meant = match code {
        0x91 | 0x92 => '\'',
        0x93 | 0x94 => '"',
        0x85 => '…',
        0x96 => '–',
        0x97 => '—',
        9 | 10 | 13 => '\n',
        0..32 | 127..160 => ' ',
        code => char::from_u32(code)?,
    };
    Some(meant.to_string())
}

fn named(name: &str) -> Option<&'static str> {
    let exact = match name {
        "Eacute" => Some("É"),
        "Uuml" => Some("Ü"),
        "Ouml" => Some("Ö"),
        "Auml" => Some("Ä"),
        _ => None,
    };
    let known = match name.to_ascii_lowercase().as_str() {
        "nbsp" | "ensp" | "emsp" | "thinsp" | "tab" => " ",
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "lsquo" | "sbquo" => "‘",
        "rsquo" => "’",
        "ldquo" | "bdquo" => "“",
        "rdquo" => "”",
        "laquo" => "«",
        "raquo" => "»",
        "ndash" => "–",
        "mdash" => "—",
        "minus" => "−",
        "hellip" => "…",
        "bull" => "•",
        "middot" => "·",
        "shy" | "zwj" | "zwnj" | "lrm" | "rlm" => "",
        "copy" => "©",
        "reg" => "®",
        "trade" => "™",
        "deg" => "°",
        "plusmn" => "±",
        "times" => "×",
        "divide" => "÷",
        "frac12" => "½",
        "frac14" => "¼",
        "frac34" => "¾",
        "sup2" => "²",
        "sup3" => "³",
        "micro" => "µ",
        "para" => "¶",
        "sect" => "§",
        "euro" => "€",
        "pound" => "£",
        "yen" => "¥",
        "cent" => "¢",
        "eacute" => "é",
        "egrave" => "è",
        "ecirc" => "ê",
        "euml" => "ë",
        "aacute" => "á",
        "agrave" => "à",
        "acirc" => "â",
        "auml" => "ä",
        "aring" => "å",
        "atilde" => "ã",
        "iacute" => "í",
        "igrave" => "ì",
        "icirc" => "î",
        "iuml" => "ï",
        "oacute" => "ó",
        "ograve" => "ò",
        "ocirc" => "ô",
        "otilde" => "õ",
        "ouml" => "ö",
        "uacute" => "ú",
        "ugrave" => "ù",
        "ucirc" => "û",
        "uuml" => "ü",
        "ntilde" => "ñ",
        "ccedil" => "ç",
        "szlig" => "ß",
        "larr" => "←",
        "rarr" => "→",
        "check" => "✓",
        "star" => "☆",
        "hearts" => "♥",
        "newline" => "\n",
        "sol" => "/",
        "colon" => ":",
        "comma" => ",",
        "excl" => "!",
        "quest" => "?",
        "num" => "#",
        "commat" => "@",
        "lpar" => "(",
        "rpar" => ")",
        "period" => ".",
        _ => return None,
    };
    Some(exact.unwrap_or(known))
}

/// Escapes such as `\n`, two characters, left by JSON and databases.
fn escapes(draft: &mut Draft<'_>) {
    if DRIVE.find(draft.text()).is_some() {
        return;
    }
    draft.replace(&ESCAPE, |captures, _| {
        let range = captures.get(0)?.range();
        if captures.name("space").is_some() {
            return Some(Edit::put("\n", range, CutKind::Escape));
        }
        if let Some(hex) = captures.name("hex") {
            return escaped(hex.as_str(), range);
        }
        let with = captures.name("char")?.as_str().to_string();
        Some(Edit::put(with, range, CutKind::Escape))
    });
}

/// The character for four hex digits; lone surrogates are dropped.
fn escaped(hex: &str, range: Range<usize>) -> Option<Edit> {
    let code = u32::from_str_radix(hex, 16).ok()?;
    let with = character(code).unwrap_or_default();
    Some(Edit::put(with, range, CutKind::Escape))
}

/// Quoted-printable, only if it is certain: `=` appears only before escaped bytes.
fn quoted_printable(draft: &mut Draft<'_>) {
    let Some(regex) = PRINTABLE.regex() else {
        return;
    };
    let text = draft.text();
    let (mut soft, mut sure, mut bytes) = (0, 0, 0);
    for found in regex.find_iter(text) {
        if found.as_str().ends_with('\n') {
            soft += usize::from(!text[..found.start()].ends_with(char::is_whitespace));
            continue;
        }
        for byte in pairs(found.as_str()) {
            bytes += usize::from(matches!(byte, 9 | 10 | 13 | 32 | 61) || byte >= 128);
            sure += usize::from(byte == 61 || byte >= 128);
        }
    }
    let is_printable = (sure > 0 && bytes > 1)
        || (soft > 0 && (soft > 1 || bytes > 0 || text.matches('=').count() == soft));
    if !is_printable {
        return;
    }
    let mut edits = Vec::new();
    for found in regex.find_iter(text) {
        if found.as_str().ends_with('\n') {
            edits.push(Edit::cut(found.range(), CutKind::Escape));
        } else {
            unescape(found.as_str(), found.start(), &mut edits);
        }
    }
    draft.apply(&edits);
}

fn pairs(run: &str) -> impl Iterator<Item = u8> {
    let of = |pair: &[u8]| {
        let digits = std::str::from_utf8(&pair[1..]).unwrap_or_default();
        u8::from_str_radix(digits, 16).unwrap_or(b' ')
    };
    run.as_bytes().chunks_exact(3).map(of)
}

/// One edit per character, to keep its position; bytes that are not UTF-8 are read as Latin-1.
fn unescape(run: &str, at: usize, edits: &mut Vec<Edit>) {
    let bytes: Vec<u8> = pairs(run).collect();
    let mut from = 0;
    while from < bytes.len() {
        let whole = (1..=4.min(bytes.len() - from)).find_map(|n| {
            let text = std::str::from_utf8(&bytes[from..from + n]).ok()?;
            Some((n, u32::from(text.chars().next()?)))
        });
        let (n, code) = whole.unwrap_or((1, u32::from(bytes[from])));
        let range = at + 3 * from..at + 3 * (from + n);
        let with = character(code).unwrap_or_default();
        edits.push(Edit::put(with, range, CutKind::Escape));
        from += n;
    }
}

/// Drops invisible and control characters; other spaces become plain spaces.
fn characters(draft: &mut Draft<'_>) {
    let text = draft.text();
    let edit = |(at, c): (usize, char)| {
        let range = at..at + c.len_utf8();
        match c {
            '\n' | ' ' => None,
            '\u{200C}' | '\u{200D}' => {
                // Joins the parts of an emoji.
                let next = text[range.end..].chars().next();
                let joins = next.is_some_and(|n| n >= '\u{2190}');
                (!joins).then(|| Edit::cut(range, CutKind::Escape))
            }
            '\u{AD}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{FFFC}' => Some(Edit::cut(range, CutKind::Escape)),
            '\r' if text[range.end..].starts_with('\n') => Some(Edit::cut(range, CutKind::Space)),
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => {
                Some(Edit::put("\n", range, CutKind::Space))
            }
            c if c.is_whitespace() => Some(Edit::put(" ", range, CutKind::Space)),
            c if c.is_control() => Some(Edit::put(" ", range, CutKind::Escape)),
            _ => None,
        }
    };
    let edits: Vec<Edit> = text.char_indices().filter_map(edit).collect();
    draft.apply(&edits);
}
