//! Decodes bytes to plain text and finds the kind of transcript.

use std::sync::LazyLock;

use regex::Regex;

use crate::error::{Error, Result};
use crate::ingest::encoding::{Charset, CharsetSource, Encoding};
use crate::ingest::format::TranscriptFormat;
use crate::ingest::sniff::check_head;
use crate::ingest::source;

/// Bytes that are examined to recognize a file.
const HEAD: usize = 512;

/// The text of a file with LF line ends and without a byte-order mark.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// How it was decoded, if it is not plain UTF-8.
    pub(super) note: Option<String>,
}

/// Decodes by the named encoding or the byte-order mark. Without both: UTF-8 or UTF-16; lines that
/// are not UTF-8 are decoded by the encoding detected in them, else by Windows-1252.
///
/// Works by line, so that a file pasted from two encodings is read correctly.
pub(super) fn decode(bytes: &[u8], name: &str, named: Option<Charset>) -> Result<Decoded> {
    let start = check_head(&bytes[..bytes.len().min(HEAD)], name)?;
    let (text, note) = match Encoding::of_head(bytes, named) {
        Some(known) if known.source == CharsetSource::Named || !known.charset.is_utf8() => {
            let charset = known.charset;
            let text = charset.decode(bytes).ok_or_else(|| {
                unreadable(name, &format!("bytes that are not {}", charset.name()))
            })?;
            let is_found = known.source != CharsetSource::Named;
            (
                text,
                is_found.then(|| format!("encoding: {}", charset.name())),
            )
        }
        _ => utf8_or_other(&bytes[start..], name)?,
    };
    if text.contains('\0') {
        return Err(unreadable(name, "a NUL byte, which text never contains"));
    }
    Ok(Decoded {
        text: text.replace("\r\n", "\n").replace('\r', "\n"),
        note,
    })
}

fn utf8_or_other(bytes: &[u8], name: &str) -> Result<(String, Option<String>)> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.to_string(), None));
    }
    let found = Encoding::of_text(&mut &*bytes).map_err(|e| source::unreadable(name, e))?;
    let charset = Some(found.charset)
        .filter(|c| !c.is_utf8())
        .unwrap_or(Charset::WINDOWS_1252);
    let mut text = String::with_capacity(bytes.len());
    let (mut decoded, mut first) = (0u64, 0);
    for (number, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        if let Ok(line) = std::str::from_utf8(line) {
            text.push_str(line);
        } else {
            let line = charset.decode(line);
            let reason = || format!("line {}: bytes that are not {}", number + 1, charset.name());
            text.push_str(&line.ok_or_else(|| unreadable(name, &reason()))?);
            decoded += 1;
            first = if decoded == 1 { number + 1 } else { first };
        }
    }
    let of = charset.name();
    let of = of.replace("windows-", "Windows-");
    let note = format!(
        "encoding: {of} for lines that are not UTF-8 ({decoded} in all, first at line {first})"
    );
    Ok((text, Some(note)))
}

fn unreadable(name: &str, reason: &str) -> Error {
    Error::Document {
        path: name.to_string(),
        reason: reason.to_string(),
    }
}

static TIMING_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let time = r"(?:\d+:)?\d{1,2}:\d{1,2}";
    // Without milliseconds, only a line that is nothing else.
    Regex::new(&format!(
        r"^(?:\d+[ \t]*\n)?[ \t]*{time}(?:[.,]\d{{1,3}}[ \t]*-->|[ \t]*-->[ \t]*{time}[ \t]*(?:\n|$))"
    ))
    .ok()
});

/// The format of a text by its content, whatever its suffix.
pub(super) fn format_of(text: &str, claimed: TranscriptFormat) -> TranscriptFormat {
    let begin = text.trim_start();
    let is_vtt = begin
        .strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let is_cue = || TIMING_LINE.as_ref().is_some_and(|r| r.is_match(begin));
    match claimed {
        _ if is_vtt => TranscriptFormat::WebVtt,
        TranscriptFormat::WebVtt | TranscriptFormat::Srt => claimed,
        _ if is_cue() => TranscriptFormat::Srt,
        TranscriptFormat::Markdown => claimed,
        _ => TranscriptFormat::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode(bytes, "f", None).unwrap().text
    }

    #[test]
    fn encodings_are_told_apart_line_by_line() {
        assert_eq!(text(b"\xEF\xBB\xBFa\r\nb\rc"), "a\nb\nc");
        assert_eq!(text(b"\xFF\xFEa\0\xe9\0"), "aé");
        assert_eq!(text(b"caf\xe9 \x93ya\x94\n"), "café “ya”\n");
        let mixed = decode(b"caf\xc3\xa9\ncaf\xe9\n", "f", None).unwrap();
        assert_eq!(mixed.text, "café\ncafé\n");
        assert!(mixed.note.unwrap().contains("(1 in all, first at line 2)"));
    }

    #[test]
    fn a_named_encoding_goes_before_what_the_bytes_look_like() {
        let named = |label: &str, bytes: &[u8]| decode(bytes, "f", Charset::named(label));
        let decoded = named("windows-1251", b"\xCF: \xe4\xe0\n").unwrap();
        assert_eq!((decoded.text.as_str(), decoded.note), ("П: да\n", None));
        assert_eq!(text(b"a\0:\0 \0b\0"), "a: b");
        assert_eq!(named("utf-8", b"caf\xe9").unwrap_err().code(), "K0220");
    }

    #[test]
    fn a_text_is_known_by_what_it_holds() {
        use TranscriptFormat::{Markdown, Srt, Text, WebVtt};
        assert_eq!(format_of("WEBVTT - x\n", Text), WebVtt);
        assert_eq!(
            format_of("\n1\n00:00:01,000 --> 00:00:02,000\nYa\n", Text),
            Srt
        );
        assert_eq!(format_of("00:01.000 --> 00:02.000\nYa\n", Markdown), Srt);
        assert_eq!(format_of("WEBVTTX", Text), Text);
        assert_eq!(format_of("Sari: ya\n", Markdown), Markdown);
    }
}
