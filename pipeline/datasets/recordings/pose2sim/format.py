"""Pose2Sim's sessions, with poses as TRC."""

from functools import partial

from pipeline.datasets.recordings.pose2sim.session import find_pose2sim
from pipeline.datasets.recordings.pose2sim.trc import read_trc
from pipeline.datasets.recordings.recording import Format

POSE2SIM = Format(
    name="pose2sim",
    about="a Pose2Sim session (calibration/*.toml, and trials with pose-3d/*.trc and videos/)",
    find=partial(find_pose2sim, suffix=".trc"),
    read=read_trc,
    suffix=".trc",
    axes="y-up",
)
