//! The text of a `.npy` header: a Python dictionary literal of three known keys, in any order.
//! Tested with the rest of the header in [`npy_header`](super::npy_header).

use super::dtype::Dtype;

/// What was expected, and the text from where it was not found.
pub(super) type Unexpected<'a> = (&'static str, &'a [u8]);

/// Type, whether in Fortran order, and shape from the whole text of a header.
pub(super) fn parse(text: &[u8]) -> Result<(Dtype, bool, Vec<usize>), Unexpected<'_>> {
    Cursor(text).dictionary()
}

/// The part of the text that is still to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn dictionary(mut self) -> Result<(Dtype, bool, Vec<usize>), Unexpected<'a>> {
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "{")?;
        while !self.take(b'}') {
            let here = self.0;
            let key = self.string()?;
            self.expect(b':', "a colon")?;
            let repeated = match key {
                b"descr" => dtype.replace(self.dtype()?).is_some(),
                b"fortran_order" => fortran_order.replace(self.order()?).is_some(),
                b"shape" => shape.replace(self.shape()?).is_some(),
                _ => return Err(("one of descr, fortran_order, shape", here)),
            };
            if repeated {
                return Err(("each key once", here));
            }
            if !self.take(b',') {
                self.expect(b'}', "a comma or }")?;
                break;
            }
        }
        self.skip_space();
        if !self.0.is_empty() {
            return Err(("nothing after }", self.0));
        }
        match (dtype, fortran_order, shape) {
            (Some(dtype), Some(fortran), Some(shape)) => Ok((dtype, fortran, shape)),
            _ => Err(("all of descr, fortran_order, shape", self.0)),
        }
    }

    fn dtype(&mut self) -> Result<Dtype, Unexpected<'a>> {
        self.skip_space();
        let here = self.0;
        match self.string() {
            Ok(b"<f2") => Ok(Dtype::F16),
            Ok(b"<f4") => Ok(Dtype::F32),
            Ok(b"<f8") => Ok(Dtype::F64),
            _ => Err(("descr '<f2', '<f4' or '<f8' (little-endian floats)", here)),
        }
    }

    fn order(&mut self) -> Result<bool, Unexpected<'a>> {
        self.skip_space();
        let here = self.0;
        for (word, fortran) in [(&b"False"[..], false), (b"True", true)] {
            if let Some(rest) = here.strip_prefix(word) {
                self.0 = rest;
                return Ok(fortran);
            }
        }
        Err(("fortran_order True or False", here))
    }

    fn shape(&mut self) -> Result<Vec<usize>, Unexpected<'a>> {
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
                    return Err((closed, self.0));
                }
                break;
            }
        }
        Ok(axes)
    }

    fn integer(&mut self) -> Result<usize, Unexpected<'a>> {
        self.skip_space();
        let digits_len = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.0.split_at(digits_len);
        // As in Python; a flipped bit makes a 0 of a space.
        let is_padded = digits_len > 1 && digits[0] == b'0';
        let value = std::str::from_utf8(digits)
            .ok()
            .filter(|_| !is_padded)
            .and_then(|digits| digits.parse().ok());
        let value = value.ok_or(("an axis length of 64 bits", self.0))?;
        self.0 = rest;
        Ok(value)
    }

    fn string(&mut self) -> Result<&'a [u8], Unexpected<'a>> {
        self.skip_space();
        let here = self.0;
        let [quote @ (b'\'' | b'"'), rest @ ..] = here else {
            return Err(("a string", here));
        };
        let end = rest
            .iter()
            .position(|byte| byte == quote)
            .ok_or(("a closing quote", here))?;
        self.0 = &rest[end + 1..];
        Ok(&rest[..end])
    }

    fn skip_space(&mut self) {
        // Not a form feed, which a comma with one bit flipped is.
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let len = self.0.iter().take_while(|&byte| is_space(byte)).count();
        self.0 = &self.0[len..];
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), Unexpected<'a>> {
        if self.take(byte) {
            Ok(())
        } else {
            Err((name, self.0))
        }
    }
}
