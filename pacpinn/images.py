"""Images from a folder with one subfolder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from sklearn.datasets import load_files

from pacpinn.errors import DataError

_ENDINGS = [".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]


class Images(NamedTuple):
    """Images with what they show.

    Attributes:
        images: ``(rows, channels, height, width)``, single precision, in [0, 1].
        labels: ``(rows,)``, places in `names`.
        names: of the classes, that is, of the subfolders, in alphabetical order.
    """

    images: np.ndarray
    labels: np.ndarray
    names: list[str]


def image_folder(path: str | Path, size: tuple[int, int], colour: bool = False) -> Images:
    """Read ``path/<class>/<image>``, all images, brought to one size.

    Files that do not end like an image (png, jpeg, bmp, gif, tiff, webp, pgm, ppm) and hidden folders are passed over.
    Images are turned as their camera says; where they are transparent, the colour below shows.

    Args:
        path: the folder.
        size: height and width in pixels, to which images are stretched or shrunk.
        colour: three channels, red, green and blue, in place of one, brightness.

    Raises:
        DataError: if there is no such folder, a class has no images, there are fewer than two classes, or a file
            cannot be read.

    Example:
        >>> images, labels, names = image_folder("flowers", size=(32, 32), colour=True)
        >>> samples = Samples.split(images, labels)
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"{path} is no folder; expected one with a subfolder of images for each class")
    names = sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    if len(names) < 2:
        raise DataError(
            f"{path} has {len(names)} subfolders{': ' * bool(names)}{', '.join(names)}; expected two or more, "
            "one for the images of each class"
        )
    endings = [spelt for ending in _ENDINGS for spelt in (ending, ending.upper())]
    found = load_files(folder, categories=names, load_content=False, shuffle=False, allowed_extensions=endings)
    empty = [name for label, name in enumerate(names) if label not in found.target]
    if empty:
        raise DataError(f"there are no images in {', '.join(empty)} of {path}; expected files such as 1.png or 1.jpg")
    images = [_pixels(Path(each), size, "RGB" if colour else "L") for each in found.filenames]
    return Images(np.stack(images), found.target, names)


def _pixels(file: Path, size: tuple[int, int], mode: str) -> np.ndarray:
    """One image ``(channels, height, width)`` in [0, 1]."""
    height, width = size
    try:
        with Image.open(file) as opened:
            if opened.mode.startswith(("I", "F")):
                raise DataError(f"{file} has more than 8 bits a channel (mode {opened.mode}); save it with 8 first")
            image = ImageOps.exif_transpose(opened).convert(mode).resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, Image.DecompressionBombError) as problem:
        raise DataError(f"{file} cannot be read as an image: {problem}; mend or remove it") from problem
    pixels = np.asarray(image, dtype=np.float32) / 255
    return pixels.reshape(height, width, -1).transpose(2, 0, 1)
