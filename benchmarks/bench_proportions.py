"""How far the limbs of people who keep their proportions in other people's motions are from the truth, in a hundred; and a photo of somebody small.

Invented people whom the lifter was not trained on, as they are, and others whose legs, arms, trunk and width were changed at random, are each known
from one picture or from five. They move as the others do, of whom either the recording is known in 3D, or joints in the picture alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.motion import invent_motion
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.person import Build, Person, invent_person
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import Pose
from pipeline.datasets.synthetic.room import CAMERA_IDS, look, room_cameras
from pipeline.motion.proportions import FROM_3D, Bones, bone_ratios, bones_of_pose, measure_bones
from pipeline.networks.checkpoint import load_network
from pipeline.networks.lifter import Lifter
from pipeline.pose.camera import Camera
from pipeline.pose.pose_file import encode_pose
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.files import write_json

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "recipes" / "full" / "params.yaml"
TAKES, SECONDS, FPS = 15, 2, 25
FRAMES = (0, 12, 25, 37, 49)  # of each take, from which its person is known
CHANGE = 0.12  # the standard deviation of a change's logarithm
# How large a child is beside adults; its legs, arms and head beside those of an adult of that size.
CHILD, CHILD_LEGS, CHILD_ARMS, CHILD_HEAD = 0.72, 0.75, 0.9, 1.25
LIMB_ENDS = [lower - 1 for _, lower in LIMBS]


@dataclass(frozen=True)
class Known:
    """Somebody's bones: in truth, as the motion's joints in the picture tell them, from each of a few frames alone, and from these together."""

    truth: Bones
    moving: Bones
    alone: list[Bones]
    together: Bones


def changed(build: Build, legs: float, arms: float, trunk: float, width: float) -> Build:
    """Somebody of other proportions."""
    factors = {"thigh": legs, "calf": legs, "upper_arm": arms, "forearm": arms, "lower_spine": trunk, "upper_spine": trunk}
    factors |= {"half_hips": width, "half_shoulders": width}
    return replace(build, **{name: factor * getattr(build, name) for name, factor in factors.items()})


def invent(lifter: Lifter, change: float) -> Iterator[Known]:
    """The people of the test subjects, changed by so much."""
    seed = load_config(SyntheticConfig, PARAMS, "synthetic").seed
    chance = np.random.default_rng(seed)
    for subject in load_config(DataConfig, PARAMS, "data").test_subjects:
        for number, take in enumerate(sequences(subject, TAKES)):
            who, how = np.random.default_rng((seed, take.subject_number, take.number)).spawn(2)
            build = changed(invent_person(who).build, *np.exp(chance.normal(0, change, 4)))
            pose = invent_motion(take.action, build, how, np.arange(SECONDS * FPS) / FPS)
            camera = room_cameras(256, seed, take.subject_number)[CAMERA_IDS[number % len(CAMERA_IDS)]]
            pose_3d = camera.to_camera(pose.joints)
            pose_2d = camera.project(pose_3d)
            alone = [bones_of_pose(pose_2d[[frame]], lifter) for frame in FRAMES]
            yield Known(measure_bones(pose_3d, FROM_3D), bones_of_pose(pose_2d, lifter), alone, bones_of_pose(pose_2d[list(FRAMES)], lifter))


def limbs(log_ratio: np.ndarray) -> np.ndarray:
    """The proportions of the limbs, (8,)."""
    return np.asarray((log_ratio - log_ratio.mean())[LIMB_ENDS])


def errors(people: list[Known], others: list[Known], together: bool) -> tuple[float, float, float]:
    """RMS errors of the limbs' proportions: as the motion, kept in a recording, kept in a motion of which joints in the picture are known.

    together : whether people are known from all of their pictures, else from each alone
    """
    found: list[list[np.ndarray]] = [[], [], []]
    for number, person in enumerate(people):
        for other in others[:number] + others[number + 1 :]:
            truth = limbs(person.truth.log_length - other.truth.log_length)
            for still in [person.together] if together else person.alone:
                guesses = np.zeros(16), np.log(bone_ratios(still, other.truth)), np.log(bone_ratios(still, other.moving))
                for errors_of, guess in zip(found, guesses, strict=True):
                    errors_of.append(limbs(guess) - truth)
    plain, recorded, seen = (float(np.sqrt(np.mean(np.square(one)))) for one in found)
    return plain, recorded, seen


def child() -> tuple[Person, Pose, Camera]:
    """Somebody small with short legs, who stands before a camera."""
    person = invent_person(np.random.default_rng(21))
    sizes: dict[str, Any] = {name: CHILD * np.array(size) for name, size in vars(person.build).items()}
    build = replace(person.build, **sizes)
    build = replace(changed(build, CHILD_LEGS, CHILD_ARMS, 1.0, 1.0), head=tuple(CHILD_HEAD * np.array(build.head)), bust=0.0)
    pose = invent_motion("Waiting", build, np.random.default_rng(43), np.zeros(1))
    return replace(person, build=build), pose, room_cameras(256, 1, 9)[CAMERA_IDS[1]]


def write_child(folder: Path) -> None:
    """A photo of them, and their pose."""
    person, pose, camera = child()
    view = look(camera, 256)
    renderer = Renderer(build_body(person, pose, None), person.materials)
    picture = renderer.picture(view, screen_bounds(renderer.solids, camera), 0)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / "child.png")
    pose_2d = camera.project(camera.to_camera(pose.joints[0]))
    write_json(folder / "child.json", encode_pose(pose_2d.round(2), np.zeros(8, np.int8)))


@click.command()
@click.option("--photo", type=click.Path(path_type=Path), help="Write child.png and child.json to this folder, and measure nothing.")
def main(photo: Path | None) -> None:
    """Measure both kinds of people."""
    if photo is not None:
        write_child(photo)
        return
    lifter = load_network(ROOT / "models" / "pretrained" / "lifter.safetensors", Lifter)
    adults = list(invent(lifter, 0.0))
    for name, people in (("as they are", adults), ("changed", list(invent(lifter, CHANGE)))):
        for photos, together in (("one photo", False), ("five photos", True)):
            plain, recorded, seen = (100 * error for error in errors(people, adults, together))
            print(f"{name:12} {photos:12} as the motion {plain:.1f} %, kept in a recording {recorded:.1f} %, in a motion file {seen:.1f} %")


if __name__ == "__main__":
    main()
