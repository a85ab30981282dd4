"""Twins that the report shows: which of them, chosen before anything is painted, and all that is drawn of them."""

from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.examples.captions import captions
from pipeline.evaluation.examples.cases import TwinExamples
from pipeline.evaluation.examples.demonstrations import choose_demonstrations
from pipeline.evaluation.twins import JudgedTwins
from pipeline.inference.batched import Task
from pipeline.packs.pack import Pack
from pipeline.pose.skeleton import CHAIN_NAMES
from pipeline.utils.numbers import spread


@dataclass(frozen=True)
class ShownTwins:
    """Numbers of the twins that are shown.

    by_chain : (n,) int64, spread over each limb chain; demonstrations : (m,) int64, and kind : (m,) int64 of each, in `demonstrations.KINDS`
    """

    by_chain: np.ndarray
    demonstrations: np.ndarray
    kind: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        """(k,) int64, each once."""
        return np.union1d(self.by_chain, self.demonstrations)


def choose_twins(pack: Pack, twins: Task, counted: np.ndarray, samples: int) -> ShownTwins:
    """Of the twins that count, (M,) bool: about as many as `samples`, and the demonstrations."""
    each = -(-samples // len(CHAIN_NAMES))
    chains = [np.flatnonzero(counted & (pack.twins.chain == chain)) for chain in range(len(CHAIN_NAMES))]
    return ShownTwins(np.concatenate([spread(chain, each) for chain in chains]), *choose_demonstrations(pack, twins, counted))


def twin_examples(pack: Pack, judged: JudgedTwins, numbers: np.ndarray) -> TwinExamples:
    """The twins of these numbers (n,) with all that the report draws of them."""
    part = judged.task.part(numbers)
    painted = np.array([judged.refined[number] for number in numbers.tolist()], np.uint8).reshape(-1, 2, *pack.image.shape[1:])
    chain = [CHAIN_NAMES[number].replace("_", " ") for number in pack.twins.chain[numbers]]
    return TwinExamples(
        source=pack.image[part.source],
        truth=pack.image[part.target],
        twin=pack.twins.image[numbers],
        painted=painted[:, 0],
        painted_twin=painted[:, 1],
        pose=pack.pose_2d[part.target],
        label=pack.label[part.target],
        twin_label=part.label,
        right=judged.of("refined")[numbers],
        caption=np.array([f"{name} of {where}" for name, where in zip(chain, captions(pack, part.target), strict=True)], dtype=np.str_),
    )
