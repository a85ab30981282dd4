"""Images stand in the order of their columns."""

import numpy as np

from pipeline.report.image_rows import COLUMNS, DEMONSTRATION_COLUMNS, TWIN_COLUMNS, pair_rows, twin_rows


def test_pairs_and_twins_are_shown_in_the_order_of_their_columns(cases):
    row = dict(zip(COLUMNS, pair_rows(cases.samples)[1], strict=True))
    for column, field in (("truth", "truth"), ("by part", "by_part"), ("coarse", "coarse"), ("refined", "refined")):
        np.testing.assert_array_equal(row[column], getattr(cases.samples, field)[1])
    for columns in (TWIN_COLUMNS, DEMONSTRATION_COLUMNS):
        images = twin_rows(cases.twins)[1]
        assert len(images) == len(columns)
        assert [i for i, name in enumerate(columns) if name == "painted"] == [2, 5]
        for position, field in ((2, "painted"), (3, "truth"), (5, "painted_twin"), (6, "twin")):
            np.testing.assert_array_equal(images[position], getattr(cases.twins, field)[1])
