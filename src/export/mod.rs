//! Writes tables: labelled rows, statements, codings, doubts and samples, in each supported format.

mod codings;
mod doubts;
mod labelling;
mod rejects;
mod rows;
mod sample;
mod statements;
pub mod table;

pub use codings::{Adjudicated, adjudicated, disagreements};
pub use doubts::doubt_rows;
pub use labelling::{
    LabelEvent, LabelJob, LabelOptions, label_file, refuse_same_file, rejects_beside,
};
pub use rejects::{discard_rejects, left_out_json, refused_json, rejected_json};
pub use rows::{LabelledColumns, LabelledRows};
pub use sample::sample_rows;
pub use statements::StatementRows;
