use std::io::{Cursor, Write};
use std::path::PathBuf;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::Result;
use crate::ingest::{Format, ReadOptions, Reader};

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/tables.in");
    PathBuf::from(folder).join(name)
}

fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An ODS file whose only sheet has these rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>\
         <office:document-content><office:spreadsheet><table:table table:name=\"S\">{rows}\
         </table:table></office:spreadsheet></office:document-content>"
    );
    packed(&[("content.xml", content.as_bytes())])
}

fn cell(text: &str) -> String {
    format!(
        "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
    )
}

fn open(bytes: Vec<u8>, options: &ReadOptions) -> Result<Reader> {
    let options = ReadOptions {
        format: Some(Format::Workbook),
        ..options.clone()
    };
    Reader::from_stream(Box::new(Cursor::new(bytes)), "in", &options)
}

/// The cells of the rows, or the code of their fault, with their row numbers.
fn rows(reader: &mut Reader) -> Vec<(u64, Vec<String>)> {
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(match row {
            Ok(record) => (
                record.line,
                record.cells().into_iter().map(String::from).collect(),
            ),
            Err(row) => (row.at.line, vec![row.fault.code().to_string()]),
        });
    }
    rows
}

#[test]
fn a_sheet_of_libreoffice_is_read_with_its_header_dates_and_numbers() {
    for kind in ["xlsx", "ods"] {
        let path = fixture(&format!("complaints.{kind}"));
        let mut reader = Reader::open(&path, &ReadOptions::default()).unwrap();
        let sheet = reader.layout().sheet.clone().unwrap();
        assert_eq!(
            (sheet.name.as_str(), sheet.header_row),
            ("Pengaduan", 4),
            "{kind}"
        );
        assert_eq!(sheet.others, ["Kosong", "Catatan", "Kuartal 2"]);
        assert_eq!(
            reader.layout().columns,
            ["No", "Tanggal", "Isi Laporan", "Skor", "Jam", "Selesai"]
        );
        let found = rows(&mut reader);
        // LibreOffice writes booleans as numbers into ODS, and 15 digits into XLSX.
        let (truth, digits) = match kind {
            "xlsx" => ("TRUE", "1234567890123460"),
            _ => ("1", "1234567890123456"),
        };
        assert_eq!(
            found[0],
            (
                5,
                [
                    "1",
                    "2026-03-12",
                    "Antri dari jam enam, obatnya kosong",
                    "4.5",
                    "14:30:00",
                    truth
                ]
                .map(String::from)
                .to_vec()
            )
        );
        assert_eq!(found[1].1[1], "2026-03-13 08:05:00");
        assert_eq!(
            found[1].1[2],
            "Air mati, \"katanya\" besok\nsampai sekarang tetap mati"
        );
        assert_eq!(found[2].1[2], "الماء مقطوع منذ يومين & لا أحد يجيب");
        assert_eq!(found[2].1[3..5], ["-0.25", "00:00:09"]);
        assert_eq!(
            (found[3].1[2].as_str(), found[3].1[3].as_str()),
            ("", digits)
        );
        assert_eq!(found[4].0, 10);
        assert_eq!(found[4].1[..3], ["5", "", "Petugas  ramah,\tterima kasih"]);
    }
}

#[test]
fn a_sheet_is_taken_by_its_name() {
    let options = ReadOptions {
        sheet: Some("Kuartal 2".into()),
        ..ReadOptions::default()
    };
    for kind in ["xlsx", "ods"] {
        let path = fixture(&format!("complaints.{kind}"));
        let mut reader = Reader::open(&path, &options).unwrap();
        assert_eq!(rows(&mut reader)[0].1, ["a-1", "Jalan berlubang"]);
    }
    let options = ReadOptions {
        sheet: Some("Kuartal 3".into()),
        ..ReadOptions::default()
    };
    let error = Reader::open(&fixture("complaints.ods"), &options)
        .err()
        .unwrap();
    assert_eq!(error.code(), "K0209");
}

#[test]
fn what_unpacks_beyond_the_limit_is_refused() {
    let options = ReadOptions {
        max_unpacked: 1 << 20,
        ..ReadOptions::default()
    };
    let zeros = vec![0; 3 << 20];
    let bomb = packed(&[("xl/worksheets/sheet1.xml", &zeros)]);
    assert!(bomb.len() < 8192);
    assert_eq!(open(bomb, &options).err().unwrap().code(), "K0210");
    let halves = packed(&[("a", &zeros[..1 << 19]), ("b", &zeros[..=(1 << 19)])]);
    assert_eq!(open(halves, &options).err().unwrap().code(), "K0210");
}

#[test]
fn a_row_that_stands_for_millions_of_cells_is_not_held() {
    let bomb = format!(
        "<table:table-row>{}{}</table:table-row><table:table-row table:number-rows-repeated=\"99999999\">\
         <table:table-cell table:number-columns-repeated=\"99999999\" office:value-type=\"string\">\
         <text:p>x</text:p></table:table-cell></table:table-row>",
        cell("id"),
        cell("text")
    );
    let options = ReadOptions {
        max_cell: 1000,
        ..ReadOptions::default()
    };
    // Cells beyond the header in the first rows are columns too: 16,384 in all.
    let mut reader = open(ods(&bomb), &options).unwrap();
    assert_eq!(reader.layout().columns.len(), 16_384);
    assert_eq!(reader.next_row().unwrap().unwrap().unwrap().line, 2);
}

#[test]
fn a_row_wider_than_the_table_is_refused_with_its_place() {
    let blank = cell("a").repeat(2);
    let many = format!("<table:table-row>{blank}</table:table-row>").repeat(120);
    let sheet = format!(
        "<table:table-row>{}{}</table:table-row>{many}<table:table-row>{}</table:table-row>",
        cell("id"),
        cell("text"),
        cell("a").repeat(3)
    );
    let mut reader = open(ods(&sheet), &ReadOptions::default()).unwrap();
    let found = rows(&mut reader);
    assert_eq!(found[119].1, ["a", "a"]);
    assert_eq!(found[120], (122, vec!["K0301".to_string()]));
}

#[test]
fn entities_of_a_dtd_are_not_expanded() {
    let sheet = format!(
        "<table:table-row>{}</table:table-row><table:table-row>{}</table:table-row>",
        cell("text"),
        cell("&b; &amp; &#x41;")
    );
    let mut reader = open(ods(&sheet), &ReadOptions::default()).unwrap();
    assert_eq!(rows(&mut reader), [(2, vec!["&b; & A".to_string()])]);
}

#[test]
fn what_is_no_workbook_is_named() {
    let xlsx = std::fs::read(fixture("complaints.xlsx")).unwrap();
    for bytes in [
        xlsx[..xlsx.len() / 2].to_vec(),
        b"PK\x03\x04".to_vec(),
        Vec::new(),
        packed(&[("word/document.xml", b"<w:document/>")]),
    ] {
        let error = open(bytes, &ReadOptions::default()).err().unwrap();
        assert_eq!(error.code(), "K0208", "{error}");
    }
    let locked = packed(&[
        ("content.xml", b"?"),
        ("META-INF/manifest.xml", b"<manifest:encryption-data/>"),
    ]);
    let error = open(locked, &ReadOptions::default()).err().unwrap();
    assert!(error.to_string().contains("password"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any XML in an ODS sheet is read or rejected.
    #[test]
    fn any_content_is_read_or_refused(parts in prop::collection::vec(prop::sample::select(vec![
        "<table:table-row>", "</table:table-row>", "<table:table-cell office:value-type=\"float\" office:value=\"1e300\">",
        "<table:table-cell office:value-type=\"time\" office:time-value=\"PTxH\">", "</table:table-cell>", "<text:p>", "</text:p>", "text", "x",
        "<text:s text:c=\"99\"/>", "&#x0;", "&amp;", "<table:table>", "</table:table>", "<draw:a>", "<!-- -->", "<![CDATA[c]]>"]), 0..40)) {
        if let Ok(mut reader) = open(ods(&parts.concat()), &ReadOptions::default()) {
            while let Ok(Some(_)) = reader.next_row() {}
        }
    }
}
