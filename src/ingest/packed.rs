//! One file within a gzip file or a ZIP archive, unpacked before it is read.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::archive;
use super::format::Format;
use super::source::unreadable;
use crate::error::{Error, Result};

/// What a file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zip,
}

impl Packing {
    /// The packing of a file that begins with `head`; workbooks and documents are ZIP archives
    /// that are read as they are, so an archive counts by its suffix.
    pub(super) fn of(path: &Path, head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1F\x8B") {
            return Some(Self::Gzip);
        }
        let is_zip = has_suffix(path, "zip") && head.starts_with(b"PK\x03\x04");
        is_zip.then_some(Self::Zip)
    }
}

/// An unpacked file, which is deleted when it is closed.
pub(super) struct Unpacked {
    pub(super) file: File,
    /// The name that it has without its packing.
    pub(super) inner: PathBuf,
}

/// Unpacks the only file in `input`, to at most `limit` bytes.
pub(super) fn unpacked(
    input: Box<dyn BufRead + Send>,
    path: &Path,
    packing: Packing,
    limit: u64,
) -> Result<Unpacked> {
    let name = path.display().to_string();
    match packing {
        Packing::Gzip => {
            let file = copied(&mut MultiGzDecoder::new(input), &name, limit)?;
            let inner = if has_suffix(path, "gz") {
                path.with_extension("")
            } else {
                path.to_path_buf()
            };
            Ok(Unpacked { file, inner })
        }
        Packing::Zip => {
            let spooled = spooled(input, &name)?;
            let mut archive = archive::open(spooled, &name, limit)?;
            let member = only_table(archive.file_names().flatten().map(Into::into), &name)?;
            let file = archive.by_name(&member);
            let mut file = file.map_err(|e| damaged(&name, &e))?;
            Ok(Unpacked {
                file: copied(&mut file, &name, limit)?,
                inner: PathBuf::from(member),
            })
        }
    }
}

/// The only member of an archive that can be read.
fn only_table(members: impl Iterator<Item = String>, name: &str) -> Result<String> {
    let is_own = |member: &String| !member.starts_with("__MACOSX/") && !member.ends_with('/');
    let is_read = |member: &String| Format::of_path(Path::new(member)).is_ok();
    let mut found: Vec<String> = members.filter(|m| is_own(m) && is_read(m)).collect();
    found.sort_unstable();
    match (found.len(), found.pop()) {
        (1, Some(member)) => Ok(member),
        (0, _) => Err(damaged(name, &"no file in the archive can be read")),
        (n, _) => {
            let reason = format!("the archive holds {n} files that can be read: unpack the one");
            Err(damaged(name, &reason))
        }
    }
}

/// Copies what is unpacked to a temporary file.
fn copied(input: &mut dyn Read, name: &str, limit: u64) -> Result<File> {
    let mut file = tempfile::tempfile().map_err(|e| unreadable(name, e))?;
    let size = io::copy(&mut input.take(limit.saturating_add(1)), &mut file);
    let size = size.map_err(|e| damaged(name, &format!("can't unpack it: {e}")))?;
    if size > limit {
        let path = name.to_string();
        return Err(Error::TooLarge { path, limit });
    }
    file.seek(SeekFrom::Start(0))
        .map_err(|e| unreadable(name, e))?;
    Ok(file)
}

/// Copies a stream to a temporary file, which is deleted when it is closed.
pub(super) fn spooled(mut input: impl BufRead, name: &str) -> Result<File> {
    let mut file = tempfile::tempfile().map_err(|e| unreadable(name, e))?;
    io::copy(&mut input, &mut file).map_err(|e| unreadable(name, e))?;
    Ok(file)
}

fn damaged(name: &str, reason: &dyn ToString) -> Error {
    Error::Workbook {
        path: name.to_string(),
        reason: reason.to_string(),
    }
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    let own = path.extension().and_then(OsStr::to_str);
    own.is_some_and(|own| own.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::ingest::{ReadOptions, Reader};

    fn gzip(text: &str) -> Vec<u8> {
        let mut writer = GzEncoder::new(Vec::new(), Compression::default());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    }

    fn zip(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// The texts of a file with these bytes, or the code of the error.
    fn texts(name: &str, bytes: &[u8], limit: u64) -> Result<Vec<String>, &'static str> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let options = ReadOptions {
            max_unpacked: limit,
            ..ReadOptions::default()
        };
        let mut reader = Reader::open(&path, &options).map_err(|e| e.code())?;
        let mut texts = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            texts.push(row.unwrap().text);
        }
        Ok(texts)
    }

    #[test]
    fn packed_tables_are_read_by_the_name_within() {
        let table = "id,text\n1,caf\u{e9}\n";
        let lines = "{\"text\":\"a\"}\n";
        assert_eq!(texts("a.csv.gz", &gzip(table), 99).unwrap(), ["café"]);
        assert_eq!(texts("a.csv", &gzip(table), 99).unwrap(), ["café"]);
        assert_eq!(texts("a.jsonl.GZ", &gzip(lines), 99).unwrap(), ["a"]);
        let one = zip(&[("__MACOSX/x.csv", "?"), ("in/a.csv", table), ("r.pdf", "?")]);
        assert_eq!(texts("a.zip", &one, 99).unwrap(), ["café"]);
    }

    #[test]
    fn what_can_t_be_unpacked_is_refused() {
        let table = gzip(&"text\na\n".repeat(100));
        assert_eq!(texts("a.csv.gz", &table, 99), Err("K0210"));
        assert_eq!(texts("a.csv.gz", &table[..20], 999), Err("K0208"));
        assert_eq!(texts("a.exe.gz", &table, 999), Err("K0201"));
        let two = zip(&[("a.csv", "text\na\n"), ("b.csv", "text\nb\n")]);
        assert_eq!(texts("a.zip", &two, 99), Err("K0208"));
        assert_eq!(texts("a.zip", &zip(&[("a.exe", "")]), 99), Err("K0208"));
    }

    #[test]
    fn files_called_xls_are_read_by_their_content() {
        assert_eq!(texts("a.xls", b"id\ttext\n1\ta\n", 99).unwrap(), ["a"]);
        assert_eq!(texts("a.xls", b"<html><table></table>", 99), Err("K0203"));
        assert_eq!(texts("a.xls", b"\xD0\xCF\x11\xE0....", 99), Err("K0203"));
    }
}
