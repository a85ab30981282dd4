"""Which row is repainted as which: pairs of two poses of one person, chosen once and stored, so that every run scores the same ones."""

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.data import PairsConfig
from pipeline.packs.pack import Pack, read_columns
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, machine_faults, write_json

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyData

_HEADER = ["subject", "identity", "source", "target"]
_CHUNK = 2**16
_LOOKS = 32  # at rows that may be a pair's further source


FILES = ("train.csv", "test.csv", "report.json")  # what `write_pairs` writes


@dataclass(frozen=True)
class Person:
    """The rows of one identity in one subject's pack.

    row : (n,) int64, rows of the pack; sequence, camera : (n,) str; pose_2d : (n, J, 2) px of the crop, NaN where a joint is missing.
    """

    subject: str
    identity: str
    row: np.ndarray
    sequence: np.ndarray
    camera: np.ndarray
    pose_2d: np.ndarray


@dataclass(frozen=True)
class Candidates:
    """Pairs of a person's rows that may be chosen, (n, 2) int64, and how many there are in all (estimated where not all were looked at).

    Once chosen they may have a column for each further source.
    """

    person: Person
    pairs: np.ndarray
    possible: int


def write_pairs(packed: Path, folder: Path, data: "AnyData", config: PairsConfig, listed: Sequence[tuple[str, str]] | None = None) -> None:
    """Choose pairs among the packs in `packed` and write train.csv, test.csv and report.json to `folder`.

    Training pairs come from the training subjects, test pairs from the test subjects: those `listed` by the names of two sequences, if any
    are. Raises UserError where an identity would be in both, or where there is not one pair.
    """
    people = {
        "train": [person for subject in data.train_subjects for person in read_people(packed, subject)],
        "test": [person for subject in data.test_subjects for person in read_people(packed, subject)],
    }
    _check_apart(people["train"], people["test"])
    report = {}
    with atomic_folder(folder, FILES) as new:
        for split, total in (("train", config.train), ("test", config.test)):
            if split == "test" and listed is not None:
                chosen = find_listed(people[split], listed, total, config.seed)
            else:
                chosen = choose_pairs(people[split], total, config)
            if not any(len(candidates.pairs) for candidates in chosen):
                raise UserError(_no_pairs(split, people[split], config))
            chosen = [replace(one, pairs=add_sources(one.person, one.pairs, getattr(config.sources, split), config)) for one in chosen]
            _write_csv(new / f"{split}.csv", chosen)
            report[split] = _count(chosen, total)
        write_json(new / "report.json", report)


def read_people(packed: Path, subject: str) -> list[Person]:
    """The identities in a subject's pack, sorted by name."""
    columns = read_columns(packed, subject, ("identity", "sequence", "camera", "pose_2d"))
    groups = [(str(name), np.flatnonzero(columns["identity"] == name)) for name in np.unique(columns["identity"])]
    return [Person(subject, name, rows, *(columns[column][rows] for column in ("sequence", "camera", "pose_2d"))) for name, rows in groups]


def _check_apart(train: Sequence[Person], test: Sequence[Person]) -> None:
    trained = {person.identity: person.subject for person in train}
    for person in test:
        if person.identity in trained:
            raise UserError(
                f"identity {person.identity} is in training subject {trained[person.identity]} and in test subject {person.subject}; "
                "scores would not be of an unseen person: change data.test_subjects"
            )


def choose_pairs(people: Sequence[Person], total: int, config: PairsConfig) -> list[Candidates]:
    """At most `total` pairs (source, target), rows of the packs, spread over the people as evenly as their poses allow.

    What is chosen of a person depends on the seed, the person and the share, not on the order of the people. Each result's pairs are sorted.
    """
    looks = max(2**20, 4 * total)
    found = [find_candidates(person, config, looks, _rng(config.seed, person)) for person in people]
    shares = fair_shares([len(candidates.pairs) for candidates in found], total)
    return [_take(candidates, share, _rng(config.seed + 1, candidates.person)) for candidates, share in zip(found, shares, strict=True)]


def find_listed(people: Sequence[Person], listed: Sequence[tuple[str, str]], total: int, seed: int) -> list[Candidates]:
    """The listed pairs of sequences of one row each, as far as both are there, or `total` of them, drawn by the seed."""
    rows = {str(name): (number, row) for number, person in enumerate(people) for name, row in zip(person.sequence, person.row, strict=True)}
    there = [pair for pair in dict.fromkeys(listed) if pair[0] in rows and pair[1] in rows]
    kept = set(np.random.default_rng(seed).permutation(len(there))[:total].tolist())
    pairs: list[list[tuple[int, int]]] = [[] for _ in people]
    possible = [0] * len(people)
    for number, (source, target) in enumerate(there):
        possible[rows[source][0]] += 1
        if number in kept:
            pairs[rows[source][0]].append((rows[source][1], rows[target][1]))
    found = zip(people, pairs, possible, strict=True)
    return [Candidates(person, np.array(sorted(own), np.int64).reshape(-1, 2), count) for person, own, count in found]


def _rng(seed: int, person: Person) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(f"{person.subject}/{person.identity}".encode())])


def find_candidates(person: Person, config: PairsConfig, looks: int, rng: np.random.Generator) -> Candidates:
    """Ordered pairs of different rows whose joints lie at least `config.min_distance` px apart on average (and, if asked, of one camera).

    All of them where there are at most `looks` pairs of rows, otherwise those among about `looks` random ones: a subject of Human3.6M
    with 80,000 rows has 6.4 billion.
    """
    count = len(person.row)
    every = count * (count - 1)
    code = np.arange(every) if every <= looks else np.unique(rng.integers(every, size=looks))
    source, target = np.divmod(code, max(count - 1, 1))
    target = target + (target >= source)  # skips the row itself
    fits = np.zeros(len(code), bool)
    for start in range(0, len(code), _CHUNK):
        part = slice(start, start + _CHUNK)
        fits[part] = _fits(person, config, source[part], target[part])
    pairs = np.stack([person.row[source[fits]], person.row[target[fits]]], axis=1)
    return Candidates(person, pairs, len(pairs) if every <= looks else round(every * float(fits.mean())))


def _fits(person: Person, config: PairsConfig, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(person.pose_2d[source] - person.pose_2d[target], axis=-1)
    known = ~np.isnan(distance)
    shared = known.sum(axis=-1)  # joints that both have
    apart = (shared > 0) & (np.where(known, distance, 0).sum(axis=-1) / np.maximum(shared, 1) >= config.min_distance)
    return apart if config.across_cameras else apart & (person.camera[source] == person.camera[target])


def add_sources(person: Person, pairs: np.ndarray, sources: int, config: PairsConfig) -> np.ndarray:
    """The pairs with so many sources each, (n, 1 + sources): source, target, further sources.

    A further source is any row that would make a pair with the target, and none of the pair's rows; where no more is found among the rows that are
    looked at, it is the pair's own source once more. Who has two sources has the first of those who have four.
    """
    position = np.searchsorted(person.row, pairs)
    rng = _rng(config.seed + 2, person)
    for _ in range(sources - 1):
        chunks = [position[start : start + _CHUNK // _LOOKS] for start in range(0, len(pairs), _CHUNK // _LOOKS)]
        position = np.concatenate([np.column_stack([chunk, _further(person, chunk, config, rng)]) for chunk in chunks]) if chunks else position
    return person.row[position]


def _further(person: Person, pairs: np.ndarray, config: PairsConfig, rng: np.random.Generator) -> np.ndarray:
    """One more source (n,) for each of the pairs (n, 1 + sources), positions among the person's rows."""
    looked_at = rng.integers(len(person.row), size=(len(pairs), _LOOKS))
    fits = _fits(person, config, looked_at, pairs[:, 1:2]) & (looked_at[:, :, None] != pairs[:, None]).all(axis=2)
    found = looked_at[np.arange(len(pairs)), fits.argmax(axis=1)]
    return np.where(fits.any(axis=1), found, pairs[:, 0])


def fair_shares(available: Sequence[int], total: int) -> list[int]:
    """Split `total` as evenly as it goes, nobody getting more than is available; what one cannot use goes to the others."""
    shares, left = [0] * len(available), total
    order = sorted(range(len(available)), key=lambda i: available[i])
    for taken, i in enumerate(order):
        shares[i] = min(available[i], left // (len(order) - taken))
        left -= shares[i]
    return shares


def _take(candidates: Candidates, share: int, rng: np.random.Generator) -> Candidates:
    chosen = np.sort(rng.choice(len(candidates.pairs), share, replace=False))
    return Candidates(candidates.person, candidates.pairs[chosen], candidates.possible)


def _no_pairs(split: str, people: Sequence[Person], config: PairsConfig) -> str:
    where = "" if config.across_cameras else " of one camera"
    return (
        f"no {split} pairs: among {sum(len(person.row) for person in people)} rows of {len(people)} identities no two{where} are "
        f"{config.min_distance:g} px or more apart; lower pairs.min_distance, set pairs.across_cameras or add recordings"
    )


def _write_csv(path: Path, chosen: Sequence[Candidates]) -> None:
    rows = sorted((item.person.subject, pair, item.person.identity) for item in chosen for pair in item.pairs.tolist())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_header(max(len(pair) for _, pair, _ in rows) - 1))
        writer.writerows((subject, identity, *pair) for subject, pair, identity in rows)


def _header(sources: int) -> list[str]:
    return [*_HEADER, *(f"source_{number}" for number in range(2, sources + 1))]


def _count(chosen: Sequence[Candidates], asked: int) -> dict[str, Any]:
    subjects: dict[str, dict[str, int]] = {}
    for item in chosen:
        counts = subjects.setdefault(item.person.subject, {"identities": 0, "rows": 0, "possible": 0, "kept": 0})
        for name, value in (("identities", 1), ("rows", len(item.person.row)), ("possible", item.possible), ("kept", len(item.pairs))):
            counts[name] += value
    return {"asked": asked, "kept": sum(counts["kept"] for counts in subjects.values()), "subjects": subjects}


def read_pairs(path: Path, pack: Pack) -> np.ndarray:
    """The pairs in a file that `write_pairs` wrote: (P, 2) int64, rows of `pack`: source and target; raises as `read_sources`."""
    return read_sources(path, pack)[:, :2]


def read_sources(path: Path, pack: Pack) -> np.ndarray:
    """The pairs in a file that `write_pairs` wrote, with all their sources: (P, 1 + sources) int64, rows of `pack`: source, target, further sources.

    Raises UserError where the file is missing or damaged, or does not belong to the pack.
    """
    try:
        with machine_faults(path), path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        width = len(lines[0]) if lines else 0
        if width < len(_HEADER) or lines[0] != _header(width - len(_HEADER) + 1) or {len(line) for line in lines} != {width}:
            raise ValueError("found others")
        numbers = np.array([line[2:] for line in lines[1:]], np.int64).reshape(-1, width - 2)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage `pair`") from None
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise UserError(f"{path}: expected the columns {', '.join(_HEADER)}, {' '.join(str(error).split())}; run the stage `pair` again") from None
    subject, identity = (np.array([line[i] for line in lines[1:]], dtype=str)[:, None] for i in (0, 1))
    unknown = sorted(set(subject.flat) - set(pack.offset))
    if unknown:
        raise UserError(f"{path}: expected pairs of {', '.join(pack.offset)}, found {', '.join(unknown)}; run the stage `pair` again")
    pairs = numbers + np.array([pack.offset[name] for name in subject.flat], np.int64)[:, None]
    inside = ((pairs >= 0) & (pairs < len(pack)) & (numbers >= 0)).all()
    if not inside or (pack.subject[pairs] != subject).any() or (pack.identity[pairs] != identity).any():
        raise UserError(f"{path}: its rows are not those of the packs; run the stage `pair` again")
    return pairs
