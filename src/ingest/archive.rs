//! ZIP archives from strangers: unpacked once for their size before anything trusts them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use crate::error::{Error, Result};

/// Members of an archive; a workbook has a few dozen.
const MAX_MEMBERS: usize = 10_000;

/// An archive that was seen to unpack to no more than its limit.
pub(crate) type Archive = ZipArchive<BufReader<File>>;

/// Opens an archive and unpacks all of it into nothing: sizes that it states may be lies.
///
/// Fails with [`Error::TooLarge`] beyond `limit` bytes, and where it is damaged.
pub(crate) fn open(mut file: File, name: &str, limit: u64) -> Result<Archive> {
    file.seek(SeekFrom::Start(0))
        .map_err(|e| super::unreadable(name, e))?;
    let damaged = |reason: String| Error::Workbook {
        path: name.to_string(),
        reason,
    };
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(format!("no ZIP file: {e}")))?;
    let too_large = || Error::TooLarge {
        path: name.to_string(),
        limit,
    };
    if archive.len() > MAX_MEMBERS {
        return Err(damaged(format!("{} files are packed in it", archive.len())));
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
