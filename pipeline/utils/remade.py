"""Whether a place lies in what a stage writes: `dvc repro` removes that before it makes it anew, and with it all that a person put there."""

import os
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.utils.errors import UserError

LOCKS = ("dvc.lock", "*/dvc.lock", "*/*/dvc.lock", "*/*/*/dvc.lock")


def check_kept(path: Path) -> None:
    """Raise UserError where a file made by hand would lie in the output of a stage.

    The lock files of this project's graphs name outputs by their paths below its top, the nearest folder above with a `.dvc`.
    """
    place = Path(os.path.realpath(path))
    root = next((folder for folder in place.parents if (folder / ".dvc").is_dir()), None)
    if root is None:
        return
    above = {folder.relative_to(root).as_posix() for folder in (place, *place.parents) if folder.is_relative_to(root) and folder != root}
    for lock in sorted(file for pattern in LOCKS for file in root.glob(pattern)):
        stage = _writer(lock, above)
        if stage is not None:
            raise UserError(
                f"{path}: lies in what the stage {stage} of {lock.relative_to(root).with_suffix('.yaml')} writes: `dvc repro` would remove it; "
                "keep what you make by hand elsewhere (copy the pictures to a folder of your own)"
            )


def _writer(lock: Path, outs: set[str]) -> str | None:
    """The stage in a lock file that writes one of `outs`; None where there is none, or where the file cannot be read."""
    try:
        text = lock.read_text(encoding="utf-8")
        if not any(f"- path: {out}\n" in text for out in outs):
            return None  # to look before parsing takes a hundredth of the time
        stages = YAML(typ="safe").load(text)["stages"]
        return next((name for name, stage in stages.items() if any(out["path"] in outs for out in stage.get("outs", []))), None)
    except (OSError, ValueError, YAMLError, KeyError, TypeError, AttributeError):
        return None
