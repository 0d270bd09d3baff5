//! Replaces links, handles, numbers, dates and existing masks by one mark each.

use super::draft::{Draft, Edit, MARK, Pattern};
use super::words::Words;
use super::{CutKind, Signs};
use crate::ingest::privacy::{Kind, patterns};

static GIVEN: Pattern = Pattern::new(
    r"(?i)(?:<|\[|\{{1,2}|\[<)(?P<name>https?|url|link|urllink|website|web|user|username|user_?name|usr|mention|handle|akun|name|nama|person|per|orang|phone|phone_?number|telp|telepon|hp|no_?hp|email|e-mail|mail|nik|ktp|bpjs|number|num|nomor|angka|digit|digits|address|alamat|addr|plate|plat|nopol|redacted|removed|masked|disensor|sensor|anonymi[sz]ed|date|tanggal|time|jam|location|loc|lokasi|org|organi[sz]ation|account|account_?number|rekening|card|card_?number|credit_?card|id|id_?number|ticket|tiket|ip|ip_?address|hashtag|image|gambar|foto|photo|video|media|sticker|attachment|lampiran|file|emoji)(?:[ _-]?\d{1,3})?(?:>\]|>|\]|\}{1,2})",
);
static CENSORED: Pattern = Pattern::new(
    r"\b(?:X{2,4}/X{2,4}/(?:X{2,4}|\d{2,4})|X{4,})(?:[ -]X{4,})*\b|\bHTTPURL\b|█+|\*{5,}",
);
static LINK: Pattern = Pattern::new(
    r"(?i)\b(?:https?://|www\.)\S*[\w/]|\b[\w-]+(?:\.[\w-]+)*\.(?:co|io|app|link|page|site|xyz|info|tv|gle|be|cc|to|gg|ai|dev|news|shop|store)/[^\s<>]*[\w/]",
);
static HANDLE: Pattern = Pattern::new(r"(?:^|[^\w.@])(?P<mark>@\w+(?:\.\w+)*)");
static REFERENCE: Pattern = Pattern::new(concat!(
    r"(?i)\[?\s?(?:\b(?:tiket|ticket|laporan|aduan|pengaduan|case|kasus|order|pesanan|ref|issue|report|request|complaint|nomor|number|no\.?|id|kode)[ .:]*){0,3}#\s?[A-Z]{0,6}-?\d{2,}[\w-]*\]?",
    r"|\b(?:no\.?|nomor|number|num|nr\.?|id|kode|code)\s{0,2}(?:tiket|ticket|laporan|aduan|pengaduan|lapor|resi|referensi|reference|ref|pesanan|order|booking|transaksi|transaction|registrasi|pelanggan|customer|rekening|account|polis|kontrak|invoice|faktur|case|kasus|meter|peserta|kartu|hp|wa|whatsapp|telp|telepon|tlp|ktp|kk|nik|bpjs|id)\b(?:\s{0,2}(?:saya|pelanggan|pengaduan|laporan))?\.?\s{0,2}(?:[:=#.]|adalah)?\s{0,2}CODE\b",
    r"|\b(?:tiket|ticket|laporan|aduan|pengaduan|resi|referensi|reference|pesanan|order|booking|transaksi|transaction|registrasi|customer|rekening|account|polis|kontrak|invoice|faktur|case|kasus)\s{0,2}(?:no\.?|nomor|number|num|id|kode|code)\s{0,2}[:=#.]?\s{0,2}CODE\b",
    r"|\b(?:tiket|ticket|laporan|aduan|pengaduan|resi|ref|referensi|reference|order|invoice|inv|case|id|nik|ktp|hp|wa|whatsapp|telp|telepon|tlp|phone|tel|email|e-mail|cp|idpel|rekening|rek|nopol)\s{0,2}[:=]\s{0,2}CODE\b",
));
/// Every reference without `#` has one of these words.
const REFERENCE_WORDS: Words = Words::new(&[
    b"account",
    b"aduan",
    b"booking",
    b"case",
    b"code",
    b"cp",
    b"customer",
    b"e-mail",
    b"email",
    b"faktur",
    b"hp",
    b"id",
    b"idpel",
    b"inv",
    b"invoice",
    b"kasus",
    b"kode",
    b"kontrak",
    b"ktp",
    b"lapor",
    b"nik",
    b"no",
    b"nomor",
    b"nopol",
    b"nr",
    b"num",
    b"number",
    b"order",
    b"pelanggan",
    b"pengaduan",
    b"pesanan",
    b"phone",
    b"polis",
    b"ref",
    b"referen",
    b"regist",
    b"rek",
    b"rekening",
    b"resi",
    b"tel",
    b"telepon",
    b"telp",
    b"ticket",
    b"tiket",
    b"tlp",
    b"transa",
    b"wa",
    b"whatsapp",
]);
/// Every street address with a number has one of these words.
const ADDRESS_WORDS: Words = Words::new(&[
    b"blok",
    b"gang",
    b"gg",
    b"jalan",
    b"jl",
    b"jln",
    b"komplek",
    b"kompleks",
    b"perum",
    b"rt",
]);
/// Upper case only, as in such numbers.
static CODE: Pattern = Pattern::new(r"\b[A-Z]{2,6}[-/]\d{3,}(?:[-/]\d+)*\b");
static DATE: Pattern = Pattern::new(concat!(
    r"(?i)\b\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b",
    r"|\b\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)?\d{2}\b",
    r"|\b\d{4}/\d{1,2}/\d{1,2}\b",
    r"|\b\d{1,2}(?:st|nd|rd|th)?[ -](?:of )?MONTH\b\.?(?:[ ,-]{1,2}(?:19|20)\d{2}\b)?",
    r"|\bMONTH\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d{2}\b",
    r"|\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s?(?:wib|wita|wit|am|pm|a\.m\.|p\.m\.))?\b",
    r"|\b(?:[01]?\d|2[0-4])[.][0-5]\d\s?(?:wib|wita|wit|am|pm)\b",
    r"|\b(?:jam|pukul|pkl)\.?\s?(?P<mark>(?:[01]?\d|2[0-4])[.:][0-5]\d)\b",
));
static DIGITS: Pattern = Pattern::new(
    r"(?i)(?P<money>(?:rp|idr|usd|eur|rm|\$|€|£)\.?\s*)?\b(?P<mark>\d{7,}|\d{3,}(?:[ .-]\d{3,})+)\b(?P<after>\s*(?:rupiah|ribu|rb|juta|jt|miliar|milyar|triliun|dolar|dollars?|persen|%|km|kwh|meter|liter|kg|orang|warga|kali|jiwa|people|times)\b|[.,]\d)?",
);
static THOUSANDS: Pattern = Pattern::new(r"^\d{1,3}(?:[. ]\d{3})+$");
static STANDALONE: Pattern = Pattern::new(r"(?:^|\s)(?P<mark>_)(?:[\s.,;:!?]|$)");
/// Adjacent marks, and the brackets around them.
static RUN: Pattern =
    Pattern::new(r"\s*[(\[<{]?\s*MARK(?:\s*(?:[,;/&+]|dan|and|atau|or)?\s*MARK)*\s*[)\]>}]?\s*");
#[cfg(test)]
pub(super) static WORDS: [&Words; 2] = [&REFERENCE_WORDS, &ADDRESS_WORDS];

#[cfg(test)]
pub(super) static PATTERNS: [&Pattern; 11] = [
    &GIVEN,
    &CENSORED,
    &LINK,
    &HANDLE,
    &REFERENCE,
    &CODE,
    &DATE,
    &DIGITS,
    &THOUSANDS,
    &STANDALONE,
    &RUN,
];

/// Fewest digits of a personal number.
const PRIVATE_DIGITS: usize = 7;

/// Puts all marks. What `--redact` finds comes first, so that a text gets the same marks whether
/// `--redact` masked it before or not.
pub(super) fn mark(draft: &mut Draft<'_>, signs: &Signs) {
    if signs.any(Signs::ANGLE | Signs::BRACKET) {
        draft.replace(&GIVEN, |captures, _| {
            let name = captures.name("name")?.as_str();
            let range = captures.get(0)?.range();
            Some(Edit::mark(range, kind_of_mask(name)))
        });
    }
    let links = signs.any(Signs::LINK | Signs::WW) && may_link(draft.text());
    private(draft, signs, links);
    if links {
        draft.mark(&LINK, CutKind::Link);
    }
    if signs.any(Signs::AT) {
        draft.mark(&HANDLE, CutKind::Handle);
    }
    if signs.any(Signs::CENSORED) {
        draft.mark(&CENSORED, CutKind::Mask);
    }
    let are_beside = |w: &[u8]| w.iter().all(u8::is_ascii_digit);
    let has_code = signs.digits > 1 && draft.text().as_bytes().windows(2).any(are_beside);
    if (has_code || draft.text().contains(MARK))
        && (signs.any(Signs::HASH) || REFERENCE_WORDS.begin_in(draft.text().as_bytes()))
    {
        draft.mark(&REFERENCE, CutKind::Reference);
    }
    if signs.any(Signs::DIGIT) {
        if signs.digits >= 3 {
            draft.mark(&CODE, CutKind::Reference);
        }
        if may_date(draft.text(), signs.digits) {
            draft.mark(&DATE, CutKind::Date);
        }
        if signs.digits >= PRIVATE_DIGITS {
            draft.replace(&DIGITS, |captures, _| {
                let found = captures.name("mark")?;
                is_number(captures).then(|| Edit::mark(found.range(), CutKind::Number))
            });
        }
    }
    if signs.any(Signs::LOW_LINE) {
        draft.mark(&STANDALONE, CutKind::Mask);
    }
}

fn is_number(captures: &regex::Captures<'_>) -> bool {
    let digits = captures.name("mark").map_or("", |m| m.as_str());
    let is_amount = captures.name("money").is_some() || captures.name("after").is_some();
    let is_thousands = || THOUSANDS.find(digits).is_some();
    let groups = || digits.split([' ', '.', '-']);
    let are_years =
        || groups().all(|g| g.len() == 4 && (g.starts_with("19") || g.starts_with("20")));
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    count >= PRIVATE_DIGITS && !is_amount && !is_thousands() && !are_years()
}

/// Marks what `--redact` masks.
fn private(draft: &mut Draft<'_>, signs: &Signs, links: bool) {
    let text = draft.text();
    let has_at_sign = signs.any(Signs::AT);
    let emails = has_at_sign && has_at(text, true);
    let handles = has_at_sign && has_at(text, false);
    let addresses = signs.any(Signs::DIGIT) && ADDRESS_WORDS.begin_in(text.as_bytes());
    let plates = signs.digits > 1 && may_plate(text);
    let may_be = |kind: Kind| match kind {
        Kind::Url => links,
        Kind::Email => emails,
        Kind::Handle => handles,
        Kind::Address => addresses,
        Kind::Plate => plates,
        _ => signs.digits >= PRIVATE_DIGITS,
    };
    for pattern in patterns() {
        if !may_be(pattern.kind) {
            continue;
        }
        let edits: Vec<Edit> = pattern
            .found(draft.text())
            .into_iter()
            .map(|(kind, range)| Edit::mark(range, kind_of(kind)))
            .collect();
        draft.apply(&edits);
    }
}

/// Quick test without a regex: whether a slash may be part of a link.
fn may_link(text: &str) -> bool {
    let of_slash = |at: usize| {
        let begin = text[..at].rfind([' ', '\n']).map_or(0, |space| space + 1);
        text[begin..at].contains('.') || text[at..].starts_with("//")
    };
    text.match_indices('/').any(|(at, _)| of_slash(at))
        || text.to_ascii_lowercase().contains("www.")
}

/// First letters of months.
const MONTHS: [&[u8; 3]; 19] = [
    b"jan", b"feb", b"mar", b"apr", b"mei", b"may", b"jun", b"jul", b"agu", b"agt", b"aug", b"sep",
    b"okt", b"oct", b"nov", b"nop", b"des", b"dec", b"of ",
];

/// Quick test without a regex: whether the text may have a date or a time.
fn may_date(text: &str, digits: usize) -> bool {
    let is_month = |rest: &[u8]| {
        let begin = rest.get(..3);
        begin.is_some_and(|begin| MONTHS.iter().any(|m| begin.eq_ignore_ascii_case(*m)))
    };
    let bytes = text.as_bytes();
    let begins = |at: usize| {
        let rest = &bytes[at + 1..];
        match rest {
            [b':' | b'.' | b'/' | b'-', b'0'..=b'9', ..] => true,
            // 3 May, 3-May, 3rd of May
            [b' ' | b'-', rest @ ..]
            | [b's' | b'n' | b'r' | b't', b't' | b'd' | b'h', _, rest @ ..]
            | rest => is_month(rest),
        }
    };
    digits > 4 || (0..bytes.len()).any(|at| bytes[at].is_ascii_digit() && begins(at))
}

/// Whether there are digits between capitals, as on a number plate.
fn may_plate(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(gap) = bytes[from..].iter().position(u8::is_ascii_digit) {
        let start = from + gap;
        let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit());
        let end = start + digits.count();
        let (before, after) = (&bytes[..start], &bytes[end..]);
        let before = before.strip_suffix(b" ").unwrap_or(before);
        let after = after.strip_prefix(b" ").unwrap_or(after);
        if (2..=4).contains(&(end - start))
            && before.last().is_some_and(u8::is_ascii_uppercase)
            && after.first().is_some_and(u8::is_ascii_uppercase)
        {
            return true;
        }
        from = end;
    }
    false
}

/// Whether an `@` follows a word, as in an e-mail address, or begins a handle.
fn has_at(text: &str, behind_word: bool) -> bool {
    let is_behind = |(at, _): (usize, &str)| {
        let before = text[..at].chars().next_back();
        before.is_some_and(|c| c.is_alphanumeric() || c == '_') == behind_word
    };
    text.match_indices('@').any(is_behind)
}

fn kind_of(kind: Kind) -> CutKind {
    match kind {
        Kind::Url => CutKind::Link,
        Kind::Handle => CutKind::Handle,
        Kind::Email => CutKind::Email,
        Kind::Address => CutKind::Address,
        Kind::Name => CutKind::Mask,
        Kind::Phone | Kind::Nik | Kind::Bpjs | Kind::Number | Kind::Plate => CutKind::Number,
    }
}

fn kind_of_mask(name: &str) -> CutKind {
    match name.to_ascii_lowercase().as_str() {
        "url" | "link" | "http" | "https" | "urllink" | "website" | "web" => CutKind::Link,
        "user" | "username" | "user_name" | "usr" | "mention" | "handle" | "akun" => {
            CutKind::Handle
        }
        "email" | "e-mail" | "mail" => CutKind::Email,
        "address" | "alamat" | "addr" => CutKind::Address,
        "phone" | "nik" | "bpjs" | "number" | "plate" | "num" => CutKind::Number,
        _ => CutKind::Mask,
    }
}

/// Makes each mark, or run of marks, inside a text a word of its own.
pub(super) fn settle(draft: &mut Draft<'_>) {
    if draft.text().contains(MARK) {
        draft.replace(&RUN, |captures, _| {
            Some(Edit::put(" _ ", captures.get(0)?.range(), CutKind::Space))
        });
    }
}
