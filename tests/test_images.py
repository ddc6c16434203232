"""Image folders: read, brought to one size, learnt; bad ones named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from torch import nn

import pacpinn as pp
from pacpinn.errors import DataError
from pacpinn.images import image_folder


def save(folder, name: str, pixels: np.ndarray, **how) -> None:
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels.astype(np.uint8)).save(folder / name, **how)


@pytest.fixture
def stripes(tmp_path):
    """Twelve images of 8 x 10, of stripes that lie or stand, in two folders."""
    rng = np.random.default_rng(0)
    for i in range(6):
        lying = np.zeros((8, 10))
        lying[i % 2 :: 2] = 255
        standing = np.zeros((8, 10))
        standing[:, i % 2 :: 2] = 255
        for name, pixels in (("lying", lying), ("standing", standing)):
            save(tmp_path, f"{name}/{i}.png", np.clip(pixels + rng.normal(scale=20, size=pixels.shape), 0, 255))
    return tmp_path


def test_each_subfolder_is_a_class(stripes):
    images, labels, names = image_folder(stripes, size=(8, 10))
    assert (images.shape, images.dtype, names) == ((12, 1, 8, 10), np.float32, ["lying", "standing"])
    assert labels.tolist() == [0] * 6 + [1] * 6
    expected = np.asarray(Image.open(stripes / "lying" / "0.png")) / 255
    np.testing.assert_allclose(images[0, 0], expected, atol=1e-6)


def test_images_are_brought_to_one_size(stripes):
    save(stripes, "standing/large.JPG", np.full((40, 30), 51))
    images = image_folder(stripes, size=(4, 6)).images
    assert images.shape == (13, 1, 4, 6)
    np.testing.assert_allclose(images[-1], 0.2, atol=0.01)


def test_colours_are_channels(stripes):
    save(stripes, "lying/a.png", np.full((8, 10, 3), [255, 51, 0]))
    images = image_folder(stripes, size=(8, 10), colour=True).images
    assert images.shape == (13, 3, 8, 10)
    (red,) = [each for each in images if np.ptp(each, axis=0).min() > 0.5]
    np.testing.assert_allclose(red[:, 0, 0], [1, 0.2, 0], atol=1e-6)


def test_images_are_turned_as_their_camera_says(stripes):
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    pixels = np.zeros((8, 10))
    pixels[0] = 255
    save(stripes, "lying/a.png", pixels, exif=turned)
    images = image_folder(stripes, size=(10, 8)).images
    np.testing.assert_allclose(images[6, 0, :, -1], 1)


def test_other_files_and_hidden_folders_are_passed_over(stripes):
    (stripes / "readme.txt").write_text("about the stripes")
    (stripes / "lying" / "notes.txt").write_text("how they were drawn")
    save(stripes, ".thumbnails/0.png", np.zeros((2, 2)))
    assert len(image_folder(str(stripes), size=(8, 10)).images) == 12


def test_a_classification_learns_them(stripes):
    images, labels, _ = image_folder(stripes, size=(8, 8))
    task = pp.ClassificationTask(pp.Samples.split(images, labels, test=0.25))
    pac = pp.PAC(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 2)))
    pac.fit(task, pp.Adam(60, learning_rate=0.01))
    pac.prune(keep=0.5)
    pac.allocate(task, pp.Adam(30, learning_rate=0.01))
    assert task.score(pac.network()).value == 0


# Bad folders ----------------------------------------------------------------------------------------------------------


def test_no_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere is no folder; expected one with a subfolder"):
        image_folder(tmp_path / "nowhere", size=(4, 4))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="has 0 subfolders; expected two or more"):
        image_folder(tmp_path, size=(4, 4))


def test_one_class_alone_is_refused(tmp_path):
    save(tmp_path, "only/0.png", np.zeros((4, 4)))
    with pytest.raises(DataError, match="has 1 subfolders: only; expected two or more"):
        image_folder(tmp_path, size=(4, 4))


def test_a_class_without_images_is_named(stripes):
    (stripes / "crossing").mkdir()
    with pytest.raises(DataError, match="there are no images in crossing of"):
        image_folder(stripes, size=(4, 4))


@pytest.mark.parametrize("cut", [0, 5, 60])
def test_a_file_that_cannot_be_read_is_named(stripes, cut):
    file = stripes / "lying" / "3.png"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"3\.png cannot be read as an image"):
        image_folder(stripes, size=(4, 4))


def test_more_than_eight_bits_are_not_cut_off(stripes):
    Image.fromarray(np.full((4, 4), 60_000, dtype=np.uint16)).save(stripes / "lying" / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png has more than 8 bits a channel"):
        image_folder(stripes, size=(4, 4))
