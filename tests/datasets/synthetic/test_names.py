from pathlib import Path

import pytest

from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.metadata import ACTIONS, SUBJECTS
from pipeline.datasets.synthetic.motion import ACTIONS as MOTIONS
from pipeline.datasets.synthetic.names import sequences

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_thirty_sequences_are_every_action_twice_under_thirty_names(subject):
    takes = sequences(subject, 30)
    assert {(take.action_id, take.subaction) for take in takes} == {(action, take) for action in range(2, 17) for take in (1, 2)}
    assert len({take.prefix for take in takes}) == 30
    assert len({take.identity for take in takes}) == 30
    assert all(take.subject == subject and subject == f"S{take.subject_number}" for take in takes)


def test_more_sequences_only_add():
    assert sequences("S5", 30)[:11] == sequences("S5", 11)


def test_few_sequences_are_as_many_actions():
    assert len({take.action for take in sequences("S7", 15)}) == 15


def test_no_name_is_excluded_by_default():
    excluded = {entry.sequence for entry in load_config(DataConfig, PARAMS, "data").exclude}
    assert excluded
    assert excluded.isdisjoint({f"{subject}/{take.prefix}" for subject in SUBJECTS for take in sequences(subject, 30)})


def test_names_have_exceptions_as_in_human36m():
    prefixes = {(take.subject, take.action, take.subaction): take.prefix for subject in SUBJECTS for take in sequences(subject, 30)}
    assert prefixes["S11", "Walking", 1] == "Walking 1"
    assert prefixes["S11", "Walking", 2] == "Walking"
    assert prefixes["S7", "Walking", 2] == "Walking 2"
    assert prefixes["S8", "TakingPhoto", 1] == "Photo 1"
    assert prefixes["S1", "TakingPhoto", 2] == "TakingPhoto"


def test_every_action_has_a_motion():
    assert set(MOTIONS) == {name for number, name in ACTIONS.items() if number != 1}
