"""Labelled images: subsets that the package holds, and full sets from a folder of idx files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from jaxsnn_noise._checks import count, fail
from jaxsnn_noise.datasets import _files, _idx
from jaxsnn_noise.datasets._split import stratified

_SIDE = 28
_DIGITS_TEST = 34
_FASHION = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_CLASSES = {"mnist": tuple("0123456789"), "fashion": _FASHION, "digits": tuple("0123456789")}


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with their labels.

    Attributes:
        raw: intensities as stored, 0 to ``full_scale``.
        labels: class of each image, 0 to 9.
        full_scale: the stored value of full intensity.
    """

    raw: UInt8[np.ndarray, "sample height width"]
    labels: UInt8[np.ndarray, "sample"]
    full_scale: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Float32[np.ndarray, "sample height width"]:
        """Intensities from 0 (background) to 1."""
        return self.raw.astype(np.float32) / np.float32(self.full_scale)

    def subset(self, indices: Any) -> LabelledImages:
        """The images at ``indices`` (an integer array, a mask or a slice)."""
        return LabelledImages(self.raw[indices], self.labels[indices], self.full_scale)

    def averaged(self, side: int) -> Float32[np.ndarray, "sample height width"]:
        """Intensities of smaller images, each pixel the mean of a square of ``side`` by ``side``.

        Raises:
            InputError: a side that does not divide height and width.
        """
        count("averaged.side", side)
        samples, height, width = self.raw.shape
        if height % side or width % side:
            fail("averaged.side", f"must divide {height} x {width} pixels", side)
        squares = self.images.reshape(samples, height // side, side, width // side, side)
        return np.asarray(squares.mean(axis=(2, 4)), np.float32)

    def split(self, validation: float = 0.2, *, key: Any = 0) -> tuple[LabelledImages, LabelledImages]:
        """Training and validation images, each class in the same proportion.

        Args:
            validation: fraction of each class that goes to validation, between 0 and 1 (rounded to whole images).
            key: a JAX key or a whole number; the same key gives the same split everywhere.

        Returns:
            ``(train, validation)``, both in the order of the file.
        """
        rest, taken = stratified(self.labels, validation, key)
        return self.subset(rest), self.subset(taken)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Training and test images of one collection.

    Members: ``mnist`` (28 x 28; LeCun, Cortes and Burges 1998; CC BY-SA 3.0; embedded 5000 + 1000, full 60000 + 10000),
    ``fashion`` (28 x 28; Xiao, Rasul and Vollgraf 2017, Zalando SE; MIT; embedded 2000 + 500, full 60000 + 10000),
    ``digits`` (8 x 8; Alpaydin and Kaynak 1998; CC BY 4.0; 1457 + 340). Embedded subsets are the first images of each
    class in the order of the original file, so every class is equally frequent. Of ``digits``, the last 34 images of
    each class are the test set and all others the training set (142 on average a class).

    Attributes:
        name: name of the collection.
        train: images to train on; :meth:`LabelledImages.split` sets some of them aside for validation.
        test: images to report on.
        classes: what the labels 0 to 9 stand for.

    Example:
        >>> from jaxsnn_noise import datasets
        >>> mnist = datasets.load("mnist")
        >>> train, validation = mnist.train.split(0.2, key=1)
        >>> len(train), len(validation), len(mnist.test), train.images.max()
        (4000, 1000, 1000, np.float32(1.0))
    """

    name: str
    train: LabelledImages
    test: LabelledImages
    classes: tuple[str, ...]


def embedded(name: str) -> ImageSet:
    """``mnist``, ``fashion`` or ``digits`` as the package holds it."""
    stored = _files.arrays(name)
    if name == "digits":
        whole = LabelledImages(stored["x"], stored["y"], 16)
        test = np.zeros(len(whole), bool)
        for label in range(10):
            test[np.flatnonzero(whole.labels == label)[-_DIGITS_TEST:]] = True
        return ImageSet(name, whole.subset(~test), whole.subset(test), _CLASSES[name])
    train = LabelledImages(stored["x_train"], stored["y_train"], 255)
    return ImageSet(name, train, LabelledImages(stored["x_test"], stored["y_test"], 255), _CLASSES[name])


def from_folder(name: str, root: str | Path) -> ImageSet:
    """The full set from the four idx files in the folder ``root``.

    Args:
        name: ``mnist`` or ``fashion``.
        root: folder with ``train-images-idx3-ubyte`` (or ``train-images.idx3-ubyte``, or either with ``.gz``) and the
            other three.

    Raises:
        InputError: a file is missing, truncated or not what its name says.
    """
    folder = Path(root)
    return ImageSet(name, _part(folder, "train"), _part(folder, "t10k"), _CLASSES[name])


def _part(folder: Path, part: str) -> LabelledImages:
    images_at = _idx.find(folder, f"{part}-images", 3)
    labels_at = _idx.find(folder, f"{part}-labels", 1)
    images, labels = _idx.read(images_at, 3), _idx.read(labels_at, 1)
    if images.shape[1:] != (_SIDE, _SIDE):
        fail(str(images_at), f"images must be {_SIDE} x {_SIDE}", images.shape)
    if len(images) != len(labels):
        fail(str(labels_at), f"must hold one label per image of {images_at.name}, {len(images)}", len(labels))
    if len(labels) == 0 or labels.max() > 9:
        fail(str(labels_at), "must hold labels from 0 to 9", int(labels.max()) if len(labels) else "no label")
    return LabelledImages(images, labels, 255)
