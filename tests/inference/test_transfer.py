"""One picture and one pose in, one image out; and every way to get them wrong ends in one line."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from example_pose import EXAMPLES, write_pose
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from standing import RULE

from pipeline.config.pose import Background, MapConfig
from pipeline.inference.generator import Generator, load_generator
from pipeline.inference.painted import is_painted, write_picture
from pipeline.inference.transfer import cut_out, transfer
from pipeline.networks.checkpoint import save_network
from pipeline.networks.lifter import Lifter
from pipeline.networks.unet import FIRST_SHARES, G1, G2
from pipeline.networks.vunet import VUNet
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.conditioning import WARP_LAYERS
from pipeline.pose.pose_file import LabelledPose, read_pose
from pipeline.pose.skeleton import H36M_17, NECK_AND_HEAD
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import read_picture
from pipeline.utils.tensors import to_image
from pose25d import transfer as stage

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 32)
MARGIN = 0.15


def write_weights(
    folder: Path, source: bool = True, appearance: bool = True, lift: bool = False, background: Background = "none", head: bool = False
) -> tuple[Path, Path]:
    """Weights of small networks that change their input at random."""
    torch.manual_seed(0)
    seen = {"depth": True, "maps": ("parts",), "appearance": appearance, "lift": lift, "source": source, "background": background}
    pose = MapConfig(**seen, head=head, heatmap_radius=3)
    lifter = Lifter(16, 1, RULE) if lift else None
    conditioning = BodyConditioning(pose, lifter)
    shape = conditioning.channels, conditioning.layers, SIZE, 4, 3, "conv", "nearest", lifter and lifter.config
    g1 = G1(*shape, told=conditioning.told)
    networks = {"g1": g1, "g2": G2(SIZE, 4, 1, "nearest")}
    for name, network in networks.items():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_network(folder / f"{name}.safetensors", network, pose)
    return folder / "g1.safetensors", folder / "g2.safetensors"


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load_generator(*write_weights(tmp_path_factory.mktemp("weights"), lift=True))


@pytest.fixture(scope="module")
def painter_without_source(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load_generator(*write_weights(tmp_path_factory.mktemp("weights"), source=False, appearance=False))


@pytest.fixture
def image() -> np.ndarray:
    return read_picture(EXAMPLES / "person.png")


@pytest.fixture
def source() -> LabelledPose:
    return read_pose(EXAMPLES / "person.json")


@pytest.fixture
def target() -> LabelledPose:
    return read_pose(EXAMPLES / "pose.json")


def repaint(folder: Path, out: Path, *more: str, **given: Path) -> str:
    """What the command answers with the example, other files where they are given, and the weights in `folder`: nothing where it paints."""
    files = {"image": EXAMPLES / "person.png", "source-pose": EXAMPLES / "person.json", "pose": EXAMPLES / "pose.json"}
    files |= {name: folder / f"{name}.safetensors" for name in ("g1", "g2")} | {"out": out, "params": ROOT / "params.yaml"} | given
    result = CliRunner().invoke(stage.main, [*(str(item) for name, path in files.items() for item in (f"--{name}", path)), *more])
    assert isinstance(result.exception, SystemExit | None)
    assert (result.exit_code == 0) == (result.output == "")
    assert result.output.count("\n") <= 1
    return result.output


def test_the_example_is_repainted(tmp_path: Path) -> None:
    write_weights(tmp_path)
    out = tmp_path / "new.png"
    contents = []
    for _ in range(2):
        assert repaint(tmp_path, out) == ""
        contents.append(out.read_bytes())
    assert contents[0] == contents[1]
    painted = read_picture(out)
    assert painted.shape == (*SIZE, 3)
    assert painted.std() > 1


def test_proportions_are_kept_where_that_is_asked_for_and_can_be_known(tmp_path: Path) -> None:
    write_weights(tmp_path, lift=True)
    plain, kept = tmp_path / "plain.png", tmp_path / "kept.png"
    assert repaint(tmp_path, plain) == repaint(tmp_path, kept, "--keep-proportions") == ""
    assert not np.array_equal(read_picture(plain), read_picture(kept))
    write_weights(tmp_path)
    assert "expected weights with a lifter" in repaint(tmp_path, kept, "--keep-proportions", "--force")


def test_only_what_was_painted_here_is_painted_over(tmp_path: Path) -> None:
    write_weights(tmp_path)
    photo, painted = tmp_path / "photo.png", tmp_path / "painted.png"
    photo.write_bytes((EXAMPLES / "person.png").read_bytes())
    link = tmp_path / "link.png"
    link.symlink_to(photo)
    for out in (photo, link):
        assert "is there already, and is no picture that was painted here" in repaint(tmp_path, out)
    for out in (photo, link):
        assert "is read by this very command" in repaint(tmp_path, out, "--force", image=photo)
    assert photo.read_bytes() == (EXAMPLES / "person.png").read_bytes()
    assert repaint(tmp_path, painted) == ""
    first = painted.read_bytes()
    other = write_pose(tmp_path / "other.json", labels={"left_forearm": -1, "right_forearm": -1})
    assert repaint(tmp_path, painted, pose=other) == ""
    assert painted.read_bytes() != first
    with Image.open(painted) as image:  # somebody draws on it, and the program keeps the marks of the file
        mark = PngInfo()
        mark.add_text("pose25d", image.info["pose25d"])
        drawn = image.copy()
    drawn.putpixel((3, 3), (255, 0, 0))
    drawn.save(painted, pnginfo=mark)
    assert "is there already, and is no picture that was painted here" in repaint(tmp_path, painted)
    assert repaint(tmp_path, painted, "--force") == ""
    assert is_painted(painted)


def test_a_folder_is_never_replaced_by_a_picture(tmp_path: Path) -> None:
    write_weights(tmp_path)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "letter.txt").write_text("dear", encoding="utf-8")
    for more in ((), ("--force",)):
        assert "expected the name of a file to write, found a folder" in repaint(tmp_path, tmp_path / "folder.png", *more)
    assert (tmp_path / "folder.png" / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_a_photo_is_seen_upright_and_what_is_transparent_white(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    orientation = Image.Exif()
    orientation[0x0112] = 6
    Image.fromarray(np.rot90(image)).save(tmp_path / "turned.png", exif=orientation)
    hidden = np.dstack([image, np.zeros((40, 30), np.uint8)])
    Image.fromarray(hidden).save(tmp_path / "hidden.png")
    write_weights(tmp_path, source=False, appearance=False)
    out = {}
    for name, content in (("upright", image), ("white", np.full_like(image, 255))):
        Image.fromarray(content).save(tmp_path / f"{name}.png")
    pose = tmp_path / "source.json"
    joints = {name: [5 + i % 4 * 6, 4 + 2 * i] for i, name in enumerate(H36M_17.names)}
    pose.write_text(json.dumps({"joints": joints, "labels": {}}), encoding="utf-8")
    for name in ("upright", "turned", "white", "hidden"):
        assert repaint(tmp_path, tmp_path / f"out_{name}.png", **{"image": tmp_path / f"{name}.png", "source-pose": pose}) == ""
        out[name] = read_picture(tmp_path / f"out_{name}.png")
    assert np.array_equal(out["turned"], out["upright"])
    assert np.array_equal(out["hidden"], out["white"])
    assert not np.array_equal(out["upright"], out["white"])


def test_a_file_that_is_no_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for path, expected in (
        (EXAMPLES / "pose.json", "no picture, or a damaged one"),
        (tmp_path / "empty.png", "damaged"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(UserError, match=expected):
            read_picture(path)


def test_a_picture_is_written_as_it_is_and_only_as_png(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    write_picture(tmp_path / "new.PNG", image)
    assert np.array_equal(read_picture(tmp_path / "new.PNG"), image)
    with pytest.raises(UserError, match=r"expected a name that ends in \.png"):
        write_picture(tmp_path / "new.jpg", image)
    assert [path.name for path in tmp_path.iterdir()] == ["new.PNG"]


def test_place_and_size_of_the_target_pose_do_not_matter(generator: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose) -> None:
    painted = transfer(generator, image, source, target, MARGIN)
    moved = LabelledPose(4 * target.pose_2d + (1000, -300), target.label)
    assert painted.dtype == np.uint8
    np.testing.assert_allclose(transfer(generator, image, source, moved, MARGIN), painted, atol=1)


def test_the_picture_may_have_any_resolution(generator: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose) -> None:
    painted = transfer(generator, image, source, target, MARGIN).astype(int)
    larger = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    pose = LabelledPose(3 * (source.pose_2d + 0.5) - 0.5, source.label)
    np.testing.assert_allclose(transfer(generator, larger, pose, target, MARGIN), painted, atol=3)


def test_the_labels_of_the_target_matter(generator: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose) -> None:
    turned = LabelledPose(target.pose_2d, -target.label)
    assert not np.array_equal(transfer(generator, image, source, target, MARGIN), transfer(generator, image, source, turned, MARGIN))


@pytest.mark.parametrize("background", ["source", "plate"])
def test_the_background_is_that_of_the_picture_or_of_its_plate(
    background: Background, image: np.ndarray, source: LabelledPose, target: LabelledPose, tmp_path: Path
) -> None:
    """Far from both poses an untrained G1 paints mostly what is known of the background: the picture's, or the plate's."""
    g1_path, g2_path = write_weights(tmp_path, background=background)
    generator = load_generator(g1_path, g2_path)
    for parameter in [*generator.g1.parameters(), *generator.g2.parameters()]:
        torch.nn.init.zeros_(parameter)
    plate = np.full_like(image, (10, 200, 30))
    shown = cut_out(image if background == "source" else plate, source, SIZE, MARGIN).astype(int)
    if background == "source":
        with pytest.raises(UserError, match=r"plate: these weights were trained without one"):
            transfer(generator, image, source, target, MARGIN, plate)
        painted = transfer(generator, image, source, target, MARGIN)
    else:
        with pytest.raises(UserError, match=r"plate: expected the picture without its person, \d+ x \d+, found \d+ x \d+"):
            transfer(generator, image, source, target, MARGIN, plate[1:])
        painted = transfer(generator, image, source, target, MARGIN, plate)
    share = 1 / (1 + math.exp(-FIRST_SHARES["background"]))  # the rest is the network's own paint, grey
    expected = share * shown + (1 - share) * 127.5
    assert np.abs(painted - expected)[:, 0].max() <= 1
    assert np.abs(painted - expected)[:, -1].max() <= 1


def test_joints_that_are_not_known_are_left_out(generator: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose) -> None:
    for joint in ("right_wrist", "head"):
        pose_2d = target.pose_2d.copy()
        pose_2d[H36M_17.index(joint)] = np.nan
        transfer(generator, image, source, LabelledPose(pose_2d, target.label), MARGIN)


def test_a_pose_of_another_picture_is_an_error(generator: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose) -> None:
    elsewhere = LabelledPose(source.pose_2d + 500, source.label)
    with pytest.raises(UserError, match="expected joints in px of the picture, which is 256 x 256, found 17 of 17 outside"):
        transfer(generator, image, elsewhere, target, MARGIN)


def test_a_model_that_sees_the_source_pose_needs_it(generator: Generator, target: LabelledPose) -> None:
    with pytest.raises(UserError, match=r"this model was trained with pose\.source"):
        transfer(generator, np.zeros((*SIZE, 3), np.uint8), None, target, MARGIN)


def test_a_model_that_places_the_colours_of_the_source_needs_its_pose(tmp_path: Path, target: LabelledPose) -> None:
    generator = load_generator(*write_weights(tmp_path, source=False))
    with pytest.raises(UserError, match=r"this model was trained with pose\.appearance"):
        transfer(generator, np.zeros((*SIZE, 3), np.uint8), None, target, MARGIN)


@pytest.mark.parametrize(
    ("size", "fault"),
    [((1 << 20, 1 << 20), "a size or count of 1048576, expected at most 16384"), ((0, 0), "expected images of a height and a width of 1 to 8192 px")],
)
def test_weights_for_images_of_a_size_that_none_has_are_refused(tmp_path: Path, size: tuple[int, int], fault: str) -> None:
    pose = MapConfig(depth=True, maps=("parts",), appearance=True, lift=False, source=True, background="none", head=False, heatmap_radius=3)
    torch.manual_seed(0)
    save_network(tmp_path / "g1.safetensors", G1(BodyConditioning(pose, None).channels, WARP_LAYERS, size, 4, 3, "conv", "nearest", None), pose)
    save_network(tmp_path / "g2.safetensors", G2(size, 4, 1, "nearest"), pose)
    with pytest.raises(UserError, match=rf"g1\.safetensors: .*{fault}"):
        load_generator(tmp_path / "g1.safetensors", tmp_path / "g2.safetensors")


def test_the_variational_u_net_repaints_a_picture_and_needs_its_pose_for_all_but_whole_images(
    tmp_path: Path, image: np.ndarray, source: LabelledPose, target: LabelledPose
) -> None:
    pose = MapConfig(depth=True, maps=("limbs",), appearance=False, lift=False, source=False, background="none", head=False, heatmap_radius=3)
    save_network(tmp_path / "g2.safetensors", G2(SIZE, 4, 1, "nearest"), pose)
    for appearance in ("warped", "parts", "image"):
        torch.manual_seed(0)
        conditioning = BodyConditioning(pose, None, appearance)
        save_network(
            tmp_path / "g1.safetensors",
            VUNet(conditioning.channels, appearance, conditioning.appearance_size(SIZE), SIZE, 4, 8, 4, 0.0, "a loss"),
            pose,
        )
        generator = load_generator(tmp_path / "g1.safetensors", tmp_path / "g2.safetensors")
        painted = transfer(generator, image, source, target, MARGIN)
        assert painted.shape == (*SIZE, 3)
        assert painted.std() > 0
        darker = transfer(generator, image // 2, source, target, MARGIN)
        assert not np.array_equal(darker, painted)
        whole = np.zeros((*SIZE, 3), np.uint8)
        if appearance == "image":
            assert transfer(generator, whole, None, target, MARGIN).shape == (*SIZE, 3)
        else:
            with pytest.raises(UserError, match=f"this model was trained with model.vunet.appearance_input: {appearance}, so it needs the pose"):
                transfer(generator, whole, None, target, MARGIN)


def test_without_source_pose_a_picture_is_taken_as_it_is(painter_without_source: Generator, target: LabelledPose) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    inputs_of_g1: list[torch.Tensor] = []
    handle = painter_without_source.g1.register_forward_pre_hook(lambda _, inputs: inputs_of_g1.append(inputs[0]))
    transfer(painter_without_source, image, None, target, MARGIN)
    handle.remove()
    assert torch.equal(inputs_of_g1[0], to_image(image[None]))
    with pytest.raises(UserError, match="has not the proportions 32 x 64"):
        transfer(painter_without_source, np.zeros((64, 64, 3), np.uint8), None, target, MARGIN)


def test_a_second_picture_changes_what_the_first_does_not_show_and_the_same_one_again_nothing(
    image: np.ndarray, source: LabelledPose, target: LabelledPose, tmp_path: Path
) -> None:
    generator = load_generator(*write_weights(tmp_path))
    arm = [H36M_17.index(f"right_{joint}") for joint in ("elbow", "wrist")]
    hidden = source.pose_2d.copy()
    hidden[arm] = np.nan
    first = (image, LabelledPose(hidden, source.label))
    alone = transfer(generator, *first, target, MARGIN)
    assert np.array_equal(transfer(generator, *first, target, MARGIN, further=[first]), alone)
    assert not np.array_equal(transfer(generator, *first, target, MARGIN, further=[(image, source)]), alone)


def test_a_model_with_the_pass_over_the_head_alone_takes_the_head_from_the_picture_that_shows_it(
    image: np.ndarray, source: LabelledPose, target: LabelledPose, tmp_path: Path
) -> None:
    generator = load_generator(*write_weights(tmp_path, appearance=False, head=True))
    hidden = source.pose_2d.copy()
    hidden[list(NECK_AND_HEAD)] = np.nan
    first = (image, LabelledPose(hidden, source.label))
    alone, both = transfer(generator, *first, target, MARGIN), transfer(generator, *first, target, MARGIN, further=[(image, source)])
    assert (alone != both).any()
    assert np.array_equal(alone[SIZE[0] // 2 :], both[SIZE[0] // 2 :])  # the legs know nothing of it


def test_a_further_picture_is_checked_like_the_first(image: np.ndarray, source: LabelledPose, target: LabelledPose, tmp_path: Path) -> None:
    generator = load_generator(*write_weights(tmp_path))
    with pytest.raises(UserError, match="found 17 of 17 outside"):
        transfer(generator, image, source, target, MARGIN, further=[(image, LabelledPose(source.pose_2d + 500, source.label))])


def test_weights_that_see_one_picture_refuse_a_second(
    painter_without_source: Generator, image: np.ndarray, source: LabelledPose, target: LabelledPose
) -> None:
    with pytest.raises(UserError, match="these weights see one picture of the person alone"):
        transfer(painter_without_source, image, source, target, MARGIN, further=[(image, source)])


def test_several_pictures_are_given_with_a_pose_each(tmp_path: Path) -> None:
    write_weights(tmp_path)
    person, pose = str(EXAMPLES / "person.png"), str(EXAMPLES / "person.json")
    out = tmp_path / "new.png"
    assert "expected a --source-pose for each --image, found 2 and 1" in repaint(tmp_path, out, "--image", person)
    assert not out.exists()
    assert repaint(tmp_path, out, "--image", person, "--source-pose", pose) == ""
    assert "is read by this very command" in repaint(tmp_path, tmp_path / "copy.png", "--image", str(copied(tmp_path)), "--source-pose", pose)


def copied(folder: Path) -> Path:
    copy = folder / "copy.png"
    copy.write_bytes((EXAMPLES / "person.png").read_bytes())
    return copy
