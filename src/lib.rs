//! Codes complaints and interview statements by conflict type and topic.
//!
//! Data flows one way; no module imports one to its right:
//!
//! ```text
//! error ← base ← codebook ← ingest ← corpus ← tokenize ← language ← features ← model ← label ← evaluate ← batch ← export ← report
//! ```
//!
//! ```no_run
//! use konflik::Model;
//! # fn main() -> konflik::Result<()> {
//! let model = Model::starter()?;
//! if let Some(prediction) = model.predict("Antri dari jam 6, obatnya kosong")? {
//!     let conflict = &prediction.variables[0];
//!     println!("{} {:.2}", model.variables()[0].codes[conflict.code], conflict.probability());
//! }
//! # Ok(())
//! # }
//! ```

pub mod base;
pub mod batch;
pub mod codebook;
pub mod corpus;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod features;
pub mod ingest;
pub mod label;
pub mod language;
pub mod model;
pub mod report;
pub mod tokenize;

mod starter;

pub use codebook::Codebook;
pub use corpus::{Corpus, Statement};
pub use error::{Error, Location, Result, RowFault};
pub use evaluate::Evaluation;
pub use ingest::{Format, ReadOptions, Reader};
pub use label::Prediction;
pub use model::{Decision, Model, TrainParams, train};
