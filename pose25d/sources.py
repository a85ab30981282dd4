"""The pictures of the person who is painted: the options that name them, and their reading."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.inference.transfer import Photo
from pipeline.pose.pose_file import read_pose
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import read_picture

IMAGE_HELP = "Picture of a person; given more than once, several of the same person: the first is painted into, each part comes from the best."
POSE_HELP = "Pose file: the pose in the picture, in px of it; as many as there are pictures, in the same order"


def read_photos(images: Sequence[Path], poses: Sequence[Path]) -> list[Photo]:
    """The pictures and their poses; raise UserError where they are not as many, or where a file is damaged."""
    if len(images) != len(poses):
        raise UserError(f"expected a --source-pose for each --image, found {len(images)} and {len(poses)}; give them in the same order")
    return [(read_picture(image), read_pose(pose)) for image, pose in zip(images, poses, strict=True)]
