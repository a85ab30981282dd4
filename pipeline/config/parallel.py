"""Section `parallel`: where the work runs. Results do not depend on it, so no stage lists it in `params`."""

from typing import Literal

from pydantic import Field, PositiveInt

from pipeline.config.section import Section


class ParallelConfig(Section):
    """Section `parallel` of params.yaml."""

    workers: int = Field(ge=-1, description="processes of the data stages; -1 is one per core")
    scheduler: str | None = Field(description="address of a Dask scheduler for the data stages, or null: this machine alone")
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = Field(description="what to train on, as Lightning Fabric names it")
    devices: PositiveInt = Field(description="devices per machine for training")
    nodes: PositiveInt = Field(description="machines for training")
    strategy: str = Field(min_length=1, description="Lightning Fabric's strategy, `auto` or `ddp`")
