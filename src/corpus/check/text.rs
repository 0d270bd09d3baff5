//! Damaged text and private data in a statement.

use super::{Finding, Kind as FindingKind, shown};
use crate::corpus::Statement;
use crate::ingest::privacy::{Kind, first_private};

pub(super) fn damage_and_private_data(statement: &Statement) -> Vec<Finding> {
    let finding = |kind, what: &str| Finding {
        kind,
        lines: vec![statement.line],
        message: format!("{what}: {}", shown(&statement.text)),
    };
    let damage = damage(&statement.text).map(|what| finding(FindingKind::TextDamage, what));
    let private = private_data(&statement.text).map(|what| finding(FindingKind::PrivateData, what));
    damage.into_iter().chain(private).collect()
}

fn damage(text: &str) -> Option<&'static str> {
    // UTF-8 read as Windows-1252: `Ã©` for é, `â€™` for ’.
    let mojibake = ["Ã©", "Ã¨", "Ã¡", "Ã¼", "Ã¶", "â€", "Â ", "ðŸ"];
    if text.contains('\u{FFFD}') {
        Some("a replacement character")
    } else if mojibake.iter().any(|m| text.contains(m)) {
        Some("text in the wrong encoding")
    } else if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        Some("a control character")
    } else if text.trim() != text {
        Some("white space at an end")
    } else {
        None
    }
}

fn private_data(text: &str) -> Option<&'static str> {
    first_private(text).map(|kind| match kind {
        Kind::Url => "a link",
        Kind::Email => "an e-mail address",
        Kind::Handle => "a handle",
        Kind::Address => "an address",
        Kind::Phone => "a phone number",
        Kind::Nik | Kind::Bpjs | Kind::Number => "an identity or card number",
        Kind::Plate => "a number plate",
        Kind::Name => "a name",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_data_is_found() {
        for (text, what) in [
            (
                "NIK saya 1371010101800001 tidak terbaca",
                "an identity or card number",
            ),
            ("hub 0812-3456-7890 ya", "a phone number"),
            ("WA +62 812 3456 789", "a phone number"),
            ("kirim ke budi.s@contoh.co.id", "an e-mail address"),
            ("lihat www.contoh.id", "a link"),
            ("tolong @pakbudi", "a handle"),
            ("rumah saya Jl. Merdeka Raya No. 12", "an address"),
            ("warga RT 03/RW 05", "an address"),
            ("truk BA 1234 XY ngebut", "a number plate"),
        ] {
            assert_eq!(private_data(text), Some(what), "{text}");
        }
    }

    #[test]
    fn sums_dates_and_masks_are_not_private() {
        for text in [
            "denda Rp 1.500.000 sejak 12/03/2026",
            "@user lihat <url>",
            "antri dari jam 6 sampai 13.00",
            "jalan rusak no 1 di kota",
        ] {
            assert_eq!(private_data(text), None, "{text}");
        }
    }

    #[test]
    fn damage_is_named() {
        assert_eq!(damage("caf\u{FFFD}"), Some("a replacement character"));
        assert_eq!(damage("cafÃ©"), Some("text in the wrong encoding"));
        assert_eq!(damage("a\u{7}b"), Some("a control character"));
        assert_eq!(damage(" a"), Some("white space at an end"));
        assert_eq!(damage("café 😡\nbaru"), None);
    }
}
