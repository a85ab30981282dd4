"""Which motion is painted: the options that name it, and its reading."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.inference.generator import Generator
from pipeline.utils.errors import UserError
from pose25d.weights import Weights, pretrained_file
from stages.command import existing

if TYPE_CHECKING:
    from pipeline.motion.motion import Motion

_OPTIONS = (
    click.option("--sequence", help="Of a recording: subject and sequence, as in 'S9/Walking 1'."),
    click.option("--camera", help="Of a recording: the camera's number."),
    click.option("--video", type=existing, help="Driving video that the keypoints belong to; of several people whoever is seen longest."),
    click.option("--start", type=click.FloatRange(0), default=0, help="Where to begin in the motion, s."),
    click.option("--stop", type=click.FloatRange(0), help="Where to stop in the motion, s.  [default: its end]"),
)


def motion_options(required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of a command that takes a motion: the fields of `Wanted`, but for `steady`."""
    what = "Motion file, a recording's folder, or keypoints of --video as import video takes them."
    motion = click.option("--motion", type=existing, required=required, help=what)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed((motion, *_OPTIONS)):
            function = option(function)
        return function

    return decorate


@dataclass(frozen=True)
class Wanted:
    """What the options say of a motion; steady : whether labels that are in doubt keep their side."""

    motion: Path
    sequence: str | None
    camera: str | None
    video: Path | None
    start: float
    stop: float | None
    steady: bool = True


def read_wanted(wanted: Wanted, generator: Generator, weights: Weights) -> "Motion":
    """The motion of whichever of the three kinds the options say."""
    from pipeline.motion.motion_file import read_motion  # these read videos, which the demo does without
    from pipeline.motion.recording import read_recording

    if wanted.video is not None:
        if wanted.sequence is not None or wanted.camera is not None:
            raise UserError("expected --video, or --sequence and --camera of a recording, found both")
        return _read_driving(wanted, wanted.video, generator, weights)
    if wanted.sequence is not None and wanted.camera is not None:
        motion = read_recording(wanted.motion, wanted.sequence, wanted.camera, load_config(PoseConfig, weights.params, "pose"), wanted.steady)
        return motion.part(wanted.start, wanted.stop, str(wanted.motion))
    if wanted.sequence is not None or wanted.camera is not None:
        raise UserError("expected --sequence and --camera together, found one of them")
    if wanted.motion.is_dir():
        how = "for a recording --sequence and --camera, for keypoints --video"
        raise UserError(f"{wanted.motion}: is a folder, and nothing says of what; give {how}")
    return read_motion(wanted.motion).part(wanted.start, wanted.stop, str(wanted.motion))


def _read_driving(wanted: Wanted, video: Path, generator: Generator, weights: Weights) -> "Motion":
    """By the lifter of the weights, else by the one that comes along."""
    from pipeline.motion.driving import read_driving
    from pipeline.networks.checkpoint import load_network
    from pipeline.networks.lifter import Lifter
    from pipeline.pose.bodies.pose_space import LabelRule

    lifter = generator.conditioning.lifter
    if not isinstance(lifter, Lifter):
        lifter = load_network(pretrained_file("lifter"), Lifter)
    rule = lifter.rule or LabelRule.of(load_config(PoseConfig, weights.params, "pose").rule)
    return read_driving(wanted.motion, video, (wanted.start, wanted.stop), lifter, rule, wanted.steady)
