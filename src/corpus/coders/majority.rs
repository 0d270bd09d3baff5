//! The majority code of a statement.

use super::CoderTable;

/// The code that most people gave to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Majority {
    /// The code; `None` if there is no code or a tie.
    pub code: Option<usize>,
    /// How many people gave the code, or each of the tied codes.
    pub most: usize,
    /// How many people gave a code.
    pub people: usize,
}

impl Majority {
    /// The majority of `codes`, one per coder, of one variable; models have no vote.
    pub fn of(table: &CoderTable, codes: &[Option<usize>], classes: usize) -> Self {
        let mut votes = vec![0; classes];
        let people = table.coders.iter().zip(codes).filter(|(c, _)| !c.is_model);
        for code in people.filter_map(|(_, code)| *code) {
            votes[code] += 1;
        }
        let most = votes.iter().max().copied().unwrap_or(0);
        let mut winners = (0..classes).filter(|k| most > 0 && votes[*k] == most);
        let code = winners.next().filter(|_| winners.next().is_none());
        Self {
            code,
            most,
            people: votes.iter().sum(),
        }
    }

    /// Whether several codes are tied.
    pub fn is_tie(self) -> bool {
        self.code.is_none() && self.people > 0
    }
}
