"""A small classifier, its gradients recorded, and when it learnt what: `python example.py`.

The data are made here. An input has two halves, and each shows a thing or its opposite, in noise. There are two
labels to predict, one for each thing. Nobody labels the thing in the right half in the first seven tenths
of training: until then that label is always 0. So what happens is known: `left` is learnt early, `right` late (but for
its bias, which learns early that the label is 0).
"""

import shutil
from pathlib import Path
from typing import Tuple

import torch
from torch import nn

from gouda_record import record

STEPS, BATCH, HALF = 500, 128, 32
PATH = Path("runs/example/gradients")

torch.manual_seed(0)
torch.set_num_threads(1)  # the model is too small for more
PATTERNS = torch.randn(2, HALF)  # one for each half of the input; a label is its sign


def batch(size: int, is_late: bool) -> Tuple[torch.Tensor, torch.Tensor]:
    """Inputs (size, 64) and their labels (size, 2)."""
    labels = torch.randint(0, 2, (size, 2)).float()
    halves = [torch.outer(2 * label - 1, pattern) for label, pattern in zip(labels.T, PATTERNS)]
    x = torch.cat(halves, dim=1) + torch.randn(size, 2 * HALF)
    return x, labels if is_late else labels * torch.tensor([1.0, 0.0])


class Classifier(nn.Module):
    """A net for each half of the input, with its label for an output: 8,978 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = (
            nn.Sequential(nn.Linear(HALF, 132), nn.Tanh(), nn.Linear(132, 1)) for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.left(x[:, :HALF]), self.right(x[:, HALF:])], dim=1)


def main() -> None:
    if PATH.exists():
        shutil.rmtree(PATH)  # of the last time that the example was run
    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005)
    test_x, test_y = batch(2000, is_late=True)
    with record(model, PATH, optimizer=optimizer) as recorder:
        for step in range(STEPS):
            x, y = batch(BATCH, is_late=step >= STEPS * 7 // 10)
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
            recorder.step()
            optimizer.step()
            if (step + 1) % 50 == 0:
                left, right = ((model(test_x) > 0) == (test_y > 0)).float().mean(dim=0).tolist()
                print(f"step {step + 1}: the left label is right in {left:.0%}, the right one in {right:.0%}")
    print(f"\n{len(recorder)} gradients are in {PATH}. What was learnt when, by gradients as they are and by their directions alone:")
    print(f"    gouda locate {PATH} --out runs/example/located")
    print(f"    gouda locate {PATH} --unit-norm --out runs/example/unit-norm")
    print(f"The decomposition alone:\n    gouda svd {PATH} --rank 8 --out runs/example/svd")


if __name__ == "__main__":
    main()
