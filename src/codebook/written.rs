//! Parses codes as people write them beside a statement.

use super::{Code, Codebook, Translations, Variable};

/// Ways to write that a statement has no code, without case.
const MISSING: [&str; 12] = [
    "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "null", "nil", "-", "--", "–", "—",
];

impl Codebook {
    /// The code that a cell names for each variable. A code is written as its id, its name in any
    /// language, or `variable:code`, in any case. `,`, `;`, `/` and line ends separate codes.
    ///
    /// `None` if the cell names none or several codes of the variable. A label that fits codes of
    /// several variables is ignored.
    pub fn codes_named(&self, cell: &str) -> Vec<Option<usize>> {
        let mut named: Vec<Vec<usize>> = vec![Vec::new(); self.variables.len()];
        for label in cell.split([',', ';', '/', '\n']).map(str::trim) {
            if let Some((variable, code)) = self.code_named(label)
                && !named[variable].contains(&code)
            {
                named[variable].push(code);
            }
        }
        let only = |codes: Vec<usize>| match codes[..] {
            [code] => Some(code),
            _ => None,
        };
        named.into_iter().map(only).collect()
    }

    fn code_named(&self, label: &str) -> Option<(usize, usize)> {
        let (of_variable, label) = match label.split_once(':') {
            Some((variable, code)) => (Some(self.variable(variable.trim())?.0), code.trim()),
            None => (None, label),
        };
        let variables = self.variables.iter().enumerate();
        let wanted = variables.filter(|(v, _)| of_variable.is_none_or(|wanted| wanted == *v));
        let found: Vec<(usize, usize)> = wanted
            .filter_map(|(v, variable)| Some((v, variable.code_called(label)?)))
            .collect();
        match found[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

impl Variable {
    /// Position of the code that `label` names: by its id, or by its name in any language. Case,
    /// spaces, `_` and `-` make no difference, unless several codes would fit.
    pub fn code_called(&self, label: &str) -> Option<usize> {
        let exact = self.code_index(label.trim());
        exact.or_else(|| {
            let mut called = (0..self.codes.len()).filter(|c| self.codes[*c].is_called(label));
            called.next().filter(|_| called.next().is_none())
        })
    }

    /// Position of the code that a cell names; `None` if the cell says that there is none: it is
    /// blank, or `NA`, `-` and the like. The error is a code that the variable doesn't have.
    pub(crate) fn code_written(&self, cell: &str) -> Result<Option<usize>, ()> {
        let cell = cell.trim();
        let code = self.code_called(cell);
        let is_missing = cell.is_empty() || MISSING.contains(&cell.to_lowercase().as_str());
        if code.is_none() && !is_missing {
            return Err(());
        }
        Ok(code)
    }

    /// Whether `label` is the id of the variable, or its name in any language.
    pub(crate) fn is_called(&self, label: &str) -> bool {
        is_called(label, &self.id, &self.name)
    }
}

impl Code {
    fn is_called(&self, label: &str) -> bool {
        is_called(label, &self.id, &self.name)
    }
}

fn is_called(label: &str, id: &str, names: &Translations) -> bool {
    let label = plain(label);
    let mut known = names.values().map(String::as_str).chain([id]);
    known.any(|known| plain(known) == label)
}

/// Lower case, words apart by one space.
fn plain(label: &str) -> String {
    let lower = label.to_lowercase().replace(['_', '-'], " ");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_by_id_and_name_and_two_of_a_variable_are_none() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/codebook.toml");
        let codebook = Codebook::read(path.as_ref()).unwrap();
        let ids = |cell| {
            let named = codebook.codes_named(cell).into_iter().enumerate();
            let id = |(v, code): (usize, Option<usize>)| {
                code.map_or("", |c| codebook.variables[v].codes[c].id.as_str())
            };
            named.map(id).collect::<Vec<_>>()
        };
        assert_eq!(ids("Realistic"), ["realistic", ""]);
        assert_eq!(ids("konflik realistis; AKSES"), ["realistic", "access"]);
        assert_eq!(ids("topic: access\nconflict:none"), ["none", "access"]);
        assert_eq!(ids("access, staff, akses"), ["", ""]);
        assert_eq!(ids("debu"), ["", ""]);
        assert_eq!(ids("mood:access"), ["", ""]);
    }

    #[test]
    fn a_cell_names_a_code_or_none_or_is_a_fault() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/codebook.toml");
        let codebook = Codebook::read(path.as_ref()).unwrap();
        let conflict = &codebook.variables[0];
        let read = |cell| {
            let code = conflict.code_written(cell)?;
            Ok(code.map(|c| conflict.codes[c].id.as_str()))
        };
        for cell in [
            "none",
            "Tanpa konflik",
            " TANPA  KONFLIK ",
            "No conflict",
            "None",
        ] {
            assert_eq!(read(cell), Ok(Some("none")), "{cell}");
        }
        assert_eq!(read("Non-realistic"), Ok(Some("non_realistic")));
        for cell in ["", " ", "NA", "n/a", "-", "—", "#N/A", "NaN"] {
            assert_eq!(read(cell), Ok(None), "{cell}");
        }
        assert_eq!(read("konflik"), Err(()));
    }
}
