"""Tests of gouda_record: `python -m unittest`, with numpy alone.

Where PyTorch is there, its tensors are tested too; where the variable GOUDA names the program, so is
what `gouda svd` makes of a stream.
"""

import atexit
import json
import math
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

import gouda_record
from gouda_record import Recorder, finish, open_checkpoint, open_stream, open_svd, record, save_step

try:
    import torch
except ImportError:
    torch = None

LAYOUT = [("conv.weight", (5, 3, 2)), ("conv.bias", (5,)), ("scale", ())]
COLUMNS = 36
# Three shards of 16, 16 and 4 columns.
SHARDS = {"expected_rows": 100, "shard_bytes": 100 * 4 * 16}
MEMORY = "/dev/shm"  # where syncing costs nothing
FIXTURES = Path(__file__).parent.parent / "data" / "fixtures"

# Adds rows, and tells of each that it was added.
CHILD = """
import json, sys, numpy as np
from gouda_record import Recorder
path, seconds, rows, layout, shards = sys.argv[1], *map(json.loads, sys.argv[2:])
with Recorder(path, layout, resume=True, publish_seconds=seconds, **shards) as recorder:
    print("from", len(recorder), flush=True)
    for index in range(len(recorder), rows):
        row = np.random.default_rng(index).normal(size=recorder.columns).astype("f4")
        recorder.add(row, learning_rate=1 / (index + 1))
        print("added", index + 1, flush=True)
"""


def row(index: int) -> np.ndarray:
    return np.random.default_rng(index).normal(size=COLUMNS).astype("f4")


def matrix(rows: int) -> np.ndarray:
    return np.array([row(index) for index in range(rows)], "f4").reshape(rows, COLUMNS)


def fill(recorder: Recorder, rows: int) -> None:
    for index in range(len(recorder), rows):
        recorder.add(row(index), learning_rate=1 / (index + 1))


def abandon(recorder: Recorder) -> None:
    """Leaves the recording as a kill would."""
    atexit.unregister(recorder.close)
    recorder._tail.file.close()


def contents(folder: Path) -> "dict[str, bytes]":
    return {file.name: file.read_bytes() for file in folder.iterdir()}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "total"

    def holds(self, path: Path, rows: int) -> None:
        """The stream has exactly these rows, under right checksums."""
        stream = open_stream(path)
        stream.verify()
        np.testing.assert_array_equal(stream.array(), matrix(rows))
        np.testing.assert_array_equal(stream.rows["learning_rate"], 1 / np.arange(1, rows + 1))
        np.testing.assert_array_equal(stream.rows["last_update"], np.arange(rows))

    def whole(self, rows: int) -> "dict[str, bytes]":
        """The files of an uninterrupted recording."""
        with Recorder(self.folder / "whole" / "total", LAYOUT, publish_seconds=None, **SHARDS) as recorder:
            fill(recorder, rows)
        return contents(self.folder / "whole" / "total")


class Recording(Case):
    def test_what_is_recorded_is_read(self) -> None:
        for rows, seconds in ((0, None), (1, 0), (64, None), (150, 0), (150, None)):
            with self.subTest(rows=rows, seconds=seconds):
                path = self.folder / f"{rows} {seconds}" / "total"
                with Recorder(path, LAYOUT, publish_seconds=seconds, **SHARDS) as recorder:
                    fill(recorder, rows)
                    self.assertEqual(open_stream(path).is_ended, False)
                self.holds(path, rows)
                stream = open_stream(path)
                self.assertTrue(stream.is_ended)
                self.assertEqual((stream.shape, stream.manifest["version"]), ((rows, COLUMNS), 2))
                self.assertEqual([shard.shape[1] for shard in stream.shards], [16, 16, 4])
                self.assertEqual(stream.layout[1:], [("conv.bias", (5,), 30), ("scale", (), 35)])
                np.testing.assert_array_equal(stream.tensor("conv.bias"), matrix(rows)[:, 30:35])
                np.testing.assert_array_equal(stream.tensor("conv.weight")[:, 4, 2], matrix(rows)[:, 28:30])
                norms = np.linalg.norm(matrix(rows).astype("f8"), axis=1)
                np.testing.assert_allclose(stream.rows["norm"], norms, rtol=1e-14)
                self.assertEqual(
                    sorted(contents(path)),
                    ["manifest.json", *(f"shard-0000{i}.npy" for i in range(3)), "sketch.npy"],
                )

    def test_the_sketch_is_the_one_of_the_formats_page(self) -> None:
        files = self.whole(70)
        sketch = np.load(self.folder / "whole" / "total" / "sketch.npy")

        def sign(p: int, j: int) -> int:
            z = (p + 1) * 0x9E3779B97F4A7C15 % 2**64
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
            return -1 if (z ^ z >> 31) >> j & 1 else 1

        omega = np.array([[sign(p, j) for j in range(64)] for p in range(COLUMNS)])
        np.testing.assert_allclose(sketch, matrix(70).astype("f8") @ omega, rtol=0, atol=1e-12)
        manifest = json.loads(files["manifest.json"])
        self.assertEqual(manifest["sketch"], zlib.crc32(files["sketch.npy"]))

    def test_numbers_of_every_kind_are_stored_as_float32(self) -> None:
        vector = np.linspace(-3, 3, COLUMNS)
        with Recorder(self.path, LAYOUT) as recorder:
            for kind in ("f2", "f4", "f8", ">f8"):
                recorder.add(vector.astype(kind))
            recorder.add(list(vector))
        expected = [vector.astype(kind).astype("f4") for kind in ("f2", "f4", "f8", "f8", "f8")]
        np.testing.assert_array_equal(open_stream(self.path).array(), expected)

    def test_what_a_row_cannot_be(self) -> None:
        recorder = Recorder(self.path, LAYOUT)
        fill(recorder, 3)
        bad = row(0).astype("f8")
        bad[31] = math.nan
        huge = row(0).astype("f8")
        huge[35] = 1e39
        for vector, error, text in (
            (np.zeros(35), ValueError, "row 3: expected 36, found 35"),
            (np.zeros((36, 1)), ValueError, r"row 3: expected 36, found shape \(36, 1\)"),
            (np.zeros(36, int), TypeError, "row 3: expected floats, found int64"),
            (np.zeros(36, complex), TypeError, "row 3: expected floats, found complex128"),
            (bad, ValueError, r"row 3, column 31 \(conv.bias\[1\]\) is nan, expected a finite number"),
            (huge, ValueError, r"row 3, column 35 \(scale\[0\]\) is inf, expected a finite number"),
        ):
            with self.assertRaisesRegex(error, text):
                recorder.add(vector)
        with self.assertRaisesRegex(ValueError, "learning_rate of row 3 is nan, expected a finite"):
            recorder.add(row(3), learning_rate=math.nan)
        with self.assertRaisesRegex(ValueError, "expected a step below 2\\^53, found step -1"):
            recorder.add(row(3), step=-1)
        fill(recorder, 5)
        recorder.close()
        with self.assertRaisesRegex(ValueError, "the recording is closed"):
            recorder.add(row(5))
        self.holds(self.path, 5)

    def test_what_is_not_finite_can_be_zero(self) -> None:
        vector = row(0)
        vector[[2, 30]] = math.nan, -math.inf
        with Recorder(self.path, LAYOUT, non_finite="zero") as recorder:
            recorder.add(vector)
            self.assertEqual(recorder.zeroed, 2)
        vector[[2, 30]] = 0
        np.testing.assert_array_equal(open_stream(self.path).array(), [vector])

    def test_layouts_that_are_none(self) -> None:
        for layout, text in (
            ([], "at least one parameter"),
            ([("a", (0, 3))], "at least one parameter"),
            ([("a", (-1, 3))], "expected \\(name, shape\\)"),
            ([("a", (2,)), ("b", (2,)), ("a", (2,))], "expected one tensor 'a', found two"),
        ):
            with self.assertRaisesRegex(ValueError, text):
                Recorder(self.path, layout)
        with self.assertRaisesRegex(ValueError, "expected \"refuse\" or \"zero\", found 'drop'"):
            Recorder(self.path, LAYOUT, non_finite="drop")


class GoingOn(Case):
    def test_a_folder_with_files_is_not_recorded_over(self) -> None:
        self.whole(5)
        path = self.folder / "whole" / "total"
        before = contents(path)
        with self.assertRaisesRegex(FileExistsError, "resume=True goes on") as caught:
            Recorder(path, LAYOUT)
        self.assertEqual(caught.exception.filename, str(path))
        for layout, text in (
            ([("conv.weight", (5, 6)), *LAYOUT[1:]], "expected the layout given, with .*5, 6., found .*5, 3, 2"),
            ([*LAYOUT, ("more", (1,))], "expected 4 tensors, found 3"),
            (LAYOUT[:2], "expected 2 tensors, found 3"),
        ):
            with self.assertRaisesRegex(ValueError, "manifest.json: " + text):
                Recorder(path, layout, resume=True)
        self.assertEqual(contents(path), before)
        (self.folder / "notes.txt").write_text("mine")
        with self.assertRaisesRegex(ValueError, "expected a recording, with manifest.json, found notes.txt"):
            Recorder(self.folder, LAYOUT, resume=True)

    def test_one_process_records_at_a_time(self) -> None:
        with Recorder(self.path, LAYOUT) as recorder:
            fill(recorder, 3)
            with self.assertRaisesRegex(BlockingIOError, "being recorded already.*tail.part"):
                Recorder(self.path, LAYOUT, resume=True)
            fill(recorder, 4)
        self.holds(self.path, 4)

    def test_an_ended_recording_goes_on_to_the_same_bytes(self) -> None:
        expected = self.whole(150)
        for rows in (0, 1, 64, 70, 150):
            with Recorder(self.path, LAYOUT, resume=True, **SHARDS) as recorder:
                fill(recorder, rows)
        self.assertEqual(contents(self.path), expected)
        self.assertEqual(finish(self.path), 150)

    def test_going_back_drops_what_came_later(self) -> None:
        expected = self.whole(150)
        # Published 100, in the tail 130: back into the tail, the published, a whole block, nothing.
        for rows in (130, 120, 100, 70, 64, 1, 0):
            path = self.folder / str(rows) / "total"
            recorder = Recorder(path, LAYOUT, publish_seconds=None, **SHARDS)
            fill(recorder, 100)
            recorder.publish()
            fill(recorder, 130)
            abandon(recorder)
            with self.assertRaisesRegex(ValueError, "expected 131 rows to go on after, found 130"):
                Recorder(path, LAYOUT, resume=True, rows=131)
            with Recorder(path, LAYOUT, resume=True, rows=rows, publish_seconds=None) as recorder:
                self.assertEqual(len(recorder), rows)
                self.holds(path, min(rows, 100))
                fill(recorder, 150)
            self.assertEqual(contents(path), expected)

    def test_a_torn_tail_is_cut(self) -> None:
        recorder = Recorder(self.path, LAYOUT, publish_seconds=None)
        fill(recorder, 5)
        abandon(recorder)
        tail = (self.path / "tail.part").read_bytes()
        record_len = len(tail) // 5
        for cut in (len(tail) - 1, len(tail) - record_len + 1, 4 * record_len):
            (self.path / "tail.part").write_bytes(tail[:cut])
            recorder = Recorder(self.path, LAYOUT, resume=True, publish_seconds=None)
            self.assertEqual(len(recorder), 4)
            abandon(recorder)
        for bit in range(0, 8 * record_len, 13):
            torn = bytearray(tail)
            torn[4 * record_len + bit // 8] ^= 1 << bit % 8
            (self.path / "tail.part").write_bytes(torn)
            recorder = Recorder(self.path, LAYOUT, resume=True, publish_seconds=None)
            self.assertEqual(len(recorder), 4, bit)
            abandon(recorder)
        (self.path / "tail.part").write_bytes(tail[record_len:])
        with self.assertRaisesRegex(ValueError, "tail.part: expected row 0, where manifest.json ends, found row 1"):
            Recorder(self.path, LAYOUT, resume=True)


class Failing(Case):
    """Every file operation of a recording fails in turn, or is the last one before a kill."""

    WRITING = (os, "fsync"), (os, "replace"), (gouda_record, "_write")

    def recording(self, path: Path, before: "callable", operations: "tuple" = WRITING) -> None:
        """Records 70 rows, publishing at 1, 2, 65 and at the end; `before` is called with the number of rows
        added before each operation on a file, but for those of most rows, which are all alike."""
        added = 0
        patches = []
        for module, name in operations:

            def operation(*args: object, real: "callable" = getattr(module, name)) -> object:
                if added in (0, 1, 2, 33, 65, 70):
                    before(added)
                return real(*args)

            patches.append(mock.patch.object(module, name, operation))
        for patch in patches:
            patch.start()
        try:
            with Recorder(path, LAYOUT, publish_seconds=None, **SHARDS) as recorder:
                for index in range(70):
                    if index in (1, 2, 65):
                        recorder.publish()
                    recorder.add(row(index), learning_rate=1 / (index + 1))
                    added = index + 1
        finally:
            for patch in patches:
                patch.stop()

    def test_a_kill_before_any_operation_loses_nothing(self) -> None:
        expected = self.whole(70)
        copies = []

        def snapshot(added: int) -> None:
            copies.append((self.folder / f"copy {len(copies)}" / "total", added))
            shutil.copytree(self.path, copies[-1][0])

        self.recording(self.path, snapshot, (*self.WRITING, (os, "unlink")))
        self.assertGreater(len(copies), 80)
        opened = 0
        for path, added in copies:
            if (path / "manifest.json").exists():
                stream = open_stream(path)
                self.holds(path, stream.shape[0])
                self.assertGreaterEqual(finish(path), added)
                opened += 1
            with Recorder(path, LAYOUT, resume=True, **SHARDS) as recorder:
                self.assertGreaterEqual(len(recorder), added)
                fill(recorder, 70)
            self.assertEqual(contents(path), expected)
        self.assertGreater(opened, 70)

    def test_a_full_disk_loses_nothing_and_says_so(self) -> None:
        expected = self.whole(70)
        failing = 0
        while True:
            path, calls = self.folder / f"{failing}" / "total", 0

            def fail(_: int) -> None:
                nonlocal calls
                calls += 1
                if calls == failing + 1:
                    raise OSError(28, "No space left on device")

            try:
                self.recording(path, fail)
            except OSError as error:
                self.assertEqual(error.errno, 28)
                self.assertTrue(str(error.filename).startswith(str(path)), error)
            else:
                break
            with Recorder(path, LAYOUT, resume=True, **SHARDS) as recorder:
                fill(recorder, 70)
            self.assertEqual(contents(path), expected, failing)
            failing += 1
        self.assertGreater(failing, 70)

    def test_a_disk_that_is_full_in_the_middle_of_a_row(self) -> None:
        recorder = Recorder(self.path, LAYOUT, publish_seconds=None)
        fill(recorder, 3)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, ((self.path / "tail.part").stat().st_size + 50, hard))
            with self.assertRaisesRegex(OSError, "row 3 is not recorded, those before it are.*tail.part"):
                recorder.add(row(3))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual(len(recorder), 3)
        fill(recorder, 5)
        recorder.close()
        self.holds(self.path, 5)

    def test_kill_9_at_random_moments(self) -> None:
        rows, draw = 400, random.Random(1)
        here = Path(__file__).parent
        for attempt in range(60):
            settings = ((0, 0.01, None)[attempt % 3], rows, LAYOUT, SHARDS)
            command = [sys.executable, "-c", CHILD, str(self.path), *map(json.dumps, settings)]
            with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as child:
                begun = int(child.stdout.readline().split()[1])
                added, until = begun, begun + draw.randrange(1, 120)
                for line in child.stdout:
                    if not line.endswith("\n"):
                        break
                    added = int(line.split()[1])
                    if added == until:
                        child.send_signal(signal.SIGKILL)
            ended = child.returncode == 0
            stream = open_stream(self.path)
            self.holds(self.path, stream.shape[0])
            if ended:
                break
            with Recorder(self.path, LAYOUT, resume=True, publish_seconds=None) as recorder:
                self.assertGreaterEqual(len(recorder), added)
                if attempt % 2 == 0:
                    abandon(recorder)
                    recorder._closed = True
        self.assertEqual(stream.shape[0], rows)
        self.assertEqual(contents(self.path), self.whole(rows))


class Reading(Case):
    def test_damage_is_found(self) -> None:
        self.whole(70)
        path = self.folder / "whole" / "total"
        manifest = (path / "manifest.json").read_bytes()
        for place in range(0, len(manifest) - 1, 23):
            for bit in range(8):
                damaged = bytearray(manifest)
                damaged[place] ^= 1 << bit
                (path / "manifest.json").write_bytes(damaged)
                with self.assertRaises(ValueError, msg=f"{place} {bit}"):
                    open_stream(path)
        (path / "manifest.json").write_bytes(manifest)
        shard = path / "shard-00001.npy"
        contents_before = shard.read_bytes()
        shard.write_bytes(contents_before[:-1])
        with self.assertRaisesRegex(ValueError, "shard-00001.npy: expected 4608 bytes for shape .*found 4607"):
            open_stream(path)
        damaged = bytearray(contents_before)
        damaged[128 + 66 * 64] ^= 1
        shard.write_bytes(damaged)
        with self.assertRaisesRegex(ValueError, "shard-00001.npy: rows 64 to below 128: expected CRC"):
            open_stream(path).verify()
        with self.assertRaisesRegex(ValueError, "shard-00001.npy.*the file is damaged"):
            with Recorder(path, LAYOUT, resume=True) as recorder:
                fill(recorder, 71)
        shard.unlink()
        (self.folder / "elsewhere.npy").write_bytes(contents_before)
        shard.symlink_to(self.folder / "elsewhere.npy")
        with self.assertRaisesRegex(ValueError, "a file in the same folder"):
            open_stream(path)

    def test_the_fixture_is_what_is_expected_of_it(self) -> None:
        expected = json.loads((FIXTURES / "recorded" / "expected.json").read_text())
        stream = open_stream(FIXTURES / "recorded" / "gradients")
        stream.verify()
        self.assertEqual(list(stream.shape), expected["shape"])
        values = np.linalg.svd(stream.array().astype("f8"), compute_uv=False)
        np.testing.assert_allclose(values[:8], expected["singular_values"], rtol=1e-12)

    def test_streams_and_decompositions_that_gouda_wrote(self) -> None:
        old = FIXTURES / "old" / "7"
        stream = open_stream(old / "run" / "gradients" / "total")
        stream.verify()
        path = self.folder / "total"
        shutil.copytree(stream.path, path)
        tensors = [(name, shape) for name, shape, _ in stream.layout]
        with Recorder(path, tensors, resume=True) as recorder:
            recorder.add(np.zeros(stream.shape[1]))
        np.testing.assert_array_equal(open_stream(path).array()[:-1], stream.array())
        sketch = np.load(stream.path / "sketch.npy")
        np.testing.assert_allclose(np.load(path / "sketch.npy")[:-1], sketch, atol=1e-5)
        shard = np.load(path / "shard-00000.npy").astype("f8")
        np.save(path / "shard-00000.npy", shard)
        with self.assertRaisesRegex(ValueError, "shard-00000.npy: expected float32 .*found .*<f8"):
            Recorder(path, tensors, resume=True)
        svd = open_svd(old / "svd")
        self.assertEqual(svd.U.shape[1], svd.certificate["rank"])
        np.testing.assert_array_equal(svd.S, svd.certificate["singular_values"])
        shutil.copytree(old / "svd", self.folder / "svd")
        damaged = bytearray((old / "svd" / "V.npy").read_bytes())
        damaged[-1] ^= 1
        (self.folder / "svd" / "V.npy").write_bytes(damaged)
        with self.assertRaisesRegex(ValueError, "V.npy: expected CRC"):
            open_svd(self.folder / "svd")

    def test_steps_in_safetensors(self) -> None:
        tensors = {"w": np.arange(6.0).reshape(2, 3), "scale": np.float16(0.5), "none": np.zeros((0, 2))}
        file = save_step(self.path, 500, tensors)
        self.assertEqual(file.name, "000000500.safetensors")
        read = open_checkpoint(file)
        self.assertEqual(list(read), list(tensors))
        self.assertEqual(read.metadata["updates"], "500")
        for name in tensors:
            np.testing.assert_array_equal(read[name], tensors[name])
            self.assertEqual((read[name].dtype, read[name].shape), (np.float32, np.shape(tensors[name])))
        whole = file.read_bytes()
        for damaged in (whole[:-1], whole + b"0", whole[:-1] + b"\x01", b"\xff" * 8 + whole[8:], b"{}"):
            file.write_bytes(damaged)
            with self.assertRaisesRegex(ValueError, "000000500.safetensors: expected"):
                open_checkpoint(file)
        with self.assertRaisesRegex(TypeError, "w: expected floats, found int64"):
            save_step(self.path, 1, {"w": np.arange(3)})
        with self.assertRaisesRegex(ValueError, "w at step 1 has a NaN or an infinity"):
            save_step(self.path, 1, {"w": np.array([1.0, 1e300])})
        self.assertEqual(sorted(os.listdir(self.path)), ["000000500.safetensors"])

    def test_checkpoints_of_others(self) -> None:
        values = np.array([1.0, -2.5, 3e38, 0.0], "f4")
        bfloat16 = (values.view("u4") >> 16).astype("<u2")
        header = {
            "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
            "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]},
        }
        text = json.dumps(header).encode()
        self.path.write_bytes(struct.pack("<Q", len(text)) + text + bfloat16.tobytes() + struct.pack("<q", -7))
        read = open_checkpoint(self.path)
        self.assertEqual((list(read), read["b"].tolist(), read.metadata), (["a", "b"], [-7], {}))
        np.testing.assert_array_equal(read["a"].ravel(), (bfloat16.astype("u4") << 16).view("f4"))
        self.assertEqual(read["a"][0].tolist(), [1.0, -2.5])
        self.path.write_bytes(struct.pack("<Q", len(text)) + text.replace(b"BF16", b"F8_9") + bytes(16))
        with self.assertRaisesRegex(ValueError, "expected a of one of F64, .*found F8_9"):
            open_checkpoint(self.path)

    @unittest.skipUnless("GOUDA" in os.environ, "the variable GOUDA does not name the program")
    def test_gouda_finds_the_singular_values(self) -> None:
        recorder = Recorder(self.path, LAYOUT, publish_seconds=None, **SHARDS)
        fill(recorder, 100)
        recorder.publish()
        fill(recorder, 110)

        def compare(name: str, rows: int) -> None:
            command = [os.environ["GOUDA"], "svd", self.path, "--rank", "4", "--quiet", "--out", self.folder / name]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            svd = open_svd(self.folder / name)
            expected = np.linalg.svd(matrix(rows).astype("f8"), compute_uv=False)[:4]
            np.testing.assert_allclose(svd.S, expected, rtol=1e-6)
            np.testing.assert_allclose(svd.V.T @ matrix(rows), svd.S[:, None] * svd.U.T, atol=1e-3)
            self.assertEqual(svd.certificate["checksums_verified"], True)

        compare("while recording", 100)
        recorder.close()
        compare("ended", 110)


@unittest.skipIf(torch is None, "PyTorch is not there")
class OfPyTorch(Case):
    def test_gradients_of_a_model(self) -> None:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2), torch.nn.Linear(2, 2))
        model[1].bias.requires_grad_(False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        expected = []
        with record(model, self.path, optimizer=optimizer) as recorder:
            with self.assertRaisesRegex(ValueError, "row 0: no parameter has a gradient: call step"):
                recorder.step()
            for step in range(5):
                optimizer.zero_grad()
                model[1](model[0](torch.randn(7, 4))).square().sum().backward()  # the last has no gradient
                recorder.step(clip_factor=0.25)
                known = [p.grad.flatten() for p in (*model[0].parameters(), model[1].weight)]
                expected.append(torch.cat(known).numpy().copy())
                optimizer.step()
                optimizer.param_groups[0]["lr"] /= 2
            optimizer.add_param_group({"params": [torch.zeros(1)], "lr": 9.0})
            with self.assertRaisesRegex(ValueError, "expected one learning rate, found .*give step"):
                recorder.step()
        stream = open_stream(self.path)
        names = [name for name, _, _ in stream.layout]
        self.assertEqual(names, ["0.weight", "0.bias", "1.weight", "2.weight", "2.bias"])
        np.testing.assert_array_equal(stream.array()[:, :21], expected)
        self.assertFalse(stream.array()[:, 21:].any())
        self.assertEqual(stream.tensor("1.weight").shape, (5, 2, 3))
        self.assertEqual(stream.rows["learning_rate"].tolist(), [0.5, 0.25, 0.125, 0.0625, 0.03125])
        self.assertEqual(stream.rows["clip_factor"].tolist(), [0.25] * 5)

    def test_tensors_of_bfloat16(self) -> None:
        vector = torch.linspace(-3, 3, COLUMNS).to(torch.bfloat16)
        with Recorder(self.path, LAYOUT) as recorder:
            recorder.add(vector)
            recorder.add(vector.double().requires_grad_())
            with self.assertRaisesRegex(TypeError, "expected floats, found int64"):
                recorder.add(torch.arange(COLUMNS))
        np.testing.assert_array_equal(open_stream(self.path).array(), [vector.float().numpy()] * 2)
        model = torch.nn.Linear(3, 2).to(torch.bfloat16)
        with record(model, self.folder / "model") as recorder:
            model(torch.ones(1, 3, dtype=torch.bfloat16)).sum().backward()
            recorder.step()
        self.assertEqual(open_stream(self.folder / "model").array().tolist(), [[1.0] * 8])
        save_step(self.folder, 3, model.state_dict())
        read = open_checkpoint(self.folder / "000000003.safetensors")
        np.testing.assert_array_equal(read["weight"], model.weight.detach().float().numpy())


if __name__ == "__main__":
    unittest.main()
