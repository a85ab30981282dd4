from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from small_recording import pictures

from pipeline.errors import UserError
from pipeline.human36m.encode import write_video
from pipeline.human36m.probe import Video, probe_video


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "Sitting 1.54138969.mp4"
    rng = np.random.default_rng(0)
    write_video(path, [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(40)], 50, 20)
    return path


def fails(path: Path, words: str, decode: bool = False) -> None:
    with pytest.raises(UserError, match=words) as error:
        probe_video(path, decode)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("decode", [False, True])
def test_what_a_video_holds(video, decode):
    assert probe_video(video, decode) == Video(50.0, 96, 64, 40)


def test_the_rate_is_the_videos_own(tmp_path):
    write_video(tmp_path / "a.mp4", pictures(7), Fraction(30000, 1001), 20)
    assert probe_video(tmp_path / "a.mp4").fps == 30000 / 1001


def test_missing(tmp_path):
    fails(tmp_path / "a.mp4", "not found")


@pytest.mark.parametrize("content", [b"", b"no video", bytes(10_000)])
def test_another_kind_of_file(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    fails(tmp_path / "a.mp4", "cannot be decoded")


def test_sound_is_no_video(tmp_path):
    with av.open(tmp_path / "a.mp4", "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode(None)])
    fails(tmp_path / "a.mp4", "expected a video")


def test_a_file_cut_off(video):
    whole = video.read_bytes()
    for length in (100, len(whole) // 2, len(whole) - 300):
        video.write_bytes(whole[:length])
        fails(video, "cannot be decoded")


def test_a_streamed_file_cut_off(video, tmp_path):
    """Its index stands first, so that it opens; what the index promises is not there."""
    streamed = tmp_path / "streamed.mp4"
    with av.open(video) as source, av.open(streamed, "w", options={"movflags": "+faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert probe_video(streamed).frames == 40
    streamed.write_bytes(streamed.read_bytes()[: streamed.stat().st_size * 2 // 3])
    fails(streamed, "ends early|cannot be decoded")


def test_damage_at_the_beginning_is_seen_at_once_and_damage_inside_by_decoding_all(video):
    whole = video.read_bytes()
    start = whole.index(b"mdat")
    first = whole[: start + 1200] + bytes(600) + whole[start + 1800 :]
    video.write_bytes(first)
    fails(video, "cannot be decoded")
    late = len(whole) // 2
    video.write_bytes(whole[:late] + bytes(2000) + whole[late + 2000 :])
    assert probe_video(video).frames == 40
    fails(video, "decoded", decode=True)
