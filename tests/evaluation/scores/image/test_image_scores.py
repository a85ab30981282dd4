"""Image scores: against scikit-image, published constants and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipeline.evaluation.painted import cut_heads
from pipeline.evaluation.scores.declared import IMAGE_SCORES
from pipeline.evaluation.scores.score import ImagePairs


def scored(name):
    """A score as a function of prediction, truth and, of those that look at a part of the image, its mask."""
    (score,) = (score for score in IMAGE_SCORES if score.name == name)

    def of(prediction, truth, mask=None):
        mask = torch.ones_like(truth[..., :1, :, :], dtype=torch.bool) if mask is None else mask
        return score.function(ImagePairs(prediction, truth, mask, mask))

    return of


l1, psnr, sharpness = (scored(name) for name in ("l1", "psnr", "sharpness"))
mask_l1, mask_ssim = (scored(name) for name in ("mask_l1", "mask_ssim"))
ssim, ssim_pg2, ssim_gray, ssim_patn = (scored(name) for name in ("ssim", "ssim_pg2", "ssim_gray", "ssim_patn"))


@pytest.fixture
def images():
    """Two noisy pictures with some structure, (2, 3, 40, 24) uint8 each."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:40, 0:24]
    smooth = 128 + 80 * np.sin(rows / 5)[None, None] * np.cos(columns / 3)[None, None]
    truth = smooth + rng.normal(0, 20, (2, 3, 40, 24))
    prediction = truth + rng.normal(0, 30, truth.shape)
    prediction[:, :, :10] = 90  # a flat part, as background is
    return tuple(torch.from_numpy(np.clip(values.round(), 0, 255).astype(np.uint8)) for values in (prediction, truth))


def by_hand(function, prediction, truth, **options):
    pairs = zip(prediction.numpy(), truth.numpy(), strict=True)
    return [function(x.transpose(1, 2, 0), y.transpose(1, 2, 0), **options) for x, y in pairs]


def flat(*levels):
    """Flat grey images, one per level, (N, 3, 16, 16)."""
    return torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).contiguous()


def test_ssim_is_that_of_scikit_image(images):
    published = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = by_hand(structural_similarity, *images, data_range=255, channel_axis=-1, **published)
    np.testing.assert_allclose(ssim(*images), expected, atol=1e-9)


def test_ssim_patn_is_that_of_scikit_image_with_white_margins(images):
    """As in PATN's script: margins until the images are square, and the predicted image's own range."""
    published = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    square = [torch.nn.functional.pad(image, (8, 8), value=255) for image in images]
    pairs = zip(*([image.permute(1, 2, 0).numpy() for image in side] for side in square), strict=True)
    expected = [structural_similarity(x, y, data_range=int(x.max()) - int(x.min()), channel_axis=-1, **published) for x, y in pairs]
    np.testing.assert_allclose(ssim_patn(*images), expected, atol=1e-9)
    assert (ssim_patn(*images) > ssim(*images)).all()


def test_ssim_pg2_is_scikit_images_default(images):
    expected = by_hand(structural_similarity, *images, data_range=255, channel_axis=-1)
    np.testing.assert_allclose(ssim_pg2(*images), expected, atol=1e-9)


def test_psnr_is_that_of_scikit_image(images):
    np.testing.assert_allclose(psnr(*images), by_hand(peak_signal_noise_ratio, images[1], images[0], data_range=255), atol=1e-9)


@pytest.mark.parametrize("score", [ssim, ssim_pg2, ssim_patn, ssim_gray, sharpness])
def test_an_image_agrees_with_itself(score, images):
    np.testing.assert_allclose(score(images[0], images[0]), 1, atol=1e-12)


@pytest.mark.parametrize("score", [ssim, ssim_pg2])
def test_flat_images_leave_the_luminance_term_alone(score):
    c1 = 6.5025  # (0.01 * 255)^2, as published
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    np.testing.assert_allclose(score(flat(100), flat(150)), [expected], atol=1e-9)


def test_opposite_contrast_leaves_the_structure_term_alone():
    """A checkerboard against its negative: equal means and variances, opposite covariance; the windows hold 24 and 25 of 49 px."""
    board = torch.from_numpy((np.indices((16, 16)).sum(0) % 2 * 100 + 50).astype(np.uint8)).expand(1, 3, 16, 16)
    c1, c2 = 6.5025, 58.5225  # (0.01 * 255)^2 and (0.03 * 255)^2, as published
    low, high = (50 * 25 + 150 * 24) / 49, (50 * 24 + 150 * 25) / 49
    variance = 100**2 * 24 * 25 / 49**2 * 49 / 48
    expected = (2 * low * high + c1) / (low**2 + high**2 + c1) * (-2 * variance + c2) / (2 * variance + c2)
    np.testing.assert_allclose(ssim_pg2(board, 200 - board), [expected], atol=1e-9)


def test_ssim_gray_follows_the_formula_of_the_face_report(images):
    grey = [np.einsum("bchw,c->bhw", image.double().numpy(), [0.299, 0.587, 0.114]).reshape(2, -1) for image in images]
    for x, y, value in zip(*grey, ssim_gray(*images), strict=True):
        covariance = np.cov(x, y, bias=True)
        above = 4 * x.mean() * y.mean() * covariance[0, 1]
        assert value == pytest.approx(above / ((x.mean() ** 2 + y.mean() ** 2) * (covariance[0, 0] + covariance[1, 1])))


def test_ssim_gray_of_flat_images():
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    np.testing.assert_allclose(ssim_gray(flat(100, 0, 30), flat(50, 0, 0)), [0.8, 1, 0])
    np.testing.assert_allclose(ssim_gray(ramp, flat(100)), [0], atol=1e-12)


def test_l1_by_hand():
    np.testing.assert_allclose(l1(flat(0, 51, 255), flat(255, 0, 255)), [1, 0.2, 0])


def test_psnr_by_hand():
    one_level = flat(7)
    one_level[0, 0, 0, 0] = 8
    expected = 10 * math.log10(255**2 * 3 * 16 * 16)
    np.testing.assert_allclose(psnr(flat(10, 0), flat(0, 255)), [20 * math.log10(25.5), 0], atol=1e-9)
    np.testing.assert_allclose(psnr(one_level, flat(7)), [expected])
    np.testing.assert_allclose(psnr(flat(7), flat(7)), [expected])


def test_mask_ssim_is_ssim_of_the_masked_images(images):
    mask = torch.zeros(2, 1, 40, 24, dtype=torch.bool)
    mask[:, :, 8:30, 4:20] = True
    np.testing.assert_allclose(mask_ssim(*images, mask), ssim(images[0] * mask, images[1] * mask))
    assert mask_ssim(*images, mask).mean() > ssim(*images).mean()  # equal zeros around the body


def test_masked_scores_do_not_see_what_lies_outside(images):
    mask = torch.zeros(2, 1, 40, 24, dtype=torch.bool)
    mask[:, :, 8:30, 4:20] = True
    elsewhere = torch.where(mask, images[0], 255 - images[0])
    np.testing.assert_array_equal(mask_l1(elsewhere, images[1], mask), mask_l1(*images, mask))
    np.testing.assert_array_equal(mask_ssim(elsewhere, images[1], mask), mask_ssim(*images, mask))


def test_the_error_where_limbs_overlap_looks_there_alone(images):
    body, overlap = torch.ones(2, 1, 40, 24, dtype=torch.bool), torch.zeros(2, 1, 40, 24, dtype=torch.bool)
    overlap[:, :, 8:30, 4:20] = True
    for number, mask in ((0, body), (1, overlap)):
        function = next(score.function for score in IMAGE_SCORES if score.name == ("mask_l1", "overlap_l1")[number])
        np.testing.assert_array_equal(function(ImagePairs(*images, body, overlap)), mask_l1(*images, mask))


def scored(name, prediction, truth, body):
    return next(score.function for score in IMAGE_SCORES if score.name == name)(ImagePairs(prediction, truth, body, body))


def test_errors_beside_the_body_do_not_see_it(images):
    body = torch.zeros(2, 1, 40, 24, dtype=torch.bool)
    body[:, :, 8:30, 8:16] = True
    rim = torch.zeros_like(body)
    rim[:, :, 5:33, 8:16] = rim[:, :, 8:30, 5:19] = True
    for corner in ((5, 5), (5, 16), (30, 5), (30, 16)):  # steps along rows and columns: a corner is cut off
        for down in range(3):
            for right in range(3):
                distance = (3 - down if corner[0] == 5 else 1 + down) + (3 - right if corner[1] == 5 else 1 + right)
                rim[:, :, corner[0] + down, corner[1] + right] = distance <= 3
    np.testing.assert_array_equal(scored("outside_l1", *images, body), mask_l1(*images, ~body))
    np.testing.assert_array_equal(scored("outline_l1", *images, body), mask_l1(*images, rim & ~body))
    everywhere = torch.ones_like(body)
    assert scored("outside_l1", *images, everywhere).isnan().all()


HEAD_SCORES = [score for score in IMAGE_SCORES if score.name.startswith("head_")]


def test_scores_of_heads_look_into_the_square_alone():
    rng = np.random.default_rng(0)
    truth, prediction = (torch.from_numpy(rng.integers(0, 256, (2, 3, 64, 32), np.uint8)) for _ in range(2))
    body, head = torch.ones(2, 1, 64, 32, dtype=torch.bool), torch.tensor([[15.5, 20.0, 6.0], [15.5, 20.0, torch.nan]])
    assert [score.name for score in HEAD_SCORES] == ["head_l1", "head_ssim", "head_sharpness"]
    outside = prediction.clone()
    outside[..., :12, :] = outside[..., 29:, :] = 0
    painted = torch.stack([prediction, outside, truth])
    for score in HEAD_SCORES:
        found = score.function(ImagePairs(painted, truth, body, body, cut_heads(painted, truth, head)))
        assert found[:, 1].isnan().all()  # nobody knows this head
        assert found[0, 0] == found[1, 0] != found[2, 0] == score.ideal
        assert score.function(ImagePairs(prediction, truth, body, body)).isnan().all()


def test_the_error_of_a_head_is_that_of_its_pixels():
    truth = torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    prediction = truth.clone()
    prediction[..., 16:32, 24:40] = 51
    square, body = torch.tensor([[31.5, 23.5, 8.0]]), torch.ones(1, 1, 128, 64, dtype=torch.bool)
    score = next(score for score in HEAD_SCORES if score.name == "head_l1")
    found = score.function(ImagePairs(prediction[None], truth, body, body, cut_heads(prediction[None], truth, square)))[0]
    np.testing.assert_allclose(found, [0.2], atol=0.01)  # the outermost row lies between two pixels
    beside = cut_heads(prediction[None], truth, square + torch.tensor([8.0, 0, 0]))
    moved = score.function(ImagePairs(prediction[None], truth, body, body, beside))[0]
    np.testing.assert_allclose(moved, [0.1], atol=0.01)


def test_mask_l1_by_hand_and_of_nothing():
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    mask[0, :, :2, :2] = True
    prediction = flat(0, 0)
    prediction[0, :, 0, 0] = 102
    np.testing.assert_allclose(mask_l1(prediction, flat(0, 0), mask), [0.1, np.nan])
    np.testing.assert_array_equal(mask_ssim(prediction, flat(0, 0), torch.zeros_like(mask)), [1, 1])


def test_sharpness_is_the_ratio_of_slopes():
    ramp = torch.arange(16, dtype=torch.uint8).view(1, 1, 1, 16).expand(1, 3, 16, 16)
    np.testing.assert_allclose(sharpness(3 * ramp, ramp), [3])
    np.testing.assert_allclose(sharpness(ramp.mT, ramp), [1])
    np.testing.assert_allclose(sharpness(flat(9), ramp), [0])
    np.testing.assert_array_equal(sharpness(ramp, flat(9)), [np.nan])


def test_scores_of_several_predictions_at_once(images):
    """(K, B) predictions against B truths give what each gives alone."""
    mask = torch.ones(2, 1, 40, 24, dtype=torch.bool)
    for score in IMAGE_SCORES:
        together = score.function(ImagePairs(torch.stack([*images]), images[1], mask, ~mask))
        alone = score.function(ImagePairs(*images, mask, ~mask))
        np.testing.assert_allclose(together[0], alone, atol=1e-12, err_msg=score.name)


def test_ssim_does_not_depend_on_the_number_of_threads(images):
    mask, found = torch.ones(2, 1, 40, 24, dtype=torch.bool), []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append([score.function(ImagePairs(torch.stack([*images]), images[1], mask, mask)) for score in IMAGE_SCORES if "ssim" in score.name])
    torch.set_num_threads(before)
    for one, other in zip(found[0] * 2, found[1] + found[2], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12, equal_nan=True)


def test_too_small_an_image_is_refused():
    tiny = torch.zeros(1, 3, 10, 20, dtype=torch.uint8)
    with pytest.raises(ValueError, match="at least 11x11 px for SSIM, got 10x20"):
        ssim(tiny, tiny)
