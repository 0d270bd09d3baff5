"""Shares of a code by prediction-powered inference (PPI++) from `ppi_py`; the adjusted count by the
formulas of Rogan and Gladen, written out.

    pip install -r requirements.txt ppi-python==0.2.3
"""

import json

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from scipy.stats import norm

rng = np.random.default_rng(17)
z = norm.ppf(0.975)


def adjusted(y, f, f_uncoded):
    everything = np.concatenate([f, f_uncoded])
    p, sensitivity, specificity = everything.mean(), f[y == 1].mean(), 1 - f[y == 0].mean()
    gain = sensitivity + specificity - 1
    share = (p + specificity - 1) / gain
    variance = (
        p * (1 - p) / len(everything)
        + share**2 * sensitivity * (1 - sensitivity) / (y == 1).sum()
        + (1 - share) ** 2 * specificity * (1 - specificity) / (y == 0).sum()
    ) / gain**2
    return share, share - z * np.sqrt(variance), share + z * np.sqrt(variance)


cases = []
for share, sensitivity, specificity, n, uncoded in [
    (0.3, 0.85, 0.9, 300, 5000),
    (0.6, 0.7, 0.8, 150, 400),
    (0.1, 0.6, 0.95, 500, 20_000),
    (0.4, 0.55, 0.5, 200, 3000),
    (0.4, 0.3, 0.4, 200, 3000),
]:
    y = (rng.random(n + uncoded) < share).astype(float)
    f = (rng.random(n + uncoded) < np.where(y == 1, sensitivity, 1 - specificity)).astype(float)
    y, f, f_uncoded = y[:n], f[:n], f[n:]
    low, high = ppi_mean_ci(y, f, f_uncoded, alpha=0.05)
    case = {
        "counts": [int((y * f).sum()), int((y * (1 - f)).sum()), int(((1 - y) * f).sum()), int(((1 - y) * (1 - f)).sum())],
        "predicted": int(f_uncoded.sum()),
        "uncoded": uncoded,
        "estimate": ppi_mean_pointestimate(y, f, f_uncoded).item(),
        "interval": [low.item(), high.item()],
        "adjusted": None,
    }
    if f[y == 1].mean() > f[y == 0].mean():
        case["adjusted"] = [float(x) for x in adjusted(y, f, f_uncoded)]
    cases.append(case)
print(json.dumps({"cases": cases}))
