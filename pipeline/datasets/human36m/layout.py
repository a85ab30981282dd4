"""Where the files of a data folder lie: as downloaded, or as h36m-fetch (github.com/anibali/h36m-fetch) extracts them."""

from dataclasses import dataclass
from pathlib import Path

VIDEOS = "Videos"
WORLD, CAMERA, PIXELS = "D3_Positions", "D3_Positions_mono", "D2_Positions"
DOWNLOADED, FETCHED = "MyPoseFeatures/{}", "Poses_{}"


@dataclass(frozen=True)
class Layout:
    """The folders of one subject. File names come from the caller's prefix and are never guessed from an action's name."""

    folder: Path
    poses: str = DOWNLOADED

    def pose_folder(self, kind: str) -> Path:
        """Folder of `WORLD`, `CAMERA` or `PIXELS` poses."""
        return self.folder / self.poses.format(kind)

    def world_pose(self, prefix: str) -> Path:
        """Poses of a sequence in the world's frame."""
        return self.pose_folder(WORLD) / f"{prefix}.cdf"

    def view_pose(self, kind: str, prefix: str, camera: str) -> Path:
        """Poses of a sequence as one camera has them: `CAMERA` (mm) or `PIXELS` (px)."""
        return self.pose_folder(kind) / f"{prefix}.{camera}.cdf"

    def video(self, prefix: str, camera: str) -> Path:
        """Video of one view."""
        return self.folder / VIDEOS / f"{prefix}.{camera}.mp4"

    @property
    def truth(self) -> Path:
        """What only invented data knows (identities, labels, twins)."""
        return self.folder / "truth.h5"


def find_layout(folder: Path) -> Layout:
    """The layout of the subject in `folder`, told by its pose folders; as downloaded where neither kind is there."""
    fetched = Layout(folder, FETCHED)
    if any(fetched.pose_folder(kind).is_dir() for kind in (WORLD, CAMERA)):
        return fetched
    return Layout(folder)
