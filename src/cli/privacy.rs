//! Private data on the command line: what to mask, where to write the key, what was found.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use konflik::Error;
use konflik::base::output::Output;
use konflik::ingest::privacy::{Counts, Privacy, Pseudonyms};

use super::console::Console;

/// What is done about private data: the same options for every verb that writes rows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Privacy")]
pub(super) struct PrivacyArgs {
    /// Mask phone, identity and card numbers, e-mail addresses, links, handles, licence plates and
    /// street addresses
    #[arg(long)]
    redact: bool,
    /// Replace the names in this list by pseudonyms: a table with `name` and, optionally,
    /// `pseudonym`
    #[arg(long, value_name = "FILE", requires = "key")]
    pseudonymise: Option<PathBuf>,
    /// Write the pseudonym of each name to this file, outside the output's folder
    #[arg(long, value_name = "FILE", requires = "pseudonymise")]
    key: Option<PathBuf>,
}

impl PrivacyArgs {
    pub(super) fn privacy(&self) -> konflik::Result<Privacy> {
        Ok(Privacy {
            redact: self.redact,
            names: self
                .pseudonymise
                .as_deref()
                .map(Pseudonyms::read)
                .transpose()?,
        })
    }

    /// Opens the key, before any work. The key must not be in the output's folder, which may be passed
    /// on to others.
    pub(super) fn prepare_key(
        &self,
        output: &Path,
        force: bool,
    ) -> konflik::Result<Option<Output>> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let is_file = output.as_os_str() != "-";
        if is_file && folder(key).is_some_and(|k| folder(output).is_some_and(|o| k.starts_with(o)))
        {
            return Err(Error::KeyBesideOutput { path: key.clone() });
        }
        Output::prepare(key, force).map(Some)
    }

    /// Writes the key and says where it is.
    pub(super) fn write_key(
        &self,
        output: Option<Output>,
        privacy: &Privacy,
        console: &Console,
    ) -> konflik::Result<()> {
        let (Some(mut output), Some(names), Some(path)) = (output, &privacy.names, &self.key)
        else {
            return Ok(());
        };
        output.write(&names.table())?;
        output.commit()?;
        only_for_its_owner(path)?;
        console.say(&format!(
            "key: {} (keep it separate from the output; `konflik restore --key` restores the names)",
            path.display()
        ));
        Ok(())
    }
}

fn folder(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).canonicalize().ok()
}

fn only_for_its_owner(path: &Path) -> konflik::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|e| Error::write(path, e))?;
    }
    let _ = path;
    Ok(())
}

/// Says what was masked, by kind.
pub(super) fn say_masked(counts: &Counts, taken: u64, console: &Console) {
    if !counts.is_empty() {
        let list: Vec<String> = counts
            .iter()
            .map(|(kind, n)| format!("{} {n}", kind.name()))
            .collect();
        console.say(&format!("masked: {}", list.join(", ")));
    }
    if taken > 0 {
        console.warn(&format!(
            "the input already contains pseudonyms ({taken} times); `konflik restore` will wrongly turn these into names"
        ));
    }
}

/// Warns of columns in which every cell was masked: they may hold ids.
pub(super) fn warn_masked_columns(columns: &[String], console: &Console) {
    for column in columns {
        console.warn(&format!(
            "every cell of column {column:?} was masked; if these are ids, keep them with --map id={column}"
        ));
    }
}
