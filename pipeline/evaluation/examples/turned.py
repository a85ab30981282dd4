"""Demonstrations as the report shows them: twins, the limb in front first."""

from dataclasses import replace

import numpy as np

from pipeline.evaluation.examples.cases import Demonstrations, TwinExamples
from pipeline.evaluation.examples.demonstrations import KINDS, front_in_twin
from pipeline.evaluation.examples.twins import ShownTwins, twin_examples
from pipeline.evaluation.twins import JudgedTwins
from pipeline.packs.pack import Pack


def demonstration_examples(pack: Pack, judged: JudgedTwins, shown: ShownTwins) -> Demonstrations:
    """The twins that demonstrate something, the farther order behind."""
    twins = judged.task
    turned = front_in_twin(pack.label[twins.target], twins.label, pack.twins.chain)
    examples = _front_first(twin_examples(pack, judged, shown.demonstrations), turned[shown.demonstrations])
    return Demonstrations(**vars(examples), kind=np.array(KINDS, dtype=np.str_)[shown.kind])


def _front_first(examples: TwinExamples, turned: np.ndarray) -> TwinExamples:
    """The same with the two orders exchanged where `turned` (n,) bool says so."""
    fields = {"right": np.where(turned[:, None], examples.right[:, ::-1], examples.right)}
    for names in (("truth", "twin"), ("painted", "painted_twin"), ("label", "twin_label")):
        first, second = (getattr(examples, name) for name in names)
        there = turned.reshape(-1, *[1] * (first.ndim - 1))
        fields |= {names[0]: np.where(there, second, first), names[1]: np.where(there, first, second)}
    return replace(examples, **fields)
