"""A trained pose estimator at work: on crops of one person, and on pictures of any size."""

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.networks.openpose import Guess, PoseNet
from pipeline.pose.crop import crop_image
from pipeline.pose_estimation.decode import Person, find_people
from pipeline.pose_estimation.peaks import locate
from pipeline.utils.tensors import to_image

SCALES = (1.0, 1.5, 2.25)  # of the picture's height against that of the crops of training: people may be smaller than in those
MAX_SIDE = 640  # px; larger pictures are reduced to this


@torch.inference_mode()
def look(network: PoseNet, images: np.ndarray) -> Guess:
    """The last stage's maps of images (N, H, W, 3) uint8 RGB, float32 in main memory; sides that are no multiple of the stride are filled up."""
    stride, device = network.config["stride"], next(network.parameters()).device
    fill = [(-side) % stride for side in images.shape[1:3]]
    images = np.pad(images, ((0, 0), (0, fill[0]), (0, fill[1]), (0, 0)), mode="edge")
    guess = network(to_image(images, device).contiguous(memory_format=torch.channels_last))[-1]
    return Guess(guess.heat.float().cpu(), guess.paf.float().cpu())


def locate_joints(network: PoseNet, crops: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """The joints of the one person in each crop (N, H, W, 3) uint8 RGB: (N, J, 2) float32 px, NaN where a joint is not found."""
    found = [np.zeros((0, network.config["joints"], 2), np.float32)]
    for start in range(0, len(crops), batch_size):
        heat = look(network, crops[start : start + batch_size]).heat.numpy()
        found.append(np.stack([locate(one, network.config["stride"]) for one in heat]))
    return np.concatenate(found)


def people_in(network: PoseNet, image: np.ndarray) -> list[Person]:
    """The people in a picture of the size of training's crops, or wider: the surest first; image : (H, W, 3) uint8 RGB."""
    heat, paf = look(network, image[None])
    return find_people(heat[0].numpy(), paf[0].numpy(), network.config["stride"])


def estimate(network: PoseNet, image: np.ndarray, scales: Sequence[float] = SCALES) -> list[Person]:
    """The people in a picture (h, w, 3) uint8 RGB of any size, the surest first, in px of the picture.

    Of the scales the one counts at which most joints are found, each by its person's score.
    """
    height, width = image.shape[:2]
    best: list[Person] = []
    for scale in scales:
        factor = min(scale * network.config["image_size"][0] / height, MAX_SIDE / max(height, width))
        size = max(round(height * factor), 1), max(round(width * factor), 1)
        resized = crop_image(image, np.array([0, 0, width, height]) - 0.5, (width, height), size)
        shrink = np.array([width / size[1], height / size[0]])
        found = [Person(((person.pose_2d + 0.5) * shrink - 0.5).astype(np.float32), person.score) for person in people_in(network, resized)]
        best = max(best, found, key=_worth)
    return best


def _worth(people: Sequence[Person]) -> float:
    return sum(person.score * float((~np.isnan(person.pose_2d[:, 0])).sum()) for person in people)
