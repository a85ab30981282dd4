"""The joint sets agree with themselves and with the data set's tables."""

from pipeline.pose.skeleton import (
    CHAIN_LIMBS,
    CHAINS,
    H36M_17,
    H36M_32_TO_17,
    LIMB_FLIP,
    LIMB_KINDS,
    LIMB_NAMES,
    LIMBS,
    TORSO,
)

# Of the 32 joints of the data set's files.
H36M_32_PARENTS = (-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14, 12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30)


def test_flip_twice_is_the_identity_and_exchanges_sides() -> None:
    for names, flip in ((H36M_17.names, H36M_17.flip), (LIMB_NAMES, LIMB_FLIP)):
        assert [flip[flip[i]] for i in range(len(names))] == list(range(len(names)))
        for name, other in zip(names, (names[i] for i in flip), strict=True):
            assert other == name.replace("left", "L").replace("right", "left").replace("L", "right")


def test_a_flip_keeps_parents_and_limbs() -> None:
    for joint, parent in enumerate(H36M_17.parents):
        assert parent == -1 or H36M_17.parents[H36M_17.flip[joint]] == H36M_17.flip[parent]
    for limb, (upper, lower) in enumerate(LIMBS):
        assert LIMBS[LIMB_FLIP[limb]] == (H36M_17.flip[upper], H36M_17.flip[lower])


def test_limbs_follow_the_parents_of_both_joint_sets() -> None:
    for (upper, lower), name, kind in zip(LIMBS, LIMB_NAMES, LIMB_KINDS, strict=True):
        assert H36M_17.parents[lower] == upper
        assert H36M_32_PARENTS[H36M_32_TO_17[lower]] == H36M_32_TO_17[upper]
        assert name.endswith(kind)


def test_a_chain_is_two_limbs_on_one_root() -> None:
    for (root, middle, end), (first, second) in zip(CHAINS, CHAIN_LIMBS, strict=True):
        assert LIMBS[first] == (root, middle)
        assert LIMBS[second] == (middle, end)
        assert root in TORSO


def test_every_parent_comes_before_its_child() -> None:
    assert all(parent < joint for parents in (H36M_17.parents, H36M_32_PARENTS) for joint, parent in enumerate(parents))
    assert len(H36M_32_PARENTS) == 32
    assert len(H36M_17) == len(H36M_32_TO_17) == 17
