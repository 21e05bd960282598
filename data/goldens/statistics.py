"""The numbers that src/numeric/statistics/ is tested against, as Rust literals.

Run: python data/goldens/statistics.py   (numpy 2.4.6, scipy 1.17.1)
"""

import numpy as np
from scipy import stats

X = [1.5, -0.25, 3.0, 3.0, 0.125, 7.5, -2.0]
Y = [2.0, 0.5, 2.5, 2.5, 1.0, 4.0, 1.0]

for q in [0, 0.025, 0.3, 0.5, 0.95, 1]:
    print("quantile", q, repr(float(np.quantile(X, q))))
for values in [X, Y, [0.5, 0.5, -0.5, 1.0, 0.0]]:
    test = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    print("sign_flip", values, repr(float(test.pvalue)))
P = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04]
order = np.argsort(P, kind="stable")
steps = [min(1.0, (len(P) - i) * P[j]) for i, j in enumerate(order)]
holm = np.empty(len(P))
holm[order] = np.maximum.accumulate(steps)
print("holm", holm.tolist())
print("pearson", repr(float(stats.pearsonr(X, Y).statistic)))
print("spearman", repr(float(stats.spearmanr(X, Y).statistic)))
