//! Codes complaints and interview statements by conflict type and topic.
//!
//! ```
//! # fn main() -> konflik::Result<()> {
//! let model = konflik::Model::starter()?;
//! if let Some(labelled) = model.label("Antri dari jam 6, obatnya kosong")? {
//!     for label in &labelled.labels {
//!         println!("{}: {} ({:.2})", label.variable, label.code, label.probability);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`label_file`] labels a table, a workbook or an interview and writes the rows with their codes;
//! [`train`] makes a model from coded statements; [`evaluate()`] scores a model on gold statements.
//! The folder `examples` has a program for each.
//!
//! Data flows one way; no module imports one to its right:
//!
//! ```text
//! error ← base ← codebook ← ingest ← corpus ← tokenize ← language ← features ← model ← label ← evaluate ← batch ← export ← report
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
pub use evaluate::{EvaluateParams, Evaluation, evaluate};
pub use export::{LabelOptions, label_file};
pub use ingest::{Format, ReadOptions, Reader};
pub use label::{Label, LabelCounts, LabelledText, Labeller, Prediction};
pub use model::{Decision, Model, TrainParams, Training, train};
