//! The folder of a sentence model: reads and interprets its files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenizers::{Tokenizer as Pipeline, TruncationParams};

use super::Pooling;
use super::config::{Config, MODEL_TYPES};
use super::weights::Weights;
use crate::base::hash::Hash;
use crate::error::{Error, Location, Result};
use crate::features::network::Network;

const CONFIG: &str = "config.json";

/// The unparsed files.
pub(super) struct Folder {
    config: File,
    tokenizer: File,
    tensors: File,
    modules: Option<File>,
    pooling: Option<File>,
    length: Option<File>,
    prompts: Option<File>,
}

/// A processing step in `modules.json`.
#[derive(Deserialize)]
struct Module {
    path: String,
    /// A Python class; its last part names the kind of step.
    #[serde(rename = "type")]
    class: String,
}

#[derive(Deserialize)]
struct Kind {
    model_type: String,
}

#[derive(Deserialize)]
struct Length {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize)]
struct Prompts {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
}

impl Folder {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let modules = File::read_if_there(dir.join("modules.json"))?;
        let steps = steps(modules.as_ref())?;
        let place = |kind, otherwise| {
            let step = steps.iter().find(|step| step.kind() == kind);
            dir.join(step.map_or(otherwise, |step| step.path.as_str()))
        };
        let network = place("Transformer", "");
        Ok(Self {
            config: File::read(network.join(CONFIG))?,
            tokenizer: File::read(network.join("tokenizer.json"))?,
            tensors: File::read(network.join("model.safetensors"))?,
            pooling: File::read_if_there(place("Pooling", "1_Pooling").join(CONFIG))?,
            length: File::read_if_there(network.join("sentence_bert_config.json"))?,
            prompts: File::read_if_there(dir.join("config_sentence_transformers.json"))?,
            modules,
        })
    }

    pub(super) fn hash(&self) -> Hash {
        let always = [&self.config, &self.tokenizer, &self.tensors];
        let if_there = [&self.modules, &self.pooling, &self.length];
        let files = always.into_iter().chain(if_there.into_iter().flatten());
        Hash::of_parts(files.map(|file| file.bytes.as_slice()))
    }

    /// The parameters of the network.
    pub(super) fn network(&self) -> Result<Config> {
        // The kind is parsed first, because other kinds have other keys.
        let kind = self.config.parse::<Kind>()?.model_type;
        if !MODEL_TYPES.contains(&kind.as_str()) {
            return Err(self.config.unfit(format!(
                "model_type is {kind:?}; supported are {}",
                MODEL_TYPES.join(", ")
            )));
        }
        let config: Config = self.config.parse()?;
        match config.unsupported() {
            Some(reason) => Err(self.config.unfit(reason)),
            None => Ok(config),
        }
    }

    pub(super) fn weights(&self, config: &Config) -> Result<Network> {
        let tensors = SafeTensors::deserialize(&self.tensors.bytes)
            .map_err(|e| self.tensors.unfit(format!("not a safetensors file: {e}")))?;
        Weights::new(config, &tensors)
            .and_then(|weights| weights.network())
            .map_err(|reason| self.tensors.unfit(reason))
    }

    /// The tokenizer, with truncation and without padding.
    pub(super) fn tokenizer(&self, config: &Config) -> Result<Pipeline> {
        let unfit = |e: tokenizers::Error| self.tokenizer.unfit(e.to_string());
        let mut pipeline = Pipeline::from_bytes(&self.tokenizer.bytes).map_err(unfit)?;
        let truncation = TruncationParams {
            max_length: self.max_tokens(config)?,
            ..TruncationParams::default()
        };
        pipeline.with_truncation(Some(truncation)).map_err(unfit)?;
        pipeline.with_padding(None);
        let highest = pipeline.get_vocab(true).into_values().max();
        if highest.is_none_or(|id| id as usize >= config.vocab_size) {
            return Err(self.tokenizer.unfit(format!(
                "has {} tokens, the network {}: they don't belong together",
                pipeline.get_vocab_size(true),
                config.vocab_size
            )));
        }
        // A text without any token would have no vector.
        if pipeline.encode_fast("", true).map_err(unfit)?.len() < 2 {
            return Err(self.tokenizer.unfit(
                "puts no token at the start and the end of a text, as BERT and XLM-RoBERTa need",
            ));
        }
        Ok(pipeline)
    }

    /// Number of tokens read per text, including start and end token.
    fn max_tokens(&self, config: &Config) -> Result<usize> {
        let positions = config.max_tokens();
        let Some(file) = &self.length else {
            return Ok(positions);
        };
        match file.parse::<Length>()?.max_seq_length {
            Some(asked) if asked < 3 => Err(file.unfit(format!(
                "max_seq_length is {asked}, which leaves no room for a text"
            ))),
            Some(asked) => Ok(asked.min(positions)),
            None => Ok(positions),
        }
    }

    pub(super) fn prefix(&self) -> Result<String> {
        let Some(file) = &self.prompts else {
            return Ok(String::new());
        };
        let mut prompts = file.parse::<Prompts>()?.prompts;
        Ok(prompts.remove("query").unwrap_or_default())
    }

    /// Whether vectors are scaled to length 1.
    pub(super) fn normalize(&self) -> Result<bool> {
        let Some(file) = &self.modules else {
            return Ok(true);
        };
        let known = ["Transformer", "Pooling", "Normalize"];
        let steps = steps(Some(file))?;
        if let Some(strange) = steps.iter().find(|step| !known.contains(&step.kind())) {
            return Err(file.unfit(format!(
                "has a module {}; supported are {}",
                strange.kind(),
                known.join(", ")
            )));
        }
        Ok(steps.iter().any(|step| step.kind() == "Normalize"))
    }

    pub(super) fn pooling(&self) -> Result<Pooling> {
        let Some(file) = &self.pooling else {
            return Ok(Pooling::Mean);
        };
        let settings = file.parse::<BTreeMap<String, Value>>()?;
        let modes = pooling_modes(&settings);
        match modes.as_slice() {
            ["mean" | "mean_tokens"] => Ok(Pooling::Mean),
            ["cls" | "cls_token"] => Ok(Pooling::First),
            _ => Err(file.unfit(format!(
                "the pooling is {modes:?}; supported is one of mean and cls"
            ))),
        }
    }
}

/// The enabled poolings. Older files have a switch per pooling; newer ones name one or several.
fn pooling_modes(settings: &BTreeMap<String, Value>) -> Vec<&str> {
    match settings.get("pooling_mode") {
        Some(Value::String(mode)) => vec![mode],
        Some(Value::Array(modes)) => modes.iter().filter_map(Value::as_str).collect(),
        _ => settings
            .iter()
            .filter(|(_, on)| **on == Value::Bool(true))
            .filter_map(|(name, _)| name.strip_prefix("pooling_mode_"))
            .collect(),
    }
}

impl Module {
    fn kind(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or_default()
    }
}

fn steps(modules: Option<&File>) -> Result<Vec<Module>> {
    modules.map_or_else(|| Ok(Vec::new()), File::parse)
}

struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn read(path: PathBuf) -> Result<Self> {
        match fs::read(&path) {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(unfit(&path, "there is no such file"))
            }
            Err(e) => Err(Error::read(&path, e)),
        }
    }

    fn read_if_there(path: PathBuf) -> Result<Option<Self>> {
        if path.is_file() {
            Self::read(path).map(Some)
        } else {
            Ok(None)
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.bytes).map_err(|e| Error::Syntax {
            at: Location::new(
                self.path.display().to_string(),
                e.line() as u64,
                e.column() as u64,
            ),
            reason: e.to_string(),
        })
    }

    fn unfit(&self, reason: impl Into<String>) -> Error {
        unfit(&self.path, reason)
    }
}

/// The error for a file or folder that is not a supported encoder.
pub(super) fn unfit(path: &Path, reason: impl Into<String>) -> Error {
    Error::Encoder {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}
