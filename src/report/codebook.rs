//! A codebook as a manual for people.

use std::fmt::Write;

use crate::codebook::{Code, Codebook, Role, Translations};

/// The codebook in one of its languages, as Markdown.
pub fn codebook_markdown(codebook: &Codebook, language: &str) -> String {
    let mut out = format!("# {}\n\n", text(&codebook.title, language));
    let _ = writeln!(
        out,
        "`{}` {} · sha256 {}\n",
        codebook.id,
        codebook.version,
        codebook.hash().short()
    );
    for variable in &codebook.variables {
        let _ = writeln!(
            out,
            "## {} (`{}`)\n",
            text(&variable.name, language),
            variable.id
        );
        let _ = writeln!(out, "{}\n", text(&variable.question, language));
        for code in &variable.codes {
            out.push_str(&code_markdown(code, language));
        }
    }
    if !codebook.cues.is_empty() {
        out.push_str("## Cues\n\n");
        for cue in &codebook.cues {
            let _ = writeln!(
                out,
                "- **{}** (`{}`): {}",
                text(&cue.name, language),
                cue.id,
                cue.words.join(", ")
            );
        }
    }
    out
}

fn code_markdown(code: &Code, language: &str) -> String {
    let words = Words::of(language);
    let mut out = format!("### {} (`{}`)\n\n", text(&code.name, language), code.id);
    let _ = writeln!(
        out,
        "{}\n\n{}\n",
        text(&code.brief, language),
        text(&code.definition, language)
    );
    match code.role {
        Some(Role::Acts) => {
            let _ = writeln!(out, "{}\n", words.acts);
        }
        Some(Role::Vents) => {
            let _ = writeln!(out, "{}\n", words.vents);
        }
        None => {}
    }
    for (title, rules) in [
        (words.include, &code.include),
        (words.exclude, &code.exclude),
    ] {
        if !rules.is_empty() {
            let _ = writeln!(out, "{title}\n");
            for rule in rules {
                let _ = writeln!(out, "- {}", text(rule, language));
            }
            out.push('\n');
        }
    }
    if !code.examples.is_empty() {
        let _ = writeln!(out, "{}\n", words.examples);
        for example in &code.examples {
            let _ = writeln!(out, "- “{}”", example.text);
        }
        out.push('\n');
    }
    if !code.near_misses.is_empty() {
        let _ = writeln!(out, "{}\n", words.near_misses);
        for miss in &code.near_misses {
            let _ = writeln!(
                out,
                "- “{}” → `{}`: {}",
                miss.text,
                miss.code,
                text(&miss.reason, language)
            );
        }
        out.push('\n');
    }
    out
}

/// Headings in the language of the codebook.
struct Words {
    acts: &'static str,
    vents: &'static str,
    include: &'static str,
    exclude: &'static str,
    examples: &'static str,
    near_misses: &'static str,
}

impl Words {
    fn of(language: &str) -> Self {
        match language {
            "id" => Self {
                acts: "Dapat ditindaklanjuti: laporan mendaftarnya.",
                vents: "Hanya meluapkan emosi: laporan memisahkannya.",
                include: "Dipakai bila:",
                exclude: "Tidak dipakai bila:",
                examples: "Contoh:",
                near_misses: "Mirip, tetapi bukan:",
            },
            _ => Self {
                acts: "Can be acted on: reports list it.",
                vents: "Only expresses anger: reports list it separately.",
                include: "Use it when:",
                exclude: "Don't use it when:",
                examples: "Examples:",
                near_misses: "Similar, but not this code:",
            },
        }
    }
}

/// The text in that language, or in the first available language.
fn text<'a>(translations: &'a Translations, language: &str) -> &'a str {
    let found = translations
        .get(language)
        .or_else(|| translations.values().next());
    found.map_or("", String::as_str)
}
