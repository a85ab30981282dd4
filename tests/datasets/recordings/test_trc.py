from pathlib import Path

import numpy as np
import pytest
from invented_session import MARKERS, people, trc

from pipeline.datasets.recordings.pose2sim.trc import read_trc


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_names_positions_and_rate_come_back(tmp_path: Path) -> None:
    markers = read_trc(written(tmp_path / "a.trc", trc(people(1), rate=59.94)))
    assert markers.names == tuple(MARKERS.values())
    assert markers.rate == 59.94
    assert markers.first == 0
    np.testing.assert_allclose(markers.positions[7, 0], people(1)[7, 0, [1, 2, 0]] / 1000, atol=1e-6)


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN"])
def test_what_is_not_there_is_no_number(tmp_path: Path, cell: str) -> None:
    lines = trc(people(1)).splitlines()
    cells = lines[8].split("\t")
    lines[8] = "\t".join([*cells[:2], *[cell] * 3, *["0.000000"] * 3, *cells[8:]])
    positions = read_trc(written(tmp_path / "a.trc", "\n".join(lines))).positions
    assert np.isnan(positions[3, :2]).all()
    assert np.isnan(positions).sum() == 6


@pytest.mark.parametrize(("frame", "time", "first"), [(0, 0.0, 0), (1, 0.0, 0), (12, 0.24, 12), (13, 0.24, 12)])
def test_frames_are_counted_from_0_or_1_as_time_tells(tmp_path: Path, frame: int, time: float, first: int) -> None:
    lines = trc(people(1)).splitlines()
    rows = [line.split("\t") for line in lines[5:]]
    rows = [[str(frame + i), f"{time + i / 50:.3f}", *row[2:]] for i, row in enumerate(rows)]
    assert read_trc(written(tmp_path / "a.trc", "\n".join([*lines[:5], *("\t".join(row) for row in rows)]))).first == first


def test_blank_lines_and_a_tab_at_the_end_do_not_count(tmp_path: Path) -> None:
    lines = trc(people(1)).splitlines()
    text = "\n".join([*lines[:5], "", *(f"{line}\t" for line in lines[5:]), "", ""])
    assert len(read_trc(written(tmp_path / "a.trc", text)).positions) == 40
