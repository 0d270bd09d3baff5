//! Parses `project.qde`: from XML events to users, codes, sources and codings.

use quick_xml::Reader as Xml;
use quick_xml::events::{BytesStart, Event};

use super::{Project, SourceText, Span};
use crate::ingest::{Limits, attribute, resolved};

/// An open element that matters for the elements inside.
enum Open {
    Code(String),
    /// The GUID of a text source.
    Source(String),
    /// A selection and its user.
    Selection(Option<Span>, Option<String>),
    /// A coding and its user.
    Coding(Option<String>),
    /// The text of a source, embedded in the project file.
    Content,
    Other,
}

/// Builds a project from XML events.
#[derive(Default)]
pub(super) struct Parser {
    project: Project,
    open: Vec<Open>,
    content: String,
}

impl Parser {
    pub(super) fn read(mut self, part: impl std::io::BufRead) -> Result<Project, String> {
        let limit = Limits::default().max_depth;
        let mut xml = Xml::from_reader(part);
        xml.config_mut().expand_empty_elements = true;
        let mut buffer = Vec::new();
        let mut is_project = false;
        loop {
            buffer.clear();
            let at = xml.buffer_position();
            let event = xml.read_event_into(&mut buffer);
            match event.map_err(|e| format!("at byte {at}: {e}"))? {
                Event::Start(e) => {
                    if self.open.len() >= limit {
                        return Err(format!("elements are nested deeper than {limit}"));
                    }
                    is_project |= e.local_name().as_ref() == "Project";
                    let open = self
                        .start(&e)
                        .map_err(|reason| format!("at byte {at}: {reason}"))?;
                    self.open.push(open);
                }
                Event::End(_) => self.end(),
                Event::Text(e) => self.words(&e.xml10_content()),
                Event::CData(e) => self.words(&e.xml10_content()),
                Event::GeneralRef(e) => {
                    let known = resolved(&e);
                    let known =
                        known.ok_or_else(|| format!("at byte {at}: the entity &{};", &*e))?;
                    self.words(&known);
                }
                Event::DocType(_) => {
                    return Err("a document type declaration is not allowed".into());
                }
                Event::Eof if !self.open.is_empty() => return Err("it ends too early".into()),
                Event::Eof if !is_project => return Err("it is not a project".into()),
                Event::Eof => return Ok(self.project),
                // `expand_empty_elements` turns empty elements into start and end.
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn start(&mut self, e: &BytesStart<'_>) -> Result<Open, String> {
        let local = e.local_name();
        let local = local.as_ref();
        let inside_source = || self.open.iter().any(|o| matches!(o, Open::Source(_)));
        Ok(match local {
            "Project" => {
                self.project.creator = guid(e, "creatingUserGUID");
                Open::Other
            }
            "User" => {
                let name = attribute(e, "name").or_else(|| attribute(e, "id"));
                let name = name.unwrap_or_default().trim().to_string();
                let guid = needed(e)?;
                self.project.order.push(guid.clone());
                self.project.users.insert(guid, name);
                Open::Other
            }
            "Code" => self.code(e)?,
            "TextSource" => self.source(e)?,
            "PlainTextContent" if inside_source() => Open::Content,
            "PlainTextSelection" if inside_source() => {
                Open::Selection(self.span(e)?, guid(e, "creatingUser"))
            }
            "Coding" => Open::Coding(guid(e, "creatingUser")),
            "CodeRef" => {
                self.code_ref(e)?;
                Open::Other
            }
            _ => Open::Other,
        })
    }

    fn code(&mut self, e: &BytesStart<'_>) -> Result<Open, String> {
        let name = attribute(e, "name").unwrap_or_default();
        let above = self.open.iter().filter_map(|open| match open {
            Open::Code(name) => Some(name.clone()),
            _ => None,
        });
        let path = above.chain([name.clone()]).collect();
        self.project.codes.insert(needed(e)?, path);
        Ok(Open::Code(name))
    }

    fn source(&mut self, e: &BytesStart<'_>) -> Result<Open, String> {
        let guid = needed(e)?;
        if let Some(path) = attribute(e, "plainTextPath") {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(&path);
            let text = SourceText::File(file.to_string());
            self.project.texts.insert(guid.clone(), text);
        }
        Ok(Open::Source(guid))
    }

    /// The span of a selection; `None` for an empty one.
    fn span(&self, e: &BytesStart<'_>) -> Result<Option<Span>, String> {
        let source = self.open.iter().rev().find_map(|open| match open {
            Open::Source(guid) => Some(guid.clone()),
            _ => None,
        });
        let position = |name: &str| {
            let value = attribute(e, name).ok_or_else(|| format!("a selection has no {name}"))?;
            let number = value.trim().parse::<u64>();
            number.map_err(|_| format!("{name} is {value:?}, not a number"))
        };
        let (start, end) = (position("startPosition")?, position("endPosition")?);
        if end < start {
            return Err(format!(
                "a selection ends at {end}, before its start {start}"
            ));
        }
        let span = source.map(|source| Span { source, start, end });
        Ok(span.filter(|span| span.end > span.start))
    }

    /// Adds the code of a coding; only counts the coding if it is not of a text span.
    fn code_ref(&mut self, e: &BytesStart<'_>) -> Result<(), String> {
        let target = guid(e, "targetGUID").ok_or("a coding doesn't name its code")?;
        let Some(Open::Coding(by)) = self.open.last() else {
            return Ok(());
        };
        let selection = self.open.iter().rev().nth(1);
        let Some(Open::Selection(span, selected_by)) = selection else {
            self.project.elsewhere += 1;
            return Ok(());
        };
        let user = by
            .as_ref()
            .or(selected_by.as_ref())
            .or(self.project.creator.as_ref());
        let user = user.ok_or("a coding doesn't say who made it")?.clone();
        if let Some(span) = span.clone() {
            self.project.codings.push((span, user, target));
        }
        Ok(())
    }

    fn words(&mut self, text: &str) {
        if matches!(self.open.last(), Some(Open::Content)) {
            self.content.push_str(text);
        }
    }

    fn end(&mut self) {
        if let (Some(Open::Content), Some(Open::Source(guid))) = (self.open.pop(), self.open.last())
        {
            let text = SourceText::Inline(std::mem::take(&mut self.content));
            self.project.texts.insert(guid.clone(), text);
        }
    }
}

/// A GUID in lower case without braces: programs differ in both.
fn guid(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = attribute(element, name)?;
    let bare = value.trim().trim_start_matches('{').trim_end_matches('}');
    (!bare.is_empty()).then(|| bare.to_lowercase())
}

fn needed(element: &BytesStart<'_>) -> Result<String, String> {
    let name = element.local_name();
    guid(element, "guid").ok_or_else(|| format!("a {} without a guid", name.as_ref()))
}
