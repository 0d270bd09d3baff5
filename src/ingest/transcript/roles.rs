//! Who asks and who answers, by name.

use std::collections::BTreeMap;

/// Names of interviewers, if the user gives none.
const INTERVIEWERS: &[&str] = &[
    "Pewawancara",
    "Peneliti",
    "Moderator",
    "Interviewer",
    "Researcher",
    "Fasilitator",
    "Facilitator",
    "Penanya",
    "Tanya",
    "Pertanyaan",
    "Question",
    "Q",
];

/// Names of participants: speakers even if they speak once.
const PARTICIPANTS: &[&str] = &[
    "Informan",
    "Narasumber",
    "Responden",
    "Partisipan",
    "Interviewee",
    "Participant",
    "Respondent",
    "Informant",
    "Speaker",
    "Pembicara",
    "Pasien",
    "Patient",
    "Petugas",
    "Jawab",
    "Jawaban",
    "Answer",
    "N",
    "R",
    "J",
];

/// Letters that may mean either: Pewawancara or Partisipan, Informan or Interviewer, Tanya.
const UNCLEAR: &[&str] = &["p", "i", "t"];

/// Who asks and who answers. Names are compared without case; a number after the name is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Names of interviewers: their words are context, never labelled.
    pub interviewers: Vec<String>,
    /// Names of participants: speakers even if they speak once, and never interviewers.
    pub participants: Vec<String>,
}

impl Default for Roles {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            interviewers: list(INTERVIEWERS),
            participants: list(PARTICIPANTS),
        }
    }
}

/// The role of a speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeakerRole {
    /// Asks.
    Interviewer,
    /// Answers.
    Participant,
    /// One letter that may mean either role.
    Unclear,
}

impl SpeakerRole {
    /// `interviewer`, `participant` or `unclear`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interviewer => "interviewer",
            Self::Participant => "participant",
            Self::Unclear => "unclear",
        }
    }
}

impl Roles {
    /// The default roles with the user's names first. The user's interviewers replace the default
    /// ones; the user's participants are added.
    pub fn with(interviewers: &[String], participants: &[String]) -> Self {
        let mut roles = Self::default();
        if !interviewers.is_empty() {
            roles.interviewers = interviewers.to_vec();
        }
        roles.interviewers.retain(|i| !listed(participants, i));
        roles.participants.retain(|p| !listed(interviewers, p));
        roles.participants.extend_from_slice(participants);
        roles
    }

    /// Whether a speaker interviews, by the name.
    pub(in crate::ingest) fn asks(&self, name: &str) -> bool {
        let name = name.trim();
        let name = name.strip_suffix(':').unwrap_or(name).trim_end();
        listed(&self.interviewers, name)
    }

    /// Whether the name is a speaker in any transcript.
    pub(super) fn is_known(&self, name: &str) -> bool {
        let stem = stem(name);
        let default = INTERVIEWERS.iter().chain(PARTICIPANTS);
        self.asks(name)
            || listed(&self.participants, name)
            || is_unclear_letter(name)
            || default.into_iter().any(|role| role.to_lowercase() == stem)
    }

    fn role(&self, name: &str) -> SpeakerRole {
        if self.asks(name) {
            SpeakerRole::Interviewer
        } else if is_unclear_letter(name) && !listed(&self.participants, name) {
            SpeakerRole::Unclear
        } else {
            SpeakerRole::Participant
        }
    }

    /// The role of each name. A single unclear letter asks if other names are known to answer, and
    /// answers if another name is known to ask.
    pub(super) fn assign<'a>(&self, names: &[&'a str]) -> BTreeMap<&'a str, SpeakerRole> {
        let mut roles: BTreeMap<&str, SpeakerRole> =
            names.iter().map(|n| (*n, self.role(n))).collect();
        let unclear: Vec<&str> = names
            .iter()
            .copied()
            .filter(|n| roles.get(n) == Some(&SpeakerRole::Unclear))
            .collect();
        let answered = names
            .iter()
            .any(|n| !unclear.contains(n) && !self.asks(n) && listed(&self.participants, n));
        let settled = match unclear.as_slice() {
            [] => return roles,
            _ if names.iter().any(|n| self.asks(n)) => SpeakerRole::Participant,
            [_] if answered => SpeakerRole::Interviewer,
            _ => return roles,
        };
        for name in unclear {
            roles.insert(name, settled);
        }
        roles
    }
}

/// Whether a name, with or without its number, is in a list.
fn listed(names: &[String], name: &str) -> bool {
    let (whole, stem) = (name.to_lowercase(), stem(name));
    names.iter().any(|n| {
        let n = n.to_lowercase();
        n == whole || n == stem
    })
}

/// A name without its number: `Informan 3`, `SPEAKER_01`, `Informan B` and `informan` are the same.
fn stem(name: &str) -> String {
    let separators = [' ', '-', '_', '.', '\u{a0}'];
    let whole = name.trim_end_matches(|c: char| c.is_ascii_digit() || separators.contains(&c));
    match whole.rsplit_once(separators) {
        // A letter that counts: `Speaker A`.
        Some((before, letter)) if letter.len() == 1 && letter.starts_with(char::is_uppercase) => {
            before.trim_end_matches(separators).to_lowercase()
        }
        _ => whole.to_lowercase(),
    }
}

fn is_unclear_letter(name: &str) -> bool {
    UNCLEAR.contains(&stem(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_settled_by_the_others_or_not_at_all() {
        let roles = Roles::default();
        let of = |names: &[&'static str], name: &str| roles.assign(names)[name];
        assert_eq!(of(&["P", "Informan 1"], "P"), SpeakerRole::Interviewer);
        assert_eq!(of(&["P", "N"], "P"), SpeakerRole::Interviewer);
        assert_eq!(
            of(&["P1", "P2", "Moderator"], "P2"),
            SpeakerRole::Participant
        );
        assert_eq!(of(&["P", "I"], "P"), SpeakerRole::Unclear);
        assert_eq!(of(&["P1", "P2", "R"], "P1"), SpeakerRole::Unclear);
        assert_eq!(of(&["P", "Bu Rina"], "P"), SpeakerRole::Unclear);
    }

    #[test]
    fn named_roles_come_before_the_default_ones() {
        let roles = Roles::with(&["Informan".into()], &["Peneliti".into()]);
        assert!(roles.asks("Informan 2") && !roles.asks("Peneliti") && !roles.asks("Moderator"));
        let roles = Roles::with(&["P".into()], &[]);
        assert_eq!(roles.assign(&["P", "I"])["I"], SpeakerRole::Participant);
        let roles = Roles::with(&[], &["P".into()]);
        assert_eq!(roles.assign(&["P", "I"])["I"], SpeakerRole::Interviewer);
    }
}
