"""The motion of a driving video: the 2D keypoints of one person, and depth labels that a lifter guesses."""

from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.probe import probe_video
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.recordings.gaps import fill_gaps
from pipeline.datasets.videos.detections import read_keypoints
from pipeline.datasets.videos.tracks import link
from pipeline.motion.guess import guess_labels
from pipeline.motion.motion import Film, Motion, as_rate, frames_between
from pipeline.networks.lifter import Lifter
from pipeline.pose.bodies.pose_space import LabelRule
from pipeline.pose.skeleton import COCO_18
from pipeline.utils.errors import UserError

GAP = 0.5  # s for which a joint, or the whole person, may be out of sight: it is interpolated


def read_driving(keypoints: Path, video: Path, times: tuple[float, float | None], lifter: Lifter, rule: LabelRule, steady: bool = True) -> Motion:
    """The motion of whoever is seen in most frames of a video; its film is that video.

    keypoints : OpenPose's folder or a file of COCO's form, as `pose25d import video` reads them
    times : s, what of the video is taken, the second None for its end; rule : of the labels; steady : as for `recording.read_recording`
    Raises UserError where they are damaged or another video's, nobody is seen, or a frame between two others shows nobody for too long.
    """
    probed = probe_video(video, needed=1)
    frames = frames_between(probed.frames, probed.fps, times, str(video))
    tracks = link(read_keypoints(keypoints, video, probed, frames).frames, probed.frames)
    if not tracks:
        raise UserError(f"{keypoints}: expected somebody in the frames of {video}, found nobody; find the keypoints again")
    seen = max(tracks, key=lambda one: len(one.frames)).frames
    first = min(seen)
    points = np.full((max(seen) - first + 1, len(COCO_18), 2), np.nan, np.float32)
    for frame, found in seen.items():
        points[frame - first] = found
    filled, _ = fill_gaps(points, round(GAP * probed.fps))
    pose_2d = to_h36m_17(filled)
    empty = np.isnan(pose_2d[..., 0]).all(axis=1)
    if empty.any():
        at = first + int(np.argmax(empty))
        raise UserError(f"{keypoints}: frame {at}: expected a pose, found nobody there and in frames around it; leave it out by --start and --stop")
    film = Film(video, range(first, first + len(pose_2d)), (probed.width, probed.height))
    fps = as_rate(probed.fps)
    return Motion(pose_2d, guess_labels(pose_2d, lifter, rule, fps if steady else None), fps, film)
