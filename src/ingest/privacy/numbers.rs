//! Numbers that only their neighbours tell apart: where a run of digits ends, which are the numbers
//! of tickets, and which words name a phone, a plate or an account.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::kinds::Kind;

/// Digits in words, Indonesian and English.
const SPELLED: &str = "nol|kosong|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|zero|one|two|three|four|five|six|seven|eight|nine";

/// Patterns that only masking uses, in order.
pub(super) fn further() -> Vec<(Kind, String)> {
    let spelled = format!(r"(?i)\b(?:{SPELLED})(?:[\s,.-]+(?:{SPELLED})){{7,}}\b");
    let account = "rek(?:ening)?|norek|account|acct|bca|bri|bni|bsi|btn|mandiri|cimb|danamon|permata|va|virtual account|gopay|ovo|dana";
    let account = format!(
        r"(?i)(?P<before>\b(?:{account})\b[\s.:#(]*(?:(?:no|nomor|number|saya|bank|{account})\b[\s.:#(]*){{0,3}})(?:\d{{3,4}}(?:[ -]\d{{2,6}}){{2,4}}|\d{{8,19}})"
    );
    let phones = "telp|telepon|telpon|tlp|telephone|phone|hp|wa|whatsapp|fax|hub|hubungi|call|kontak|contact";
    // Call centres begin with 1.
    let local = format!(
        r"(?i)(?P<before>\b(?:{phones})\b[\s.:]*(?:(?:no|nomor|number|at|di|ke)\b[\s.:]*)?)[2-9]\d{{2,3}}[ -]?\d{{3,4}}"
    );
    let street = "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court";
    let forms = [
        (
            Kind::Email,
            r"(?i)[\w.+-]*\w ?[(\[]at[)\]] ?[\w-]+(?: ?(?:\.|[(\[]dot[)\]]) ?[\w-]+)+".into(),
        ),
        (
            Kind::Handle,
            r"(?i)(?P<before>\b(?:ig|instagram|twitter|tiktok|telegram|fb)\b ?[:=] ?)(?P<handle>\w+(?:\.\w+)*)".into(),
        ),
        (
            Kind::Address,
            format!(r"\b\d{{1,5}}[A-Za-z]? (?:[A-Z][\w'-]*\s+){{1,3}}(?:{street})\b"),
        ),
        (
            Kind::Number,
            r"(?i)(?P<before>\b(?:paspor|passport)\b[\s.:#]*(?:(?:no|nomor|number)\b[\s.:#]*)?)[a-z]{1,2} ?\d{6,8}".into(),
        ),
        (Kind::Number, r"\d{3}-\d{2}-\d{4}".into()),
        (Kind::Phone, spelled),
        (Kind::Number, account),
        (Kind::Phone, r"(?P<before>^|[^\w])[oO]8\d{1,2}(?:[ .-]?\d{2,4}){2,4}".into()),
        (Kind::Phone, r"\(?0\d{3}\)?[ .-]?\d{3}[ .-]\d{3}[ .-]\d{2,3}".into()),
        (Kind::Phone, r"\(0?8\d{1,2}\)[ .-]?\d{3,4}[ .-]?\d{3,5}".into()),
        (Kind::Phone, r"(?:\+|00)[1-9]\d{0,2}[\s.-]?\(?\d{1,4}\)?[\s.-]?\d{3,4}[\s.-]?\d{3,5}".into()),
        (Kind::Phone, r"\+\d{2}[ .]?\d(?:[ .]\d{2}){4}".into()),
        (Kind::Phone, r"\(\d{3}\) ?\d{3}[ .-]\d{4}".into()),
        (Kind::Phone, r"\d{3}-\d{3}-\d{4}".into()),
        (Kind::Phone, r"0\d{4} \d{6}".into()),
        (Kind::Phone, r"0\d{2,3}\.\d{3,4}\.?\d{3,4}".into()),
        // An area code, then the number: no order number has so many digits after 02 to 07 or 09.
        (Kind::Phone, r"0(?:2[1-9]|[3-79]\d)\d{6,8}".into()),
        (Kind::Phone, local),
        (
            Kind::Plate,
            r"(?i)(?P<before>\b(?:plat|nopol|no\.? ?pol|nomor polisi|plate)\b[\s.:]*(?:(?:no|nomor|number)\b[\s.:]*)?)[a-z]{1,2}[ .-]?\d{1,4}(?:[ .-]?[a-z]{1,3})?\b".into(),
        ),
        (
            Kind::Plate,
            r"(?i)(?P<before>\b(?:motor|mobil|bus|truk|angkot|taksi|kendaraan|car|truck)\b\s+)[a-z]{1,2}[ .-]?\d{3,4}[ .-]?(?P<end>[a-z]{1,3})\b".into(),
        ),
        (
            Kind::Plate,
            r"(?P<before>\b(?i:motor|mobil|bus|truk|angkot|taksi|kendaraan|car|truck)\b\s+)[A-Z]{1,2}[ .-]?\d{1,4}[ .-]?(?P<end>[A-Z]{1,3})\b".into(),
        ),
        (
            Kind::Plate,
            r"\b[A-Z]{1,2}-[1-9]\d{2,3}-(?P<end>[A-Z]{1,3})\b".into(),
        ),
    ];
    forms.into()
}

/// Whether a lower-case text may have digits in words, a handle after the name of a site, or an
/// e-mail address spelled out.
pub(super) fn may_be_spelled(lower: &str) -> bool {
    const SIGNS: [&str; 7] = ["delapan", "eight", "nol ", "(at)", "[at]", ":", "="];
    SIGNS.iter().any(|sign| lower.contains(sign))
}

/// Whether a run of digits goes on neither before nor behind its match, nor is the end of a number
/// with separators of thousands. A letter, or a written `\n`, may be on either side.
pub(super) fn is_whole_run(text: &str, range: Range<usize>) -> bool {
    let before = &text.as_bytes()[..range.start];
    let goes_on = match before {
        [.., a, b'.' | b','] | [.., a] => a.is_ascii_digit(),
        [] => false,
    };
    let behind = text.as_bytes().get(range.end);
    !goes_on && !behind.is_some_and(u8::is_ascii_digit)
}

/// Whether a number is named as that of a ticket, a complaint or an order.
pub(super) fn is_ticket(text: &str, range: Range<usize>) -> bool {
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let words = "tiket|ticket|aduan|pengaduan|laporan|keluhan|order|pesanan|inv(?:oice)?|resi|case|ref(?:erensi|erence)?|tracking|trx|tkt";
        let form = format!(
            r"(?i)\b(?:{words})[\s:.#-]*(?:(?:no|nomor|number|id|kode|saya)\b[\s:.#-]*){{0,2}}$"
        );
        Regex::new(&form).ok()
    });
    /// Longest name of a number before it, in bytes.
    const NAME: usize = 40;
    let mut from = range.start.saturating_sub(NAME);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    NAMED
        .as_ref()
        .is_some_and(|named| named.is_match(&text[from..range.start]))
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::super::redacted;

    fn masked(text: &str) -> String {
        redacted(text, &mut Counts::new()).into_owned()
    }

    #[test]
    fn a_run_of_digits_ends_at_what_is_no_digit() {
        for (text, wanted) in [
            (r"NIK \n3299014107850001 ya", r"NIK \n<nik> ya"),
            ("nik3299014107850001dan", "nik<nik>dan"),
            (r"Terima kasih\n081200001111", r"Terima kasih\n<phone>"),
            ("hp081200001111 ya", "hp<phone> ya"),
            ("(0812) 0000111", "<phone>"),
            ("o812 000 111 22", "<phone>"),
            ("saldo 12.345.678.901", "saldo 12.345.678.901"),
            ("biaya Rp1.200.812.000.111", "biaya Rp1.200.812.000.111"),
        ] {
            let found = masked(text).replace("(<phone>", "<phone>");
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn plates_landlines_accounts_and_foreign_phones_are_masked() {
        for (text, wanted) in [
            ("plat nomor L 1234 CC ngebut", "plat nomor <plate> ngebut"),
            ("nopol D 1 RI", "nopol <plate>"),
            ("motor ab-1234-cd", "motor <plate>"),
            ("mobil B1234XYZ parkir", "mobil <plate> parkir"),
            ("telp 031-5550101", "telp <phone>"),
            ("hubungi 0315550101", "hubungi <phone>"),
            ("telepon 5550101", "telepon <phone>"),
            ("telepon 147 dan 1500400", "telepon 147 dan 1500400"),
            ("rekening BCA 1234567890 saya", "rekening BCA <number> saya"),
            (
                "transfer ke bri 1234 01 000567 50 9",
                "transfer ke bri <number> 9",
            ),
            ("ring +65 9000 1111", "ring <phone>"),
            ("call (415) 555-0101", "call <phone>"),
            ("+33 1 00 11 22 33", "<phone>"),
            ("no. paspor B0001111", "no. paspor <number>"),
            ("SSN 000-11-2222", "SSN <number>"),
            ("warga (at) contoh (dot) id", "<email>"),
            ("IG: warga_contoh", "IG: @user"),
            ("at 12 Example Street, now", "at <address>, now"),
            ("motor 150 CC", "motor 150 CC"),
            ("bayar 1500000 rupiah", "bayar 1500000 rupiah"),
        ] {
            assert_eq!(masked(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_number_of_a_ticket_stays() {
        for text in [
            "aduan nomor 2026031200123 belum dijawab",
            "Tiket: 1234567890123",
            "order #INV-20261102-0001",
            "INV20261102000123",
        ] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("tiket 3299014107850001"), "tiket <nik>");
    }
}
