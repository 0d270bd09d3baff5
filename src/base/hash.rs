//! Hashes: SHA-256 for files and contents, fast ones for tables and sketches.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of the concatenated `parts`.
    pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// Parses the hex form that `Display` writes.
    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let digit = |c: &u8| Some(char::from(*c).to_digit(16)? as u8);
        let (pairs, rest) = hex.as_bytes().as_chunks();
        let bytes = pairs
            .iter()
            .map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        let bytes = bytes.try_into().ok().filter(|_| rest.is_empty());
        bytes.map(Self)
    }

    /// The first eight bytes as a number.
    pub(crate) fn first_u64(&self) -> u64 {
        self.0.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
    }

    /// The first 12 hex digits: enough to distinguish the files of one person.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Offset basis of 64-bit FNV-1a.
pub(crate) const FNV64: u64 = 0xcbf2_9ce4_8422_2325;
const FNV64_PRIME: u64 = 0x0100_0000_01b3;

/// One step of 64-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv).
pub(crate) fn fnv64_step(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(FNV64_PRIME)
}

/// Continues the 64-bit FNV-1a state `hash` with `bytes`.
pub(crate) fn fnv64(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, b| fnv64_step(h, u64::from(*b)))
}

/// 32-bit FNV-1a (draft-eastlake-fnv).
pub(crate) fn fnv32(bytes: &[u8]) -> u32 {
    const OFFSET_BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(OFFSET_BASIS, step)
}

/// 2^64 divided by the golden ratio, odd: the multiplier of Fibonacci hashing (Knuth, "The Art of
/// Computer Programming", vol. 3, 6.4).
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
pub(crate) fn mixed64(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The 32-bit finaliser of `MurmurHash3` (Appleby 2011).
pub(crate) fn mixed32(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_gives_the_published_values() {
        // Test vectors of FNV-1a in draft-eastlake-fnv: "", "a" and "foobar".
        let cases: [(&[u8], u32, u64); 3] = [
            (b"", 0x811c_9dc5, 0xcbf2_9ce4_8422_2325),
            (b"a", 0xe40c_292c, 0xaf63_dc4c_8601_ec8c),
            (b"foobar", 0xbf9c_f968, 0x8594_4171_f739_67e8),
        ];
        for (bytes, short, long) in cases {
            assert_eq!((fnv32(bytes), fnv64(FNV64, bytes)), (short, long));
        }
    }

    #[test]
    fn finalisers_give_the_published_values() {
        // The first output of splitmix64 with seed 0, and of fmix32.
        assert_eq!(mixed64(GOLDEN), 0xe220_a839_7b1d_cdaf);
        assert_eq!((mixed32(0), mixed32(1)), (0, 0x514e_28b7));
    }
}
