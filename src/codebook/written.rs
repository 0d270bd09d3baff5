//! Parses codes as people write them beside a statement.

use super::{Code, Codebook};

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
            .filter_map(|(v, variable)| {
                let code = variable.codes.iter().position(|c| c.is_called(label))?;
                Some((v, code))
            })
            .collect();
        match found[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

impl Code {
    fn is_called(&self, label: &str) -> bool {
        let label = label.to_lowercase();
        let mut names = self.name.values().chain([&self.id]);
        names.any(|name| name.to_lowercase() == label)
    }
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
}
