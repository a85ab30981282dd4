"""What this machine has, and what the project would therefore do."""

import os
import platform
import shutil
import subprocess
import webbrowser
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

import click

GIB = 2**30
NEEDED = 20 * GIB  # bytes of disk for the built-in data, its cache and a few experiments
MEMORY = 8 * GIB


def version() -> str:
    """The version of the project, `unknown` where it runs without being installed."""
    try:
        return installed("pose25d")
    except PackageNotFoundError:
        return "unknown"


@click.command()
def main() -> None:
    """Say what this machine has: Python, torch and its number formats, cores, memory, GPU, git, a browser, free disk; and what follows from it."""
    for name, found, follows in findings():
        click.echo(f"{name:<10} {found}" + (f"\n{'':<10} -> {follows}" if follows else ""))


def findings() -> Iterator[tuple[str, str, str]]:
    """(what, what was found, what follows from it or nothing), one after the other."""
    yield "pose25d", version(), ""
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", ""
    yield from _torch()
    cores, memory = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, _memory()
    yield "cores", str(cores), f"data stages run {cores} processes (parallel.workers: -1)"
    if memory is not None:
        little = memory < MEMORY
        yield "memory", f"{memory / GIB:.0f} GiB", "little: lower train_g1.batch_size, train_g2.batch_size and parallel.workers" if little else ""
    free = shutil.disk_usage(Path()).free
    yield "disk", f"{free / GIB:.0f} GiB free here", "" if free > NEEDED else f"little: the built-in data and its cache want {NEEDED / GIB:.0f} GiB"
    yield from _git()
    yield "browser", *_browser()
    yield "dask", *_package("distributed", "one machine only; for others pip install -e '.[cluster]'")
    yield "onnx", *_package("onnxruntime", "no keypoints by models of others; pip install -e '.[onnx]'")
    yield "dlib", *_package("dlib", "no landmarks of faces are found; pip install -e '.[landmarks]'")


def _torch() -> Iterator[tuple[str, str, str]]:
    try:
        import torch

        from pipeline.utils.devices import choose_device, choose_precision
    except ImportError as error:
        yield "torch", f"not to be loaded ({error})", "nothing can be trained or painted: run make, or pip install -e ."
        return
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    yield "torch", f"{torch.__version__}, {torch.get_num_threads()} threads", ""
    slow = "" if device.type != "cpu" or precision != "32-true" else "; without instructions for bfloat16 it takes 2 to 4 times as long"
    yield "device", name, f"training in {precision} (precision: auto){slow}"


def _git() -> Iterator[tuple[str, str, str]]:
    if shutil.which("git") is None:
        yield "git", "not found", "neither make nor DVC works without it: install git"
        return
    yield "git", _say("git", "--version").removeprefix("git version "), ""
    who = [_say("git", "config", key) for key in ("user.name", "user.email")]
    follows = "" if all(who) else "no experiments: git config user.name ..., git config user.email ..."
    yield "identity", f"{who[0]} <{who[1]}>" if all(who) else "none", follows
    shallow = _say("git", "rev-parse", "--is-shallow-repository") == "true"
    if shallow:
        yield "clone", "shallow", "experiments may be lost: git fetch --unshallow"


def _browser() -> tuple[str, str]:
    try:
        return webbrowser.get().__class__.__name__, "`pose25d label` opens its page by itself"
    except webbrowser.Error:
        return "none", "`pose25d label` prints an address to open"


def _package(name: str, follows: str) -> tuple[str, str]:
    try:
        return f"{name} {installed(name)}", ""
    except PackageNotFoundError:
        return f"{name} is not installed", follows


def _memory() -> int | None:
    """Bytes of memory of this machine, None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _say(*command: str) -> str:
    """What a program prints, in a line; empty where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return " ".join(done.stdout.split()) if done.returncode == 0 else ""
