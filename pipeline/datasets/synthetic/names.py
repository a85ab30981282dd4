"""Which sequences the built-in data has, and what their files are called."""

from dataclasses import dataclass

from pipeline.datasets.human36m.metadata import ACTIONS, ALL_ACTIONS

# In which order the actions come in when there are few sequences: those that differ most first.
_ORDER = (
    "Walking",
    "Sitting",
    "Waiting",
    "Directions",
    "Posing",
    "Purchases",
    "Greeting",
    "Eating",
    "WalkingDog",
    "SittingDown",
    "Discussion",
    "Phoning",
    "TakingPhoto",
    "Smoking",
    "WalkingTogether",
)
_SHORT = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}

# Names that break the rule "X 1" and "X", as some do in every subject of Human3.6M. S9's keep clear of the three names that
# `data.exclude` leaves out of Human3.6M.
_EXCEPTIONS = {
    ("S1", "Eating"): ("Eating 2", "Eating"),
    ("S1", "Sitting"): ("Sitting 1", "Sitting 2"),
    ("S1", "TakingPhoto"): ("TakingPhoto 1", "TakingPhoto"),
    ("S5", "Directions"): ("Directions 1", "Directions 2"),
    ("S5", "Discussion"): ("Discussion 2", "Discussion 3"),
    ("S5", "SittingDown"): ("SittingDown", "SittingDown 1"),
    ("S6", "Waiting"): ("Waiting 3", "Waiting"),
    ("S7", "Walking"): ("Walking 1", "Walking 2"),
    ("S8", "WalkingTogether"): ("WalkTogether 1", "WalkTogether 2"),
    ("S9", "Greeting"): ("Greeting 1", "Greeting 2"),
    ("S9", "SittingDown"): ("SittingDown", "SittingDown 2"),
    ("S9", "Waiting"): ("Waiting 2", "Waiting"),
    ("S11", "Phoning"): ("Phoning 3", "Phoning 2"),
}


@dataclass(frozen=True)
class Sequence:
    """One take. `number` (0 to 29) names it within its subject, whatever other takes there are."""

    subject: str
    number: int
    action_id: int
    subaction: int
    prefix: str

    @property
    def action(self) -> str:
        """Name of the action."""
        return ACTIONS[self.action_id]

    @property
    def identity(self) -> str:
        """Name of the invented person."""
        return f"{self.subject}-{self.number + 1:02d}"

    @property
    def subject_number(self) -> int:
        """1 to 11."""
        return int(self.subject[1:])


def sequences(subject: str, count: int) -> list[Sequence]:
    """The first `count` takes of a subject; a larger count only adds to them."""
    actions = {name: number for number, name in ACTIONS.items() if number != ALL_ACTIONS}
    return [_sequence(subject, index, actions[_ORDER[index % len(_ORDER)]], 1 + index // len(_ORDER)) for index in range(count)]


def _sequence(subject: str, number: int, action_id: int, subaction: int) -> Sequence:
    action = ACTIONS[action_id]
    short = _SHORT.get(action, action)
    names = _EXCEPTIONS.get((subject, action), (f"{short} 1", short))
    return Sequence(subject, number, action_id, subaction, names[subaction - 1])
