"""Whether recordings make sense: bodies in mm, cameras that fit their pictures, people in sight, views that go at one rate.

All bounds are wide. What lies beyond is a mistake in the files: another unit, another camera, another person.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pipeline.datasets.human36m.probe import Video
from pipeline.pose.camera import Camera
from pipeline.utils.errors import UserError

_BODY = (300, 6000)  # mm, from one end of a body to the other
_UNITS = {"m": 1000.0, "inches": 25.4, "cm": 10.0}
_STANDING = 1600.0  # mm, about what is measured of a grown person
_SMALLEST = 32  # px, of a picture's sides
_FOCAL = (0.2, 50)  # focal length per longer side of the picture: from the widest lens to a telescope
_IN_SIGHT = 0.5  # of all joints of a view
_LATE = 2.5  # frames
_OBLONG = 0.1  # of the longer side: pictures that are nearly square do not tell how they lie
_CHECK = "check that poses, video and calibration belong together"


class ImplausibleError(UserError):
    """What can be read, and yet cannot be a recording of a person."""


def check_body(pose_3d: np.ndarray, where: str) -> None:
    """Raise ImplausibleError where the bodies of poses (T, J, 3) in mm are far too small or too large."""
    extent = float(np.median(np.linalg.norm(np.ptp(pose_3d.astype(np.float64), axis=1), axis=1)))
    if _BODY[0] <= extent <= _BODY[1]:
        return
    unit = min(_UNITS, key=lambda name: abs(np.log(max(extent, 1e-9) * _UNITS[name] / _STANDING)))
    fits = _BODY[0] <= extent * _UNITS[unit] <= _BODY[1]
    guess = f"; they seem to be in {unit}: write them in mm" if fits else "; leave the sequence out, or write it anew"
    raise ImplausibleError(f"{where}: expected bodies of {_BODY[0]} to {_BODY[1]} mm, found {extent:.3g}{guess}")


def check_camera(camera: Camera, video: Video, where: str) -> None:
    """Raise ImplausibleError where pictures are tiny, or a focal length or the pictures' orientation does not fit the calibration."""
    size = f"{video.width}x{video.height} px"
    if min(video.width, video.height) < _SMALLEST:
        raise ImplausibleError(f"{where}: expected pictures of at least {_SMALLEST} px a side, found {size}")
    focal, longer = camera.K[[0, 1], [0, 1]], max(video.width, video.height)
    low, high = (share * longer for share in _FOCAL)
    if not ((focal >= low) & (focal <= high)).all():
        found = ", ".join(f"{length:g}" for length in focal)
        raise ImplausibleError(f"{where}: expected a focal length of {low:g} to {high:g} px for {size}, found {found}; check metadata.xml")
    oblong = abs(video.width - video.height) > _OBLONG * longer
    if video.turned and oblong and _off_centre(camera, video.height, video.width) < _off_centre(camera, video.width, video.height):
        raise ImplausibleError(
            f"{where}: a player shows pictures of {size}, turned by a right angle, and the calibration is that of the pictures before they are "
            "turned; write the video without its display matrix"
        )


def _off_centre(camera: Camera, width: int, height: int) -> float:
    """How far the principal point lies from the middle of pictures of that size, px."""
    return float(np.hypot(*(camera.K[:2, 2] - np.array([width, height]) / 2)))


def check_sight(pose_3d: np.ndarray, camera: Camera, video: Video, where: str) -> None:
    """Raise ImplausibleError where poses (T, J, 3) in mm, camera frame, stand behind the camera or most joints outside the pictures."""
    nearest = float(pose_3d[..., 2].min())
    if nearest <= 0:
        frame = int(np.argmin(pose_3d[..., 2].min(axis=1)))
        raise ImplausibleError(f"{where}: expected every joint before the camera, found one {-nearest:.0f} mm behind it in pose {frame}; {_CHECK}")
    pixels = camera.project(pose_3d)
    inside = ((pixels >= -0.5) & (pixels <= np.array([video.width, video.height]) - 0.5)).all(axis=-1)
    if (share := float(inside.mean())) < _IN_SIGHT:
        found = f"{100 * share:.0f} % of them inside pictures of {video.width}x{video.height} px"
        raise ImplausibleError(f"{where}: expected most joints inside the pictures, found {found}; {_CHECK}")


def odd_views(videos: Mapping[str, Video]) -> dict[str, str]:
    """Views of one sequence whose time stamps say that their frames are not those of most others (camera: what is wrong); all where none prevail.

    Frames go at one rate where the last ones stand at most a frame apart, and begin together where the first ones stand at most two apart, as
    encoders may leave them.
    """
    rates = {camera: video.rate for camera, video in videos.items() if video.rate}
    frames = max((video.frames for video in videos.values()), default=0)
    usual = _prevailing(rates, lambda rate, other: abs(rate / other - 1) * frames <= 1)
    starts = {camera: videos[camera].start for camera in usual}
    together = _prevailing(starts, lambda start, other: abs(start - other) * rates[usual[0]] <= _LATE)
    rate = "expected all cameras of a sequence at one rate, found {} (frames/s); write the video at the others' rate, or leave it out"
    start = "expected the first frames of all cameras at one time, found {} (s); frames may be missing there: write a video that has them"
    return {**_odd(rates, usual, rate), **_odd(starts, together, start)}


def _prevailing(values: Mapping[str, float], alike: Callable[[float, float], bool]) -> list[str]:
    """The cameras, more than half of them, whose values are alike; none where there are no such."""
    groups = [[other for other in values if alike(values[camera], values[other])] for camera in values]
    largest = max(groups, key=len, default=[])
    return largest if 2 * len(largest) > len(values) else []


def _odd(values: Mapping[str, float], usual: Sequence[str], message: str) -> dict[str, str]:
    """What is wrong with the cameras that are not among the `usual` ones; `message` says it, with `{}` where the values go."""
    common = f"{values[usual[0]]:.4g} in most" if usual else ", ".join(f"{value:.4g}" for value in values.values())
    return {camera: message.format(f"{common}, and {value:.4g} here") for camera, value in values.items() if camera not in usual}
