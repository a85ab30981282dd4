"""What an example is called: where its picture comes from."""

import numpy as np

from pipeline.packs.pack import Pack


def captions(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """(N,) str, subject/sequence/camera/frame."""
    columns = pack.subject[rows], pack.sequence[rows], pack.camera[rows], pack.frame[rows]
    return np.array(["/".join(map(str, row)) for row in zip(*columns, strict=True)], dtype=np.str_)
