"""Scores as the report words them: the few that matter most, and a row for each."""

from typing import Any

from pipeline.evaluation.scores.declared import ALL_SCORES
from pipeline.inference.images import IMAGES


def headlines(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The few figures that matter most: value, name, plain words."""
    source, coarse, refined, depth = figures["source"], figures["coarse"], figures["refined"], figures.get("depth")
    cards = [(number_text(refined["ssim"]), "SSIM", f"refined image; doing nothing scores {number_text(source['ssim'])}")]
    if refined["mask_l1"] is not None and source["mask_l1"]:
        less = 100 * (1 - refined["mask_l1"] / source["mask_l1"])
        cards.append((f"{less:+.0f} %".replace("+", "−") if less >= 0 else f"+{-less:.0f} %", "body error", "refined image against doing nothing"))
    cards.append((number_text(refined["sharpness"]), "sharpness", f"1 is as sharp as the truth; coarse {number_text(coarse['sharpness'])}"))
    if depth is None:
        return cards
    if depth["order_accuracy"] is not None:
        by_part = number_text(depth["order_by_image"]["by_part"]["order_accuracy"])
        cards.append(
            (
                number_text(depth["order_accuracy"]),
                "limb order",
                f"share of images with the order they were told; blind: 0.5, painted by part: {by_part}",
            )
        )
    if depth["label_accuracy"] is not None:
        cards.append((number_text(depth["label_accuracy"]), "labels", "share of clear depth labels that agree with the renderer"))
    return cards


def score_rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per score: its figures for each image, and which is best; the ceiling is told the truth, and takes no part."""
    rows = []
    for score in ALL_SCORES:
        name = score.name
        if name not in figures["refined"]:
            continue
        values = {image: figures[image][name] for image in IMAGES if image in figures}
        if not any(value is not None for value in values.values()):
            continue
        cost = {image: score.cost(value) for image, value in values.items() if value is not None and image != "ceiling"}
        best = [image for image in cost if cost[image] == min(cost.values())]
        rows.append(
            {
                "name": name,
                "meaning": score.meaning,
                "arrow": score.arrow,
                "values": values,
                "spread": {image: figures[image].get(f"{name}_std") for image in values},
                "best": best if len(best) == 1 else [],
            }
        )
    return rows


def several_rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """What one source, two and more are worth: a row for each number and image, with the scores that each has; empty where pairs have one source."""
    if "sources" not in figures:
        return []
    images = [image for image in IMAGES if image in figures["sources"]["2"]]
    order = figures["depth"]["order_by_image"]
    blocks = {"1": {image: figures[image] | order[image] for image in images}} | figures["sources"]
    return [{"sources": count, "image": image, **block[image]} for image in images for count, block in blocks.items()]


def number_text(value: float | None) -> str:
    """Three significant digits behind a leading zero; a dash for what is unknown."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
