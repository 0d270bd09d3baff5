//! The weights of a network, out of a safetensors file, in single precision.

use ndarray::{Array1, Array2, Axis, concatenate};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::bert::{Config, Layer, Linear, Norm};
use crate::tensor::floats;

const WORDS: &str = "embeddings.word_embeddings.weight";

/// The tensors of a file by the names that BERT gives them.
pub(super) struct Weights<'a> {
    config: &'a Config,
    tensors: &'a SafeTensors<'a>,
    /// What stands before each name: the class that saved the file put it there.
    prefix: &'a str,
}

impl<'a> Weights<'a> {
    pub(super) fn new(config: &'a Config, tensors: &'a SafeTensors<'a>) -> Result<Self, String> {
        let names = tensors.names();
        let mut prefixes = names.iter().filter_map(|name| name.strip_suffix(WORDS));
        match (prefixes.next(), prefixes.next()) {
            (Some(prefix), None) => Ok(Self {
                config,
                tensors,
                prefix,
            }),
            (None, _) => Err(format!("has no tensor {WORDS:?}")),
            _ => Err(format!("has several tensors {WORDS:?}")),
        }
    }

    /// The numbers of a tensor; refused if it has another shape.
    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let name = format!("{}{name}", self.prefix);
        let found = self.tensors.tensor(&name);
        let view = found.map_err(|_| format!("has no tensor {name:?}"))?;
        if view.shape() != shape {
            return Err(format!(
                "the tensor {name:?} is {:?}, by config.json it should be {shape:?}",
                view.shape()
            ));
        }
        match view.dtype() {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => floats(&view),
            _ => None,
        }
        .ok_or_else(|| {
            format!(
                "the tensor {name:?} is of type {:?}; supported are F32, F16, BF16",
                view.dtype()
            )
        })
    }

    pub(super) fn matrix(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Array2<f32>, String> {
        let numbers = self.numbers(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), numbers).map_err(|e| format!("{name}: {e}"))
    }

    fn vector(&self, name: &str, len: usize) -> Result<Array1<f32>, String> {
        self.numbers(name, &[len]).map(Array1::from_vec)
    }

    pub(super) fn norm(&self, name: &str) -> Result<Norm, String> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), self.config.hidden_size)?,
            bias: self.vector(&format!("{name}.bias"), self.config.hidden_size)?,
            eps: self.config.layer_norm_eps,
        })
    }

    fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, String> {
        let weight = self.matrix(&format!("{name}.weight"), outputs, inputs)?;
        Ok(Linear {
            // As it is used, so that the product needn't gather it.
            weight: weight.t().as_standard_layout().into_owned(),
            bias: self.vector(&format!("{name}.bias"), outputs)?,
        })
    }

    /// Query, key and value as one.
    fn attention(&self, name: &str) -> Result<Linear, String> {
        let hidden = self.config.hidden_size;
        let part = |part| self.linear(&format!("{name}.{part}"), hidden, hidden);
        let parts = [part("query")?, part("key")?, part("value")?];
        let joined = |e: ndarray::ShapeError| format!("{name}: {e}");
        Ok(Linear {
            weight: concatenate(Axis(1), &parts.each_ref().map(|p| p.weight.view()))
                .map_err(joined)?,
            bias: concatenate(Axis(0), &parts.each_ref().map(|p| p.bias.view())).map_err(joined)?,
        })
    }

    pub(super) fn layer(&self, layer: usize) -> Result<Layer, String> {
        let named = |part: &str| format!("encoder.layer.{layer}.{part}");
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        Ok(Layer {
            attention: self.attention(&named("attention.self"))?,
            attention_output: self.linear(&named("attention.output.dense"), hidden, hidden)?,
            attention_norm: self.norm(&named("attention.output.LayerNorm"))?,
            intermediate: self.linear(&named("intermediate.dense"), hidden, inner)?,
            output: self.linear(&named("output.dense"), inner, hidden)?,
            output_norm: self.norm(&named("output.LayerNorm"))?,
        })
    }
}
