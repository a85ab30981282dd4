"""The section `model` of small networks, for the tests of whatever is made of it."""

from typing import Any

from pipeline.config.model import ModelConfig

VUNET = {"appearance_input": "parts", "filters": 4, "max_filters": 8, "levels": 4, "dropout": 0.1, "kl": 0.05, "anneal": [0.25, 0.5]}
MODEL = {
    "generator": "pg2",
    "lambda": 10,
    "filters": 4,
    "blocks": 3,
    "bottleneck": "conv",
    "upsampling": "nearest",
    "shrink": 1,
    "decoder": "joined",
    "border": 1,
    "discriminator": "pair",
    "vunet": VUNET,
    "perceptual_weights": None,
}


def model_config(**values: Any) -> ModelConfig:
    return ModelConfig.model_validate({**MODEL, **values})
