//! `config.json`: the shape of the network and the codes of its heads.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::features::network::Activation;

/// Maximum width: for wider rows the quantised activations would have too few bits.
const MAX_WIDTH: usize = 1 << 16;

/// The shape of the network and the codes of its heads.
#[derive(Deserialize)]
pub(super) struct Config {
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) vocab_size: usize,
    /// Tokens per window, including start and end token.
    pub(super) max_position_embeddings: usize,
    pub(super) layer_norm_eps: f32,
    hidden_act: String,
    /// Number of lowest layers left as in the base model; 0: there is no general vector.
    #[serde(default)]
    pub(super) general_layers: usize,
    /// The codes of each variable with a head.
    #[serde(default)]
    pub(super) codes: BTreeMap<String, Vec<String>>,
}

impl Config {
    /// Parses and checks `config.json`; the error says what is wrong.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        match config.fault() {
            Some(fault) => Err(fault),
            None => Ok(config),
        }
    }

    pub(super) fn activation(&self) -> Result<Activation, String> {
        Activation::of(&self.hidden_act)
    }

    fn fault(&self) -> Option<String> {
        if let Err(fault) = self.activation() {
            return Some(fault);
        }
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        if heads == 0 || !hidden.is_multiple_of(heads) {
            return Some(format!(
                "hidden_size {hidden} isn't a multiple of num_attention_heads {heads}"
            ));
        }
        if self.general_layers > self.num_hidden_layers {
            return Some(format!(
                "general_layers is {}, num_hidden_layers {}",
                self.general_layers, self.num_hidden_layers
            ));
        }
        for (name, width) in [
            ("hidden_size", hidden),
            ("intermediate_size", self.intermediate_size),
        ] {
            if !(1..=MAX_WIDTH).contains(&width) {
                return Some(format!("{name} is {width}, supported are 1 to {MAX_WIDTH}"));
            }
        }
        // Start token, one token of text, end token.
        if self.max_position_embeddings < 3 {
            return Some(format!(
                "max_position_embeddings is {}, which leaves no room for a text",
                self.max_position_embeddings
            ));
        }
        if !(0.0..1.0).contains(&self.layer_norm_eps) {
            return Some(format!("layer_norm_eps is {}", self.layer_norm_eps));
        }
        None
    }
}
