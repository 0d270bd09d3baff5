//! Labelled datasets out: rows as they were read, our columns after them.

mod output;
mod rows;

pub use output::Output;
pub use rows::{LabelledRows, plain_header, plain_row, rejected_json};
