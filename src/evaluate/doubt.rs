//! Gold codes that are more likely wrong than the model (confident learning).

use serde::Serialize;

use crate::model::{OutOfFold, OutOfFoldRow, argmax};

/// Tolerance at a threshold, so that rounding doesn't decide.
const SLACK: f64 = 1e-6;

/// A gold code to check again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// Id of the statement.
    pub id: String,
    /// The gold code.
    pub code: usize,
    /// The code of which models that had not seen the statement are confident.
    pub suggested: usize,
    /// Out-of-fold probability of the gold code.
    pub probability: f64,
    /// Out-of-fold probability of the suggested code.
    pub suggested_probability: f64,
}

/// The gold codes of a variable that confident learning doubts. Sorted by the probability of the
/// gold code minus the best other probability, most doubtful first.
///
/// The model is confident of a code if its probability is at least the mean probability of this
/// code in statements with this gold code. A gold code is doubted if the model is confident of
/// another code and that code is the best (Northcutt, Jiang and Chuang, "Confident learning", 2021,
/// method `C_confusion`; the off-diagonal of the confident joint).
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

/// For each code the mean probability of the code in statements with this gold code. The threshold
/// of a code without statements can't be reached.
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
        // Wrong, but with less confidence in the other code than its statements have.
        let rows = [(0, [0.45, 0.55]), (0, [0.9, 0.1]), (1, [0.2, 0.8])];
        assert!(doubtful(&variable(&rows)).is_empty());
        assert!(doubtful(&variable(&[])).is_empty());
        // A code without statements can't be suggested.
        assert!(doubtful(&variable(&[(0, [0.4, 0.6]), (0, [0.9, 0.1])])).is_empty());
    }
}
