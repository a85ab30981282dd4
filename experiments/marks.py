"""Which figures of a table differ from those of the run that all are compared with by more than other people, or another seed, would make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.differences import Compared
from experiments.results import Result
from experiments.runs import RunList

BEYOND_PEOPLE, BEYOND_SEEDS = "*", "**"


@dataclass(frozen=True)
class Marks:
    """The marks of a table.

    signs : by run, image and score, those that are marked; notes : what a reader must know, as sentences
    """

    signs: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def of(self, run: str, image: str, score: str) -> str:
        """The mark of one figure; empty where it has none."""
        return self.signs.get((run, image, score), "")


def make_marks(listed: RunList, results: Sequence[Result], compared: Sequence[Compared]) -> Marks:
    """`*` where 0 lies outside of the interval of the difference, `**` where the difference is also larger than those of all runs that differ in
    the seed alone; nothing where differences are not known."""
    if listed.against is None:
        return Marks()
    seeds = [one for one in compared if (one.first, one.second) in listed.seeds]
    signs = {}
    for one in compared:
        if one.first == listed.against:
            for image, scores in one.scores.items():
                for score, (difference, low, high) in scores.items():
                    if low > 0 or high < 0:
                        noise = [abs(other.scores[image][score][0]) for other in seeds if score in other.scores.get(image, {})]
                        signs[one.second, image, score] = BEYOND_SEEDS if noise and abs(difference) > max(noise) else BEYOND_PEOPLE
    return Marks(signs, _notes(listed.against, results, compared, seeds))


def _notes(against: str, results: Sequence[Result], compared: Sequence[Compared], seeds: Sequence[Compared]) -> list[str]:
    known = {one.second for one in compared if one.first == against}
    unknown = [one.run.name for one in results if one.state == "done" and one.run.name not in {against, *known}]
    notes = []
    if known:
        beyond = "; what another seed makes is not known"
        if seeds:
            pairs = ", ".join(f"`{one.first}` and `{one.second}`" for one in seeds)
            beyond = f", `**` where it is also larger than between runs that differ in the seed alone ({pairs})"
        notes.append(f"Compared with `{against}` pair by pair: `*` where the 95 % interval of the difference over people is without 0{beyond}.")
        if unknown:
            notes.append(f"Without marks, because their scores of every pair are not at hand: {', '.join(f'`{name}`' for name in unknown)}.")
    elif unknown:
        notes.append("Without marks, because the scores of every pair are not at hand.")
    return notes
