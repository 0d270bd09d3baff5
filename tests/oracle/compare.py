"""Two random codings against a gold: scores by scikit-learn, McNemar's test by statsmodels, and the
paired bootstrap by whole groups in numpy (4,000 draws, so ends of intervals are rough to some .005)."""

import json

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from statsmodels.stats.contingency_tables import mcnemar

rng = np.random.default_rng(23)
n, groups = 600, 120
group = rng.integers(groups, size=n)
gold = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
hard = rng.random(groups)[group]
a = np.where(rng.random(n) < 0.2 + 0.4 * hard, rng.integers(3, size=n), gold)
b = np.where(rng.random(n) < 0.6, a, np.where(rng.random(n) < 0.15 + 0.2 * hard, rng.integers(3, size=n), gold))


def scores(rows, codes):
    return [f1_score(gold[rows], codes[rows], average="macro"), accuracy_score(gold[rows], codes[rows])]


def difference(rows):
    return np.subtract(scores(rows, b), scores(rows, a))


members = [np.flatnonzero(group == g) for g in range(groups)]
members = [m for m in members if len(m)]
draws = [difference(np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])) for _ in range(4000)]
right_a, right_b = a == gold, b == gold
table = [[int((x & y).sum()) for y in (right_b, ~right_b)] for x in (right_a, ~right_a)]
everything = np.arange(n)
print(
    json.dumps(
        {
            "group": group.tolist(),
            "gold": gold.tolist(),
            "a": a.tolist(),
            "b": b.tolist(),
            "scores_a": scores(everything, a),
            "scores_b": scores(everything, b),
            "intervals": np.percentile(draws, [2.5, 97.5], axis=0).T.tolist(),
            "only_a": table[0][1],
            "only_b": table[1][0],
            "p": mcnemar(table, exact=True).pvalue,
        }
    )
)
