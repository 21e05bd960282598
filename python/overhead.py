"""How much of a training step recording takes: `python overhead.py`. Needs PyTorch."""

import statistics
import tempfile
import time

import torch
from torch import nn

from gouda_record import record

STEPS = 300


def small_net() -> nn.Module:
    """A convolutional net for images of 28 x 28: 105,866 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10),
    )


def two_layers() -> nn.Module:
    """A perceptron for 64 numbers: 9,484 parameters."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 9))


def measure(name: str, model: nn.Module, shape: "tuple[int, ...]") -> None:
    """CPU time of the steps, and of what recording adds to each of them, in the same run."""
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.randn(shape), torch.randint(0, 9, shape[:1])
    training, recording = [], []
    with tempfile.TemporaryDirectory(dir=".") as folder, record(model, folder) as recorder:
        for _ in range(STEPS):
            begin = time.process_time()
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            middle = time.process_time()
            recorder.step()
            end = time.process_time()
            optimizer.step()
            training.append(time.process_time() - end + middle - begin)
            recording.append(end - middle)
        begin = time.process_time()
    closing = time.process_time() - begin
    parameters = sum(p.numel() for p in model.parameters())
    step, median = statistics.median(training), statistics.median(recording)
    print(
        f"{name}, {parameters} parameters, batch {shape[0]}: a step {1e3 * step:.2f} ms, recording it"
        f" {1e3 * median:.3f} ms ({100 * median / step:.1f} %), with what was published meanwhile"
        f" {100 * sum(recording) / sum(training):.1f} %; close() {1e3 * closing / STEPS:.2f} ms a step"
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    measure("two layers", two_layers(), (256, 64))
    measure("small net", small_net(), (64, 1, 28, 28))
    measure("small net", small_net(), (256, 1, 28, 28))
