//! One file per verb, each with its arguments and one `run`. No verb uses another.

pub(super) mod agree;
pub(super) mod behave;
pub(super) mod check;
pub(super) mod codebook;
pub(super) mod compare;
pub(super) mod evaluate;
pub(super) mod ingest;
pub(super) mod label;
pub(super) mod model;
pub(super) mod prevalence;
pub(super) mod report;
pub(super) mod restore;
pub(super) mod run;
pub(super) mod sample;
pub(super) mod train;
