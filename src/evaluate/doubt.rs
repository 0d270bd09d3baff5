//! Gold codes that are likelier wrong than the model (confident learning).

use serde::Serialize;

use crate::model::{OutOfFold, OutOfFoldRow, argmax};

/// Slack at a threshold, so that rounding doesn't decide.
const SLACK: f64 = 1e-6;

/// A gold code to look at again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// Id of the statement.
    pub id: String,
    /// Its gold code.
    pub code: usize,
    /// The code that models which had not seen it are confident of.
    pub suggested: usize,
    /// Out-of-fold probability of the gold code.
    pub probability: f64,
    /// That of the suggested code.
    pub suggested_probability: f64,
}

/// The gold codes of a variable that confident learning doubts, most doubtful first: by the
/// probability of the gold code less that of the best other one.
///
/// Confident of a code is who gives it at least the mean probability that statements with that
/// gold code get. Doubted is a gold code when another one is confident and best (Northcutt, Jiang
/// and Chuang, "Confident learning", 2021, method `C_confusion`; the off-diagonal of the confident
/// joint).
pub fn doubtful(variable: &OutOfFold) -> Vec<Doubt> {
    let thresholds = thresholds(&variable.rows);
    let mut doubts: Vec<Doubt> = variable
        .rows
        .iter()
        .filter_map(|row| doubt(row, &thresholds))
        .collect();
    let margin = |d: &Doubt| d.probability - d.suggested_probability;
    doubts.sort_by(|a, b| margin(a).total_cmp(&margin(b)).then(a.id.cmp(&b.id)));
    doubts
}

/// For each code the mean probability that it gets in statements with that gold code; none can
/// reach that of a code without statements.
fn thresholds(rows: &[OutOfFoldRow]) -> Vec<f64> {
    let codes = rows.first().map_or(0, |row| row.probabilities.len());
    let mean = |k: usize| {
        let of_code = || rows.iter().filter(|row| row.code == k);
        let sum: f64 = of_code().map(|row| row.probabilities[k]).sum();
        match of_code().count() {
            0 => f64::INFINITY,
            n => sum / n as f64,
        }
    };
    (0..codes).map(mean).collect()
}

fn doubt(row: &OutOfFoldRow, thresholds: &[f64]) -> Option<Doubt> {
    let p = &row.probabilities;
    let is_confident = |k: &usize| p[*k] >= thresholds[*k] - SLACK;
    let confident: Vec<usize> = (0..p.len()).filter(is_confident).collect();
    let best = argmax(p);
    let suggested = match confident[..] {
        [] => return None,
        [one] => one,
        _ => best,
    };
    (suggested != row.code && best != row.code).then(|| Doubt {
        id: row.id.clone(),
        code: row.code,
        suggested: best,
        probability: p[row.code],
        suggested_probability: p[best],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Decision;

    fn variable(rows: &[(usize, [f64; 2])]) -> OutOfFold {
        let row = |(i, (code, p)): (usize, &(usize, [f64; 2]))| OutOfFoldRow {
            id: i.to_string(),
            code: *code,
            probabilities: p.to_vec(),
            decision: Decision::Review,
        };
        OutOfFold {
            variable: "v".into(),
            rows: rows.iter().enumerate().map(row).collect(),
        }
    }

    #[test]
    fn a_slip_among_clear_cases_is_found() {
        let mut rows = vec![(0, [0.9, 0.1]); 10];
        rows.extend(vec![(1, [0.2, 0.8]); 10]);
        rows.push((1, [0.95, 0.05]));
        let doubts = doubtful(&variable(&rows));
        assert_eq!(doubts.len(), 1);
        assert_eq!((doubts[0].id.as_str(), doubts[0].suggested), ("20", 0));
    }

    #[test]
    fn without_confidence_nothing_is_doubted() {
        // Wrong, but less sure of the other code than statements with it are.
        let rows = [(0, [0.45, 0.55]), (0, [0.9, 0.1]), (1, [0.2, 0.8])];
        assert!(doubtful(&variable(&rows)).is_empty());
        assert!(doubtful(&variable(&[])).is_empty());
        // A code without statements can't be suggested.
        assert!(doubtful(&variable(&[(0, [0.4, 0.6]), (0, [0.9, 0.1])])).is_empty());
    }
}
