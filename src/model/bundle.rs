//! A model on disk: a directory of files in open formats.
//!
//! | file | holds |
//! |---|---|
//! | `model.json` | manifest: format version, origin, heads, thresholds, scores, hash of each other file, and of itself |
//! | `codebook.json` | the codebook |
//! | `tokenizer.json` | the tokenizer, as Hugging Face `tokenizers` reads it |
//! | `encoder.json` | the tokenizer of the semantic view's encoder, if the model has that view |
//! | `model.safetensors` | feature hashes and weights; lexical weights; semantic view: weights per dimension, squared length and scores per token; sentence encoder: weights per dimension; hashes of the training texts |
//! | `README.md` | the model card, for people; never read back |
//!
//! A [`StagedFolder`] is moved into place, so a model directory is either complete or absent.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ndarray::{Array2, ArrayView2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::{
    Model, Origin, Reading, ScoreSummary, SemanticWeights, SentenceWeights, VariableModel,
};
use crate::base::hash::Hash;
use crate::base::output::StagedFolder;
use crate::base::tensor::{Table, copied, decoded, lasting};
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::features::{
    CueView, EncoderId, EncoderViews, FeatureExtractor, LexicalView, SemanticView, SentenceView,
};
use crate::tokenize::{Subwords, Tokenizer};

/// The model format that this build writes. This build reads no newer format.
pub const FORMAT_VERSION: u32 = 5;

const FORMAT: &str = "konflik-model";
const MANIFEST: &str = "model.json";
const CODEBOOK: &str = "codebook.json";
const TOKENIZER: &str = "tokenizer.json";
const ENCODER: &str = "encoder.json";
const TENSORS: &str = "model.safetensors";
const CARD: &str = "README.md";

/// Version of the lexical features; a model made with other features is refused.
const FEATURES: &str = "clean2;fnv1a64:w,c,p;mix64:b;squeeze3;nfkc-lower";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    format_version: u32,
    made_by: String,
    features: String,
    codebook_hash: String,
    origin: Origin,
    variables: Vec<VariableModel>,
    language: Option<VariableModel>,
    encoder: Option<EncoderId>,
    sentence_encoder: Option<EncoderId>,
    reading: Option<Reading>,
    scores: Option<ScoreSummary>,
    files: BTreeMap<String, FileEntry>,
    /// SHA-256 of this manifest with an empty checksum.
    checksum: String,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    bytes: usize,
    sha256: String,
}

/// The files of a model in memory.
#[derive(Debug, Clone)]
pub struct ModelFiles<'a> {
    /// `model.json`.
    pub manifest: Cow<'a, [u8]>,
    /// `codebook.json`.
    pub codebook: Cow<'a, [u8]>,
    /// `tokenizer.json`.
    pub tokenizer: Cow<'a, [u8]>,
    /// `encoder.json`, if the model has the semantic view.
    pub encoder: Option<Cow<'a, [u8]>>,
    /// `model.safetensors`.
    pub tensors: Cow<'a, [u8]>,
}

impl ModelFiles<'_> {
    fn parts(&self) -> Vec<(&'static str, &[u8])> {
        let mut parts: Vec<(&str, &[u8])> = vec![
            (CODEBOOK, &self.codebook),
            (TOKENIZER, &self.tokenizer),
            (TENSORS, &self.tensors),
        ];
        parts.extend(self.encoder.as_ref().map(|bytes| (ENCODER, &**bytes)));
        parts
    }
}

/// A model directory that is written next to its target and then moved.
///
/// The target is checked in `prepare`, before any long work. Dropping the value leaves no files.
pub struct StagedModel {
    folder: StagedFolder,
}

impl StagedModel {
    /// Prepares to write a model to `target`, which must not exist unless `force` is set.
    pub fn prepare(target: &Path, force: bool) -> Result<Self> {
        if target.exists() {
            if !force {
                return Err(Error::OutputExists {
                    path: target.to_path_buf(),
                });
            }
            if !is_model_or_empty(target) {
                return Err(Error::Model {
                    path: target.display().to_string(),
                    reason: "is there and is no model, or holds other files too; it will not be replaced".into(),
                });
            }
        }
        Ok(Self {
            folder: StagedFolder::prepare(target)?,
        })
    }

    /// Writes the model and its card, then moves the directory into place.
    pub fn commit(self, model: &Model, card: &str) -> Result<()> {
        let files = model.to_files()?;
        let parts = [(MANIFEST, &*files.manifest), (CARD, card.as_bytes())];
        for (name, bytes) in parts.into_iter().chain(files.parts()) {
            self.folder.write(name, bytes)?;
        }
        self.folder.commit()
    }
}

/// Whether a directory is empty or contains only the files of a model.
fn is_model_or_empty(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    let names: Vec<_> = entries.flatten().map(|e| e.file_name()).collect();
    let ours = [MANIFEST, CODEBOOK, TOKENIZER, ENCODER, TENSORS, CARD];
    let only_ours = names.iter().all(|n| ours.iter().any(|o| n == o));
    let is_model = || {
        let manifest = fs::read(path.join(MANIFEST)).unwrap_or_default();
        serde_json::from_slice::<Envelope>(&manifest).is_ok_and(|e| e.format == FORMAT)
    };
    names.is_empty() || (only_ours && is_model())
}

impl Model {
    /// Writes the model as a directory; `card` becomes the `README.md`.
    pub fn save(&self, target: &Path, card: &str, force: bool) -> Result<()> {
        StagedModel::prepare(target, force)?.commit(self, card)
    }

    /// Reads a model directory. A damaged, truncated or newer model is refused.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        if !path.join(MANIFEST).is_file() {
            if !path.exists() {
                return Err(Error::read(
                    path,
                    std::io::Error::from(std::io::ErrorKind::NotFound),
                ));
            }
            return Err(damaged(
                &name,
                format!("not a konflik model: it has no {MANIFEST}"),
            ));
        }
        let read = |file: &str| {
            let path = path.join(file);
            fs::read(&path)
                .map(Cow::Owned)
                .map_err(|e| Error::read(&path, e))
        };
        let manifest = read(MANIFEST)?;
        // Check the version first: a newer model may have other files.
        let has_encoder = parse_manifest(&manifest, &name)?.encoder.is_some();
        let files = ModelFiles {
            manifest,
            encoder: has_encoder.then(|| read(ENCODER)).transpose()?,
            codebook: read(CODEBOOK)?,
            tokenizer: read(TOKENIZER)?,
            tensors: read(TENSORS)?,
        };
        Self::from_files(&files, &name)
    }

    /// Reads a model from its files in memory and checks every hash; `name` is its name in errors.
    pub fn from_files(files: &ModelFiles<'_>, name: &str) -> Result<Self> {
        let manifest = parse_manifest(&files.manifest, name)?;
        for (file, bytes) in files.parts() {
            let Some(entry) = manifest.files.get(file) else {
                return Err(damaged(name, format!("{MANIFEST} does not list {file}")));
            };
            if entry.bytes != bytes.len() {
                let reason = format!(
                    "{file} has {} bytes, {MANIFEST} says {}: it was cut or changed",
                    bytes.len(),
                    entry.bytes
                );
                return Err(damaged(name, reason));
            }
            if entry.sha256 != Hash::of(bytes).to_string() {
                return Err(damaged(
                    name,
                    format!("{file} is damaged or was changed: its hash differs"),
                ));
            }
        }
        let model = Self::assemble(manifest, files, &files.tensors, copied, name)?;
        if model.codebook.hash() != model.codebook_hash {
            return Err(damaged(
                name,
                format!("{CODEBOOK} is not the codebook it was trained with"),
            ));
        }
        let view = model.extractor.semantic();
        if view.is_some_and(|v| v.subwords().id_limit() > v.squared_norms().len()) {
            return Err(damaged(name, "the encoder has more tokens than scores"));
        }
        if !model.is_finite() {
            return Err(damaged(name, "a weight is not finite"));
        }
        Ok(model)
    }

    fn is_finite(&self) -> bool {
        let norms = self.extractor.semantic().map(SemanticView::squared_norms);
        let semantic = self.semantic.iter();
        let sentence = self.sentence.iter();
        let mut weights = (self.extractor.lexical().weights().iter())
            .chain(&self.weights)
            .chain(norms.into_iter().flatten())
            .chain(semantic.flat_map(|s| s.scores.iter().chain(&s.projection)))
            .chain(sentence.flat_map(|s| s.projection.iter().chain(&s.offset)));
        weights.all(|weight| weight.is_finite())
    }

    /// Reads a model whose files are known to be complete, such as the embedded one. Skips the
    /// checks that only find damage.
    pub(crate) fn from_trusted_files(files: &ModelFiles<'static>, name: &str) -> Result<Self> {
        let manifest = parse_manifest(&files.manifest, name)?;
        match &files.tensors {
            Cow::Borrowed(tensors) => Self::assemble(manifest, files, tensors, lasting, name),
            Cow::Owned(tensors) => Self::assemble(manifest, files, tensors, copied, name),
        }
    }

    /// Assembles a model; `numbers` turns bytes into the large tables.
    fn assemble<'t>(
        manifest: Manifest,
        files: &ModelFiles<'_>,
        tensors: &'t [u8],
        numbers: impl Fn(&'t [u8]) -> Cow<'static, [f32]> + Send,
        name: &str,
    ) -> Result<Self> {
        if manifest.features != FEATURES {
            let reason = format!(
                "made with the features {:?}; this build makes {FEATURES:?}",
                manifest.features
            );
            return Err(damaged(name, reason));
        }
        let codebook: Codebook = serde_json::from_slice(&files.codebook)
            .map_err(|e| damaged(name, format!("{CODEBOOK} can't be read: {e}")))?;
        codebook.validate(name)?;
        let cues = CueView::of(&codebook, manifest.origin.params.views);
        check_variables(&codebook, cues.names().len(), &manifest, name)?;
        let outputs = manifest.variables.iter().chain(&manifest.language);
        let columns = outputs.map(|v| v.codes.len()).sum();
        let lexical_params = manifest.origin.params.lexical.clone();
        let tables = || -> Result<_> {
            let mut tensors = Tensors::read(tensors, numbers, name)?;
            tensors.check_shapes(columns, name)?;
            let hashes = std::mem::take(&mut tensors.hashes);
            let weights = std::mem::take(&mut tensors.feature_weights);
            let lexical = LexicalView::from_parts(lexical_params, hashes, weights);
            Ok((tensors, lexical))
        };
        // These three take most of the startup time.
        let encoder = || {
            files
                .encoder
                .as_deref()
                .map(Subwords::from_json)
                .transpose()
        };
        let tokenizer = || Tokenizer::from_json(&files.tokenizer);
        let (subwords, (tokenizer, tables)) =
            rayon::join(encoder, || rayon::join(tokenizer, tables));
        let (subwords, tokenizer) = (subwords?, tokenizer?);
        let (tensors, lexical) = tables?;
        let (view, semantic) = match (&manifest.encoder, subwords, tensors.semantic) {
            (Some(id), Some(subwords), Some((norms, weights))) => {
                let view = SemanticView::from_parts(id.clone(), subwords, norms);
                (Some(view), Some(weights))
            }
            (None, None, None) => (None, None),
            _ => return Err(damaged(name, "a part of the semantic view is missing")),
        };
        if manifest.sentence_encoder.as_ref().map(|id| id.dimensions)
            != tensors.sentence.as_ref().map(|s| s.projection.nrows())
        {
            return Err(damaged(name, "a part of the sentence view is missing"));
        }
        let sentence = manifest.sentence_encoder.clone();
        let encoders = EncoderViews {
            semantic: view,
            sentence: sentence.map(SentenceView::needing).transpose()?,
        };
        let fault = manifest
            .reading
            .as_ref()
            .map(|r| r.fault(&manifest.variables));
        if let Some(Some(fault)) = fault {
            return Err(damaged(name, format!("its readings: {fault}")));
        }
        Ok(Self {
            extractor: FeatureExtractor::from_parts(tokenizer, lexical, encoders, cues),
            semantic,
            sentence: tensors.sentence,
            codebook,
            codebook_hash: Hash::parse(&manifest.codebook_hash)
                .ok_or_else(|| damaged(name, format!("{MANIFEST} holds no hash of a codebook")))?,
            id: model_id(&manifest),
            origin: manifest.origin,
            weights: tensors.weights,
            variables: manifest.variables,
            language: manifest.language,
            reading: manifest.reading,
            scores: manifest.scores,
            seen_texts: tensors.seen_texts,
        })
    }

    /// The files of the model.
    pub fn to_files(&self) -> Result<ModelFiles<'static>> {
        let codebook = to_json(&self.codebook)?;
        let tokenizer = self.extractor.tokenizer().to_json()?.into_bytes();
        let encoder = match self.extractor.semantic() {
            Some(view) => Some(view.subwords().to_json()?.into_bytes()),
            None => None,
        };
        let tensors = self.tensor_bytes()?;
        let entry = |bytes: &Vec<u8>| FileEntry {
            bytes: bytes.len(),
            sha256: Hash::of(bytes).to_string(),
        };
        let files = [
            (CODEBOOK, &codebook),
            (TOKENIZER, &tokenizer),
            (TENSORS, &tensors),
        ]
        .into_iter()
        .chain(encoder.as_ref().map(|bytes| (ENCODER, bytes)));
        let mut manifest = Manifest {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            made_by: env!("CARGO_PKG_VERSION").into(),
            features: FEATURES.into(),
            codebook_hash: self.codebook_hash.to_string(),
            origin: self.origin.clone(),
            variables: self.variables.clone(),
            language: self.language.clone(),
            encoder: self.extractor.semantic().map(|v| v.encoder().clone()),
            sentence_encoder: self.sentence_encoder().cloned(),
            reading: self.reading.clone(),
            scores: self.scores.clone(),
            files: files
                .map(|(name, bytes)| (name.to_string(), entry(bytes)))
                .collect(),
            checksum: String::new(),
        };
        manifest.checksum = Hash::of(&to_json(&manifest)?).to_string();
        Ok(ModelFiles {
            manifest: Cow::Owned(to_json(&manifest)?),
            codebook: Cow::Owned(codebook),
            tokenizer: Cow::Owned(tokenizer),
            encoder: encoder.map(Cow::Owned),
            tensors: Cow::Owned(tensors),
        })
    }

    /// Recomputes the id, a hash of everything in the model.
    pub(super) fn refresh_id(&mut self) -> Result<()> {
        let files = self.to_files()?;
        self.id = model_id(&parse_manifest(&files.manifest, "model")?);
        Ok(())
    }

    fn tensor_bytes(&self) -> Result<Vec<u8>> {
        let lexical = self.extractor.lexical();
        let hashes = le_bytes(lexical.hashes(), u64::to_le_bytes);
        let feature_weights = le_bytes(lexical.weights(), f32::to_le_bytes);
        let table =
            |t: ArrayView2<'_, f32>| t.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let weights = table(self.weights.view());
        let seen = le_bytes(&self.seen_texts, u64::to_le_bytes);
        let view = |dtype, shape: &[usize], bytes| {
            TensorView::new(dtype, shape.to_vec(), bytes)
                .map_err(|e| damaged("model", e.to_string()))
        };
        let features = lexical.hashes().len();
        let mut tensors = vec![
            ("feature_hashes", view(Dtype::U64, &[features], &hashes)?),
            (
                "feature_weights",
                view(Dtype::F32, &[features], &feature_weights)?,
            ),
            ("weights", view(Dtype::F32, self.weights.shape(), &weights)?),
            (
                "seen_texts",
                view(Dtype::U64, &[self.seen_texts.len()], &seen)?,
            ),
        ];
        let view_parts = self.extractor.semantic().zip(self.semantic.as_ref());
        let parts = view_parts.map(|(view, weights)| {
            let norms = le_bytes(view.squared_norms(), f32::to_le_bytes);
            (
                norms,
                weights,
                table(weights.projection.view()),
                table(weights.scores.view()),
            )
        });
        if let Some((norms, weights, projection, scores)) = &parts {
            let tokens = [weights.scores.nrows()];
            tensors.push(("token_squared_norms", view(Dtype::F32, &tokens, norms)?));
            tensors.push((
                "projection",
                view(Dtype::F32, weights.projection.shape(), projection)?,
            ));
            tensors.push((
                "token_scores",
                view(Dtype::F32, weights.scores.shape(), scores)?,
            ));
        }
        let sentence = self.sentence.as_ref().map(|s| {
            (
                s,
                table(s.projection.view()),
                le_bytes(&s.offset, f32::to_le_bytes),
            )
        });
        if let Some((weights, projection, offset)) = &sentence {
            tensors.push((
                "sentence_projection",
                view(Dtype::F32, weights.projection.shape(), projection)?,
            ));
            tensors.push((
                "sentence_offset",
                view(Dtype::F32, &[weights.offset.len()], offset)?,
            ));
        }
        safetensors::serialize(tensors, None).map_err(|e| damaged("model", e.to_string()))
    }
}

fn le_bytes<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|v| bytes(*v)).collect()
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value).map_err(|e| damaged("model", e.to_string()))?;
    json.push(b'\n');
    Ok(json)
}

fn model_id(manifest: &Manifest) -> String {
    let short: String = manifest.checksum.chars().take(8).collect();
    format!("{}@{short}", manifest.origin.name)
}

fn damaged(path: &str, reason: impl Into<String>) -> Error {
    Error::Model {
        path: path.to_string(),
        reason: reason.into(),
    }
}

/// The fields that every version of the manifest has.
#[derive(Deserialize)]
struct Envelope {
    format: String,
    format_version: u32,
    made_by: String,
}

fn parse_manifest(bytes: &[u8], name: &str) -> Result<Manifest> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|e| {
        damaged(
            name,
            format!("{MANIFEST} is damaged or of another program: {e}"),
        )
    })?;
    if envelope.format != FORMAT {
        return Err(damaged(
            name,
            format!("not a konflik model: its format is {:?}", envelope.format),
        ));
    }
    if envelope.format_version > FORMAT_VERSION {
        return Err(Error::ModelTooNew {
            path: name.to_string(),
            made_by: envelope.made_by,
            found: envelope.format_version,
            supported: FORMAT_VERSION,
        });
    }
    if envelope.format_version < FORMAT_VERSION {
        let reason = format!(
            "in model format {}, written by konflik {}; this build reads format {FORMAT_VERSION}",
            envelope.format_version, envelope.made_by
        );
        return Err(damaged(name, reason));
    }
    let mut manifest: Manifest = serde_json::from_slice(bytes)
        .map_err(|e| damaged(name, format!("{MANIFEST} is damaged: {e}")))?;
    let stated = std::mem::take(&mut manifest.checksum);
    if Hash::of(&to_json(&manifest)?).to_string() != stated {
        return Err(damaged(
            name,
            format!("{MANIFEST} is damaged or was edited: its checksum differs"),
        ));
    }
    manifest.checksum = stated;
    if to_json(&manifest)? != bytes {
        return Err(damaged(
            name,
            format!("{MANIFEST} was edited: it is not in the form it was written in"),
        ));
    }
    Ok(manifest)
}

/// Checks that heads and thresholds fit the codebook and that every number is finite.
fn check_variables(
    codebook: &Codebook,
    cues: usize,
    manifest: &Manifest,
    name: &str,
) -> Result<()> {
    let same = codebook.variables.len() == manifest.variables.len()
        && codebook
            .variables
            .iter()
            .zip(&manifest.variables)
            .all(|(c, m)| c.id == m.id && c.code_ids() == m.codes);
    if !same {
        return Err(damaged(
            name,
            format!("the variables of {MANIFEST} are not those of {CODEBOOK}"),
        ));
    }
    for variable in manifest.variables.iter().chain(&manifest.language) {
        let codes = variable.codes.len();
        let head = &variable.head;
        let shaped = head.intercept.len() == codes
            && codes >= 2
            && head.absent.len() < codes
            && head.coefficients.len() == codes + cues
            && head.coefficients.iter().all(|row| row.len() == codes)
            && head.absent.iter().all(|a| *a < codes)
            && variable.counts.len() == codes
            && (0.0..1.0).contains(&head.flattening);
        let finite = head
            .intercept
            .iter()
            .chain(head.coefficients.iter().flatten())
            .all(|v| v.is_finite());
        if !(shaped && finite) {
            return Err(damaged(
                name,
                format!("the head of {} is damaged", variable.id),
            ));
        }
    }
    Ok(())
}

struct Tensors {
    hashes: Vec<u64>,
    feature_weights: Vec<f32>,
    weights: Table,
    /// |eₜ|² for each token, and the weights of the semantic view.
    semantic: Option<(Vec<f32>, SemanticWeights)>,
    sentence: Option<SentenceWeights>,
    seen_texts: Vec<u64>,
}

impl Tensors {
    fn read<'t>(
        bytes: &'t [u8],
        numbers: impl Fn(&'t [u8]) -> Cow<'static, [f32]>,
        name: &str,
    ) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|e| damaged(name, format!("{TENSORS} can't be read: {e}")))?;
        let get = |tensor: &str, dtype: Dtype| match tensors.tensor(tensor) {
            Ok(view) if view.dtype() == dtype => Ok(view),
            Ok(view) => Err(damaged(
                name,
                format!("{tensor} in {TENSORS} is {:?}, not {dtype:?}", view.dtype()),
            )),
            Err(_) => Err(damaged(name, format!("{TENSORS} holds no {tensor}"))),
        };
        let table = |tensor: &str| -> Result<Table> {
            let view = get(tensor, Dtype::F32)?;
            let &[rows, columns] = view.shape() else {
                return Err(damaged(name, format!("{tensor} is not a table")));
            };
            let shape = (rows, columns);
            let table = match numbers(view.data()) {
                Cow::Borrowed(numbers) => ArrayView2::from_shape(shape, numbers).map(Table::from),
                Cow::Owned(numbers) => Array2::from_shape_vec(shape, numbers).map(Table::from),
            };
            table.map_err(|e| damaged(name, format!("{tensor} doesn't fit its shape: {e}")))
        };
        let semantic = if tensors.names().contains(&"token_scores") {
            let norms = decoded(
                get("token_squared_norms", Dtype::F32)?.data(),
                f32::from_le_bytes,
            );
            let projection = table("projection")?.into_owned();
            let scores = table("token_scores")?;
            Some((norms, SemanticWeights { projection, scores }))
        } else {
            None
        };
        let sentence = if tensors.names().contains(&"sentence_projection") {
            Some(SentenceWeights {
                projection: table("sentence_projection")?.into_owned(),
                offset: decoded(
                    get("sentence_offset", Dtype::F32)?.data(),
                    f32::from_le_bytes,
                ),
            })
        } else {
            None
        };
        Ok(Self {
            hashes: decoded(
                get("feature_hashes", Dtype::U64)?.data(),
                u64::from_le_bytes,
            ),
            feature_weights: decoded(
                get("feature_weights", Dtype::F32)?.data(),
                f32::from_le_bytes,
            ),
            weights: table("weights")?,
            semantic,
            sentence,
            seen_texts: decoded(get("seen_texts", Dtype::U64)?.data(), u64::from_le_bytes),
        })
    }

    fn check_shapes(&self, codes: usize, name: &str) -> Result<()> {
        let features = self.hashes.len();
        if self.feature_weights.len() != features || self.weights.dim() != (features + 1, codes) {
            return Err(damaged(
                name,
                "the tables of features and weights don't fit each other",
            ));
        }
        if let Some((norms, semantic)) = &self.semantic
            && (semantic.scores.dim() != (norms.len(), codes)
                || semantic.projection.ncols() != codes)
        {
            return Err(damaged(
                name,
                "the tables of the semantic view don't fit each other",
            ));
        }
        if let Some(sentence) = &self.sentence
            && (sentence.projection.ncols() != codes || sentence.offset.len() != codes)
        {
            return Err(damaged(
                name,
                "the tables of the sentence view don't fit each other",
            ));
        }
        Ok(())
    }
}
