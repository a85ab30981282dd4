import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recut import edited, slowed, turned, with_lost_frames
from small_recording import pictures

from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.human36m.probe import Video, probe_video
from pipeline.utils.errors import MachineError, UserError


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "Sitting 1.54138969.mp4"
    rng = np.random.default_rng(0)
    write_video(path, [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(40)], 50, 20)
    return path


@pytest.fixture
def video(pristine: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged at will."""
    return Path(shutil.copy(pristine, tmp_path))


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


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """60 frames whose every frame stands on the one before, 64 x 96 px."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=60, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in [*pictures(60), None]:
            frame = None if picture is None else av.VideoFrame.from_ndarray(np.hstack([picture, picture[:, :32]])).reformat(format="yuv420p")
            container.mux(stream.encode(frame))
    return path


@given(first=st.integers(0, 37), count=st.integers(2, 40))
@settings(max_examples=25, deadline=None)
def test_an_edit_list_is_no_damage_and_hides_frames(pristine, tmp_path_factory, first, count):
    copy = edited(pristine, tmp_path_factory.mktemp("edited") / "a.mp4", first, min(count, 40 - first))
    with av.open(copy) as container:
        shown = sum(1 for _ in container.decode(video=0))
    assert probe_video(copy).frames == probe_video(copy, decode=True).frames == shown
    assert len(list(read_frames(copy, range(shown), (96, 64), 64))) == shown
    with pytest.raises(UserError, match=r"expected|missing"):
        list(read_frames(copy, range(shown + 1), (96, 64), 64))


def test_frames_before_a_key_frame_that_an_edit_list_takes_away_are_not_missing(tmp_path):
    """Such frames are not even read: what the header promises is more than what is found."""
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=50, options={"bf": "0", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in [*pictures(61), None]:
            container.mux(stream.encode(picture if picture is None else av.VideoFrame.from_ndarray(picture).reformat(format="yuv420p")))
    copy = edited(path, tmp_path / "b.mp4", 10, 51)
    with av.open(copy) as container:
        assert container.streams.video[0].frames == 61
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 51
    assert probe_video(copy).frames == 51
    copy.write_bytes(edited(path, tmp_path / "c.mp4", 10, 51).read_bytes()[:-2000])
    fails(copy, "cannot be decoded|ends early")


@pytest.mark.parametrize(("a", "b", "c", "d"), [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1), (0, 1, 1, 0)])
def test_the_size_is_what_a_player_shows(plain, tmp_path, a, b, c, d):
    video = probe_video(turned(plain, tmp_path / "a.mp4", a, b, c, d))
    assert (video.width, video.height) == ((96, 64) if a else (64, 96))
    assert video.turned == (not a)


@pytest.mark.parametrize("matrix", [(0.7071, -0.7071, 0.7071, 0.7071), (1, 0.2, 0, 1), (2, 0, 0, 1), (0, 0, 0, 0)])
def test_a_display_matrix_that_does_more_than_turn_is_refused(plain, tmp_path, matrix):
    fails(turned(plain, tmp_path / "a.mp4", *matrix), "turned by right angles, found the display matrix")


@pytest.mark.parametrize(
    ("lost", "words"), [(range(20, 30), "after frame 19: about 10 frames"), ([7], "about 1 frame "), ([7, 40], r"\(and 1 more gap\)")]
)
def test_frames_that_a_camera_lost_are_named(plain, tmp_path, lost, words):
    fails(with_lost_frames(plain, tmp_path / "a.mp4", set(lost)), words)


def test_time_stamps_tell_the_rate_and_the_beginning(plain, tmp_path):
    assert (probe_video(plain).rate, probe_video(plain).start) == (pytest.approx(60), 0)
    half = probe_video(slowed(plain, tmp_path / "a.mp4", 2))
    assert (half.frames, half.rate) == (60, pytest.approx(30))


def test_two_frames_at_one_time_are_named(plain, tmp_path):
    """Only the table of the order of presentation can say so: decoding goes on in steps."""
    path = tmp_path / "a.mp4"
    with av.open(plain) as source, av.open(path, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.stream = stream
            packet.pts += 2 * (packet.duration or 0) if number == 10 else 3 * (packet.duration or 0)
            target.mux(packet)
    fails(path, "two at")


def test_what_happens_after_the_last_frame_that_is_needed_does_no_harm(plain, tmp_path):
    copy = with_lost_frames(plain, tmp_path / "a.mp4", range(50, 55))
    assert probe_video(copy, needed=50).frames == 55
    with pytest.raises(UserError, match="after frame 49: about 5 frames"):
        probe_video(copy, needed=51)


@pytest.mark.parametrize("digits", [3, 4])
def test_a_coarse_clock_is_no_gap(plain, tmp_path, digits):
    """60 Hz in milliseconds: steps of 16 and 17."""
    copy = tmp_path / "a.mp4"
    with av.open(plain) as source, av.open(copy, "w", options={"video_track_timescale": str(10**digits)}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert probe_video(copy).frames == 60


def test_a_rate_that_changes_is_named(plain, tmp_path):
    """Each frame lasts a little longer than the one before: no gap, and yet not one rate."""
    copy = tmp_path / "a.mp4"
    with av.open(plain) as source, av.open(copy, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.stream = stream
            packet.pts = packet.dts = packet.pts + 3 * number**2
            target.mux(packet)
    fails(copy, "expected frames at one rate")


def test_what_the_machine_cannot_read_is_no_fault_of_the_video(tmp_path):
    path = tmp_path / "a.mp4"
    path.symlink_to("/proc/self/mem")  # its beginning cannot be read: EIO
    with pytest.raises(MachineError, match="does not answer"):
        probe_video(path)


def test_pictures_in_a_form_that_nobody_knows(video):
    video.write_bytes(video.read_bytes().replace(b"avc1\0\0\0\0", b"zzz9\0\0\0\0"))
    fails(video, "found pictures in a form that is not known|cannot be decoded")
    with pytest.raises(UserError, match="in a form that is not known"):
        next(read_frames(video, range(1), (96, 64), 64))


@settings(max_examples=80, deadline=None)
@given(start=st.integers(0, 10**6), filler=st.binary(min_size=1, max_size=40), cut=st.booleans(), decode=st.booleans())
def test_damage_anywhere_is_one_line_or_does_no_harm(pristine, tmp_path_factory, start, filler, cut, decode):
    path = tmp_path_factory.mktemp("damaged") / "a.mp4"
    whole = pristine.read_bytes()
    start %= len(whole)
    path.write_bytes(whole[:start] + filler + (b"" if cut else whole[start + len(filler) :]))
    try:
        video, message = probe_video(path, decode), ""
        images = list(read_frames(path, range(min(video.frames, 40)), (video.width, video.height), 64))
    except UserError as error:
        images, message = [], str(error)
    assert message == "" or (message.startswith(f"{path}: ") and "\n" not in message)
    assert all(image.dtype == np.uint8 and image.ndim == 3 for image in images)
