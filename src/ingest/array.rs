//! Splits a JSON array into its elements, one at a time, without parsing the whole array.
//!
//! Only brackets, commas and quotes are examined. The content of an element is checked later, so
//! that a broken element costs only its own row.

use std::io::BufRead;

use super::source::{Line, unreadable};
use crate::error::{Error, Location, Result, RowFault};

pub(super) struct Elements {
    input: Box<dyn BufRead + Send>,
    name: String,
    /// Bytes of an element that are kept.
    keep: usize,
    place: Place,
    /// Whether an object is around the array, whose other keys are no rows.
    is_wrapped: bool,
    line: u64,
    /// Bytes read in all, and before the current line.
    offset: u64,
    line_start: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// Inside the array, after its bracket or a comma.
    Inside,
    After,
    End,
}

/// Quoting and nesting state of the scanner.
#[derive(Default)]
struct Nesting {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Whether `byte` ends the element.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b',' | b']' if self.depth == 0 => return true,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

impl Elements {
    pub(super) fn new(
        input: Box<dyn BufRead + Send>,
        name: &str,
        offset: u64,
        keep: usize,
    ) -> Self {
        Self {
            input,
            name: name.to_string(),
            keep,
            place: Place::Before,
            is_wrapped: false,
            line: 1,
            offset,
            line_start: offset,
        }
    }

    /// The elements of an array in an object; `length` bytes come before the first.
    pub(super) fn wrapped(mut self, length: usize) -> Result<Self> {
        let end = self.offset + length as u64;
        while self.offset < end && self.peek()?.is_some() {
            let chunk = self.input.fill_buf().map_or(0, <[u8]>::len);
            self.advance(chunk.min((end - self.offset) as usize));
        }
        self.place = Place::Inside;
        self.is_wrapped = true;
        Ok(self)
    }

    /// The next element, or what is in its place.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        if self.place == Place::Before {
            self.open()?;
        }
        if self.place == Place::Inside {
            let (element, end) = self.collect(Vec::new())?;
            let is_last = end == Some(b']');
            if end != Some(b',') {
                self.place = if is_last { Place::After } else { Place::End };
            }
            // An array may be empty, and a trailing comma is accepted.
            if !is_last || element.length > 0 {
                return Ok(Some(element));
            }
        }
        if self.place == Place::After {
            self.place = Place::End;
            return if self.is_wrapped {
                Ok(None)
            } else {
                self.rest()
            };
        }
        Ok(None)
    }

    fn open(&mut self) -> Result<()> {
        self.skip_blanks()?;
        if self.peek()? != Some(b'[') {
            return Err(Error::Row {
                at: Location::new(&self.name, self.line, self.offset - self.line_start + 1),
                fault: RowFault::Json {
                    reason: "an array begins with `[`".into(),
                },
            });
        }
        self.advance(1);
        self.place = Place::Inside;
        Ok(())
    }

    /// The text after the array, which is never a row.
    fn rest(&mut self) -> Result<Option<Line>> {
        self.skip_blanks()?;
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut line = self.collect(vec![b']'])?.0;
        while self.peek()?.is_some() {
            self.advance(1);
            line.length += 1;
        }
        Ok(Some(line))
    }

    /// Reads to the end of an element, starting with `raw`. Also returns the byte that ended it,
    /// which is not part of it, or `None` at the end of the file.
    fn collect(&mut self, raw: Vec<u8>) -> Result<(Line, Option<u8>)> {
        self.skip_blanks()?;
        let mut element = Line {
            length: raw.len(),
            raw,
            number: self.line,
            last: self.line,
            column: self.offset - self.line_start,
            offset: self.offset,
        };
        let mut nesting = Nesting::default();
        let mut end = None;
        while end.is_none() {
            let chunk = self
                .input
                .fill_buf()
                .map_err(|e| unreadable(&self.name, e))?;
            if chunk.is_empty() {
                break;
            }
            let found = chunk.iter().position(|b| nesting.ends_at(*b));
            let text = &chunk[..found.unwrap_or(chunk.len())];
            element.add(text, self.keep);
            end = found.map(|position| chunk[position]);
            let used = text.len();
            self.advance(used);
        }
        if end.is_some() {
            self.advance(1);
        }
        element.last = self.line;
        if element.length == element.raw.len() {
            let text = element.raw.trim_ascii_end().len();
            element.raw.truncate(text);
            element.length = text;
        }
        Ok((element, end))
    }

    fn skip_blanks(&mut self) -> Result<()> {
        while self.peek()?.is_some_and(|b| b.is_ascii_whitespace()) {
            self.advance(1);
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let chunk = self.input.fill_buf();
        let chunk = chunk.map_err(|e| unreadable(&self.name, e))?;
        Ok(chunk.first().copied())
    }

    /// Moves on by `count` bytes of the buffer and counts their lines.
    fn advance(&mut self, count: usize) {
        // The caller filled the buffer: nothing is read here.
        let chunk = self.input.fill_buf().unwrap_or_default();
        let passed = &chunk[..count.min(chunk.len())];
        for end in memchr::memchr_iter(b'\n', passed) {
            self.line += 1;
            self.line_start = self.offset + end as u64 + 1;
        }
        self.offset += count as u64;
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::{Format, ReadOptions, Reader};

    fn read(file: &str, chunk: usize) -> Result<Vec<String>> {
        let options = ReadOptions {
            format: Some(Format::Json),
            max_cell: 1000,
            ..ReadOptions::default()
        };
        let input = std::io::Cursor::new(file.as_bytes().to_vec());
        let input = std::io::BufReader::with_capacity(chunk, input);
        let mut reader = Reader::from_stream(Box::new(input), "in", &options)?;
        let mut found = Vec::new();
        while let Some(row) = reader.next_row()? {
            found.push(match row {
                Ok(record) => format!("{}:{}", record.line, record.text),
                Err(r) => format!("{}:{} {}", r.at.line, r.at.column, r.fault.code()),
            });
        }
        Ok(found)
    }

    #[test]
    fn elements_may_stand_in_one_line_or_in_many() {
        let file = " [ {\"text\":\"a, ] }\\\"\"},{\"text\":\"b\"},\n{\n \"x\": [1,[2]],\n \"text\" : \"c\"\n}\n]\n";
        for chunk in [1, 3, 1000] {
            assert_eq!(read(file, chunk).unwrap(), ["1:a, ] }\"", "1:b", "2:c"]);
        }
    }

    #[test]
    fn a_record_of_many_lines_is_written_in_one() {
        let input = std::io::Cursor::new(b"[{\n\"text\":\n\"a\"}]".to_vec());
        let options = ReadOptions::default();
        let mut reader = Reader::from_stream(Box::new(input), "in", &options).unwrap();
        let record = reader.next_row().unwrap().unwrap().unwrap();
        assert_eq!(record.raw, b"{ \"text\": \"a\"}");
        assert_eq!(reader.layout().format, Format::Jsonl);
    }

    #[test]
    fn each_broken_element_is_refused_with_its_place() {
        let file = "[{\"text\":\"a\"}\n,{\"text\":1},\n 7,\n{\"text\":\"b\"\n \"x\":1},,{\"text\":\"c\"}] x";
        assert_eq!(
            read(file, 4).unwrap(),
            [
                "1:a",
                "2:0 K0308",
                "3:2 K0306",
                "5:2 K0306",
                "5:8 K0306",
                "5:c",
                "5:24 K0306"
            ]
        );
    }

    #[test]
    fn an_array_that_is_cut_off_keeps_its_whole_elements() {
        assert_eq!(
            read("[{\"text\":\"a\"},{\"te", 9).unwrap(),
            ["1:a", "1:18 K0306"]
        );
        assert_eq!(
            read("[{\"text\":\"a\"},", 9).unwrap(),
            ["1:a", "1:14 K0306"]
        );
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_refused_and_the_next_is_read() {
        let long = "x".repeat(200_000);
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        let file =
            format!("[{{\"text\":\"{long}\"}},{{\"a\":{deep},\"text\":\"b\"}},{{\"text\":\"c\"}}]");
        assert_eq!(
            read(&file, 4096).unwrap(),
            ["1:0 K0304", "1:0 K0316", "1:c"]
        );
    }

    #[test]
    fn an_empty_array_is_an_empty_file() {
        assert_eq!(read("[ ]\n", 8).unwrap_err().code(), "K0202");
    }

    proptest! {
        /// An array is read like its elements as JSON lines, in any layout.
        #[test]
        fn an_array_is_read_like_lines(texts in prop::collection::vec("\\PC{0,12}", 1..9), chunk in 1..40usize, pretty: bool) {
            let values: Vec<_> = texts.iter().map(|t| serde_json::json!({"text": t, "n": [t, {"a": t}]})).collect();
            let file = if pretty { serde_json::to_string_pretty(&values) } else { serde_json::to_string(&values) }.unwrap();
            let read: Vec<String> = read(&file, chunk).unwrap().into_iter().map(|r| r.split_once(':').unwrap().1.to_string()).collect();
            prop_assert_eq!(read, texts);
        }

        /// No bytes after a good element cause a panic, and that element is read.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(b"[]{},:\"\\x1 \n\xFF\0".to_vec()), 0..60), chunk in 1..9usize) {
            let options = ReadOptions { format: Some(Format::Json), encoding: crate::ingest::Charset::named("utf-8"), ..ReadOptions::default() };
            let file = [b"[{\"text\":\"a\"},", bytes.as_slice()].concat();
            let input = std::io::BufReader::with_capacity(chunk, std::io::Cursor::new(file));
            let mut reader = Reader::from_stream(Box::new(input), "in", &options).unwrap();
            prop_assert_eq!(reader.next_row().unwrap().unwrap().unwrap().text, "a");
            while reader.next_row().unwrap().is_some() {}
        }
    }
}
