//! The input of the regressions: statements × features, sparse columns first, then dense ones.

use linfa::dataset::Records;

/// Statements × features in single precision. The first columns are stored as compressed sparse
/// rows, the last ones dense.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMatrix {
    sparse_columns: usize,
    dense_columns: usize,
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
    dense: Vec<f32>,
}

/// One row of a [`FeatureMatrix`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureRow<'a> {
    /// The non-zero entries of the sparse columns, ascending by feature.
    pub entries: &'a [(u32, f32)],
    /// The values of the dense columns.
    pub dense: &'a [f32],
    /// The feature of the first dense column.
    pub first_dense: usize,
}

impl<'a> FeatureRow<'a> {
    /// Pairs (feature, value), the sparse columns first.
    pub fn iter(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        let sparse = self.entries.iter().map(|(f, v)| (*f as usize, *v));
        let dense = self.dense.iter().enumerate();
        sparse.chain(dense.map(move |(d, v)| (self.first_dense + d, *v)))
    }
}

impl FeatureMatrix {
    /// A matrix without rows.
    pub fn new(sparse_columns: usize, dense_columns: usize) -> Self {
        Self {
            sparse_columns,
            dense_columns,
            starts: vec![0],
            entries: Vec::new(),
            dense: Vec::new(),
        }
    }

    /// A matrix with sparse columns only; each row lists its features in ascending order.
    pub fn from_sparse_rows<'a>(
        columns: usize,
        rows: impl IntoIterator<Item = &'a [(u32, f32)]>,
    ) -> Self {
        let mut matrix = Self::new(columns, 0);
        for row in rows {
            matrix.push(row, &[]);
        }
        matrix
    }

    /// Appends a row: its sparse entries, and one value per dense column.
    pub fn push(&mut self, entries: &[(u32, f32)], dense: &[f32]) {
        debug_assert!(
            entries
                .iter()
                .all(|(f, _)| (*f as usize) < self.sparse_columns)
        );
        debug_assert_eq!(dense.len(), self.dense_columns);
        self.entries.extend_from_slice(entries);
        self.starts.push(self.entries.len());
        self.dense.extend_from_slice(dense);
    }

    /// A matrix of the rows at these positions.
    #[must_use]
    pub fn select(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        let mut selected = Self::new(self.sparse_columns, self.dense_columns);
        for i in positions {
            let row = self.row(i);
            selected.push(row.entries, row.dense);
        }
        selected
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> FeatureRow<'_> {
        FeatureRow {
            entries: &self.entries[self.starts[i]..self.starts[i + 1]],
            dense: &self.dense[i * self.dense_columns..(i + 1) * self.dense_columns],
            first_dense: self.sparse_columns,
        }
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = FeatureRow<'_>> {
        (0..self.nsamples()).map(|i| self.row(i))
    }
}

impl Records for FeatureMatrix {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.starts.len() - 1
    }

    fn nfeatures(&self) -> usize {
        self.sparse_columns + self.dense_columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_pushed() {
        let rows = [vec![(0, 1.0), (4, 2.0)], vec![], vec![(2, 0.5)]];
        let mut matrix = FeatureMatrix::new(5, 2);
        for (i, row) in rows.iter().enumerate() {
            matrix.push(row, &[i as f32, -1.0]);
        }
        assert_eq!((matrix.nsamples(), matrix.nfeatures()), (3, 7));
        let listed = |i: usize| matrix.row(i).iter().collect::<Vec<_>>();
        assert_eq!(listed(0), [(0, 1.0), (4, 2.0), (5, 0.0), (6, -1.0)]);
        assert_eq!(listed(1), [(5, 1.0), (6, -1.0)]);
        let selected = matrix.select([2, 0]);
        assert!(selected.rows().eq([matrix.row(2), matrix.row(0)]));
    }

    #[test]
    fn a_sparse_matrix_has_no_dense_columns() {
        let rows = [vec![(1, 1.0)], vec![]];
        let matrix = FeatureMatrix::from_sparse_rows(3, rows.iter().map(Vec::as_slice));
        assert_eq!(matrix.nfeatures(), 3);
        assert!(
            matrix
                .rows()
                .map(|r| r.entries)
                .eq(rows.iter().map(Vec::as_slice))
        );
    }
}
