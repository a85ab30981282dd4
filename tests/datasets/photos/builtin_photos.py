"""What the tests of photos share: the recipe's values, and the parameters of a small folder of built-in photos."""

from pathlib import Path

from ruamel.yaml import YAML

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotosConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config

PARAMS = Path(__file__).resolve().parents[3] / "recipes" / "deepfashion" / "params.yaml"
VALUES = YAML(typ="safe").load(PARAMS)
POSE = load_config(PoseConfig, PARAMS, "pose")
PARALLEL = ParallelConfig.model_validate({**VALUES["parallel"], "workers": 1})
PHOTOS = PhotosConfig(seed=3, people=4, pictures=4, picture_size=96, test_share=0.25)
