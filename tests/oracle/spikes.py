"""Tails of the Poisson distribution, and weeks that stand out, by scipy and numpy.

    pip install -r requirements.txt
"""

import json

import numpy as np
from scipy.stats import median_abs_deviation, poisson

tails = [
    {"n": n, "rate": rate, "tail": float(poisson.sf(n - 1, rate))}
    for n, rate in [(0, 3.0), (1, 0.5), (5, 0.5), (9, 3.5), (12, 12.0), (3, 12.0), (40, 18.0), (150, 100.0), (90, 100.0), (1200, 1000.0), (7000, 6500.0)]
]

rng = np.random.default_rng(23)
series = []
for rate in [1, 6, 20, 80]:
    counts = rng.poisson(rate, 60)
    for week in rng.choice(np.arange(5, 60), 5, replace=False):
        counts[week] = int(counts[week] * rng.uniform(1.5, 4) + 3)
    spikes = []
    for week in range(4, len(counts)):
        before = counts[max(0, week - 8) : week]
        usual = float(np.median(before))
        deviation = 1.4826 * float(median_abs_deviation(before))
        chance = float(poisson.sf(counts[week] - 1, max(usual, 0.5)))
        if counts[week] >= 5 and chance < 0.001 and counts[week] > usual + 3 * deviation:
            spikes.append({"week": week, "usual": usual, "chance": chance})
    series.append({"counts": counts.tolist(), "spikes": spikes})

print(json.dumps({"tails": tails, "series": series}))
