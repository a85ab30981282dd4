"""Section `evaluate`: how the test pairs are scored."""

from pydantic import Field, PositiveInt

from pipeline.config.section import Section


class EvaluateConfig(Section):
    """Section `evaluate` of params.yaml."""

    batch_size: PositiveInt = Field(description="pairs that are painted at a time")
    threads: PositiveInt = Field(description="CPU threads; fixed, because the number changes the last bits")
    samples: PositiveInt = Field(description="test pairs shown in the report's grid")
    inception: str | None = Field(description="file of Inception weights (TorchScript), or null: no Inception-based scores")
    patn: bool = Field(description="also SSIM as PATN's code computes it for DeepFashion, on images with white margins (`ssim_patn`)")
    pose_net: str | None = Field(description="weights of a pose estimator (`recipes/pose/`) for the score `pck`, or null: without it")
