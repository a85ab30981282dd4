"""From a real recording to packs and pairs, by the stages themselves."""

import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from pipeline.packs.pack import Pack, read_packs
from pipeline.packs.pairs import read_pairs
from pipeline.pose.skeleton import H36M_17

ROOT = Path(__file__).resolve().parents[3]
REAL = Path(os.environ.get("POSE25D_REAL", ROOT.parent / "shared" / "real" / "balancing"))

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no real recording here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that index, extract, project, pack and pair have filled."""
    folder = tmp_path_factory.mktemp("real")
    yaml = YAML()
    params = yaml.load(ROOT / "recipes" / "tiny" / "params.yaml")
    params["data"] |= {"root": str(REAL), "subjects": ["S1", "S9"], "test_subjects": ["S9"]}
    params["parallel"]["workers"] = 1
    yaml.dump(params, folder / "params.yaml")

    def run(stage: str, *arguments: object) -> None:
        done = CliRunner().invoke(import_module(f"stages.{stage}").main, [*map(str, arguments), "--params", str(folder / "params.yaml")])
        assert done.exit_code == 0, done.output

    run("index", folder / "manifest")
    for subject in ("S1", "S9"):
        frames, poses = folder / "frames" / subject, folder / "poses" / f"{subject}.h5"
        run("extract", subject, folder / "manifest", frames)
        run("project", subject, folder / "manifest", poses)
        run("pack", subject, frames, poses, folder / "packed" / f"{subject}.h5")
    run("pair", folder / "packed", folder / "pairs")
    return folder


@pytest.fixture(scope="module")
def pack(made: Path) -> Pack:
    return read_packs(made / "packed", ["S1", "S9"])


def test_every_view_has_every_tenth_of_a_second(pack: Pack) -> None:
    assert pack.frame.tolist() == [frame for poses in (68, 28) for _ in range(4) for frame in range(0, poses, 6)]  # 60 Hz to 10 Hz
    assert len(np.unique(pack.camera)) == 4


def test_the_blue_cap_is_where_the_joints_of_the_head_are_in_all_four_views(pack: Pack) -> None:
    nose, head = H36M_17.index("nose"), H36M_17.index("head")
    place = (0.35 * pack.pose_2d[:, nose] + 0.65 * pack.pose_2d[:, head]).round().astype(int)
    image = pack.image[:]
    colour = image[np.arange(len(pack)), place[:, 1], place[:, 0]].astype(int)
    assert (colour[:, 2] - colour[:, 0] > 15).mean() > 0.95
    assert (image[..., 2].astype(int) - image[..., 0] > 15).mean() < 0.3  # there is little blue elsewhere


def test_the_person_is_whole(pack: Pack) -> None:
    assert pack.pose_2d.min() > 0
    assert (pack.pose_2d < np.array(pack.image.shape[2:0:-1]) - 1).all()


def test_pairs_are_found_in_one_short_take(made: Path, pack: Pack) -> None:
    for split, count in (("train", 200), ("test", 40)):
        pairs = read_pairs(made / "pairs" / f"{split}.csv", pack)
        assert len(pairs) == count
        assert set(pack.subject[pairs].flat) == {{"train": "S1", "test": "S9"}[split]}
