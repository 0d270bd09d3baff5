//! Where results go: standard output, or a file or folder that is there whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// An open output. A file is written beside its place and moved there by [`Output::commit`].
pub struct Output {
    target: PathBuf,
    sink: Sink,
    may_replace: bool,
}

enum Sink {
    Stdout(BufWriter<io::Stdout>),
    File(BufWriter<NamedTempFile>),
}

impl Output {
    /// Opens standard output for `-`, else a file, which must not exist unless `force`.
    ///
    /// Fails at once where the file could not be written, before any work is done.
    pub fn prepare(target: &Path, force: bool) -> Result<Self> {
        if target.as_os_str() == "-" {
            return Ok(Self {
                target: PathBuf::from("<stdout>"),
                sink: Sink::Stdout(BufWriter::new(io::stdout())),
                may_replace: false,
            });
        }
        if target.is_dir() {
            return Err(Error::write(
                target,
                io::Error::from(io::ErrorKind::IsADirectory),
            ));
        }
        if target.exists() && !force {
            return Err(Error::OutputExists {
                path: target.to_path_buf(),
            });
        }
        let file = tempfile::Builder::new()
            .prefix(".konflik-")
            .suffix(".tmp")
            .tempfile_in(folder_of(target))
            .map_err(|e| Error::write(target, e.kind().into()))?;
        Ok(Self {
            target: target.to_path_buf(),
            sink: Sink::File(BufWriter::new(file)),
            may_replace: force,
        })
    }

    /// Whether this is standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self.sink, Sink::Stdout(_))
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Stdout(out) => out.write_all(bytes),
            Sink::File(file) => file.write_all(bytes),
        };
        written.map_err(|e| Error::write(&self.target, e))
    }

    /// Ends the output without a file: one that is in its place is removed if it `is_ours`.
    pub fn discard(self, is_ours: impl FnOnce(&str) -> bool) -> Result<()> {
        match &self.sink {
            Sink::File(_) if is_ours(&fs::read_to_string(&self.target).unwrap_or_default()) => {
                fs::remove_file(&self.target).map_err(|e| Error::write(&self.target, e))
            }
            _ => Ok(()),
        }
    }

    /// Ends the output: flushed to disk and moved into place.
    pub fn commit(self) -> Result<()> {
        let failed = |e| Error::write(&self.target, e);
        match self.sink {
            Sink::Stdout(mut out) => out.flush().map_err(failed),
            Sink::File(file) => {
                let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                keep_mode(&self.target, file.path()).map_err(failed)?;
                // What came into its place during the work is not replaced unasked either.
                let placed = if self.may_replace {
                    file.persist(&self.target)
                } else {
                    file.persist_noclobber(&self.target)
                };
                placed.map(|_| ()).map_err(|e| failed(e.error))
            }
        }
    }
}

/// A folder that is written beside its place; dropping it leaves nothing.
pub(crate) struct StagedFolder {
    target: PathBuf,
    staging: TempDir,
}

impl StagedFolder {
    /// Makes a folder beside `target`, which [`Self::commit`] will replace.
    pub(crate) fn prepare(target: &Path) -> Result<Self> {
        let staging = tempfile::Builder::new()
            .prefix(".konflik-model-")
            .tempdir_in(folder_of(target))
            .map_err(|e| Error::write(target, e.kind().into()))?;
        Ok(Self {
            target: target.to_path_buf(),
            staging,
        })
    }

    /// Writes a file of the folder to disk.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.staging.path().join(name);
        let failed = |e| Error::write(&self.target.join(name), e);
        fs::write(&path, bytes).map_err(failed)?;
        let file = fs::File::open(&path).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// Moves the folder into place; a folder that was there is removed afterwards.
    pub(crate) fn commit(self) -> Result<()> {
        let failed = |e| Error::write(&self.target, e);
        readable_by_all(self.staging.path()).map_err(failed)?;
        let old = self.staging.path().with_extension("old");
        let replaces = self.target.exists();
        if replaces {
            fs::rename(&self.target, &old).map_err(failed)?;
        }
        if let Err(error) = fs::rename(self.staging.path(), &self.target) {
            if replaces {
                fs::rename(&old, &self.target).map_err(failed)?;
            }
            return Err(failed(error));
        }
        // It is in place: there is nothing left to clean up.
        let _ = self.staging.keep();
        if replaces {
            fs::remove_dir_all(&old).map_err(failed)?;
        }
        Ok(())
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Temporary folders are private; a result is as readable as any other.
fn readable_by_all(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        const NEW_FOLDER: u32 = 0o755;
        fs::set_permissions(path, fs::Permissions::from_mode(NEW_FOLDER))?;
    }
    let _ = path;
    Ok(())
}

/// Temporary files are private; a result is as readable as the file it replaces or a new one.
fn keep_mode(target: &Path, staged: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        const NEW_FILE: u32 = 0o644;
        let mode = fs::metadata(target).map_or(NEW_FILE, |m| m.permissions().mode());
        fs::set_permissions(staged, fs::Permissions::from_mode(mode))?;
    }
    let _ = (target, staged);
    Ok(())
}
