//! Labelled datasets out: rows as they were read, our columns after them.

mod codings;
mod doubts;
mod rows;
mod sample;
mod statements;

pub use codings::{Adjudicated, adjudicated, disagreements};
pub use doubts::doubt_rows;
pub use rows::{LabelledRows, left_out_json, plain_header, plain_row, refused_json, rejected_json};
pub use sample::sample_rows;
pub use statements::StatementRows;
