"""The pictures for `dvc plots`."""

from made_cases import run


def test_pictures_for_dvc_plots(folders):
    run(folders)
    names = sorted(path.name for path in (folders / "samples").iterdir())
    assert names == ["best.png", "contact_sheet.jpg", "demonstrations.jpg", "samples.png", "steps.png", "twins.png", "worst.png"]
