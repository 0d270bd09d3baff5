"""Scores of random codings, by scikit-learn, krippendorff and scipy."""

import json

import krippendorff
import numpy as np
from scipy.stats.contingency import association
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

rng = np.random.default_rng(11)
cases = []
for classes, n, noise in [(2, 40, 0.2), (3, 300, 0.4), (11, 900, 0.5), (11, 60, 0.9)]:
    share = rng.dirichlet(np.full(classes, 0.6))
    gold = rng.choice(classes, size=n, p=share)
    predicted = np.where(rng.random(n) < noise, rng.choice(classes, size=n, p=share), gold)
    supported = sorted(set(gold))
    precision, recall, f1, support = precision_recall_fscore_support(gold, predicted, labels=range(classes), zero_division=0)
    cases.append(
        {
            "classes": classes,
            "gold": gold.tolist(),
            "predicted": predicted.tolist(),
            "accuracy": accuracy_score(gold, predicted),
            "macro_f1": f1_score(gold, predicted, labels=supported, average="macro", zero_division=0),
            "alpha": krippendorff.alpha([gold, predicted], level_of_measurement="nominal"),
            "precision": [p if (predicted == k).any() else None for k, p in enumerate(precision)],
            "recall": [r if (gold == k).any() else None for k, r in enumerate(recall)],
            "f1": [f if (gold == k).any() else None for k, f in enumerate(f1)],
            "support": support.tolist(),
            "confusion": confusion_matrix(gold, predicted, labels=range(classes)).tolist(),
        }
    )

table = np.array([[10, 20], [30, 5]])
print(json.dumps({"cases": cases, "cramers_v": {"table": table.tolist(), "v": association(table, method="cramer", correction=False)}}))
