//! The bytes of an input, before they are cut into rows.

use std::fmt::Write as _;
use std::io::{self, BufRead, Cursor, Read};

use crate::error::{Error, Result, RowFault};

/// Size of the read buffer; also the bytes by which a stream is sniffed.
pub(super) const BUFFER: usize = 256 * 1024;

/// A read error of the stream called `name`.
pub(super) fn unreadable(name: &str, source: io::Error) -> Error {
    Error::Read {
        path: name.to_string(),
        source,
    }
}

/// The first [`BUFFER`] bytes of a stream, and the whole stream. Reads in a loop, because a pipe
/// may return one byte at a time.
pub(super) fn peeked(
    mut input: Box<dyn BufRead + Send>,
    name: &str,
) -> Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    let mut head = Vec::new();
    input
        .by_ref()
        .take(BUFFER as u64)
        .read_to_end(&mut head)
        .map_err(|e| unreadable(name, e))?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(input))))
}

/// True for devices and sockets, which have no end; pipes are allowed.
pub(super) fn is_device(metadata: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        kind.is_block_device() || kind.is_char_device() || kind.is_socket()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// The bytes of a row as UTF-8 text without NUL; `offset` is the start of the row in the file.
pub(super) fn checked_text(raw: &[u8], offset: u64) -> Result<&str, RowFault> {
    if let Some(position) = memchr::memchr(0, raw) {
        return Err(RowFault::Nul {
            byte: offset + position as u64,
        });
    }
    std::str::from_utf8(raw).map_err(|e| RowFault::NotUtf8 {
        byte: offset + e.valid_up_to() as u64,
    })
}

/// Bytes that are not text, as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// An object as written in the file.
pub(super) struct Line {
    /// Its bytes, truncated if there are too many.
    pub(super) raw: Vec<u8>,
    /// Its full length in the file, in bytes.
    pub(super) length: usize,
    /// The line where it starts, from 1.
    pub(super) number: u64,
    /// The line where it ends.
    pub(super) last: u64,
    /// Bytes before it in its first line.
    pub(super) column: u64,
    /// Bytes before it in the file.
    pub(super) offset: u64,
}

impl Line {
    /// Adds bytes, keeping at most `keep` in all.
    pub(super) fn add(&mut self, bytes: &[u8], keep: usize) {
        self.length += keep_bytes(&mut self.raw, bytes, keep);
    }
}

/// Appends `bytes` to `raw` up to `keep` bytes in all; returns the full length of `bytes`.
pub(super) fn keep_bytes(raw: &mut Vec<u8>, bytes: &[u8], keep: usize) -> usize {
    let room = keep.saturating_sub(raw.len());
    raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
    bytes.len()
}
