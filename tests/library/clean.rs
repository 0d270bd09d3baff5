//! Statements in what surrounds them: the codes are those of the statement, the evidence stands in
//! the cell.

use std::sync::OnceLock;

use konflik::export::LabelledColumns;
use konflik::ingest::clean::CutKind;
use konflik::label::{LabelCounts, Labelled, Labeller, label_rows};
use konflik::{Decision, Format, Model, Prediction, ReadOptions, Reader};

use super::common::{fast, rows_of, small_corpus, trained};

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| trained(&small_corpus()).model)
}

/// What both ways of labelling say of a text.
fn both(text: &str) -> [Option<Prediction>; 2] {
    static LABELLER: OnceLock<Labeller<'_>> = OnceLock::new();
    let labeller = LABELLER.get_or_init(|| Labeller::new(model()));
    [model().predict(text), labeller.predict(text)].map(Result::unwrap)
}

fn coded(text: &str) -> Prediction {
    let [plain, folded] = both(text);
    let (plain, folded) = (plain.unwrap(), folded.unwrap());
    for (p, f) in plain.variables.iter().zip(&folded.variables) {
        assert_eq!((p.code, p.decision), (f.code, f.decision), "{text}");
    }
    folded
}

const STATEMENT: &str = "Saluran air di gang kami mampet dan petugasnya malah marah";

#[test]
fn what_surrounds_a_statement_changes_no_code() {
    let bare = coded(STATEMENT);
    for (before, after) in [
        ("<p>", "</p>"),
        ("<div style=\"margin:0\"><span>", "</span></div><br>"),
        ("Selamat pagi, ", ""),
        ("Yth. Bapak Kepala Dinas, ", ""),
        ("", "\n\n--\nSalam,\nRudi Hartono"),
        ("", "\n\nSent from my iPhone"),
        ("", ", terima kasih"),
        ("@dinas_x ", " https://contoh.id/a"),
        ("Tiket #20411: ", ""),
        ("\u{FEFF}", "_x000D_"),
        (
            "",
            "\n\nOn Mon, 3 Mar 2025 at 10:00, CS <cs@contoh.id> wrote:\n> Mohon kirim foto",
        ),
    ] {
        let cell = format!("{before}{STATEMENT}{after}");
        let wrapped = coded(&cell);
        assert_eq!(wrapped.language, bare.language, "{cell}");
        for (w, b) in wrapped.variables.iter().zip(&bare.variables) {
            assert_eq!(w.probabilities, b.probabilities, "{cell}");
            for (w, b) in w.evidence.iter().zip(&b.evidence) {
                let there = cell.chars().skip(w.start).collect::<String>();
                assert!(there.starts_with(&w.word), "{cell}");
                assert_eq!(w.word, b.word);
            }
        }
    }
}

#[test]
fn entities_inside_a_word_are_evidence_as_they_stand() {
    let cell = "The driver didn&#39;t stop <b>again</b>, he never apologi<i>s</i>es";
    for variable in coded(cell).variables {
        for evidence in variable.evidence {
            let there = cell.chars().skip(evidence.start).collect::<String>();
            assert!(there.starts_with(&evidence.word), "{evidence:?}");
        }
    }
}

#[test]
fn what_says_nothing_has_no_code() {
    for text in [
        "",
        " \n",
        "-",
        "--",
        "...",
        "?",
        "nan",
        "NULL",
        "n/a",
        "(Kosong)",
        "[removed]",
        "#VALUE!",
        "TIDAK ADA.",
        "Nihil",
        "none",
        "no",
        "😡😡",
        "👍🏽 👍🏽",
        "12",
        "1.000",
        "https://contoh.id/a",
        "@a @b",
        "<url> @user",
        "<Media omitted>",
        "Pesan ini telah dihapus",
        "test",
        "Tes 123",
        "asdfgh",
        "kkkkk",
        "sdfkjhsdfkjh",
        "&nbsp;",
        "<p></p>",
    ] {
        assert_eq!(both(text), [None, None], "{text:?}");
    }
    for text in [
        "Tidak ada air",
        "tes darahnya mahal",
        "Rp 5",
        "bpjs",
        "nonton",
        "no water",
        "kosong terus stoknya",
    ] {
        assert!(both(text).iter().all(Option::is_some), "{text:?}");
    }
}

#[test]
fn bare_answers_abstain() {
    for text in [
        "Iya, Bu.",
        "Belum",
        "Sudah kok",
        "tidak tahu, Pak",
        "Nggak ada sih",
        "Ya, betul.",
    ] {
        for variable in coded(text).variables {
            assert_eq!(variable.decision, Decision::Abstain, "{text}");
        }
    }
}

#[test]
fn rows_are_counted_by_what_was_cut() {
    let input =
        "id,text\n1,<p>Pompa macet</p>\n2,-\n3,\n4,\"Halo min, pompa <b>macet</b>\"\n5,#REF!\n";
    let mut options = ReadOptions::default();
    options.format = Some(Format::CSV);
    let mut reader = Reader::from_stream(Box::new(input.as_bytes()), "in", &options).unwrap();
    let mut wanted = LabelledColumns::default();
    wanted.prefix = "k_".into();
    let rows = rows_of(&reader, "csv", model(), &wanted);
    let mut out = Vec::new();
    let counts: LabelCounts = label_rows(
        &mut reader,
        fast(&Labeller::new(model())),
        &|row, bytes| rows.row(row, bytes),
        &mut |row| {
            if let Labelled::Rows { bytes, .. } = row {
                out.extend(bytes);
            }
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(
        (counts.rows, counts.labelled, counts.blank, counts.silent),
        (5, 2, 1, 2)
    );
    assert_eq!(
        (counts.first_blank, counts.first_silent),
        (Some(4), Some(3))
    );
    let cut: Vec<_> = counts.cut.into_iter().collect();
    assert_eq!(cut, [(CutKind::Markup, 2), (CutKind::Greeting, 1)]);
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("1,<p>Pompa macet</p>,"));
    for (line, cells) in [(1, "2,-"), (2, "3,"), (4, "5,#REF!")] {
        assert!(
            lines[line].starts_with(&format!("{cells},,,no_statement,,,,no_statement,,,")),
            "{}",
            lines[line]
        );
    }
}
