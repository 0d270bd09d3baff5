//! The roles of a table's columns: named by the user, by a preset, or guessed by column name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::shape::{Shape, prose};
use crate::base::toml::syntax_error;
use crate::error::{ColumnHolds, Error, Location, Result};

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

/// Words in names of text columns, the most telling first.
const TEXT_WORDS: &[&str] = &[
    "text",
    "teks",
    "narrative",
    "narasi",
    "uraian",
    "isi",
    "verbatim",
    "keluhan",
    "complaint",
    "pengaduan",
    "aduan",
    "kronologi",
    "deskripsi",
    "description",
    "komentar",
    "comment",
    "review",
    "ulasan",
    "feedback",
    "statement",
    "pernyataan",
    "message",
    "pesan",
    "masukan",
    "saran",
    "kritik",
    "tanggapan",
    "remark",
    "suggestion",
    "opini",
    "opinion",
    "pendapat",
    "testimoni",
    "curhat",
    "cerita",
    "tweet",
    "caption",
    "content",
    "konten",
    "body",
    "laporan",
    "masalah",
    "permasalahan",
    "kendala",
    "problem",
    "issue",
    "alasan",
    "jawaban",
    "answer",
    "kesan",
    "harapan",
    "detail",
    "keterangan",
    "catatan",
    "note",
];

/// Words in names of columns that hold something about a text rather than the text.
const NO_TEXT_WORDS: &[&str] = &[
    "id",
    "no",
    "nomor",
    "number",
    "num",
    "kode",
    "code",
    "date",
    "tanggal",
    "tgl",
    "time",
    "waktu",
    "jam",
    "bulan",
    "month",
    "tahun",
    "year",
    "created",
    "updated",
    "type",
    "tipe",
    "jenis",
    "kategori",
    "category",
    "kelas",
    "class",
    "topik",
    "topic",
    "status",
    "nama",
    "name",
    "url",
    "link",
    "count",
    "jumlah",
    "total",
    "length",
    "rating",
    "score",
    "skor",
    "sentiment",
    "sentimen",
    "lang",
    "language",
    "bahasa",
    "label",
    "author",
    "user",
    "email",
    "phone",
    "telepon",
    "kanal",
    "channel",
    "source",
    "sumber",
    "lokasi",
    "location",
    "alamat",
    "address",
    "prioritas",
    "priority",
    "unit",
    "by",
    "oleh",
    "judul",
    "subject",
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

/// The column of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextColumn {
    pub(super) position: usize,
    pub(super) was_guessed: bool,
    /// Other columns that could hold the text, if the user named none.
    pub(super) others: Vec<String>,
}

impl TextColumn {
    /// A text within other objects, which was found by its path or by its last key.
    pub(super) fn nested(position: usize, naming: Naming<'_>) -> Self {
        Self {
            was_guessed: naming.text_column.is_none(),
            ..Self::named(position)
        }
    }

    fn named(position: usize) -> Self {
        Self {
            position,
            was_guessed: false,
            others: Vec::new(),
        }
    }
}

/// The text column: named by the user or a preset, else guessed by its name, else by what is in
/// it. `rows` are the first rows.
pub(super) fn text_column(
    name: &str,
    columns: &[String],
    rows: &[Vec<String>],
    naming: Naming<'_>,
) -> Result<TextColumn> {
    let missing = |wanted: &str| missing(name, wanted, ColumnHolds::Text, columns);
    if let Some(wanted) = naming.text_column {
        let exact = columns.iter().position(|c| c == wanted);
        let found = exact.or_else(|| columns.iter().position(|c| c.trim() == wanted.trim()));
        return found.map(TextColumn::named).ok_or_else(|| missing(wanted));
    }
    if let Some(preset) = &naming.columns.preset {
        let names = &preset.columns[&Role::Text];
        let found = names.iter().find_map(|n| position(columns, n));
        let found = found.map(TextColumn::named);
        return found.ok_or_else(|| missing(&names[0]));
    }
    guessed_text(columns, rows).ok_or_else(|| missing("text"))
}

fn guessed_text(columns: &[String], rows: &[Vec<String>]) -> Option<TextColumn> {
    let amount = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        prose(cells.map(String::as_str))
    };
    let sure = position(columns, TEXT_COLUMNS[0]);
    let mut likely = by_name(columns);
    let has_prose = |column: &usize| amount(*column) > 0.0;
    let is_sure = sure.is_some();
    if !is_sure && likely.iter().any(has_prose) {
        likely.retain(has_prose);
    }
    let is_headless = columns.iter().any(|c| is_data_like(c));
    if likely.is_empty() && !is_headless {
        likely = by_content(columns.len(), amount);
    }
    let position = sure.or(likely.first().copied())?;
    let others = likely.iter().filter(|column| **column != position);
    Some(TextColumn {
        position,
        was_guessed: !is_sure,
        others: others.map(|column| columns[*column].clone()).collect(),
    })
}

/// Whether a name is a number or a date, so that its row is one of data rather than a header.
fn is_data_like(name: &str) -> bool {
    matches!(Shape::of(name), Some(Shape::Number | Shape::Date))
}

/// Columns with a name of a text column, the best first: known names, then names with a word of
/// one.
fn by_name(columns: &[String]) -> Vec<usize> {
    let rank = |name: &String| {
        let lower = name.trim().to_lowercase();
        let known = TEXT_COLUMNS.iter().position(|known| *known == lower);
        let worded = || text_word(name).map(|word| TEXT_COLUMNS.len() + word);
        known.or_else(worded)
    };
    let ranked = columns.iter().enumerate();
    let ranked = ranked.filter_map(|(i, name)| Some((rank(name)?, i)));
    let mut ranked: Vec<(usize, usize)> = ranked.collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, i)| i).collect()
}

/// Columns with prose, the longest first; the others have at least half as many words.
fn by_content(columns: usize, amount: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut found: Vec<(f64, usize)> = (0..columns).map(|c| (amount(c), c)).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let most = found.first().map_or(0.0, |(words, _)| *words);
    let likely = found
        .into_iter()
        .filter(|(words, _)| *words > 0.0 && words * 2.0 >= most);
    likely.map(|(_, column)| column).collect()
}

/// Whether a name is one of a text column, or has a word of one.
pub(super) fn is_text_name(name: &str) -> bool {
    !by_name(&[name.to_string()]).is_empty()
}

/// The rank of the best word for text in the name; `None` if another word says that
/// the column holds something else.
fn text_word(name: &str) -> Option<usize> {
    let words = words(name);
    if words
        .iter()
        .any(|word| NO_TEXT_WORDS.contains(&word.as_str()))
    {
        return None;
    }
    let rank = |word: &String| {
        let plain = word.strip_suffix("nya").unwrap_or(word);
        let plain = [plain, plain.strip_suffix('s').unwrap_or(plain)];
        TEXT_WORDS.iter().position(|known| plain.contains(known))
    };
    words.iter().filter_map(rank).min()
}

/// The words of a name in lower case: `isi_laporan`, `Isi Laporan` and `isiLaporan` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
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

/// The column that is taken for the ids if none is named: `konflik_id`, else by its name.
pub fn id_column(columns: &[String]) -> Option<&str> {
    let (names, _) = Role::Id.names();
    let mut names = ["konflik_id"].iter().chain(names);
    names.find_map(|name| Some(columns[position(columns, name)?].as_str()))
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

    fn found(names: &[&str], rows: &[&[&str]], wanted: Option<&str>) -> Result<TextColumn> {
        let naming = Naming {
            text_column: wanted,
            of_any_kind: false,
            columns: &ColumnMap::default(),
        };
        let rows: Vec<_> = rows.iter().map(|row| columns(row)).collect();
        text_column("f", &columns(names), &rows, naming)
    }

    fn text(names: &[&str], wanted: Option<&str>) -> Result<(usize, bool)> {
        found(names, &[], wanted).map(|text| (text.position, text.was_guessed))
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
        assert_eq!(text(&["tiket", "Teks"], None).unwrap(), (1, true));
    }

    #[test]
    fn a_word_in_a_longer_name_tells_the_text_column() {
        for name in [
            "Review Text",
            "Comments",
            "Your feedback",
            "Isi Laporan ",
            "uraian_masalah",
            "isiAduan",
            "Keluhan Pelanggan",
            "Apa saran Anda?",
            "TICKET-DESCRIPTION",
            "Komentarnya",
            "[pesan]",
        ] {
            assert_eq!(
                text(&["No", name, "Tanggal"], None).unwrap(),
                (1, true),
                "{name}"
            );
        }
        for name in [
            "Jenis Keluhan",
            "Tanggal Laporan",
            "review_id",
            "commentCount",
            "Isian",
        ] {
            assert!(text(&["No", name], None).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_in_a_column_tells_where_its_name_does_not() {
        let rows: &[&[&str]] = &[
            &["1", "air", "Air keruh sejak Senin.", "Dinas Pekerjaan Umum"],
            &[
                "2",
                "loket",
                "Petugas kasar sekali pagi ini.",
                "Dinas Pekerjaan Umum",
            ],
        ];
        let by_content = found(&["a", "b", "c", "d"], rows, None).unwrap();
        assert_eq!((by_content.position, by_content.was_guessed), (2, true));
        let prose = found(&["a", "keluhan", "uraian masalah", "d"], rows, None).unwrap();
        assert_eq!(prose.position, 2);
        assert!(prose.others.is_empty());
        let two = found(
            &["a", "b", "komentar", "saran"],
            &[&["", "", "a b c", "d e f"]],
            None,
        );
        assert_eq!(two.unwrap().others, ["saran"]);
        assert!(found(&["1", "air", "Air mati", "2026-01-02"], rows, None).is_err());
        assert!(found(&["a", "b"], &[&["1", "2"]], None).is_err());
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
