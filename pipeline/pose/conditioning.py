"""What the networks see of two poses and the source image, whatever the poses are of: the protocol.

Training, painting and scoring know poses by `Conditioning` alone. `bodies/conditioning.py` has that of bodies, `faces/conditioning.py` that of faces.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from torch import Tensor

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyMapConfig

WARP_LAYERS = 2  # of the source's colours, where there are any: the part that is seen, and that beneath it
WARP_CHANNELS = WARP_LAYERS * 4  # red, green, blue; how much is known
Look = Literal["image", "parts", "placed"]


class DepthLifter(Protocol):
    """What gives joints their depth (`networks/lifter.py`)."""

    config: dict[str, Any]

    def __call__(self, pose_2d: Tensor, label: Tensor) -> Tensor:
        """Depths (B, 17) float32, mm, of joints (B, 17, 2) px with labels (B, 8)."""

    def state_dict(self) -> dict[str, Any]:
        """Its weights."""


class Condition(NamedTuple):
    """What the networks see: a look at the source's person, (B, *Conditioning.look_size), and maps, (B, Conditioning.channels, H, W) float32."""

    look: Tensor
    maps: Tensor


class Conditioning(Protocol):
    """How poses become what networks see. Poses are (B, J, 2) float32, px; labels (B, L), of as many limbs as the joint set has.

    config : what is seen of the section `pose`; lifter : of bodies with `pose.lift`; look : how the networks look at the source's person
    """

    @property
    def config(self) -> "AnyMapConfig":
        """What is seen of the section `pose`."""

    @property
    def lifter(self) -> DepthLifter | None:
        """What gives joints their depth, if anything does."""

    @property
    def look(self) -> Look:
        """How the networks look at the source's person."""

    @property
    def channels(self) -> int:
        """Channels of the maps."""

    @property
    def placed(self) -> bool:
        """Whether the first maps are the source's colours, placed where the target shows the parts."""

    @property
    def depth(self) -> bool:
        """Whether labels are seen."""

    def look_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Channels, height and width of a look at an image of this height and width."""

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Any:
        """What `encode` and the masks need of poses in images of `size` (height, width); missing joints are NaN."""

    def encode(
        self, image: Tensor, source: Any, label_source: Tensor, target: Any, label_target: Tensor, target_image: Tensor | None = None
    ) -> Condition:
        """What is seen of source images (B, 3, H, W) and measured poses; target_image : for kinds of map that are made of it."""

    def mask(self, measured: Any) -> Tensor:
        """Where errors count twice, (B, 1, H, W) float32, 0 or 1."""

    def overlap(self, measured: Any) -> Tensor:
        """Where limbs overlap the torso or each other, (B, 1, H, W) float32, 0 or 1."""


def encode_poses(
    conditioning: Conditioning,
    image: Tensor,
    pose_2d_source: Tensor,
    label_source: Tensor,
    pose_2d_target: Tensor,
    label_target: Tensor,
    size: tuple[int, int],
    target_image: Tensor | None = None,
) -> Condition:
    """`Conditioning.encode` of poses that are not measured yet."""
    return conditioning.encode(
        image, conditioning.measure(pose_2d_source, size), label_source, conditioning.measure(pose_2d_target, size), label_target, target_image
    )
