//! Codings in a REFI-QDA project (`.qdpx`), as exported by ATLAS.ti, MAXQDA, `NVivo`, `QualCoder`
//! and others: a ZIP with `project.qde` (REFI-QDA 1.5, XML namespace `urn:QDA-XML:project:1.0`) and
//! the plain text of the sources.
//!
//! A *span* is the range of a selection: source, first and last character. Spans of different users
//! are the same statement only if they are identical. A span with other boundaries counts as not
//! coded by the other user.

#[cfg(test)]
mod tests;
mod texts;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::annotation::{Annotations, FoundUnit, code_of};
use crate::codebook::Codebook;
use crate::error::{Error, Location, Result};
use crate::ingest::{Archive, open_archive};

use texts::Texts;
use xml::Parser;

/// The main part of a project.
const MAIN_PART: &str = "project.qde";

/// A range of a source: GUID of the source, first character, and the one after the last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    source: String,
    start: u64,
    end: u64,
}

impl Span {
    /// An id that is the same in every project with the source.
    fn id(&self) -> String {
        format!("{}:{}-{}", self.source, self.start, self.end)
    }
}

/// Location of the text of a source.
enum SourceText {
    Inline(String),
    /// The name of a file in the folder of sources.
    File(String),
}

/// A code of the project: the names of its parent codes, then its own name.
type CodePath = Vec<String>;

/// The used content of a project.
#[derive(Default)]
struct Project {
    /// The default user of codings that name none.
    creator: Option<String>,
    /// GUIDs of the users, in the order of the file.
    order: Vec<String>,
    users: BTreeMap<String, String>,
    codes: BTreeMap<String, CodePath>,
    texts: BTreeMap<String, SourceText>,
    /// Span, user and code per coding, in the order of the file.
    codings: Vec<(Span, String, String)>,
    /// Number of codings of whole sources, pictures, sound or film.
    elsewhere: usize,
}

/// Reads a project: a coder per user, a statement per span. Left out and counted in the notes:
/// codings with codes that the codebook doesn't have, and two codes of one variable by one user on
/// one span.
pub(super) fn read(path: &Path, codebook: &Codebook, max_unpacked: u64) -> Result<Annotations> {
    let name = path.display().to_string();
    let refused = |reason: String| Error::Annotation {
        at: Location::file(&name),
        reason,
    };
    let file = File::open(path).map_err(|e| Error::read(path, e))?;
    let mut archive = open_archive(file, &name, max_unpacked).map_err(|error| match error {
        Error::Workbook { reason, .. } => refused(format!("not a REFI-QDA project: {reason}")),
        other => other,
    })?;
    let project = {
        let part = archive
            .by_name(MAIN_PART)
            .map_err(|e| refused(format!("not a REFI-QDA project: {MAIN_PART}: {e}")))?;
        Parser::default()
            .read(BufReader::new(part))
            .map_err(|reason| refused(format!("{MAIN_PART}: {reason}")))?
    };
    let texts = project.texts(&mut archive);
    project.annotations(codebook, &texts).map_err(refused)
}

impl Project {
    /// The plain text of each readable source, with its line ends as this project counts them.
    fn texts(&self, archive: &mut Archive) -> Texts {
        let mut files = BTreeMap::new();
        for i in 0..archive.len() {
            let name = archive.by_index(i).ok().and_then(|file| {
                let name = file.name().ok()?;
                Some(name.rsplit(['/', '\\']).next()?.to_lowercase())
            });
            files.extend(name.map(|name| (name, i)));
        }
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            let mut file = archive.by_index(*files.get(&name.to_lowercase())?).ok()?;
            file.read_to_end(&mut bytes).ok()?;
            String::from_utf8(bytes).ok()
        };
        let mut texts = BTreeMap::new();
        for (source, text) in &self.texts {
            let text = match text {
                SourceText::Inline(text) => Some(text.clone()),
                SourceText::File(name) => read(name),
            };
            texts.extend(text.map(|text| {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                (source.clone(), text.to_string())
            }));
        }
        let spans: BTreeSet<&Span> = self.codings.iter().map(|(span, ..)| span).collect();
        Texts::counted(&texts, &spans)
    }

    fn annotations(&self, codebook: &Codebook, texts: &Texts) -> Result<Annotations, String> {
        let known: BTreeMap<&String, (usize, usize)> = self
            .codes
            .iter()
            .filter_map(|(guid, path)| Some((guid, meaning(path, codebook)?)))
            .collect();
        let mut given: BTreeMap<(&Span, &String, usize), BTreeSet<usize>> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        let mut left_out = 0;
        for (span, user, code) in &self.codings {
            if let Some((variable, code)) = known.get(code) {
                given
                    .entry((span, user, *variable))
                    .or_default()
                    .insert(*code);
            } else {
                left_out += 1;
                unknown.extend(self.codes.get(code).and_then(|path| path.last()));
            }
        }
        if given.is_empty() && left_out > 0 {
            let names: Vec<&str> = unknown.iter().map(|name| name.as_str()).collect();
            return Err(format!(
                "the codebook has none of its codes: {}",
                names.join(", ")
            ));
        }
        let mut found = Annotations::default();
        let sources: BTreeSet<&String> = given.keys().map(|(span, ..)| &span.source).collect();
        let spans: BTreeSet<&Span> = given.keys().map(|(span, ..)| *span).collect();
        found.units = spans
            .into_iter()
            .map(|span| FoundUnit {
                id: span.id(),
                text: texts.cut(span),
                group: (sources.len() > 1).then(|| span.source.clone()),
            })
            .collect();
        let coders = self.coders(given.keys().map(|(_, user, _)| *user).collect(), &mut found);
        let mut twice = 0;
        let mut by_coder = Vec::new();
        for ((span, user, variable), codes) in &given {
            let coder = coders[user];
            by_coder.push((*span, coder));
            match codes.iter().collect::<Vec<_>>()[..] {
                [code] => found.add(&span.id(), coder, vec![(*variable, *code)]),
                _ => twice += 1,
            }
        }
        found.notes = notes(left_out, &unknown, twice, self.elsewhere);
        found.notes.extend(texts.note(&found.units));
        found.notes.extend(unmatched(&by_coder));
        Ok(found)
    }

    /// The coder of each user, in the order of the file. The GUID distinguishes users of the same
    /// name.
    fn coders<'a>(
        &'a self,
        mut users: BTreeSet<&'a String>,
        found: &mut Annotations,
    ) -> BTreeMap<&'a String, usize> {
        let mut called: BTreeMap<&String, usize> = BTreeMap::new();
        self.users
            .values()
            .for_each(|name| *called.entry(name).or_default() += 1);
        let listed: Vec<&String> = self.order.iter().filter(|u| users.remove(u)).collect();
        let named = |guid: &'a String| {
            let name = match self.users.get(guid).filter(|name| !name.is_empty()) {
                None => format!("user {guid}"),
                Some(name) if called[name] > 1 => format!("{name} ({guid})"),
                Some(name) => name.clone(),
            };
            (guid, found.coder(name))
        };
        listed.into_iter().chain(users).map(named).collect()
    }
}

/// The variable and code of the codebook for a code of the project, by ids and names in any
/// language. If codes of several variables have the name, a parent code must name the variable.
fn meaning(path: &[String], codebook: &Codebook) -> Option<(usize, usize)> {
    let (name, above) = path.split_last()?;
    let is_under = |(v, _): &(usize, usize)| {
        let variable = &codebook.variables[*v];
        above.iter().any(|above| variable.is_called(above))
    };
    let variables = codebook.variables.iter().enumerate();
    let found: Vec<(usize, usize)> = variables
        .filter_map(|(v, variable)| Some((v, variable.code_called(name)?)))
        .collect();
    let under: Vec<(usize, usize)> = found.iter().copied().filter(is_under).collect();
    match (&under[..], &found[..]) {
        ([one], _) | ([], [one]) => Some(*one),
        _ => code_of(name, codebook).ok(),
    }
}

/// Notes about codings that were left out, with the reason.
fn notes(
    left_out: usize,
    unknown: &BTreeSet<&String>,
    twice: usize,
    elsewhere: usize,
) -> Vec<String> {
    let names: Vec<&str> = unknown.iter().map(|name| name.as_str()).collect();
    let all = [
        (
            left_out,
            "codings by codes that the codebook doesn't have",
            format!(" ({})", names.join(", ")),
        ),
        (
            twice,
            "spans to which one user gave two codes of a variable",
            String::new(),
        ),
        (
            elsewhere,
            "codings of whole sources, pictures, sound or film",
            String::new(),
        ),
    ];
    let told = all.into_iter().filter(|(n, ..)| *n > 0);
    told.map(|(n, what, names)| format!("left out: {what}: {n}{names}"))
        .collect()
}

/// A note with the number of spans that only one user coded and that overlap a span of another.
fn unmatched(by_coder: &[(&Span, usize)]) -> Option<String> {
    let distinct: BTreeSet<(&Span, usize)> = by_coder.iter().copied().collect();
    let mut users: BTreeMap<&Span, usize> = BTreeMap::new();
    for (span, _) in &distinct {
        *users.entry(span).or_default() += 1;
    }
    let mut sources: BTreeMap<&str, Vec<(&Span, usize)>> = BTreeMap::new();
    for (span, coder) in &distinct {
        sources
            .entry(&span.source)
            .or_default()
            .push((span, *coder));
    }
    let count: usize = sources
        .values()
        .map(|spans| {
            let touched = overlapping(spans).into_iter().zip(spans);
            touched
                .filter(|(touches, (span, _))| *touches && users[span] == 1)
                .count()
        })
        .sum();
    (count > 0).then(|| {
        format!(
            "only identical spans are compared; spans that only overlap another user's: \
             {count} of {}",
            users.len()
        )
    })
}

/// Whether each span of a source overlaps a span of another coder: the other span was open when
/// this span began, or began before this span ended.
fn overlapping(spans: &[(&Span, usize)]) -> Vec<bool> {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (i, (span, _)) in spans.iter().enumerate() {
        // At the same position ends sort before starts, because the end is exclusive.
        events.extend([(span.start, true, i), (span.end, false, i)]);
    }
    events.sort_unstable();
    let mut touches = vec![false; spans.len()];
    let mut begun = vec![(0, 0); spans.len()];
    let (mut open, mut starts) = (0, 0);
    let mut of_coder: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (_, begins, i) in events {
        let own = of_coder.entry(spans[i].1).or_default();
        if begins {
            touches[i] = open > own.0;
            open += 1;
            starts += 1;
            *own = (own.0 + 1, own.1 + 1);
            begun[i] = (starts, own.1);
        } else {
            open -= 1;
            own.0 -= 1;
            let (then, own_then) = begun[i];
            touches[i] |= starts - then > own.1 - own_then;
        }
    }
    touches
}
