//! The roles of a table's columns: named by the user, by a preset, or guessed by column name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::base::toml::syntax_error;
use crate::error::{ColumnHolds, Error, Location, Result, nearest};

/// The role of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The statement.
    Text,
    /// The identifier of the statement.
    Id,
    /// The origin of the statement: a channel, a site.
    Source,
    /// The speaker.
    Speaker,
    /// The language of the statement.
    Lang,
    /// The time of the statement.
    Date,
    /// The case that the statement belongs to.
    Group,
}

impl Role {
    /// All roles, in the order of messages and reports.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Id,
        Self::Source,
        Self::Speaker,
        Self::Lang,
        Self::Date,
        Self::Group,
    ];

    /// Its name in `--map` and in presets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Id => "id",
            Self::Source => "source",
            Self::Speaker => "speaker",
            Self::Lang => "lang",
            Self::Date => "date",
            Self::Group => "group",
        }
    }

    /// The column names of the role, the sure ones first, and the number of sure ones.
    fn names(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Text => (TEXT_COLUMNS, 1),
            Self::Id => (
                &[
                    "id",
                    "complaint_id",
                    "complaint id",
                    "tracking_id",
                    "tracking id",
                    "ticket_id",
                    "review_id",
                    "reviewid",
                    "nomor tiket",
                    "nomor laporan",
                    "no laporan",
                    "no tiket",
                ],
                1,
            ),
            Self::Source => (
                &[
                    "source",
                    "source_type",
                    "sumber",
                    "kanal",
                    "channel",
                    "submitted_via",
                    "platform",
                ],
                2,
            ),
            Self::Speaker => (
                &[
                    "speaker",
                    "pembicara",
                    "informan",
                    "narasumber",
                    "pelaku",
                    "penutur",
                    "peran",
                    "pelapor",
                    "author",
                    "username",
                    "sender",
                ],
                1,
            ),
            Self::Lang => (&["lang", "language", "bahasa", "reviewer language"], 2),
            Self::Date => (
                &[
                    "date",
                    "tanggal",
                    "created_at",
                    "date_received",
                    "date received",
                    "tanggal laporan",
                    "waktu",
                    "timestamp",
                ],
                1,
            ),
            Self::Group => (
                &[
                    "group",
                    "kelompok",
                    "kasus",
                    "case",
                    "conversation_id",
                    "interview",
                ],
                1,
            ),
        }
    }
}

/// Names of text columns, tried if the user names none; the most specific first.
const TEXT_COLUMNS: &[&str] = &[
    "text",
    "teks",
    "statement",
    "pernyataan",
    "complaint",
    "isi keluhan",
    "isi_keluhan",
    "keluhan",
    "isi pengaduan",
    "isi_pengaduan",
    "pengaduan",
    "isi aduan",
    "isi_aduan",
    "aduan",
    "isi_laporan",
    "isi laporan",
    "uraian",
    "laporan",
    "isi",
    "narrative",
    "consumer complaint narrative",
    "complaint_what_happened",
    "review",
    "ulasan",
    "content",
    "comment",
    "komentar",
    "message",
    "pesan",
    "tweet",
    "full_text",
    "description",
    "deskripsi",
    "body",
];

/// The columns of a kind of export: for each role the possible names, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// Its name as given by the user.
    pub name: String,
    /// What it is used for.
    pub title: String,
    columns: BTreeMap<Role, Vec<String>>,
}

/// The built-in presets.
const PRESETS: [(&str, &str); 5] = [
    (
        "app-reviews",
        include_str!("../../presets/app-reviews.toml"),
    ),
    ("cfpb", include_str!("../../presets/cfpb.toml")),
    ("chatwoot", include_str!("../../presets/chatwoot.toml")),
    ("sp4n-lapor", include_str!("../../presets/sp4n-lapor.toml")),
    ("zammad", include_str!("../../presets/zammad.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetFile {
    schema_version: u32,
    title: String,
    columns: BTreeMap<Role, Vec<String>>,
}

impl Preset {
    /// The preset of that name, or from that file if it ends in `.toml`.
    pub fn named(name: &str) -> Result<Self> {
        let path = Path::new(name);
        if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("toml"))
        {
            let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
            return Self::from_toml(&text, name);
        }
        match PRESETS.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::from_toml(text, name),
            None => Err(Error::UnknownPreset {
                name: name.to_string(),
                known: Self::names().map(String::from).collect(),
            }),
        }
    }

    /// Names of the built-in presets.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    fn from_toml(text: &str, name: &str) -> Result<Self> {
        const SCHEMA_VERSION: u32 = 1;
        let file: PresetFile = toml::from_str(text).map_err(|e| syntax_error(text, name, &e))?;
        let fault = |reason: &str| Error::Syntax {
            at: Location::file(name),
            reason: reason.to_string(),
        };
        if file.schema_version != SCHEMA_VERSION {
            return Err(fault("schema_version must be 1"));
        }
        if file.columns.get(&Role::Text).is_none_or(Vec::is_empty) {
            return Err(fault("a preset names the column of the text"));
        }
        Ok(Self {
            name: name.to_string(),
            title: file.title,
            columns: file.columns,
        })
    }
}

/// How columns are found: first what the user named, then the preset, then a guess.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    /// Columns by role; a missing column is an error.
    pub named: BTreeMap<Role, String>,
    /// Columns of a kind of export; only the text column is required.
    pub preset: Option<Preset>,
}

/// A column with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its role.
    pub role: Role,
    /// Its position among the columns, from 0.
    pub position: usize,
    /// Whether the role was guessed by the column name.
    pub was_guessed: bool,
}

/// The user's choice of columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming<'a> {
    /// The column of the text; guessed by name if `None`.
    pub(super) text_column: Option<&'a str>,
    /// Whether the text of a JSON object may be a number or missing.
    pub(super) of_any_kind: bool,
    /// The columns with other roles, and a preset for all columns.
    pub(super) columns: &'a ColumnMap,
}

/// Position of the text column, and whether it was guessed.
pub(super) fn text_column(
    name: &str,
    columns: &[String],
    naming: Naming<'_>,
) -> Result<(usize, bool)> {
    let missing = |wanted: &str| missing(name, wanted, ColumnHolds::Text, columns);
    if let Some(wanted) = naming.text_column {
        let exact = columns.iter().position(|c| c == wanted);
        return exact.map(|i| (i, false)).ok_or_else(|| missing(wanted));
    }
    if let Some(preset) = &naming.columns.preset {
        let names = &preset.columns[&Role::Text];
        let found = names.iter().find_map(|n| position(columns, n));
        return found.map(|i| (i, false)).ok_or_else(|| missing(&names[0]));
    }
    // A name close to `text` is more likely a typo than a different column.
    let slip = nearest("text", columns)
        .is_some_and(|near| !TEXT_COLUMNS.contains(&near.to_lowercase().as_str()));
    TEXT_COLUMNS
        .iter()
        .take(if slip { 1 } else { TEXT_COLUMNS.len() })
        .find_map(|candidate| position(columns, candidate).map(|i| (i, *candidate != "text")))
        .ok_or_else(|| missing("text"))
}

/// The columns with other roles; the text column is at `text`. In the order of the roles.
pub(super) fn other_columns(
    name: &str,
    columns: &[String],
    text: usize,
    map: &ColumnMap,
) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    for role in Role::ALL.into_iter().filter(|r| *r != Role::Text) {
        let at = |position, was_guessed| Column {
            role,
            position,
            was_guessed,
        };
        if let Some(wanted) = map.named.get(&role) {
            let exact = columns.iter().position(|c| c == wanted);
            let position = exact.or_else(|| position(columns, wanted));
            found.push(at(
                position.ok_or_else(|| missing(name, wanted, ColumnHolds::Other, columns))?,
                false,
            ));
            continue;
        }
        let preset = map.preset.as_ref().and_then(|p| p.columns.get(&role));
        let of_preset = preset.and_then(|names| names.iter().find_map(|n| position(columns, n)));
        let (names, sure) = role.names();
        let guess = || {
            let mut names = names.iter().enumerate();
            names.find_map(|(i, n)| Some(at(position(columns, n)?, i >= sure)))
        };
        let column = of_preset.map(|position| at(position, false)).or_else(guess);
        found.extend(column.filter(|c| c.position != text));
    }
    Ok(found)
}

/// Other columns with the name of a text column, if the user named none.
pub(super) fn other_texts(columns: &[String], text: usize, naming: Naming<'_>) -> Vec<String> {
    if naming.text_column.is_some() || naming.columns.preset.is_some() {
        return Vec::new();
    }
    let is_text = |c: &str| TEXT_COLUMNS.contains(&c.trim().to_lowercase().as_str());
    let others = columns.iter().enumerate();
    let others = others.filter(|(i, c)| *i != text && is_text(c));
    others.map(|(_, c)| c.clone()).collect()
}

fn position(columns: &[String], wanted: &str) -> Option<usize> {
    columns
        .iter()
        .position(|c| c.trim().eq_ignore_ascii_case(wanted))
}

fn missing(name: &str, wanted: &str, holds: ColumnHolds, columns: &[String]) -> Error {
    Error::MissingColumn {
        path: name.to_string(),
        wanted: wanted.to_string(),
        holds,
        found: columns.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn text(names: &[&str], wanted: Option<&str>) -> Result<(usize, bool)> {
        let naming = Naming {
            text_column: wanted,
            of_any_kind: false,
            columns: &ColumnMap::default(),
        };
        text_column("f", &columns(names), naming)
    }

    fn others(names: &[&str], map: &ColumnMap) -> Result<Vec<(&'static str, usize, bool)>> {
        let found = other_columns("f", &columns(names), 99, map)?;
        let found = found.iter();
        Ok(found
            .map(|c| (c.role.name(), c.position, c.was_guessed))
            .collect())
    }

    #[test]
    fn the_text_column_is_named_guessed_or_missed() {
        assert_eq!(text(&["id", "Text"], None).unwrap(), (1, false));
        assert_eq!(text(&["id", "keluhan"], None).unwrap(), (1, true));
        assert_eq!(text(&["a", "b"], Some("b")).unwrap(), (1, false));
        assert!(text(&["id", "tekst"], None).is_err());
    }

    #[test]
    fn other_columns_are_named_set_or_guessed_in_this_order() {
        let mut map = ColumnMap::default();
        let names = ["id", "Tanggal", "kanal", "media", "conversation_id"];
        assert_eq!(
            others(&names, &map).unwrap(),
            [
                ("id", 0, false),
                ("source", 2, true),
                ("date", 1, true),
                ("group", 4, true)
            ]
        );
        map.preset = Some(Preset::named("chatwoot").unwrap());
        map.named.insert(Role::Source, "media".into());
        assert_eq!(
            others(&names, &map).unwrap(),
            [
                ("id", 0, false),
                ("source", 3, false),
                ("date", 1, true),
                ("group", 4, false)
            ]
        );
        map.named.insert(Role::Lang, "bahasa".into());
        assert_eq!(others(&names, &map).unwrap_err().code(), "K0204");
    }

    #[test]
    fn every_preset_is_whole_and_is_found_by_its_name() {
        for name in Preset::names() {
            let preset = Preset::named(name).unwrap();
            assert!(!preset.title.is_empty());
            let names = preset.columns.values().flatten();
            for column in names {
                assert_eq!(column.trim(), column, "{name}");
            }
        }
        assert_eq!(Preset::named("zamad").unwrap_err().code(), "K0404");
        assert_eq!(Preset::named("gone.toml").unwrap_err().code(), "K0101");
    }

    #[test]
    fn a_preset_without_a_text_or_with_a_slip_is_refused() {
        for toml in [
            "schema_version = 1\ntitle = \"x\"\n[columns]\nid = [\"a\"]\n",
            "schema_version = 2\ntitle = \"x\"\n[columns]\ntext = [\"a\"]\n",
            "schema_version = 1\ntitle = \"x\"\n[columns]\ntext = [\"a\"]\nchannel = [\"b\"]\n",
        ] {
            assert_eq!(Preset::from_toml(toml, "p").unwrap_err().code(), "K0401");
        }
    }
}
