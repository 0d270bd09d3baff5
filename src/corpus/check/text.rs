//! Damaged text and private data in a statement.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Kind, shown};
use crate::corpus::Statement;

/// Patterns of private data with what each is called. Masks such as `<url>` and `@user` are none.
static PRIVATE: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let patterns = [
        ("an identity or card number", r"\b\d{13,19}\b"),
        (
            "a phone number",
            r"(?:\+62|\b62|\b0)[\s.-]?8\d{1,3}[\s.-]?\d{3,4}[\s.-]?\d{3,5}\b",
        ),
        (
            "a phone number",
            r"\+\d{1,3}[\s.-]?\(?\d{2,4}\)?[\s.-]?\d{3,4}[\s.-]?\d{3,4}\b",
        ),
        ("an e-mail address", r"[\w.+-]+@[\w-]+\.[\w.]+"),
        ("a link", r"(?i)\bhttps?://|\bwww\.\w"),
        ("a handle", r"(?:^|[^\w.])@\w{2,}"),
        (
            "a street address",
            r"(?i)\b(?:jl|jln|jalan)\.?\s+\w+(?:\s+\w+){0,3}\s+(?:no\.|nomor)\s*\d+",
        ),
        (
            "a house's RT and RW",
            r"(?i)\brt\.?\s*0*\d+\s*[/,]?\s*rw\.?\s*0*\d+",
        ),
        ("a number plate", r"\b[A-Z]{1,2} \d{3,4} [A-Z]{2,3}\b"),
    ];
    let compiled = patterns
        .into_iter()
        .filter_map(|(what, pattern)| Some((what, Regex::new(pattern).ok()?)));
    compiled.collect()
});

/// Handles that stand for any person.
const MASKED_HANDLES: [&str; 2] = ["@user", "@admin"];

pub(super) fn damage_and_private_data(statement: &Statement) -> Vec<Finding> {
    let finding = |kind, what: &str| Finding {
        kind,
        lines: vec![statement.line],
        message: format!("{what}: {}", shown(&statement.text)),
    };
    let damage = damage(&statement.text).map(|what| finding(Kind::TextDamage, what));
    let private = private_data(&statement.text).map(|what| finding(Kind::PrivateData, what));
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
    let masked = MASKED_HANDLES
        .iter()
        .fold(text.to_string(), |t, handle| t.replace(handle, ""));
    PRIVATE
        .iter()
        .find(|(_, pattern)| pattern.is_match(&masked))
        .map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PRIVATE.len(), 9);
    }

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
            ("rumah saya Jl. Merdeka Raya No. 12", "a street address"),
            ("warga RT 03/RW 05", "a house's RT and RW"),
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
