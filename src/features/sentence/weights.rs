//! Reads the weights of a network from a safetensors file into single precision.

use ndarray::{Array2, Axis, concatenate};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::config::Config;
use crate::base::tensor::floats;
use crate::features::network::{Embeddings, Layer, Linear, Machine, Network, Norm, Words};

const WORDS: &str = "embeddings.word_embeddings.weight";

/// The tensors of a file, looked up by their BERT names.
pub(super) struct Weights<'a> {
    config: &'a Config,
    tensors: &'a SafeTensors<'a>,
    /// Prefix of each name; depends on the class that saved the file.
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

    /// The network with weights in single precision; the error names the faulty tensor.
    pub(super) fn network(&self) -> Result<Network, String> {
        let layers = 0..self.config.num_hidden_layers;
        Ok(Network {
            machine: Machine::detect(),
            hidden: self.config.hidden_size,
            heads: self.config.num_attention_heads,
            activation: self.config.activation()?,
            embeddings: self.embeddings()?,
            layers: layers.map(|i| self.layer(i)).collect::<Result<_, _>>()?,
        })
    }

    fn embeddings(&self) -> Result<Embeddings, String> {
        let (config, hidden) = (self.config, self.config.hidden_size);
        let table =
            |name: &str, rows| self.numbers(&format!("embeddings.{name}.weight"), &[rows, hidden]);
        let types = table("token_type_embeddings", config.type_vocab_size)?;
        let mut positions = table("position_embeddings", config.max_position_embeddings)?;
        positions.drain(..config.first_position() * hidden);
        for position in positions.chunks_exact_mut(hidden) {
            // In a single text all tokens have the first type.
            position.iter_mut().zip(&types).for_each(|(x, y)| *x += y);
        }
        Ok(Embeddings {
            words: Words::Floats(table("word_embeddings", config.vocab_size)?),
            positions,
            norm: self.norm("embeddings.LayerNorm")?,
        })
    }

    /// The numbers of a tensor; fails if the tensor has another shape.
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

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Array2<f32>, String> {
        let numbers = self.numbers(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), numbers).map_err(|e| format!("{name}: {e}"))
    }

    fn norm(&self, name: &str) -> Result<Norm, String> {
        Ok(Norm {
            weight: self.numbers(&format!("{name}.weight"), &[self.config.hidden_size])?,
            bias: self.numbers(&format!("{name}.bias"), &[self.config.hidden_size])?,
            eps: self.config.layer_norm_eps,
        })
    }

    fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, String> {
        let (weight, bias) = self.parts(name, inputs, outputs)?;
        Ok(Linear::floats(weight, bias))
    }

    /// Weights (inputs × outputs) and bias of a linear layer.
    fn parts(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<(Array2<f32>, Vec<f32>), String> {
        let weight = self.matrix(&format!("{name}.weight"), outputs, inputs)?;
        // Stored in the order of use, so that the product reads contiguous memory.
        let weight = weight.t().as_standard_layout().into_owned();
        Ok((weight, self.numbers(&format!("{name}.bias"), &[outputs])?))
    }

    /// Query, key and value as one layer.
    fn attention(&self, name: &str) -> Result<Linear, String> {
        let hidden = self.config.hidden_size;
        let part = |part| self.parts(&format!("{name}.{part}"), hidden, hidden);
        let parts = [part("query")?, part("key")?, part("value")?];
        let weights = parts.each_ref().map(|(weight, _)| weight.view());
        let weights = concatenate(Axis(1), &weights).map_err(|e| format!("{name}: {e}"))?;
        let biases = parts.into_iter().flat_map(|(_, bias)| bias);
        Ok(Linear::floats(weights, biases.collect()))
    }

    fn layer(&self, layer: usize) -> Result<Layer, String> {
        let named = |part: &str| format!("encoder.layer.{layer}.{part}");
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        Ok(Layer {
            attention: self.attention(&named("attention.self"))?,
            attention_output: self.linear(&named("attention.output.dense"), hidden, hidden)?,
            attention_norm: self.norm(&named("attention.output.LayerNorm"))?,
            inner: self.linear(&named("intermediate.dense"), hidden, inner)?,
            output: self.linear(&named("output.dense"), inner, hidden)?,
            output_norm: self.norm(&named("output.LayerNorm"))?,
        })
    }
}
