//! Shared basics that several modules need and none of them owns.

pub mod hash;
pub mod output;
pub mod statistics;
pub(crate) mod tensor;
pub mod toml;
