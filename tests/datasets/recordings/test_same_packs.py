"""The built-in people, held as a Pose2Sim session and imported, become the packs that they become as they are."""

import cv2
import numpy as np
import pytest
from importing import ROOT, make_packs, run_import
from invented_session import trc, write_toml_of
from scipy.optimize import least_squares

from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.layout import Layout
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.synthetic.dataset import write_dataset
from pipeline.packs.pack import Pack
from pipeline.pose.camera import Camera, distort
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17

PARAMS = ROOT / "recipes" / "tiny" / "params.yaml"


def opencv(camera: Camera, size: int) -> np.ndarray:
    """The coefficients (5,) of OpenCV that are nearest to a camera of the data set."""
    grid = (np.stack(np.meshgrid(*2 * [np.linspace(0, size - 1, 9)]), axis=-1).reshape(-1, 2) - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]]
    ray = np.concatenate([grid, np.ones((len(grid), 1))], axis=1)

    def error(coefficients: np.ndarray) -> np.ndarray:
        seen = cv2.projectPoints(ray, np.zeros(3), np.zeros(3), np.eye(3), coefficients)[0][:, 0]
        return (seen - distort(grid, camera.distortion)).ravel()

    return np.asarray(least_squares(error, np.zeros(5)).x)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pack, Pack]:
    """Of the built-in data, and of its first subject's recordings, imported with two trials as two subjects."""
    folder = tmp_path_factory.mktemp("same")
    config = load_config(SyntheticConfig, PARAMS, "synthetic").model_copy(update={"twin_subjects": (), "seconds": 0.3})
    built_in, session = folder / "built-in", folder / "session"
    write_dataset(built_in, config, ParallelConfig.model_validate(load_config(ParallelConfig, PARAMS, "parallel").model_dump() | {"workers": 1}))
    metadata = read_metadata(built_in)
    layout, prefixes = Layout(built_in / "S1"), [prefix for (subject, *_), prefix in metadata.prefixes.items() if subject == "S1"]
    cameras = {f"cam{number}": metadata.cameras["S1", number] for number in metadata.camera_ids}
    size = config.video_size
    write_toml_of(session / "calibration" / "Calib.toml", {name: (camera, opencv(camera, size)) for name, camera in cameras.items()}, (size, size))
    for prefix in prefixes:
        (session / prefix / "pose-3d").mkdir(parents=True)
        poses = read_pose(layout.world_pose(prefix), 3)[:, H36M_32_TO_17].astype(np.float64)
        (session / prefix / "pose-3d" / f"{prefix}_0-{len(poses)}.trc").write_text(trc(poses), encoding="utf-8")
        (session / prefix / "videos").mkdir()
        for number in metadata.camera_ids:
            (session / prefix / "videos" / f"cam{number}.mp4").symlink_to(layout.video(prefix, number))
    run_import(session, folder / "imported", "--subject", f"{prefixes[0]}=S1", "--subject", f"{prefixes[1]}=S2")
    return make_packs(built_in, folder / "a", ["S1", "S9"]), make_packs(folder / "imported", folder / "b", ["S1", "S2"])


def rows(pack: Pack) -> list[tuple[str, str, int]]:
    """What stands in each row: sequence, camera, frame."""
    names = zip(pack.sequence.tolist(), pack.camera.tolist(), pack.frame.tolist(), strict=True)
    return [(str(sequence).replace(" ", "_"), str(camera).removeprefix("cam"), frame) for sequence, camera, frame in names]


def test_the_packs_are_the_same(packs: tuple[Pack, Pack]) -> None:
    built_in, imported = packs
    places = [rows(built_in).index(row) for row in rows(imported)]
    assert len(places) == (built_in.subject == "S1").sum()
    measured = np.arange(len(H36M_17)) != H36M_17.index("spine")  # which HALPE_26 has no marker of
    assert np.abs(imported.pose_2d - built_in.pose_2d[places])[:, measured].max() < 0.01  # px of crops of 64 x 32
    assert np.abs(imported.pose_3d - built_in.pose_3d[places])[:, measured].max() < 0.01  # mm
    np.testing.assert_array_equal(imported.label, built_in.label[places])
    assert np.abs(imported.image[:].astype(int) - built_in.image[np.array(places)]).max() <= 2  # grey levels
