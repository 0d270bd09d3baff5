//! Untrusted ZIP archives: unpacked once to check their size before anything uses them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use crate::error::{Error, Result};

/// Most members of an archive; a workbook has a few dozen.
const MAX_MEMBERS: usize = 10_000;

/// An archive that was checked to unpack to no more than its limit.
pub(crate) type Archive = ZipArchive<BufReader<File>>;

/// Whether the archive declares more members than there are distinct names: programs differ in
/// which of two members with one name they read.
pub(super) fn has_twins(input: &mut (impl Read + Seek), members: usize) -> io::Result<bool> {
    const END: &[u8] = b"PK\x05\x06";
    /// The end record with the longest possible comment after it.
    const TAIL: u64 = 22 + 65_535;
    /// Offset of the member count in the end record.
    const COUNT: usize = 10;
    let size = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    input.take(TAIL).read_to_end(&mut tail)?;
    let count = memchr::memmem::rfind(&tail, END)
        .and_then(|at| Some([*tail.get(at + COUNT)?, *tail.get(at + COUNT + 1)?]))
        .map(u16::from_le_bytes);
    // All ones mean that the count is elsewhere.
    Ok(count.is_some_and(|n| n != u16::MAX && usize::from(n) > members))
}

/// The reason given for an archive with duplicate names.
pub(super) const TWINS: &str = "it contains two files with the same name";

/// Opens an archive and unpacks it once without storing the data: the declared sizes may be wrong.
///
/// Fails with [`Error::TooLarge`] beyond `limit` bytes, or if the archive is damaged.
pub(crate) fn open(mut file: File, name: &str, limit: u64) -> Result<Archive> {
    file.seek(SeekFrom::Start(0))
        .map_err(|e| super::source::unreadable(name, e))?;
    let damaged = |reason: String| Error::Workbook {
        path: name.to_string(),
        reason,
    };
    let archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| damaged(format!("not a ZIP file: {e}")))?;
    let members = archive.len();
    let mut input = archive.into_inner();
    if has_twins(&mut input, members).map_err(|e| super::source::unreadable(name, e))? {
        return Err(damaged(TWINS.into()));
    }
    let mut archive =
        ZipArchive::new(input).map_err(|e| damaged(format!("not a ZIP file: {e}")))?;
    let too_large = || Error::TooLarge {
        path: name.to_string(),
        limit,
    };
    if archive.len() > MAX_MEMBERS {
        return Err(damaged(format!("it contains {} files", archive.len())));
    }
    let mut room = limit;
    for index in 0..archive.len() {
        let member = archive.by_index(index);
        let member = member.map_err(|e| damaged(format!("can't unpack it: {e}")))?;
        let of = member
            .name()
            .map_or_else(|_| "a file".into(), std::borrow::Cow::into_owned);
        let unpacked = io::copy(&mut member.take(room + 1), &mut io::sink())
            .map_err(|e| damaged(format!("can't unpack {of}: {e}")))?;
        room = room.checked_sub(unpacked).ok_or_else(too_large)?;
    }
    Ok(archive)
}
