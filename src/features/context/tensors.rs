//! `model.safetensors`: reads the weights of the network and its heads and checks their shapes.

use std::borrow::Cow;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::config::Config;
use super::heads::ContextHead;
use crate::base::tensor::decoded;
use crate::features::network::{Embeddings, Layer, Linear, Machine, Network, Norm, Words};

/// The content of a file: network, heads, middles.
type Parts = (Network, Vec<ContextHead>, Option<[Vec<f32>; 2]>);

/// The tensors of a file, looked up by name. Their shapes must agree with the configuration.
pub(super) struct Tensors<'a, 'b> {
    config: &'a Config,
    file: SafeTensors<'b>,
    /// Borrows integers from the file, or copies them.
    keep: fn(&'b [u8]) -> Cow<'static, [i8]>,
}

impl<'a> Tensors<'a, 'static> {
    /// Tensors in static bytes; integers are not copied.
    pub(super) fn lasting(config: &'a Config, bytes: &'static [u8]) -> Result<Self, String> {
        Self::new(config, bytes, |integers| {
            Cow::Borrowed(bytemuck::cast_slice(integers))
        })
    }
}

impl<'a, 'b> Tensors<'a, 'b> {
    /// Tensors whose integers are copied.
    pub(super) fn copied(config: &'a Config, bytes: &'b [u8]) -> Result<Self, String> {
        Self::new(config, bytes, |integers| {
            Cow::Owned(bytemuck::cast_slice(integers).to_vec())
        })
    }

    fn new(
        config: &'a Config,
        bytes: &'b [u8],
        keep: fn(&'b [u8]) -> Cow<'static, [i8]>,
    ) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes);
        Ok(Self {
            config,
            file: tensors.map_err(|e| format!("not a safetensors file: {e}"))?,
            keep,
        })
    }

    /// The network, the heads in the order of their names, and the middles if there are general
    /// layers.
    pub(super) fn read(&self, machine: Machine) -> Result<Parts, String> {
        let heads = self.config.codes.iter();
        let heads = heads.map(|(name, codes)| self.head(name, codes));
        let middles = (self.config.general_layers > 0).then(|| self.middles());
        Ok((
            self.network(machine)?,
            heads.collect::<Result<_, _>>()?,
            middles.transpose()?,
        ))
    }

    /// The mean of the general and of the last vectors: the common part of most texts.
    fn middles(&self) -> Result<[Vec<f32>; 2], String> {
        let shape = [self.config.hidden_size];
        Ok([
            self.numbers("vectors.general.middle", &shape)?,
            self.numbers("vectors.last.middle", &shape)?,
        ])
    }

    fn network(&self, machine: Machine) -> Result<Network, String> {
        let layers = 0..self.config.num_hidden_layers;
        Ok(Network {
            machine,
            hidden: self.config.hidden_size,
            heads: self.config.num_attention_heads,
            activation: self.config.activation()?,
            embeddings: self.embeddings()?,
            layers: layers.map(|i| self.layer(i)).collect::<Result<_, _>>()?,
        })
    }

    fn embeddings(&self) -> Result<Embeddings, String> {
        let (words, hidden) = (self.config.vocab_size, self.config.hidden_size);
        let positions = [self.config.max_position_embeddings, hidden];
        Ok(Embeddings {
            words: Words::Integers(
                self.integers("embeddings.word_embeddings.weight", [words, hidden])?,
                self.numbers("embeddings.word_embeddings.scale", &[words])?,
            ),
            positions: self.numbers("embeddings.position_embeddings.weight", &positions)?,
            norm: self.norm("embeddings.LayerNorm")?,
        })
    }

    fn layer(&self, layer: usize) -> Result<Layer, String> {
        let named = |part: &str| format!("encoder.layer.{layer}.{part}");
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        Ok(Layer {
            attention: self.linear(&named("qkv"), [3 * hidden, hidden])?,
            attention_output: self.linear(&named("attn_out"), [hidden, hidden])?,
            attention_norm: self.norm(&named("attn_norm"))?,
            inner: self.linear(&named("ffn_in"), [inner, hidden])?,
            output: self.linear(&named("ffn_out"), [hidden, inner])?,
            output_norm: self.norm(&named("ffn_norm"))?,
        })
    }

    /// A linear layer; `shape` is outputs × inputs.
    fn linear(&self, name: &str, shape: [usize; 2]) -> Result<Linear, String> {
        Ok(Linear::integers(
            self.integers(&format!("{name}.weight"), shape)?,
            shape[1],
            self.numbers(&format!("{name}.scale"), &shape[..1])?,
            self.numbers(&format!("{name}.bias"), &shape[..1])?,
        ))
    }

    fn norm(&self, name: &str) -> Result<Norm, String> {
        let shape = [self.config.hidden_size];
        Ok(Norm {
            weight: self.numbers(&format!("{name}.weight"), &shape)?,
            bias: self.numbers(&format!("{name}.bias"), &shape)?,
            eps: self.config.layer_norm_eps,
        })
    }

    fn head(&self, name: &str, codes: &[String]) -> Result<ContextHead, String> {
        let shape = [codes.len(), self.config.hidden_size];
        Ok(ContextHead {
            variable: name.into(),
            codes: codes.to_vec(),
            weights: self.numbers(&format!("heads.{name}.weight"), &shape)?,
            bias: self.numbers(&format!("heads.{name}.bias"), &shape[..1])?,
        })
    }

    /// The numbers of a single-precision tensor; fails unless all are finite.
    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let data = self.data(name, Dtype::F32, shape)?;
        let numbers = decoded(data, f32::from_le_bytes);
        match numbers.iter().position(|x| !x.is_finite()) {
            Some(at) => Err(format!("number {at} of the tensor {name:?} isn't finite")),
            None => Ok(numbers),
        }
    }

    /// The numbers of an 8-bit integer tensor.
    fn integers(&self, name: &str, shape: [usize; 2]) -> Result<Cow<'static, [i8]>, String> {
        self.data(name, Dtype::I8, &shape).map(self.keep)
    }

    fn data(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'b [u8], String> {
        let found = self.file.tensor(name);
        let view = found.map_err(|_| format!("has no tensor {name:?}"))?;
        if view.dtype() != dtype || view.shape() != shape {
            return Err(format!(
                "the tensor {name:?} is {:?} {:?}, by config.json it should be {dtype:?} {shape:?}",
                view.dtype(),
                view.shape()
            ));
        }
        Ok(view.data())
    }
}
