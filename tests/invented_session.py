"""Invented people as other people's tools would hold them: a Pose2Sim session, C3D files, a FreeMoCap recording."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.recordings.joint_names import HALPE_26, MEDIAPIPE_33
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.room import room_cameras
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_17

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
SIZE = (128, 96)  # px, width and height
FRAMES, FPS = 40, 50
DISTORTIONS = ((-0.2, 0.24, -0.0014, 0.001), (-0.05, 0.14, 0.0006, 0.0007), (-0.1, 0.1, 0.002, -0.002), (-0.2, 0.2, 0.0, 0.0, 0.01))
# Markers of HALPE_26 that the 17 joints have, as Pose2Sim writes them.
MARKERS = {
    "hips": "Hip",
    "thorax": "Neck",
    "head": "Head",
    "nose": "Nose",
    **{f"{side}_{part}": f"{side[0].upper()}{part.title()}" for side in ("left", "right") for part in ("hip", "knee", "ankle")},
    **{f"{side}_{part}": f"{side[0].upper()}{part.title()}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist")},
}
JOINTS = [H36M_17.index(name) for name in MARKERS]
TO_TRC = (1, 2, 0)  # Pose2Sim's y up: (X, Y, Z) of the file are (y, z, x) of the room


@dataclass(frozen=True)
class RealCamera:
    """A camera in OpenCV's terms, mm: X_camera = R X + t."""

    K: np.ndarray
    distortions: np.ndarray
    R: np.ndarray
    t: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        seen = points.reshape(-1, 3) @ self.R.T + self.t
        return cv2.projectPoints(seen, np.zeros(3), np.zeros(3), self.K, self.distortions)[0].reshape(*points.shape[:-1], 2)


def cameras() -> dict[str, RealCamera]:
    """Four cameras around the room, in it z is up."""
    found = {}
    for name, placed, distortions in zip(CAMERAS, room_cameras(SIZE[1], 3, 1).values(), DISTORTIONS, strict=True):
        K = placed.K * np.array([[0.8], [0.8], [1]])
        K[:2, 2] = (SIZE[0] / 2 + 1.5, SIZE[1] / 2 - 0.75)
        found[name] = RealCamera(K, np.array(distortions), placed.R, -placed.R @ placed.T)
    return found


def people(seed: int = 1, frames: int = FRAMES) -> np.ndarray:
    """(frames, 17, 3) mm of somebody who moves in the room."""
    return np.asarray(invent_take(seed, sequences("S1", 1)[0], frames, FPS)[1].joints)


def write_toml(path: Path, unit: float = 1000, size: tuple[int, int] = SIZE, **others: Mapping[str, object]) -> None:
    """The calibration, for pictures of `size`; unit : mm in one of the file's; others : camera -> keys of its table that are otherwise."""
    scale = np.array(size) / SIZE
    tables = {}
    for name, camera in cameras().items():
        K = camera.K.copy()
        K[[0, 1], [0, 1]] *= scale
        K[:2, 2] = (camera.K[:2, 2] + 0.5) * scale - 0.5
        tables[name] = table(name, size, RealCamera(K, camera.distortions, camera.R, camera.t / unit)) | dict(others.get(name, {}))
    write_tables(path, tables)


def write_toml_of(path: Path, placed: Mapping[str, tuple[Camera, np.ndarray]], size: tuple[int, int]) -> None:
    """The calibration, in m, of cameras of the data set, with OpenCV's distortion beside each."""
    real = {name: RealCamera(camera.K, lens, camera.R, -camera.R @ camera.T / 1000) for name, (camera, lens) in placed.items()}
    write_tables(path, {name: table(name, size, camera) for name, camera in real.items()})


def table(name: str, size: tuple[int, int], camera: RealCamera) -> dict[str, object]:
    return {
        "name": name,
        "size": [float(side) for side in size],
        "matrix": camera.K.tolist(),
        "distortions": camera.distortions.tolist(),
        "rotation": cv2.Rodrigues(camera.R)[0].ravel().tolist(),
        "translation": camera.t.tolist(),
        "fisheye": False,
    }


def write_tables(path: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    texts = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items() if value is not None)
        for name, values in tables.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*texts, "[metadata]\nadjusted = false\nerror = 0.0\n"]), encoding="utf-8")


def trc(poses: np.ndarray, first: int = 0, rate: float = FPS, unit: float = 1000, axes: Sequence[int] = TO_TRC) -> str:
    """Poses (T, 17, 3) mm as a TRC file's text; NaN leaves a cell empty; unit : mm in one of the file's."""
    names = "\t\t\t".join(MARKERS.values())
    lines = [
        "PathFileType\t4\t(X/Y/Z)\tTrial.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate:g}\t{rate:g}\t{len(poses)}\t{len(MARKERS)}\tm\t{rate:g}\t{first}\t{first + len(poses)}",
        f"Frame#\tTime\t{names}\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(MARKERS) + 1)),
    ]
    for number, pose in enumerate(poses[:, JOINTS][..., list(axes)] / unit, start=first):
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in pose.ravel()]
        lines.append("\t".join([str(number), f"{number / rate:.6f}", *cells]))
    return "\n".join(lines) + "\n"


def write_c3d(path: Path, poses: np.ndarray) -> None:
    """Poses (T, 17, 3) mm as a C3D file, z up, with the name of a subject before those of the markers."""
    import ezc3d

    file = ezc3d.c3d()
    points = np.ones((4, len(MARKERS), len(poses)))
    points[:3] = poses[:, JOINTS].transpose(2, 1, 0)
    file["parameters"]["POINT"]["RATE"]["value"] = [float(FPS)]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"Anna:{name}" for name in MARKERS.values()]
    file["data"]["points"] = points
    file.write(str(path))


def write_videos(folder: Path, frames: int = FRAMES, size: tuple[int, int] = SIZE, names: Sequence[str] = CAMERAS, fps: int = FPS) -> None:
    """A video per camera; frame i is as grey as 5 i."""
    for name in names:
        path = folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, (np.full((size[1], size[0], 3), 5 * i % 256, np.uint8) for i in range(frames)), fps, 10)


def write_keypoints(folder: Path, poses: np.ndarray, late: Mapping[str, int] | None = None) -> None:
    """What a detector of HALPE_26 would find in every frame, in OpenPose's files; late : camera -> frames that its video is late."""
    for name, camera in cameras().items():
        (folder / f"{name}_json").mkdir(parents=True)
        for number, pixels in enumerate(camera.project(poses), start=(late or {}).get(name, 0)):
            person = np.zeros((len(HALPE_26), 3))
            for joint, place in zip(H36M_17.names, pixels, strict=True):
                if joint in HALPE_26:
                    person[HALPE_26.index(joint)] = (*place, 0.9)
            content = {"people": [{"pose_keypoints_2d": person.ravel().tolist()}]}
            (folder / f"{name}_json" / f"{name}_{number:06d}.json").write_text(json.dumps(content), encoding="utf-8")


def write_pose2sim(folder: Path, trials: Mapping[str, np.ndarray]) -> Path:
    """A session of one person."""
    write_toml(folder / "calibration" / "Calib.toml")
    for name, poses in trials.items():
        write_videos(folder / name / "videos", len(poses) + 1)
        path = folder / name / "pose-3d" / f"{name}_0-{len(poses)}_filt_butterworth.trc"
        path.parent.mkdir(parents=True)
        path.write_text(trc(poses), encoding="utf-8")
    return folder


def write_freemocap(folder: Path, poses: np.ndarray) -> Path:
    """A recording of MediaPipe's landmarks, in the frame of the first camera, mm, as FreeMoCap calibrates."""
    origin = cameras()[CAMERAS[0]]
    others = {}
    for name, camera in cameras().items():
        R = camera.R @ origin.R.T
        others[name] = {
            "name": f"Camera_{int(name[3:]):03d}_synchronized",
            "rotation": cv2.Rodrigues(R)[0].ravel().tolist(),
            "translation": (camera.t - R @ origin.t).tolist(),
            "fisheye": None,
        }
    write_toml(folder / "recording_camera_calibration.toml", **others)
    write_videos(folder / "synchronized_videos", len(poses), names=[str(other["name"]) for other in others.values()])
    points = np.full((len(poses), 553, 3), np.nan)
    seen = poses @ origin.R.T + origin.t
    for joint in H36M_17.names:
        if joint in MEDIAPIPE_33:
            points[:, MEDIAPIPE_33.index(joint)] = seen[:, H36M_17.index(joint)]
    ears = seen[:, H36M_17.index("nose")] + np.array([0, 0, 90.0])
    points[:, MEDIAPIPE_33.index("left_ear")] = points[:, MEDIAPIPE_33.index("right_ear")] = ears
    path = folder / "output_data" / "raw_data" / "mediapipe_3dData_numFrames_numTrackedPoints_spatialXYZ.npy"
    path.parent.mkdir(parents=True)
    np.save(path, points)
    return folder
