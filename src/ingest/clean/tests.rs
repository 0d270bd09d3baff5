use proptest::prelude::*;

use super::*;
use crate::ingest::privacy::{Counts, Kind, masked_for_models, redacted};

fn cleaned(cell: &str) -> String {
    statement_text(cell).into_text().into_owned()
}

/// Each cell with its expected text.
fn all(cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(cell, text)| cleaned(cell) != *text)
        .map(|(cell, text)| format!("{cell:?}\n   is {:?}\n  not {text:?}", cleaned(cell)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_pattern_compiles() {
    let own = [&HASHTAG, &SPACES];
    let lists: [&[&Pattern]; 5] = [
        &markup::PATTERNS,
        &mail::PATTERNS,
        &marks::PATTERNS,
        &ends::PATTERNS,
        &own,
    ];
    for (i, pattern) in lists.into_iter().flatten().enumerate() {
        assert!(pattern.regex().is_some(), "pattern {i}");
    }
}

#[test]
fn words_are_in_order() {
    for words in ends::WORDS.iter().chain(&marks::WORDS) {
        assert!(words.are_sorted());
    }
}

#[test]
fn plain_text_is_lent() {
    for text in [
        "Pompa di balai desa macet dan tidak ada yang memperbaiki",
        "  Antrean panjang sekali!  ",
        "The clerk shouted at us, why?",
    ] {
        let found = statement_text(text);
        assert!(matches!(found.text, Cow::Borrowed(_)), "{text}");
        assert_eq!(found.text(), text.trim());
        let at = found.in_cell(0..3);
        assert_eq!(&text[at], &text.trim()[..3]);
    }
}

#[test]
fn markup_is_dropped() {
    all(&[
        (
            "<p>Pompa <b>macet</b> &amp; bocor&nbsp;sejak Rabu.<br/><br>Tolong</p>",
            "Pompa macet & bocor sejak Rabu. Tolong",
        ),
        (
            "<div style=\"color:#333\" class='x'><span>Sudah beres</span></div>",
            "Sudah beres",
        ),
        ("Nobody came &lt;again&gt;", "Nobody came <again>"),
        ("Nobody came <again>", "Nobody came <again>"),
        ("I <3 this, 2 < 3 and 5 > 4", "I <3 this, 2 < 3 and 5 > 4"),
        ("<i love this app> crashes", "<i love this app> crashes"),
        ("&lt;p&gt;Pompa macet&lt;/p&gt;", "Pompa macet"),
        (
            "it didn&#39;t, it didn&#x27;t, it didn&amp;#39;t",
            "it didn't, it didn't, it didn't",
        ),
        ("R&amp;amp;D rusak, AT&T juga", "R&D rusak, AT&T juga"),
        (
            "<style>p { color: red }</style><!-- nota -->Pompa<script>x()</script> macet",
            "Pompa macet",
        ),
        ("<ul><li>satu</li><li>dua</li></ul>", "satu dua"),
        ("Pompa mati <img src=\"x.png", "Pompa mati"),
        (
            "[b]Pompa[/b] **mati** [di sini](https://a.id/b)",
            "Pompa mati di sini",
        ),
        ("listr<b>ik</b> padam", "listrik padam"),
    ]);
}

#[test]
fn escapes_are_undone() {
    all(&[
        (
            "Pompa macet\\nsejak Rabu\\r\\ntolong\\tya",
            "Pompa macet sejak Rabu tolong ya",
        ),
        ("Pompa_x000D_ macet", "Pompa macet"),
        ("\u{FEFF}Pompa\u{200B} macet\u{A0}lagi", "Pompa macet lagi"),
        ("👨\u{200D}👩 datang", "👨\u{200D}👩 datang"),
        ("Pompa   macet \n\n lagi", "Pompa macet lagi"),
        (
            "simpan di C:\\temp\\nota gagal",
            "simpan di C:\\temp\\nota gagal",
        ),
        (
            "caf=C3=A9 di pasar tutup, tarif =3D mahal, dan pompa di desa =\nsudah lama macet",
            "café di pasar tutup, tarif = mahal, dan pompa di desa sudah lama macet",
        ),
        ("a=b dan c=d, x=20", "a=b dan c=d, x=20"),
    ]);
}

#[test]
fn mail_is_unwrapped() {
    let body = "Pompa di balai desa macet sejak lama";
    for tail in [
        "\n\n--\nSalam,\nRudi Hartono",
        "\n\nSent from my iPhone",
        " Sent from my Galaxy",
        "\nDikirim dari Yahoo Mail di Android",
        "\nGet Outlook for iOS",
        "\n\nHormat kami,\nRudi Hartono\nKetua RT 03",
        "\nRegards,\nRudi",
        "\nTerima kasih,\nRudi Hartono\n0812-3344-5566",
        "\n\nTerima kasih",
        ". Salam hormat, Rudi Hartono",
        "\n\nOn Mon, 3 Mar 2025 at 10:00, Layanan <cs@contoh.id> wrote:\n> Mohon kirim foto\n> Salam",
        "\nPada tanggal 3 Maret 2025 10.00, Layanan menulis:\n> Mohon kirim foto",
        "\n-----Original Message-----\nFrom: Layanan\nSent: Monday\n\nMohon kirim foto",
        "\n\nDari: Layanan <cs@contoh.id>\nDikirim: Senin\nKepada: Rudi\nPerihal: Pompa\n\nMohon kirim foto",
        "\n> Mohon kirim foto\n> segera",
    ] {
        let found = cleaned(&format!("{body}{tail}"));
        assert_eq!(found.trim_end_matches('.'), body, "{tail:?}");
    }
    all(&[
        ("Terima kasih", "Terima kasih"),
        ("> dua minggu belum selesai", "> dua minggu belum selesai"),
        ("Re: Fwd: pompa macet", "pompa macet"),
        ("Salam,\nRudi", "Salam, Rudi"),
        ("-- \nRudi", "Rudi"),
        (
            "Petugasnya ramah, terima kasih",
            "Petugasnya ramah, terima kasih",
        ),
    ]);
}

#[test]
fn greetings_and_thanks_are_cut() {
    all(&[
        ("Selamat pagi, pompa kami macet", "pompa kami macet"),
        ("Selamat pagi", "Selamat pagi"),
        (
            "Assalamualaikum wr. wb. Pompa kami macet",
            "Pompa kami macet",
        ),
        ("Assalamu'alaikum, pompa macet", "pompa macet"),
        ("Halo admin, pompa macet", "pompa macet"),
        ("Halo min mau tanya kapan dibuka", "mau tanya kapan dibuka"),
        ("Halo PDAM, pompa macet", "pompa macet"),
        ("Dear Sir/Madam, the pump is broken", "the pump is broken"),
        ("Hi team, the pump is broken", "the pump is broken"),
        (
            "Good morning everyone. The pump is broken",
            "The pump is broken",
        ),
        ("Yth. Bapak/Ibu Kepala Dinas, pompa macet", "pompa macet"),
        ("Kepada Yth. Bapak Bupati\nPompa macet", "Pompa macet"),
        ("Min, pompa macet", "pompa macet"),
        ("Pagi min, pompa macet", "pompa macet"),
        ("Pagi ini pompa macet", "Pagi ini pompa macet"),
        ("Pak lurah tidak pernah ada", "Pak lurah tidak pernah ada"),
        ("Warga tidak diberi tahu", "Warga tidak diberi tahu"),
        (
            "Pompa desa kami macet lagi. Terima kasih.",
            "Pompa desa kami macet lagi.",
        ),
        (
            "Pompa desa kami macet lagi, terima kasih banyak ya min",
            "Pompa desa kami macet lagi",
        ),
        (
            "Pompa desa kami macet lagi. Atas perhatian Bapak kami ucapkan terima kasih",
            "Pompa desa kami macet lagi.",
        ),
        (
            "The pump broke down again. Thank you!",
            "The pump broke down again.",
        ),
        (
            "Mohon bantuannya, terima kasih",
            "Mohon bantuannya, terima kasih",
        ),
        (
            "Thanks for nothing, you broke the pump again",
            "Thanks for nothing, you broke the pump again",
        ),
        (
            "Petugas datang cepat sekali terima kasih",
            "Petugas datang cepat sekali terima kasih",
        ),
    ]);
}

#[test]
fn links_numbers_and_masks_are_marks() {
    all(&[
        ("@dinas_x pompa macet https://t.co/AbC1", "pompa macet"),
        ("RT @warga: pompa macet", "pompa macet"),
        ("pompa di @dinas_x macet", "pompa di _ macet"),
        ("lihat <url> sebelum marah", "lihat _ sebelum marah"),
        (
            "lihat [URL] dan [USERNAME] sebelum marah",
            "lihat _ sebelum marah",
        ),
        ("Ticket #12345: pompa macet", "pompa macet"),
        ("[#12345] pompa macet", "pompa macet"),
        ("No. tiket: ABC-123 pompa macet", "pompa macet"),
        ("pompa macet TKT-00123", "pompa macet"),
        (
            "telepon 0812-3344-5566 tidak diangkat",
            "telepon _ tidak diangkat",
        ),
        ("NIK 3299014107850001 ditolak", "NIK _ ditolak"),
        (
            "sejak 12/03/2024 pukul 08:30 pompa macet",
            "sejak _ pukul _ pompa macet",
        ),
        ("12 Maret 2024 pompa macet", "pompa macet"),
        (
            "pompa macet 3 jam, bayar Rp 1.500.000 atau 50.000",
            "pompa macet 3 jam, bayar Rp 1.500.000 atau 50.000",
        ),
        ("dua tahun 2019 2020 macet", "dua tahun 2019 2020 macet"),
        ("pompa di Jl. Melati macet", "pompa di Jl. Melati macet"),
        ("#pompa macet, masalah #1", "pompa macet, masalah #1"),
        ("kapan dibalas @dinas_x?", "kapan dibalas?"),
        (
            "hubungi CS (021-5550199) tidak bisa",
            "hubungi CS _ tidak bisa",
        ),
        (
            "My account XXXX was closed on XX/XX/2019 without notice",
            "My account _ was closed on _ without notice",
        ),
        ("https://t.co/x", ""),
        ("@a @b", ""),
        ("nama_file dan snake_case", "nama_file dan snake_case"),
    ]);
}

/// A sentence that only begins like a signature is not a signature.
#[test]
fn a_long_sentence_is_no_signature() {
    let complaint = "Sudah terkirim melalui aplikasi sejak dua minggu yang lalu tetapi sampai hari ini \
                     belum ada satu pun petugas yang datang memperbaiki pompa di desa kami";
    all(&[(complaint, complaint)]);
}

#[test]
fn short_spellings_are_written_out() {
    all(&[
        ("login g bisa terus", "login gak bisa terus"),
        ("Aplikasi gabisa dibuka", "Aplikasi gak bisa dibuka"),
        ("gbs bayar pakai kartu", "gak bisa bayar pakai kartu"),
        (
            "G BISA masuk, tdk bs daftar",
            "gak bisa masuk, tidak bisa daftar",
        ),
        ("belum  bs dipakai", "belum bisa dipakai"),
        ("nggabisa, blm bsa", "nggak bisa, belum bisa"),
        // Spellings that are common already, and similar ones that must stay.
        ("gak bisa dan tidak bisa", "gak bisa dan tidak bisa"),
        (
            "BPJS, bis kota, obs, bisakah",
            "BPJS, bis kota, obs, bisakah",
        ),
        ("Stasiun GBS ramai", "Stasiun GBS ramai"),
        ("ya bs aja", "ya bs aja"),
        ("beras 5 g bisa, 3 kg bisa", "beras 5 g bisa, 3 kg bisa"),
    ]);
}

/// The test sentences of `--redact`.
fn private_sentences() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/privacy/cases.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.records().map(|row| row.unwrap()[1].to_string());
    rows.collect()
}

#[test]
fn a_masked_text_and_the_same_unmasked_are_cleaned_alike() {
    let mut compared = 0;
    for text in private_sentences() {
        let masked = redacted(&text, &mut Counts::new());
        // Cleaning knows the patterns that models were trained with; `--redact` knows more.
        if masked == masked_for_models(&text) {
            assert_eq!(cleaned(&masked), cleaned(&text), "{text}");
            compared += 1;
        }
    }
    assert!(compared >= 50, "{compared}");
    let kinds = [
        (Kind::Url, "https://contoh.id/a"),
        (Kind::Email, "warga@contoh.id"),
        (Kind::Handle, "@dinas_x"),
        (Kind::Address, "Jl. Merdeka No. 12"),
        (Kind::Phone, "0812-3344-5566"),
        (Kind::Nik, "3299014107850001"),
        (Kind::Bpjs, "0001234567890"),
        (Kind::Number, "4000 0000 0000 0002"),
        (Kind::Plate, "BA 1234 XY"),
    ];
    for (kind, private) in kinds {
        for frame in [
            "X sudah lama macet",
            "pompa X macet",
            "pompa dekat X",
            "Halo, pompa (X) macet. Terima kasih",
        ] {
            let frame = |with: &str| frame.replace('X', with);
            let (bare, masked) = (frame(private), frame(kind.mask()));
            assert_eq!(redacted(&bare, &mut Counts::new()), masked);
            assert_eq!(cleaned(&bare), cleaned(&masked), "{bare}");
        }
    }
}

#[test]
fn places_in_the_text_are_found_in_the_cell() {
    let cell = "<p>Halo min, pompa&nbsp;di <b>balai</b> macet &amp; bocor</p>";
    let found = statement_text(cell);
    assert_eq!(found.text(), "pompa di balai macet & bocor");
    for word in ["pompa", "di", "balai", "macet", "bocor"] {
        let at = found.text().find(word).unwrap();
        assert_eq!(&cell[found.in_cell(at..at + word.len())], word);
    }
    let at = found.text().find('&').unwrap();
    assert_eq!(&cell[found.in_cell(at..at + 1)], "&amp;");
    assert_eq!(
        found.kinds().collect::<Vec<_>>(),
        [CutKind::Markup, CutKind::Greeting]
    );
}

/// Pieces that cells are composed of.
fn piece() -> impl Strategy<Value = String> {
    let given = prop::sample::select(vec![
        "<p>",
        "</p>",
        "<br>",
        "&amp;",
        "&lt;",
        "&#39;",
        "&nbsp;",
        "&amp;amp;",
        "\\n",
        "_x000D_",
        "\u{FEFF}",
        "\n",
        "\r\n",
        "  ",
        "=\n",
        "=3D",
        "=C3=A9",
        "> ya",
        "On Mon, 3 Mar 2025, X wrote:",
        "--\n",
        "Salam,\n",
        "Rudi Hartono",
        "Selamat pagi, ",
        "Halo min, ",
        "Terima kasih.",
        ", terima kasih",
        "https://t.co/x",
        "@user",
        "<url>",
        "[NAME]",
        "#12345",
        "TKT-00123",
        "0812-3344-5566",
        "12/03/2024",
        "08:30",
        "Rp 50.000",
        "_",
        " _ ",
        "#pompa",
        "RT @x: ",
        "pompa macet ",
        "tidak ada air ",
        "<again>",
        "Jl. Melati No. 3",
        "é",
        "👨\u{200D}👩",
        "\u{1}",
        "From: a\nSent: b\n",
    ]);
    prop_oneof![
        given.prop_map(String::from),
        "\\PC{0,6}",
        Just(" ".to_string())
    ]
}

proptest! {
    /// No cut character is uncounted, none is counted twice, and positions stay in order.
    #[test]
    fn what_goes_in_is_kept_or_said(pieces in prop::collection::vec(piece(), 0..12)) {
        let cell = pieces.concat();
        let found = statement_text(&cell);
        let said: usize = CutKind::ALL.iter().map(|kind| found.cut(*kind)).sum();
        // Unchanged characters; no two come from the same position.
        let mut end = 0;
        let mut as_they_are = 0;
        for (at, c) in found.text().char_indices() {
            let place = found.in_cell(at..at + c.len_utf8());
            prop_assert!(cell.is_char_boundary(place.start) && cell.is_char_boundary(place.end));
            prop_assert!(place.end >= end, "{cell:?}");
            as_they_are += usize::from(place.start >= end && cell[place.clone()] == *c.encode_utf8(&mut [0; 4]));
            end = place.end;
        }
        let total = cell.chars().count();
        prop_assert!(said <= total);
        prop_assert!(total - said <= as_they_are, "{:?} {:?}", cell, found);
    }

    /// Cleaning again changes nothing.
    #[test]
    fn what_is_clean_stays(pieces in prop::collection::vec(piece(), 0..8)) {
        let once = cleaned(&pieces.concat());
        prop_assert_eq!(cleaned(&once), once);
    }

    #[test]
    fn any_text_is_cleaned(text in "\\PC{0,80}") {
        let _ = statement_text(&text);
    }
}
