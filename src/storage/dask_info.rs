//! The file `info` that `dask.array.to_npy_stack` leaves beside its chunks `0.npy`, `1.npy`, ..: a pickle
//! of `{"chunks": ((11, 11, 8), (120,)), "dtype": .., "axis": 0}`.
//!
//! A pickle is a program for a machine with a stack. Of that machine there is here what makes dictionaries,
//! tuples, text and whole numbers; the type of the numbers, which would call Python, is passed over, and
//! nothing is called or imported.

use std::path::Path;

use super::{Error, error};

/// Name of the file in the folder of a stack.
pub const FILE: &str = "info";
/// Longest file that is looked at.
const BYTES_MAX: u64 = 16 << 20;

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaskInfo {
    /// The axis along which the chunks are stacked.
    pub axis: usize,
    /// Lengths of the chunks along each axis; along the others than [`axis`](Self::axis) there is one.
    pub chunks: Vec<Vec<usize>>,
}

/// A value of the pickle.
#[derive(Clone, Debug)]
enum Value {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    /// What is passed over: the type, None, a truth value.
    Other,
}

impl DaskInfo {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is not what dask writes.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(path, &error::read_at_most(path, BYTES_MAX)?)
    }

    /// As [`load`](Self::load), from the contents of the file; `path` is for the messages.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) but for the system's.
    pub fn parse(path: &Path, contents: &[u8]) -> Result<Self, Error> {
        let unlike = |found: &str| {
            let expected = "chunks and axis as dask.array.to_npy_stack writes them";
            Error::malformed(path, expected, found)
        };
        let value = Machine::run(contents).map_err(|found| unlike(&found))?;
        let Value::Dictionary(entries) = value else {
            return Err(unlike("no dictionary"));
        };
        let entry = |key: &str| {
            let is_it = |entry: &&(Value, Value)| matches!(&entry.0, Value::Text(k) if k == key);
            entries.iter().rev().find(is_it).map(|entry| &entry.1)
        };
        let whole = |value: &Value| match value {
            Value::Number(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        let axis = entry("axis")
            .and_then(whole)
            .ok_or_else(|| unlike("no axis"))?;
        let lens = |axis: &Value| match axis {
            Value::Tuple(lens) => lens.iter().map(whole).collect::<Option<Vec<usize>>>(),
            _ => None,
        };
        let chunks = match entry("chunks") {
            Some(Value::Tuple(axes)) => axes.iter().map(lens).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let chunks = chunks.ok_or_else(|| unlike("no chunks"))?;
        let is_one = |(of, lens): (usize, &Vec<usize>)| of == axis || lens.len() == 1;
        if axis >= chunks.len() || !chunks.iter().enumerate().all(is_one) {
            return Err(unlike("chunks along another axis than the one it names"));
        }
        Ok(Self { axis, chunks })
    }
}

/// The machine: what is still to be read, the stack with its marks, and what is remembered.
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Vec<(usize, Value)>,
    /// Values made so far, copies with all they hold.
    made: usize,
}

/// Most values, so that a pickle that copies its copies comes to an end.
const VALUES_MAX: usize = 1 << 20;
/// Most values that are remembered: dask's has a dozen.
const MEMO_MAX: usize = 4096;

impl<'a> Machine<'a> {
    fn run(program: &'a [u8]) -> Result<Value, String> {
        let mut machine = Self {
            rest: program,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            made: 0,
        };
        loop {
            let [code] = machine.take()?;
            if code == b'.' {
                return machine.pop();
            }
            machine.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            // Version and frames: nothing to do.
            0x80 => self.take::<1>().map(drop),
            0x95 => self.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            b'K' => {
                let [byte] = self.take()?;
                self.push(Value::Number(byte.into()))
            }
            b'M' => {
                let bytes = self.take()?;
                self.push(Value::Number(u16::from_le_bytes(bytes).into()))
            }
            b'J' => {
                let bytes = self.take()?;
                self.push(Value::Number(i32::from_le_bytes(bytes).into()))
            }
            0x8a => {
                let [len] = self.take()?;
                let bytes = self.bytes(len.into())?;
                self.push(Value::Number(long(bytes)?))
            }
            0x8c => {
                let [len] = self.take()?;
                self.text(len.into())
            }
            b'X' => {
                let len = u32::from_le_bytes(self.take()?);
                self.text(usize::try_from(len).unwrap_or(usize::MAX))
            }
            0x85..=0x87 => self.tuple(usize::from(code - 0x84)),
            b't' => {
                let len = self.stack.len() - self.mark()?;
                self.tuple(len)
            }
            b'C' => {
                let [len] = self.take()?;
                let bytes = self.bytes(len.into())?.to_vec();
                self.push(Value::Bytes(bytes))
            }
            b'u' => {
                let from = self.mark()?;
                let entries = self.stack.split_off(from);
                self.set(entries)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])
            }
            0x94 => self.remember(self.memo.len()),
            b'q' => {
                let [index] = self.take()?;
                self.remember(index.into())
            }
            b'h' => {
                let [index] = self.take()?;
                self.recall(index.into())
            }
            b'c' => {
                self.line()?;
                self.line()?;
                self.push(Value::Other)
            }
            // A name that is imported, a state that is set: what comes of them is passed over.
            0x93 | b'b' => {
                self.pop()?;
                self.pop()?;
                self.push(Value::Other)
            }
            b'R' => {
                let called_with = self.pop()?;
                self.pop()?;
                self.push(called(&called_with))
            }
            other => Err(format!("the pickle code 0x{other:02x}")),
        }
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], String> {
        let Some((bytes, rest)) = self.rest.split_at_checked(len) else {
            return Err("the end of the pickle".into());
        };
        self.rest = rest;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.bytes(N)?;
        Ok(bytes.try_into().expect("as many as were asked for"))
    }

    fn text(&mut self, len: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.bytes(len)?).into_owned();
        self.push(Value::Text(text))
    }

    fn line(&mut self) -> Result<(), String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        self.bytes(end.map_or(usize::MAX, |end| end + 1)).map(drop)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.made += 1;
        if self.made > VALUES_MAX {
            return Err("more than a million values".into());
        }
        self.stack.push(value);
        Ok(())
    }

    /// The last value, above the last mark.
    fn pop(&mut self) -> Result<Value, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("a pickle that takes more than it has".into());
        }
        self.stack.pop().ok_or_else(|| "nothing".into())
    }

    fn mark(&mut self) -> Result<usize, String> {
        let none = || "a pickle that ends what it did not begin".to_owned();
        self.marks.pop().ok_or_else(none)
    }

    fn tuple(&mut self, len: usize) -> Result<(), String> {
        let mut values = Vec::new();
        for _ in 0..len {
            values.push(self.pop()?);
        }
        values.reverse();
        self.shallow(&values)?;
        self.push(Value::Tuple(values))
    }

    /// Puts keys and values, one after the other, into the dictionary on top.
    fn set(&mut self, entries: Vec<Value>) -> Result<(), String> {
        self.shallow(&entries)?;
        let mut entries = entries.into_iter();
        let Some(Value::Dictionary(into)) = self.stack.last_mut() else {
            return Err("entries of no dictionary".into());
        };
        while let (Some(key), value) = (entries.next(), entries.next()) {
            let value = value.ok_or("a key without a value")?;
            into.push((key, value));
        }
        Ok(())
    }

    /// Refuses to put into one value what is deep already.
    fn shallow(&self, values: &[Value]) -> Result<(), String> {
        match values.iter().any(|value| depth(value) >= DEPTH_MAX) {
            true => Err("values too deep in each other".into()),
            false => Ok(()),
        }
    }

    fn remember(&mut self, index: usize) -> Result<(), String> {
        let value = match self.stack.last() {
            // What is remembered of a dictionary would be the same one, still to be filled.
            Some(Value::Dictionary(_)) => Value::Other,
            Some(value) => value.clone(),
            None => return Err("nothing to remember".into()),
        };
        self.count(&value)?;
        if self.memo.len() >= MEMO_MAX {
            return Err("more to remember than dask has".into());
        }
        self.memo.push((index, value));
        Ok(())
    }

    fn recall(&mut self, index: usize) -> Result<(), String> {
        let found = self.memo.iter().rev().find(|(at, _)| *at == index);
        let value = found.map(|(_, value)| value.clone());
        let value = value.ok_or("what was not remembered")?;
        self.count(&value)?;
        self.push(value)
    }

    /// Counts a copy of `value` with all that it holds.
    fn count(&mut self, value: &Value) -> Result<(), String> {
        self.made += size(value);
        if self.made > VALUES_MAX {
            return Err("more than a million values".into());
        }
        Ok(())
    }
}

/// Most values in each other: dask's are four.
const DEPTH_MAX: usize = 8;

/// How many values are in each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Tuple(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Dictionary(entries) => {
            let pairs = entries.iter().flat_map(|(key, value)| [key, value]);
            1 + pairs.map(depth).max().unwrap_or(0)
        }
        _ => 1,
    }
}

/// What a call gives: a number of numpy's, where it is made of a type and eight bytes.
fn called(with: &Value) -> Value {
    if let Value::Tuple(values) = with
        && let [Value::Other, Value::Bytes(bytes)] = values.as_slice()
        && let Ok(bytes) = bytes.as_slice().try_into()
    {
        return Value::Number(i64::from_le_bytes(bytes));
    }
    Value::Other
}

/// Values in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::Tuple(values) => values.iter().map(size).fold(1, usize::saturating_add),
        Value::Dictionary(entries) => (entries.iter())
            .map(|(key, value)| size(key) + size(value))
            .fold(1, usize::saturating_add),
        Value::Text(text) => 1 + text.len() / 64,
        Value::Bytes(bytes) => 1 + bytes.len() / 64,
        Value::Number(_) | Value::Other => 1,
    }
}

/// A whole number of so many bytes, the lowest first, the sign in the last.
fn long(bytes: &[u8]) -> Result<i64, String> {
    let sign = match bytes.last() {
        Some(last) if last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut padded = [sign; 8];
    let Some(place) = padded.get_mut(..bytes.len()) else {
        return Err("a number of more than 64 bits".into());
    };
    place.copy_from_slice(bytes);
    Ok(i64::from_le_bytes(padded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(contents: &[u8]) -> Result<DaskInfo, String> {
        DaskInfo::parse(Path::new("info"), contents).map_err(|error| error.to_string())
    }

    #[test]
    fn what_dask_wrote_is_read_and_what_is_cut_or_something_else_is_refused() {
        for (axis, chunks) in [
            (0, vec![vec![11, 11, 8], vec![120]]),
            (1, vec![vec![30], vec![50, 50, 20]]),
        ] {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/goldens/svd/dask_axis");
            let path = format!("{path}{axis}/info");
            let contents = std::fs::read(path).unwrap();
            assert_eq!(parse(&contents), Ok(DaskInfo { axis, chunks }));
            for len in 0..contents.len() {
                assert!(parse(&contents[..len]).is_err(), "{len}");
            }
        }
        let deep = [&b"\x80\x04"[..], b")", &[0x85; 100_000], b"."].concat();
        // Each holds the one before 200 times: 200^6 values if nobody counts.
        let copies = |at: u8| [&b"("[..], &[b'h', at].repeat(200), b"t\x94"].concat();
        let bomb = [
            b"K\x01\x94".to_vec(),
            (0..6).flat_map(copies).collect(),
            b".".to_vec(),
        ]
        .concat();
        let cases: [(&[u8], &str); 8] = [
            (b"notes", "the pickle code 0x6e"),
            (b"}.", "no axis"),
            (b"t.", "ends what it did not begin"),
            (b"K\x01(R.", "takes more than it has"),
            (b"(N.", "no dictionary"),
            (&deep, "too deep"),
            (&bomb, "more than a million values"),
            // {"axis": 1, "chunks": ((1, 2), (3,))}
            (
                b"}(X\x04\0\0\0axisK\x01X\x06\0\0\0chunksK\x01K\x02\x86K\x03\x85\x86u.",
                "another axis",
            ),
        ];
        for (contents, message) in cases {
            let error = parse(contents).unwrap_err();
            assert!(error.contains(message), "{error} / {message}");
        }
        // numpy.int64(7), as numpy pickles its numbers.
        let seven = b"cnumpy._core.multiarray\nscalar\nNC\x08\x07\0\0\0\0\0\0\0\x86R";
        let contents = [
            &b"}(X\x04\0\0\0axisK\x01X\x06\0\0\0chunksK\x02\x85K\x01"[..],
            seven,
            b"\x86\x86u.",
        ];
        let chunks = vec![vec![2], vec![1, 7]];
        assert_eq!(parse(&contents.concat()), Ok(DaskInfo { axis: 1, chunks }));
    }
}
