"""Pose files of Human3.6M: one CDF with one variable, `Pose`, of 32 joints per frame. Read and written."""

from pathlib import Path

import cdflib
import numpy as np
from cdflib.cdfwrite import CDF as CDFWriter

from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, file_hash

VARIABLE = "Pose"
JOINTS = 32
# Far beyond any pose in mm or px, far below the number that CDF puts where nothing was written (-1e30).
_LARGEST = 1e6


def read_pose(path: Path, dims: int) -> np.ndarray:
    """Read all poses of a file: (T, 32, dims) in the file's float type, mm where `dims` is 3 and px where it is 2.

    Raises UserError where the file is missing, damaged, of another shape, or holds numbers that no pose has; MachineError where
    the machine cannot read it.
    """
    values = _read_variable(path)
    if not np.issubdtype(values.dtype, np.floating):
        raise UserError(f"{path}: expected numbers in variable {VARIABLE}, found {values.dtype}")
    width = JOINTS * dims
    if values.ndim not in (2, 3) or values.shape[-1] != width or values.size != values.shape[-2] * width:
        raise UserError(f"{path}: expected poses (1, T, {width}), {JOINTS} joints with {dims} numbers each, found {values.shape}")
    poses = values.reshape(-1, JOINTS, dims)
    if not len(poses):
        raise UserError(f"{path}: expected poses, found none")
    _check_coordinates(path, poses)
    return poses


def _check_coordinates(path: Path, poses: np.ndarray) -> None:
    """Raise UserError at the first pose with numbers that no pose has, or with all joints at one point, as where a file was never filled."""
    finite = (np.abs(poses) < _LARGEST).all(axis=(1, 2))  # False for NaN
    if not finite.all():
        frame = int(np.argmin(finite))
        found = poses[frame].ravel()[np.argmin(np.abs(poses[frame].ravel()) < _LARGEST)]
        raise UserError(f"{path}: expected finite coordinates, found {found} in pose {frame}; the file is damaged, fetch it again")
    extended = (poses != poses[:, :1]).any(axis=(1, 2))
    if not extended.all():
        frame = int(np.argmin(extended))
        raise UserError(f"{path}: expected a body, found all joints at one point in pose {frame}; the file is damaged, fetch it again")


def _read_variable(path: Path) -> np.ndarray:
    if not path.is_file():
        raise UserError(f"{path}: not found")
    try:
        return np.asarray(cdflib.CDF(path).varget(VARIABLE))
    except Exception as error:  # a damaged file makes the library raise nearly any of Python's exceptions
        file_hash(path)  # raises MachineError where not the file is at fault, but what should read it
        found = " ".join(str(error).replace(str(path), "it").split()) or "nothing more is known"
        raise UserError(f"{path}: expected a CDF file with variable {VARIABLE}, found {type(error).__name__}: {found}; fetch it again") from error


def write_pose(path: Path, poses: np.ndarray) -> None:
    """Write poses (T, 32, dims) as 4-byte reals in the data set's form; the same poses give the same bytes.

    Raises ValueError unless `path` ends in `.cdf`: the library would take the camera's number for a suffix and replace it.
    """
    if path.suffix != ".cdf":
        raise ValueError(f"{path}: expected a name that ends in .cdf")
    values = np.ascontiguousarray(poses, np.float32).reshape(1, len(poses), -1)
    with atomic_file(path) as partial:
        file = CDFWriter(partial, cdf_spec={"Majority": "Row_major", "Encoding": 6}, delete=True)
        file.write_var(
            {
                "Variable": VARIABLE,
                "Data_Type": CDFWriter.CDF_REAL4,
                "Num_Elements": 1,
                "Rec_Vary": True,
                "Var_Type": "zVariable",
                "Dim_Sizes": list(values.shape[1:]),
                "Compress": 0,  # a compressed variable holds the time of writing
            },
            var_data=values,
        )
        file.close()
