//! The text of a `.npy` header: a Python dictionary literal of three known keys, in any order.
//! Tested with the rest of the header in [`npy_header`](super::npy_header).

use super::dtype::{self, Dtype};

/// What was expected, and what stands there instead.
pub(super) type Unexpected = (&'static str, String);

/// What a header says.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub(super) dtype: Dtype,
    /// Whether the type is spelled as numpy spells it when it writes.
    pub(super) is_plain: bool,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// Reads the whole text of a header. In one of `python2`, a whole number may end in L.
pub(super) fn parse(text: &[u8], python2: bool) -> Result<Dictionary, Unexpected> {
    Cursor {
        rest: text,
        python2,
    }
    .dictionary()
}

struct Cursor<'a> {
    /// The part of the text that is still to be read.
    rest: &'a [u8],
    python2: bool,
}

/// The first bytes, readable, for a message.
pub(super) fn begins(bytes: &[u8]) -> String {
    match bytes {
        [] => "the end".into(),
        _ => format!("\"{}\"", bytes[..bytes.len().min(24)].escape_ascii()),
    }
}

impl<'a> Cursor<'a> {
    fn dictionary(mut self) -> Result<Dictionary, Unexpected> {
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "{")?;
        while !self.take(b'}') {
            let here = self.rest;
            let key = self.string()?;
            self.expect(b':', "a colon")?;
            let repeated = match key {
                b"descr" => dtype.replace(self.dtype()?).is_some(),
                b"fortran_order" => fortran_order.replace(self.order()?).is_some(),
                b"shape" => shape.replace(self.shape()?).is_some(),
                _ => return Err(("one of descr, fortran_order, shape", begins(here))),
            };
            if repeated {
                return Err(("each key once", begins(here)));
            }
            if !self.take(b',') {
                self.expect(b'}', "a comma or }")?;
                break;
            }
        }
        self.skip_space();
        if !self.rest.is_empty() {
            return Err(("nothing after }", begins(self.rest)));
        }
        match (dtype, fortran_order, shape) {
            (Some((dtype, is_plain)), Some(fortran_order), Some(shape)) => Ok(Dictionary {
                dtype,
                is_plain,
                fortran_order,
                shape,
            }),
            _ => Err(("all of descr, fortran_order, shape", begins(self.rest))),
        }
    }

    /// The type, and whether it is spelled as numpy spells it.
    fn dtype(&mut self) -> Result<(Dtype, bool), Unexpected> {
        const EXPECTED: &str = "little-endian floats, '<f2', '<f4' or '<f8',";
        self.skip_space();
        if self.rest.starts_with(b"[") {
            return Err((EXPECTED, "a structured type, of named fields".into()));
        }
        if self.rest.starts_with(b"(") {
            return Err((EXPECTED, "several numbers an entry".into()));
        }
        let descr = self.string()?.escape_ascii().to_string();
        match Dtype::of_descr(&descr) {
            Some(dtype) => Ok((dtype, descr == dtype.descr())),
            None => {
                let kind = dtype::in_words(&descr);
                Err((EXPECTED, format!("'{descr}', {kind}")))
            }
        }
    }

    fn order(&mut self) -> Result<bool, Unexpected> {
        self.skip_space();
        let here = self.rest;
        for (word, fortran) in [(&b"False"[..], false), (b"True", true)] {
            if let Some(rest) = here.strip_prefix(word) {
                self.rest = rest;
                return Ok(fortran);
            }
        }
        Err(("fortran_order True or False", begins(here)))
    }

    fn shape(&mut self) -> Result<Vec<usize>, Unexpected> {
        let mut axes = Vec::new();
        self.expect(b'(', "a shape in parentheses")?;
        while !self.take(b')') {
            axes.push(self.integer()?);
            if !self.take(b',') {
                // In Python `(3)` is a number and not a shape.
                let closed = if axes.len() == 1 {
                    "a comma"
                } else {
                    "a comma or )"
                };
                if axes.len() == 1 || !self.take(b')') {
                    return Err((closed, begins(self.rest)));
                }
                break;
            }
        }
        Ok(axes)
    }

    fn integer(&mut self) -> Result<usize, Unexpected> {
        self.skip_space();
        let digits_len = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at(digits_len);
        // As in Python; a flipped bit makes a 0 of a space.
        let is_padded = digits_len > 1 && digits[0] == b'0';
        let value = std::str::from_utf8(digits)
            .ok()
            .filter(|_| !is_padded)
            .and_then(|digits| digits.parse().ok());
        let value = value.ok_or_else(|| ("an axis length of 64 bits", begins(self.rest)))?;
        self.rest = match rest {
            [b'L', after @ ..] if self.python2 => after,
            _ => rest,
        };
        Ok(value)
    }

    fn string(&mut self) -> Result<&'a [u8], Unexpected> {
        self.skip_space();
        let here = self.rest;
        // Python 2 marks text that is not bytes.
        let [quote @ (b'\'' | b'"'), rest @ ..] = here.strip_prefix(b"u").unwrap_or(here) else {
            return Err(("a string", begins(here)));
        };
        let end = rest
            .iter()
            .position(|byte| byte == quote)
            .ok_or_else(|| ("a closing quote", begins(here)))?;
        self.rest = &rest[end + 1..];
        Ok(&rest[..end])
    }

    fn skip_space(&mut self) {
        // Not a form feed, which a comma with one bit flipped is.
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let len = self.rest.iter().take_while(|&byte| is_space(byte)).count();
        self.rest = &self.rest[len..];
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), Unexpected> {
        if self.take(byte) {
            Ok(())
        } else {
            Err((name, begins(self.rest)))
        }
    }
}
