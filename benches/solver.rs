//! The regression's solver by itself, on rows that another program wrote, for comparisons.
//!
//!     cargo bench --bench solver -- rows.svm CLASSES COST [TOLERANCE]
//!
//! `rows.svm` has one line a statement: the code (0 to CLASSES − 1), then `feature:value` from 0.
//! TOLERANCE is the relative duality gap to stop at, 0.001 as in training if left out.
//! Prints one JSON line: objective, gap, passes, seconds of the fit.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that can't read its data should stop"
)]

use std::time::Instant;

use konflik::features::FeatureMatrix;
use konflik::model::{SoftmaxRegression, Targets};
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let (path, classes, cost, tolerance) = match args.as_slice() {
        [path, classes, cost] => (path, classes, cost, 1e-3),
        [path, classes, cost, tolerance] => (path, classes, cost, tolerance.parse().unwrap()),
        // `cargo bench` without arguments runs every bench; this one needs rows.
        _ => return,
    };
    let (classes, cost): (usize, f64) = (classes.parse().unwrap(), cost.parse().unwrap());
    let (mut codes, mut rows, mut features) = (Vec::new(), Vec::new(), 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut cells = line.split_ascii_whitespace();
        codes.push(cells.next().unwrap().parse::<usize>().unwrap());
        let row: Vec<(u32, f32)> = cells
            .map(|cell| cell.split_once(':').unwrap())
            .map(|(feature, value)| (feature.parse().unwrap(), value.parse().unwrap()))
            .collect();
        features = features.max(row.iter().map(|(f, _)| *f as usize + 1).max().unwrap_or(0));
        rows.push(row);
    }
    let matrix = FeatureMatrix::from_sparse_rows(features, rows.iter().map(Vec::as_slice));
    let dataset = DatasetBase::new(matrix, Targets::from_codes(&codes, classes));
    let params = SoftmaxRegression::new(classes)
        .cost(cost)
        .tolerance(tolerance);
    let params = params.check().unwrap();
    let start = Instant::now();
    let fitted = params.fit(&dataset).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!(fitted.gap / fitted.objective <= tolerance);
    #[expect(clippy::print_stdout, reason = "the result")]
    {
        println!(
            "{{\"objective\": {}, \"gap\": {}, \"epochs\": {}, \"seconds\": {seconds}}}",
            fitted.objective, fitted.gap, fitted.epochs
        );
    }
}
