"""Frames of a video: the right ones, the same as plain decoding gives, and a clear word about every bad file."""

import os
import resource
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from data_section import data_config
from recut import turned

from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m import extract
from pipeline.datasets.human36m.extract import extract_subject, presentation_times, read_frames, stored_size
from pipeline.datasets.human36m.hashed import HashedFile
from pipeline.packs.frame_store import FrameStore, store_path
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.files import file_hash, read_json

WIDTH, HEIGHT, FRAMES = 96, 64, 40
SIZE = (WIDTH, HEIGHT)
BACKGROUND = (60, 90, 40)
KEPT = range(0, FRAMES, 5)
ONE_WORKER = ParallelConfig(workers=1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")
REAL = Path(os.environ.get("POSE25D_REAL", Path(__file__).resolve().parents[3].parent / "shared" / "real" / "balancing"))


def picture(number: int) -> np.ndarray:
    """A picture that says its number: six squares, white for a 1; and a patch that moves, so that B-frames are worth while."""
    image = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    for bit in range(6):
        image[8:24, 4 + 15 * bit : 14 + 15 * bit] = 230 if number >> bit & 1 else 10
    image[34:54, number : number + 20] = (200, 60, 30)
    return image


def number_of(image: np.ndarray) -> int:
    """The number that a picture says, at any size."""
    scale = image.shape[1] / WIDTH
    return sum(int(image[round(16 * scale), round((9 + 15 * bit) * scale)].mean() > 120) << bit for bit in range(6))


def write_clip(path: Path, codec: str = "libx264", frames: int = FRAMES, first: int = 0, muxer: dict[str, str] | None = None, **options: str) -> Path:
    """Pictures 0, 1, ... at 50 Hz; with `first`, an edit list hides those before it."""
    with av.open(path, "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=50, options=options)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(frames + 1):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24").reformat(format=stream.pix_fmt) if number < frames else None
            for packet in stream.encode(frame):
                if first:
                    packet.pts -= round(Fraction(first, 50) / packet.time_base)
                    packet.dts -= round(Fraction(first, 50) / packet.time_base)
                container.mux(packet)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", crf="12")


def numbers(path: Path, kept: range = KEPT, height: int = HEIGHT) -> list[int]:
    return [number_of(image) for image in read_frames(path, kept, SIZE, height)]


CODECS = [
    ("libx264", "mp4", {}),
    ("libx264", "mp4", {"bf": "0"}),
    ("libx264", "mp4", {"x264-params": "keyint=12:open-gop=1:bframes=4:b-pyramid=normal"}),
    ("libx264", "ts", {}),
    ("libx264", "avi", {}),
    ("mpeg4", "mp4", {"bf": "2"}),
    ("mpeg4", "avi", {"bf": "2"}),
    ("mpeg2video", "mpg", {"bf": "2"}),
    ("mjpeg", "mov", {}),
]


@pytest.mark.parametrize(("codec", "container", "options"), CODECS)
def test_the_kept_frames_are_those_of_plain_decoding_in_order(tmp_path: Path, codec: str, container: str, options: dict[str, str]) -> None:
    path = write_clip(tmp_path / f"clip.{container}", codec, **options)
    assert numbers(path) == list(KEPT)
    with av.open(path) as plain:
        luma = [frame.reformat(format="gray").to_ndarray() for frame in plain.decode(video=0)]
    for number, image in zip(KEPT, read_frames(path, KEPT, SIZE, HEIGHT), strict=True):
        assert np.abs(image @ (0.299, 0.587, 0.114) - luma[number]).mean() < 1


def spoil(path: Path, copy: Path, needed: set[int], every: bool) -> int:
    """Copy an mp4 with garbage in packets of frames that are not `needed`: of `every` one, or of those that no other frame refers to."""
    data, spoilt = bytearray(path.read_bytes()), 0
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        times = sorted(packet.pts for packet in packets)
        for packet in packets:
            header = packet.pos + 4  # after the length of the unit; two bits of the next byte say whether others refer to it
            if times.index(packet.pts) not in needed and (every or not data[header] & 0x60):
                half = packet.size // 2
                data[packet.pos + packet.size - half : packet.pos + packet.size] = b"\xaa" * half
                spoilt += 1
    copy.write_bytes(data)
    return spoilt


def test_frames_that_nothing_needs_are_not_decoded(clip: Path, tmp_path: Path) -> None:
    assert spoil(clip, tmp_path / "a.mp4", set(KEPT), every=False) > FRAMES // 4
    assert numbers(tmp_path / "a.mp4") == list(KEPT)


def test_where_every_frame_stands_alone_only_the_kept_ones_are_decoded(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mov", "mjpeg")
    assert spoil(clip, tmp_path / "a.mov", set(KEPT), every=True) == FRAMES - len(KEPT)
    assert numbers(tmp_path / "a.mov") == list(KEPT)


def test_nothing_is_decoded_after_the_last_kept_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", bf="0")
    spoil(clip, tmp_path / "a.mp4", set(range(22)), every=True)
    assert numbers(tmp_path / "a.mp4", range(0, 21, 5)) == [0, 5, 10, 15, 20]


def test_a_frame_that_skipping_loses_is_found_by_decoding_everything(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = extract._decode_needed

    def lossy(file: HashedFile, kept: Sequence[int]) -> Iterator[tuple[int, Any]]:
        for position, found in enumerate(decode(file, kept)):
            if position != 2:  # as a decoder that outputs by a guessed order may do
                yield found

    monkeypatch.setattr(extract, "_decode_needed", lossy)
    assert numbers(clip) == list(KEPT)


def test_frames_that_an_edit_list_hides_do_not_count(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", first=7, muxer={"avoid_negative_ts": "disabled"})
    assert numbers(clip, range(0, 30, 5)) == [7, 12, 17, 22, 27, 32]


@pytest.mark.parametrize(("turn", "matrix"), [(1, (0, -1, 1, 0)), (2, (-1, 0, 0, -1)), (3, (0, 1, -1, 0))])
def test_pictures_are_turned_as_a_player_turns_them(clip: Path, tmp_path: Path, turn: int, matrix: tuple[int, ...]) -> None:
    """A quarter turn to the left sends what is right to the top."""
    copy = turned(clip, tmp_path / "a.mp4", *matrix)
    size = SIZE if turn == 2 else SIZE[::-1]
    for plain, shown in zip(read_frames(clip, KEPT, SIZE, HEIGHT), read_frames(copy, KEPT, size, WIDTH), strict=True):
        np.testing.assert_array_equal(np.rot90(plain, turn), shown)
    (small,) = read_frames(copy, range(1), size, 32)
    assert small.shape == (32, *(48 if turn == 2 else 21,), 3)
    with pytest.raises(UserError, match="expected"):
        next(iter(read_frames(copy, KEPT, (SIZE if turn != 2 else SIZE[::-1]), HEIGHT)))


def test_mirrored_pictures_are_mirrored_back(clip: Path, tmp_path: Path) -> None:
    copy = turned(clip, tmp_path / "a.mp4", -1, 0, 0, 1)
    for plain, shown in zip(read_frames(clip, KEPT, SIZE, HEIGHT), read_frames(copy, KEPT, SIZE, HEIGHT), strict=True):
        np.testing.assert_array_equal(plain[:, ::-1], shown)


def test_presentation_times_are_those_of_the_frames(clip: Path) -> None:
    with av.open(clip) as container:
        assert presentation_times(clip) == [frame.pts for frame in container.decode(video=0)]


def test_no_frames_are_no_work(clip: Path) -> None:
    assert numbers(clip, range(0)) == []


def test_colours_and_edges_stay_where_they_are_when_a_frame_is_reduced(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", crf="1")
    (whole,) = read_frames(path, range(1), SIZE, HEIGHT)
    (half,) = read_frames(path, range(1), SIZE, HEIGHT // 2)
    assert half.shape == (HEIGHT // 2, WIDTH // 2, 3)
    np.testing.assert_allclose(whole[58:].mean((0, 1)), BACKGROUND, atol=1.5)
    mean = whole.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
    assert np.abs(half - mean).mean() < 2
    assert abs((half - mean).mean()) < 0.5


@pytest.mark.parametrize(
    ("width", "height", "cap", "expected"),
    [(1000, 1002, 512, (511, 512)), (1000, 1000, 1000, (1000, 1000)), (256, 256, 512, (256, 256)), (2, 4000, 512, (1, 512))],
)
def test_stored_size_is_capped_and_never_enlarged(width: int, height: int, cap: int, expected: tuple[int, int]) -> None:
    assert stored_size(width, height, cap) == expected


def test_bad_files_are_one_line_that_names_the_file(clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    whole = clip.read_bytes()
    for content, message in (
        (None, r"bad\.mp4: expected a video that can be decoded; No such file"),
        (b"", r"bad\.mp4: expected a video that can be decoded; Invalid data"),
        (b"no video at all" * 100, r"bad\.mp4: expected a video that can be decoded; Invalid data"),
        (whole[: len(whole) // 2], r"bad\.mp4: expected a video that can be decoded"),
    ):
        bad.unlink(missing_ok=True)
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(UserError, match=message) as error:
            numbers(bad)
        assert "\n" not in str(error.value)


def test_a_file_cut_short_is_an_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", muxer={"movflags": "faststart"})  # the table of frames is in front and stays whole
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(UserError, match=r"clip\.mp4: (expected 40 frames or more, found|the frame at|frame \d+ is missing)"):
        numbers(path, range(FRAMES))
    path = write_clip(tmp_path / "short.avi", "mpeg4", frames=20)
    with pytest.raises(UserError, match=r"short\.avi: (expected 36 frames or more, found 20|frame 20 is missing)"):
        numbers(path)


def test_a_damaged_frame_that_others_build_on_is_an_error(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", bf="0")
    spoil(clip, tmp_path / "a.mp4", set(range(FRAMES)) - {12}, every=True)
    with pytest.raises(UserError, match=r"a\.mp4: the frame at 0\.24 s is damaged"):
        numbers(tmp_path / "a.mp4")


def test_a_file_without_pictures_is_an_error(tmp_path: Path) -> None:
    with av.open(tmp_path / "sound.mp4", "w") as container:
        stream = container.add_stream("aac", rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 48000
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(UserError, match="expected a video, found a file without pictures"):
        numbers(tmp_path / "sound.mp4")


def test_a_frame_of_another_size_is_an_error(clip: Path) -> None:
    with pytest.raises(UserError, match="frame 0 has 96x64 px, expected 96x96"):
        list(read_frames(clip, KEPT, (96, 96), HEIGHT))


# ---- a subject


def entry(path: Path, camera: str, poses: int = FRAMES - 2) -> dict[str, Any]:
    known = {"sequence": "Directions 1", "action": "Directions", "camera": camera, "path": path.name, "sha256": file_hash(path)}
    return {**known, "fps": 50.0, "width": WIDTH, "height": HEIGHT, "frames": FRAMES, "poses": poses}


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder with two views, and their manifest."""
    root = tmp_path / "raw"
    root.mkdir()
    paths = [write_clip(root / f"Directions 1.{camera}.mp4") for camera in ("54138969", "55011271")]
    return root, {"subject": "S1", "videos": [entry(path, path.stem.split(".")[1]) for path in paths], "left_out": []}


def test_every_view_becomes_one_file_and_the_report_says_how_many_frames(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    out = tmp_path / "frames" / "S1"
    extract_subject(manifest, out, data_config(root), ONE_WORKER)
    assert sorted(path.name for path in out.iterdir()) == ["Directions 1.54138969.h5", "Directions 1.55011271.h5", "report.json"]
    with FrameStore(store_path(out, "Directions 1", "54138969")) as store:
        assert store.frame.tolist() == [0, 5, 10, 15, 20, 25, 30, 35]
        assert (store.size, store.stored, store.fps) == (SIZE, (48, 32), 50.0)
        assert [number_of(store[row]) for row in range(len(store))] == store.frame.tolist()
    assert read_json(out / "report.json") == {
        "subject": "S1",
        "videos": [{"sequence": "Directions 1", "camera": camera, "frames": 8} for camera in ("54138969", "55011271")],
        "left_out": [],
    }


def test_frames_without_a_pose_are_dropped(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    manifest["videos"][0]["poses"] = 11
    extract_subject(manifest, tmp_path / "out", data_config(root), ONE_WORKER)
    with FrameStore(store_path(tmp_path / "out", "Directions 1", "54138969")) as store:
        assert store.frame.tolist() == [0, 5, 10]


def test_two_runs_give_the_same_bytes_whatever_the_number_of_processes(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    for name, workers in (("a", 1), ("b", 2)):
        extract_subject(manifest, tmp_path / name, data_config(root), ONE_WORKER.model_copy(update={"workers": workers}))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("fault", ["missing", "cut short"])
def test_a_bad_view_stops_the_stage_by_name_or_is_left_out_and_listed(recording: tuple[Path, dict[str, Any]], tmp_path: Path, fault: str) -> None:
    root, manifest = recording
    bad = root / "Directions 1.55011271.mp4"
    if fault == "missing":
        bad.unlink()
    else:
        write_clip(bad, frames=20)
        manifest["videos"][1]["sha256"] = file_hash(bad)
    with pytest.raises(UserError, match=r"^S1, Directions 1, camera 55011271: .*data\.skip_bad=true leaves it out"):
        extract_subject(manifest, tmp_path / "out", data_config(root), ONE_WORKER)
    assert not (tmp_path / "out").exists()
    extract_subject(manifest, tmp_path / "out", data_config(root, skip_bad=True), ONE_WORKER)
    (left_out,) = read_json(tmp_path / "out" / "report.json")["left_out"]
    assert (left_out["sequence"], left_out["camera"]) == ("Directions 1", "55011271")
    assert str(bad) in left_out["reason"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Directions 1.54138969.h5", "report.json"]


def test_a_video_that_has_changed_asks_for_the_index_even_where_bad_ones_are_skipped(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    write_clip(root / "Directions 1.55011271.mp4", crf="40")
    with pytest.raises(UserError, match=r"S1, Directions 1, camera 55011271: .* has changed .* run the stage `index` again"):
        extract_subject(manifest, tmp_path / "out", data_config(root, skip_bad=True), ONE_WORKER)


def test_a_subject_without_one_usable_video_is_an_error(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    for path in root.iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"S1: expected at least one video that can be used; the first: .*54138969"):
        extract_subject(manifest, tmp_path / "out", data_config(root, skip_bad=True), ONE_WORKER)
    with pytest.raises(UserError, match="S1: expected at least one video that can be used, found none"):
        extract_subject({**manifest, "videos": []}, tmp_path / "out", data_config(root), ONE_WORKER)


def test_a_full_disk_is_no_fault_of_a_video(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(MachineError, match="files may not grow so large here"):
            extract_subject(manifest, tmp_path / "out", data_config(root, skip_bad=True), ONE_WORKER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out").exists()


def test_a_video_that_the_machine_cannot_read_is_never_left_out(recording: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, manifest = recording
    bad = root / "Directions 1.55011271.mp4"
    bad.unlink()
    bad.symlink_to("/proc/self/mem")  # its beginning cannot be read: EIO
    with pytest.raises(MachineError, match="does not answer"):
        extract_subject(manifest, tmp_path / "out", data_config(root, skip_bad=True), ONE_WORKER)
    with pytest.raises(MachineError, match="does not answer"):
        numbers(bad)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recording here")
def test_real_videos_at_60_hz_with_b_frames() -> None:
    path = REAL / "S1" / "Videos" / "Directions.58860488.mp4"
    kept = range(0, 68, 5)
    with av.open(path) as container:
        plain = [frame.reformat(width=290, height=512, format="gray", interpolation="AREA").to_ndarray() for frame in container.decode(video=0)]
    for number, image in zip(kept, read_frames(path, kept, (544, 960), 512), strict=True):
        errors = [np.abs(image @ (0.299, 0.587, 0.114) - other).mean() for other in plain]
        assert int(np.argmin(errors)) == number
