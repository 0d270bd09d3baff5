//! The encoding of a file: named, marked or detected. The output is UTF-8.
//!
//! A byte-order mark decides, then valid UTF-8. If more lines are invalid than valid UTF-8, the
//! encoding is guessed from the invalid lines (`chardetng`, the detector of a browser). A line that
//! is not in the encoding of its file is passed on after the byte 0xFF, which UTF-8 never uses,
//! so that its row is rejected with its location; [`faulty_row`] removes the mark again.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE};

use super::record::Rejected;
use super::source::unreadable;
use crate::error::{Error, Result, RowFault};

/// The byte before text that could not be decoded.
const MARK: u8 = 0xFF;
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";
/// Lines with non-ASCII bytes that are examined to find the encoding.
const JUDGED: u64 = 2000;
/// Bytes of text that are decoded in one step.
const STEP: usize = 64 * 1024;

/// A character encoding of the [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static encoding_rs::Encoding);

impl Charset {
    /// The encoding with that name or label, such as `windows-1252`, `latin1` or `utf-16le`.
    pub fn named(label: &str) -> Option<Self> {
        let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
        encoding.map(Self)
    }

    /// The encoding of old programs, used if nothing else is known.
    pub(super) const WINDOWS_1252: Self = Self(encoding_rs::WINDOWS_1252);

    /// Decodes bytes and removes a byte-order mark; `None` if they are not in the encoding.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        let (text, broken) = self.0.decode_with_bom_removal(bytes);
        (!broken).then(|| text.into_owned())
    }

    /// Its name in the Encoding Standard.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether it is UTF-8, so that bytes need no conversion.
    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }
}

/// How the encoding of an input was determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharsetSource {
    /// The user named it.
    Named,
    /// The file begins with a byte-order mark.
    Mark,
    /// Most lines with non-ASCII bytes are in it.
    Detected,
}

/// The encoding of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The encoding.
    pub charset: Charset,
    /// How it was determined.
    pub source: CharsetSource,
}

impl Encoding {
    /// UTF-8, as far as the bytes were examined.
    pub(super) const UTF8: Self = Self {
        charset: Charset(UTF_8),
        source: CharsetSource::Detected,
    };

    /// The encoding of a file that begins with `head`; `None` if its text must be examined.
    pub(super) fn of_head(head: &[u8], named: Option<Charset>) -> Option<Self> {
        let known = |encoding, source| {
            let charset = Charset(encoding);
            Some(Self { charset, source })
        };
        match (named, head) {
            (Some(charset), _) => known(charset.0, CharsetSource::Named),
            (None, [0xEF, 0xBB, 0xBF, ..]) => known(UTF_8, CharsetSource::Mark),
            (None, [0xFF, 0xFE, ..]) => known(UTF_16LE, CharsetSource::Mark),
            (None, [0xFE, 0xFF, ..]) => known(UTF_16BE, CharsetSource::Mark),
            (None, [a, 0, b, 0, ..]) if *a != 0 && *b != 0 => {
                known(UTF_16LE, CharsetSource::Detected)
            }
            (None, [0, a, 0, b, ..]) if *a != 0 && *b != 0 => {
                known(UTF_16BE, CharsetSource::Detected)
            }
            _ => None,
        }
    }

    /// The encoding of a text, found from its first [`JUDGED`] lines with non-ASCII bytes.
    pub(super) fn of_text(input: &mut dyn BufRead) -> io::Result<Self> {
        let mut survey = Survey::new();
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() || survey.utf8 + survey.other >= JUDGED {
                return Ok(survey.verdict());
            }
            survey.add(chunk);
            let used = chunk.len();
            input.consume(used);
        }
    }
}

/// Counts the lines that are valid UTF-8 and the lines that are not.
struct Survey {
    utf8: u64,
    other: u64,
    detector: EncodingDetector,
    /// The end of the last chunk, if it is inside a character.
    cut: Vec<u8>,
}

impl Survey {
    fn new() -> Self {
        Self {
            utf8: 0,
            other: 0,
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            cut: Vec::new(),
        }
    }

    /// Counts a part of a line as a line: the shares do not depend on where chunks are cut.
    fn add(&mut self, chunk: &[u8]) {
        let mut whole = std::mem::take(&mut self.cut);
        let chunk = if whole.is_empty() {
            chunk
        } else {
            whole.extend_from_slice(chunk);
            &whole
        };
        if chunk.is_ascii() {
            return;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', chunk).chain([chunk.len()]) {
            let line = &chunk[start..end];
            start = end + 1;
            if line.is_ascii() {
                continue;
            }
            match std::str::from_utf8(line) {
                Ok(_) => self.utf8 += 1,
                Err(e) if e.error_len().is_none() && end == chunk.len() => {
                    self.utf8 += u64::from(!line[..e.valid_up_to()].is_ascii());
                    self.cut = line[e.valid_up_to()..].to_vec();
                }
                Err(_) => self.add_other(line),
            }
        }
    }

    fn add_other(&mut self, line: &[u8]) {
        self.other += 1;
        self.detector.feed(line, false);
        self.detector.feed(b"\n", false);
    }

    fn verdict(mut self) -> Encoding {
        let cut = std::mem::take(&mut self.cut);
        if !cut.is_empty() {
            self.add_other(&cut);
        }
        let charset = if self.other > self.utf8 {
            self.detector.feed(b"", true);
            self.detector.guess(None, Utf8Detection::Deny)
        } else {
            UTF_8
        };
        Encoding {
            charset: Charset(charset),
            source: CharsetSource::Detected,
        }
    }
}

/// The input as UTF-8. If it was in another encoding, the output begins with the UTF-8 byte-order
/// mark, because Excel needs it in written files. Lines over `keep` bytes are decoded in pieces.
pub(super) fn decoded(
    input: Box<dyn BufRead + Send>,
    encoding: Encoding,
    keep: usize,
) -> Box<dyn BufRead + Send> {
    let charset = encoding.charset.0;
    if charset == UTF_8 {
        return input;
    }
    let way = if charset == UTF_16LE || charset == UTF_16BE {
        Way::Units(Box::new(charset.new_decoder_with_bom_removal()))
    } else {
        Way::Lines(charset)
    };
    Box::new(Transcoder {
        input,
        way,
        keep,
        line: Vec::new(),
        out: UTF8_BOM.to_vec(),
        read: 0,
        ended: false,
    })
}

struct Transcoder {
    input: Box<dyn BufRead + Send>,
    way: Way,
    keep: usize,
    /// The line that is being read.
    line: Vec<u8>,
    /// Decoded bytes; those before `read` were consumed.
    out: Vec<u8>,
    read: usize,
    ended: bool,
}

enum Way {
    /// Line by line, for encodings that keep ASCII unchanged.
    Lines(&'static encoding_rs::Encoding),
    Units(Box<Decoder>),
}

impl Transcoder {
    /// Decodes the next step into `out`; leaves it empty at the end.
    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.read = 0;
        while self.out.len() < STEP && !self.ended {
            let chunk = self.input.fill_buf()?;
            let used = chunk.len();
            self.ended = used == 0;
            match &mut self.way {
                Way::Units(decoder) => decode_units(decoder, chunk, &mut self.out),
                Way::Lines(encoding) if self.ended => {
                    decode_line(encoding, &self.line, &mut self.out);
                }
                Way::Lines(encoding) => {
                    for part in chunk.split_inclusive(|b| *b == b'\n') {
                        self.line.extend_from_slice(part);
                        if part.ends_with(b"\n") || self.line.len() >= self.keep {
                            decode_line(encoding, &self.line, &mut self.out);
                            self.line.clear();
                        }
                    }
                }
            }
            self.input.consume(used);
        }
        Ok(())
    }
}

fn decode_line(encoding: &'static encoding_rs::Encoding, line: &[u8], out: &mut Vec<u8>) {
    let Some(first) = line.iter().position(|b| !b.is_ascii()) else {
        out.extend_from_slice(line);
        return;
    };
    // In a one-byte encoding a line that happens to be valid UTF-8 counts as not decodable.
    let is_utf8 = encoding.is_single_byte() && std::str::from_utf8(line).is_ok();
    match encoding.decode_without_bom_handling_and_without_replacement(line) {
        Some(text) if !is_utf8 => out.extend_from_slice(text.as_bytes()),
        _ => {
            out.extend_from_slice(&line[..first]);
            out.push(MARK);
            out.extend_from_slice(&line[first..]);
        }
    }
}

/// Decodes a chunk; an empty chunk is the end.
fn decode_units(decoder: &mut Decoder, mut chunk: &[u8], out: &mut Vec<u8>) {
    let last = chunk.is_empty();
    let mut text = vec![0; 3 * chunk.len() + 16];
    loop {
        let (result, used, written) =
            decoder.decode_to_utf8_without_replacement(chunk, &mut text, last);
        out.extend_from_slice(&text[..written]);
        chunk = &chunk[used..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(MARK),
        }
    }
}

impl BufRead for Transcoder {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read >= self.out.len() {
            self.refill()?;
        }
        Ok(&self.out[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl Read for Transcoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut text = self.fill_buf()?;
        let n = text.read(into)?;
        self.consume(n);
        Ok(n)
    }
}

/// The encoding of the file or, for a stream, of its head.
pub(super) fn survey(
    head: &[u8],
    whole: Option<Box<dyn BufRead>>,
    name: &str,
    named: Option<Charset>,
) -> Result<Encoding> {
    if let Some(known) = Encoding::of_head(head, named) {
        return Ok(known);
    }
    let mut text = whole.unwrap_or_else(|| Box::new(io::Cursor::new(head.to_vec())));
    Encoding::of_text(&mut text).map_err(|e| unreadable(name, e))
}

/// A rejected row of a decoded file, with a fault that names the encoding and the original bytes.
pub(super) fn faulty_row(mut row: Rejected, charset: Charset) -> Rejected {
    row.fault = named_fault(row.fault, charset);
    if let Some(mark) = memchr::memchr(MARK, &row.raw) {
        row.raw.remove(mark);
    }
    row
}

/// The error for a header that could not be decoded.
pub(super) fn faulty_file(error: Error, charset: Charset) -> Error {
    match error {
        Error::Row { at, fault } => Error::Row {
            at,
            fault: named_fault(fault, charset),
        },
        error => error,
    }
}

fn named_fault(fault: RowFault, charset: Charset) -> RowFault {
    match fault {
        RowFault::NotUtf8 { .. } => RowFault::OtherEncoding {
            encoding: charset.name(),
        },
        fault => fault,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::{Format, ReadOptions, Reader};

    /// The texts of a table; rejected rows as the code and line of their fault.
    fn texts(bytes: &[u8], named: Option<&str>) -> (Encoding, Vec<String>) {
        let options = ReadOptions {
            format: Some(Format::CSV),
            text_column: Some("text".into()),
            encoding: named.and_then(Charset::named),
            ..ReadOptions::default()
        };
        let input = io::BufReader::with_capacity(7, io::Cursor::new(bytes.to_vec()));
        let mut reader = Reader::from_stream(Box::new(input), "in", &options).unwrap();
        let mut found = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            found
                .push(row.map_or_else(|r| format!("{} {}", r.fault.code(), r.at.line), |r| r.text));
        }
        (reader.layout().encoding, found)
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let bytes = |u: u16| {
            if little {
                u.to_le_bytes()
            } else {
                u.to_be_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_table_of_excel_in_windows_1252_is_found_out() {
        let (encoding, found) = texts(b"id,text\n1,Caf\xE9 \x93kotor\x94\n2,Antri\n", None);
        assert_eq!(encoding.charset.name(), "windows-1252");
        assert_eq!(encoding.source, CharsetSource::Detected);
        assert_eq!(found, ["Café “kotor”", "Antri"]);
    }

    #[test]
    fn utf_16_is_read_with_a_mark_and_without() {
        for little in [true, false] {
            for mark in ["\u{FEFF}", ""] {
                let file = utf16(&format!("{mark}id,text\r\n1,Halo 😡\r\n"), little);
                let (encoding, found) = texts(&file, None);
                assert!(encoding.charset.name().starts_with("UTF-16"));
                assert_eq!(found, ["Halo 😡"]);
            }
        }
    }

    #[test]
    fn a_line_in_another_encoding_than_its_file_is_refused_with_its_place() {
        let (encoding, found) = texts("id,text\n1,é\n2,ü\n3,".as_bytes(), None);
        assert!(encoding.charset.is_utf8(), "{found:?}");
        let (_, found) = texts(b"id,text\n1,\xC3\xA9\n2,\xC3\xBC\n3,\xE9\n4,a\n", None);
        assert_eq!(found, ["é", "ü", "K0302 4", "a"]);
        let (_, found) = texts(b"id,text\n1,\xE9\n2,\xFC\n3,\xC3\xA9\n4,a\n", None);
        assert_eq!(found, ["é", "ü", "K0315 4", "a"]);
    }

    #[test]
    fn a_refused_row_keeps_its_bytes() {
        let options = ReadOptions {
            encoding: Charset::named("latin1"),
            ..ReadOptions::default()
        };
        let file = &b"id,text\n1,a \xC3\xA9\n"[..];
        let mut reader = Reader::from_stream(Box::new(file), "in", &options).unwrap();
        let refused = reader.next_row().unwrap().unwrap().unwrap_err();
        assert_eq!(refused.raw, b"1,a \xC3\xA9");
        assert_eq!((refused.at.line, refused.at.column), (2, 5));
    }

    #[test]
    fn a_lone_surrogate_refuses_its_row_only() {
        let mut file = utf16("\u{FEFF}id,text\n1,a", true);
        file.extend([0x00, 0xD8]);
        file.extend(utf16("\n2,b\n", true));
        assert_eq!(texts(&file, None).1, ["K0315 2", "b"]);
    }

    #[test]
    fn chinese_and_cyrillic_tables_are_guessed_from_what_they_hold() {
        for (label, text) in [
            ("gbk", "医院的药已经两个星期没有了，请尽快处理这个问题"),
            (
                "windows-1251",
                "Очередь в поликлинике слишком долгая и лекарств нет",
            ),
        ] {
            let encoding = Charset::named(label).unwrap();
            let (bytes, _, lossy) = encoding.0.encode(text);
            assert!(!lossy);
            let file = [b"id,text\n1,", bytes.as_ref(), b"\n"].concat();
            let (found, texts) = texts(&file, None);
            assert_eq!((found.charset, texts), (encoding, vec![text.to_string()]));
        }
    }

    proptest! {
        /// No bytes in any encoding cause a panic.
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), label in prop::sample::select(vec!["", "latin1", "utf-16le", "utf-16be", "gbk", "shift_jis", "big5", "euc-kr", "iso-2022-jp"])) {
            let mut file = b"id,text\n".to_vec();
            file.extend(&bytes);
            let options = ReadOptions {
                format: Some(Format::CSV),
                encoding: Charset::named(label),
                ..ReadOptions::default()
            };
            let input = io::BufReader::with_capacity(3, io::Cursor::new(file));
            if let Ok(mut reader) = Reader::from_stream(Box::new(input), "in", &options) {
                while let Ok(Some(_)) = reader.next_row() {}
            }
        }

        /// Text written in an encoding is read back unchanged.
        #[test]
        fn text_comes_back_from_its_encoding(cells in prop::collection::vec("([éüñ“]?[a-z ]){1,20}", 1..20), label in prop::sample::select(vec!["windows-1252", "utf-16le", "utf-16be", "gb18030"])) {
            let table = format!("id,text\n{}\n", cells.iter().map(|c| format!("1,{c}")).collect::<Vec<_>>().join("\n"));
            let bytes = match label {
                "utf-16le" => utf16(&table, true),
                "utf-16be" => utf16(&table, false),
                label => Charset::named(label).unwrap().0.encode(&table).0.into_owned(),
            };
            prop_assert_eq!(texts(&bytes, Some(label)).1, cells);
        }
    }
}
