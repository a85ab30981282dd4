"""Whatever happens to a file, it is read, or refused in one line that names it: never a traceback, never numbers that no body has.

Each file is made by the code that makes it in a run; then it is cut, overwritten, or one thing in it is replaced. The same damage is tried at each
run (`derandomize`).
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from pipeline.config.params import check_params
from pipeline.datasets.human36m.metadata import ACTIONS, FILE_NAME, Metadata, read_metadata, write_metadata
from pipeline.datasets.photos.annotations import read_annotations, read_list
from pipeline.datasets.photos.annotations import read_pairs as read_photo_pairs
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.evaluation.label_sweep import read_hand_labels, read_known
from pipeline.networks.checkpoint import load_network, save_network
from pipeline.networks.unet import G2
from pipeline.packs.frame_store import FrameStore, write_frames
from pipeline.packs.pack import Pack, pack_path, read_packs, write_pack
from pipeline.packs.pairs import read_pairs
from pipeline.pose.camera import Camera
from pipeline.pose.pose_file import read_pose
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.report.curves import read_curves
from pipeline.training.resume import read_state, restore, save_state
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import MOST_MM, MOST_PX

quickly = settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
ROOT = Path(__file__).resolve().parents[1]
ROWS, SIZE = 6, (8, 4)

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["../../x", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


# ---- good files


def columns(rows: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    words = {"sequence": "Walking", "identity": "S1-a", "action": "Walking", "camera": "54138969"}
    return {
        "image": rng.integers(0, 255, (rows, *SIZE, 3), dtype=np.uint8),
        "pose_2d": rng.uniform(0, 4, (rows, 17, 2)).astype(np.float32),
        "label": rng.integers(-1, 2, (rows, len(LIMB_NAMES))).astype(np.int8),
        "pose_3d": (rng.uniform(-500, 500, (rows, 17, 3)) + np.array([0, 0, 4000])).astype(np.float32),
        "frame": np.arange(rows, dtype=np.int32),
        **{name: np.array([word] * rows, dtype=object) for name, word in words.items()},
    }


def write_good_pack(folder: Path) -> Path:
    rows, twins = columns(ROWS, 0), columns(2, 1)
    twins = {name: twins[name] for name in ("image", "label", "pose_3d")} | {"row": np.array([1, 4], np.int32), "chain": np.array([0, 3], np.int8)}
    write_pack(pack_path(folder, "S1"), "S1", "units", [rows], [twins])
    return pack_path(folder, "S1")


def read_good_pack(path: Path) -> Pack:
    return read_packs(path.parent, ["S1"])


def write_good_frames(folder: Path) -> Path:
    image = np.zeros((8, 8, 3), np.uint8)
    write_frames(folder / "Walking.54138969.h5", [image, image + 50, image + 90], np.array([0, 5, 10]), (8, 8), (8, 8), 50.0)
    return folder / "Walking.54138969.h5"


def read_frames(path: Path) -> list[np.ndarray]:
    with FrameStore(path) as store:
        return [store[row] for row in range(len(store))]


def write_good_weights(folder: Path) -> Path:
    network = G2((16, 16), filters=2, blocks=2, upsampling="nearest")
    save_network(folder / "g2.safetensors", network)
    return folder / "g2.safetensors"


# ---- bytes


@st.composite
def damaged_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes, cut, with others in their midst, or with a piece repeated."""
    start = draw(st.integers(0, len(whole)))
    stop = draw(st.integers(start, min(len(whole), start + 60)))
    middle = draw(
        st.sampled_from([b"", whole[start:stop] * 2, b"\0" * 8, b"9" * 5000, b"\xff\xfe", b"nan", b"-1e999", b'"', b"[" * 5000])
        | st.binary(max_size=20)
    )
    return whole[:start] + middle + draw(st.sampled_from([whole[stop:], b""]))


def write_bytes(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


LABELS = "".join(f",{number % 3 - 1}" for number in range(len(LIMB_NAMES)))
HAND = f"subject,sequence,camera,frame,{','.join(LIMB_NAMES)}\nS1,Walking,54138969,2{LABELS}\n"
ANNOTATIONS = f"name:keypoints_y:keypoints_x\na_1.jpg: {list(range(18))}: {[5] * 18}\nb_1.jpg: {[-1] * 18}: {[-1] * 18}\n"
DEPTH = f"name,{','.join(LIMB_NAMES)}\na_1.jpg{LABELS[:-2]},\nb_1.jpg{LABELS}\n"
PAIRS = "subject,identity,source,target\nS1,S1-a,0,1\nS1,S1-a,4,2\n"
POSE = (ROOT / "examples" / "person.json").read_text(encoding="utf-8")


def hand_labels(path: Path) -> Any:
    return read_hand_labels(path, read_known(path.parent, ["S1"], 1))


def pairs_of_pack(path: Path) -> Any:
    return read_pairs(path, read_packs(path.parent, ["S1"]))


def series(path: Path) -> Any:
    return read_curves(path.parents[2])


def metadata_of_one_sequence(folder: Path) -> bytes:
    camera = Camera(np.array([[1150.0, 0, 500], [0, 1150, 500], [0, 0, 1]]), np.zeros(5), np.eye(3), np.array([0.0, -4000, 1500]))
    write_metadata(folder / FILE_NAME, Metadata(ACTIONS, {("S1", 2, 1): "Directions 1"}, {("S1", "54138969"): camera}, ("54138969",)))
    return (folder / FILE_NAME).read_bytes()


TEXTS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "hand labels": ("hand.csv", HAND, hand_labels),
    "annotations": ("annotation.csv", ANNOTATIONS, read_annotations),
    "depth labels": ("depth.csv", DEPTH, read_label_file),
    "pairs": ("train.csv", PAIRS, pairs_of_pack),
    "pairs of photos": ("pairs.csv", "from,to\na_1.jpg,a_2.jpg\n", read_photo_pairs),
    "list of photos": ("train.lst", "a_1.jpg\na_2.jpg\n", read_list),
    "pose": ("pose.json", POSE, read_pose),
    "series": ("plots/metrics/l1.tsv", "timestamp\tstep\tl1\n1\t25\t0.5\n", series),
    "metadata": ("metadata.xml", "", lambda path: read_metadata(path.parent)),
    "parameters": ("params.yaml", (ROOT / "params.yaml").read_text(encoding="utf-8"), check_params),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_damaged_text_is_read_or_refused_by_name(kind: str, tmp_path: Path) -> None:
    name, text, read = TEXTS[kind]
    whole = text.encode() or metadata_of_one_sequence(tmp_path)
    write_good_pack(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)
    read(path)

    @quickly
    @given(damaged_bytes(whole))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        reads_or_refuses(read, path)

    check()


@pytest.mark.parametrize("kind", ["pack", "frames", "weights"])
def test_files_that_are_cut_short_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    write, read = {
        "pack": (write_good_pack, read_good_pack),
        "frames": (write_good_frames, read_frames),
        "weights": (write_good_weights, lambda path: load_network(path, G2)),
    }[kind]
    path = write(tmp_path)
    whole = path.read_bytes()
    read(path)

    @quickly
    @given(st.integers(0, len(whole) - 1))
    def check(length: int) -> None:
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=path.name):
            read(path)

    check()


def reads_or_refuses(read: Callable[[Path], Any], path: Path) -> Any:
    """What is read, whose numbers are finite and in range; None where the file was refused in lines that name it."""
    found, refused = None, None
    try:
        found = read(path)
    except UserError as error:
        refused = str(error)
    if refused is not None:
        assert path.name in refused
        assert all(line.strip() for line in refused.split("\n"))
        assert len(refused) < 3000
    check_numbers_in(found)
    return found


def check_numbers_in(found: Any) -> None:
    """Every array of numbers in what was read: NaN only where a joint is missing, nothing infinite, nothing beyond any picture or room."""
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        assert not np.isinf(found).any()
        assert (np.isnan(found) | (np.abs(found) <= max(MOST_MM, MOST_PX))).all()
    elif dataclasses.is_dataclass(found):
        for value in vars(found).values():
            check_numbers_in(value)
    elif isinstance(found, dict):
        for value in found.values():
            check_numbers_in(value)


# ---- what is in the files


def damage_dataset(file: h5py.File, name: str, how: str, row: int, value: Any) -> None:
    """Replace one data set by something that does not belong there."""
    old, dtype = file[name][()], file[name].dtype
    text = dtype.kind == "O"
    del file[name]
    if how == "value":
        array = old.copy()
        if not text:
            array.reshape(-1)[row % array.size] = value if dtype.kind == "f" else np.array(120).astype(dtype)
        file.create_dataset(name, data=array, dtype=dtype)
    elif how == "type":
        file[name] = np.zeros(old.shape) if text else np.full(old.shape, "text", dtype=object)
    elif how == "shape":
        file[name] = np.zeros((2, 2)) if text else old.reshape(-1)[:-1]
    elif how == "fewer":
        file.create_dataset(name, data=old[:-1], dtype=dtype)
    elif how == "scalar":
        file[name] = 5
    elif how == "group":
        file.create_group(name)
    elif how == "soft link":
        file[name] = h5py.SoftLink("/image")
    elif how == "external link":
        file[name] = h5py.ExternalLink("secret.h5", "/image")
    elif how == "external storage":
        file.create_dataset(name, (3,), np.uint8, external=[("secret.bin", 0, 3)])


NEVER_120, FLOATS = ("label", "twins/label", "twins/chain", "twins/row"), ("pose_2d", "pose_3d", "twins/pose_3d")
HOW = ("gone", "value", "type", "shape", "fewer", "scalar", "group", "soft link", "external link", "external storage")


def names_in(path: Path) -> list[str]:
    found: list[str] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(found)


@pytest.mark.parametrize("how", HOW)
def test_a_data_set_that_does_not_belong_is_refused_by_name(how: str, tmp_path: Path) -> None:
    secret = b"\x01\x02\x03"
    (tmp_path / "secret.bin").write_bytes(secret)
    for write, read in ((write_good_pack, read_good_pack), (write_good_frames, read_frames)):
        path = write(tmp_path)
        whole = path.read_bytes()
        for name in names_in(path):
            for value in (np.nan, np.inf, 1e30):
                path.write_bytes(whole)
                with h5py.File(path, "r+") as file:
                    damage_dataset(file, name, how, 3, value)
                found = reads_or_refuses(read, path)
                if how in ("gone", "type", "scalar", "group", "soft link", "external link", "external storage"):
                    assert found is None, f"{path.name}: {name} was read"
                if how == "value" and (name in NEVER_120 or (name in FLOATS and not np.isnan(value))):
                    assert found is None, f"{path.name}: {name} was read with a number that it cannot have"


@pytest.mark.parametrize("attribute", ["subject", "units"])
def test_attributes_that_do_not_belong_are_refused_or_read(attribute: str, tmp_path: Path) -> None:
    path = write_good_pack(tmp_path)
    for value in (5, np.zeros(3), "S9", b"\xff"):
        with h5py.File(path, "r+") as file:
            file.attrs[attribute] = value
        assert (reads_or_refuses(read_good_pack, path) is None) == (attribute == "subject")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every value within lists and dicts, themselves, too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, item in inner for leaf in leaves(item, (*path, key)))]


def with_leaf(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_leaf(value[path[0]], path[1:], new)
    return copy


def test_a_pose_with_anything_in_it_is_read_or_refused(tmp_path: Path) -> None:
    good = json.loads(POSE)
    path = tmp_path / "pose.json"

    @quickly
    @given(st.sampled_from(leaves(good)), junk)
    def check(leaf: tuple[Any, ...], new: Any) -> None:
        path.write_text(json.dumps(with_leaf(good, leaf, new)), encoding="utf-8")
        reads_or_refuses(read_pose, path)

    check()


def test_weights_with_any_description_are_loaded_or_refused(tmp_path: Path) -> None:
    path = write_good_weights(tmp_path)
    tensors = load_file(path)
    header = {"network": "G2", "config": {"image_size": [16, 16], "filters": 2, "blocks": 2, "upsampling": "nearest"}}

    @quickly
    @given(st.sampled_from(leaves(header)), junk)
    def check(leaf: tuple[Any, ...], new: Any) -> None:
        save_file(tensors, path, {"pose25d": json.dumps(with_leaf(header, leaf, new))})
        reads_or_refuses(lambda path: load_network(path, G2), path)

    check()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    path = write_good_weights(tmp_path)
    for name, tensor in load_file(path).items():
        tensors = load_file(path)
        tensors[name] = tensor.clone()
        tensors[name].view(-1)[0] = value
        network = G2((16, 16), filters=2, blocks=2, upsampling="nearest")
        network.load_state_dict(tensors)
        save_network(tmp_path / "bad.safetensors", network)
        with pytest.raises(UserError, match=rf"bad\.safetensors: .*{name}"):
            load_network(tmp_path / "bad.safetensors", G2)


def test_a_state_that_changed_in_any_byte_is_refused(tmp_path: Path) -> None:
    network = G2((16, 16), filters=2, blocks=2, upsampling="nearest")
    save_state(tmp_path, 3, {"network": network})
    state = read_state(tmp_path)
    assert state is not None
    assert restore(state, {"network": network}) == 3
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    @quickly
    @given(st.sampled_from(sorted(files)), st.integers(0, 10**9), st.integers(1, 255), st.booleans())
    def check(path: Path, place: int, change: int, cut: bool) -> None:
        whole = files[path]
        place %= len(whole)
        path.write_bytes(whole[:place] if cut else whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
        with pytest.raises(UserError, match="remove"):
            read_state(tmp_path)
        path.write_bytes(whole)

    check()
