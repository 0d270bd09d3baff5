//! Labelled datasets out: rows as they were read, our columns after them.

mod output;
mod rows;
mod statements;

pub use output::Output;
pub use rows::{LabelledRows, rejected_json};
pub use statements::StatementRows;
