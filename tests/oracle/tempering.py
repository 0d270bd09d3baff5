"""The factor on scores, and the power of their spread, with the least log loss, by scipy.

A grid of starts for Nelder-Mead, which knows no derivative, against `Head::scaling`, which uses them.
"""

import json

import numpy as np
from scipy.optimize import minimize

rng = np.random.default_rng(11)


def normalised(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def probabilities(scores, factor, flattening):
    u = factor * scores
    spread = np.sqrt(((u - u.mean(axis=1, keepdims=True)) ** 2).mean(axis=1, keepdims=True))
    return normalised(u / spread**flattening)


def least(scores, codes, flattens):
    def loss(at):
        flattening = at[1] if flattens else 0.0
        if not 0.0 <= flattening <= 0.9:
            return np.inf
        p = probabilities(scores, np.exp(at[0]), flattening)
        return -np.log(p[np.arange(len(codes)), codes]).sum()

    options = {"xatol": 1e-10, "fatol": 1e-11, "maxiter": 20_000}
    starts = [[b, g] for b in (-1.0, 0.0, 1.0) for g in (0.05, 0.4, 0.8)]
    return min((minimize(loss, s, method="Nelder-Mead", options=options) for s in starts), key=lambda r: r.fun)


cases = []
# (statements, codes, how far long statements are too sure): the last has nothing to flatten.
for n, classes, excess in [(300, 3, 0.4), (200, 11, 0.6), (150, 4, -0.5)]:
    sure = rng.gamma(2.0, 1.0, size=(n, 1))
    true = rng.normal(size=(n, classes)) * sure
    p = normalised(true)
    codes = np.array([rng.choice(classes, p=row) for row in p])
    spread = true.std(axis=1, keepdims=True)
    scores = np.round(1.7 * true * spread**excess, 3)
    fits = []
    for flattens in (False, True):
        best = least(scores, codes, flattens)
        flattening = best.x[1] if flattens else 0.0
        fits.append({"flattens": flattens, "loss": best.fun / n, "factor": float(np.exp(best.x[0])), "flattening": flattening})
    cases.append({"scores": scores.tolist(), "codes": codes.tolist(), "fits": fits})

print(json.dumps({"cases": cases}))
