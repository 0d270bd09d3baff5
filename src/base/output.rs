//! Outputs: standard output, or a file or folder that is written atomically.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// An open output. A file is first written beside its target; [`Output::commit`] moves it there.
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
    /// Opens standard output for `-`, else a file. The file must not exist unless `force` is set.
    ///
    /// Fails before any work is done if the file can't be written.
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

    /// True for standard output.
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

    /// Ends the output without a file. An existing file at the target is removed if `is_ours`
    /// returns true for its text.
    pub fn discard(self, is_ours: impl FnOnce(&str) -> bool) -> Result<()> {
        match &self.sink {
            Sink::File(_) if is_ours(&fs::read_to_string(&self.target).unwrap_or_default()) => {
                fs::remove_file(&self.target).map_err(|e| Error::write(&self.target, e))
            }
            _ => Ok(()),
        }
    }

    /// Ends the output: flushes the file to disk and moves it into place.
    pub fn commit(self) -> Result<()> {
        let failed = |e| Error::write(&self.target, e);
        match self.sink {
            Sink::Stdout(mut out) => out.flush().map_err(failed),
            Sink::File(file) => {
                let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                keep_mode(&self.target, file.path()).map_err(failed)?;
                // Without `force`, a file that appeared at the target meanwhile is kept too.
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

/// A folder that is first written beside its target; dropping it removes the folder.
pub(crate) struct StagedFolder {
    target: PathBuf,
    staging: TempDir,
}

impl StagedFolder {
    /// Creates a folder beside `target`; [`Self::commit`] replaces `target` with the folder.
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

    /// Moves the folder into place, then removes the folder it replaced.
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
        // The folder was renamed: the guard must not delete anything.
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

/// Temporary folders are private; gives the result the usual mode of a new folder.
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

/// Temporary files are private; gives the result the mode of the file it replaces, or that of a
/// new file.
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
