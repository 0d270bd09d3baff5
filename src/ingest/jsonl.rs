//! JSON objects, one per line or as elements of an array, read without losing the order, form
//! or precision of any value.

use std::collections::VecDeque;
use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::array::Elements;
use super::columns::{Naming, text_column};
use super::envelope::{Envelope, envelope, is_by_column};
use super::record::{Cells, Record, Rejected, RowLimits, said};
use super::sniff::check_head;
use super::source::{Line, checked_text, peeked, unreadable};
use crate::error::{Error, Location, Result, RowFault};

/// Lines within which an object with a text must appear.
const TRIED: usize = 1000;

pub(super) struct Rows {
    source: Source,
    name: String,
    columns: Vec<String>,
    text_key: String,
    /// The keys to a text within other objects, whose column is the last.
    nested: Option<Vec<String>>,
    /// What was found out about the records.
    note: Option<String>,
    of_any_kind: bool,
    limits: RowLimits,
    /// Objects that were read to find the columns.
    waiting: VecDeque<Line>,
}

/// How the objects are separated.
enum Source {
    Lines(Lines),
    Array(Elements),
}

impl Rows {
    /// Opens a file with one object per line, or with an array of objects.
    pub(super) fn open(
        input: Box<dyn BufRead + Send>,
        name: &str,
        is_array: bool,
        naming: Naming<'_>,
        limits: RowLimits,
    ) -> Result<Self> {
        let (head, mut input) = peeked(input, name)?;
        let bom = check_head(&head, name)?;
        input.consume(bom);
        let keep = limits.kept;
        let around = (!is_array).then(|| envelope(&head[bom..])).flatten();
        if !is_array && around.is_none() && is_by_column(&head[bom..]) {
            let path = name.to_string();
            return Err(Error::JsonByColumn { path });
        }
        let note = around.as_ref().map(Envelope::note);
        let source = if is_array {
            Source::Array(Elements::new(input, name, bom as u64, keep))
        } else if let Some(around) = around {
            let elements = Elements::new(input, name, bom as u64, keep);
            Source::Array(elements.wrapped(around.offset)?)
        } else {
            Source::Lines(Lines {
                input,
                name: name.to_string(),
                keep,
                line: 1,
                offset: bom as u64,
            })
        };
        let mut rows = Self {
            source,
            name: name.to_string(),
            columns: Vec::new(),
            text_key: String::new(),
            nested: None,
            note,
            of_any_kind: naming.of_any_kind,
            limits,
            waiting: VecDeque::new(),
        };
        rows.find_columns(naming)?;
        Ok(rows)
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        match &mut self.source {
            Source::Lines(lines) => lines.next(),
            Source::Array(elements) => elements.next(),
        }
    }

    /// The columns are the keys of the first object with a text; lines before it are read (and
    /// rejected) like all others.
    fn find_columns(&mut self, naming: Naming<'_>) -> Result<()> {
        let mut first_error = None;
        while let Some(line) = self.next_line()? {
            let keys = self.keys_of(&line);
            self.waiting.push_back(line);
            let found =
                keys.and_then(|keys| text_column(&self.name, &keys, &[], naming).map(|_| keys));
            match found {
                Ok(keys) => {
                    self.columns = keys;
                    return Ok(());
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
            if self.waiting.len() >= TRIED {
                break;
            }
        }
        let nested = self
            .waiting
            .iter()
            .find_map(|line| self.nested(line, naming));
        if let Some((mut keys, path)) = nested {
            keys.push(path.join("."));
            (self.columns, self.nested) = (keys, Some(path));
            return Ok(());
        }
        let mut objects = self.waiting.iter().map(|line| self.keys_of(line));
        if let Some(keys) = objects.find_map(Result::ok)
            && text_column(&self.name, &keys, &self.first_rows(&keys), naming).is_ok()
        {
            self.columns = keys;
            return Ok(());
        }
        Err(first_error.unwrap_or_else(|| Error::EmptyFile {
            path: self.name.clone(),
        }))
    }

    /// The keys of an object, and those to a text within other objects in it: the one that the
    /// user named with dots, else one with the name of a text column.
    fn nested(&self, line: &Line, naming: Naming<'_>) -> Option<(Vec<String>, Vec<String>)> {
        if naming.columns.preset.is_some() {
            return None;
        }
        let object = self.object(line).ok()?;
        let mut paths = Vec::new();
        for (key, value) in &object.0 {
            add_paths(value, vec![key.clone()], &mut paths);
        }
        let names: Vec<String> = match naming.text_column {
            Some(_) => paths.iter().map(|path| path.join(".")).collect(),
            None => paths
                .iter()
                .filter_map(|path| path.last().cloned())
                .collect(),
        };
        let text = text_column(&self.name, &names, &[], naming).ok()?;
        let keys = object.0.iter().map(|(key, _)| key.clone()).collect();
        Some((keys, paths.swap_remove(text.position)))
    }

    /// The column of a text within other objects.
    pub(super) fn nested_text(&self) -> Option<usize> {
        self.nested.is_some().then(|| self.columns.len() - 1)
    }

    /// What was found out about the records.
    pub(super) fn note(&self) -> Option<&String> {
        self.note.as_ref()
    }

    /// The strings of the first objects under these keys.
    pub(super) fn first_rows(&self, keys: &[String]) -> Vec<Vec<String>> {
        const ENOUGH: usize = 100;
        let objects = self.waiting.iter().take(ENOUGH);
        let row = |line: &Line| {
            let object = self.object(line).ok()?;
            let value = |key: &String| object.get(key).map(RawValue::get);
            let cell = |key| value(key).filter(|json| json.starts_with('"')).map(said);
            let cells = keys
                .iter()
                .map(|key| cell(key).map_or(String::new(), Into::into));
            Some(cells.collect())
        };
        objects.filter_map(row).collect()
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn set_text_key(&mut self, key: &str) {
        self.text_key = key.to_string();
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Result<Record, Rejected>>> {
        let line = match self.waiting.pop_front() {
            Some(line) => line,
            None => match self.next_line()? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        Ok(Some(match self.statement(&line) {
            Ok((text, cells)) => Ok(Record {
                line: line.number,
                raw: in_one_line(line.raw),
                text,
                is_context: false,
                cells,
            }),
            Err((fault, (below, column))) => Err(Rejected {
                at: Location::new(&self.name, line.number + below, column),
                last_line: line.last,
                fault,
                raw: line.raw,
            }),
        }))
    }

    fn keys_of(&self, line: &Line) -> Result<Vec<String>> {
        let object = self
            .object(line)
            .map_err(|(fault, (below, column))| Error::Row {
                at: Location::new(&self.name, line.number + below, column),
                fault,
            })?;
        Ok(object.0.into_iter().map(|(key, _)| key).collect())
    }

    fn object<'a>(&self, line: &'a Line) -> Result<Object<'a>, Fault> {
        if line.length > line.raw.len() {
            let fault = RowFault::CellTooLong {
                bytes: line.length,
                limit: self.limits.cell,
            };
            return Err((fault, WHOLE));
        }
        let text = checked_text(&line.raw, line.offset).map_err(|fault| (fault, WHOLE))?;
        if is_deeper(&line.raw, self.limits.nesting) {
            let limit = self.limits.nesting;
            return Err((RowFault::TooDeep { limit }, WHOLE));
        }
        // Checks the escapes in all strings, so that no lone surrogate is written.
        if memchr::memmem::find(&line.raw, b"\\u").is_some() {
            serde_json::from_str::<Value>(text).map_err(|e| json_fault(&e, line))?;
        }
        serde_json::from_str(text).map_err(|e| json_fault(&e, line))
    }

    /// The text of an object and the byte ranges of its values.
    fn statement(&self, line: &Line) -> Result<(String, Cells), Fault> {
        let object = self.object(line)?;
        Ok((self.text(&object)?, self.places(&line.raw, &object)))
    }

    fn places(&self, raw: &[u8], object: &Object<'_>) -> Cells {
        let start = raw.as_ptr() as usize;
        let mut places = vec![0..0; self.columns.len()];
        let mut strays = Vec::new();
        for (i, (key, value)) in object.0.iter().enumerate() {
            let at = value.get().as_ptr() as usize - start;
            let place = at..at + value.get().len();
            // Most objects have the keys of the first object in the same order.
            let column = match self.columns.get(i) {
                Some(column) if column == key => Some(i),
                _ => self.columns.iter().position(|c| c == key),
            };
            match column {
                Some(column) => places[column] = place,
                None => strays.push((key.clone(), place)),
            }
        }
        if let (Some(path), Some(last)) = (&self.nested, places.last_mut()) {
            let value = object.at(path);
            *last = value.map_or(0..0, |value| {
                let at = value.get().as_ptr() as usize - start;
                at..at + value.get().len()
            });
        }
        Cells::Object { places, strays }
    }

    fn text_value<'a>(&self, object: &Object<'a>) -> Option<&'a RawValue> {
        match &self.nested {
            Some(path) => object.at(path),
            None => object.get(&self.text_key),
        }
    }

    fn text(&self, object: &Object<'_>) -> Result<String, Fault> {
        if self.of_any_kind {
            let value = self.text_value(object).map(RawValue::get);
            return Ok(value.map_or(String::new(), |json| said(json).into_owned()));
        }
        let value = self.text_value(object).ok_or_else(|| {
            let key = self.text_key.clone();
            (RowFault::NoTextKey { key }, WHOLE)
        })?;
        // A null text is no error: the row is kept without codes, like a blank cell of a table.
        if value.get() == "null" {
            return Ok(String::new());
        }
        let text = serde_json::from_str::<String>(value.get()).map_err(|e| {
            let fault = match kind(value.get()) {
                "a string" => RowFault::Json {
                    reason: e.to_string(),
                },
                kind => RowFault::NotAString {
                    key: self.text_key.clone(),
                    kind,
                },
            };
            (fault, WHOLE)
        })?;
        if text.len() > self.limits.cell {
            let fault = RowFault::CellTooLong {
                bytes: text.len(),
                limit: self.limits.cell,
            };
            return Err((fault, WHOLE));
        }
        Ok(text)
    }
}

/// Why an object can't be read, and where: lines below its first line, and column (0 = whole).
type Fault = (RowFault, (u64, u64));

const WHOLE: (u64, u64) = (0, 0);

fn json_fault(error: &serde_json::Error, line: &Line) -> Fault {
    let reason = error.to_string();
    // The fault has its own location; serde_json counts from the start of the object.
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let reason = if reason.contains("hex escape") {
        "an incomplete \\u escape or a lone surrogate"
    } else {
        reason
    };
    let fault = RowFault::Json {
        reason: reason.to_string(),
    };
    let below = (error.line() as u64).saturating_sub(1);
    let before = if below == 0 { line.column } else { 0 };
    (fault, (below, before + error.column() as u64))
}

/// Whether brackets are nested more than `limit` deep.
fn is_deeper(json: &[u8], limit: usize) -> bool {
    if memchr::memchr2_iter(b'{', b'[', json).count() <= limit {
        return false;
    }
    let (mut depth, mut in_string, mut is_escaped) = (0usize, false, false);
    for &byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

/// Replaces line breaks by spaces: valid JSON has them only between tokens.
fn in_one_line(mut raw: Vec<u8>) -> Vec<u8> {
    for byte in raw.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')) {
        *byte = b' ';
    }
    raw
}

/// Splits a stream into lines.
struct Lines {
    input: Box<dyn BufRead + Send>,
    name: String,
    keep: usize,
    line: u64,
    offset: u64,
}

impl Lines {
    /// The next line that is not blank, truncated if it exceeds the limit.
    fn next(&mut self) -> Result<Option<Line>> {
        let keep = self.keep;
        loop {
            let mut line = Line {
                raw: Vec::new(),
                length: 0,
                number: self.line,
                last: self.line,
                column: 0,
                offset: self.offset,
            };
            let mut ended = false;
            while !ended {
                let chunk = self
                    .input
                    .fill_buf()
                    .map_err(|e| unreadable(&self.name, e))?;
                if chunk.is_empty() {
                    break;
                }
                let end = memchr::memchr(b'\n', chunk);
                ended = end.is_some();
                let used = end.map_or(chunk.len(), |e| e + 1);
                let text = &chunk[..end.unwrap_or(chunk.len())];
                line.add(text, keep);
                self.offset += used as u64;
                self.input.consume(used);
            }
            self.line += u64::from(ended);
            if line.length == 0 && !ended {
                return Ok(None);
            }
            if !line.raw.iter().all(u8::is_ascii_whitespace) {
                drop_comma(&mut line);
                return Ok(Some(line));
            }
        }
    }
}

/// Takes away a comma behind the object: lines cut from an array have one.
fn drop_comma(line: &mut Line) {
    let text = line.raw.trim_ascii_end();
    if line.length == line.raw.len()
        && let Some(object) = text.strip_suffix(b",")
        && object.trim_ascii_end().ends_with(b"}")
    {
        let length = object.len();
        line.raw.truncate(length);
        line.length = length;
    }
}

/// A JSON object with its keys in order and its values as written.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| *v)
    }

    /// The value at the end of a path of keys.
    fn at(&self, path: &[String]) -> Option<&'a RawValue> {
        let (first, rest) = path.split_first()?;
        let mut value = self.get(first)?;
        for key in rest {
            let inner: Object<'a> = serde_json::from_str(value.get()).ok()?;
            value = inner.get(key)?;
        }
        Some(value)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object a line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(String, &RawValue)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            if entries.iter().any(|(k, _)| *k == key) {
                return Err(serde::de::Error::custom(format!("duplicate field {key:?}")));
            }
            entries.push((key, value));
        }
        Ok(Object(entries))
    }
}

/// Adds the paths to the strings within an object that is the value at `path`.
fn add_paths(value: &RawValue, path: Vec<String>, paths: &mut Vec<Vec<String>>) {
    let json = value.get();
    if json.starts_with('"') && path.len() > 1 {
        paths.push(path);
    } else if let Ok(object) = serde_json::from_str::<Object>(json) {
        for (key, value) in object.0 {
            let mut longer = path.clone();
            longer.push(key);
            add_paths(value, longer, paths);
        }
    }
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{ReadOptions, Reader};

    fn rows(file: &'static str) -> Vec<Result<Record, Rejected>> {
        let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &jsonl()).unwrap();
        let mut all = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            all.push(row);
        }
        all
    }

    fn jsonl() -> ReadOptions {
        ReadOptions {
            format: Some(crate::ingest::Format::Jsonl),
            ..ReadOptions::default()
        }
    }

    #[test]
    fn each_bad_line_is_rejected_with_its_real_line() {
        let found = rows(
            "{\"text\":\"a\"}\n\n{\"text\":1}\n{\"text\":\"b\",\"text\":\"c\"}\n{\"txt\":\"d\"}\n{\"text\":\"\\ud800\"}\n[1]\n{\"text\":\"e\"",
        );
        let faults: Vec<_> = found
            .iter()
            .filter_map(|r| r.as_ref().err().map(|r| (r.at.line, r.fault.code())))
            .collect();
        assert_eq!(
            faults,
            [
                (3, "K0308"),
                (4, "K0306"),
                (5, "K0307"),
                (6, "K0306"),
                (7, "K0306"),
                (8, "K0306")
            ]
        );
    }

    #[test]
    fn bad_lines_before_the_first_good_one_are_rejected_too() {
        let found = rows("[1]\n{\"id\":1}\n{\"id\":2,\"text\":\"a\"}\n");
        let codes: Vec<_> = found
            .iter()
            .map(|r| r.as_ref().map_or_else(|r| r.fault.code(), |_| "good"))
            .collect();
        assert_eq!(codes, ["K0306", "K0307", "good"]);
    }

    #[test]
    fn a_text_beyond_the_limit_is_rejected_and_the_next_is_read() {
        let options = ReadOptions {
            max_cell: 10,
            ..jsonl()
        };
        let file = "{\"text\":\"short\"}\n{\"text\":\"longer than ten\"}\n{\"text\":\"ok\"}\n";
        let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &options).unwrap();
        let mut found = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            found.push(row.map_or_else(|r| r.fault.code().to_string(), |r| r.text));
        }
        assert_eq!(found, ["short", "K0304", "ok"]);
    }

    #[test]
    fn a_text_within_objects_is_a_column_of_its_own() {
        let file = "{\"id\":1,\"t\":{\"m\":{\"text\":\"a\"}},\"via\":{\"x\":\"b\"}}\n{\"id\":2,\"t\":{}}\n{\"t\":{\"m\":{\"text\":\"c\"}}}\n";
        let read = |wanted: Option<&str>| {
            let options = ReadOptions {
                text_column: wanted.map(String::from),
                ..jsonl()
            };
            let input = Box::new(file.as_bytes());
            let mut reader = Reader::from_stream(input, "in", &options).unwrap();
            let first = reader.next_row().unwrap().unwrap().unwrap();
            let missing = reader.next_row().unwrap().unwrap().unwrap_err();
            assert_eq!((missing.at.line, missing.fault.code()), (2, "K0307"));
            assert_eq!(
                reader.layout().columns.last().unwrap(),
                if wanted == Some("via.x") {
                    "via.x"
                } else {
                    "t.m.text"
                }
            );
            assert_eq!(first.cell(3), first.text);
            first.text
        };
        assert_eq!([read(None), read(Some("t.m.text"))], ["a", "a"]);
    }

    #[test]
    fn a_text_within_objects_is_masked_in_both_places() {
        let mut options = jsonl();
        options.privacy.redact = true;
        let file = "{\"t\":{\"a\":\"081234567890\",\"text\":\"hubungi 081234567891 ya\",\"z\":\"a@b.com\"},\"n\":1}\n";
        let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &options).unwrap();
        let record = reader.next_row().unwrap().unwrap().unwrap();
        let whole: Value = serde_json::from_slice(&record.raw).unwrap();
        assert!(!String::from_utf8_lossy(&record.raw).contains("0812"));
        assert_eq!(whole["t"]["text"], record.text.as_str());
        assert_eq!(record.cells()[1..], ["1", record.text.as_str()]);
    }

    #[test]
    fn a_comma_behind_an_object_is_taken_away() {
        let found =
            rows("{\"text\":\"a\"},\n{\"text\":\"b\"} , \n{\"text\":\"c,\"}\n{\"text\":\"d\"},,\n");
        let raw: Vec<_> = found.iter().filter_map(|r| r.as_ref().ok()).collect();
        assert_eq!(raw[0].raw, b"{\"text\":\"a\"}");
        assert_eq!(raw.len(), 3);
    }

    #[test]
    fn records_in_an_object_are_read_with_their_lines() {
        let file = "{\"n\": 1,\n \"data\": [\n  {\"text\":\"a\"},\n  7,\n  {\"text\":\"b\"}\n ],\n \"end\": {}\n}\n";
        let found = rows(file);
        let lines: Vec<u64> = found
            .iter()
            .map(|r| r.as_ref().map_or_else(|r| r.at.line, |r| r.line))
            .collect();
        assert_eq!(lines, [3, 4, 5]);
        let reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &jsonl()).unwrap();
        assert_eq!(
            reader.layout().notes,
            ["records: those of \"data\"; not read: n, end"]
        );
    }

    #[test]
    fn values_keep_their_form() {
        let found = rows(
            "{\"n\":1,\"o\":2,\"gone\":3,\"text\":\"a\"}\n{\"s\":\"\\u00e9\",\"text\":\"b\",\"o\":{\"b\":1.0,\"a\":[ ]},\"n\":18446744073709551616}\n",
        );
        let record = found[1].as_ref().unwrap();
        assert_eq!(
            record.cells(),
            ["18446744073709551616", "{\"b\":1.0,\"a\":[ ]}", "", "b"]
        );
        let strays: Vec<_> = record.strays().collect();
        assert_eq!(strays, [("s", "é".into())]);
    }
}
