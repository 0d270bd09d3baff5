"""Doubtful codes of random codings by cleanlab's confident learning.

    pip install cleanlab==2.7.1
"""

import json

import numpy as np
from cleanlab.filter import find_label_issues

rng = np.random.default_rng(41)
cases = []
for classes, n, noise in [(2, 200, 0.1), (3, 300, 0.15), (7, 400, 0.2)]:
    truth = rng.choice(classes, size=n, p=rng.dirichlet(np.full(classes, 3.0)))
    given = np.where(rng.random(n) < noise, rng.integers(classes, size=n), truth)
    scores = rng.normal(size=(n, classes)) + 2.2 * np.eye(classes)[truth]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert len(set(given)) == classes
    found = find_label_issues(given, p, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1)
    cases.append({"given": given.tolist(), "probabilities": p.tolist(), "doubtful": found.tolist()})
print(json.dumps({"cases": cases}))
