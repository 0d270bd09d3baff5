//! Transcripts in tables: `No | Pelaku | Transkrip | Koding`, as in Indonesian theses.

use super::marks::clock;
use super::roles::Roles;
use super::turns::Stretch;

/// Rows of cells.
pub(super) type Table = Vec<Vec<String>>;

const SPEAKER: &[&str] = &[
    "pelaku",
    "penutur",
    "pembicara",
    "speaker",
    "subjek",
    "subyek",
    "nama",
    "name",
    "aktor",
    "peran",
    "role",
    "tokoh",
    "responden",
    "informan",
    "partisipan",
    "participant",
];
const WORDS: &[&str] = &[
    "transkrip",
    "transkripsi",
    "transcript",
    "transcription",
    "verbatim",
    "ujaran",
    "tuturan",
    "dialog",
    "dialogue",
    "percakapan",
    "pernyataan",
    "utterance",
    "teks",
    "text",
    "isi",
    "ucapan",
    "hasil",
];
const QUESTION: &[&str] = &["pertanyaan", "question", "questions", "tanya"];
const ANSWER: &[&str] = &[
    "jawaban", "answer", "answers", "jawab", "respon", "response",
];
const CODING: &[&str] = &["koding", "pengodean", "kode", "coding", "code", "codes"];
const TIME: &[&str] = &["waktu", "menit", "time", "timestamp", "durasi"];

/// Rows within which a header is searched.
const HEADER_ROWS: usize = 3;

/// The contents of the columns of a transcript.
enum Columns {
    /// A speaker and words.
    Speech {
        speaker: usize,
        words: usize,
        time: Option<usize>,
        coding: Option<usize>,
    },
    /// A question and its answer; codes refer to the answer.
    Interview {
        question: usize,
        answer: usize,
        coding: Option<usize>,
    },
}

/// The plain text of a table, and its turns if it is a transcript; spans are bytes of that text.
pub(super) fn table_turns(rows: &Table) -> (String, Vec<Stretch>) {
    let mut made = Made::default();
    match columns(rows) {
        Some((header, columns)) => {
            rows[..header].iter().for_each(|row| made.plain(row));
            made.transcript(&rows[header..], &columns);
        }
        None => rows.iter().for_each(|row| made.plain(row)),
    }
    (made.text, made.turns)
}

/// The number of rows before the first turn, and the contents of the columns.
fn columns(rows: &Table) -> Option<(usize, Columns)> {
    let named = rows
        .iter()
        .take(HEADER_ROWS)
        .enumerate()
        .find_map(|(i, row)| Some((i + 1, by_header(row)?)));
    named.or_else(|| Some((0, by_roles(rows)?)))
}

fn by_header(row: &[String]) -> Option<Columns> {
    let column = |words: &[&str]| {
        row.iter().position(|cell| {
            let cell = cell.to_lowercase();
            let mut parts = cell.split(|c: char| !c.is_alphanumeric());
            cell.chars().count() <= 40 && parts.any(|p| words.contains(&p))
        })
    };
    let coding = column(CODING);
    if let (Some(question), Some(answer)) = (column(QUESTION), column(ANSWER)) {
        let coding = coding.filter(|c| *c != question && *c != answer);
        return Some(Columns::Interview {
            question,
            answer,
            coding,
        });
    }
    let (speaker, words) = (column(SPEAKER)?, column(WORDS)?);
    (speaker != words).then(|| Columns::Speech {
        speaker,
        words,
        time: column(TIME),
        coding: coding.filter(|c| *c != speaker && *c != words),
    })
}

/// Without a header: a column of known roles, and the other column with the longest cells.
fn by_roles(rows: &Table) -> Option<Columns> {
    const ROWS: usize = 3;
    let width = rows.iter().map(Vec::len).min()?;
    let roles = Roles::default();
    let is_role = |column: &usize| {
        let cells: Vec<&str> = rows.iter().map(|r| r[*column].trim()).collect();
        let named: Vec<&&str> = cells.iter().filter(|c| !c.is_empty()).collect();
        named.len() >= ROWS
            && named
                .iter()
                .all(|c| roles.is_known(c.trim_end_matches(':').trim()))
    };
    let speaker = (0..width).find(is_role)?;
    let length = |column: &usize| rows.iter().map(|r| r[*column].len()).sum::<usize>();
    let words = (0..width).filter(|c| *c != speaker).max_by_key(length)?;
    Some(Columns::Speech {
        speaker,
        words,
        time: None,
        coding: None,
    })
}

#[derive(Default)]
struct Made {
    text: String,
    turns: Vec<Stretch>,
}

impl Made {
    fn plain(&mut self, row: &[String]) {
        let cells: Vec<String> = row.iter().map(|c| c.replace('\n', " ")).collect();
        self.text.push_str(cells.join("\t").trim_end());
        self.text.push('\n');
    }

    fn transcript(&mut self, rows: &[Vec<String>], columns: &Columns) {
        let cell = |row: &[String], column: usize| {
            row.get(column)
                .map(|c| c.trim().to_string())
                .unwrap_or_default()
        };
        let mut last = String::new();
        for row in rows {
            match columns {
                Columns::Speech {
                    speaker,
                    words,
                    time,
                    coding,
                } => {
                    let name = cell(row, *speaker);
                    let name = name.trim_end_matches(':').trim();
                    if !name.is_empty() {
                        last = name.replace('\n', " ");
                    }
                    let time = time.and_then(|t| clock(&cell(row, t)));
                    let coding = coding.map_or(String::new(), |c| cell(row, c));
                    self.turn(&last, &cell(row, *words), time, coding);
                }
                Columns::Interview {
                    question,
                    answer,
                    coding,
                } => {
                    let coding = coding.map_or(String::new(), |c| cell(row, c));
                    self.turn("Pertanyaan", &cell(row, *question), None, String::new());
                    self.turn("Jawaban", &cell(row, *answer), None, coding);
                }
            }
        }
    }

    fn turn(&mut self, speaker: &str, words: &str, time: Option<u64>, coding: String) {
        if words.is_empty() {
            return;
        }
        if !speaker.is_empty() {
            self.text.push_str(speaker);
            self.text.push_str(": ");
        }
        let start = self.text.len();
        self.text.push_str(words);
        self.turns.push(Stretch {
            speaker: speaker.to_string(),
            span: start..self.text.len(),
            time,
            coding,
        });
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::turns::testing::{pair, spoken};
    use super::*;

    fn turns(rows: &[&[&str]]) -> Vec<(String, String)> {
        let rows = rows
            .iter()
            .map(|r| r.iter().map(ToString::to_string).collect())
            .collect();
        let (text, turns) = table_turns(&rows);
        spoken(&text, &turns)
    }

    #[test]
    fn columns_are_known_by_their_header() {
        let found = turns(&[
            &["Tabel 1", "", "", ""],
            &["No.", "Pelaku", "Transkrip Wawancara", "Koding"],
            &["1", "Pewawancara", "Bagaimana?", ""],
            &["2", "Informan", "Antri lama.\nObat kosong.", "akses"],
            &["3", "", "Air mati.", ""],
        ]);
        assert_eq!(
            found,
            [
                pair("Pewawancara", "Bagaimana?"),
                pair("Informan", "Antri lama.\nObat kosong."),
                pair("Informan", "Air mati."),
            ]
        );
    }

    #[test]
    fn a_column_of_codes_goes_with_its_row() {
        let rows = [
            ["No.", "Pelaku", "Transkrip", "Koding"],
            ["1", "Informan", "Antri lama.", "akses; R"],
            ["2", "", "Air mati.", ""],
        ];
        let rows = rows.map(|r| r.map(String::from).to_vec()).to_vec();
        let codings: Vec<String> = table_turns(&rows).1.into_iter().map(|t| t.coding).collect();
        assert_eq!(codings, ["akses; R", ""]);
    }

    #[test]
    fn questions_and_answers_are_two_turns_of_a_row() {
        let found = turns(&[
            &["No", "Pertanyaan", "Jawaban"],
            &["1", "Apa kabar?", "Baik."],
        ]);
        assert_eq!(
            found,
            [pair("Pertanyaan", "Apa kabar?"), pair("Jawaban", "Baik.")]
        );
    }

    #[test]
    fn a_column_of_roles_needs_no_header_and_other_tables_are_no_speech() {
        let found = turns(&[
            &["P:", "Apa?"],
            &["N:", "Air mati sejak Senin."],
            &["P:", "Lalu?"],
        ]);
        assert_eq!(found[1], pair("N", "Air mati sejak Senin."));
        assert_eq!(turns(&[&["Nama", "Umur"], &["Sari", "43"]]), []);
        assert_eq!(turns(&[&[]]), []);
    }
}
