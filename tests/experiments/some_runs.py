"""Runs and scores that several files of tests share."""

from typing import Any

from experiments.runs import Run

METRICS = {
    "source": {"ssim": 0.4, "ssim_std": 0.1, "mask_ssim": 0.5, "l1": 0.1, "sharpness": 1},
    "coarse": {"ssim": 0.65, "ssim_std": 0.0512, "mask_ssim": 0.79, "l1": 0.051, "sharpness": 0.6},
    "refined": {"ssim": 0.66098, "ssim_std": 0.05, "mask_ssim": 0.8, "l1": 0.05, "sharpness": 0.7},
    "depth": {
        "label_accuracy": 0.97,
        "order_by_image": {
            "coarse": {"order_accuracy": 0.54, "order_low": None, "order_high": None},
            "refined": {"order_accuracy": 0.551, "order_low": 0.53, "order_high": 0.57},
        },
    },
}


def a_run(name: str = "a", **overrides: Any) -> Run:
    return Run(name=name, about=f"what {name} is", overrides=overrides)
