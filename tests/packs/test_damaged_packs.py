"""Packs with generated damage: what is read is whole and in range, or the file is refused in one line that says what to run again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.packs.frame_store import FrameStore, write_frames
from pipeline.packs.pack import BACKGROUND, BOX, TRUTH, Pack, pack_path, read_columns, read_packs, write_pack
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError

ROWS, SIZE = 6, (8, 4)
COLUMNS = (
    "image",
    "pose_2d",
    "label",
    "pose_3d",
    "frame",
    "sequence",
    "identity",
    "action",
    "camera",
    "label_truth",
    "label_clear",
    "box",
    "background",
)
TWINS = tuple(f"twins/{name}" for name in ("image", "row", "chain", "label", "pose_3d"))
VALUES = (0, 1, -1, 2, 7, -8, 127, 10**9, -(10**18), 0.5, np.nan, np.inf, -np.inf, 1e30)


def write(folder: Path, subject: str = "S1") -> Path:
    rng = np.random.default_rng(1)
    rows = {
        "image": rng.integers(0, 256, (ROWS, *SIZE, 3), np.uint8),
        "pose_2d": rng.random((ROWS, 17, 2)).astype(np.float32),
        "label": rng.integers(-1, 2, (ROWS, len(LIMBS))).astype(np.int8),
        "pose_3d": rng.normal(0, 900, (ROWS, 17, 3)).astype(np.float32),
        "frame": np.arange(ROWS, dtype=np.int32),
        **{name: np.array(["a"] * ROWS, dtype=object) for name in ("sequence", "identity", "action", "camera")},
        "label_truth": rng.integers(-1, 2, (ROWS, len(LIMBS))).astype(np.int8),
        "label_clear": rng.random((ROWS, len(LIMBS))) < 0.5,
        "box": np.array([3, 4, 20, 40]) + rng.random((ROWS, 4)),
        "background": rng.integers(0, 256, (ROWS, *SIZE, 4), np.uint8),
    }
    rows["pose_2d"][2, 3] = np.nan
    twins = {"row": np.array([1, 1, 4], np.int32), "chain": np.array([0, 3, 1], np.int8), "image": rows["image"][:3]}
    write_pack(pack_path(folder, subject), subject, "px", [rows], [twins | {"label": rows["label"][:3], "pose_3d": rows["pose_3d"][:3]}])
    return pack_path(folder, subject)


def holds(pack: Pack) -> None:
    """What every reader of a pack relies on."""
    count, joints, limbs = len(pack), pack.pose_2d.shape[1], pack.label.shape[1]
    assert pack.image[:].dtype == pack.twins.image[:].dtype == np.uint8
    assert pack.pose_2d.shape == (count, joints, 2)
    assert pack.pose_3d.shape in ((count, joints, 3), (count, 0, 3))
    assert pack.label.shape == (count, limbs)
    for label in (pack.label, pack.twins.label, *([] if pack.label_truth is None else [pack.label_truth])):
        assert label.dtype == np.int8
        assert set(np.unique(label)) <= {-1, 0, 1}
        assert label.shape[1] == limbs
    for pose in (pack.pose_3d, pack.twins.pose_3d):
        assert pose.dtype == np.float32
        assert np.isfinite(pose).all()
    assert pack.box is None or (pack.box.shape == (count, 4) and (pack.box[:, 2:] > pack.box[:, :2]).all())
    assert pack.background is None or (pack.background.shape == (*pack.image.shape[:3], 4) == pack.background[:].shape)
    assert pack.pose_2d.dtype == np.float32
    assert not np.isinf(pack.pose_2d).any()
    assert pack.frame.dtype == np.int32
    assert {len(column) for column in (pack.frame, pack.sequence, pack.identity, pack.action, pack.camera)} == {count}
    assert len({len(column) for column in vars(pack.twins).values()}) == 1
    assert ((pack.twins.row >= 0) & (pack.twins.row < count)).all()
    assert (np.diff(pack.twins.row) >= 0).all()
    assert ((pack.twins.chain >= 0) & (pack.twins.chain < 4)).all()


def read_or_refuse(folder: Path) -> bool:
    """Whether the pack is read; the refusal has to say what and where, in one line."""
    try:
        holds(read_packs(folder, ["S1"]))
    except UserError as error:
        line = str(error)
        assert line.startswith(str(folder / "S1.h5"))
        assert "\n" not in line
        assert "run the stage `pack`" in line
        return False
    return True


def put(file: h5py.File, name: str, values: Any) -> None:
    del file[name]
    file[name] = values


def test_the_pack_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path)
    found = read_packs(tmp_path, ["S1"])
    holds(found)
    with h5py.File(path) as file:
        for name in ("image", "pose_2d", "label", "pose_3d", "frame", "label_truth", "label_clear"):
            np.testing.assert_array_equal(getattr(found, name)[:], file[name])
        for name in TWINS:
            np.testing.assert_array_equal(getattr(found.twins, name.removeprefix("twins/"))[:], file[name])


DAMAGES: dict[str, Callable[[h5py.File], object]] = {
    **{f"no {name}": lambda file, name=name: file.__delitem__(name) for name in (*COLUMNS, *TWINS, "twins") if name not in (*TRUTH, BOX, BACKGROUND)},
    **{f"{name} a row short": lambda file, name=name: put(file, name, file[name][:-1]) for name in (*COLUMNS, *TWINS) if name != "image"},
    **{
        f"words in {name}": lambda file, name=name: put(file, name, np.full(file[name].shape, b"x")) for name in ("image", "pose_2d", "label", *TWINS)
    },
    "numbers for words": lambda file: put(file, "camera", np.arange(ROWS)),
    "17 joints and 16": lambda file: put(file, "pose_3d", file["pose_3d"][:, :16]),
    "16 joints": lambda file: [put(file, name, file[name][:, :16]) for name in ("pose_2d", "pose_3d")],
    "7 limbs": lambda file: [put(file, name, file[name][:, :7]) for name in ("label", "label_truth", "label_clear", "twins/label")],
    "limbs of the twins alone": lambda file: put(file, "twins/label", file["twins/label"][:, :0]),
    "twins of another size": lambda file: put(file, "twins/image", file["twins/image"][:, :4]),
    "flat images": lambda file: put(file, "image", file["image"][..., 0]),
    "images of floats": lambda file: put(file, "image", file["image"][()] / 255),
    "images of no size": lambda file: put(file, "image", file["image"][:, :0]),
    "a box of no width": lambda file: file["box"].__setitem__((0, 2), 0),
    "a background without what is known": lambda file: put(file, "background", file["background"][..., :3]),
    "label 2": lambda file: file["label"].__setitem__((0, 0), 2),
    "true label -2": lambda file: file["label_truth"].__setitem__((0, 0), -2),
    "chain 4": lambda file: file["twins/chain"].__setitem__(0, 4),
    "row outside": lambda file: file["twins/row"].__setitem__(2, ROWS),
    "row below": lambda file: file["twins/row"].__setitem__(0, -1),
    "rows that fall": lambda file: file["twins/row"].__setitem__(0, 5),
    "infinite joint": lambda file: file["pose_2d"].__setitem__((0, 0, 0), np.inf),
    "joint far away": lambda file: file["pose_2d"].__setitem__((0, 0, 0), 1e9),
    "missing depth": lambda file: file["pose_3d"].__setitem__((0, 0, 0), np.nan),
    "missing depth of a twin": lambda file: file["twins/pose_3d"].__setitem__((0, 0, 0), np.nan),
    "frame below 0": lambda file: file["frame"].__setitem__(0, -1),
    "no subject": lambda file: file.attrs.__delitem__("subject"),
    "subject 1": lambda file: file.attrs.__setitem__("subject", 1),
    "subjects": lambda file: file.attrs.__setitem__("subject", ["S1", "S2"]),
    "a group for a dataset": lambda file: [file.__delitem__("label"), file.create_group("label")],
    "nobody": lambda file: put(file, "pose_2d", h5py.Empty("f4")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    with h5py.File(write(tmp_path), "r+") as file:
        DAMAGES[damage](file)
    assert not read_or_refuse(tmp_path)


def test_columns_alone_are_checked_as_well(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path), "r+") as file:
        file["pose_3d"][0, 0, 0] = np.nan
        put(file, "camera", file["camera"][:-1])
    for name in ("pose_3d", "camera"):
        with pytest.raises(UserError, match=rf"S1\.h5: expected a pack, and in it `{name}`.*run the stage `pack` again"):
            read_columns(tmp_path, "S1", (name,))
    assert len(read_columns(tmp_path, "S1", ("pose_2d",))["pose_2d"]) == ROWS


def test_packs_of_two_joint_sets_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with h5py.File(write(tmp_path, "S5"), "r+") as file:
        for name in ("label", "label_truth", "label_clear", "twins/label"):
            put(file, name, file[name][:, :0])
    with pytest.raises(
        UserError, match=rf"S5\.h5: expected rows of `label` \({len(LIMBS)},\) as in the other packs, found \(0,\); run the stage `pack` again"
    ):
        read_packs(tmp_path, ["S1", "S5"])


_SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SETTINGS
@given(data=st.data())
def test_any_dataset_with_anything_in_it_is_read_whole_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*COLUMNS, *TWINS]))
    with h5py.File(write(tmp_path), "r+") as file:
        shape = list(file[name].shape)
        axis = data.draw(st.integers(0, len(shape) - 1))
        shape[axis] = max(0, shape[axis] + data.draw(st.sampled_from([0, 0, 0, -1, 1, -20])))
        kind = data.draw(st.sampled_from(["same", "u1", "i1", "i8", "f4", "f8", "S3"]))
        dtype = file[name].dtype if kind == "same" else np.dtype(kind)
        value = data.draw(st.sampled_from([b"x"] if dtype.kind in "SO" else [v for v in VALUES if dtype.kind == "f" or np.isfinite(v)]))
        with np.errstate(all="ignore"):
            values = np.full(shape, value if dtype.kind in "SO" else np.array(value).astype(dtype), dtype)
        put(file, name, values)
    read_or_refuse(tmp_path)


@_SETTINGS
@given(data=st.data())
def test_a_pack_that_is_cut_off_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = write(tmp_path).read_bytes()
    (tmp_path / "S1.h5").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert not read_or_refuse(tmp_path)


FRAME_DAMAGES: dict[str, Callable[[h5py.File], object]] = {
    **{f"no {name}": lambda file, name=name: file.__delitem__(name) for name in ("frame", "jpeg")},
    **{f"{name} a row short": lambda file, name=name: put(file, name, file[name][:-1]) for name in ("frame", "jpeg")},
    **{f"no {name}": lambda file, name=name: file.attrs.__delitem__(name) for name in ("width", "height", "stored_width", "stored_height", "fps")},
    **{f"fps {value}": lambda file, value=value: file.attrs.__setitem__("fps", value) for value in (0, -5, np.nan, np.inf, "x", [1, 2])},
    **{f"width {value}": lambda file, value=value: file.attrs.__setitem__("width", value) for value in (0, -5, 10**6, "x")},
    "frames that fall": lambda file: file["frame"].__setitem__(0, 7),
    "frames below 0": lambda file: file["frame"].__setitem__(0, -1),
    "frames of floats": lambda file: put(file, "frame", np.array([0.0, 5, 10])),
    "pictures as numbers": lambda file: put(file, "jpeg", np.zeros(3, np.uint8)),
}


def write_store(path: Path) -> Path:
    write_frames(path, [np.zeros((24, 32, 3), np.uint8)] * 3, np.array([0, 5, 10]), (64, 48), (32, 24), 50.0)
    return path


@pytest.mark.parametrize("damage", FRAME_DAMAGES)
def test_damaged_frames_are_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    with h5py.File(write_store(tmp_path / "a.h5"), "r+") as file:
        FRAME_DAMAGES[damage](file)
    with pytest.raises(UserError, match=r"^[^\n]*a\.h5: expected a file of frames, [^\n]*; run the stage `extract` again$"):
        FrameStore(tmp_path / "a.h5")


@_SETTINGS
@given(data=st.data())
def test_frames_that_are_cut_off_are_refused_when_they_are_read_at_the_latest(tmp_path: Path, data: st.DataObject) -> None:
    content = write_store(tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])

    def read() -> None:
        with FrameStore(tmp_path / "a.h5") as store:
            for row in range(len(store)):
                store[row]

    with pytest.raises(UserError, match=r"^[^\n]*a\.h5: [^\n]*; run the stage `extract` again$"):
        read()
