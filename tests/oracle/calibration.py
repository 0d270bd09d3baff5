"""Calibration of random forecasts, and intervals of shares.

ECE: bins and their means by scikit-learn's `calibration_curve(strategy="uniform", n_bins=15)`, summed
with numpy. AURC and risk–coverage: the definition, in numpy; ties as their mean.
"""

import json

import numpy as np
from scipy.stats import beta
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, top_k_accuracy_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(5)


def tie_means(errors, confidence):
    order = np.argsort(-confidence, kind="stable")
    e, c = errors[order].astype(float), confidence[order]
    for value in np.unique(c):
        e[c == value] = e[c == value].mean()
    return e


def top_two(gold, p, digits):
    """As scikit-learn, but that of equal probabilities the first comes first."""
    share = (np.argsort(-p, axis=1, kind="stable")[:, :2] == gold[:, None]).any(1).mean()
    if digits > 2:
        assert share == top_k_accuracy_score(gold, p, k=2, labels=range(p.shape[1]))
    return share


cases = []
for classes, n, digits in [(2, 303, 9), (3, 1207, 9), (11, 404, 2), (11, 33, 1)]:
    p = rng.dirichlet(np.full(classes, 0.5), size=n)
    # Distinct whole numbers of 1/10^digits; what is over goes to the best, so that each sums to 1.
    p = np.floor(p * 10**digits) / 10**digits
    p[np.arange(n), p.argmax(1)] += 1 - p.sum(1)
    p = p.round(digits)
    gold = np.array([rng.choice(classes, p=q**0.7 / (q**0.7).sum()) for q in p])
    confidence, right = p.max(1), p.argmax(1) == gold
    accuracy, mean = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence), minlength=15)
    ece = (counts[counts > 0] / n * abs(accuracy - mean)).sum()
    q_accuracy, q_mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    risk = np.cumsum(tie_means(~right, confidence)) / np.arange(1, n + 1)
    cases.append(
        {
            "gold": gold.tolist(),
            "probabilities": p.tolist(),
            "ece": ece,
            "brier": brier_score_loss(gold, p, labels=range(classes), scale_by_half=False)
            if classes > 2
            else brier_score_loss(gold, p[:, 1], scale_by_half=False),
            "log_loss": log_loss(gold, p, labels=range(classes)),
            "aurc": risk.mean(),
            "top2_accuracy": top_two(gold, p, digits) if classes > 2 else None,
            "reliability": [list(pair) for pair in zip(q_mean, q_accuracy)],
            "risk": [risk[-(-step * n // 20) - 1] for step in range(1, 21)],
        }
    )

shares = []
for k, n in [(0, 1), (1, 1), (0, 20), (3, 50), (49, 50), (700, 8000), (50_000, 100_000)]:
    low = 0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1)
    high = 1.0 if k == n else beta.ppf(0.975, k + 1, n - k)
    shares.append({"part": k, "whole": n, "exact": [low, high], "wilson": proportion_confint(k, n, method="wilson")})

mcnemars = [
    {"one": b, "other": c, "p": mcnemar([[5, b], [c, 5]], exact=True).pvalue}
    for b, c in [(0, 1), (0, 6), (3, 14), (40, 61), (300, 410), (1, 2000)]
]
print(json.dumps({"cases": cases, "shares": shares, "mcnemar": mcnemars}))
