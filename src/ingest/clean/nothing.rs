//! Rows without content, and answers without content of their own.

use super::Cleaned;

/// Cell texts that mean "nothing", in lower case, without surrounding white space and brackets.
const NOTHING: [&str; 66] = [
    "nan",
    "n/a",
    "n.a",
    "na",
    "null",
    "nil",
    "none",
    "nothing",
    "undefined",
    "nihil",
    "no",
    "kosong",
    "blank",
    "empty",
    "missing",
    "tidak ada",
    "tdk ada",
    "tak ada",
    "tidak diisi",
    "tidak ada data",
    "tidak ada isi",
    "tidak ada teks",
    "tidak ada keterangan",
    "no answer",
    "no response",
    "no data",
    "no text",
    "no content",
    "no comment provided",
    "not applicable",
    "not available",
    "#ref!",
    "#n/a",
    "#value!",
    "#name?",
    "#div/0!",
    "#num!",
    "#null!",
    "#spill!",
    "#error!",
    "deleted",
    "removed",
    "dihapus",
    "deleted by user",
    "this message was deleted",
    "this message has been deleted",
    "you deleted this message",
    "pesan ini dihapus",
    "pesan ini telah dihapus",
    "anda menghapus pesan ini",
    "anda telah menghapus pesan ini",
    "media omitted",
    "image omitted",
    "video omitted",
    "audio omitted",
    "sticker omitted",
    "gif omitted",
    "document omitted",
    "media tidak disertakan",
    "gambar tidak disertakan",
    "video tidak disertakan",
    "stiker tidak disertakan",
    "audio tidak disertakan",
    "missed voice call",
    "tidak ada jawaban",
    "tidak menjawab",
];

/// Answers that need their question, without words that only address somebody.
const BARE: [&str; 72] = [
    "",
    "iya",
    "ya",
    "yes",
    "yup",
    "yep",
    "yeah",
    "y",
    "betul",
    "benar",
    "ok",
    "oke",
    "okay",
    "okey",
    "oke siap",
    "siap",
    "belum",
    "blm",
    "belom",
    "sudah",
    "udah",
    "sdh",
    "udh",
    "tidak",
    "tdk",
    "enggak",
    "engga",
    "nggak",
    "ngga",
    "gak",
    "ga",
    "gk",
    "tak",
    "bukan",
    "jangan",
    "no",
    "nope",
    "nggak ada",
    "ngga ada",
    "gak ada",
    "ga ada",
    "gk ada",
    "enggak ada",
    "belum ada",
    "blm ada",
    "ada",
    "tidak tahu",
    "tidak tau",
    "tdk tahu",
    "tdk tau",
    "nggak tahu",
    "nggak tau",
    "ngga tau",
    "gak tahu",
    "gak tau",
    "ga tau",
    "kurang tahu",
    "kurang tau",
    "entah",
    "entahlah",
    "mungkin",
    "tidak pernah",
    "belum pernah",
    "pernah",
    "i don't know",
    "don't know",
    "dont know",
    "i dont know",
    "not sure",
    "not yet",
    "maybe",
    "idk",
];

/// Words that address somebody or soften a statement.
const BESIDE: [&str; 24] = [
    "pak", "bapak", "bu", "ibu", "kak", "mas", "mbak", "bang", "min", "sir", "ma'am", "madam",
    "sih", "dong", "deh", "kok", "kan", "aja", "saja", "juga", "lah", "saya", "kayaknya", "nih",
];

/// The rows of a keyboard.
const KEYS: [&str; 6] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "poiuytrewq",
    "lkjhgfdsa",
    "mnbvcxz",
];

/// Most words of a text that may be random keystrokes.
const STRUCK_WORDS: usize = 3;

/// Whether a cell has nothing that can be coded: blank, a word for "nothing", only emoji, digits or
/// links, or random keystrokes.
pub fn says_nothing(cleaned: &Cleaned<'_>) -> bool {
    const LONGEST: usize = 40;
    let text = cleaned.text();
    if !text.chars().any(char::is_alphabetic) {
        return true;
    }
    let cell = cleaned.cell().trim();
    [text, cell]
        .into_iter()
        .filter(|text| text.len() <= LONGEST)
        .any(|text| is_word_for_nothing(text) || is_test(text) || is_struck(text))
}

fn is_word_for_nothing(text: &str) -> bool {
    let lower = text.to_lowercase();
    let edge = |c: char| c.is_whitespace() || "()[]<>{}\"'*-–—.,:;|/\\\u{200E}\u{200F}".contains(c);
    let bare = lower.trim_matches(edge);
    NOTHING.contains(&bare) || NOTHING.contains(&bare.trim_end_matches(['!', '?', '~']))
}

fn is_test(text: &str) -> bool {
    let mut words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut tests = false;
    let are = words.all(|word| {
        let word = word.to_lowercase();
        let is_test = matches!(word.trim_end_matches('s'), "te" | "testing" | "tester")
            || matches!(
                word.as_str(),
                "test" | "tests" | "tesst" | "teest" | "testt"
            );
        tests |= is_test;
        is_test || word.bytes().all(|b| b.is_ascii_digit())
    });
    are && tests
}

/// Whether the letters are random keystrokes.
fn is_struck(text: &str) -> bool {
    let words = || {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    words().count() <= STRUCK_WORDS && words().all(|word| is_struck_word(&word.to_lowercase()))
}

fn is_struck_word(word: &str) -> bool {
    const SHORT: usize = 5;
    const LONG: usize = 8;
    if !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let letters = word.as_bytes();
    let is_vowel = |b: &u8| b"aeiouy".contains(b);
    let distinct = (b'a'..=b'z').filter(|b| letters.contains(b)).count();
    let on_a_row = letters.len() > 3 && KEYS.iter().any(|row| row.contains(word));
    let on_home_row = letters.len() > SHORT && letters.iter().all(|b| b"asdfghjkl".contains(b));
    let periodic = || {
        (1..=4).any(|n| letters.len() >= 2 * n && letters.chunks(n).all(|c| letters.starts_with(c)))
    };
    let consonants = letters.split(is_vowel).map(<[u8]>::len).max().unwrap_or(0);
    on_a_row
        || (distinct == 1 && letters.len() > 2)
        || (on_home_row && periodic())
        || (consonants == letters.len()
            && (letters.len() >= LONG || (letters.len() >= SHORT && 2 * distinct <= letters.len())))
        || (letters.len() >= LONG && consonants > SHORT && letters.len() - consonants < consonants)
}

/// Whether a text is an answer such as `Belum, Pak.`, whose code depends on its question.
pub fn is_bare_answer(text: &str) -> bool {
    const LONGEST: usize = 40;
    if text.len() > LONGEST {
        return false;
    }
    let lower = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let said = |word: &&str| !BESIDE.contains(word);
    let kept: Vec<&str> = words.iter().copied().filter(said).collect();
    let mut answers = kept.join(" ");
    if BARE.contains(&answers.as_str()) {
        return true;
    }
    // Ya, betul. Tidak, tidak tahu.
    let first = kept.first().is_some_and(|word| BARE.contains(word));
    if first {
        answers = kept[1..].join(" ");
    }
    first && BARE.contains(&answers.as_str())
}
