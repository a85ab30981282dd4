"""All sections together: what `validate` checks, and what docs/parameters.md lists."""

import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import model_validator
from safetensors import SafetensorError, safe_open

from pipeline.config.data import DataConfig, PairsConfig
from pipeline.config.estimate import Need, beyond, lifter_need, memory_for_training, memory_here, painting_needs, pose_needs, worker_need
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.faces import BUILT_IN as BUILT_IN_FACES
from pipeline.config.faces import BUILT_IN_VIEWS, FaceDataConfig, FaceMapConfig, FacesConfig
from pipeline.config.kinds import Kind, kind_of
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoDataConfig, PhotosConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.pose_net import COARSEST, EvaluatePoseConfig, PoseDataConfig, PoseNetConfig, TrainPoseConfig
from pipeline.config.rules import check_painting, check_rate, check_training
from pipeline.config.section import Section, parse, refuse, with_sizes
from pipeline.config.synthetic import SyntheticConfig
from pipeline.config.train import TrainG1Config, TrainG2Config, TrainLifterConfig
from pipeline.utils.errors import UserError, shown
from pipeline.utils.params_file import read_params

BUILT_IN = re.compile("(recipes/[^/]+/)?data/synthetic")  # where the built-in data goes


class Params(Section):
    """The whole of params.yaml."""

    data: DataConfig
    synthetic: SyntheticConfig
    pose: PoseConfig
    pairs: PairsConfig
    model: ModelConfig
    train_lifter: TrainLifterConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _fit(self) -> "Params":
        if BUILT_IN.fullmatch(PurePosixPath(self.data.root).as_posix()):
            self._check_built_in()
        check_rate("train_lifter.lr", self.train_lifter.lr)
        check_painting(self.data.image_size, self.pose.heatmap_radius, self.pairs, self.model, self.train_g1, self.train_g2, self.parallel)
        return self

    def _check_built_in(self) -> None:
        there, rate = ", ".join(self.synthetic.subjects), self.synthetic.fps
        for name in self.data.subjects:
            if name not in self.synthetic.subjects:
                raise refuse("data.subjects", f"{name} is not one of synthetic.subjects ({there}), of whom the built-in data is")
        if self.data.fps > rate:
            raise refuse("data.fps", f"{self.data.fps:g}: expected at most synthetic.fps, the {rate:g} frames per second of the built-in data")
        if not self.pairs.across_cameras and self.synthetic.frames <= max(1, round(rate / self.data.fps)):
            raise refuse(
                "pairs.across_cameras", f"false: at data.fps = {self.data.fps:g} each sequence has one frame, and no camera sees two; raise it"
            )


class FaceParams(Section):
    """The whole of params.yaml of a recipe that paints faces."""

    data: FaceDataConfig
    faces: FacesConfig
    pose: FaceMapConfig
    pairs: PairsConfig
    model: ModelConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _without_limbs(self) -> "FaceParams":
        for name, section in (("train_g1", self.train_g1), ("train_g2", self.train_g2)):
            if section.twins or section.order_weight:
                raise refuse(name, "twins, order_weight: a face has no limbs whose order could be learned; expected false and 0")
        if self.model.generator == "vunet" and self.model.vunet.appearance_input != "image":
            raise refuse("model.vunet.appearance_input", f"{self.model.vunet.appearance_input}: a face has no body parts; expected image")
        for split, sources in self.pairs.sources:
            if sources > 1:
                raise refuse(f"pairs.sources.{split}", f"{sources}: a face is painted from one picture; expected 1")
        if not self.pairs.across_cameras:
            raise refuse("pairs.across_cameras", "false: a person has one picture of each view, and so no two of one; expected true")
        if PurePosixPath(self.data.root) == BUILT_IN_FACES and len(set(self.data.views) & BUILT_IN_VIEWS) < 2:
            raise refuse("data.views", f"{', '.join(self.data.views)}: the built-in faces have the views 01 to 10; expected two of them")
        check_painting(self.data.image_size, self.pose.heatmap_radius, self.pairs, self.model, self.train_g1, self.train_g2, self.parallel)
        return self


class PhotoParams(Section):
    """The whole of params.yaml of a recipe that paints people in photographs."""

    data: PhotoDataConfig
    photos: PhotosConfig
    pose: PoseConfig
    pairs: PairsConfig
    model: ModelConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _without_3d(self) -> "PhotoParams":
        if self.pose.lift:
            raise refuse("pose.lift", "photographs have no 3D that a lifter could learn from; expected false")
        if self.pose.background != "none":
            raise refuse("pose.background", f"{self.pose.background}: photographs are not of cameras that stood still; expected none")
        for name, section in (("train_g1", self.train_g1), ("train_g2", self.train_g2)):
            if section.order_weight:
                raise refuse(f"{name}.order_weight", f"{section.order_weight:g}: photographs have no twins to learn it from; expected 0")
        if self.data.labelled_only and self.data.labels is None:
            raise refuse("data.labelled_only", "without data.labels no picture has labels; expected false, or a file of labels")
        check_painting(self.data.image_size, self.pose.heatmap_radius, self.pairs, self.model, self.train_g1, self.train_g2, self.parallel)
        return self


class PoseNetParams(Section):
    """The whole of params.yaml of the recipe that trains the pose estimator."""

    data: PoseDataConfig
    pose_net: PoseNetConfig
    train_pose: TrainPoseConfig
    evaluate_pose: EvaluatePoseConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _fit(self) -> "PoseNetParams":
        check_training(self.parallel, train_pose=self.train_pose)
        config = self.train_pose
        share = config.batch_size // (self.parallel.devices * self.parallel.nodes)
        if config.two_people and share % 2:
            raise refuse(
                "train_pose.two_people", f"{config.two_people:g}: {share} images cannot be shown two by two; expected 0, or an even batch_size"
            )
        if config.close_ups.steps and config.close_ups.side <= COARSEST and share * config.close_ups.images < 2:
            raise refuse(
                "train_pose.close_ups.images", f"a single image of at most {COARSEST} px has no statistics to normalise by; expected 2 or more"
            )
        return self


AnyParams = Params | FaceParams | PhotoParams | PoseNetParams
FILES_OF: dict[Kind, type[AnyParams]] = {"recordings": Params, "faces": FaceParams, "photos": PhotoParams, "keypoints": PoseNetParams}


FILES = (  # that a stage opens after hours
    *("model.perceptual_weights", "data.predictor"),
    *("evaluate.inception", "evaluate.lpips", "evaluate.dists", "evaluate.pose_net"),
)


def check_params(params: Path, memory: int | None = None) -> AnyParams:
    """Validate every section of `params`, what must hold between sections, and what this machine must have for it.

    memory : bytes of this machine, None: as many as it has
    Raises UserError with a line per fault.
    """
    values = with_sizes(read_params(params))
    found: AnyParams = parse(FILES_OF[kind_of(params, values)], values, str(params))
    faults = [*_unfit_files(found), *_unfit_machine(found.parallel), *_beyond_memory(found, memory_here() if memory is None else memory)]
    if faults:
        raise UserError("\n".join(f"{params}: {fault}" for fault in faults))
    return found


def _unfit_files(params: AnyParams) -> Iterator[str]:
    for key in FILES:
        section, name = key.split(".")
        named = getattr(getattr(params, section, None), name, None)
        for path in [named] if isinstance(named, str) else named or ():
            yield from _unfit_file(key, path)


def _unfit_file(key: str, path: str) -> Iterator[str]:
    if not os.path.isfile(path):  # unlike Path.is_file it has an answer for names that are too long
        what = "found something else" if os.path.lexists(path) else f"not found from {Path.cwd()} on"
        yield f"{key} = {shown(path)}: expected the name of a file, or null, {what}"
    elif key == "evaluate.inception" and not zipfile.is_zipfile(path):
        yield f"{key} = {shown(path)}: expected a TorchScript file, as torch.jit.save writes it (a zip archive), found another kind"
    elif key == "evaluate.pose_net" and _network_in(path) != "PoseNet":
        yield f"{key} = {shown(path)}: expected the weights of PoseNet (recipes/pose/), found {_network_in(path)}"


def _unfit_machine(parallel: ParallelConfig) -> Iterator[str]:
    if parallel.accelerator == "mps" and sys.platform != "darwin":
        yield f"parallel.accelerator = mps: only Macs have it, this is {sys.platform}; choose auto or cpu"


def _network_in(path: str) -> str:
    """The network whose weights a file holds, by its header, in words."""
    try:
        with safe_open(path, framework="np") as file:
            return shown(json.loads((file.metadata() or {})["pose25d"])["network"]).strip("'")
    except (SafetensorError, OSError, ValueError, LookupError, TypeError):
        return "another kind of file"


def _beyond_memory(params: AnyParams, memory: int) -> Iterator[str]:
    needs: list[Need] = []
    parallel = params.parallel
    if isinstance(params, PoseNetParams):
        needs += pose_needs(params.pose_net, params.train_pose, parallel)
    else:
        needs += painting_needs(params.data.image_size, params.model, params.train_g1, params.train_g2, params.evaluate, parallel)
    yield from beyond(needs, memory_for_training(parallel, memory))
    if isinstance(params, Params):
        yield from beyond([lifter_need(params.train_lifter)], memory)
    yield from beyond([worker_need(parallel)], memory)
