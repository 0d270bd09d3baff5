"""The optimum of multinomial logistic regression on sparse rows, by scikit-learn.

scikit-learn minimises C * sum_i s_i loss_i + 1/2 |W|^2, the objective of `SoftmaxRegression`; without
an intercept, the constant being a feature.
"""

import json

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(7)


def dataset(n, features, classes, words):
    centres = rng.dirichlet(np.full(features - 1, 0.05), size=classes)
    codes = rng.integers(classes, size=n)
    rows = []
    for code in codes:
        found = rng.choice(features - 1, size=words, p=0.7 * centres[code] + 0.3 / (features - 1)) + 1
        columns, counts = np.unique(found, return_counts=True)
        values = np.round(counts / np.sqrt((counts**2).sum()), 4)
        rows.append([[0, 1.0]] + [[int(c), float(v)] for c, v in zip(columns, values)])
    weights = np.round(rng.uniform(0.5, 2.0, size=n), 3)
    return rows, codes, weights


def matrix(rows, features):
    x = np.zeros((len(rows), features), dtype=np.float64)
    for i, row in enumerate(rows):
        for column, value in row:
            # The rows are held in single precision.
            x[i, column] = np.float32(value)
    return x


def objective(x, codes, weights, cost, w):
    z = x @ w.T
    m = z.max(axis=1)
    lse = m + np.log(np.exp(z - m[:, None]).sum(axis=1))
    loss = weights * (lse - z[np.arange(len(codes)), codes])
    return float(cost * loss.sum() + 0.5 * (w**2).sum())


cases = []
for n, features, classes, words in [(120, 60, 3, 8), (200, 150, 11, 10)]:
    rows, codes, weights = dataset(n, features, classes, words)
    x = matrix(rows, features)
    assert len(set(codes)) == classes
    optima = []
    for cost in [0.1, 1.0, 10.0, 100.0]:
        fit = LogisticRegression(C=cost, fit_intercept=False, tol=1e-12, max_iter=100_000)
        fit.fit(csr_matrix(x), codes, sample_weight=weights)
        p = fit.predict_proba(csr_matrix(x[:10]))
        optima.append({"cost": cost, "objective": objective(x, codes, weights, cost, fit.coef_), "probabilities": p.round(6).tolist()})
    cases.append({"features": features, "classes": classes, "rows": rows, "codes": codes.tolist(), "weights": weights.tolist(), "optima": optima})

print(json.dumps({"cases": cases}))
