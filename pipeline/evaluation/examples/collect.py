"""All that the report shows of a model, in one: which cases, chosen before anything is painted but for the best and the worst."""

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from pipeline.evaluation.examples.appearances import appearances
from pipeline.evaluation.examples.captions import captions
from pipeline.evaluation.examples.cases import Cases, Demonstrations, Labels, Orders, Steps, TwinExamples
from pipeline.evaluation.examples.pairs import all_pairs, pair_examples
from pipeline.evaluation.examples.steps import steps
from pipeline.evaluation.examples.turned import demonstration_examples
from pipeline.evaluation.examples.twins import ShownTwins, twin_examples
from pipeline.evaluation.kept_images import KeptImages
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.evaluation.scores.depth import label_confusion
from pipeline.evaluation.twins import JudgedTwins
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.packs.pack import Pack
from pipeline.pose.skeleton import CHAIN_NAMES, LIMB_NAMES

Group = TypeVar("Group", TwinExamples, Demonstrations, Steps)


@dataclass(frozen=True)
class DepthExamples:
    """What shows the order of limbs; nothing of a joint set without limbs."""

    twins: TwinExamples
    demonstrations: Demonstrations
    steps: Steps
    orders: Orders

    @classmethod
    def none(cls) -> "DepthExamples":
        """Of a joint set without limbs."""
        none = np.zeros(0, np.str_)
        return cls(_nothing(TwinExamples), _nothing(Demonstrations), _nothing(Steps), Orders(none, none, np.zeros(0, np.int8), np.zeros((0, 0, 2))))


def depth_examples(batched: BatchedGenerator, judged: JudgedTwins, shown: ShownTwins) -> DepthExamples:
    """The twins of each chain, the demonstrations, and the steps of the first demonstration of each kind."""
    first = shown.demonstrations[np.unique(shown.kind, return_index=True)[1]]
    pack = batched.pack
    twins, demonstrations = twin_examples(pack, judged, shown.by_chain), demonstration_examples(pack, judged, shown)
    return DepthExamples(twins, demonstrations, steps(batched, judged, first), _orders(pack, judged))


def _orders(pack: Pack, judged: JudgedTwins) -> Orders:
    """How the images of all twins that count were judged."""
    row, chain = judged.task.target[judged.counted], pack.twins.chain[judged.counted]
    names = [f"{name}/{CHAIN_NAMES[number]}" for name, number in zip(captions(pack, row), chain, strict=True)]
    return Orders(np.array(names, np.str_), pack.identity[row], chain, judged.right[:, judged.counted])


def collect_cases(batched: BatchedGenerator, task: Task, scores: PairScores, kept: KeptImages, samples: np.ndarray, depth: DepthExamples) -> Cases:
    """Everything in one; samples : numbers of the pairs that are shown whatever their scores."""
    error = scores.of("refined", "mask_l1")
    return Cases(
        pairs=all_pairs(batched.pack, task, np.stack([[scores.of(image, name) for name in PAIR_SCORES] for image in batched.scored])),
        samples=pair_examples(batched, task, error, kept, samples),
        best=pair_examples(batched, task, error, kept, kept.best),
        worst=pair_examples(batched, task, error, kept, kept.worst),
        twins=depth.twins,
        demonstrations=depth.demonstrations,
        steps=depth.steps,
        appearances=appearances(batched, task),
        orders=depth.orders,
        labels=Labels(_confusion(batched.pack)),
    )


def _confusion(pack: Pack) -> np.ndarray:
    """(8, 3, 3) int64, as `label_confusion` gives it; all zero without truth."""
    if pack.label_truth is None or pack.label_clear is None:
        return np.zeros((len(LIMB_NAMES), 3, 3), dtype=np.int64)
    return label_confusion(pack.label, pack.label_truth, pack.label_clear)


def _nothing(kind: type[Group]) -> Group:
    """A group of cases without any row."""
    return kind(**{field.name: np.zeros((0, 1, 1, 1), np.uint8) for field in fields(kind)})
