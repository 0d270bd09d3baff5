//! Labelled datasets out: rows as they were read, our columns after them.

mod output;
mod rows;

pub use output::Output;
pub use rows::{LabelledRows, rejected_json};
