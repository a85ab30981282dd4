"""What the networks see of two poses and the source image, whatever the poses are of: the protocol.

Training, painting and scoring know poses by `Conditioning` alone. `bodies/conditioning.py` has that of bodies, `faces/conditioning.py` that of faces.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from torch import Tensor

from pipeline.pose.background import LAYER_CHANNELS, Scene

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyMapConfig

Layer = Literal["front", "second", "background"]
WARP_LAYERS: tuple[Layer, ...] = ("front", "second")  # of the warped source: the parts in front, and the second ones
WARP_CHANNELS = len(WARP_LAYERS) * LAYER_CHANNELS
FINE = 256  # places within a pixel that are told apart, along rows and columns
AppearanceInput = Literal["image", "parts", "warped"]


def close_up_side(height: int) -> int:
    """Height and width of heads, px, that are seen larger in images of a height, px: a fourth, which about doubles them, and a multiple of 8."""
    return 8 * max(1, round(height / 32))


class DepthLifter(Protocol):
    """What gives joints their depth (`networks/lifter.py`)."""

    config: dict[str, Any]

    def __call__(self, pose_2d: Tensor, label: Tensor) -> Tensor:
        """Depths (B, 17) float32, mm, of joints (B, 17, 2) px with labels (B, 8)."""

    def state_dict(self) -> dict[str, Any]:
        """Its weights."""


class Further(NamedTuple):
    """A further picture of each source's person: image (B, 3, H, W), `measured` as `Conditioning.measure` gives it, label (B, L).

    scene : where the background of the targets is in it, if they are of one camera
    """

    image: Tensor
    measured: Any
    label: Tensor
    scene: Scene | None = None


class CloseUp(NamedTuple):
    """The heads of B pairs, larger than in the images: what the pass over the head is told besides image and maps.

    source : (B, 3, S, S) float32 in [-1, 1], the source's head, upright as far as the target's is
    told : (B, T) float32, which way the heads look, target's and source's
    place : (B, 3) int32, the square around the target's head: column and row of its centre and half its side, in px of the target's image times
        `FINE`; one that nobody knows lies outside of the image. Whole numbers, because what a network takes in bfloat16 is rounded to 8 bits
    """

    source: Tensor
    told: Tensor
    place: Tensor

    def part(self, rows: slice) -> "CloseUp":
        """Some of the pairs."""
        return CloseUp(*(values[rows] for values in self))


class Condition(NamedTuple):
    """What the networks see, float32: the appearance input, (B, *Conditioning.appearance_size); maps, (B, Conditioning.channels, H, W); the heads.

    head : None where `Conditioning.told` is 0
    """

    appearance: Tensor
    maps: Tensor
    head: CloseUp | None = None

    @property
    def seen(self) -> tuple[Any, ...]:
        """What there is of it, as a coarse generator takes it."""
        return tuple(self) if self.head is not None else (self.appearance, self.maps)


class Conditioning(Protocol):
    """How poses become what networks see. Poses are (B, J, 2) float32, px; labels (B, L), of as many limbs as the joint set has.

    config : what is seen of the section `pose`; lifter : of bodies with `pose.lift`; appearance_input : what they see of the source's person
    """

    @property
    def config(self) -> "AnyMapConfig":
        """What is seen of the section `pose`."""

    @property
    def lifter(self) -> DepthLifter | None:
        """What gives joints their depth, if anything does."""

    @property
    def appearance_input(self) -> AppearanceInput:
        """What the networks see of the source's person: the whole `image`, its `parts`, or them `warped` to their places in the target."""

    @property
    def channels(self) -> int:
        """Channels of the maps."""

    @property
    def told(self) -> int:
        """How many numbers say which way heads look (`CloseUp.told`); 0: heads are not seen larger."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of known pixels that the maps begin with, `LAYER_CHANNELS` channels each."""

    @property
    def uses_labels(self) -> bool:
        """Whether what the networks see depends on labels."""

    def appearance_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Channels, height and width of the appearance input for images of this height and width."""

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Any:
        """What `encode` and the masks need of poses in images of `size` (height, width); missing joints are NaN."""

    def encode(
        self,
        image: Tensor,
        source: Any,
        label_source: Tensor,
        target: Any,
        label_target: Tensor,
        target_image: Tensor | None = None,
        scene: Scene | None = None,
        further: Sequence[Further] = (),
    ) -> Condition:
        """What is seen of source images (B, 3, H, W) and measured poses.

        target_image : for kinds of map that are made of it; scene : for the background, of which nothing is known without one; further : pictures
        of the same people, for kinds of map that are made of several
        """

    def mask(self, measured: Any) -> Tensor:
        """Where errors count twice, (B, 1, H, W) float32, 0 or 1."""

    def overlap(self, measured: Any) -> Tensor:
        """Where limbs overlap the torso or each other, (B, 1, H, W) float32, 0 or 1."""

    def heads(self, measured: Any) -> Tensor:
        """The squares around heads, (B, 3) float32, px: column and row of the centre, half the side; NaN where nobody knows the head."""


def encode_poses(
    conditioning: Conditioning,
    image: Tensor,
    pose_2d_source: Tensor,
    label_source: Tensor,
    pose_2d_target: Tensor,
    label_target: Tensor,
    size: tuple[int, int],
    target_image: Tensor | None = None,
    scene: Scene | None = None,
) -> Condition:
    """`Conditioning.encode` of poses that are not measured yet."""
    source, target = (conditioning.measure(pose, size) for pose in (pose_2d_source, pose_2d_target))
    return conditioning.encode(image, source, label_source, target, label_target, target_image, scene)
