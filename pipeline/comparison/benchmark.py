"""The test set as files for any code, and the scores of what any code painted: as `evaluate` scores the project's own images, to the last digit.

A pair's picture is called by its number in the file of pairs, a twin's by its number among the twins that count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.painted import Painted
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.scores.declared import USUAL_SCORES
from pipeline.evaluation.scores.depth import judge_order, order_accuracy
from pipeline.evaluation.twins import count_twins, twin_task
from pipeline.inference.batched import Task
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.body import Body, measure
from pipeline.pose.bodies.heads import squares
from pipeline.pose.bodies.masks import body_mask, overlap_mask
from pipeline.pose.pose_file import encode_pose
from pipeline.pose.skeleton import CHAIN_NAMES, H36M_17
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, write_json, write_text
from pipeline.utils.images import encode
from pipeline.utils.pictures import read_picture
from pipeline.utils.progress import track

FILES = ("*.png", "*.json", "*.csv")  # kinds that an exported folder holds
MEMBERS = ("original", "twin")  # which labels a twin's pose is painted with
BATCH = 64


@dataclass(frozen=True)
class Benchmark:
    """What is scored: the pairs (P, 2) of rows of the pack, and the twins that count, by their number in `pack.twins`, with their sources."""

    pack: Pack
    pairs: np.ndarray
    twins: Task
    numbers: np.ndarray

    @classmethod
    def of(cls, pack: Pack, pairs: np.ndarray) -> "Benchmark":
        """Raise UserError where the pack is not of bodies."""
        if pack.pose_2d.shape[1] != len(H36M_17):
            raise UserError(f"expected packs of bodies, of {len(H36M_17)} joints, found one of {pack.pose_2d.shape[1]}; faces cannot be shared")
        task = twin_task(pack, pairs)
        numbers = np.flatnonzero(count_twins(pack, task))
        return cls(pack, pairs, task.part(numbers), numbers)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images, px."""
        height, width = self.pack.image.shape[1:3]
        return height, width

    def body(self, rows: np.ndarray) -> Body:
        """The bodies of some rows."""
        return measure(torch.from_numpy(self.pack.pose_2d[rows]), self.size)


def export(test: Benchmark, folder: Path, about: dict[str, Any]) -> None:
    """Write all that other code needs to paint the pairs and twins, and to score them itself; about : what protocol.json says of the data."""
    pack = test.pack
    with atomic_folder(folder, FILES) as new:
        for name in ("images", "masks", "poses", "twins"):
            (new / name).mkdir()
        targets = np.union1d(test.pairs[:, 1], test.twins.target)
        rows = np.union1d(np.union1d(test.pairs, test.twins.source), targets).tolist()
        for row in track(rows, "pictures", len(rows)):
            (new / "images" / f"{row:06d}.png").write_bytes(encode(pack.image[row], ".png"))
            write_json(new / "poses" / f"{row:06d}.json", encode_pose(pack.pose_2d[row], pack.label[row]))
        for part in np.array_split(targets, -(-len(targets) // BATCH)):
            masks = (255 * body_mask(test.body(part))).byte().permute(0, 2, 3, 1).repeat(1, 1, 1, 3).numpy()
            for row, mask in zip(part.tolist(), masks, strict=True):
                (new / "masks" / f"{row:06d}.png").write_bytes(encode(mask, ".png"))
        for place, number in enumerate(test.numbers.tolist()):
            (new / "twins" / f"{place:06d}.png").write_bytes(encode(pack.twins.image[number], ".png"))
            write_json(new / "twins" / f"{place:06d}.json", encode_pose(pack.pose_2d[pack.twins.row[number]], pack.twins.label[number]))
        write_text(new / "pairs.csv", "".join(_pair_lines(test)))
        write_text(new / "twins.csv", "".join(_twin_lines(test)))
        write_json(new / "protocol.json", about | {"image_size": list(test.size), "pairs": len(test.pairs), "twins": len(test.numbers)})


def score(test: Benchmark, folder: Path) -> dict[str, Any]:
    """The scores of the pictures in `folder`: `pairs/000000.png` and on, and, where `twins` is there, `twins/000000_original.png` and `_twin.png`.

    Raises UserError where a picture is missing, damaged, or of another size.
    """
    pack, scores = test.pack, PairScores(("painted",), USUAL_SCORES, len(test.pairs))
    for numbers in _batches(len(test.pairs), "pairs"):
        source, target = test.pairs[numbers].T
        body = test.body(target)
        images = _read(folder, [f"pairs/{number:06d}.png" for number in numbers], test.size)
        task = Task(source, target, pack.label[target])
        truth = _as_tensor(pack.image[target])
        scores.add(Painted(numbers, task, _as_tensor(images)[None], truth, body_mask(body).bool(), overlap_mask(body).bool(), squares(body)))
    figures: dict[str, Any] = {"pairs": len(test.pairs)} | scores.figures(pack.identity[test.pairs[:, 1]])
    if (folder / "twins").is_dir() and len(test.numbers):
        figures["depth"] = _judge(test, folder)
    return figures


def _judge(test: Benchmark, folder: Path) -> dict[str, Any]:
    """The order accuracy of the painted twins."""
    pack, right = test.pack, np.zeros((len(test.numbers), 2))
    for places in _batches(len(test.numbers), "twins"):
        numbers = test.numbers[places]
        names = [f"twins/{place:06d}_{member}.png" for place in places for member in MEMBERS]
        painted = _read(folder, names, test.size).reshape(len(places), 2, *test.size, 3)
        truths = np.stack([pack.image[pack.twins.row[numbers]], pack.twins.image[numbers]], axis=1)
        right[places] = judge_order(painted, truths)
    everything = np.ones(len(right), bool)
    return order_accuracy(right, pack.twins.chain[test.numbers], everything, pack.identity[pack.twins.row[test.numbers]]) | {"order_left_out": None}


def _batches(count: int, name: str) -> Iterator[np.ndarray]:
    starts = range(0, count, BATCH)
    for start in track(starts, name, len(starts)):
        yield np.arange(start, min(start + BATCH, count))


def _read(folder: Path, names: Sequence[str], size: tuple[int, int]) -> np.ndarray:
    """Pictures of one size, (N, H, W, 3) uint8."""
    images = np.empty((len(names), *size, 3), np.uint8)
    for number, name in enumerate(names):
        path = folder / name
        if not path.is_file():
            raise UserError(f"{path}: not found; expected a picture of every pair and twin that `pose25d export-benchmark` lists")
        image = read_picture(path)
        if image.shape[:2] != size:
            raise UserError(f"{path}: expected {size[1]} x {size[0]} px, found {image.shape[1]} x {image.shape[0]}; paint at that size")
        images[number] = image
    return images


def _as_tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _pair_lines(test: Benchmark) -> Iterator[str]:
    pack = test.pack
    yield "pair,source,target,person,one_camera\n"
    for number, (source, target) in enumerate(test.pairs.tolist()):
        yield f"{number:06d},{source:06d},{target:06d},{pack.identity[target]},{int(pack.camera[source] == pack.camera[target])}\n"


def _twin_lines(test: Benchmark) -> Iterator[str]:
    pack = test.pack
    yield "twin,source,target,person,chain\n"
    for place, (number, source) in enumerate(zip(test.numbers.tolist(), test.twins.source.tolist(), strict=True)):
        row = pack.twins.row[number]
        yield f"{place:06d},{source:06d},{row:06d},{pack.identity[row]},{CHAIN_NAMES[pack.twins.chain[number]]}\n"
