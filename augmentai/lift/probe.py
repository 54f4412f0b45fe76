"""The linear probe: multinomial logistic regression on standardised features, by L-BFGS, the same for every arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Floats = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

WEIGHT_DECAY = 1e-2
_MOST_STEPS = 100  # a few more than are needed
_JITTER = 1e-4  # of the mean squared length of a row
_COLUMNS_AT_ONCE = 128  # whose deviations are computed: that takes a copy of them
_FLAT = 1e-4  # largest entry of a gradient that is taken for zero: up to 2 % of predictions differ from the optimum's


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Shape:
        mean, scale: (D,); weights: (D, classes); bias: (classes,).
    """

    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    def predict(self, features: np.ndarray[Any, Any]) -> Ints:
        """The class of each row: (N, D) to (N,)."""
        predicted: Ints = self._logits(features).argmax(1).numpy()
        return predicted

    def log_shares(self, features: np.ndarray[Any, Any]) -> Floats:
        """The logarithm of the probability of each class: (N, D) to (N, classes)."""
        import torch

        found: Floats = torch.log_softmax(self._logits(features), 1).numpy()
        return found

    def _logits(self, features: np.ndarray[Any, Any]) -> Tensor:
        import torch

        x = features.astype(np.float32)
        x -= self.mean
        x *= self.scale
        return torch.addmm(torch.from_numpy(self.bias), torch.from_numpy(x), torch.from_numpy(self.weights))


def fit(features: Floats, labels: Ints, classes: int) -> Probe:
    """Fit a probe: the mean cross-entropy plus half the weight decay times the squared weights, biases not decayed.

    With fewer rows than columns, the best weights are a combination of the rows (representer theorem), so the problem
    is solved in the coordinates of a Cholesky factor of the rows' inner products: the same solution, several times
    as fast.

    Args:
        features: one row for each training view; standardised here, in place: a copy of each of several fits at
            once would decide how much memory a measurement takes.
        labels: class numbers.
        classes: how many classes there are.

    Shape:
        features: float32 (N, D); labels: int64 (N,).

    Example:
        >>> rows = np.array([[0.0, 1.0], [0.2, 1.1], [3.0, 1.0], [3.1, 0.9]], np.float32)
        >>> fit(rows.copy(), np.array([0, 0, 1, 1]), classes=2).predict(rows).tolist()
        [0, 0, 1, 1]
        >>> fit(np.zeros((4, 9), np.float32), np.array([0, 0, 0, 1]), classes=2).predict(rows[:1, [0] * 9]).tolist()
        [0]
    """
    import torch

    mean, scale = _standardise(features)
    x = torch.from_numpy(features)
    count, width = x.shape
    if count >= width:
        weights, bias = _minimise(x, labels, classes)
        return Probe(mean, scale, weights.numpy(), bias)
    inner = x @ x.T
    inner.diagonal().add_(_JITTER * float(inner.trace()) / count or 1.0)  # rows may repeat; 1: all of them are one
    root = torch.linalg.cholesky(inner)  # rows in other coordinates
    own, bias = _minimise(root, labels, classes)
    combination = torch.linalg.solve_triangular(root.T, own, upper=True)
    return Probe(mean, scale, (x.T @ combination).numpy(), bias)


def _standardise(features: Floats) -> tuple[Floats, Floats]:
    """Give each column mean 0 and deviation 1, in place. Returns the means, and the factors: (D,) each."""
    mean = features.mean(0)
    deviation = np.empty_like(mean)
    for start in range(0, features.shape[1], _COLUMNS_AT_ONCE):
        columns = slice(start, start + _COLUMNS_AT_ONCE)
        deviation[columns] = features[:, columns].std(0)
    scale = (1 / np.maximum(deviation, 1e-6)).astype(np.float32)
    features -= mean
    features *= scale
    return mean, scale


def _minimise(x: Tensor, labels: Ints, classes: int) -> tuple[Tensor, Floats]:
    """Weights and biases of rows in any coordinates. Shape: x (N, D); output: (D, classes), (classes,)."""
    import torch

    count, width = x.shape
    expected = torch.zeros(count, classes)
    expected[torch.arange(count), torch.from_numpy(labels)] = 1
    values = torch.zeros(width + 1, classes)  # the last row holds the biases
    values.grad = torch.zeros_like(values)
    optimizer = torch.optim.LBFGS(
        [values],
        max_iter=_MOST_STEPS,
        tolerance_grad=_FLAT,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        weights, gradient = values[:-1], values.grad
        assert gradient is not None
        log_shares = torch.log_softmax(torch.addmm(values[-1], x, weights), 1)  # (N, classes)
        error = (log_shares.exp() - expected) / count
        torch.addmm(weights, x.T, error, beta=WEIGHT_DECAY, out=gradient[:-1])
        gradient[-1] = error.sum(0)
        return WEIGHT_DECAY / 2 * weights.square().sum() - (log_shares * expected).sum() / count

    optimizer.step(loss)
    return values[:-1], values[-1].numpy()
