"""The photos of the demo are what the stage makes."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from pipeline.utils.pictures import read_picture
from stages import demo_photos

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = ROOT / "examples" / "demo"


def test_the_photos_are_what_the_stage_makes(tmp_path: Path) -> None:
    """Files of text to the letter, pictures but for what machines round differently."""
    out = tmp_path / "demo"
    result = CliRunner().invoke(demo_photos.main, [str(out), "--params", str(ROOT / "recipes" / "full" / "params.yaml")])
    assert result.exit_code == 0, result.output
    made, committed = (sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) for folder in (out, PHOTOS))
    assert made == committed
    for name in made:
        if name.suffix == ".jpg":
            difference = np.abs(read_picture(out / name).astype(int) - read_picture(PHOTOS / name))
            assert difference.mean() < 0.5, name
        else:
            assert (out / name).read_bytes() == (PHOTOS / name).read_bytes()
