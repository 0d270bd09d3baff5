//! `config.json` of a BERT or XLM-R: the shape of the network.

use serde::Deserialize;

use crate::features::network::Activation;

/// Parameters of the network in `config.json`.
#[derive(Deserialize)]
pub(super) struct Config {
    model_type: String,
    pub(super) vocab_size: usize,
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) intermediate_size: usize,
    hidden_act: String,
    pub(super) max_position_embeddings: usize,
    pub(super) type_vocab_size: usize,
    pub(super) layer_norm_eps: f32,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
}

/// The supported kinds of network.
pub(super) const MODEL_TYPES: [&str; 4] = ["bert", "xlm-roberta", "roberta", "camembert"];

impl Config {
    /// The reason why the network is unsupported; `None` if it is supported.
    pub(super) fn unsupported(&self) -> Option<String> {
        if let Err(fault) = self.activation() {
            return Some(fault);
        }
        let positions = self.position_embedding_type.as_deref();
        if positions.is_some_and(|kind| kind != "absolute") {
            return Some("position_embedding_type isn't \"absolute\"".into());
        }
        if self.type_vocab_size == 0 {
            return Some("type_vocab_size is 0; BERT has at least one type of token".into());
        }
        // Start token, one token of text, end token.
        if self.max_tokens() < 3 {
            return Some(format!(
                "max_position_embeddings is {}, which leaves no room for a text",
                self.max_position_embeddings
            ));
        }
        if self.hidden_size == 0
            || self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
        {
            return Some(format!(
                "hidden_size {} isn't a multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        None
    }

    pub(super) fn activation(&self) -> Result<Activation, String> {
        Activation::of(&self.hidden_act)
    }

    /// The position of the first token; in `RoBERTa` it follows the padding position.
    pub(super) fn first_position(&self) -> usize {
        match self.model_type.as_str() {
            "bert" => 0,
            _ => self.pad_token_id.unwrap_or(1).saturating_add(1),
        }
    }

    /// Maximum number of tokens of a text, including start and end token.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_position_embeddings
            .saturating_sub(self.first_position())
    }
}
