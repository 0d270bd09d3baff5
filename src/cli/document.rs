//! Results as documents: printed in one form, written to files in others.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use konflik::Error;
use konflik::base::output::Output;
use konflik::export::refuse_same_file;
use konflik::export::table::{TableFormat, TableFormats};
use serde::Serialize;

use super::console::Console;
use super::out::{print, write_output};

/// A result that has every [`Form`].
pub(super) trait Document: Serialize {
    /// For a terminal.
    fn text(&self) -> String;
    /// For a repository, a step summary or a report.
    fn markdown(&self) -> String;
}

/// The forms of a document, each with a file suffix.
pub(super) trait DocumentForm: ValueEnum + Copy + Send + Sync + 'static {
    /// The form that a path's suffix names.
    fn of_path(path: &Path) -> konflik::Result<Self>;
}

/// The forms of every document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
    Md,
}

impl DocumentForm for Form {
    fn of_path(path: &Path) -> konflik::Result<Self> {
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => Ok(Self::Json),
            Some("md") => Ok(Self::Md),
            Some("txt") => Ok(Self::Text),
            _ => Err(Error::UnknownFormat {
                path: path.display().to_string(),
                known: ".json, .md or .txt".into(),
            }),
        }
    }
}

impl Form {
    pub(super) fn render(self, document: &impl Document) -> Result<String> {
        Ok(match self {
            Self::Text => document.text(),
            Self::Md => document.markdown(),
            Self::Json => serde_json::to_string_pretty(document)? + "\n",
        })
    }
}

/// Where a document goes.
#[derive(Debug, Args)]
pub(super) struct DocumentArgs<F: DocumentForm = Form> {
    /// Also write the result to this file (.json, .md or .txt); repeatable
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Form of the printed result
    #[arg(long, value_name = "FORM", default_value = "text")]
    print: F,
    /// Overwrite existing outputs
    #[arg(long)]
    pub(super) force: bool,
}

impl<F: DocumentForm> DocumentArgs<F> {
    /// Checks the outputs, before any work.
    pub(super) fn job(&self, inputs: &[&Path]) -> Result<DocumentJob<'_, F>> {
        Ok(DocumentJob {
            outputs: checked_outputs(&self.output, inputs, self.force, F::of_path)?,
            print: self.print,
            force: self.force,
        })
    }
}

/// Where a document goes; the outputs are checked.
pub(super) struct DocumentJob<'a, F> {
    outputs: Vec<(&'a Path, F)>,
    print: F,
    force: bool,
}

impl<F: DocumentForm> DocumentJob<'_, F> {
    /// All requested forms.
    pub(super) fn forms(&self) -> impl Iterator<Item = F> {
        let written = self.outputs.iter().map(|(_, form)| *form);
        written.chain([self.print])
    }

    /// Writes and prints the document.
    pub(super) fn write(
        &self,
        render: impl Fn(F) -> Result<String>,
        console: &Console,
    ) -> Result<()> {
        for (path, form) in &self.outputs {
            write_output(path, render(*form)?, self.force)?;
            console.say(&format!("wrote {}", path.display()));
        }
        print(&render(self.print)?)?;
        Ok(())
    }
}

/// Outputs with their forms; each can be written, is not an input and is named once.
pub(super) fn checked_outputs<'a, F>(
    paths: &'a [PathBuf],
    inputs: &[&Path],
    force: bool,
    of_path: impl Fn(&Path) -> konflik::Result<F>,
) -> Result<Vec<(&'a Path, F)>> {
    let checked = paths.iter().enumerate().map(|(i, path)| {
        let form = of_path(path)?;
        check_output(path, inputs, force)?;
        if paths[..i].contains(path) {
            return Err(Error::OutputIsInput { path: path.clone() }.into());
        }
        Ok((path.as_path(), form))
    });
    checked.collect()
}

/// A table to write; its path is checked.
pub(super) struct TableOutput<'a> {
    pub(super) path: &'a Path,
    pub(super) format: TableFormat,
    force: bool,
}

impl<'a> TableOutput<'a> {
    /// Checks the path, before any work.
    pub(super) fn checked(path: &'a Path, inputs: &[&Path], force: bool) -> Result<Self> {
        let format = TableFormats::default().of_path(path)?;
        check_output(path, inputs, force)?;
        Ok(Self {
            path,
            format,
            force,
        })
    }

    pub(super) fn write(&self, rows: impl AsRef<[u8]>) -> konflik::Result<()> {
        write_output(self.path, rows, self.force)
    }
}

/// Refuses an output that is an input or can't be written. The output is opened again when there
/// is something to write.
pub(super) fn check_output(path: &Path, inputs: &[&Path], force: bool) -> Result<()> {
    for input in inputs {
        refuse_same_file(input, path)?;
    }
    Output::prepare(path, force)?;
    Ok(())
}

/// The forms of an evaluation; from `Junit` on, the forms of a gate's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EvaluationForm {
    Text,
    Json,
    Md,
    /// A page with charts
    Html,
    /// Result of the gate as JUnit XML
    Junit,
    /// Result of the gate as GitHub Actions annotations
    Github,
    /// Result of the gate as a GitLab code quality report
    Gitlab,
    /// Result of the gate as a GitHub Actions step summary
    Summary,
}

impl DocumentForm for EvaluationForm {
    fn of_path(path: &Path) -> konflik::Result<Self> {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let suffixes = [
            (".gitlab.json", Self::Gitlab),
            (".summary.md", Self::Summary),
            (".json", Self::Json),
            (".md", Self::Md),
            (".html", Self::Html),
            (".txt", Self::Text),
            (".xml", Self::Junit),
        ];
        let found = suffixes.iter().find(|(suffix, _)| name.ends_with(suffix));
        found
            .map(|(_, form)| *form)
            .ok_or_else(|| Error::UnknownFormat {
                path: path.display().to_string(),
                known:
                    ".json, .md, .html or .txt; with --gate also .xml, .gitlab.json or .summary.md"
                        .into(),
            })
    }
}

impl EvaluationForm {
    /// The form that every document has; an error for the forms of a gate's result.
    pub(super) fn plain(self) -> konflik::Result<Form> {
        match self {
            Self::Text => Ok(Form::Text),
            Self::Json => Ok(Form::Json),
            Self::Md => Ok(Form::Md),
            _ => Err(self.not_of_this()),
        }
    }

    pub(super) fn is_of_gate(self) -> bool {
        !matches!(self, Self::Text | Self::Json | Self::Md | Self::Html)
    }

    pub(super) fn not_of_this(self) -> Error {
        Error::Parameter {
            name: "the form of an output",
            value: format!("{self:?}").to_lowercase(),
            range: "text, json or md; html only for the scores of a model, the others only with --gate",
        }
    }
}
