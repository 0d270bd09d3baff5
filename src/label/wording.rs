//! Whether two similar texts say the same: a place, a number or a negation makes another statement.

/// Words that turn a statement into its opposite.
const NEGATIONS: [&str; 41] = [
    "tidak", "tdk", "tak", "ga", "gak", "gk", "g", "nggak", "ngga", "enggak", "kagak", "bukan",
    "bkn", "belum", "blm", "blum", "jangan", "jgn", "tanpa", "no", "not", "never", "none",
    "without", "cannot", "nobody", "nothing", "neither", "cant", "dont", "isnt", "arent", "wasnt",
    "werent", "doesnt", "didnt", "wont", "couldnt", "wouldnt", "hasnt", "havent",
];
/// Words before a place.
const BEFORE_PLACES: [&str; 9] = [
    "di", "ke", "dari", "in", "at", "from", "near", "dekat", "jalan",
];
/// A slip of the pen is looked for in words of at least this many letters.
const LEAST_FOR_SLIPS: usize = 5;

/// The words of a text.
pub(super) struct Wording {
    /// In lower case, apart by one space; repeated letters once, marks left out. A short text keeps
    /// its emoji and other symbols, which are much of what it says.
    pub(super) words: String,
}

impl Wording {
    /// `None` if nothing is left.
    pub(super) fn of(text: &str, keeps_symbols: bool) -> Option<Self> {
        let chars: Vec<char> = text.to_lowercase().chars().collect();
        let mut words = String::with_capacity(text.len());
        for (i, &c) in chars.iter().enumerate() {
            let is_digit = |at: Option<usize>| {
                let c = at.and_then(|at| chars.get(at));
                c.is_some_and(char::is_ascii_digit)
            };
            // 3,5 is not 35, and 10/11 not 1011.
            let is_in_number = is_digit(i.checked_sub(1)) && is_digit(Some(i + 1));
            if c.is_alphabetic() && words.ends_with(c) {
                continue;
            }
            if c.is_alphanumeric() || (is_in_number && !c.is_whitespace()) {
                words.push(c);
            } else if keeps_symbols && is_symbol(c) {
                words.extend([' ', c, ' ']);
            } else if !matches!(c, '\'' | '’') {
                words.push(' ');
            }
        }
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then_some(Self { words })
    }

    /// Whether a similar text says the same: no number, negation or place is another, and no word
    /// has another in its place, slips of the pen apart. Words may be added, such as thanks.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|w| w.words.split(' ').collect::<Vec<&str>>());
        if numbers(&a) != numbers(&b) || !negate_the_same(&a, &b) {
            return false;
        }
        let (only_a, only_b) = (only_in(&a, &b), only_in(&b, &a));
        let names_place = |words: &[&str]| words.iter().any(|w| BEFORE_PLACES.contains(w));
        if names_place(&only_a) || names_place(&only_b) {
            return false;
        }
        let is_slip = |word: &&str| only_b.iter().any(|other| is_slip(word, other));
        let slips = only_a.iter().filter(|w| is_slip(w)).count();
        only_a.len() == slips || only_b.len() == slips
    }
}

/// Emoji and other signs that are no punctuation.
fn is_symbol(c: char) -> bool {
    let is_mark = c.is_ascii() || c.is_whitespace() || c.is_control();
    let is_punctuation =
        ('\u{2010}'..='\u{2027}').contains(&c) || matches!(c, '\u{fe0f}' | '\u{200b}'..='\u{200d}');
    !is_mark && !is_punctuation
}

fn numbers<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let has_digit = |w: &&&str| w.contains(|c: char| c.is_ascii_digit());
    words.iter().filter(has_digit).copied().collect()
}

/// A negation and the word behind it.
type Negated<'a> = (&'a str, Option<&'a str>);

/// The negations, each with the word that it negates.
fn negated<'a>(words: &[&'a str]) -> Vec<Negated<'a>> {
    let mut found = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if NEGATIONS.contains(word) {
            found.push((*word, words.get(i + 1).copied()));
        }
    }
    found
}

/// Whether the same words are negated; a last word may negate what the other text has after it.
fn negate_the_same(a: &[&str], b: &[&str]) -> bool {
    let (a, b) = (negated(a), negated(b));
    let is_same = |(a, b): (&Negated<'_>, &Negated<'_>)| {
        a.0 == b.0 && a.1.zip(b.1).is_none_or(|(a, b)| a == b || is_slip(a, b))
    };
    a.len() == b.len() && a.iter().zip(&b).all(is_same)
}

/// The words that the other text has less often.
fn only_in<'a>(words: &[&'a str], other: &[&str]) -> Vec<&'a str> {
    let mut rest = other.to_vec();
    let is_missing = |word: &&&str| match rest.iter().position(|w| w == *word) {
        Some(at) => {
            rest.swap_remove(at);
            false
        }
        None => true,
    };
    words.iter().filter(is_missing).copied().collect()
}

/// Whether one of two words has a letter more, or two letters are swapped. Another letter may make
/// another name, so that is no slip.
fn is_slip(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|w| w.chars().collect::<Vec<char>>());
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if short.len() < LEAST_FOR_SLIPS - 1 || long.len() < LEAST_FOR_SLIPS {
        return false;
    }
    let start = long.iter().zip(&short).take_while(|(x, y)| x == y).count();
    match long.len() - short.len() {
        1 => long[start + 1..] == short[start..],
        0 => {
            let swapped =
                |i: usize| long.get(i) == short.get(i + 1) && long.get(i + 1) == short.get(i);
            start + 1 < long.len() && swapped(start) && long[start + 2..] == short[start + 2..]
        }
        _ => false,
    }
}
