//! What to do about an error, in the words of the command line.

use std::io;

use konflik::error::{ColumnHolds, ForeignKind, looks_like_data, nearest};
use konflik::{Error, RowFault};

/// What to do about `error`: with the option or the verb that helps, or else as the library says.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::Rows { faults } => faults.first().and_then(of),
        _ => of_command_line(error).or_else(|| error.hint()),
    }
}

/// The hints that name an option or a verb.
fn of_command_line(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            "check the name; standard input is `-`"
        }
        Error::OutputExists { .. } => "name another output, or add --force",
        Error::Foreign { kind, .. } => match kind {
            ForeignKind::Zip => "name the format with --format, or unpack the file",
            ForeignKind::TextAsWord => {
                "rename the file to .txt (or .csv if it is a table), or name the format with --format"
            }
            _ => return None,
        },
        Error::NotInBuild { feature, .. } => {
            return Some(format!(
                "build konflik with `--features {feature}`, or save the file as CSV or JSON lines"
            ));
        }
        Error::TooManyColumns { .. } => {
            "is the delimiter right (--delimiter)? If you trust the file, raise the limit with --max-columns"
        }
        Error::TooLarge { .. } => "if you trust the file, raise the limit with --max-unpacked",
        Error::DocumentTooLarge { .. } => {
            "split the file, or raise the limit with --max-document if you trust the file"
        }
        Error::WhoAsks { names, .. } => {
            let name = names.first().map_or("P", String::as_str);
            return Some(format!(
                "look with `konflik ingest FILE --preview`, then say --interviewer {name} or --participant {name}"
            ));
        }
        Error::MissingColumn {
            wanted,
            holds,
            found,
            ..
        } => return missing_column(wanted, *holds, found),
        Error::ColumnTaken { .. } => "drop that column, or choose another prefix with --prefix",
        Error::Row { fault, .. } => match fault {
            RowFault::NotUtf8 { .. } => {
                "convert the file to UTF-8, or name its encoding with --encoding"
            }
            RowFault::OtherEncoding { .. } => {
                "write the whole file in one encoding, or name another with --encoding"
            }
            _ => return None,
        },
        Error::Model { .. } => "copy the model again, or train it again with `konflik train`",
        Error::WrongEncoder { .. } => {
            "name the encoder's folder with --encoder (in a build with the feature `encoder`)"
        }
        Error::UnusedEncoder { .. } => {
            "leave out --encoder, or name a model that `konflik train --encoder` made"
        }
        Error::CodebookMismatch { .. } => "train again with this codebook, or leave out --codebook",
        Error::Vectors { .. } => {
            "name another model2vec directory, or leave out --vectors to use the one shipped"
        }
        Error::CodedByOther { what, .. } => {
            return Some(format!(
                "name the {what} that the file was labelled with (--{what})"
            ));
        }
        Error::Template { .. } => "correct the template, or leave out --template",
        _ => return None,
    };
    Some(hint.into())
}

fn missing_column(wanted: &str, holds: ColumnHolds, found: &[String]) -> Option<String> {
    if holds == ColumnHolds::Text && looks_like_data(found) {
        let hint = "the first row looks like data: if the table has no header, add --no-header \
                    (its columns are then \"column A\", \"column B\"; see --text-column)";
        return Some(hint.into());
    }
    let remedy = match holds {
        ColumnHolds::Text => "name the column of the text with --text-column",
        ColumnHolds::Id => "name the column of the ids with --map id=COLUMN (in `agree` with --id)",
        ColumnHolds::Probabilities => "label the file first with `konflik label`",
        _ => return None,
    };
    Some(match nearest(wanted, found) {
        Some(near) => format!("did you mean {near:?}? {remedy}"),
        None if found.len() == 1 => {
            format!("only one column was found: is the delimiter right (--delimiter)? {remedy}")
        }
        None => remedy.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::CommandFactory;
    use konflik::Location;

    use super::*;
    use crate::cli::Cli;

    fn names() -> Vec<String> {
        vec!["tekst".into(), "speaker".into()]
    }

    fn missing(holds: ColumnHolds, wanted: &str, found: Vec<String>) -> Error {
        Error::MissingColumn {
            path: "a.csv".into(),
            wanted: wanted.into(),
            holds,
            found,
        }
    }

    fn row(fault: RowFault) -> Error {
        let at = Location::new("a.csv", 3, 0);
        Error::Row { at, fault }
    }

    /// One error for each hint of the command line, with what its hint must name.
    #[allow(clippy::too_many_lines)]
    fn samples() -> Vec<(Error, &'static str)> {
        let path = || "a.csv".to_string();
        let text = || "text".to_string();
        let foreign = |kind| Error::Foreign { path: path(), kind };
        let gone = io::ErrorKind::NotFound.into();
        vec![
            (Error::read(Path::new("a.csv"), gone), "`-`"),
            (
                Error::OutputExists {
                    path: path().into(),
                },
                "--force",
            ),
            (foreign(ForeignKind::Zip), "--format"),
            (foreign(ForeignKind::TextAsWord), "--format"),
            (
                Error::NotInBuild {
                    path: path(),
                    format: "Parquet",
                    feature: "parquet",
                },
                "--features parquet",
            ),
            (
                Error::TooManyColumns {
                    path: path(),
                    columns: 9,
                    limit: 8,
                },
                "--max-columns",
            ),
            (
                Error::TooLarge {
                    path: path(),
                    limit: 8,
                },
                "--max-unpacked",
            ),
            (
                Error::DocumentTooLarge {
                    path: path(),
                    limit: 8,
                },
                "--max-document",
            ),
            (
                Error::WhoAsks {
                    path: path(),
                    names: names(),
                },
                "--interviewer tekst",
            ),
            (missing(ColumnHolds::Text, "text", names()), "--text-column"),
            (
                missing(ColumnHolds::Text, "text", vec!["zzz".into()]),
                "--delimiter",
            ),
            (
                missing(ColumnHolds::Text, "text", vec!["2026-01-02".into()]),
                "--no-header",
            ),
            (
                missing(ColumnHolds::Probabilities, "zzz", names()),
                "`konflik label`",
            ),
            (
                Error::ColumnTaken {
                    path: path(),
                    name: text(),
                },
                "--prefix",
            ),
            (row(RowFault::NotUtf8 { byte: 7 }), "--encoding"),
            (
                row(RowFault::OtherEncoding {
                    encoding: "windows-1252",
                }),
                "--encoding",
            ),
            (
                Error::Model {
                    path: path(),
                    reason: text(),
                },
                "`konflik train`",
            ),
            (
                Error::WrongEncoder {
                    needed: text(),
                    given: None,
                },
                "--encoder",
            ),
            (Error::UnusedEncoder { given: text() }, "--encoder"),
            (
                Error::CodebookMismatch {
                    trained: text(),
                    given: text(),
                },
                "--codebook",
            ),
            (
                Error::Vectors {
                    name: text(),
                    reason: text(),
                },
                "--vectors",
            ),
            (
                Error::CodedByOther {
                    path: path(),
                    what: "model",
                    labelled: text(),
                    given: text(),
                },
                "--model",
            ),
            (
                Error::Template {
                    name: text(),
                    reason: text(),
                },
                "--template",
            ),
        ]
    }

    #[test]
    fn hints_name_the_option_that_helps() {
        for (error, named) in samples() {
            let hint = of(&error).unwrap();
            assert!(hint.contains(named), "{error}: {hint}");
        }
    }

    #[test]
    fn options_in_hints_exist() {
        fn collect(command: &clap::Command, options: &mut BTreeSet<String>) {
            options.extend(
                command
                    .get_arguments()
                    .filter_map(|a| Some(a.get_long()?.into())),
            );
            for verb in command.get_subcommands() {
                collect(verb, options);
            }
        }
        // An option of cargo.
        let mut options = BTreeSet::from(["features".to_string()]);
        collect(&Cli::command(), &mut options);
        for (error, _) in samples() {
            let hint = of(&error).unwrap();
            for rest in hint.split("--").skip(1) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let option = &rest[..end.unwrap_or(rest.len())];
                assert!(options.contains(option), "{hint}");
            }
        }
    }

    #[test]
    fn the_library_speaks_where_no_option_helps() {
        let open = Error::OpenQuote {
            at: Location::new("a.csv", 3, 0),
        };
        assert_eq!(of(&open), open.hint());
        let first = row(RowFault::NotUtf8 { byte: 7 });
        let faults = vec![first, row(RowFault::AfterQuote)];
        assert!(of(&Error::Rows { faults }).unwrap().contains("--encoding"));
    }
}
