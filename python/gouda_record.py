"""Records the gradients of a training as a stream that ``gouda svd`` and ``gouda locate`` read.

    from gouda_record import record

    with record(model, "runs/mine/gradients", optimizer=optimizer) as recorder:
        for x, y in batches:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            recorder.step()
            optimizer.step()

A stream is a matrix of T rows, recorded steps, and P columns, parameters; ``docs/formats.md`` has its
files. Without PyTorch, ``Recorder(path, layout).add(vector)`` takes any P floats. Entries are stored
as float32, whatever they come as.

When ``add`` returns, the row is in ``tail.part``: a process that is killed loses no row. From time to
time these rows are published: they go into the shards, and a manifest that names them takes the
place of the one before. While recording there are two copies of the shards, and the manifest names
the one that is not being written to. So the folder opens at any moment, and after a kill at any moment,
with the rows that were last published; ``resume=True`` or ``python -m gouda_record finish PATH`` brings
in the rest. Only a power failure can cost rows: those since the last publication.

Needs numpy; ``record`` needs PyTorch.
"""

from __future__ import annotations

import atexit
import errno
import json
import math
import os
import struct
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two processes from one folder
    fcntl = None  # type: ignore[assignment]

__version__ = "0.1.0"
__all__ = [
    "Checkpoint", "ModelRecorder", "Recorder", "Stream", "Svd",
    "finish", "open_checkpoint", "open_stream", "open_svd", "record", "save_step",
]

PathLike = Union[str, "os.PathLike[str]"]
Layout = Sequence[Tuple[str, Sequence[int]]]
Json = Dict[str, Any]

FORMAT = "gouda gradient matrix"
MANIFEST, SKETCH, TAIL = "manifest.json", "sketch.npy", "tail.part"
BLOCK_ROWS = 64  # rows of one shard under one checksum
SKETCH_COLUMNS = 64
UPDATES_MAX = 1 << 53
FIELDS = {  # of a row, see docs/formats.md
    "first_update": "<u8", "last_update": "<u8", "frames": "<u8", "learning_rate": "<f8",
    "clip_factor": "<f8", "advantage_std": "<f8", "minibatch": "<u8", "norm": "<f8",
}
PIECE_BYTES = 8 << 20  # copied at a time
PUBLISH_SHARE = 100  # publishing takes at most one part in so many of the time


# Files.


def _malformed(path: PathLike, expected: str, found: object) -> ValueError:
    return ValueError(f"{path}: expected {expected}, found {found}")


def _os_error(error: OSError, path: PathLike, more: str = "") -> OSError:
    """`error` with the file that it is about."""
    return OSError(error.errno, (error.strerror or str(error)) + more, str(error.filename or path))


def _write_whole(path: Path, *pieces: Any) -> None:
    """Gives `path` these contents: written aside, synced, renamed. If that fails, the old stand."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, path)
        if os.name != "nt":  # without this a rename may be lost with the power
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except BaseException as error:
        if aside.exists():
            aside.unlink()
        if isinstance(error, OSError):
            raise _os_error(error, path) from None
        raise


def _read_json(path: Path) -> Json:
    """The object in a file; where it has a `crc32`, which is its last field, that is right."""
    contents = path.read_bytes()
    try:
        value = json.loads(contents)
    except ValueError as error:
        raise _malformed(path, "JSON", error) from None
    if not isinstance(value, dict):
        raise _malformed(path, "a JSON object", type(value).__name__)
    if "crc32" in value:
        body = contents[: contents.rfind(b",")]
        if value["crc32"] != f"{zlib.crc32(body):08x}":
            raise _malformed(path, f"crc32 {zlib.crc32(body):08x} at the end", value["crc32"])
    return value


def _npy_header(descr: str, shape: Tuple[int, int]) -> bytes:
    """numpy's header, version 1.0, with room for the first axis to grow in place."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape[0]}, {shape[1]}), }}"
    text += " " * (21 - len(str(shape[0])))
    text += " " * (64 - (11 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("ascii")


def _open_npy(path: Path) -> np.ndarray:
    """The floats of a `.npy` file, mapped; what has no entries cannot be mapped and is read."""
    try:
        with open(path, "rb") as file:
            major, _ = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            expected = file.tell() + math.prod(shape) * dtype.itemsize
        if dtype.kind != "f":
            raise _malformed(path, "floats", dtype)
        if path.stat().st_size != expected:
            raise _malformed(path, f"{expected} bytes for shape {shape}", path.stat().st_size)
        array: np.ndarray = np.load(path, mmap_mode="r" if math.prod(shape) else None, allow_pickle=False)
        return array
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise _malformed(path, "a .npy file", error) from None


# What a stream is made of.


def _tensors(layout: Layout) -> List[Json]:
    """Name, shape and offset of each tensor of a layout, one after the other."""
    tensors: List[Json] = []
    offset = 0
    for name, shape in layout:
        axes = [int(axis) for axis in shape]
        if not isinstance(name, str) or any(axis < 0 for axis in axes):
            raise ValueError(f"layout: expected (name, shape), found ({name!r}, {axes})")
        tensors.append({"name": name, "shape": axes, "offset": offset})
        offset += math.prod(axes)
    names = sorted(tensor["name"] for tensor in tensors)
    twice = [a for a, b in zip(names, names[1:]) if a == b]
    if twice:
        raise ValueError(f"layout: expected one tensor {twice[0]!r}, found two")
    if offset == 0:
        raise ValueError("layout: expected at least one parameter, found 0")
    return tensors


def _parameter(tensors: Sequence[Json], column: int) -> str:
    """`name[index]` of a column."""
    tensor = [t for t in tensors if t["offset"] <= column and math.prod(t["shape"]) > 0][-1]
    return f"{tensor['name']}[{column - tensor['offset']}]"


def _cut(columns: int, expected_rows: int, shard_bytes: int) -> List[Tuple[int, int]]:
    """Begin and end of each shard: as few of equal width as keep to `shard_bytes`."""
    widest = max(shard_bytes // (4 * max(expected_rows, 1)), 1)
    step = 16 if widest >= 16 else 1
    count = -(-columns // (widest // step * step))
    width = -(-columns // count)
    width += -width % step
    return [(start, min(columns, start + width)) for start in range(0, columns, width)]


def _sum_blocks(shards: Sequence[Json]) -> int:
    blocks = [block for shard in shards for block in shard["blocks"]]
    return zlib.crc32(np.array(blocks, "<u4").tobytes())


def _read_manifest(folder: Path) -> Json:
    """The manifest in a folder, whose parts fit together."""
    path = folder / MANIFEST
    manifest = _read_json(path)
    version = manifest.get("version")
    if manifest.get("format") != FORMAT or version not in (1, 2):
        raise _malformed(
            path, f'format "{FORMAT}" version 2 (or 1)',
            f'format "{manifest.get("format")}" version {version}',
        )
    if version == 2 and not ("crc32" in manifest and "sketch" in manifest):
        raise _malformed(path, "crc32 and sketch", sorted(manifest))
    try:
        rows_len, columns = manifest["shape"][0], manifest["shape"][1]
        end = 0
        for tensor in manifest["layout"]["tensors"]:
            if tensor["offset"] != end:
                raise _malformed(path, f"tensor {tensor['name']} at {end}", tensor["offset"])
            end += math.prod(tensor["shape"])
        if end != columns:
            raise _malformed(path, f"a layout of {columns} parameters", end)
        for field in FIELDS:
            if len(manifest["rows"][field]) != rows_len:
                raise _malformed(path, f"{rows_len} values of {field}", len(manifest["rows"][field]))
        end, blocks = 0, -(-rows_len // manifest["block_rows"])
        for shard in manifest["shards"]:
            file, params = shard["file"], shard["params"]
            if not file or file in (".", "..") or "/" in file or os.sep in file:
                raise _malformed(path, "the name of a file in the same folder", file)
            if params["start"] != end or params["end"] <= end:
                raise _malformed(path, f"parameters from {end} on in {file}", params)
            if len(shard["blocks"]) != blocks:
                raise _malformed(path, f"{blocks} checksums of {file}", len(shard["blocks"]))
            end = params["end"]
        if end != columns:
            raise _malformed(path, f"shards of {columns} parameters", end)
        if manifest["checksum"] != _sum_blocks(manifest["shards"]):
            raise _malformed(path, "the checksum of the blocks", manifest["checksum"])
    except (LookupError, TypeError, ZeroDivisionError) as error:
        raise _malformed(path, "the manifest of a gradient matrix", repr(error)) from None
    return manifest


def _sketch(shards: Sequence[np.ndarray], rows_len: int) -> np.ndarray:
    """S = A Omega, float64 (T, 64); Omega[p, j] is -1 where bit j of splitmix64(p) is set, else 1."""
    sketch = np.zeros((rows_len, SKETCH_COLUMNS), "<f8")
    bits = np.arange(SKETCH_COLUMNS, dtype=np.uint64)
    first = 0
    for shard in shards:
        for start in range(0, shard.shape[1], 4096):
            end = min(shard.shape[1], start + 4096)
            z = np.arange(first + start + 1, first + end + 1, dtype=np.uint64)
            z *= np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
            signs = 1.0 - 2.0 * (z[:, None] >> bits & np.uint64(1)).astype(np.float64)
            for row in range(0, rows_len, 512):
                sketch[row : row + 512] += shard[row : row + 512, start:end].astype(np.float64) @ signs
        first += shard.shape[1]
    return sketch


# Recording.


class _Tail:
    """The rows that no manifest names yet: a file of records of one length, locked while it is open.

    A record is 80 bytes and the row, filled up to a multiple of 8: its index, what is said about it
    (`FIELDS`), a sum of all other 64-bit words, which takes a tenth of the time of a CRC. Records that
    were published are written over. The end is before the first one whose sum is wrong or whose index
    does not follow the one before it.
    """

    HEAD = struct.Struct("<4Q3dQd")
    SUM = 9  # the word that is the sum
    SUM_OF_NOTHING = 0x676F756461  # so that zeros are no record

    def __init__(self, path: Path, columns: int) -> None:
        fields = [("index", "<u8"), *FIELDS.items(), ("sum", "<u8")]
        self.record = np.dtype([*fields, ("row", "<f4", (columns,)), ("fill", "<f4", (columns % 2,))])
        self.path = path
        self.bytes = bytearray(self.record.itemsize)
        self.words = np.frombuffer(self.bytes, "<u8")
        self.row = np.frombuffer(self.bytes, "<f4", columns, 80)
        self.first = self.count = 0
        self.file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        if fcntl is not None:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self.file.close()
                text = "is being recorded already, by another process or by a Recorder that is not closed"
                raise BlockingIOError(error.errno, text, str(path)) from None
            except OSError:
                pass  # a file system without locks

    def _sum(self) -> int:
        others = int(np.add.reduce(self.words)) - int(self.words[self.SUM])
        return (others + self.SUM_OF_NOTHING) % (1 << 64)

    def _seek(self) -> None:
        self.file.seek(self.count * len(self.bytes))

    def push(self, *fields: float) -> None:
        """Adds `self.row`, with the values of `FIELDS`."""
        self.HEAD.pack_into(self.bytes, 0, self.first + self.count, *fields)
        self.words[self.SUM] = self._sum()
        try:
            self._seek()
            _write(self.file, self.bytes)
        except OSError as error:
            kept = f": row {self.first + self.count} is not recorded, those before it are"
            raise _os_error(error, self.path, kept) from None
        self.count += 1

    def scan(self, done: int) -> None:
        """Finds the whole records, of which those below row `done` are published."""
        self.first, self.count = done, 0
        while True:
            self._seek()
            if self.file.readinto(self.bytes) != len(self.bytes):
                break
            index, stated = int(self.words[0]), int(self.words[self.SUM])
            if stated != self._sum() or (self.count > 0 and index != self.first + self.count):
                break
            if self.count == 0:
                self.first = index
            self.count += 1
        if self.first > done:
            raise _malformed(self.path, f"row {done}, where {MANIFEST} ends", f"row {self.first}")
        if self.first + self.count < done:
            self.first, self.count = done, 0

    def rows(self, start: int) -> np.ndarray:
        """The records from row `start` on, mapped."""
        count = self.first + self.count - start
        if count <= 0:
            return np.empty(0, self.record)
        offset = (start - self.first) * self.record.itemsize
        return np.memmap(self.path, self.record, "r", offset, (count,))

    def cut(self, end: int) -> None:
        """Drops the records from row `end` on."""
        self.first, self.count = min(self.first, end), max(end - self.first, 0)
        self.file.truncate(self.count * len(self.bytes))


class Recorder:
    """A stream that is being recorded into a folder.

    `layout` is the names and shapes of the tensors whose entries make a row, in order, together P.
    With `resume`, what a folder has already goes on after its last whole row, or after its first
    `rows` rows (the later ones are dropped: say how many the checkpoint had that training goes on
    from); a folder that is empty or not there is begun. Without `resume` the folder must have no files.

    `non_finite` says what to do with a NaN or an infinity: "refuse", or "zero", which records 0 in its
    place and counts it in `zeroed`. Shards are cut so that `expected_rows` rows fill `shard_bytes`; more or
    fewer may come. Rows are published every `publish_seconds`, or as seldom as keeps that to 1 % of
    the time; where it is None, only by `publish` and `close`.

    Memory: 4 bytes a parameter, 220 bytes a row, and 1.4 kB a row at the end. On disk: 4 bytes an entry,
    twice that while recording, and the rows that are not published.

    An exception of `add` means that this row is not recorded; the rows before it are. `close`, which
    leaving a `with` block or Python does too, ends the recording; it can be resumed nevertheless.
    """

    def __init__(
        self,
        path: PathLike,
        layout: Layout,
        *,
        resume: bool = False,
        rows: Optional[int] = None,
        non_finite: str = "refuse",
        expected_rows: int = 1000,
        shard_bytes: int = 256 << 20,
        publish_seconds: Optional[float] = 10.0,
    ) -> None:
        """Raises FileExistsError where there are files and no `resume`, BlockingIOError where it is
        being recorded, ValueError for another layout, damage, or fewer rows than asked for."""
        if non_finite not in ("refuse", "zero"):
            raise ValueError(f'non_finite: expected "refuse" or "zero", found {non_finite!r}')
        self.path = Path(path)
        self.zeroed = 0
        self._zero = non_finite == "zero"
        self._tensors = _tensors(layout)
        self.columns = self._tensors[-1]["offset"] + math.prod(self._tensors[-1]["shape"])
        self._seconds = math.inf if publish_seconds is None else publish_seconds
        self._due = -math.inf if publish_seconds is not None else math.inf
        self._room = np.empty(8192)
        self._process = os.getpid()
        self._closed = False

        self.path.mkdir(parents=True, exist_ok=True)
        files = sorted(os.listdir(self.path))
        if files and not resume:
            text = f"there are files ({files[0]}); resume=True goes on with a recording"
            raise FileExistsError(errno.EEXIST, text, str(self.path))
        begun = MANIFEST in files
        if begun:
            self._check_layout(_read_manifest(self.path))
        elif files and (TAIL not in files or (self.path / TAIL).stat().st_size > 0):
            raise _malformed(self.path, f"a recording, with {MANIFEST}", ", ".join(files[:4]))
        self._tail = _Tail(self.path / TAIL, self.columns)
        try:
            if not begun:
                self._begin(_cut(self.columns, expected_rows, shard_bytes))
            self._load()
            if rows is not None and rows != len(self):
                self._go_back(rows)
        except BaseException:
            self._tail.file.close()
            raise
        atexit.register(self.close)

    def __len__(self) -> int:
        """Rows so far."""
        return max(self._done, self._tail.first + self._tail.count)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        vector: Any,
        *,
        learning_rate: float = 1.0,
        step: Optional[int] = None,
        frames: int = 0,
        clip_factor: float = 1.0,
    ) -> None:
        """Adds a row: P numbers of float16, bfloat16, float32 or float64, as an array or a tensor of
        PyTorch, which are rounded to float32. `step` is the optimiser's, the row's own index unless it is
        given; `clip_factor` what the gradient was multiplied by after this.

        Raises ValueError for another length and for what is not finite (also in float32), TypeError for
        numbers that are not floats, OSError where the disk is full: nothing is recorded then."""
        if hasattr(vector, "detach"):
            vector = vector.detach().cpu()
            if str(vector.dtype) == "torch.bfloat16":
                vector = vector.float()
            vector = vector.numpy()
        array = np.asarray(vector)
        if array.shape != (self.columns,):
            found = len(array) if array.ndim == 1 else f"shape {array.shape}"
            raise ValueError(f"{self.path}: row {len(self)}: expected {self.columns}, found {found}")
        if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
            raise TypeError(f"{self.path}: row {len(self)}: expected floats, found {array.dtype}")
        with np.errstate(over="ignore"):
            self._tail.row[:] = array
        self._push(learning_rate, step, frames, clip_factor)

    def publish(self) -> None:
        """Puts all rows so far on the disk, where other programs find them."""
        self._check_open()
        begin = time.monotonic()
        try:
            if len(self) > self._done:
                self._publish(self._done)
        finally:
            end = time.monotonic()
            self._due = end + max(self._seconds, (PUBLISH_SHARE - 1) * (end - begin))

    def close(self) -> None:
        """Publishes what is there, and ends the recording: one copy, its sketch, its final manifest."""
        if self._closed or self._process != os.getpid():  # a forked child has no part in it
            return
        atexit.unregister(self.close)
        self.publish()
        if self._copy == 1:
            self._publish(self._done)
        shards = [_open_npy(self._file(0, number)) for number in range(len(self._manifest["shards"]))]
        sketch = _sketch(shards, self._done)
        pieces = _npy_header("<f8", sketch.shape), sketch.tobytes()
        manifest = {**self._manifest, "version": 2, "sketch": zlib.crc32(pieces[1], zlib.crc32(pieces[0]))}
        _write_whole(self.path / SKETCH, *pieces)
        body = json.dumps(manifest, separators=(",", ":"), allow_nan=False)[:-1].encode()
        _write_whole(self.path / MANIFEST, body, f',"crc32":"{zlib.crc32(body):08x}"}}\n'.encode())
        self._closed = True
        for number in range(len(shards)):
            if self._file(1, number).exists():
                self._file(1, number).unlink()
        self._tail.path.unlink()
        self._tail.file.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.path}: the recording is closed")

    def _push(self, learning_rate: float, step: Optional[int], frames: int, clip_factor: float) -> None:
        """Records what stands in the tail's row."""
        self._check_open()
        if time.monotonic() >= self._due and len(self) > self._done:
            self.publish()
        index, row = len(self), self._tail.row
        step = index if step is None else int(step)
        if not 0 <= step < UPDATES_MAX or not 0 <= frames < 1 << 64:
            found = f"step {step}, {frames} frames"
            raise ValueError(f"{self.path}: row {index}: expected a step below 2^53, found {found}")
        for field, value in (("learning_rate", learning_rate), ("clip_factor", clip_factor)):
            if not math.isfinite(value):
                raise ValueError(f"{self.path}: {field} of row {index} is {value}, expected a finite number")
        norm = _norm(row, self._room)
        if not math.isfinite(norm):
            bad = np.flatnonzero(~np.isfinite(row))
            if not self._zero:
                where = f"row {index}, column {bad[0]} ({_parameter(self._tensors, bad[0])})"
                text = 'expected a finite number (non_finite="zero" records 0 in its place)'
                raise ValueError(f"{self.path}: {where} is {row[bad[0]]}, {text}")
            row[bad] = 0
            norm = _norm(row, self._room)
            self.zeroed += len(bad)
        self._tail.push(step, step, frames, learning_rate, clip_factor, 1.0, 0, norm)

    def _file(self, copy: int, number: int) -> Path:
        return self.path / f"shard-{number:05}{'.other' if copy else ''}.npy"

    def _check_layout(self, manifest: Json) -> None:
        found = manifest["layout"]["tensors"]
        for here, there in zip(self._tensors, found):
            if any(here[key] != there[key] for key in ("name", "shape")):
                expected = f"the layout given, with {here['name']} {here['shape']}"
                raise _malformed(self.path / MANIFEST, expected, f"{there['name']} {there['shape']}")
        if len(self._tensors) != len(found):
            raise _malformed(self.path / MANIFEST, f"{len(self._tensors)} tensors", len(found))

    def _begin(self, cut: Sequence[Tuple[int, int]]) -> None:
        """A stream of no rows. Until the manifest stands, the next one begins again."""
        shards: List[Json] = []
        for number, (start, end) in enumerate(cut):
            file = self._file(0, number)
            _write_whole(file, _npy_header("<f4", (0, end - start)))
            shards.append({"file": file.name, "params": {"start": start, "end": end}, "blocks": []})
        self._write_manifest(
            {
                "format": FORMAT,
                "version": 1,
                "stream": self.path.resolve().name,
                "shape": [0, self.columns],
                "layout": {"tensors": self._tensors},
                "block_rows": BLOCK_ROWS,
                "shards": shards,
                "rows": {field: [] for field in FIELDS},
                "checksum": _sum_blocks(shards),
            }
        )

    def _write_manifest(self, manifest: Json) -> None:
        """A manifest of version 1, which asks for no sketch beside it: one is written at the end."""
        text = json.dumps(manifest, separators=(",", ":"), allow_nan=False)
        _write_whole(self.path / MANIFEST, text.encode(), b"\n")

    def _load(self) -> None:
        """Takes up what is on the disk."""
        manifest = _read_manifest(self.path)
        if manifest["version"] == 2:  # it was closed
            manifest = {key: manifest[key] for key in manifest if key not in ("sketch", "crc32")}
            self._write_manifest({**manifest, "version": 1})
            manifest["version"] = 1
        for pattern in (SKETCH, f"{SKETCH}.*.part", f"{MANIFEST}.*.part", "shard-*.npy.*.part"):
            for file in self.path.glob(pattern):
                file.unlink()
        for number, shard in enumerate(manifest["shards"]):
            self._copy = int(shard["file"] == self._file(1, number).name)
            file, params = self.path / shard["file"], shard["params"]
            if file != self._file(self._copy, number):
                raise _malformed(self.path / MANIFEST, self._file(0, number).name, file.name)
            shape = manifest["shape"][0], params["end"] - params["start"]
            header = _npy_header("<f4", shape)
            with open(file, "rb") as shard_file:
                found = shard_file.read(len(header))
            size, wanted = file.stat().st_size, len(header) + 4 * math.prod(shape)
            if found != header or size != wanted:
                raise _malformed(file, f"float32 {shape}, {wanted} bytes", f"{found[10:80]!r}, {size} bytes")
        self._manifest = manifest
        self._done: int = manifest["shape"][0]
        self._ready = 0  # rows that the other copy has: it is not trusted, and made anew
        self._tail.scan(self._done)

    def _go_back(self, rows: int) -> None:
        """Drops the rows from `rows` on."""
        if not 0 <= rows <= len(self):
            raise _malformed(self.path, f"{rows} rows to go on after", len(self))
        self._tail.cut(rows)  # before the manifest: a tail may not begin beyond it
        if rows < self._done:
            self._publish(rows)

    def _publish(self, keep: int) -> None:
        """Brings the other copy of the shards to the first `keep` rows of the published one and those of
        the tail, and names it in the manifest. A failure leaves what was published."""
        try:
            old, copy = self._manifest, 1 - self._copy
            tail = self._tail.rows(keep)
            shards = [self._grow(copy, number, keep, tail) for number in range(len(old["shards"]))]
            manifest = {
                **old,
                "shape": [keep + len(tail), self.columns],
                "shards": shards,
                "rows": {field: old["rows"][field][:keep] + tail[field].tolist() for field in FIELDS},
                "checksum": _sum_blocks(shards),
            }
            self._write_manifest(manifest)
            self._manifest, self._copy, self._ready = manifest, copy, keep
            self._done = keep + len(tail)
            self._tail.first, self._tail.count = self._done, 0
        except BaseException as error:
            if isinstance(error, OSError):
                kept = f": the {len(self)} rows so far are kept, and resume=True goes on after them"
                error = _os_error(error, self.path, kept)
            self._load()
            raise error from None

    def _grow(self, copy: int, number: int, keep: int, tail: np.ndarray) -> Json:
        """Brings one shard's other copy to `keep` published rows and those of the tail; what the manifest
        says of it."""
        shard = self._manifest["shards"][number]
        source, target = self.path / shard["file"], self._file(copy, number)
        start, end = shard["params"]["start"], shard["params"]["end"]
        header, row_bytes = _npy_header("<f4", (keep + len(tail), end - start)), 4 * (end - start)
        block_rows = self._manifest["block_rows"]
        blocks = shard["blocks"][: keep // block_rows]
        with open(source, "rb") as old, open(target, "r+b" if self._ready else "wb", buffering=0) as new:
            place = len(header) + min(self._ready, keep) * row_bytes
            old.seek(place)
            new.seek(place)
            left = len(header) + keep * row_bytes - place
            while left:
                piece = old.read(min(left, PIECE_BYTES))
                if not piece:
                    raise _malformed(source, f"{left} bytes more", "the end")
                _write(new, piece)
                left -= len(piece)
            if keep % block_rows:
                old.seek(len(header) + keep // block_rows * block_rows * row_bytes)
                blocks.append(zlib.crc32(old.read(keep % block_rows * row_bytes)))
                if keep == self._done and blocks[-1] != shard["blocks"][-1]:
                    expected = f"CRC {shard['blocks'][-1]:08x} for the last rows"
                    raise _malformed(source, expected, f"{blocks[-1]:08x}: the file is damaged")
            row = 0
            while row < len(tail):  # to the end of a block
                after = min(len(tail), row + block_rows - (keep + row) % block_rows)
                added = tail["row"][row:after, start:end].tobytes()
                if (keep + row) % block_rows:
                    blocks[-1] = zlib.crc32(added, blocks[-1])
                else:
                    blocks.append(zlib.crc32(added))
                _write(new, added)
                row = after
            new.truncate(len(header) + (keep + len(tail)) * row_bytes)
            new.seek(0)
            _write(new, header)
            os.fsync(new.fileno())
        return {"file": target.name, "params": shard["params"], "blocks": blocks}


def _write(file: Any, contents: Any) -> None:
    """Writes all of it: an unbuffered file may take less at a time."""
    rest = memoryview(contents)
    while rest:
        rest = rest[file.write(rest) :]


def _norm(row: np.ndarray, room: np.ndarray) -> float:
    """Euclidean norm, in float64; not finite where an entry is not. A piece that fits into `room` at a time."""
    total = 0.0
    for start in range(0, len(row), len(room)):
        piece = row[start : start + len(room)]
        room[: len(piece)] = piece
        total += float(room[: len(piece)].dot(room[: len(piece)]))
    return math.sqrt(total)


class ModelRecorder(Recorder):
    """Records the gradients of a PyTorch model; made by `record`."""

    def __init__(self, model: Any, path: PathLike, optimizer: Any = None, **settings: Any) -> None:
        import torch

        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        for name, parameter in named:
            if not parameter.is_floating_point():
                raise TypeError(f"{name}: expected floats, found {parameter.dtype}")
        super().__init__(path, [(name, tuple(p.shape)) for name, p in named], **settings)
        self._torch = torch
        self._optimizer = optimizer
        self._row = torch.from_numpy(self._tail.row)
        self._parameters = [p for _, p in named]
        devices = {p.device for p in self._parameters}
        plain = all(p.device.type == "cpu" and p.dtype == torch.float32 for p in self._parameters)
        self._move, self._out = len(devices) > 1, self._row if plain else None

    def step(
        self,
        learning_rate: Optional[float] = None,
        *,
        step: Optional[int] = None,
        frames: int = 0,
        clip_factor: float = 1.0,
    ) -> None:
        """Adds the gradients as they stand as a row: call it after `backward()`, before they are clipped or
        set to zero. A parameter without a gradient has zeros. The learning rate is that of the
        optimizer, if there is one and its groups agree; else 1. Raises what `add` raises, and ValueError where no
        parameter has a gradient."""
        if learning_rate is None:
            groups = self._optimizer.param_groups if self._optimizer else [{"lr": 1.0}]
            rates = {float(group["lr"]) for group in groups}
            if len(rates) != 1:
                text = f"expected one learning rate, found {sorted(rates)}: give step(learning_rate=..)"
                raise ValueError(f"{self.path}: row {len(self)}: {text}")
            learning_rate = rates.pop()
        if self._parameters and all(parameter.grad is None for parameter in self._parameters):
            raise ValueError(f"{self.path}: row {len(self)}: no parameter has a gradient: call step() after backward()")
        grads = []
        with self._torch.no_grad():
            for parameter in self._parameters:
                grad = parameter.grad
                if grad is None:
                    grad = self._torch.zeros_like(parameter)
                elif grad.is_sparse:
                    grad = grad.to_dense()
                grads.append(grad.reshape(-1).cpu() if self._move else grad.reshape(-1))
            vector = self._torch.cat(grads, out=self._out)
            if self._out is None:
                self._row.copy_(vector)
        self._push(learning_rate, step, frames, clip_factor)


def record(model: Any, path: PathLike, optimizer: Any = None, **settings: Any) -> ModelRecorder:
    """Begins to record the gradients of a PyTorch model into the folder `path`: of all parameters that
    require them now, under their names. `settings` are those of `Recorder`. With an `optimizer`, rows know its
    learning rate."""
    return ModelRecorder(model, path, optimizer, **settings)


def finish(path: PathLike) -> int:
    """Ends a recording whose process was killed, as `close` would have, and returns its number of rows.
    One that was ended is left as it is."""
    folder = Path(path)
    manifest = _read_manifest(folder)
    if not (folder / TAIL).exists():
        return int(manifest["shape"][0])
    layout = [(t["name"], t["shape"]) for t in manifest["layout"]["tensors"]]
    with Recorder(folder, layout, resume=True) as recorder:
        return len(recorder)


# Reading.


@dataclass
class Stream:
    """A recorded stream. `shape` is (T, P), `layout` has (name, shape, offset) of each tensor, `rows` an array
    of length T for each field of a row, `shards` the matrix: arrays (T, columns of each), mapped. Where
    `is_ended` is false it is being recorded, or its process was killed and `finish` brings in more rows."""

    path: Path
    shape: Tuple[int, int]
    layout: List[Tuple[str, Tuple[int, ...], int]]
    rows: Dict[str, np.ndarray]
    shards: List[np.ndarray]
    manifest: Json
    is_ended: bool

    def columns(self, start: int, end: int) -> np.ndarray:
        """The columns `start` to below `end`, (T, end - start): mapped where one shard has them all."""
        parts = []
        for shard, said in zip(self.shards, self.manifest["shards"]):
            first = said["params"]["start"]
            if first < end and start < said["params"]["end"]:
                parts.append(shard[:, max(start - first, 0) : end - first])
        if not parts:
            return np.empty((self.shape[0], 0), "<f4")
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def array(self) -> np.ndarray:
        """The whole matrix, (T, P): mapped where there is one shard, else read into memory."""
        return self.columns(0, self.shape[1])

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> np.ndarray:
        array = self.array()
        return np.array(array, dtype) if copy else np.asarray(array, dtype)

    def tensor(self, name: str) -> np.ndarray:
        """The columns of one tensor, (T, *shape). Raises KeyError for a name that it does not have."""
        for known, shape, offset in self.layout:
            if known == name:
                return self.columns(offset, offset + math.prod(shape)).reshape(self.shape[0], *shape)
        raise KeyError(f"{self.path}: no tensor {name!r}, but {[known for known, _, _ in self.layout]}")

    def verify(self) -> None:
        """Recomputes all checksums. Raises ValueError for the first block that is damaged."""
        block_rows = self.manifest["block_rows"]
        for shard, said in zip(self.shards, self.manifest["shards"]):
            for number, expected in enumerate(said["blocks"]):
                rows = slice(number * block_rows, (number + 1) * block_rows)
                found = zlib.crc32(shard[rows].tobytes())
                if found != expected:
                    place = f"{self.path / said['file']}: rows {rows.start} to below {rows.stop}"
                    raise _malformed(place, f"CRC {expected:08x}", f"{found:08x}: the file is damaged")


def open_stream(path: PathLike) -> Stream:
    """Opens the folder of a recorded stream: the rows that are published, where it is being recorded.
    Raises ValueError for files that are not what they should be, OSError where one is missing."""
    folder = Path(path)
    manifest = _read_manifest(folder)
    rows_len, columns = manifest["shape"]
    shards = []
    for said in manifest["shards"]:
        file, params = folder / said["file"], said["params"]
        if file.resolve().parent != folder.resolve():
            raise _malformed(file, "a file in the same folder", file.resolve())
        shard = _open_npy(file)
        if shard.shape != (rows_len, params["end"] - params["start"]) or not shard.flags.c_contiguous:
            raise _malformed(file, f"shape {(rows_len, params['end'] - params['start'])}", shard.shape)
        shards.append(shard)
    layout = [(t["name"], tuple(t["shape"]), t["offset"]) for t in manifest["layout"]["tensors"]]
    rows = {field: np.array(manifest["rows"][field], dtype) for field, dtype in FIELDS.items()}
    return Stream(folder, (rows_len, columns), layout, rows, shards, manifest, not (folder / TAIL).exists())


class Svd(NamedTuple):
    """G = U diag(S) V^T, G being parameters x time: `U` (P, k), `S` (k,), `V` (T, k), and the certificate."""

    U: np.ndarray
    S: np.ndarray
    V: np.ndarray
    certificate: Json


def open_svd(path: PathLike) -> Svd:
    """Opens the folder that `gouda svd` wrote, mapped. Raises ValueError for files that are damaged or do
    not fit together, OSError where one is missing."""
    folder = Path(path)
    certificate = _read_json(folder / "certificate.json")
    try:
        rank = certificate["rank"]
        shapes = {
            "U.npy": (certificate["param_len"], rank),
            "S.npy": (rank,),
            "V.npy": (certificate["time_len"], rank),
        }
    except KeyError as error:
        raise _malformed(folder / "certificate.json", "a certificate", f"none of {error}") from None
    arrays: Dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        array = _open_npy(folder / name)
        if array.shape != shape:
            raise _malformed(folder / name, f"shape {shape}", array.shape)
        stated = certificate.get("files", {}).get(name)
        if stated is not None and _sum_file(folder / name) != stated:
            raise _malformed(folder / name, f"CRC {stated:08x}", "another: the file is damaged")
        arrays[name[0]] = array
    return Svd(**arrays, certificate=certificate)


def _sum_file(path: Path) -> int:
    crc = 0
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE_BYTES), b""):
            crc = zlib.crc32(piece, crc)
    return crc


# Checkpoints: https://github.com/huggingface/safetensors

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}
HEADER_BYTES_MAX = 100_000_000


class Checkpoint(Dict[str, np.ndarray]):
    """Tensors by name, in the order of the file, mapped; and its `metadata`. BF16 is read as float32."""

    metadata: Dict[str, str]


def open_checkpoint(path: PathLike) -> Checkpoint:
    """Opens a safetensors file. Raises ValueError where it is damaged or has a type that numpy has not."""
    path = Path(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        begin = file.read(8)
        length = int.from_bytes(begin, "little")
        if len(begin) < 8 or length > min(size - 8, HEADER_BYTES_MAX):
            raise _malformed(path, "a safetensors file", f"a header of {length} bytes in {size}")
        try:
            header = json.loads(file.read(length))
            metadata = header.pop("__metadata__", {})
            entries = sorted(
                (*entry["data_offsets"], name, entry["dtype"], tuple(entry["shape"]))
                for name, entry in header.items()
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _malformed(path, "the header of a safetensors file", repr(error)) from None
    data = np.memmap(path, "u1", "r", 8 + length) if size > 8 + length else np.empty(0, "u1")
    checkpoint = Checkpoint()
    checkpoint.metadata = metadata
    end = 0
    for start, stop, name, dtype, shape in entries:
        if dtype not in DTYPES:
            raise _malformed(path, f"{name} of one of {', '.join(DTYPES)}", dtype)
        expected = end + math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        if (start, stop) != (end, expected) or stop > len(data):
            raise _malformed(path, f"{name} in {end}..{expected} of {len(data)}", f"{start}..{stop}")
        array = data[start:stop].view(DTYPES[dtype]).reshape(shape)
        if dtype == "BF16":
            array = (array.astype("<u4") << np.uint32(16)).view("<f4")
        checkpoint[name] = array
        end = stop
    if end != len(data):
        raise _malformed(path, f"{end} bytes of tensors", len(data))
    if "crc32" in metadata:
        found = f"{_sum_checkpoint(metadata, data):08x}"
        if metadata["crc32"] != found:
            raise _malformed(path, f"crc32 {found}", f"{metadata['crc32']}: the file is damaged")
    return checkpoint


def _sum_checkpoint(metadata: Mapping[str, str], data: Any) -> int:
    words = "".join(metadata[key] for key in sorted(metadata) if key != "crc32")
    return zlib.crc32(data, zlib.crc32(words.encode()))


def save_step(path: PathLike, step: int, tensors: Mapping[str, Any]) -> Path:
    """Writes tensors by name, such as `model.state_dict()` or the gradients of one step, as float32 to
    `path/NNNNNNNNN.safetensors` (the step, nine digits), whole or not at all, and returns that path. The
    form is that of a checkpoint of gouda, checksum included; a file of the same step is replaced.

    Raises TypeError for tensors that are not floats, ValueError for what is not finite."""
    if not 0 <= step < UPDATES_MAX:
        raise ValueError(f"{path}: expected a step from 0 to below 2^53, found {step}")
    arrays = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().float().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)
        if tensor.dtype.kind != "f" and tensor.dtype.name != "bfloat16":
            raise TypeError(f"{path}: {name}: expected floats, found {tensor.dtype}")
        with np.errstate(over="ignore"):
            arrays[name] = np.ascontiguousarray(tensor, "<f4").reshape(tensor.shape)
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{path}: {name} at step {step} has a NaN or an infinity")
    end, header = 0, {}
    for name, array in arrays.items():
        offsets = [end, end + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        end += array.nbytes
    metadata = {"frames": "0", "gouda": "checkpoint version 2", "updates": str(step)}
    data = b"".join(array.tobytes() for array in arrays.values())
    metadata["crc32"] = f"{_sum_checkpoint(metadata, data):08x}"
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{step:09}.safetensors"
    _write_whole(file, struct.pack("<Q", len(text)), text, data)
    return file


def main(arguments: Sequence[str]) -> int:
    """`finish PATH`: what it did on standard output, and an exit code as gouda's."""
    if len(arguments) != 2 or arguments[0] != "finish":
        print("usage: python -m gouda_record finish PATH", file=sys.stderr)
        return 2
    try:
        print(f"{arguments[1]}: {finish(arguments[1])} rows")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 3
    except OSError as error:
        print(error, file=sys.stderr)
        return 6 if isinstance(error, BlockingIOError) else 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
