//! The library from outside, one module per concern.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod bundle;
#[cfg(test)]
mod clean;
#[cfg(test)]
mod common;
#[cfg(test)]
mod context;
#[cfg(test)]
mod corpus;
#[cfg(test)]
#[cfg(feature = "encoder")]
mod encoder;
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod label_file;
#[cfg(test)]
mod labelling;
#[cfg(test)]
mod language;
#[cfg(test)]
mod markdown_out;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod oracle;
#[cfg(test)]
#[path = "../fuzz/parsers.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are another crate")]
mod parsers;
#[cfg(test)]
mod prevalence;
#[cfg(test)]
mod report;
#[cfg(test)]
mod semantic;
#[cfg(test)]
mod study;
#[cfg(test)]
mod training;
