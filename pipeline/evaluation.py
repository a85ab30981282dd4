"""Paint the stored test pairs and the twins, score what comes out, and choose what the report shows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from pipeline.appearance import CHANNELS, LAYERS, paint_by_part
from pipeline.config.evaluate import EvaluateConfig
from pipeline.errors import UserError
from pipeline.files import file_hash
from pipeline.loader import to_image
from pipeline.memory import keep_memory
from pipeline.metrics.cases import Cases, Demonstrations, Labels, Pairs, Shown, ShownTwins, Steps
from pipeline.metrics.demonstrations import KINDS, LEGS, OTHER_SIDE, choose, fits, front_in_twin
from pipeline.metrics.depth import MIN_PIXELS, clear_pixels, judge_order, label_accuracy, label_confusion, labels_differ, lift_figures, order_accuracy
from pipeline.metrics.image import image_scores, mask_l1, to_uint8
from pipeline.metrics.inception import Inception, frechet_distance, inception_score
from pipeline.metrics.tables import DISTANCES, IMAGES, SCORES, by_group, distance_group, figure, mean, summary
from pipeline.networks.generator import Painter
from pipeline.pack import Pack
from pipeline.pose_maps import FIRST_LIMB_PART, TORSO_PART, body_mask, channels, measure, overlap_mask, part_map, seen_parts
from pipeline.skeleton import CHAIN_LIMBS, CHAIN_NAMES, LIMB_NAMES

RESPONSE_PAIRS = 256
CHUNK = 256  # rows looked at at a time
OVERLAPPING = 0.1  # share of a limb's area from which on it overlaps something


@dataclass(frozen=True)
class Task:
    """What to paint, row by row: the person of row `source` (N,) in the pose of row `target` (N,), labelled `label` (N, 8)."""

    source: np.ndarray
    target: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    def part(self, chosen: Any) -> "Task":
        """The chosen rows of the task."""
        return Task(self.source[chosen], self.target[chosen], self.label[chosen])


@dataclass(frozen=True)
class Studio:
    """A trained model, the pack that it paints from, how many images it paints at a time, and where."""

    painter: Painter
    pack: Pack
    batch_size: int
    device: torch.device

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images, px."""
        height, width = self.pack.image.shape[1:3]
        return height, width

    def images(self, rows: np.ndarray) -> Tensor:
        """(N, 3, H, W) uint8 RGB, in main memory."""
        return torch.from_numpy(self.pack.image[rows]).permute(0, 3, 1, 2)

    def pose(self, rows: np.ndarray) -> Tensor:
        """(N, 17, 2) float32, px, in main memory."""
        return torch.from_numpy(self.pack.pose_2d[rows])

    def see(self, task: Task) -> tuple[Tensor, Tensor]:
        """The source images (N, 3, H, W) and the maps (N, C, H, W) of a task of one batch, as the networks see them."""
        labels = [torch.from_numpy(label).to(self.device) for label in (self.pack.label[task.source], task.label)]
        poses = [self.pose(rows).to(self.device) for rows in (task.source, task.target)]
        source = to_image(self.pack.image[task.source], self.device)
        return source, self.painter.sight.maps(source, poses[0], labels[0], poses[1], labels[1], self.size)

    def paint(self, task: Task) -> tuple[Tensor, Tensor]:
        """Coarse and refined images of a task of one batch, (N, 3, H, W) uint8 each, in main memory."""
        coarse, refined = self.painter.paint(*self.see(task))
        return to_uint8(coarse).cpu(), to_uint8(refined).cpu()

    def paint_by_part(self, task: Task) -> Tensor:
        """The baseline without a network for a task of one batch, (N, 3, H, W) uint8; it sees the labels even where the networks do not."""
        bodies = [measure(self.pose(rows), self.size) for rows in (task.source, task.target)]
        labels = [torch.from_numpy(label) for label in (self.pack.label[task.source], task.label)]
        return to_uint8(paint_by_part(to_image(self.pack.image[task.source]), bodies[0], labels[0], bodies[1], labels[1]))

    def paint_all(self, task: Task) -> Tensor:
        """All that is scored, in the order of `IMAGES`, for a task of one batch: (4, N, 3, H, W) uint8."""
        return torch.stack([self.images(task.source), self.paint_by_part(task), *self.paint(task)])

    def batches(self, task: Task, name: str) -> Iterator[tuple[slice, Task]]:
        """The task in batches; a progress bar called `name` shows on a terminal."""
        console = Console(stderr=True)
        for start in track(range(0, len(task), self.batch_size), name, console=console, disable=not console.is_terminal):
            rows = slice(start, start + self.batch_size)
            yield rows, task.part(rows)


def choose_device(accelerator: str) -> torch.device:
    """Where to paint: on the accelerator that `parallel.accelerator` names, `auto` and `gpu` being whatever there is.

    Raises UserError where a named one is not there.
    """
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator == "cpu" or (accelerator == "auto" and found is None):
        return torch.device("cpu")
    if found is None or accelerator not in ("auto", "gpu", found.type):
        there = "none" if found is None else found.type
        raise UserError(f"parallel.accelerator = {accelerator}: not on this machine, found {there}; choose auto or cpu")
    return found


def fix_arithmetic(threads: int) -> None:
    """Make this process compute the same bits each time: a fixed number of threads, full precision, no search for the fastest kernel."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # they are a hundred times slower, and no image depends on them
    keep_memory()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def evaluate(painter: Painter, pack: Pack, pairs: np.ndarray, config: EvaluateConfig, device: torch.device) -> tuple[dict[str, Any], Cases]:
    """Score every pair, every twin and every label.

    pairs : (P, 2) int64, rows of the pack: source and target; device : where to paint, the networks move there.
    returns : the content of metrics/test.json, and the cases for the report.
    Raises UserError where there is nothing to score, or where the images are too small for SSIM.
    """
    studio = Studio(painter, pack, config.batch_size, device)
    for network in (painter.g1, painter.g2):
        network.to(device)
    _check(studio, pairs)
    task = Task(pairs[:, 0], pairs[:, 1], pack.label[pairs[:, 1]])
    scores = score_pairs(studio, task)
    twins = twin_task(pack, pairs)
    right, counted = judge_twins(studio, twins)
    orders = {image: order_accuracy(right[number], pack.twins.chain, counted, pack.identity[twins.target]) for number, image in enumerate(IMAGES)}
    per_image = {image: dict(zip(SCORES, scores[number], strict=True)) for number, image in enumerate(IMAGES)}
    inception = {} if config.inception is None else inception_figures(studio, task, Path(config.inception))
    figures: dict[str, Any] = {"pairs": len(pairs)}
    figures |= {image: summary(per_image[image]) | inception.get(image, {}) for image in IMAGES}
    figures["depth"] = orders["refined"] | {"order_by_image": {image: _interval(order) for image, order in orders.items()}}
    figures["depth"] |= label_figures(pack) | lifting(studio) | response(studio, task)
    figures["by"] = {
        "action": by_group(pack.action[task.target], per_image),
        "view": by_group(np.where(pack.camera[task.source] == pack.camera[task.target], "same", "other"), per_image, ("same", "other")),
        "distance": by_group(distance_group(_distance(pack, task), studio.size[0]), per_image, DISTANCES),
    }
    if inception:
        figures["inception"] = inception["inception"]
    return figures, _choose_cases(studio, task, scores, twins, right[IMAGES.index("refined")], counted, config.samples)


def score_pairs(studio: Studio, task: Task) -> np.ndarray:
    """Scores of all images, (4, scores, N) float64 in the order of `IMAGES` and `SCORES`."""
    scores = np.empty((len(IMAGES), len(SCORES), len(task)))
    for rows, batch in studio.batches(task, "test pairs"):
        pose = studio.pose(batch.target)
        masks = body_mask(pose, studio.size).bool(), overlap_mask(pose, studio.size).bool()
        values = image_scores(studio.paint_all(batch), studio.images(batch.target), *masks)
        for number, name in enumerate(SCORES):
            scores[:, number, rows] = values[name].numpy()
    return scores


def twin_task(pack: Pack, pairs: np.ndarray) -> Task:
    """One row per twin, with the twin's labels: each is painted from the source of a stored pair.

    Whether a model paints the limb that was mirrored before or behind is seen only where it knows what that limb looks like. So, of the
    pairs of the same identity whose source is not the twin's own original, it is the one whose source shows most of it: most pixels of
    that limb of the chain of which it shows fewer, else the first pair. `source` is -1 where there is no such pair.
    """
    source = np.unique(pairs[:, 0])
    shown = _limbs_shown(pack, source)
    chosen = np.full(len(pack.twins.row), -1)
    for number, (row, chain) in enumerate(zip(pack.twins.row, pack.twins.chain, strict=True)):
        fits = (pack.subject[source] == pack.subject[row]) & (pack.identity[source] == pack.identity[row]) & (source != row)
        if fits.any():
            pixels = shown[:, list(CHAIN_LIMBS[chain])].min(axis=1)
            chosen[number] = source[np.argmax(np.where(fits, pixels, -1))]
    return Task(chosen, pack.twins.row, pack.twins.label)


def _limbs_shown(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """How many pixels of each limb are seen in these rows, as far as 2D joints and labels tell: (N, 8)."""
    counts = []
    for part in np.array_split(rows, -(-len(rows) // CHUNK) or 1):
        height, width = pack.image.shape[1:3]
        seen = part_map(torch.from_numpy(pack.pose_2d[part]), torch.from_numpy(pack.label[part]), (height, width))
        counts.append(torch.stack([(seen == FIRST_LIMB_PART + limb).sum((1, 2)) for limb in range(len(LIMB_NAMES))], dim=1))
    return torch.cat(counts).numpy()


def judge_twins(studio: Studio, twins: Task) -> tuple[np.ndarray, np.ndarray]:
    """Paint each twin's pose with the original's labels and with its own, and judge what comes out.

    returns : right (4, M, 2) float64 as `judge_order` gives it, in the order of `IMAGES`, and counted (M,) bool: the twin has a source, its
    labels differ from the original's, and its image differs from the original's in at least `MIN_PIXELS` clear pixels
    """
    pack = studio.pack
    right = np.zeros((len(IMAGES), len(twins), 2))
    counted = (twins.source >= 0) & labels_differ(pack.label[twins.target], twins.label, pack.twins.chain)
    candidates = np.flatnonzero(counted)
    for rows, batch in studio.batches(twins.part(candidates), "twins"):
        chosen = candidates[rows]
        truths = np.stack([pack.image[batch.target], pack.twins.image[chosen]], axis=1)
        for number, painted in enumerate(_paint_both(studio, batch)):
            right[number, chosen], pixels = judge_order(painted, truths)
        counted[chosen] = pixels >= MIN_PIXELS
    return right, counted


def label_figures(pack: Pack) -> dict[str, float | None]:
    """Agreement of the labels of all the pack's rows with the truth; None where the data has no truth."""
    if pack.label_truth is None or pack.label_clear is None:
        return dict.fromkeys(("label_accuracy", "label_accuracy_all", "label_accuracy_balanced"))
    return label_accuracy(pack.label, pack.label_truth, pack.label_clear)


def lifting(studio: Studio) -> dict[str, float | None]:
    """How well the depths of all the pack's rows and twins are inferred; None where the networks do without."""
    pack, lifter = studio.pack, studio.painter.sight.lifter
    if lifter is None:
        return dict.fromkeys(("lift_error", "lift_error_flat", "lift_sign"))
    pose_2d = np.concatenate([pack.pose_2d, pack.pose_2d[pack.twins.row]])
    label, pose_3d = np.concatenate([pack.label, pack.twins.label]), np.concatenate([pack.pose_3d, pack.twins.pose_3d])
    with torch.inference_mode():
        depth = lifter(torch.from_numpy(pose_2d).to(studio.device), torch.from_numpy(label).to(studio.device)).cpu().numpy()
    return lift_figures(depth, pose_2d, pose_3d, label)


def response(studio: Studio, task: Task) -> dict[str, float | None]:
    """How much a limb's pixels change, mean absolute difference in [0, 1], when its label goes from +1 to -1.

    At most `RESPONSE_PAIRS` pairs, evenly spread, each asked for one limb in turn. The limb's pixels are those of its whole area but for
    those that it shares with its neighbours around a common joint. `response` is over the limbs that overlap the torso or another limb
    with at least a tenth of these pixels, `response_alone` over those that overlap nothing.
    """
    task = task.part(_spread(np.arange(len(task)), RESPONSE_PAIRS))
    limb = np.arange(len(task)) % len(LIMB_NAMES)
    change, share = np.empty(len(task)), np.empty(len(task))
    for rows, batch in studio.batches(task, "response to labels"):
        overlap, bare = _limb_pixels(studio, batch.target, limb[rows])
        front, behind = (studio.paint(Task(batch.source, batch.target, _with_label(batch.label, limb[rows], value)))[1] for value in (1, -1))
        change[rows] = mask_l1(front, behind, overlap | bare).numpy()
        share[rows] = (overlap.sum((1, 2, 3)) / (overlap | bare).sum((1, 2, 3))).numpy()
    return {"response": mean(change[share >= OVERLAPPING]), "response_alone": mean(change[share == 0])}


def inception_figures(studio: Studio, task: Task, path: Path) -> dict[str, dict[str, Any]]:
    """Inception score and Frechet distance to the truths, per image, and under `inception` which network said so.

    The truths are the targets of the same pairs. Raises UserError where `path` is no TorchScript file.
    """
    network = Inception(path)
    seen: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in ("truth", *IMAGES)}
    for _, batch in studio.batches(task, "inception"):
        images = studio.images(batch.target), *studio.paint_all(batch)
        for looks, image in zip(seen.values(), images, strict=True):
            looks.append(network.look(image))
    parts = {name: [np.concatenate(part) for part in zip(*looks, strict=True)] for name, looks in seen.items()}
    figures: dict[str, dict[str, Any]] = {}
    for name, (features, probabilities) in parts.items():
        score, deviation = inception_score(probabilities)
        figures[name] = {"inception_score": figure(score), "inception_score_std": figure(deviation)}
        figures[name]["fid"] = figure(frechet_distance(features, parts["truth"][0]))
    truth = figures.pop("truth")
    return figures | {"inception": {"file": path.name, "sha256": file_hash(path), "truth_score": truth["inception_score"]}}


def _check(studio: Studio, pairs: np.ndarray) -> None:
    if not len(pairs):
        raise UserError("no test pairs to evaluate; raise pairs.test, lower pairs.min_distance or add to data.test_subjects")
    if min(studio.size) < 11:
        raise UserError(f"data.image_size = {list(studio.size)}: the scores need images of at least 11 x 11 px")


def _distance(pack: Pack, task: Task) -> np.ndarray:
    """(N,) mean distance of the joints of source and target, px; joints that are missing (NaN) do not count."""
    return np.nanmean(np.linalg.norm(pack.pose_2d[task.source] - pack.pose_2d[task.target], axis=-1), axis=-1)


def _limb_pixels(studio: Studio, rows: np.ndarray, limb: np.ndarray) -> tuple[Tensor, Tensor]:
    """Where limb `limb` (N,) of each row overlaps the torso or another limb, and where nothing else is: (N, 1, H, W) bool each."""
    pose, part = studio.pose(rows), torch.from_numpy(FIRST_LIMB_PART + limb).view(-1, 1, 1)
    others = np.full((len(rows), len(LIMB_NAMES)), -1, dtype=np.int8)
    area, bare = ((part_map(pose, torch.from_numpy(_with_label(sign * others, limb, sign)), studio.size) == part).unsqueeze(1) for sign in (1, -1))
    return area & overlap_mask(pose, studio.size).bool(), bare


def _with_label(label: np.ndarray, limb: np.ndarray, value: int) -> np.ndarray:
    """A copy of the labels (N, 8) with `value` for limb `limb` (N,) of each row."""
    label = label.copy()
    label[np.arange(len(label)), limb] = value
    return label


def _paint_both(studio: Studio, twins: Task) -> np.ndarray:
    """All images with the originals' labels and with the twins': (4, M, 2, H, W, 3) uint8."""
    originals = Task(twins.source, twins.target, studio.pack.label[twins.target])
    both = torch.stack([studio.paint_all(task) for task in (originals, twins)], dim=2)  # (4, M, 2, 3, H, W)
    return both.movedim(3, -1).contiguous().numpy()


def _interval(order: dict[str, Any]) -> dict[str, Any]:
    return {name: order[name] for name in ("order_accuracy", "order_low", "order_high")}


def _as_rows(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) to (N, H, W, 3)."""
    return images.permute(0, 2, 3, 1).contiguous().numpy()


def _spread(items: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the items, evenly spread over them."""
    return items[np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))]


def _choose_cases(studio: Studio, task: Task, scores: np.ndarray, twins: Task, right: np.ndarray, counted: np.ndarray, samples: int) -> Cases:
    """Samples spread over all pairs, the best and the worst of them by the refined image's mask L1, twins of each chain, and demonstrations."""
    pack, error = studio.pack, scores[IMAGES.index("refined"), SCORES.index("mask_l1")]
    few = -(-samples // 2)
    ranked = np.argsort(error, kind="stable")[: np.isfinite(error).sum()]
    confusion = np.zeros((len(LIMB_NAMES), 3, 3), dtype=np.int64)
    if pack.label_truth is not None and pack.label_clear is not None:
        confusion = label_confusion(pack.label, pack.label_truth, pack.label_clear)
    demonstrated, kind = _choose_demonstrations(pack, twins, counted)
    return Cases(
        pairs=Pairs(
            source=_names(pack, task.source),
            target=_names(pack, task.target),
            distance=_distance(pack, task).astype(np.float32),
            scores=scores.astype(np.float32),
        ),
        samples=_show(studio, task, error, _spread(np.arange(len(task)), samples)),
        best=_show(studio, task, error, ranked[:few]),
        worst=_show(studio, task, error, ranked[::-1][:few]),
        twins=_show_twins(studio, twins, right, _spread_twins(pack, counted, samples)),
        demonstrations=_show_demonstrations(studio, twins, right, demonstrated, kind),
        steps=_show_steps(studio, twins, demonstrated[np.unique(kind, return_index=True)[1]]),
        labels=Labels(confusion),
    )


def _names(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """(N,) str, subject/sequence/camera/frame."""
    columns = pack.subject[rows], pack.sequence[rows], pack.camera[rows], pack.frame[rows]
    return np.array(["/".join(map(str, row)) for row in zip(*columns, strict=True)], dtype=np.str_)


def _show(studio: Studio, task: Task, error: np.ndarray, chosen: np.ndarray) -> Shown:
    """The chosen pairs with all that the report draws of them."""
    pack, part = studio.pack, task.part(chosen)
    painted = [studio.paint_all(batch) for _, batch in studio.batches(part, "images for the report")]
    by_part, coarse, refined = (np.concatenate([_as_rows(batch[number]) for batch in painted] or [pack.image[:0]]) for number in (1, 2, 3))
    return Shown(
        source=pack.image[part.source],
        truth=pack.image[part.target],
        by_part=by_part,
        coarse=coarse,
        refined=refined,
        source_pose=pack.pose_2d[part.source],
        source_label=pack.label[part.source],
        target_pose=pack.pose_2d[part.target],
        target_label=part.label,
        mask_l1=error[chosen].astype(np.float32),
        caption=_names(pack, part.target),
    )


def _spread_twins(pack: Pack, counted: np.ndarray, samples: int) -> np.ndarray:
    """Positions of judged twins, spread over each chain."""
    each = -(-samples // len(CHAIN_NAMES))
    groups = [np.flatnonzero(counted & (pack.twins.chain == chain)) for chain in range(len(CHAIN_NAMES))]
    return np.concatenate([_spread(group, each) for group in groups])


def _show_twins(studio: Studio, twins: Task, right: np.ndarray, chosen: np.ndarray) -> ShownTwins:
    """The chosen twins (n,) int with all that the report draws of them."""
    pack = studio.pack
    part = twins.part(chosen)
    painted = np.concatenate([_paint_both(studio, batch)[-1] for _, batch in studio.batches(part, "twins for the report")] or [_no_twins(pack)])
    chain = [CHAIN_NAMES[number].replace("_", " ") for number in pack.twins.chain[chosen]]
    return ShownTwins(
        source=pack.image[part.source],
        truth=pack.image[part.target],
        twin=pack.twins.image[chosen],
        painted=painted[:, 0],
        painted_twin=painted[:, 1],
        pose=pack.pose_2d[part.target],
        label=pack.label[part.target],
        twin_label=part.label,
        right=right[chosen],
        caption=np.array([f"{name} of {where}" for name, where in zip(chain, _names(pack, part.target), strict=True)], dtype=np.str_),
    )


def _choose_demonstrations(pack: Pack, twins: Task, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The judged twins that fit the thesis' demonstrations best and show them most clearly, whatever was painted of them, and of which kind."""
    fit = fits(pack.label[twins.target], twins.label, pack.twins.chain) * counted
    candidates = np.flatnonzero(fit.any(0))
    pixels = np.zeros(len(twins), dtype=np.int64)
    pixels[candidates] = _traded_pixels(pack, twins, candidates)
    return choose(fit, pixels, pack.identity[twins.target])


def _show_demonstrations(studio: Studio, twins: Task, right: np.ndarray, chosen: np.ndarray, kind: np.ndarray) -> Demonstrations:
    """The chosen twins, the farther order behind."""
    turned = front_in_twin(studio.pack.label[twins.target], twins.label, studio.pack.twins.chain)
    shown = _front_first(_show_twins(studio, twins, right, chosen), turned[chosen])
    return Demonstrations(**vars(shown), kind=np.array(KINDS, dtype=np.str_)[kind])


def _show_steps(studio: Studio, twins: Task, chosen: np.ndarray) -> Steps:
    """What the networks see of the chosen twins and their originals, one after the other, and what they paint."""
    pack, config = studio.pack, studio.painter.sight.config
    part = twins.part(np.repeat(chosen if config.lift and config.appearance else chosen[:0], 2))
    original = np.arange(len(part)) % 2 == 0
    task = replace(part, label=np.where(original[:, None], pack.label[part.target], part.label))
    steps = [[pack.image[:0]] for _ in range(4)]
    for _, batch in studio.batches(task, "steps for the report"):
        maps = studio.see(batch)[1].cpu()
        near = maps[:, CHANNELS + channels(config.maps)]
        pictures = _draw_relief(near), *(_draw_placed(layer) for layer in maps[:, :CHANNELS].chunk(LAYERS, dim=1)), studio.paint(batch)[1]
        for images, picture in zip(steps, pictures, strict=True):
            images.append(_as_rows(picture))
    relief, placed, beneath, refined = (np.concatenate(images) for images in steps)
    truths = np.where(original[:, None, None, None], pack.image[part.target], pack.twins.image[np.repeat(chosen, 2)[: len(part)]])
    return Steps(
        source=pack.image[part.source],
        pose=pack.pose_2d[part.target],
        label=task.label,
        relief=relief,
        placed=placed,
        beneath=beneath,
        refined=refined,
        truth=truths,
        caption=np.array([f"{name}{'' if first else ', twin'}" for name, first in zip(_names(pack, part.target), original, strict=True)], np.str_),
    )


def _draw_relief(near: Tensor) -> Tensor:
    """A relief map (N, H, W) as pictures (N, 3, H, W) uint8: black where nothing is, else brighter where it is nearer."""
    grey = (150 + 150 * near).clamp(40, 255) * (near != 0)
    return grey.byte()[:, None].expand(-1, 3, -1, -1)


def _draw_placed(layer: Tensor) -> Tensor:
    """Placed colours (N, 4, H, W) as pictures (N, 3, H, W) uint8, white where nothing is known."""
    return torch.where(layer[:, 3:] > 0, to_uint8(layer[:, :3]), 255).byte()


def _traded_pixels(pack: Pack, twins: Task, chosen: np.ndarray) -> np.ndarray:
    """In how many pixels a twin differs clearly from its original where the mirrored limbs trade places, (n,) int64.

    These are the pixels where the ordered part map shows the mirrored leg with the one set of labels and the other leg with the other; of an
    arm: the forearm and the torso.
    """
    counts = [np.zeros(0, dtype=np.int64)]
    for part in np.array_split(chosen, -(-len(chosen) // CHUNK) or 1):
        rows = twins.target[part]
        body = measure(torch.from_numpy(pack.pose_2d[rows]), (pack.image.shape[1], pack.image.shape[2]))
        seen = [seen_parts(body, torch.from_numpy(label)).numpy()[..., None] for label in (pack.label[rows], twins.label[part])]
        (first, second), (others_first, others_second) = (
            [(image == parts[:, None, None]).any(-1) for image in seen] for parts in _trading_parts(pack.twins.chain[part])
        )
        traded = (first & others_second) | (others_first & second)
        counts.append((traded & clear_pixels(pack.image[rows], pack.twins.image[part])).sum((1, 2)))
    return np.concatenate(counts)


def _trading_parts(chain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the parts whose order a demonstration shows, of each chain and of what it crosses: (n, 2) int64 each; chain : (n,) int."""
    limbs, others = (np.asarray(CHAIN_LIMBS)[which] + FIRST_LIMB_PART for which in (chain, np.asarray(OTHER_SIDE)[chain]))
    is_leg = np.isin(chain, LEGS)[:, None]
    return np.where(is_leg, limbs, limbs[:, 1:]), np.where(is_leg, others, TORSO_PART)


def _front_first(shown: ShownTwins, turned: np.ndarray) -> ShownTwins:
    """The same with the two orders exchanged where `turned` (n,) bool says so."""
    fields = {"right": np.where(turned[:, None], shown.right[:, ::-1], shown.right)}
    for names in (("truth", "twin"), ("painted", "painted_twin"), ("label", "twin_label")):
        first, second = (getattr(shown, name) for name in names)
        there = turned.reshape(-1, *[1] * (first.ndim - 1))
        fields |= {names[0]: np.where(there, second, first), names[1]: np.where(there, first, second)}
    return replace(shown, **fields)


def _no_twins(pack: Pack) -> np.ndarray:
    return np.zeros((0, 2, *pack.image.shape[1:]), dtype=np.uint8)
