//! Lines of comma-separated cells.

use std::fmt::Write;

use crate::findings::Over;

/// Lines of cells.
pub struct Rows(pub String);

impl Rows {
    /// With these headings.
    pub fn new(headings: &[&str]) -> Self {
        let mut rows = Self(String::new());
        rows.push(headings.iter().map(|&heading| Cell::from(heading)));
        rows
    }

    /// One more line.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for (at, cell) in cells.into_iter().enumerate() {
            let _ = write!(self.0, "{}{}", if at == 0 { "" } else { "," }, cell.0);
        }
        self.0.push('\n');
    }
}

/// One cell.
pub struct Cell(String);

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        let is_plain = !text.contains([',', '"', '\n', '\r']);
        Self(match is_plain {
            true => text.into(),
            false => format!("\"{}\"", text.replace('"', "\"\"")),
        })
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self(match value.is_finite() {
            true => format!("{}", (value * 1e6).round() / 1e6 + 0.0),
            false => String::new(),
        })
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Self(value.to_string())
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self(u8::from(value).to_string())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(String::new()), Into::into)
    }
}

/// Mean and interval.
pub fn three(over: Option<&Over>) -> [Cell; 3] {
    let interval = over.and_then(|over| over.interval);
    [
        over.map(|over| over.mean).into(),
        interval.map(|ends| ends.0).into(),
        interval.map(|ends| ends.1).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_whatever_is_in_it() {
        let mut rows = Rows::new(&["a", "b"]);
        rows.push(["x, \"y\"".into(), f64::NAN.into()]);
        rows.push([0.1234567.into(), Some(true).into()]);
        rows.push([(-1e-9).into(), None::<f64>.into()]);
        assert_eq!(rows.0, "a,b\n\"x, \"\"y\"\"\",\n0.123457,1\n0,\n");
    }
}
