//! Reads Parquet by row group: a table whose header is its schema.
//!
//! Uncompressed, Snappy, gzip and LZ4 pages are read. Zstandard and Brotli are not: the crate for
//! Zstandard builds C code, and Brotli is rarely used.

use std::fs::File;

use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::{Building, MAX_COLUMNS, Message, Sink, damaged, number_text};
use crate::error::{Error, Result};
use crate::ingest::source::hex;

/// Sends the header as row 0, then the rows; fails if a column of a row group would unpack to
/// more than `limit` bytes.
pub(super) fn read(file: File, name: &str, limit: u64, sink: &Sink) -> Result<()> {
    let reader = SerializedFileReader::new(file).map_err(|e| damaged(name, &e))?;
    check(reader.metadata(), name, limit)?;
    let schema = reader.metadata().file_metadata().schema();
    let mut header = Building::new(0, sink.keep);
    for (position, field) in schema.get_fields().iter().enumerate() {
        header.put(position, field.name());
    }
    let mut is_wanted = sink.send(Message::Row(header.row));
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let failed = |e| damaged(name, &format!("row group {}: {e}", group + 1));
        let group = reader.get_row_group(group).map_err(failed)?;
        for row in group.get_row_iter(None).map_err(failed)? {
            if !is_wanted {
                return Ok(());
            }
            number += 1;
            let mut cells = Building::new(number, sink.keep);
            let row = row.map_err(failed)?;
            for (column, (_, field)) in row.get_column_iter().enumerate() {
                cells.put(column, &text(field));
            }
            is_wanted = cells.is_blank() || sink.send(Message::Row(cells.row));
        }
    }
    Ok(())
}

fn check(metadata: &ParquetMetaData, name: &str, limit: u64) -> Result<()> {
    let columns = metadata.file_metadata().schema().get_fields().len();
    if columns > MAX_COLUMNS {
        let reason = format!("it has {columns} columns; at most {MAX_COLUMNS} are read");
        return Err(damaged(name, &reason));
    }
    for column in metadata
        .row_groups()
        .iter()
        .flat_map(RowGroupMetaData::columns)
    {
        if u64::try_from(column.uncompressed_size()).is_ok_and(|size| size > limit) {
            return Err(Error::TooLarge {
                path: name.to_string(),
                limit,
            });
        }
        let codec = column.compression();
        if matches!(codec, Compression::ZSTD(_) | Compression::BROTLI(_)) {
            let column = column.column_path().string();
            let reason = format!(
                "column {column:?} is compressed with {codec}; write it with snappy, gzip, lz4 or without compression"
            );
            return Err(damaged(name, &reason));
        }
    }
    Ok(())
}

fn text(field: &Field) -> String {
    const SECOND: i64 = 1000;
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(x) => number_text(*x),
        Field::Float(x) => number_text(f64::from(*x)),
        Field::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_string(),
        // Text without the string annotation; other bytes as hexadecimal digits.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.to_string(),
            Err(_) => hex(bytes.data()),
        },
        Field::Date(days) => date(i64::from(*days)),
        Field::TimeMillis(ms) => time(i64::from(*ms) / SECOND),
        Field::TimeMicros(us) => time(us / SECOND / SECOND),
        Field::TimestampMillis(ms) => date_and_time(ms.div_euclid(SECOND)),
        Field::TimestampMicros(us) => date_and_time(us.div_euclid(SECOND * SECOND)),
        other => other.to_string(),
    }
}

const DAY: i64 = 86_400;

/// `2026-03-12`, with the time of day if there is one.
fn date_and_time(seconds: i64) -> String {
    let date = date(seconds.div_euclid(DAY));
    match seconds.rem_euclid(DAY) {
        0 => date,
        second => format!("{date} {}", time(second)),
    }
}

fn time(seconds: i64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The date of a day counted from 1970-01-01, by Howard Hinnant's algorithm `civil_from_days`
/// ("chrono-Compatible Low-Level Date Algorithms").
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::ingest::{Format, ReadOptions, Reader};

    fn fixture(name: &str) -> PathBuf {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/parquet.in");
        PathBuf::from(folder).join(name)
    }

    fn refusal(name: &str, options: &ReadOptions) -> String {
        let error = Reader::open(&fixture(name), options).err().unwrap();
        format!("{} {error}", error.code())
    }

    #[test]
    fn columns_are_read_over_row_groups_with_their_types_as_text() {
        for name in ["snappy", "gzip", "lz4", "plain"] {
            let path = fixture(&format!("{name}.parquet"));
            let mut reader = Reader::open(&path, &ReadOptions::default()).unwrap();
            let columns = ["id", "keluhan", "skor", "tanggal", "jam", "lunas", "tanda"];
            assert_eq!(reader.layout().columns, columns);
            let mut rows = Vec::new();
            while let Some(row) = reader.next_row().unwrap() {
                let record = row.unwrap();
                rows.push((record.line, record.cells().join("|")));
            }
            assert_eq!(
                rows,
                [
                    (
                        1,
                        "1|Antri lama, \"sekali\" 😡|4.5|2026-03-12|2026-03-12 08:05:00|TRUE|Air"
                            .into()
                    ),
                    (2, "2||3|||FALSE|".into()),
                    (
                        4,
                        "4|Obat kosong||1969-12-31|1969-12-31 23:59:59||ff00".to_string()
                    ),
                ],
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let said = refusal("zstd.parquet", &ReadOptions::default());
        assert!(
            said.starts_with("K0208") && said.contains("is compressed with ZSTD"),
            "{said}"
        );
        let small = ReadOptions {
            max_unpacked: 10,
            ..ReadOptions::default()
        };
        assert!(refusal("snappy.parquet", &small).starts_with("K0210"));
        assert!(refusal("cut.parquet", &ReadOptions::default()).starts_with("K0208"));
        let said = refusal("no-text.parquet", &ReadOptions::default());
        assert!(said.starts_with("K0204") && said.contains("skor"), "{said}");
    }

    #[test]
    fn the_content_goes_before_the_suffix() {
        let reader = Reader::open(&fixture("mislabelled.csv"), &ReadOptions::default()).unwrap();
        assert_eq!(reader.layout().mislabelled, Some(Format::Parquet));
        assert_eq!(reader.layout().format, Format::CSV);
    }

    #[test]
    fn days_are_dates() {
        for (day, wanted) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (20_524, "2026-03-12"),
            (-719_528, "0000-01-01"),
        ] {
            assert_eq!(date(day), wanted);
        }
    }
}
