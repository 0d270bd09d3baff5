//! Every parser with fixtures that were changed: no panic, no end without an answer, and what is
//! read is as promised (`tests/fuzz/parsers.rs`). The changes are drawn from a seed.

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::parsers::{PARSERS, Parser, project, unpacked};

/// Changed copies of each seed.
const COPIES: u64 = 150;
/// How long a parser may take over one of them, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_mins(1);

/// What has broken readers elsewhere.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xFF",
    b"\xC3",
    b"\xED\xA0\x80",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\ud800",
    b"\\u0000",
    b"\\",
    b"[[[[[[[[[[[[[[[[[[[[[[[[",
    b"1e999",
    b"-0",
    b"18446744073709551616",
    b"NaN",
    b"null",
    b"<",
    b">",
    b"&",
    b"&amp;",
    b"&#x0;",
    b"&#1114112;",
    b"&lol;",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"</w:p>",
    b"<w:t>",
    b"<w:tbl>",
    b"<w:del>",
    b"<c r=\"XFD1048576\">",
    b"<row r=\"4294967296\">",
    b"r=\"A0\"",
    b"table:number-columns-repeated=\"2147483647\"",
    b"table:number-rows-repeated=\"4294967295\"",
    b"-->",
    b"00:00:01.000 --> ",
    b"99999999:99:99.999",
    b"WEBVTT",
    b"<v ",
    b"</v>",
    b"NOTE",
    b"#00:03:40-5#",
    b"Informan 1: ",
    b"[Sari]",
    b"dr.",
    b"...",
    b"Rp 1.500.000",
    "😡".as_bytes(),
    "\u{202E}".as_bytes(),
    "\u{200D}".as_bytes(),
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "İ".as_bytes(),
    "ß".as_bytes(),
    "الماء".as_bytes(),
    "١٢".as_bytes(),
    b"0812-0000-1111",
    b"@a_b",
    b"www.",
    b"Jl. A no. 1",
    b"[[variable]]",
    b"= {",
    b"'''",
    b"inf",
];

/// A copy with one to eight changes.
fn changed(seed: &[u8], other: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.random_range(1..=8) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=16)).min(bytes.len());
        match rng.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            4 if !other.is_empty() => {
                let from = rng.random_range(0..other.len());
                let to = (from + rng.random_range(1..=64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            5 => bytes.truncate(at),
            _ => {
                let piece = PIECES[rng.random_range(0..PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
    bytes
}

/// The fixtures of a parser: a file, or a member of one.
fn seeds(parser: &Parser) -> Vec<Vec<u8>> {
    let list = fs::read_to_string(project("tests/fuzz/seeds.txt")).unwrap();
    let of_parser = list.lines().filter_map(|line| {
        let (name, path) = line.split_once(' ')?;
        (name == parser.name).then_some(path)
    });
    of_parser.map(seed).collect()
}

fn seed(path: &str) -> Vec<u8> {
    let Some((archive, member)) = path.split_once('!') else {
        return fs::read(project(path)).unwrap();
    };
    let members = unpacked(&fs::read(project(archive)).unwrap());
    let found = members.into_iter().find(|(name, _)| name == member);
    found.unwrap().1
}

/// What once broke a parser.
fn regressions(parser: &Parser) -> Vec<Vec<u8>> {
    let folder = project("tests/fuzz/regressions").join(parser.name);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn inputs(parser: &Parser) -> Vec<Vec<u8>> {
    let seeds = seeds(parser);
    assert!(!seeds.is_empty(), "{} has no seed", parser.name);
    let mut inputs = regressions(parser);
    inputs.extend(seeds.iter().cloned());
    for (number, seed) in seeds.iter().enumerate() {
        let other = &seeds[(number + 1) % seeds.len()];
        for copy in 0..COPIES {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(copy + 1000 * number as u64);
            inputs.push(changed(seed, other, &mut rng));
        }
    }
    inputs
}

/// Keeps what broke a parser, and says where it is.
fn broken(parser: &Parser, input: &[u8], how: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.input", parser.name));
    fs::write(&path, input).unwrap();
    format!("{} {how} of {}", parser.name, path.display())
}

fn check(parser: &'static Parser) -> Result<(), String> {
    let inputs = inputs(parser);
    let (done, finished) = channel();
    let to_do = inputs.clone();
    thread::spawn(move || {
        for input in to_do {
            let outcome = catch_unwind(|| (parser.check)(&input));
            if done.send(outcome.is_ok()).is_err() {
                return;
            }
        }
    });
    for input in &inputs {
        match finished.recv_timeout(PATIENCE) {
            Ok(true) => {}
            Ok(false) | Err(RecvTimeoutError::Disconnected) => {
                return Err(broken(parser, input, "panicked because"));
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(broken(parser, input, "has no answer because"));
            }
        }
    }
    Ok(())
}

#[test]
fn changed_fixtures_are_read_or_refused() {
    let faults: Vec<String> = PARSERS
        .iter()
        .filter_map(|parser| check(parser).err())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A parser without a target would never be fuzzed, and a target without a parser not be tested.
#[test]
fn each_parser_has_a_fuzz_target() {
    let folder = project("tests/fuzz/fuzz_targets");
    let entries = fs::read_dir(folder).unwrap();
    let mut targets: Vec<String> = entries
        .map(|e| e.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    targets.sort();
    let mut parsers: Vec<&str> = PARSERS.iter().map(|p| p.name).collect();
    parsers.sort_unstable();
    assert_eq!(targets, parsers);
}
