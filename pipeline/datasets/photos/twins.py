"""Twins of photos, which only invented people have: the same 2D pose with one arm or leg mirrored in depth, photographed again.

They lie in the folder `twins` beside the photos, `<photo>-<limb chain>.jpg`, and their labels in its `depth.csv`. Where there is no such folder,
scores that need twins are null.
"""

from pathlib import Path

from pipeline.datasets.photos.hand_labels import FILE_NAME, read_label_file
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import CHAIN_NAMES
from pipeline.utils.errors import UserError

FOLDER = "twins"


def twin_name(name: str, chain: int) -> str:
    """File of the twin of the photo `name` with this limb chain mirrored (position in `skeleton.CHAINS`)."""
    return f"{Path(name).stem}-{CHAIN_NAMES[chain]}.jpg"


def read_twin_labels(root: Path) -> dict[str, Labels]:
    """The labels of the twins, by file name; none where the photos have no twins."""
    folder = root / FOLDER
    return read_label_file(folder / FILE_NAME) if folder.is_dir() else {}


def twin_path(root: Path, name: str) -> Path:
    """Where a twin lies; raise UserError where it is not there."""
    path = root / FOLDER / name
    if not path.is_file():
        raise UserError(f"{path}: not found, but {root / FOLDER / FILE_NAME} has its labels; fetch it again or remove the line")
    return path
