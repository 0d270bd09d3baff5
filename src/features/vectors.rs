//! Vectors of texts.

use ndarray::Array2;

/// Vectors of texts in the order of the texts, all with the same number of dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors(Array2<f32>);

impl Vectors {
    /// Splits consecutive `values` into vectors of `dimensions` numbers; `None` if the last vector
    /// is incomplete.
    pub fn new(dimensions: usize, values: Vec<f32>) -> Option<Self> {
        let rows = values.len().checked_div(dimensions).unwrap_or(0);
        let table = Array2::from_shape_vec((rows, dimensions), values);
        table.ok().map(Self)
    }

    /// The rows of a table as vectors.
    pub(crate) fn of(table: Array2<f32>) -> Self {
        Self(if table.is_standard_layout() {
            table
        } else {
            table.as_standard_layout().into_owned()
        })
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.0.nrows()
    }

    /// True if there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Dimensions of each vector.
    pub fn dimensions(&self) -> usize {
        self.0.ncols()
    }

    /// The vector at a position below [`Self::len`].
    pub fn row(&self, position: usize) -> &[f32] {
        let start = position * self.dimensions();
        &self.values()[start..start + self.dimensions()]
    }

    /// All vectors, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.len()).map(|position| self.row(position))
    }

    /// The numbers of all vectors, one vector after the other.
    pub fn values(&self) -> &[f32] {
        self.0.as_slice().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_whole() {
        let vectors = Vectors::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((vectors.len(), vectors.dimensions()), (2, 2));
        assert_eq!(vectors.rows().nth(1), Some(&[3.0, 4.0][..]));
        assert_eq!(Vectors::new(2, vec![1.0]), None);
        assert!(Vectors::new(0, Vec::new()).unwrap().is_empty());
    }
}
