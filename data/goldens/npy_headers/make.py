"""Headers of .npy files, and what numpy makes of each.

Run: python data/goldens/npy_headers/make.py       (numpy 2.4.6; only needed to regenerate)

Read by tests/matrices/npy_headers.rs. The texts are those of numpy's own numpy/lib/tests/test_format.py and its
data, where they have two axes or can be given two, and every spelling of a type that numpy.dtype takes.
Each has the version of the format, the text as it stands in the file, and numpy's `dtype.str`, kind,
shape and order; `null` where numpy refuses it.
"""

import io
import json
import tokenize
import warnings
from pathlib import Path

import numpy as np
from numpy.lib import _format_impl as npy

HERE = Path(__file__).parent
warnings.simplefilter("ignore")


def numpys(version, text):
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    file = io.BytesIO(npy.magic(version, 0) + length + text.encode("utf8" if version == 3 else "latin1"))
    assert npy.read_magic(file) == (version, 0)
    try:
        shape, fortran, dtype = npy._read_array_header(file, (version, 0))
    except (ValueError, TypeError, SyntaxError, IndexError, tokenize.TokenError):
        return None
    return {
        "dtype": dtype.str if dtype.names is None and dtype.subdtype is None else None,
        "kind": dtype.kind, "shape": list(shape), "fortran_order": fortran,
    }


def plain(descr="'<f4'", order="False", shape="(3, 5)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


table = []


def add(text, versions=(1,)):
    table.extend({"version": v, "text": text, "numpy": numpys(v, text)} for v in versions)


# What numpy writes: test_format.py's basic_arrays and record_arrays, of two axes.
scalars = [
    np.bool_, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float16,
    np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble, object, "S3", "U3",
    "V7", "M8[ns]", "m8[s]", [("x", "i4", (2,)), ("y", "f8", (2, 2)), ("z", "u1")],
]
for scalar in scalars:
    for endian in "<>":
        dtype = np.dtype(scalar).newbyteorder(endian)
        basic = np.zeros((3, 5), dtype=dtype)
        for array in [basic, basic.T, basic[::-1, ::2], basic[:0], basic.reshape(1, 15)]:
            file = io.BytesIO()
            npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(array))
            add(file.getvalue()[10:].decode("latin1"))
# Every spelling of a type.
names = """f e d g F D G f2 f4 f8 f12 f16 i1 i2 i4 i8 u1 u2 u4 u8 b b1 ? c8 c16 O S5 U3 V2 V4 M8[ns] m8 h H i I
    l L q Q p P half single double float longdouble float16 float32 float64 float128 int int32 int64 uint8 bool
    complex complex64 object str bytes void datetime64 timedelta64 short long byte 2f4 (2,)f4 f4,f4 f3 f bfloat16
    Float32 FLOAT32 float31 a3 O8""".split()
for name in names:
    for order in ["", "<", ">", "|", "="]:
        add(plain(f"'{order}{name}'"))
for descr in ["' <f4'", "'<f4 '", "''", "'<'", '"<f4"', "u'<f4'", "b'<f4'", "'<' 'f4'", "'<f\\x34'", "4", "None",
              "('<f4', (2,))", "[('', '<f4')]", "[('a', '<f4')]", "('<f4',)", "numpy.float32"]:
    add(plain(descr), (1, 3))
# Orders and shapes.
for order in ["True", "False", "0", "1", "None", "'False'", "true", "False or True", "(False)"]:
    add(plain(order=order))
for shape in ["(3L, 5L)", "(3L,5)", "(3, 5L,)", "(3l, 5)", "(3,5)", "(3, 5,)", "( 3 , 5 )", "((3, 5))", "[3, 5]",
              "(3, -5)", "(3, 05)", "(3, 5.0)", "(3, '5')", "(3, True)", "(0x3, 5)", "(3, 5_0)", "(3, +5)", "(3 5)",
              "3, 5", "(3)", "(15,)", "(15L,)", "()", "(1, 3, 5)", "(3, 5", "3", "None", "(0, 5)", "(3, 0)",
              "(3,\n5)", "(3,\t5)", "(3, 5), (3, 5)"]:
    add(plain(shape=shape), (1, 2, 3) if "L" in shape else (1,))
# Dictionaries: test_bad_header, padding, Python 2 (win64python2.npy), ends.
good = plain()
for text in ["", "1", "{}", "[]", good + " ", good + " " * 60 + "\n", good + "\n", good + "\n\n", good + "\r\n", " " + good,
             "\n" + good, good + " x", good + good, good[:-1], good.replace(", }", "}"), good.replace(", }", ",}"),
             good.replace(" ", ""), good.replace("'", '"'), good.replace("'shape'", "'form'"),
             good.replace("'shape'", "shape"), good.replace("'shape'", "u'shape'"), good.replace(", }", ", 'x': 1}"),
             "{'shape': (1, 2), 'descr': '<f4', 'fortran_order': False}", "{'shape': (1, 2), 'descr': '<f4'}",
             "{'descr': 'x', 'shape': (1, 2), }", "{'shape': (1, 2), 'fortran_order': False, 'descr': 'f8', }",
             "{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }           \n",
             "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L), }           \n",
             "{'descr': '|O8', 'fortran_order': False, 'shape': (4,), }            \n",
             "dict(descr='<f4', fortran_order=False, shape=(3, 5))",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), 'shape': (5, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), } # a comment"]:
    add(text, (1, 2, 3))
seen = []
for row in table:
    if row not in seen:
        seen.append(row)
lines = ",\n".join(json.dumps(row) for row in seen)
(HERE / "headers.json").write_text(f"[\n{lines}\n]\n")
print(len(seen), sum(row["numpy"] is not None for row in seen))
