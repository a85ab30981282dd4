"""The formats of recordings that can be imported. The order decides where a folder has the layout of several."""

from pathlib import Path

from pipeline.datasets.recordings.c3d.format import C3D
from pipeline.datasets.recordings.freemocap.format import FREEMOCAP
from pipeline.datasets.recordings.pose2sim.format import POSE2SIM
from pipeline.datasets.recordings.recording import Format, Session
from pipeline.utils.errors import UserError

FORMATS = (POSE2SIM, C3D, FREEMOCAP)


def find_session(folder: Path, name: str | None = None) -> tuple[Format, Session]:
    """The session in a folder, and its format: that called `name`, or else the first one whose layout it has.

    Raises UserError where it has none, or where a part of the layout is missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: expected the folder of a recording, found {'a file' if folder.exists() else 'nothing'}; check the path")
    chosen = [form for form in FORMATS if name in (None, form.name)]
    for form in chosen:
        session = form.find(folder)
        if session is not None:
            return form, session
    about = ", or ".join(form.about for form in chosen)
    raise UserError(f"{folder}: expected {about}; found neither; name the files by --calibration, --poses and --videos")


def format_of(path: Path) -> Format:
    """The format of a single file of poses, by how its name ends."""
    for form in FORMATS:
        if path.suffix.lower() == form.suffix:
            return form
    known = ", ".join(form.suffix for form in FORMATS)
    raise UserError(f"{path}: expected a file of 3D poses ({known}), found one that ends in {path.suffix!r}; write it in one of these")
