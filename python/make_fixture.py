"""Makes `data/fixtures/recorded`: a small recording, and what a reader should find: `python make_fixture.py`.

A linear regression: what is wanted depends on the inputs of `early` from the first step on, and on those of
`late` from step 80 of 160 on. Numbers in `expected.json` are numpy's, in float64, of the float32 entries.
"""

import json
import shutil
from pathlib import Path

import numpy as np

from gouda_record import Recorder, open_stream

ROWS, BATCH, RATE, RANK = 160, 1024, 0.1, 8
LAYOUT = [("early.weight", (3, 20)), ("late.weight", (3, 20)), ("bias", (3,)), ("offset", ())]
FOLDER = Path(__file__).parent.parent / "data" / "fixtures" / "recorded"


def gradients() -> np.ndarray:
    """(160, 124): of half the mean squared error of y = W x + b + c, W being both tensors."""
    draw = np.random.default_rng(0)
    wanted = draw.normal(size=(3, 40))
    weight, bias, offset, rows = np.zeros((3, 40)), np.zeros(3), 0.0, []
    for step in range(ROWS):
        x = draw.normal(size=(BATCH, 40))
        seen = x * np.repeat([1.0, float(step >= ROWS // 2)], 20)
        error = (x @ weight.T + bias + offset - seen @ wanted.T) / BATCH
        slope = error.T @ x
        rows.append(np.concatenate([slope[:, :20].ravel(), slope[:, 20:].ravel(), error.sum(axis=0), [error.sum()]]))
        weight, bias, offset = weight - RATE * slope, bias - RATE * error.sum(axis=0), offset - RATE * error.sum()
    return np.array(rows)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    # Two shards: 64 and 60 columns.
    with Recorder(FOLDER / "gradients", LAYOUT, expected_rows=ROWS, shard_bytes=4 * ROWS * 64) as recorder:
        for step, row in enumerate(gradients()):
            recorder.add(row, learning_rate=RATE, step=10 * step)
    stream = open_stream(FOLDER / "gradients")
    matrix = stream.array().astype("f8")
    v, s, ut = np.linalg.svd(matrix, full_matrices=False)
    in_tensor = {name: slice(start, start + int(np.prod(shape))) for name, shape, start in stream.layout}
    expected = {
        "shape": list(stream.shape),
        "layout": stream.manifest["layout"]["tensors"],
        "shard_columns": [shard.shape[1] for shard in stream.shards],
        "checksum": stream.manifest["checksum"],
        "learning_rate": RATE,
        "last_update": int(stream.rows["last_update"][-1]),
        "first_row_begins": matrix[0, :4].tolist(),
        "last_row_ends": matrix[-1, -4:].tolist(),
        "norm_of_first_row": float(np.linalg.norm(matrix[0])),
        "frobenius_norm": float(np.linalg.norm(matrix)),
        "singular_values": s[:RANK].tolist(),
        # Of the leading triplets: the share of v^2 in the second half of the rows, of u^2 in each tensor.
        "late_share_of_v": (v[ROWS // 2 :, :RANK] ** 2).sum(axis=0).tolist(),
        "share_of_u": {name: (ut[:RANK, at] ** 2).sum(axis=1).tolist() for name, at in in_tensor.items()},
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(json.dumps({key: expected[key] for key in ("singular_values", "late_share_of_v", "share_of_u")}, indent=1))


if __name__ == "__main__":
    main()
