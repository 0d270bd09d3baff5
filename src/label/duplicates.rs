//! Near copies of earlier rows, so that one template does not count as five hundred opinions.
//!
//! A row is a copy of the first earlier row with the same words, or with similar text: the Jaccard
//! similarity of their sets of character 4-grams is at least 0.8, as in `konflik check`, and they
//! [say the same](super::wording::Wording::says_the_same). `MinHash` in bands finds candidates
//! (Broder 1997; Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 3.4). The candidates
//! are compared in full, so there are no false copies. Of pairs with similarity 0.8, 1 in 5,000 is
//! missed. Only first rows are remembered, the latest [`DuplicateParams::remembered`] of them.

use std::collections::{HashMap, HashSet, VecDeque};

use rayon::prelude::*;

use super::wording::Wording;
use crate::base::hash::{FNV64, fnv64_step, mixed32};
use crate::corpus::near::{MIN_SHINGLES, jaccard, normalised, shingle_hashes};
use crate::ingest::{Layout, Record, Rejected, Role};

const BANDS: usize = 16;
/// `MinHash` values per band. Two texts with similarity s share a band with probability
/// 1 − (1 − s⁴)¹⁶.
const IN_BAND: usize = 4;
/// Maximum number of candidates compared in full for one row, the latest first.
const MAX_COMPARED: usize = 200;

/// Parameters of the search for copies.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DuplicateParams {
    /// Minimum Jaccard similarity of character 4-grams for a copy.
    pub near: f64,
    /// Number of first rows to remember; about 1.5 kB each for a complaint of 170 characters.
    pub remembered: usize,
}

impl Default for DuplicateParams {
    fn default() -> Self {
        Self {
            near: 0.8,
            remembered: 200_000,
        }
    }
}

/// The data that finds similar texts: the words, shingle hashes and `MinHash` bands.
pub(super) struct Sketch {
    wording: Wording,
    /// Empty for a short text, which only has copies with the same words.
    shingles: Vec<u32>,
    /// The last band is the hash of the whole text.
    bands: [u64; BANDS + 1],
}

impl Sketch {
    /// The sketch of a text; `None` if the text has neither words nor symbols.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut shingles = shingle_hashes(&normalised(text));
        let is_short = shingles.len() < MIN_SHINGLES;
        let wording = Wording::of(text, is_short)?;
        if is_short {
            shingles.clear();
        }
        let mut smallest = [u32::MAX; BANDS * IN_BAND];
        for shingle in &shingles {
            for (seed, least) in smallest.iter_mut().enumerate() {
                *least = (*least).min(scrambled(*shingle, seed as u32));
            }
        }
        // The hash includes the position of the band, so that one map holds all bands.
        let mut bands = [0u64; BANDS + 1];
        for (position, least) in smallest.chunks(IN_BAND).enumerate() {
            bands[position] = least.iter().fold(FNV64 ^ position as u64, |hash, n| {
                fnv64_step(hash, u64::from(*n))
            });
        }
        let bytes = wording.words.bytes();
        bands[BANDS] = bytes.fold(FNV64 ^ BANDS as u64, |h, b| fnv64_step(h, u64::from(b)));
        Some(Self {
            wording,
            shingles,
            bands,
        })
    }

    /// The positions of the bands that find candidates.
    fn searched(&self) -> std::ops::Range<usize> {
        if self.shingles.is_empty() {
            BANDS..BANDS + 1
        } else {
            0..BANDS + 1
        }
    }

    fn is_copy_of(&self, first: &Self, near: f64) -> bool {
        self.wording.words == first.wording.words
            || (!self.shingles.is_empty()
                && jaccard(&first.shingles, &self.shingles) >= near
                && self.wording.says_the_same(&first.wording))
    }
}

/// One of the 64 hash functions: the finaliser of `MurmurHash3` over the shingle and a seed.
fn scrambled(shingle: u32, seed: u32) -> u32 {
    mixed32(shingle ^ seed.wrapping_mul(0x9E37_79B9))
}

/// First rows, indexed by their bands.
pub(super) struct FirstRows {
    params: DuplicateParams,
    rows: VecDeque<First>,
    /// Number of rows that were dropped: equals the number of the oldest remembered row.
    forgotten: u64,
    /// The latest row of each band; each row points to the row before it.
    latest: HashMap<u64, u64>,
    pub(super) ids: SeenIds,
}

/// The ids of the latest rows, to find ids that occur twice.
#[derive(Default)]
pub(super) struct SeenIds {
    order: VecDeque<u64>,
    seen: HashSet<u64>,
    /// Number of rows with the id of an earlier row.
    pub(super) repeated: u64,
    /// Line and id of the first such row.
    pub(super) first: Option<(u64, String)>,
}

impl SeenIds {
    fn add(&mut self, id: &str, line: u64, most: usize) {
        let hash = id
            .bytes()
            .fold(FNV64, |hash, b| fnv64_step(hash, u64::from(b)));
        if !self.seen.insert(hash) {
            self.repeated += 1;
            self.first.get_or_insert_with(|| (line, id.to_string()));
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

struct First {
    id: String,
    sketch: Sketch,
    /// The previous row in each band; the row itself if there is none.
    before: [u64; BANDS + 1],
}

impl FirstRows {
    pub(super) fn new(params: DuplicateParams) -> Self {
        Self {
            params,
            rows: VecDeque::new(),
            forgotten: 0,
            latest: HashMap::new(),
            ids: SeenIds::default(),
        }
    }

    /// For each row the id of the first row that it copies. A row without an id is called `row N`
    /// by its line. Statements cut from one row have a number after the id.
    pub(super) fn copies(
        &mut self,
        rows: &[Result<Record, Rejected>],
        layout: &Layout,
    ) -> Vec<Option<String>> {
        let sketch = |row: &Result<Record, Rejected>| Sketch::of(&row.as_ref().ok()?.text);
        let sketches: Vec<Option<Sketch>> = rows.par_iter().map(sketch).collect();
        let ids = layout.other_columns.iter().find(|c| c.role == Role::Id);
        let id = |record: &Record| {
            let cell = ids.map(|c| record.cell(c.position).trim().to_string());
            let given = cell.filter(|c| !c.is_empty());
            let id = given.unwrap_or_else(|| format!("row {}", record.line));
            // Statements cut from one row share its id.
            let part = layout.unit_number(record);
            part.map_or(id.clone(), |part| format!("{id}.{part}"))
        };
        if ids.is_some() {
            let most = self.params.remembered;
            for record in rows.iter().flatten() {
                let id = id(record);
                if !id.starts_with("row ") {
                    self.ids.add(&id, record.line, most);
                }
            }
        }
        let copy = |(row, sketch): (&Result<Record, Rejected>, Option<Sketch>)| {
            self.copied(|| row.as_ref().map(id).unwrap_or_default(), sketch?)
        };
        rows.iter().zip(sketches).map(copy).collect()
    }

    /// The id of the first row that is similar; otherwise the new row is remembered as a first row.
    pub(super) fn copied(&mut self, id: impl FnOnce() -> String, sketch: Sketch) -> Option<String> {
        let mut candidates: Vec<u64> = Vec::new();
        for position in sketch.searched() {
            let band = sketch.bands[position];
            candidates.extend(self.of_band(position, band).take(MAX_COMPARED));
        }
        candidates.sort_unstable();
        candidates.dedup();
        let is_near = |row: &&First| sketch.is_copy_of(&row.sketch, self.params.near);
        let mut rows = candidates.iter().filter_map(|number| self.row(*number));
        if let Some(first) = rows.find(is_near) {
            return Some(first.id.clone());
        }
        self.remember(id(), sketch);
        None
    }

    /// The rows of a band, the latest first.
    fn of_band(&self, position: usize, band: u64) -> impl Iterator<Item = u64> {
        let latest = self.latest.get(&band).copied();
        std::iter::successors(latest, move |number| {
            let before = self.row(*number)?.before[position];
            (before < *number && before >= self.forgotten).then_some(before)
        })
    }

    fn row(&self, number: u64) -> Option<&First> {
        self.rows.get(number.checked_sub(self.forgotten)? as usize)
    }

    fn remember(&mut self, id: String, sketch: Sketch) {
        if self.rows.len() >= self.params.remembered {
            self.forget_oldest();
        }
        let number = self.forgotten + self.rows.len() as u64;
        let mut before = [number; BANDS + 1];
        for position in sketch.searched() {
            let earlier = self.latest.insert(sketch.bands[position], number);
            before[position] = earlier.unwrap_or(number);
        }
        self.rows.push_back(First { id, sketch, before });
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.rows.pop_front() else {
            return;
        };
        for position in oldest.sketch.searched() {
            let band = oldest.sketch.bands[position];
            if self.latest.get(&band) == Some(&self.forgotten) {
                self.latest.remove(&band);
            }
        }
        self.forgotten += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::{ReadOptions, Reader};

    fn copies(texts: &[String], params: &DuplicateParams) -> Vec<Option<usize>> {
        let mut firsts = FirstRows::new(params.clone());
        let copy = |(i, text): (usize, &String)| {
            let id = firsts.copied(|| i.to_string(), Sketch::of(text)?)?;
            Some(id.parse().unwrap())
        };
        texts.iter().enumerate().map(copy).collect()
    }

    fn corpus() -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/statements.csv");
        let mut reader = Reader::open(path.as_ref(), &ReadOptions::default()).unwrap();
        let mut texts = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            texts.push(row.unwrap().text);
        }
        texts
    }

    fn likeness(a: &str, b: &str) -> f64 {
        let [a, b] = [a, b].map(|t| shingle_hashes(&normalised(t)));
        jaccard(&a, &b)
    }

    /// The corpus has no statement twice; only its minimal pairs are similar. The copies found must
    /// be those that a comparison with all earlier rows finds.
    #[test]
    fn on_the_corpus_copies_are_those_that_comparing_everything_finds() {
        let texts: Vec<String> = corpus().into_iter().take(1500).collect();
        let found = copies(&texts, &DuplicateParams::default());
        let sketches: Vec<Sketch> = texts.iter().map(|t| Sketch::of(t).unwrap()).collect();
        let mut firsts: Vec<usize> = Vec::new();
        let mut all = Vec::new();
        for (b, sketch) in sketches.iter().enumerate() {
            let mut earlier = firsts.iter().copied();
            let first = earlier.find(|a| sketch.is_copy_of(&sketches[*a], 0.8));
            if first.is_none() {
                firsts.push(b);
            }
            all.push(first);
        }
        assert_eq!(found, all);
    }

    #[test]
    fn campaigns_of_a_template_are_found_and_nothing_else_is() {
        let texts = corpus();
        let templates: Vec<&String> = texts
            .iter()
            .filter(|t| t.chars().count() > 80)
            .step_by(40)
            .collect();
        let mut rows: Vec<String> = texts.iter().step_by(3).cloned().collect();
        let originals = rows.len();
        for template in &templates {
            rows.push((*template).clone());
            rows.push(template.to_uppercase());
            rows.push(format!("{template} Terima kasih"));
        }
        let before = copies(&rows[..originals], &DuplicateParams::default());
        let found = copies(&rows, &DuplicateParams::default());
        assert_eq!(found[..originals], before);
        let hits = found[originals..].chunks(3);
        let whole = hits
            .clone()
            .filter(|c| c[1].is_some() && c[2].is_some())
            .count();
        assert_eq!(whole, templates.len());
        for (b, a) in found
            .iter()
            .enumerate()
            .filter_map(|(b, a)| Some((b, (*a)?)))
        {
            let [a, b] = [a, b].map(|row| Sketch::of(&rows[row]).unwrap());
            assert!(b.is_copy_of(&a, 0.8));
        }
    }

    fn all(texts: &[&str]) -> Vec<Option<usize>> {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        copies(&texts, &DuplicateParams::default())
    }

    #[test]
    fn short_texts_with_the_same_words_are_copies() {
        assert_eq!(
            all(&[
                "Mantap!",
                "mantap",
                "Tidak bisa",
                "👍",
                "👍",
                "bagus 👍",
                "bagus 👎",
                "...",
                "..."
            ]),
            [None, Some(0), None, None, Some(3), None, None, None, None]
        );
    }

    #[test]
    fn texts_that_differ_in_place_number_or_negation_are_no_copies() {
        for (a, b) in [
            (
                "Selokan di RW 02 mampet sejak bulan lalu mohon dibersihkan",
                "Selokan di RW 05 mampet sejak bulan lalu mohon dibersihkan",
            ),
            (
                "Sampah di Gang C belum diangkut sudah seminggu terima kasih",
                "Sampah di Gang D belum diangkut sudah seminggu terima kasih",
            ),
            (
                "Vaksin belum datang di posyandu kami selama sebulan terakhir",
                "Vaksin datang di posyandu kami selama sebulan terakhir",
            ),
            (
                "The counter was not open on all days of the past week",
                "The counter was open on all days of the past week",
            ),
            (
                "Jalan di Desa Mekarsari rusak parah sejak tahun lalu tolong diperbaiki",
                "Jalan di Desa Sukamaju rusak parah sejak tahun lalu tolong diperbaiki",
            ),
            (
                "Jalan rusak parah sejak tahun lalu tolong segera diperbaiki pak",
                "Jalan rusak parah sejak tahun lalu tolong segera diperbaiki pak di Tebet",
            ),
            (
                "Dokter ramah tetapi perawat tidak sabar melayani kami semua",
                "Dokter tidak ramah tetapi perawat sabar melayani kami semua",
            ),
        ] {
            assert_eq!(all(&[a, b]), [None, None], "{a} / {b}");
        }
    }

    #[test]
    fn texts_that_differ_in_marks_thanks_or_a_slip_are_copies() {
        let text = "Loket pendaftaran tutup sejak pagi, mohon segera dibuka kembali";
        for other in [
            "LOKET pendaftaran tutup sejak pagi mohon segera dibuka kembali!! 🙏",
            "Loket pendaftaran tutup sejak pagi, mohonnn segera dibuka kembali...",
            "Loket pendaftran tutup sejak pagi, mohon segera dibuka kembali",
        ] {
            assert_eq!(all(&[text, other]), [None, Some(0)], "{other}");
        }
    }

    #[test]
    fn an_id_that_occurs_twice_is_counted() {
        let mut ids = SeenIds::default();
        for (line, id) in [
            (2, "a"),
            (3, "b"),
            (4, "a"),
            (5, "a"),
            (6, "c"),
            (7, "d"),
            (8, "a"),
        ] {
            ids.add(id, line, 3);
        }
        assert_eq!((ids.repeated, ids.first), (2, Some((4, "a".into()))));
    }

    #[test]
    fn only_the_latest_first_rows_are_remembered() {
        let texts = corpus();
        let params = DuplicateParams {
            remembered: 2,
            ..DuplicateParams::default()
        };
        let long: Vec<&String> = texts
            .iter()
            .filter(|t| t.len() > 90)
            .step_by(50)
            .take(3)
            .collect();
        let rows: Vec<String> = [0, 1, 0, 2, 0, 1].map(|i: usize| long[i].clone()).to_vec();
        assert_eq!(
            copies(&rows, &params),
            [None, None, Some(0), None, None, None]
        );
        let mut firsts = FirstRows::new(params);
        for text in &texts {
            if let Some(sketch) = Sketch::of(text) {
                firsts.copied(String::new, sketch);
            }
        }
        assert!(firsts.rows.len() == 2 && firsts.latest.len() <= 2 * (BANDS + 1));
        assert!(firsts.latest.values().all(|n| *n >= firsts.forgotten));
    }

    proptest! {
        /// A copy is similar to its first row, and the first row is not a copy.
        #[test]
        fn a_copy_is_near_a_first_row(texts in prop::collection::vec("(abcd|bcde|efgh|xyzw| ){6,14}", 1..20)) {
            let found = copies(&texts, &DuplicateParams { near: 0.6, ..DuplicateParams::default() });
            for (b, a) in found.iter().enumerate().filter_map(|(b, a)| Some((b, (*a)?))) {
                prop_assert!(a < b && found[a].is_none());
                prop_assert!(likeness(&texts[a], &texts[b]) >= 0.6);
            }
        }
    }
}
