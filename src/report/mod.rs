//! Output for people: evaluations, models, codebooks and corpora as text and Markdown.

mod agreement;
mod behaviour;
mod card;
mod codebook;
mod comparison;
mod evaluation;
mod gate;
mod junit;
mod page;
mod prevalence;
mod study;
mod style;
mod table;

pub use agreement::{agreement_markdown, agreement_text};
pub use behaviour::{behaviour_junit, behaviour_markdown, behaviour_text};
pub use card::model_card;
pub use codebook::codebook_markdown;
pub use comparison::{comparison_markdown, comparison_text};
pub use evaluation::{evaluation_markdown, evaluation_text};
pub use gate::{gate_github, gate_gitlab, gate_junit, gate_summary};
pub use page::{Lang, Pages};
pub use prevalence::{prevalence_markdown, prevalence_text};
pub use study::{ablation_markdown, ablation_text, curve_markdown, curve_svg, curve_text};
pub use table::{Align, Table};
