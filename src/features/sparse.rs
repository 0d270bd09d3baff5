//! A sparse matrix of statements by features, row by row.

use linfa::dataset::Records;

/// Compressed sparse rows: shape statements × features, values in single precision.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    columns: usize,
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl SparseMatrix {
    /// A matrix of `columns` features without a row.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            starts: vec![0],
            entries: Vec::new(),
        }
    }

    /// A matrix of the given rows; each lists its features ascending.
    pub fn from_rows<'a>(columns: usize, rows: impl IntoIterator<Item = &'a [(u32, f32)]>) -> Self {
        let mut matrix = Self::new(columns);
        for row in rows {
            matrix.push(row);
        }
        matrix
    }

    /// Appends a row.
    pub fn push(&mut self, row: &[(u32, f32)]) {
        debug_assert!(row.iter().all(|(f, _)| (*f as usize) < self.columns));
        self.entries.extend_from_slice(row);
        self.starts.push(self.entries.len());
    }

    /// The non-zero entries of row `i` as (feature, value).
    pub fn row(&self, i: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[i]..self.starts[i + 1]]
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[(u32, f32)]> {
        self.starts.windows(2).map(|w| &self.entries[w[0]..w[1]])
    }
}

impl Records for SparseMatrix {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.starts.len() - 1
    }

    fn nfeatures(&self) -> usize {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_pushed() {
        let rows = [vec![(0, 1.0), (4, 2.0)], vec![], vec![(2, 0.5)]];
        let matrix = SparseMatrix::from_rows(5, rows.iter().map(Vec::as_slice));
        assert_eq!((matrix.nsamples(), matrix.nfeatures()), (3, 5));
        assert!(matrix.rows().eq(rows.iter().map(Vec::as_slice)));
    }
}
