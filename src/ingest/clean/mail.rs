//! Removes what mail adds to a message: quoted replies and signatures.

use std::ops::Range;

use super::CutKind;
use super::draft::{Draft, Edit, MARK, Pattern};

/// The start of a quoted message, which runs to the end.
static WROTE: Pattern = Pattern::new(
    r"(?im)(?:^[ \t]*|[.!?]\s+)(?P<from>(?:On|Pada)\s+(?:mon|tue|wed|thu|fri|sat|sun|sen|sel|rab|kam|jum|jm|sab|min|tgl|tanggal|hari|MONTH|\d|MARK)[^\n]{0,200}?(?:\n[^\n]{0,100}?)?\b(?:wrote|menulis)\s*:)",
);
static ORIGINAL: Pattern = Pattern::new(
    r"(?i)-{2,}\s*(?:original (?:message|appointment)|forwarded message|begin forwarded message|pesan asli|pesan (?:yang )?(?:di)?teruskan|pesan terusan)\s*-{2,}|\bbegin forwarded message:",
);
/// The header of a quoted message, at least two lines.
static HEAD: Pattern = Pattern::new(
    r"(?im)^[ \t>*]*(?:from|dari|pengirim)\*?[ \t]*:[^\n]{1,200}\n(?:[ \t>*]*[^\n]{0,120}\n){0,2}?[ \t>*]*(?:sent|dikirim|terkirim|date|tanggal|to|kepada|ke|untuk|cc|subject|subjek|perihal)\*?[ \t]*:",
);
static HEAD_LINES: Pattern = Pattern::new(
    r"(?i)^(?:[ \t>*]*(?:from|dari|pengirim|sent|dikirim|terkirim|date|tanggal|to|kepada|ke|untuk|cc|bcc|subject|subjek|perihal|reply-to)\*?[ \t]*:[^\n]*(?:\n|$)\s*)+",
);
static QUOTED_LINES: Pattern = Pattern::new(r"(?m)^[ \t]*>+[^\n]*(?:\n|$)");
static SUBJECT: Pattern = Pattern::new(
    r"(?i)^\s*(?:(?:re|fw|fwd|bls|balas|trs)\s*(?:\[\d+\])?:\s*|(?:subject|subjek|perihal|hal)\s*:\s*)+",
);
static RULE: Pattern = Pattern::new(r"(?m)^[ \t]*(?:--|—|_{5,}|-{5,}|={5,})[ \t]*(?:\n|$)");
static SENT_FROM: Pattern = Pattern::new(
    r"(?i)(?:^|\n|[.!?,]\s+|\s{2,}|\s)(?P<from>(?:sent from (?:my |the )?(?:iphone|ipad|android|samsung|galaxy|mobile|huawei|xiaomi|oppo|vivo|blackberry|windows|outlook|mail\b|yahoo|gmail|smartphone|phone|device|tablet|nokia|lenovo|asus|proton)|sent (?:via|with|using) \S+|(?:dikirim|terkirim) (?:dari|melalui|lewat|menggunakan|via) (?:\S+ )?(?:iphone|ipad|android|samsung|galaxy|ponsel|hp|perangkat|aplikasi|smartphone|tablet|huawei|xiaomi|oppo|vivo|blackberry|windows|outlook|mail\b|email|yahoo|gmail|telepon|handphone|whatsapp|wa\b)|get outlook for|diunduh dari|unduh outlook)[^\n.!?]{0,60}[.!]?\s*)(?:\n|$)",
);
static CONFIDENTIAL: Pattern = Pattern::new(
    r"(?is)\n\s*(?:(?:disclaimer|confidentiality notice|pemberitahuan)\s*:|(?:this (?:e-?mail|message)|(?:e-?mail|pesan) ini)[^\n]{0,80}(?:confidential|intended|rahasia|ditujukan)).*$",
);
/// A closing line; a name follows.
static FORMULA: Pattern = Pattern::new(
    r"(?i)^\s*(?:(?:demikian\b[^\n]{0,100})?(?:terima ?kasih|trims|makasih)(?: banyak| sebelumnya)?|salam(?: hormat| hangat| sehat| sejahtera| kami)?|(?:dengan )?hormat(?: kami| saya)|ttd|tertanda|pelapor|(?:best|kind|warm|many)? ?regards|best(?: wishes)?|sincerely(?: yours)?|yours (?:truly|faithfully|sincerely)|respectfully(?: yours)?|thanks(?: and regards| & regards| again| in advance)?|thank you(?: very much)?|many thanks|cheers|wassalam\w*(?: *mu'?alaikum)?(?: wr\.? ?wb\.?)?|was+alamu'?alaikum[^\n]{0,20})\s*[,.!:]*\s*$",
);
/// A closing formula at the end of a line, followed by a name.
static FORMULA_INLINE: Pattern = Pattern::new(
    r"[.!?,]\s+(?P<from>(?i:salam hormat|salam hangat|salam|hormat kami|hormat saya|best regards|kind regards|warm regards|regards|sincerely|yours sincerely|yours faithfully|tertanda|ttd)\s*[,.:]?\s+(?:(?:[A-Z][\w.'-]*|MARK)[\s,]*){1,4}[.)]?\s*)$",
);

#[cfg(test)]
pub(super) static PATTERNS: [&Pattern; 11] = [
    &WROTE,
    &ORIGINAL,
    &HEAD,
    &HEAD_LINES,
    &QUOTED_LINES,
    &SUBJECT,
    &RULE,
    &SENT_FROM,
    &CONFIDENTIAL,
    &FORMULA,
    &FORMULA_INLINE,
];

/// Most lines of a name and an address.
const NAME_LINES: usize = 5;

/// Whether a text has any word.
pub(super) fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Cuts replies and signatures, if some text remains.
pub(super) fn unwrap(draft: &mut Draft<'_>) {
    subject(draft);
    let has = |draft: &Draft<'_>, words: [&str; 2]| words.iter().any(|w| draft.text().contains(w));
    if has(draft, ["--", "orwarded message"]) {
        from_here_on(draft, &ORIGINAL);
    }
    if has(draft, ["wrote", "menulis"]) {
        from_here_on(draft, &WROTE);
    }
    if !draft.text().contains('\n') {
        return;
    }
    from_here_on(draft, &HEAD);
    quoted_lines(draft);
    signature(draft);
}

fn subject(draft: &mut Draft<'_>) {
    if let Some(range) = SUBJECT.find(draft.text()) {
        cut_if_any_left(draft, range, CutKind::Quote);
    }
}

/// Cuts a range unless no words remain around it.
fn cut_if_any_left(draft: &mut Draft<'_>, range: Range<usize>, kind: CutKind) -> bool {
    let text = draft.text();
    let is_left = has_words(&text[..range.start]) || has_words(&text[range.end..]);
    is_left && draft.apply(&[Edit::put("\n", range, kind)])
}

/// Cuts a quoted message after the writer's own words; before them only its header is cut.
fn from_here_on(draft: &mut Draft<'_>, pattern: &Pattern) {
    let text = draft.text();
    let Some(captures) = pattern.regex().and_then(|regex| regex.captures(text)) else {
        return;
    };
    let Some(found) = captures.name("from").or_else(|| captures.get(0)) else {
        return;
    };
    if has_words(&text[..found.start()]) {
        let range = found.start()..text.len();
        draft.apply(&[Edit::put("\n", range, CutKind::Quote)]);
        return;
    }
    let is_head = std::ptr::eq(pattern, &raw const HEAD);
    let mut end = if is_head { found.start() } else { found.end() };
    let rest = &text[end..];
    let blank = rest.len() - rest.trim_start().len();
    if let Some(head) = HEAD_LINES.find(&rest[blank..]) {
        end += blank + head.end;
    }
    if end > found.start() {
        cut_if_any_left(draft, found.start()..end, CutKind::Quote);
    }
}

fn quoted_lines(draft: &mut Draft<'_>) {
    let Some(regex) = QUOTED_LINES.regex() else {
        return;
    };
    let text = draft.text();
    let ranges: Vec<Range<usize>> = regex.find_iter(text).map(|m| m.range()).collect();
    let (mut rest, mut copied) = (false, 0);
    for range in &ranges {
        rest |= has_words(&text[copied..range.start]);
        copied = range.end;
    }
    rest |= has_words(&text[copied..]);
    if !rest {
        // Only the quote signs are cut.
        return;
    }
    let edits: Vec<Edit> = ranges
        .into_iter()
        .map(|range| Edit::put("\n", range, CutKind::Quote))
        .collect();
    draft.apply(&edits);
}

fn signature(draft: &mut Draft<'_>) {
    if let Some(range) = RULE.find(draft.text()) {
        let text = draft.text();
        if has_words(&text[..range.start]) {
            let range = range.start..text.len();
            draft.apply(&[Edit::put("\n", range, CutKind::Signature)]);
        } else {
            cut_if_any_left(draft, range, CutKind::Signature);
        }
    }
    if let Some(range) = CONFIDENTIAL.find(draft.text()) {
        cut_if_any_left(draft, range, CutKind::Signature);
    }
    formula(draft);
}

/// Cuts a closing formula in the last line.
pub(super) fn leave(draft: &mut Draft<'_>) {
    sent_from(draft);
    inline_formula(draft);
}

fn sent_from(draft: &mut Draft<'_>) {
    let found = SENT_FROM.regex().and_then(|regex| {
        let captures = regex.captures(draft.text())?;
        Some(captures.name("from")?.range())
    });
    if let Some(range) = found {
        cut_if_any_left(draft, range, CutKind::Signature);
    }
}

/// Cuts a closing formula with the names below it, at the end only.
fn formula(draft: &mut Draft<'_>) {
    let text = draft.text();
    let Some(regex) = FORMULA.regex() else {
        return;
    };
    let mut end = text.len();
    let mut names = 0;
    while let Some(start) = text[..end].rfind('\n').map(|at| at + 1) {
        let line = text[start..end].trim();
        if regex.is_match(line) && (names > 0 || !is_thanks(line)) {
            if has_words(&text[..start]) {
                let range = start - 1..text.len();
                draft.apply(&[Edit::put("\n", range, CutKind::Signature)]);
            }
            return;
        }
        if !line.is_empty() {
            names += 1;
            if names > NAME_LINES || !is_name(line) {
                return;
            }
        }
        end = start - 1;
    }
}

fn is_thanks(line: &str) -> bool {
    let line = line.to_lowercase();
    ["kasih", "thank", "trims"].iter().any(|w| line.contains(w))
}

/// Whether a line looks like one below a letter: a name, a place, a number.
fn is_name(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let begins = |word: &&str| {
        let first = word.trim_start_matches(['(', '[', '"', '*', '-', '~', '.', '/', '|', ',']);
        let first = first.chars().next();
        first.is_none_or(|c| c.is_uppercase() || c.is_numeric() || c == MARK)
    };
    let is_short = words.len() <= 2 && words.iter().all(|w| w.chars().all(char::is_alphabetic));
    words.len() <= 6
        && !line.ends_with(['!', '?'])
        && (is_short
            || words
                .iter()
                .filter(|w| w.len() > 3 || !begins(w))
                .all(|w| begins(w) || w.len() <= 3))
}

fn inline_formula(draft: &mut Draft<'_>) {
    let found = FORMULA_INLINE.regex().and_then(|regex| {
        let captures = regex.captures(draft.text())?;
        Some(captures.name("from")?.range())
    });
    if let Some(range) = found {
        cut_if_any_left(draft, range, CutKind::Signature);
    }
}
