import numpy as np
import pytest

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.inspection import inspect
from pipeline.datasets.human36m.layout import CAMERA, PIXELS, find_layout
from pipeline.datasets.human36m.metadata import read_metadata, write_metadata
from pipeline.utils.params_file import read_params

SEQUENCES = [("S1", "Directions", 68, [69, 70, 70, 69]), ("S9", "Directions 1", 28, [29, 30, 30, 29])]


@pytest.mark.parametrize(("subject", "prefix"), [entry[:2] for entry in SEQUENCES])
def test_cameras_bring_poses_where_the_recording_has_them(real, subject, prefix):
    metadata = read_metadata(real)
    layout = find_layout(real / subject)
    world = read_pose(layout.world_pose(prefix), 3)
    for number in metadata.camera_ids:
        camera = metadata.cameras[subject, number]
        seen = read_pose(layout.view_pose(CAMERA, prefix, number), 3)
        np.testing.assert_allclose(camera.to_camera(world), seen, rtol=0, atol=1e-3)  # mm
        pixels = read_pose(layout.view_pose(PIXELS, prefix, number), 2)
        np.testing.assert_allclose(camera.project(seen), pixels, rtol=0, atol=1e-2)  # px
        np.testing.assert_allclose(camera.unproject(pixels, seen[..., 2]), seen, rtol=0, atol=1e-2)  # mm


def test_its_files_are_counted(real, pytestconfig):
    values = read_params(pytestconfig.rootpath / "params.yaml")
    data = DataConfig.model_validate(values["data"] | {"root": str(real), "subjects": ["S1", "S9"], "test_subjects": ["S9"]})
    subjects = inspect(data, ParallelConfig.model_validate(values["parallel"] | {"workers": 1}))
    for subject, (name, prefix, poses, frames) in zip(subjects, SEQUENCES, strict=True):
        (take,) = subject.takes
        assert (subject.name, take.prefix, take.action, take.subaction, take.poses) == (name, prefix, "Directions", 1, poses)
        assert [view.video.frames for view in take.views] == frames
        assert {view.video.fps for view in take.views} == {60.0}
        assert not take.faults


def test_its_metadata_survives_writing(real, tmp_path):
    metadata = read_metadata(real)
    write_metadata(tmp_path / "metadata.xml", metadata)
    other = read_metadata(tmp_path)
    assert dict(other.prefixes) == dict(metadata.prefixes)
    for key, camera in metadata.cameras.items():
        np.testing.assert_array_equal(other.cameras[key].K, camera.K)
        np.testing.assert_allclose(other.cameras[key].R, camera.R, rtol=0, atol=1e-14)
