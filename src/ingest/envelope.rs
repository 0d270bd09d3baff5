//! Finds the records in a JSON object that wraps an array of them, as services answer.

use serde_json::Value;

use super::columns::is_text_name;

/// Deepest array of records.
const DEEPEST: usize = 6;

/// Where the records of an object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Its keys from the outside in, with dots.
    pub(super) path: String,
    /// Bytes up to the bracket of the array, included.
    pub(super) offset: usize,
    /// The keys beside the path, which are not read.
    pub(super) around: Vec<String>,
}

impl Envelope {
    /// What is said about it.
    pub(super) fn note(&self) -> String {
        let around = match self.around.as_slice() {
            [] => String::new(),
            keys => format!("; not read: {}", keys.join(", ")),
        };
        format!("records: those of {:?}{around}", self.path)
    }
}

/// Whether a file that begins with `head` holds columns instead of records, as `pandas` writes
/// them by default: values by column and row, or one array for each column.
pub(super) fn is_by_column(head: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(head) else {
        return begins_by_column(head);
    };
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    let is_numbered = |value: &Value| {
        let rows = value.as_object();
        rows.is_some_and(|rows| {
            let mut keys = rows.keys();
            !rows.is_empty()
                && keys.all(|key| key.parse::<u64>().is_ok())
                && rows.values().all(is_scalar)
        })
    };
    let length = |value: &Value| {
        let rows = value.as_array().filter(|rows| rows.iter().all(is_scalar));
        rows.map(Vec::len).filter(|n| *n > 0)
    };
    let is_split = object.contains_key("columns")
        && object
            .get("data")
            .and_then(Value::as_array)
            .is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_array));
    let first = object.values().next().and_then(length);
    is_split
        || !object.is_empty() && object.values().all(is_numbered)
        || object.len() > 1 && first.is_some() && object.values().all(|v| length(v) == first)
}

/// Whether a text begins with `{"NAME":{"0":`.
fn begins_by_column(head: &[u8]) -> bool {
    let mut tokens = Tokens::of(head);
    let begin: Vec<&[u8]> = std::iter::from_fn(|| tokens.next())
        .take(6)
        .map(|(_, t)| t)
        .collect();
    matches!(begin.as_slice(), [b"{", _, b":", b"{", b"\"0\"", b":"])
}

/// The records in an object that begins with `head`; `None` for JSON lines, and for an object that
/// is a record itself.
pub(super) fn envelope(head: &[u8]) -> Option<Envelope> {
    let found = Arrays::of(head)?;
    let has_text = |array: &&Array| {
        first_keys(&head[array.offset..])
            .iter()
            .any(|key| is_text_name(key))
    };
    let is_record = || found.texts.iter().any(|key| is_text_name(key));
    let with_text = found.lists.iter().find(has_text);
    let array = with_text.or_else(|| found.lists.first().filter(|_| !is_record()))?;
    let is_beside = |path: &&Vec<String>| {
        let (parent, is_part) = (&path[..path.len() - 1], array.path.starts_with(path));
        !is_part && array.path.starts_with(parent)
    };
    let around = found.paths.iter().filter(is_beside);
    Some(Envelope {
        path: array.path.join("."),
        offset: array.offset,
        around: around.map(|path| path.join(".")).collect(),
    })
}

/// The keys of the first element, at any depth.
fn first_keys(elements: &[u8]) -> Vec<String> {
    let mut values = serde_json::Deserializer::from_slice(elements).into_iter::<Value>();
    let mut keys = Vec::new();
    if let Some(Ok(first)) = values.next() {
        add_keys(&first, &mut keys);
    }
    keys
}

fn add_keys(value: &Value, keys: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if value.is_string() {
            keys.push(key.clone());
        }
        add_keys(value, keys);
    }
}

struct Array {
    path: Vec<String>,
    offset: usize,
}

/// The arrays of objects in an object, and its keys.
#[derive(Default)]
struct Arrays {
    lists: Vec<Array>,
    /// The keys of objects that are not in arrays.
    paths: Vec<Vec<String>>,
    /// The outermost keys with a string.
    texts: Vec<String>,
}

impl Arrays {
    /// `None` if something follows the first object, which is then a line of JSON.
    fn of(head: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        let mut path: Vec<String> = Vec::new();
        let (mut depth, mut in_arrays) = (0usize, 0usize);
        let mut tokens = Tokens::of(head);
        let mut last: (usize, &[u8]) = (0, b"");
        let mut is_value = false;
        while let Some((at, token)) = tokens.next() {
            match token {
                b"{" if last.1 == b"[" && in_arrays == 1 && depth > 0 && path.len() <= DEEPEST => {
                    let offset = last.0 + 1;
                    let path = path.clone();
                    found.lists.push(Array { path, offset });
                    depth += 1;
                }
                b"{" => depth += 1,
                b"[" => in_arrays += 1,
                b"]" => in_arrays = in_arrays.saturating_sub(1),
                b"}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return tokens.next().is_none().then_some(found);
                    }
                    if in_arrays == 0 {
                        path.truncate(depth - 1);
                    }
                }
                [b'"', ..] if in_arrays == 0 && !is_value => {
                    path.truncate(depth.saturating_sub(1));
                    path.push(serde_json::from_slice(token).unwrap_or_default());
                    found.paths.push(path.clone());
                }
                [b'"', ..] if in_arrays == 0 && depth == 1 => {
                    found.texts.extend(path.first().cloned());
                }
                _ => {}
            }
            is_value = token == b":";
            last = (at, token);
        }
        Some(found)
    }
}

/// The strings, brackets, commas, colons and words of JSON with their positions.
struct Tokens<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn of(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let blank = self.json[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_whitespace());
        let start = self.at + blank.count();
        let rest = self.json.get(start..).filter(|rest| !rest.is_empty())?;
        let is_word = |b: &&u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        let length = match rest[0] {
            b'"' => string_length(rest),
            _ => rest.iter().take_while(is_word).count().max(1),
        };
        self.at = start + length;
        Some((start, &rest[..length]))
    }
}

/// The length of the JSON string that begins `json`, quotes included.
fn string_length(json: &[u8]) -> usize {
    let mut end = 1;
    while end < json.len() && json[end] != b'"' {
        end += 1 + usize::from(json[end] == b'\\');
    }
    (end + 1).min(json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Option<(String, Vec<String>)> {
        envelope(json.as_bytes()).map(|e| (e.path, e.around))
    }

    #[test]
    fn records_are_found_in_any_object_around_them() {
        for (json, path) in [
            (r#"{"data":[{"isi":"a"}],"meta":{"page":1}}"#, "data"),
            (
                r#"{"hits":{"total":{"n":2},"hits":[{"_source":{"text":"a"}}]}}"#,
                "hits.hits",
            ),
            (
                r#"{"message":"ok","payload":{"tags":[{"x":1}],"tickets":[{"text":"a"}]}}"#,
                "payload.tickets",
            ),
            ("{\n\"items\" : [\n {\"a\":\"]}\"}, {", "items"),
        ] {
            assert_eq!(found(json).unwrap().0, path, "{json}");
        }
        let around = found(r#"{"took":3,"hits":{"total":{"n":2},"hits":[{"a":1}]},"z":"}"}"#);
        assert_eq!(around.unwrap().1, ["took", "hits.total", "z"]);
    }

    #[test]
    fn lines_and_single_records_have_no_envelope() {
        for json in [
            "{\"data\":[{\"text\":\"a\"}]}\n{\"data\":[]}",
            r#"{"text":"a","tags":[{"b":1}]}"#,
            r#"{"data":[1,2]}"#,
            r#"{"data":[]}"#,
            "",
            "{\"a",
        ] {
            assert_eq!(found(json), None, "{json}");
        }
    }

    #[test]
    fn columns_are_told_from_records() {
        for json in [
            r#"{"id":{"0":1,"1":2},"text":{"0":"a","1":null}}"#,
            r#"{"id":[1,2],"text":["a","b"]}"#,
            r#"{"columns":["id","text"],"index":[0],"data":[[1,"a"]]}"#,
            r#"{ "id" : {"0":1,"#,
        ] {
            assert!(is_by_column(json.as_bytes()), "{json}");
        }
        for json in [
            r#"{"id":1,"text":"a"}"#,
            r#"{"data":[{"a":1}]}"#,
            "{}",
            r#"{"a":["x"]}"#,
        ] {
            assert!(!is_by_column(json.as_bytes()), "{json}");
        }
    }
}
