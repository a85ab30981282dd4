"""A wrong value stops before any work: whatever stands in a file of parameters, it is valid, or said in lines that name what is wrong."""

import copy
import json
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import params as whole_file
from pipeline.config.estimate import GIB
from pipeline.config.params import check_params
from pipeline.config.section import parse, with_sizes
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.params_file import MOST_BYTES, read_params
from stages import validate

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([ROOT / "params.yaml", *ROOT.glob("recipes/*/params.yaml")])
VALUES = {path: read_params(path) for path in FILES}
MEMORY = 64 * GIB  # of the machine that the tests are about

WORDS = st.text(max_size=30) | st.sampled_from(["", "x" * 5000, "10", "true", "../x", "a\nb", "\x00", "S99", "-x", "a b", "{key}", "auto"])
NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([0, -1, 1, 2**63, 2**64, 10**12, 10**400, 1e-310, 1e308, 0.5, 1e3, float("nan"), float("inf")])
)
PLAIN = st.none() | st.booleans() | NUMBERS | WORDS
JUNK = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6)


def places(values: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every section, parameter and item of a list stands."""
    inner = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    return [place for key, value in inner for place in ((*prefix, key), *places(value, (*prefix, key)))]


def changed(original: Path, place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    values = copy.deepcopy(VALUES[original])
    inner: Any = values
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return values


def written(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "params.yaml"
    path.write_text(json.dumps(values), encoding="utf-8")  # which is YAML, too
    return path


def named(key: str, value: Any, root: Path = ROOT / "params.yaml") -> dict[str, Any]:
    return changed(root, tuple(key.split(".")), value)


def complaint(function: Callable[..., Any], *args: Any) -> str | None:
    """What is said of a wrong value, None where nothing is wrong; every other exception is a fault of ours."""
    try:
        function(*args)
    except UserError as error:
        return str(error)
    return None


def kind_of(original: Path) -> Any:
    return whole_file.FILES_OF[VALUES[original]["data"]["kind"]]


@pytest.mark.parametrize("original", FILES, ids=lambda path: str(path.relative_to(ROOT)))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_is_valid_or_refused_by_name(original: Path, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(VALUES[original])))
    values = changed(original, place, data.draw(JUNK))
    said = complaint(parse, kind_of(original), with_sizes(values), "params.yaml")
    assert said is None or str(place[0]) in said
    for line in () if said is None else said.split("\n"):
        assert line.startswith("params.yaml: ")
        assert len(line) < 3000
        assert line.isprintable()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60) | st.text("[]{}:,-?&*!|>'\"%@`# \n\tab1.~<=", max_size=60))
def test_any_text_is_read_or_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    said = complaint(read_params, path)
    assert said is None or (said.startswith(f"{path}: ") and "\n" not in said)


def lines(count: int) -> str:
    return "".join(
        f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n" for before, letter in zip("abcdefghi"[:count], "bcdefghij", strict=False)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &a [x, x, x, x, x, x, x, x, x]\n" + lines(9), "more than 20000 values"),
        ("[" * 100_000, "more than 16 lists within lists"),
        ("- " * 100_000, "more than 16 lists within lists"),
        ("a: &a [*a]\n", r"line 1: `\*a` is a part of what it stands for"),
        ("a: " + "x" * MOST_BYTES, f"at most {MOST_BYTES} bytes"),
        ("a: 1\na: 2\n", "found duplicate key"),
        ("data: {1: x}\n", "data: expected words as keys, found 1"),
        ("? [1, 2]\n: 3\n", "expected words as keys"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: 2001-99-99\n", "not valid YAML"),
        ("a: 2001-09-09\n", "a = .*found date; put it in quotes"),
        ("a: !!binary aGFsbG8=\n", "found bytes"),
        ("a: !!bool x\n", "not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("a: 1\n---\nb: 1\n", "not valid YAML"),
    ],
    ids=range(15),
)
def test_a_text_that_is_no_file_of_parameters_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=expected) as error:
        read_params(path)
    assert "\n" not in str(error.value)


def test_what_is_no_text_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes("a: ä\n".encode("latin-1"))
    for path, expected in (("pipe", "found a pipe"), ("/dev/zero", "found a pipe or a device"), (".", "found a folder"), ("latin", "UTF-8")):
        done = CliRunner().invoke(validate.main, [str(tmp_path / "out"), "--params", str(tmp_path / path)])
        assert done.exit_code == 1
        assert expected in done.output
        assert len(done.output.strip().split("\n")) == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_may_not_be_read_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, VALUES[ROOT / "params.yaml"])
    if os.geteuid() == 0:  # root may read everything
        monkeypatch.setattr(Path, "open", _denied)
    else:
        path.chmod(0)
    with pytest.raises(MachineError, match="permission denied"):
        read_params(path)


def _denied(path: Path, *_args: Any, **_kwargs: Any) -> None:
    raise PermissionError(13, "Permission denied", str(path))


FACES, PHOTOS, POSE = (ROOT / "recipes" / name / "params.yaml" for name in ("faces", "deepfashion", "pose"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        *((named(f"{section}.seed", 2**64), rf"{section}\.seed") for section in ("synthetic", "pairs", "train_lifter", "train_g1", "train_g2")),
        *((named(f"{section}.seed", 2**64, FACES), rf"{section}\.seed") for section in ("data", "faces")),
        *((named(f"{section}.seed", 2**64, PHOTOS), rf"{section}\.seed") for section in ("data", "photos")),
        (named("train_pose.seed", 2**64, POSE), r"train_pose\.seed"),
        *((named(f"{section}.threads", 10**12), rf"{section}\.threads") for section in ("train_lifter", "train_g1", "train_g2", "evaluate")),
        *((named(f"{section}.batch_size", 10**9), rf"{section}\.batch_size") for section in ("train_lifter", "train_g1", "train_g2", "evaluate")),
        (named("train_g1.batch_size", 2**16), r"train_g1\.batch_size.*at least .* GiB of memory"),
        (named("model.filters", 10**5), r"model\.filters = 100000"),
        (named("model.filters", 4096), r"model\.filters.*at least .* GiB of memory, this machine has 8\.0 GiB"),
        (named("model.border", 64), r"model\.border: 64: .*found -64"),
        (named("model.border", 32, ROOT / "recipes/full/params.yaml"), r"model\.border: 32: .*found 0"),
        (named("model.blocks", 9), r"data\.image_size: .*multiples of 512, by model\.blocks and model\.shrink"),
        (named("data.image_size", [10**5, 10**5]), r"data\.image_size\.0 = 100000"),
        (named("data.image_size", [8, 8]), r"data\.image_size: .*at least 11"),
        (named("data.image_size", [100, 60], FACES), r"data\.image_size: .*multiples of 16"),
        (named("data.fps", 1e-310), r"data\.fps"),
        (named("data.fps", True), r"data\.fps = True"),
        (named("data.fps", "10"), r"data\.fps = '10'"),
        (named("data.subjects", ["S1", "S2", "S9", "S11"]), r"data\.subjects: S2 is not one of synthetic\.subjects"),
        (named("data.subjects", ["S1; ls", "S9", "S11"]), r"data\.subjects\.0"),
        (named("data.subjects", ["../S1", "S9", "S11"]), r"data\.subjects\.0"),
        (named("data.cameras", [["54138969"]]), r"data\.cameras.*`all` or a list"),
        (named("synthetic.twin_subjects", ["S99"]), r"synthetic\.twin_subjects: S99 is not one of subjects"),
        (named("synthetic.subjects", ["S1", "S1"]), r"synthetic\.subjects.*once"),
        (named("synthetic.twin_fps", 1e-310), r"synthetic\.twin_fps"),
        (named("data.fps", 25), r"data\.fps: 25: expected at most synthetic\.fps, the 10 frames per second"),
        (named("train_g1.half_size", 1.5), r"train_g1\.half_size = 1\.5"),
        (named("model.bottleneck", "fc"), r"train_g1\.half_size: with model\.bottleneck = fc"),
        (named("data.image_size", [144, 80]), r"train_g1\.half_size: halves of data\.image_size = \[144, 80\] are no multiples of 16"),
        (named("parallel.workers", 100000), r"parallel\.workers"),
        (named("parallel.workers", 1000), r"parallel\.workers.*GiB"),
        (named("parallel.devices", 3), r"train_g1\.batch_size: 16: expected a multiple of the 3 devices"),
        (named("parallel.strategy", "dpp"), r"parallel\.strategy: dpp"),
        (named("pose.heatmap_radius", 64), r"pose\.heatmap_radius: 64"),
        (named("pairs.sources.test", 2, FACES), r"pairs\.sources\.test: 2: a face is painted from one picture"),
        (named("pairs.sources.test", 9), r"pairs\.sources\.test = 9"),
        (named("pairs.min_distance", 200), r"pairs\.min_distance: 200"),
        (named("pairs.min_distance", 10**400), r"pairs\.min_distance"),
        (named("train_lifter.lr", 1e6), r"train_lifter\.lr: 1e\+06"),
        (named("train_g1.lr", 1e-310), r"train_g1\.lr: 1e-310"),
        (named("train_g2.d_lr", 1e6), r"train_g2\.d_lr: 1e\+06"),
        (named("train_lifter.views", 10**8), r"train_lifter\.views.*GiB"),
        (named("data.labelled_only", True, PHOTOS) | {"data": VALUES[PHOTOS]["data"] | {"labels": None}}, r"data\.labelled_only"),
        (named("data.annotations", ["a.csv", "a.csv"], PHOTOS), r"data\.annotations.*once"),
        (named("pairs.across_cameras", False, FACES), r"pairs\.across_cameras"),
        (named("data.views", ["11", "12"], FACES), r"data\.views"),
        (named("pairs.across_cameras", False) | {"data": VALUES[ROOT / "params.yaml"]["data"] | {"fps": 1}}, r"pairs\.across_cameras.*data\.fps = 1"),
        (named("data.train_subjects", ["../S1"], POSE), r"data\.train_subjects\.0 = '\.\./S1'"),
        (named("train_pose.batch_size", 5, POSE), r"train_pose\.two_people"),
        (named("train_pose.batch_size", 1, POSE), r"train_pose\.two_people"),
        (named("parallel.accelerator", "mps") if sys.platform != "darwin" else named("parallel.accelerator", 1), r"parallel\.accelerator"),
        (named("train_g1.precision", "16-mixed") | {"parallel": VALUES[PHOTOS]["parallel"] | {"accelerator": "cpu"}}, r"train_g1\.precision"),
        (named("train_g1.twins", True, FACES), r"train_g1: twins, order_weight"),
        (named("train_g1.order", 0.1), r"train_g1\.order: renamed; write train_g1\.order_weight"),
        (named("train_g2.order", 0.1), r"train_g2\.order: renamed; write train_g2\.order_weight"),
        (named("model.vunet.look", "parts"), r"model\.vunet\.look: renamed; write model\.vunet\.appearance_input"),
        (named("train_g1.steps", 2.5), r"train_g1\.steps = 2\.5"),
        (named("pose.depth", 1), r"pose\.depth = 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_fail_later_is_refused_in_one_line_that_names_the_key(tmp_path: Path, values: dict[str, Any], expected: str) -> None:
    path = written(tmp_path, values)
    with pytest.raises(UserError, match=expected) as error:
        check_params(path, 8 * GIB)
    assert all(line.startswith(f"{path}: ") for line in str(error.value).split("\n"))


def test_one_small_image_per_step_cannot_be_normalised(tmp_path: Path) -> None:
    values = named("train_pose.batch_size", 1, POSE)
    values["train_pose"] |= {"two_people": 0, "close_ups": {"steps": 1, "images": 1, "side": 32}}
    with pytest.raises(UserError, match=r"train_pose\.close_ups\.images"):
        check_params(written(tmp_path, values), MEMORY)
    values["train_pose"]["close_ups"]["images"] = 2
    check_params(written(tmp_path, values), MEMORY)


def test_a_folder_of_ones_own_is_not_taken_for_the_built_in_data(tmp_path: Path) -> None:
    values = named("data.subjects", ["S1", "S2", "S9", "S11"])
    values["data"]["root"] = "/mnt/data/synthetic"
    check_params(written(tmp_path, values), MEMORY)


def test_a_generator_that_is_not_chosen_has_no_say(tmp_path: Path) -> None:
    values = named("model.blocks", 3)
    values["model"]["vunet"]["levels"] = 12
    check_params(written(tmp_path, values), MEMORY)
    values["model"]["generator"] = "vunet"
    with pytest.raises(UserError, match=r"data\.image_size: .*multiples of 4096, by model\.vunet\.levels"):
        check_params(written(tmp_path, values), MEMORY)


def torchscript(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", b"")


def weights(path: Path, network: str) -> None:
    header = json.dumps({"__metadata__": {"pose25d": json.dumps({"network": network, "config": {}})}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


@pytest.mark.parametrize(
    ("key", "make", "original"),
    [
        ("evaluate.inception", torchscript, ROOT / "params.yaml"),
        ("evaluate.pose_net", lambda path: weights(path, "PoseNet"), ROOT / "params.yaml"),
        ("evaluate.lpips", lambda path: path.write_bytes(b"x"), ROOT / "params.yaml"),
        ("model.perceptual_weights", lambda path: path.write_bytes(b"x"), PHOTOS),
        ("data.predictor", lambda path: path.write_bytes(b"x"), FACES),
    ],
)
def test_a_file_that_a_later_stage_opens_is_looked_for_at_once(tmp_path: Path, key: str, make: Callable[[Path], None], original: Path) -> None:
    file = tmp_path / "weights"
    several = (lambda name: [name, name]) if key == "evaluate.lpips" else str
    params = written(tmp_path, named(key, several(str(file)), original))
    with pytest.raises(UserError, match=rf"{key} = .*not found"):
        check_params(params, MEMORY)
    file.mkdir()
    with pytest.raises(UserError, match=rf"{key} = .*found something else"):
        check_params(params, MEMORY)
    file.rmdir()
    make(file)
    check_params(params, MEMORY)
    with pytest.raises(UserError, match=rf"{key} = .*not found"):
        check_params(written(tmp_path, named(key, several("x" * 900), original)), MEMORY)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    weights(file, "G1")
    with pytest.raises(UserError, match=r"evaluate\.pose_net = .*expected the weights of PoseNet .*found G1"):
        check_params(written(tmp_path, named("evaluate.pose_net", str(file))), MEMORY)
    with pytest.raises(UserError, match=r"evaluate\.inception = .*expected a TorchScript file"):
        check_params(written(tmp_path, named("evaluate.inception", str(file))), MEMORY)


def test_the_stage_says_it_without_a_traceback(tmp_path: Path) -> None:
    params = written(tmp_path, named("train_g1.seed", 2**64))
    done = CliRunner().invoke(validate.main, [str(tmp_path / "out"), "--params", str(params)])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {params}: train_g1.seed = 18446744073709551616: ")
    assert not (tmp_path / "out").exists()
