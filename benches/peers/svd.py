"""The truncated SVD of one float32 .npy file by what people use, and by gouda, in turn on one machine.

    python benches/peers/svd.py A.npy --rank 32 --gouda target/release/gouda [--repeats 2] [--only NAME]

Each method runs in a process of its own, one after the other, the fastest of `--repeats` counting. The file
is (time, parameters); G is its transpose. Printed: wall seconds and CPU seconds of the method alone (imports and
opening excluded; gouda's are those of the whole process, writing included), the peak of anonymous memory, and the
larger of |G v - s u| and |G^T u - s v| over sigma_1, computed here in float64 from the vectors the method gave.
Needs numpy, scipy, scikit-learn and dask. OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are unset: they slow numpy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

PEERS = ["gram", "arpack", "lobpcg", "randomized", "pcaone", "dask"]


def anonymous_mb(pid="self"):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1e3
    except OSError:
        pass
    return 0.0


class Peak(threading.Thread):
    """The highest anonymous memory of a process while this runs."""

    def __init__(self, pid="self"):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0.0, False

    def run(self):
        while not self.ended:
            self.peak = max(self.peak, anonymous_mb(self.pid))
            time.sleep(0.005)


def peer(name, path, k):
    """Returns u (P, k), s, v (T, k)."""
    import numpy as np

    a = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(0)
    if name == "gram":
        b = np.zeros((a.shape[0],) * 2)
        for i in range(0, a.shape[1], 4096):
            c = np.ascontiguousarray(a[:, i : i + 4096])
            b += c @ c.T
        values, vectors = np.linalg.eigh(b)
        s, v = np.sqrt(values[::-1][:k]), vectors[:, ::-1][:, :k]
        u = np.empty((a.shape[1], k), np.float32)
        for i in range(0, a.shape[1], 4096):
            u[i : i + 4096] = np.ascontiguousarray(a[:, i : i + 4096]).T @ v.astype(np.float32) / s
        return u, s, v
    if name in ("arpack", "lobpcg"):
        from scipy.sparse.linalg import svds

        v, s, ut = svds(a, k=k, solver=name, tol=1e-6 if name == "arpack" else 0, random_state=rng)
        order = np.argsort(-s)
        return ut[order].T, s[order], v[:, order]
    if name == "randomized":
        from sklearn.utils.extmath import randomized_svd

        v, s, ut = randomized_svd(a, k, random_state=0)
        return ut.T, s, v
    if name == "pcaone":
        return pcaone(a, k, rng)
    import dask.array as da

    x = da.from_array(a, chunks=(a.shape[0], 8192))
    v, s, ut = da.linalg.svd_compressed(x, k, n_power_iter=2, seed=0)
    v, s, ut = da.compute(v, s, ut)
    return ut.T, s, v


def pcaone(a, k, rng, windows=64, oversampling=10):
    """PCAone's window-based randomised SVD (Li et al., Genome Research 2023, algorithm 2), from its description.

    The basis is improved inside a pass: after the first window, then after twice as many each epoch, until a window is
    all of the matrix. Windows are ranges of parameters, which lie together in the file, and are not shuffled.
    """
    import numpy as np

    t, p = a.shape
    l = k + oversampling
    starts = np.linspace(0, p, windows + 1).astype(int)
    basis = rng.standard_normal((t, l)).astype(np.float32)
    g = np.empty((p, l), np.float32)
    band = 1
    older, newer = np.zeros((t, l), np.float32), np.zeros((t, l), np.float32)
    while band <= windows:
        last = band == windows
        if last:
            older[:], newer[:] = 0, 0
        for w in range(windows):
            c = np.ascontiguousarray(a[:, starts[w] : starts[w + 1]])
            part = c.T @ basis
            g[starts[w] : starts[w + 1]] = part
            newer += c @ part
            if (w + 1) % band == 0 and not last:
                basis = np.linalg.qr(older + newer)[0]
                older, newer = newer, np.zeros_like(newer)
        band *= 2
    q, r = np.linalg.qr(g)
    b = np.linalg.solve(r.T.astype(np.float64), newer.T.astype(np.float64))
    u, s, vt = np.linalg.svd(b, full_matrices=False)
    return q @ u[:, :k].astype(np.float32), s[:k], vt[:k].T


def residual(path, u, s, v):
    import numpy as np

    a = np.load(path, mmap_mode="r")
    u, v, s = (np.asarray(x, np.float64) for x in (u, v, s))
    left, back = np.zeros(len(s)), np.zeros_like(v)
    for i in range(0, a.shape[1], 4096):
        c = a[:, i : i + 4096].astype(np.float64)
        left += ((c.T @ v - u[i : i + 4096] * s) ** 2).sum(axis=0)
        back += c @ u[i : i + 4096]
    right = ((back - v * s) ** 2).sum(axis=0)
    return float(np.sqrt(np.maximum(left, right)).max() / s[0])


def run_peer(name, path, k):
    import numpy as np

    a = np.load(path, mmap_mode="r")
    for i in range(0, a.shape[0], 64):
        a[i : i + 64].max()  # into the page cache
    peak = Peak()
    peak.start()
    wall, cpu = time.perf_counter(), time.process_time()
    u, s, v = peer(name, path, k)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak.ended = True
    print(json.dumps({"seconds": wall, "cpu": cpu, "mb": peak.peak, "residual": residual(path, u, s, v)}))


def run_gouda(gouda, path, k, extra):
    import numpy as np

    with tempfile.TemporaryDirectory() as out:
        wall = time.perf_counter()
        command = [gouda, "svd", path, "--rank", str(k), "--quiet", "--json", "--out", out + "/svd", *extra]
        before = os.times()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        peak = Peak(process.pid)
        peak.start()
        text = process.communicate()[0]
        wall = time.perf_counter() - wall
        after = os.times()
        peak.ended = True
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        u, s, v = (np.load(f"{out}/svd/{name}.npy") for name in "USV")
        found = {"seconds": wall, "cpu": cpu, "mb": peak.peak, "residual": residual(path, u, s, v)}
        found["passes"] = json.loads(text)["passes"]
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("matrix")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--gouda")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=PEERS)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return run_peer(args.peer, args.matrix, args.rank)
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(variable, None)
    rows = {}
    for _ in range(args.repeats):
        for name in [args.only] if args.only else PEERS:
            command = [sys.executable, __file__, args.matrix, "--rank", str(args.rank), "--peer", name]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            rows.setdefault(name, []).append(json.loads(done.stdout))
        if args.gouda:
            for tolerance in ("1e-6", "3e-4"):
                found = run_gouda(args.gouda, args.matrix, args.rank, ["--tolerance", tolerance])
                rows.setdefault(f"gouda svd --tolerance {tolerance}", []).append(found)
    print(f"{'method':32} {'seconds':>8} {'cpu s':>7} {'MB':>6} {'residual':>9} passes")
    for name, runs in rows.items():
        best = min(runs, key=lambda run: run["seconds"])
        print(
            f"{name:32} {best['seconds']:8.2f} {best['cpu']:7.2f} {best['mb']:6.0f}"
            f" {best['residual']:9.1e} {best.get('passes', '')}"
        )


if __name__ == "__main__":
    main()
