"""The stages of the pose estimator: it learns, repeats itself to the byte, goes on where it was killed, and is scored and exported."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner, Result
from pose_pack import SIZE, write_params, write_sticks

from pipeline.config.pose_net import TrainPoseConfig
from pipeline.config.section import load_config
from pipeline.networks.checkpoint import load_network, save_network
from pipeline.networks.openpose import PoseNet
from pipeline.packs.pack import read_packs
from pipeline.pose.skeleton import H36M_17
from pipeline.pose_estimation.batches import Crops, close_up, draw_batch, move, side_by_side
from pipeline.training.resume import STATE, read_state
from stages import evaluate_pose, export_pose, train_pose

CPU = torch.device("cpu")
NOSE = H36M_17.index("nose")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packs of training and test people, and parameters."""
    write_sticks(tmp_path / "packed" / "S1.h5", 12, 1)
    write_sticks(tmp_path / "packed" / "S9.h5", 8, 2)
    write_params(tmp_path / "params.yaml")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def _settings_end_with_the_test() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_flush_denormal(False)


def arguments(folder: Path, out: str, backbone: str) -> list[str]:
    places = (folder / "packed", folder / out / f"{backbone}.safetensors", folder / out / "curves")
    return [backbone, *(str(place) for place in places), "--params", str(folder / "params.yaml")]


def train(folder: Path, out: str, backbone: str = "mobilenet") -> bytes:
    result = CliRunner().invoke(train_pose.main, arguments(folder, out, backbone))
    assert result.exit_code == 0, result.output
    return (folder / out / f"{backbone}.safetensors").read_bytes()


def evaluate(folder: Path, nets: str) -> Result:
    places = (folder / "packed", folder / nets, folder / "test.json", folder / "samples")
    return CliRunner().invoke(evaluate_pose.main, [*(str(place) for place in places), "--params", str(folder / "params.yaml")])


def test_the_same_seed_trains_the_same_weights_and_a_loss_that_falls(folder: Path) -> None:
    write_params(folder / "params.yaml", train_pose={"steps": 120, "log_every": 10, "checkpoint_every": 50})
    weights = train(folder, "one")
    lines = (folder / "one" / "curves" / "plots" / "metrics" / "heat.tsv").read_text(encoding="utf-8").splitlines()[1:]
    losses = [float(line.split("\t")[1]) for line in lines]
    assert losses[-1] < losses[0] / 2
    assert list((folder / "one" / "curves" / "samples").glob("*.jpg"))
    write_params(folder / "params.yaml", train_pose={"steps": 6})
    assert train(folder, "two") == train(folder, "three")
    write_params(folder / "params.yaml", train_pose={"steps": 6, "seed": 2})
    assert train(folder, "four") not in (weights, (folder / "three" / "mobilenet.safetensors").read_bytes())


def test_a_killed_training_ends_like_an_unbroken_one(folder: Path) -> None:
    write_params(folder / "params.yaml", train_pose={"steps": 150})
    unbroken = train(folder, "unbroken")
    command = [sys.executable, "-m", "stages.train_pose", *arguments(folder, "killed", "mobilenet")]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(folder.glob(f".scratch/train_pose/*/{STATE}")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = read_state(next(folder.glob(f".scratch/train_pose/*/{STATE}")).parent)
    assert state is not None
    assert 0 < state["step"] < 150
    assert not (folder / "killed").exists()
    assert train(folder, "killed") == unbroken


def test_a_light_network_can_be_trained_longer(folder: Path) -> None:
    write_params(folder / "params.yaml", train_pose={"steps": 4, "log_every": 1, "longer": {"mobilenet": 3, "vgg": 1}})
    for backbone, steps in (("mobilenet", 2 + 3 * 4), ("vgg", 2 + 4)):
        train(folder, "long", backbone)
        curve = (folder / "long" / "curves" / "plots" / "metrics" / "heat.tsv").read_text(encoding="utf-8").splitlines()
        assert curve[-1].split("\t")[0] == str(steps)


def test_both_backbones_are_scored_and_exported(folder: Path) -> None:
    write_params(folder / "params.yaml", pose_net={"backbones": ["mobilenet", "vgg"]})
    for backbone in ("mobilenet", "vgg"):
        train(folder, "nets", backbone)
    result = evaluate(folder, "nets")
    assert result.exit_code == 0, result.output
    figures = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    assert list(figures) == ["mobilenet", "vgg"]
    for values in figures.values():
        assert values["heat_loss"] > 0
        assert values["paf_loss"] > 0
        assert 0 <= values["pckh"] <= 1
        assert len(values["pckh_by_joint"]) == 17
    assert (folder / "samples" / "table.md").read_text(encoding="utf-8").count("\n") == 4
    assert cv2.imread(str(folder / "samples" / "samples.jpg")) is not None
    assert "vgg takes" in result.output
    assert "ms per image of 368 x 368 px on 1 CPU threads" in result.output
    assert "ms" not in (folder / "test.json").read_text(encoding="utf-8")

    net = folder / "nets" / "mobilenet.safetensors"
    result = CliRunner().invoke(export_pose.main, [str(net), str(folder / "pose.onnx"), "--params", str(folder / "params.yaml")])
    assert result.exit_code == 0, result.output
    image = np.random.default_rng(0).uniform(-1, 1, (3, 3, 96, 40)).astype(np.float32)
    found = onnxruntime.InferenceSession(str(folder / "pose.onnx"), providers=["CPUExecutionProvider"]).run(None, {"image": image})
    with torch.inference_mode():
        expected = load_network(net, PoseNet)(torch.from_numpy(image))[-1]
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two.numpy(), atol=1e-4)


def test_nothing_is_scored_or_exported_over_what_others_made(folder: Path) -> None:
    """A folder of photos in the place of the pictures or of the file, and a network of other joints than the packs."""
    for backbone in ("mobilenet", "vgg"):
        (folder / "nets").mkdir(exist_ok=True)
        save_network(folder / "nets" / f"{backbone}.safetensors", PoseNet(18, backbone, 0.1, 0, 4, list(SIZE)))
    assert "expected a pose estimator of the 17 joints of the packs, found one of 18" in evaluate(folder, "nets").output
    (folder / "samples").mkdir()
    (folder / "samples" / "me.jpg").write_bytes(b"a picture")
    assert "holds me.jpg, which is none of the files that are written here" in evaluate(folder, "nets").output
    net = folder / "nets" / "mobilenet.safetensors"
    before = net.read_bytes()
    for out, message in ((folder / "samples", "found a folder"), (net, "is not replaced")):
        for more in ([], ["--force"]):
            result = CliRunner().invoke(export_pose.main, [str(net), str(out), *more, "--params", str(folder / "params.yaml")])
            assert result.exit_code == 1
            assert message in result.output
            assert result.output.count("\n") == 1
    assert net.read_bytes() == before
    assert [path.name for path in (folder / "samples").iterdir()] == ["me.jpg"]


def test_what_a_user_gets_wrong_is_one_line(folder: Path) -> None:
    (folder / "nets").mkdir()
    result = evaluate(folder, "nets")
    assert result.exit_code == 1
    assert "mobilenet.safetensors: not found; expected weights" in result.output
    write_params(folder / "params.yaml", data={"train_subjects": ["S1"], "test_subjects": ["S1"]})
    assert "S1 is trained on, too" in evaluate(folder, "nets").output
    write_params(folder / "params.yaml", pose_net={"stride": 8}, data={"train_subjects": ["S7"]})
    assert "S7.h5: not found" in CliRunner().invoke(train_pose.main, arguments(folder, "x", "vgg")).output


def test_a_spot_and_its_joint_move_together() -> None:
    image = torch.full((3, 3, 48, 32), -1.0)
    pose_2d = torch.tensor([[8.0, 12.0], [20.0, 30.0], [16.0, 24.0]])[:, None, None]
    for number, (x, y) in enumerate(pose_2d[:, 0, 0].int().tolist()):
        image[number, :, y - 1 : y + 2, x - 1 : x + 2] = 0.5
        image[number, :, y, x] = 1.0
    moved = move(
        Crops(image, pose_2d), torch.tensor([0.3, -0.2, 0.0]), torch.tensor([1.2, 0.8, 1.0]), torch.tensor([[0.05, 0.0], [0.0, -0.05], [0.1, 0.1]])
    )
    for number in range(3):
        row, column = divmod(int(moved.image[number, 0].argmax()), 32)
        assert np.abs(np.array((column, row)) - moved.pose_2d[number, 0, 0].numpy()).max() <= 1
    still = move(Crops(image, pose_2d), torch.zeros(3), torch.ones(3), torch.zeros(3, 2))
    torch.testing.assert_close(still.image, image)
    torch.testing.assert_close(still.pose_2d, pose_2d)


def test_two_people_stand_side_by_side() -> None:
    crops = Crops(torch.rand(4, 3, 8, 6), torch.rand(4, 1, 17, 2))
    pairs = side_by_side(crops)
    assert pairs.image.shape == (2, 3, 8, 12)
    torch.testing.assert_close(pairs.image[1, :, :, 6:], crops.image[3])
    torch.testing.assert_close(pairs.pose_2d[1], torch.stack([crops.pose_2d[1, 0], crops.pose_2d[3, 0] + torch.tensor([6.0, 0.0])]))


def test_a_close_up_shows_what_is_around_the_nose() -> None:
    """Whatever lies at a joint in the crop lies at the same joint in the close-up; beyond the edges the outermost pixels go on."""
    row, column = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")
    pose_2d = torch.randint(8, 24, (2, 1, 17, 2)).float()
    pose_2d[0, 0, NOSE], pose_2d[1, 0, NOSE] = torch.tensor([15.0, 20.0]), torch.tensor([2.0, 3.0])
    close = close_up(Crops(torch.stack([column, row]).expand(2, 2, 40, 30), pose_2d), 16, torch.tensor([[0.0, 0.0], [0.1, -0.2]]))
    assert close.image.shape == (2, 2, 16, 16)
    assert close.pose_2d[0, 0, NOSE].tolist() == [8, 6], "the nose lies above the middle by an eighth of the side"
    assert close.pose_2d[1, 0, NOSE].tolist() == [6, 9]
    for image, pose, before in zip(close.image, close.pose_2d[:, 0].long(), pose_2d[:, 0], strict=True):
        inside = ((pose >= 0) & (pose < 16)).all(dim=1)
        torch.testing.assert_close(image[:, pose[inside, 1], pose[inside, 0]].T, before[inside])
    assert close.image[1, 0, 0].tolist() == [0] * 4 + list(range(12)), "left of the crop its first column goes on"


def test_without_a_nose_a_close_up_shows_the_middle() -> None:
    pose_2d = torch.full((1, 1, 17, 2), 5.0)
    pose_2d[0, 0, NOSE] = torch.nan
    close = close_up(Crops(torch.rand(1, 3, 40, 30), pose_2d), 16, torch.zeros(1, 2))
    assert close.pose_2d[0, 0, 0].tolist() == [5 - 7, 5 - 14]
    assert close.pose_2d[0, 0, NOSE].isnan().all()


def test_close_ups_come_first(folder: Path) -> None:
    pack = read_packs(folder / "packed", ["S1"])
    config = load_config(TrainPoseConfig, folder / "params.yaml", "train_pose").model_copy(update={"two_people": 0.0})
    assert [draw_batch(pack, config, step, CPU).image.shape for step in (1, 2)] == [(8, 3, 24, 24), (4, 3, *SIZE)]


def test_a_batch_follows_from_seed_and_step_and_is_shared_between_devices(folder: Path) -> None:
    pack = read_packs(folder / "packed", ["S1"])
    config = load_config(TrainPoseConfig, folder / "params.yaml", "train_pose").model_copy(update={"two_people": 0.0})
    whole, again, other = (draw_batch(pack, config, step, CPU) for step in (3, 3, 4))
    torch.testing.assert_close(whole, again)
    assert not torch.equal(whole.image, other.image)
    halves = [draw_batch(pack, config, 3, CPU, rank, 2) for rank in (0, 1)]
    torch.testing.assert_close(torch.cat([half.image for half in halves]), whole.image)
    together = draw_batch(pack, config.model_copy(update={"two_people": 1.0}), 3, CPU)
    assert together.image.shape == (2, 3, SIZE[0], 2 * SIZE[1])
    assert together.pose_2d.shape == (2, 2, 17, 2)
