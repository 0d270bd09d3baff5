//! Finds the format of a file by its first bytes, whatever its suffix.

use super::format::{Format, TranscriptFormat};
use crate::error::{Error, ForeignKind, Result};

/// The first bytes of a ZIP archive.
const PACKED: &[u8] = b"PK\x03\x04";

/// The format of a stream, by its first bytes. Also works for encodings with two-byte units.
pub(super) fn sniff(head: &[u8]) -> Format {
    match first_mark(head) {
        _ if is_parquet(head) => Format::Parquet,
        _ if head.starts_with(PACKED) => packed(head).unwrap_or(Format::Workbook),
        Some(b'{') => Format::Jsonl,
        Some(b'[') => Format::Json,
        _ => Format::CSV,
    }
}

/// Checks the byte after the mark too: no table has a control character there.
fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1") && head.get(4).is_some_and(|b| *b < b' ' && *b != b'\n')
}

/// The content of an archive, by the names of its first members, which are not compressed.
fn packed(head: &[u8]) -> Option<Format> {
    let names = |name: &str| memchr::memmem::find(head, name.as_bytes()).is_some();
    if names("word/document.xml") {
        Some(Format::Transcript(TranscriptFormat::Docx))
    } else if names("xl/work") || names("opendocument.spreadsheet") {
        Some(Format::Workbook)
    } else {
        None
    }
}

/// The format of a file by its content, which may differ from the suffix.
pub(super) fn by_content(head: &[u8], by_suffix: Format, name: &str) -> Result<Format> {
    let is_packed = head.starts_with(PACKED);
    let shown = sniff(head);
    if is_parquet(head) {
        return Ok(Format::Parquet);
    }
    if !is_packed {
        check_head(head, name)?;
    }
    Ok(match by_suffix {
        Format::Transcript(_) if is_packed => packed(head).unwrap_or(by_suffix),
        _ if is_packed => shown,
        Format::Delimited(_) | Format::Json | Format::Jsonl if begins_like_vtt(head) => {
            Format::Transcript(TranscriptFormat::WebVtt)
        }
        Format::Delimited(_) if begins_like_json(head) => shown,
        Format::Json | Format::Jsonl if !head.contains(&b'{') && !head.is_empty() => Format::CSV,
        Format::Workbook => shown,
        _ => by_suffix,
    })
}

/// Whether a file begins with one of these tags, in any encoding.
fn is_markup(head: &[u8], tags: &[&str]) -> bool {
    const LONGEST: usize = 16;
    let is_mark = |b: &u8| matches!(b, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF);
    let text = head.iter().copied().filter(|b| !is_mark(b));
    let text = text.skip_while(u8::is_ascii_whitespace);
    let begin: Vec<u8> = text.take(LONGEST).collect();
    let begins = |tag: &&str| {
        begin
            .get(..tag.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(tag.as_bytes()))
    };
    tags.iter().any(begins)
}

/// Whether a file begins with the first line of `WebVTT` subtitles.
fn begins_like_vtt(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let rest = text.strip_prefix(b"WEBVTT");
    rest.is_some_and(|rest| rest.first().is_none_or(|b| matches!(b, b'\n' | b'\r')))
}

/// Whether a file begins with `{"` or `[{`, which no table header does.
fn begins_like_json(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let mut marks = text.iter().filter(|b| !b.is_ascii_whitespace());
    matches!(
        (marks.next(), marks.next()),
        (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{'))
    )
}

/// The kind of JSON by content, one object per line or an array, whatever the suffix.
pub(super) fn json_format(head: &[u8], named: Format) -> Format {
    match first_mark(head) {
        Some(b'{') => Format::Jsonl,
        Some(b'[') if is_array_of_objects(head) => Format::Json,
        _ => named,
    }
}

fn is_array_of_objects(head: &[u8]) -> bool {
    let mut behind = head.iter().skip_while(|b| **b != b'[').skip(1);
    behind.find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

/// The first byte that is not white space or part of a byte-order mark.
fn first_mark(head: &[u8]) -> Option<u8> {
    let is_text =
        |b: &u8| !b.is_ascii_whitespace() && !matches!(b, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF);
    head.iter().copied().find(is_text)
}

/// Tags at the start of web pages.
const PAGE: [&str; 6] = [
    "<!doctype html",
    "<html",
    "<head",
    "<meta",
    "<body",
    "<table",
];

/// The kind of a file by its head, if it is not readable text.
fn foreign(head: &[u8]) -> Option<ForeignKind> {
    match head {
        [b'P', b'K', 3, 4, ..] => Some(ForeignKind::Zip),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some(ForeignKind::OldOffice),
        [0x1F, 0x8B, ..] => Some(ForeignKind::Gzip),
        _ if head.starts_with(b"%PDF-") => Some(ForeignKind::Pdf),
        _ if head.starts_with(b"{\\rtf") => Some(ForeignKind::Rtf),
        _ if is_markup(head, &PAGE) => Some(ForeignKind::WebPage),
        _ if is_markup(head, &["<?xml"]) => Some(ForeignKind::Xml),
        _ => None,
    }
}

/// Fails if the head of a file is not text; returns the length of its byte-order mark.
pub(super) fn check_head(head: &[u8], name: &str) -> Result<usize> {
    match foreign(head) {
        Some(kind) => Err(Error::Foreign {
            path: name.to_string(),
            kind,
        }),
        None if head.starts_with(&[0xEF, 0xBB, 0xBF]) => Ok(3),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{ReadOptions, Reader};

    fn reader(bytes: &'static [u8]) -> Result<Reader> {
        Reader::from_stream(Box::new(bytes), "in", &ReadOptions::default())
    }

    #[test]
    fn a_stream_is_known_by_its_first_byte() {
        assert_eq!(reader(b"id,text\n").unwrap().layout().format, Format::CSV);
        assert_eq!(
            reader(b"{\"text\":\"a\"}\n").unwrap().layout().format,
            Format::Jsonl
        );
    }

    #[test]
    fn an_archive_is_known_by_what_is_packed_in_it() {
        let word = Format::Transcript(TranscriptFormat::Docx);
        let text = Format::Transcript(TranscriptFormat::Text);
        let found = |head: &[u8], suffix| by_content(head, suffix, "in").unwrap();
        let document = b"PK\x03\x04..[Content_Types].xml..word/document.xml..";
        let book = b"PK\x03\x04..[Content_Types].xml..xl/workbook.xml..";
        for suffix in [Format::CSV, Format::Workbook, text] {
            assert_eq!(found(document, suffix), word);
            assert_eq!(found(book, suffix), Format::Workbook);
        }
        assert_eq!(found(b"PK\x03\x04..", word), word);
        assert_eq!(found(b"PK\x03\x04..", Format::CSV), Format::Workbook);
        assert_eq!(sniff(document), word);
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, said) in [
            (&b"PK\x03\x04zzzz"[..], "ZIP"),
            (b"\xD0\xCF\x11\xE0zzzz", "old Excel"),
            (b"\x1F\x8B\x08zzzz", "gzip"),
            (b"%PDF-1.7\n", "PDF"),
            (b"{\\rtf1 a}", "RTF"),
            (b"\xEF\xBB\xBF\n<HTML lang=id><p>a", "web page"),
            (b"\xFF\xFE<\0h\0t\0m\0l\0>\0", "web page"),
            (b"<?xml version=\"1.0\"?><a/>", "XML"),
        ] {
            let error = reader(bytes).err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
