//! Classifiers on the vector of a text; they are trained together with the network.

use crate::features::network::softmax;

/// The classifier of one variable.
#[derive(Debug, Clone)]
pub struct ContextHead {
    pub(super) variable: String,
    pub(super) codes: Vec<String>,
    /// Codes × dimensions.
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl ContextHead {
    /// The variable.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// The codes of the variable.
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// The scores of the codes, before the softmax, for a text with this vector.
    pub(super) fn scores(&self, vector: &[f32]) -> Vec<f32> {
        let weights = self.weights.chunks_exact(vector.len().max(1));
        let scores = weights.zip(&self.bias).map(|(weights, bias)| {
            let products = weights.iter().zip(vector);
            let products = products.map(|(w, x)| f64::from(*w) * f64::from(*x));
            (products.sum::<f64>() + f64::from(*bias)) as f32
        });
        scores.collect()
    }

    /// The probabilities of the codes for a text with this unscaled vector.
    pub fn probabilities(&self, vector: &[f32]) -> Vec<f32> {
        let mut probabilities = self.scores(vector);
        softmax(&mut probabilities);
        probabilities
    }
}
