import numpy as np
import pytest

from pipeline.datasets.synthetic.person import FACE, MATERIAL, MATERIALS, invent_person


@pytest.fixture(scope="module")
def people():
    return [invent_person(np.random.default_rng(seed)) for seed in range(300)]


def test_the_same_seed_is_the_same_person(people):
    again = invent_person(np.random.default_rng(5))
    assert (again.build, again.clothes, again.hair) == (people[5].build, people[5].clothes, people[5].hair)
    np.testing.assert_array_equal(again.materials, people[5].materials)
    assert people[6].build != people[5].build


def test_bodies_are_as_thick_and_long_as_measured_ones(people):
    """ANSUR II: chest depth 5 to 95 % of 205 to 298 mm, stature 1630 to 1760 mm on average."""
    depth = np.array([2 * person.build.chest[1] for person in people])
    assert np.median(depth) == pytest.approx(240, abs=15)
    assert depth.min() > 170
    assert depth.max() < 340
    assert np.mean([person.build.stature for person in people]) == pytest.approx(1695, abs=25)


def test_limbs_are_about_as_thick_as_the_default_radii(people):
    for name, radius in (("thigh", 80), ("calf", 60), ("upper_arm", 50), ("forearm", 45)):
        mean = np.mean([np.mean(getattr(person.build, f"{name}_radius")) for person in people])
        assert mean == pytest.approx(radius, rel=0.15), name


def test_materials_are_colours_and_the_face_is_a_face(people):
    for person in people:
        assert person.materials.shape == (len(MATERIALS), 9)
        assert (person.materials[:, 3:] >= 0).all()
        assert (person.materials[:, 3:] <= 1.05).all()
        assert person.materials[MATERIAL["head"], 0] == FACE


def test_clothes_vary(people):
    sleeve = np.array([person.clothes.sleeve for person in people])
    trouser = np.array([person.clothes.trouser for person in people])
    skirts = np.mean([person.clothes.skirt > 0 for person in people])
    assert 0.2 < np.mean(sleeve >= 2) < 0.6
    assert np.mean(sleeve < 1) > 0.3
    assert 0.3 < np.mean(trouser < 1) < 0.8
    assert 0.05 < skirts < 0.3
    assert {person.hair for person in people} == {"short", "long", "ponytail", "bun", "bald", "cap"}


def test_many_long_sleeves_differ_from_the_torso(people):
    """Otherwise nobody could see whether an arm is before or behind it. Bare forearms differ anyway."""
    differ = [
        person.clothes.sleeve < 1.5 or (person.materials[MATERIAL["right_sleeve"], 3:] != person.materials[MATERIAL["shirt"], 3:]).any()
        for person in people
    ]
    assert np.mean(differ) > 0.75


def test_the_legs_of_most_people_can_be_told_apart(people):
    def asymmetric(person):
        trousers, socks = (
            (person.materials[MATERIAL[f"right_{name}"]] != person.materials[MATERIAL[f"left_{name}"]]).any() for name in ("trouser", "sock")
        )
        clothes = person.clothes
        visible_socks = person.clothes.trouser < 1.5 and (socks or clothes.sock[0] != clothes.sock[1])
        return (trousers and not clothes.skirt) or visible_socks or clothes.band[0] != clothes.band[1]

    assert 0.5 < np.mean([asymmetric(person) for person in people]) < 0.9
