"""One small matrix as other programs write it, and its SVD by numpy.

Run: python data/goldens/svd/make.py       (see versions.json; only needed to regenerate)

Read by tests/matrices/svd_goldens.rs. The entries are multiples of 1/64 below 32 in size, which float16 holds
exactly, so every file is the same matrix, 30 steps x 120 parameters, whatever its type and order.
S, U, V are those of G = A^T: U (120 x 6), V (30 x 6), the entry of each column of V that is largest in
size positive.
"""

import json
import shutil
from pathlib import Path

import dask
import dask.array as da
import numpy as np

HERE = Path(__file__).parent
rng = np.random.default_rng(7)
T, P, K = 30, 120, 6
signal = sum(
    np.outer(np.cos((i + 1) * np.arange(T) / 5), rng.choice([-1, 1], P)) * 4 / (i + 1) for i in range(4)
)
a = np.round((signal + 0.5 * rng.standard_normal((T, P))) * 64) / 64
assert np.abs(a).max() < 32 and (a.astype(np.float16) == a).all()

for name, dtype, order in [
    ("c_f2", "<f2", "C"), ("c_f4", "<f4", "C"), ("c_f8", "<f8", "C"),
    ("f_f2", "<f2", "F"), ("f_f4", "<f4", "F"), ("f_f8", "<f8", "F"),
]:
    np.save(HERE / f"{name}.npy", np.asarray(a, dtype=dtype, order=order))
np.save(HERE / "parameters_by_time.npy", np.ascontiguousarray(a.T.astype("<f4")))
np.save(HERE / "big_endian.npy", a.astype(">f4"))

# dask: chunks stacked along an axis (0.npy, 1.npy, ...), and the concatenation of pieces.
for axis, chunks in [(0, (11, P)), (1, (T, 50))]:
    folder = HERE / f"dask_axis{axis}"
    shutil.rmtree(folder, ignore_errors=True)
    da.to_npy_stack(folder, da.from_array(a.astype("<f4"), chunks=chunks), axis=axis)
pieces = [da.from_array(a[:, :70].astype("<f4")), da.from_array(a[:, 70:].astype("<f4"))]
np.save(HERE / "dask_concatenated.npy", da.concatenate(pieces, axis=1).compute())

v, s, ut = np.linalg.svd(a, full_matrices=False)
sign = np.sign(v[np.abs(v).argmax(axis=0), np.arange(T)])
np.save(HERE / "S.npy", s[:K])
np.save(HERE / "V.npy", np.ascontiguousarray((v * sign)[:, :K]))
np.save(HERE / "U.npy", np.ascontiguousarray((ut.T * sign)[:, :K]))
versions = {"numpy": np.__version__, "dask": dask.__version__}
(HERE / "versions.json").write_text(json.dumps(versions) + "\n")
