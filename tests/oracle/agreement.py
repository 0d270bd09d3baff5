"""Agreement of coders: alpha by `krippendorff`, kappa by scikit-learn, Fleiss' kappa by statsmodels,
AC1 by irrCAC, percent agreement by irrCAC too (`pa`, the weighted mean over statements).

    pip install -r requirements.txt irrCAC==0.4.4
"""

import json
import warnings
from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
from irrCAC.raw import CAC
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

warnings.filterwarnings("ignore")
rng = np.random.default_rng(31)


def measure(codes, classes):
    """`codes`: coders × statements, nan where there is none."""
    frame = pd.DataFrame(codes.T)
    # A statement without any code is none for irrCAC, and for us.
    frame = frame[frame.notna().any(axis=1)]
    cac = CAC(frame, categories=list(range(classes)), digits=12)
    complete = codes[:, ~np.isnan(codes).any(axis=0)].astype(int)
    table = aggregate_raters(complete.T, n_cat=classes)[0]
    pairs = []
    for a, b in combinations(range(len(codes)), 2):
        both = ~np.isnan(codes[[a, b]]).any(axis=0)
        pairs.append(cohen_kappa_score(codes[a, both], codes[b, both]))
    ac1 = cac.gwet()["est"]
    return {
        "alpha": krippendorff.alpha(codes, level_of_measurement="nominal", value_domain=list(range(classes))),
        "fleiss": fleiss_kappa(table),
        "percent": ac1["pa"],
        "ac1": ac1["coefficient_value"],
        "pairs": pairs,
    }


def case(codes, classes):
    whole = measure(codes, classes)
    by_code = []
    for k in range(classes):
        against = np.where(np.isnan(codes), np.nan, (codes != k).astype(float))
        m = measure(against, 2)
        by_code.append([m["percent"], m["alpha"], m["ac1"]])
    listed = [[None if np.isnan(c) else int(c) for c in coder] for coder in codes]
    return {"classes": classes, "codes": listed, "by_code": by_code} | whole


def random(coders, classes, n, noise, missing):
    truth = rng.choice(classes, size=n, p=rng.dirichlet(np.full(classes, 1.5)))
    codes = np.where(rng.random((coders, n)) < noise, rng.integers(classes, size=(coders, n)), truth).astype(float)
    codes[rng.random((coders, n)) < missing] = np.nan
    return codes


x = np.nan
# Krippendorff's four observers and twelve units, and a table of much agreement on one code.
reliability = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
        [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
    ]
)
skew = np.array([[0] * 95 + [1] + [0] * 2 + [1] * 2, [0] * 95 + [1] + [1] * 2 + [0] * 2], dtype=float)
cases = [
    case(reliability - 1, 5),
    case(skew, 2),
    case(random(2, 3, 200, 0.3, 0.0), 3),
    case(random(3, 3, 150, 0.4, 0.2), 3),
    case(random(5, 11, 300, 0.5, 0.3), 11),
]
print(json.dumps({"cases": cases}))
