//! Labels one text.
//!
//!     cargo run --example label_text -- "Antri dari jam 6, obatnya kosong"

#![expect(clippy::print_stdout, reason = "a program")]

use konflik::{Model, Result};

fn main() -> Result<()> {
    let text = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "Antri dari jam 6".into());
    let model = Model::starter()?;
    let Some(labelled) = model.label(&text)? else {
        println!("the text says nothing");
        return Ok(());
    };
    for label in &labelled.labels {
        println!(
            "{}: {} ({:.2}, {}); evidence: {}",
            label.variable,
            label.code,
            label.probability,
            label.decision.as_str(),
            label.evidence.join(" ")
        );
    }
    Ok(())
}
