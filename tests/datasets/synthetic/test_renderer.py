import dataclasses

import numpy as np
import pytest

from pipeline.datasets.synthetic import kernels
from pipeline.datasets.synthetic.body import BOX, CAPSULE, LIMB, SEAT, TORSO, Solids
from pipeline.datasets.synthetic.kernels import FAR
from pipeline.datasets.synthetic.person import CHECKS, DOTS, FACE, PLAIN, PRINT, RINGS, STRIPES
from pipeline.datasets.synthetic.renderer import PARTS, Renderer, screen_bounds
from pipeline.datasets.synthetic.room import CAMERA_IDS, look, room_cameras


def surface(solids, t, n, points):
    """Signed distance, up to a positive factor, of points (..., 3) from solid n: negative inside. Written without any ray."""
    q = (points - solids.origin[t, n]) @ solids.linear[t, n].T
    if solids.kind[n] == BOX:
        return (np.abs(q) - solids.shape[t, n]).max(axis=-1)
    first, second, length = solids.shape[t, n]
    if length == 0:
        return np.linalg.norm(q, axis=-1) - first
    slope = (first - second) / length
    across, along = np.linalg.norm(q[..., :2], axis=-1), q[..., 2]
    side = np.sqrt(1 - slope**2)
    place = along * side - across * slope
    body = across * side + along * slope - first
    start, end = np.hypot(across, along) - first, np.hypot(across, along - length) - second
    return np.where(place < 0, start, np.where(place > length * side, end, body))


def single(kind, shape, linear=None, distance=0.0):
    """One solid at the middle of the room, one frame."""
    linear = np.eye(3) if linear is None else linear
    axis = np.linalg.inv(linear) @ (0, 0, shape[2]) if kind == CAPSULE else np.zeros(3)
    return Solids(
        np.array([kind]),
        np.array([TORSO]),
        np.zeros((1, 3), int),
        np.full((1, 2), np.inf),
        np.zeros((1, 2)),
        np.zeros(1),
        np.array([[[0, distance, 900.0]]]),
        axis[None, None],
        linear[None, None],
        np.array([[shape]], float),
        np.full((1, 1), 600.0),
    )


@pytest.fixture(scope="module")
def view():
    return look(room_cameras(64, 1, 1)[CAMERA_IDS[0]], 64)


WHITE = np.tile((PLAIN, 0, 0, 1, 1, 1, 1, 1, 1.0), (1, 1))


def test_depth_of_a_ball(view):
    """Along the ray to its middle a ball begins one radius before it."""
    renderer = Renderer(single(CAPSULE, (200, 200, 0)), WHITE)
    buffers = renderer.buffers(view, screen_bounds(renderer.solids, view.camera), 0)
    centre = view.camera.to_camera(np.array((0, 0, 900.0)))
    x, y = np.rint(2 * view.camera.project(centre) + 0.5).astype(int)
    hit = buffers.depth[y, x] * np.linalg.norm(view.rays[y, x])
    assert hit == pytest.approx(np.linalg.norm(centre) - 200, abs=1)
    area = (buffers.solid == 0).sum() / 4
    radius = 200 / np.sqrt(np.linalg.norm(centre) ** 2 - 200**2) * view.camera.K[0, 0]
    assert area == pytest.approx(np.pi * radius**2, rel=0.03)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(CAPSULE, (150, 60, 500)), (CAPSULE, (40, 160, 300)), (CAPSULE, (90, 90, 400)), (CAPSULE, (120, 120, 0)), (BOX, (200, 100, 50))],
)
def test_every_hit_lies_on_the_surface_and_nothing_before_it(view, kind, shape, rng):
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    solids = single(kind, shape, np.diag((0.8, 1.3, 1.0)) @ turn)
    renderer = Renderer(solids, WHITE)
    buffers = renderer.buffers(view, screen_bounds(solids, view.camera), 0)
    hit = buffers.solid == 0
    assert hit.sum() > 60
    rays, depth = view.rays[hit], buffers.depth[hit][:, None].astype(float)
    assert np.abs(surface(solids, 0, 0, view.camera.T + depth * rays)).max() < 0.1
    steps = np.linspace(0.85, 0.9999, 60)[:, None, None]
    assert surface(solids, 0, 0, view.camera.T + steps * depth * rays).min() > -0.1
    along = np.linspace(4000, 6500, 400)[:, None, None]
    assert surface(solids, 0, 0, view.camera.T + along * view.rays[~hit]).min() > -0.5  # rays that miss never come inside


def test_what_is_nearest_is_seen_whatever_the_bounds(scenes):
    """Neither the rows nor the columns that a solid is looked for in cut anything off."""
    for scene in scenes:
        buffers = scene.renderer.buffers(scene.view, scene.bounds, 1)
        everywhere = np.array(scene.bounds)
        everywhere[..., 2] = 1e4
        whole = scene.renderer.buffers(scene.view, everywhere, 1)
        np.testing.assert_array_equal(buffers.solid, whole.solid)
        np.testing.assert_array_equal(buffers.depth, whole.depth)
        assert 0.02 < (buffers.solid >= 0).mean() < 0.4


def test_the_z_buffer_against_a_search_without_rays(scene, rng):
    """At random pixels: no solid holds a point before the hit, and the hit lies on the solid that is named."""
    solids, view = scene.renderer.solids, scene.view
    buffers = scene.renderer.buffers(view, scene.bounds, 0)
    seen = np.argwhere(buffers.solid >= 0)
    for y, x in seen[rng.choice(len(seen), 60, replace=False)]:
        depth = float(buffers.depth[y, x])
        points = view.camera.T + np.linspace(depth - 800, depth - 0.5, 300)[:, None] * view.rays[y, x]
        for n in range(len(solids.kind)):
            assert surface(solids, 0, n, points).min() > -0.1
        assert abs(surface(solids, 0, int(buffers.solid[y, x]), view.camera.T + depth * view.rays[y, x])) < 0.1


def test_part_depths_agree_with_the_z_buffer(scenes):
    """The nearest of all parts is what is seen, wherever that is a part that counts."""
    for scene in scenes:
        solids = dataclasses.replace(scene.renderer.solids, joint=np.zeros_like(scene.renderer.solids.joint))
        renderer = Renderer(solids, scene.person.materials)
        buffers = renderer.buffers(scene.view, scene.bounds, 0)
        depths = renderer.part_depths(scene.view, scene.bounds, 0, 1)
        assert depths.shape[0] == PARTS
        assert np.isinf(depths[[0, 2]]).all()
        counted = (buffers.solid >= 0) & (solids.part[buffers.solid] < PARTS) & (solids.part[buffers.solid] != 2)
        assert np.isin(buffers.depth[counted], depths.min(axis=0)).all()


def test_part_depths_leave_out_what_belongs_to_the_joint(scene):
    solids = scene.renderer.solids
    whole = Renderer(dataclasses.replace(solids, joint=np.zeros_like(solids.joint)), scene.person.materials)
    trimmed = np.isfinite(scene.renderer.part_depths(scene.view, scene.bounds, 0, 1)).sum(axis=(1, 2))
    full = np.isfinite(whole.part_depths(scene.view, scene.bounds, 0, 1)).sum(axis=(1, 2))
    for limb, trims in enumerate((True, False, True, False, True, False, True, False)):
        assert (trimmed[LIMB + limb] < 0.9 * full[LIMB + limb]) == trims
    assert trimmed[TORSO] == full[TORSO]


def test_coarser_part_depths_cover_the_same_share(scene):
    fine = np.isfinite(scene.renderer.part_depths(scene.view, scene.bounds, 0, 1)).sum(axis=(1, 2))
    coarse = 16 * np.isfinite(scene.renderer.part_depths(scene.view, scene.bounds, 0, 4)).sum(axis=(1, 2))
    np.testing.assert_allclose(coarse[LIMB:], fine[LIMB:], rtol=0.35, atol=30)


def test_a_picture_changes_the_room_only_where_the_body_or_its_shadow_is(scene):
    picture = scene.renderer.picture(scene.view, scene.bounds, 0)
    assert picture.shape == (96, 96, 3)
    assert picture.dtype == np.uint8
    empty = (255 * scene.view.picture + 0.5).astype(np.uint8)
    body = scene.renderer.buffers(scene.view, scene.bounds, 0).solid.reshape(96, 2, 96, 2).max(axis=(1, 3)) >= 0
    changed = (picture != empty).any(axis=-1)
    assert (changed & ~body).any()  # a shadow
    assert not (changed & ~body & np.isnan(scene.view.floor[..., 0])).any()
    assert (picture[~body] <= empty[~body]).all()
    assert (changed & body).sum() > 0.98 * body.sum()


def test_the_same_picture_twice(scene):
    again = Renderer(scene.renderer.solids, scene.person.materials)
    np.testing.assert_array_equal(again.picture(scene.view, scene.bounds, 2), scene.renderer.picture(scene.view, scene.bounds, 2))


def test_upper_sides_are_brighter_and_shade_is_darker(view):
    renderer = Renderer(single(CAPSULE, (250, 250, 0)), WHITE)
    picture = renderer.picture(view, screen_bounds(renderer.solids, view.camera), 0).astype(int)
    x, y = np.rint(view.camera.project(view.camera.to_camera(np.array((0, 0, 900.0))))).astype(int)
    assert picture[y - 4, x].sum() > picture[y + 4, x].sum() + 30
    lamp = renderer.lamp(0)
    under, beside = np.array((0, 0, 100.0)), np.array((900.0, 0, 100.0))
    under[:2] -= 800 * lamp.axes[2, :2] / lamp.axes[2, 2]  # along the light
    assert kernels._lit(*under, 0.0, lamp) == 0
    assert kernels._lit(*beside, 0.0, lamp) == pytest.approx(1)


def test_the_seat_throws_no_shadow(scenes):
    seated = scenes[1].renderer
    assert (seated.solids.part == SEAT).any()
    opaque = dataclasses.replace(seated.solids, part=np.where(seated.solids.part == SEAT, TORSO, seated.solids.part))
    with_seat, without = (renderer.lamp(0).depth < FAR for renderer in (Renderer(opaque, seated.materials), seated))
    assert (with_seat & ~without).sum() > 20
    assert not (without & ~with_seat).any()


def test_patterns():
    def texture(pattern, x, y, z, period=100.0, duty=0.5):
        return kernels._texture(np.array((pattern, period, duty, 0, 0, 0, 1, 1, 1.0)), x, y, z, 100.0)

    assert [texture(RINGS, 0.0, 0.0, z) for z in (10.0, 60.0, 110.0, -10.0)] == [1, 0, 1, 0]
    assert [texture(STRIPES, x, 0.0, 0.0) for x in (10.0, 60.0)] == [1, 0]
    assert texture(CHECKS, 10.0, 0.0, 10.0) != texture(CHECKS, 60.0, 0.0, 10.0)
    assert texture(CHECKS, 10.0, 0.0, 10.0) == texture(CHECKS, 60.0, 0.0, 60.0)
    assert [texture(DOTS, x, 0.0, 50.0) for x in (50.0, 5.0)] == [1, 0]
    assert [texture(PRINT, 0.0, y, 60.0) for y in (50.0, -50.0)] == [1, 0]
    assert texture(PLAIN, 3.0, 4.0, 5.0) == 0


def test_a_head_has_a_face_before_and_hair_behind():
    def paint(x, y, z, hair=1.0):
        return kernels._texture(np.array((FACE, 0, hair, 0, 0, 0, 1, 1, 1.0)), x, y, z, 1.0)

    assert [paint(x, 0.9, 0.02) for x in (-0.36, 0.36)] == [3, 3]
    assert paint(0.5, 0.85, 0.02) == 2
    assert paint(0.0, 0.85, -0.55) == 4
    assert paint(0.4, 0.85, 0.24) == 5
    assert paint(0.0, 0.9, -0.2) == 0
    assert paint(0.0, -0.9, 0.2) == 1
    assert paint(0.0, -0.9, 0.2, hair=0.0) == 0
