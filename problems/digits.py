"""Classification: handwritten digits, rotated."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from torch import nn

import pacpinn as pp

TRAINING = 898  # half of the 1,797 images; the other half is the test set


class Digits(pp.Classification):
    """scikit-learn's bundled 8 x 8 handwritten digits, turned by an angle.

    Source: Alpaydin & Kaynak, "Optical recognition of handwritten digits", UCI machine learning repository (1998), its
    test part. Images are turned about their centre with bilinear interpolation; pixels from outside the image are
    blank.

    Args:
        data_seed: seed of the division into training and test images and of the choice of few samples.
    """

    angle = pp.Coefficient(0.0, low=-90.0, high=90.0, doc="rotation, anticlockwise, in degrees")
    samples = pp.Count(TRAINING, low=10, high=TRAINING, scale="log", doc="training samples")
    targets = pp.grid(angle=[15, 30, 45, 60], samples=[100])
    outputs = tuple("0123456789")
    batch_size = 64
    prior = 0.01

    def __init__(self, data_seed: int = 0) -> None:
        self.data_seed = data_seed

    def data(self, c: pp.Coefficients) -> pp.Samples:
        images, labels = load_digits(return_X_y=True)
        images = rotate(images.reshape(-1, 8, 8) / 16, c.angle, axes=(1, 2), reshape=False, order=1)[:, None]
        order = deal(labels, self.data_seed)
        train, test = order[: int(c.samples)], order[TRAINING:]
        return pp.Samples(images[train], labels[train], images[test], labels[test])

    def network(self, seed: int) -> nn.Module:
        """Two convolutions with batch normalisation and pooling, and a linear layer: (rows, 1, 8, 8) to (rows, 10)."""
        return nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(128, 10)),
        )


def deal(labels: np.ndarray, seed: int) -> np.ndarray:
    """Random order of all rows, alternating between the classes: any first rows hold the classes in equal parts."""
    rng = np.random.default_rng(seed)
    piles = [rng.permutation(np.flatnonzero(labels == each)) for each in np.unique(labels)]
    return np.array([row for turn in itertools.zip_longest(*piles) for row in turn if row is not None])
