"""What the runs paint of the same pairs: their samples, and several of them one below the other."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np

from experiments.recipe import Recipe
from experiments.results import Result
from pipeline.utils.images import as_jpeg, decode, encode
from recipes.graph import ROOT

TITLE, ROWS_HEIGHT = 34, 820  # px; of a run's name in a figure, and of its samples: four rows


def sample_pictures(recipe: Recipe, results: Sequence[Result]) -> Iterator[tuple[str, bytes]]:
    """The samples of each run whose experiment is in this clone, as JPEG, by the run's name."""
    for result in results:
        named = f"{result.experiment}:{recipe.folder}metrics/samples/samples.png"
        shown = subprocess.run(["git", "show", named], cwd=ROOT, capture_output=True, check=False)
        if result.state == "done" and shown.returncode == 0:
            yield result.run.name, as_jpeg(shown.stdout)


def stacked(pictures: Mapping[str, bytes], names: Sequence[str]) -> bytes | None:
    """The pictures (JPEG) of the runs `names`, those that there are, one below the other under their names; None without any."""
    images = {name: _first_rows(pictures[name]) for name in names if name in pictures}
    if not images:
        return None
    width = max(image.shape[1] for image in images.values())
    return encode(np.concatenate([_titled(name, image, width) for name, image in images.items()]), ".jpg")


def _first_rows(picture: bytes) -> np.ndarray:
    """The first rows of samples, (h, w, 3) uint8 RGB, in a JPEG that this project made."""
    image = decode(picture)
    assert image is not None
    return image[:ROWS_HEIGHT]


def _titled(name: str, image: np.ndarray, width: int) -> np.ndarray:
    """An image (h, w, 3) uint8 on white, `width` pixels wide, below its name."""
    tile = np.full((TITLE + image.shape[0], width, 3), 255, np.uint8)
    tile[TITLE:, : image.shape[1]] = image
    cv2.putText(tile, name, (6, TITLE - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (40, 40, 40), 1, cv2.LINE_AA)
    return tile
