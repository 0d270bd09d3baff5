//! Sums of rows with SIMD: same operations in the same order, with the widest registers of the
//! machine.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into the sum is compiled for its SIMD registers"
)]

use pulp::{Arch, NullaryFnOnce};

/// Values added at once; the length of the sums is a multiple of this.
pub(super) const LANES: usize = 8;
type Lane = [f32; LANES];

/// A table as one flat list.
#[derive(Clone, Copy)]
pub(super) struct Rows<'m> {
    pub(super) values: &'m [f32],
    pub(super) width: usize,
}

impl<'m> Rows<'m> {
    /// `columns` values starting at `row`; fewer at the end of the table.
    #[inline(always)]
    pub(super) fn get(&self, row: u32, columns: usize) -> &'m [f32] {
        let rest = &self.values[row as usize * self.width..];
        rest.get(..columns).unwrap_or(rest)
    }
}

/// Adds rows.
#[derive(Clone, Copy)]
pub(super) struct Adder(Arch);

impl Adder {
    pub(super) fn new() -> Self {
        Self(Arch::new())
    }

    /// sums ← sums + Σ factor × row. Columns beyond the table's width get values of the next row.
    pub(super) fn add_rows(self, sums: &mut [f32], rows: Rows<'_>, factors: &[(u32, f32)]) {
        self.0.dispatch(AddRows {
            sums,
            rows,
            factors,
        });
    }

    /// sums ← sums + row.
    pub(super) fn add(self, sums: &mut [f32], row: &[f32]) {
        self.0.dispatch(Add(sums, row));
    }
}

struct AddRows<'a> {
    sums: &'a mut [f32],
    rows: Rows<'a>,
    factors: &'a [(u32, f32)],
}

impl NullaryFnOnce for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.sums.len() / LANES {
            1 => self.of::<1>(),
            2 => self.of::<2>(),
            3 => self.of::<3>(),
            _ => self.any(),
        }
    }
}

impl AddRows<'_> {
    /// With a width known at compile time, so that the sums stay in registers.
    #[inline(always)]
    fn of<const WIDTH: usize>(self) {
        let (sums, _) = self.sums.as_chunks_mut::<LANES>();
        let Some(sums) = sums.first_chunk_mut::<WIDTH>() else {
            return;
        };
        let mut held = *sums;
        for (row, factor) in self.factors {
            let row = self.rows.get(*row, WIDTH * LANES);
            match row.as_chunks::<LANES>().0.first_chunk::<WIDTH>() {
                Some(row) => add_scaled(&mut held, row, *factor),
                None => add_scaled_one_by_one(held.as_flattened_mut(), row, *factor),
            }
        }
        *sums = held;
    }

    #[inline(always)]
    fn any(self) {
        let columns = self.sums.len();
        for (row, factor) in self.factors {
            let row = self.rows.get(*row, columns);
            if row.len() == columns {
                let (sums, _) = self.sums.as_chunks_mut::<LANES>();
                add_scaled(sums, row.as_chunks::<LANES>().0, *factor);
            } else {
                add_scaled_one_by_one(self.sums, row, *factor);
            }
        }
    }
}

#[inline(always)]
fn add_scaled(sums: &mut [Lane], row: &[Lane], factor: f32) {
    for i in 0..sums.len().min(row.len()) {
        for lane in 0..LANES {
            sums[i][lane] += factor * row[i][lane];
        }
    }
}

/// For the last row of a table, which has no following values.
fn add_scaled_one_by_one(sums: &mut [f32], row: &[f32], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

struct Add<'a>(&'a mut [f32], &'a [f32]);

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (sums, _) = self.0.as_chunks_mut::<LANES>();
        let (row, _) = self.1.as_chunks::<LANES>();
        match sums.len() {
            // Two views of up to sixteen codes, as in the starter model.
            4 => add_held::<4>(sums, row),
            _ => {
                for i in 0..sums.len().min(row.len()) {
                    add_held::<1>(&mut sums[i..=i], &row[i..=i]);
                }
            }
        }
    }
}

/// Adds `N` lanes that are held in registers.
#[inline(always)]
fn add_held<const N: usize>(sums: &mut [Lane], row: &[Lane]) {
    let (Some(sums), Some(row)) = (sums.first_chunk_mut::<N>(), row.first_chunk::<N>()) else {
        return;
    };
    let mut held = *sums;
    for (held, row) in held.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
        *held += row;
    }
    *sums = held;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every width gives the same sums as adding value by value.
        #[test]
        fn sums_are_those_of_one_by_one(width in 1usize..90, factors in prop::collection::vec((0u32..5, -9i8..9), 0..9)) {
            let values: Vec<f32> = (0..5 * width).map(|i| (i * 7 % 31) as f32).collect();
            let factors: Vec<(u32, f32)> = factors.into_iter().map(|(row, f)| (row, f.into())).collect();
            let mut expected = vec![1.0; width];
            for (row, factor) in &factors {
                let row = &values[*row as usize * width..][..width];
                add_scaled_one_by_one(&mut expected, row, *factor);
            }
            let rows = Rows { values: &values, width };
            let mut sums = vec![1.0; width.next_multiple_of(LANES)];
            Adder::new().add_rows(&mut sums, rows, &factors);
            prop_assert_eq!(&sums[..width], &expected[..]);
            let twice: Vec<f32> = sums.iter().map(|s| 2.0 * s).collect();
            let row = sums.clone();
            Adder::new().add(&mut sums, &row);
            prop_assert_eq!(sums, twice);
        }
    }
}
