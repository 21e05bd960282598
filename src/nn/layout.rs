//! Where each tensor lies in the flat parameter vector theta.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// One tensor of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its name, "conv1.weight".
    pub name: String,
    /// Lengths of its axes, slowest first; none for a scalar.
    pub shape: Vec<usize>,
    /// Index in theta of its first entry.
    pub offset: usize,
}

impl Tensor {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its place in theta.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// The tensors of a network, one after the other without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Layout {
    /// In the order of theta.
    pub tensors: Vec<Tensor>,
}

/// A layout as it stands in a file, before anything is believed of it.
#[derive(Deserialize)]
struct Unchecked {
    tensors: Vec<Tensor>,
}

impl TryFrom<Unchecked> for Layout {
    type Error = String;

    fn try_from(unchecked: Unchecked) -> Result<Self, String> {
        let mut end = 0usize;
        for tensor in &unchecked.tensors {
            if tensor.offset != end {
                let Tensor { name, offset, .. } = tensor;
                return Err(format!(
                    "tensor {name} at {offset}, where {end} was expected"
                ));
            }
            let len = tensor
                .shape
                .iter()
                .try_fold(1usize, |len, &axis| len.checked_mul(axis));
            end = len.and_then(|len| end.checked_add(len)).ok_or_else(|| {
                format!("tensor {} is too large: {:?}", tensor.name, tensor.shape)
            })?;
        }
        Ok(Self {
            tensors: unchecked.tensors,
        })
    }
}

impl Layout {
    /// Lays the tensors, by name and shape, one after the other.
    pub fn new(tensors: Vec<(String, Vec<usize>)>) -> Self {
        let mut offset = 0;
        let place = |(name, shape)| {
            let tensor = Tensor {
                name,
                shape,
                offset,
            };
            offset += tensor.len();
            tensor
        };
        Self {
            tensors: tensors.into_iter().map(place).collect(),
        }
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.tensors.last().map_or(0, |last| last.range().end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor that holds parameter `index` of theta, and the parameter's index within it.
    ///
    /// # Panics
    /// `index` is not below [`len`](Self::len).
    pub fn locate(&self, index: usize) -> (&Tensor, usize) {
        assert!(index < self.len(), "parameter {index} of {}", self.len());
        // The last one that begins at or before it: tensors without entries lie before that.
        let after = self
            .tensors
            .partition_point(|tensor| tensor.offset <= index);
        let tensor = &self.tensors[after - 1];
        (tensor, index - tensor.offset)
    }

    /// The first of `values`, one a parameter, that is NaN or infinite: its place, as in
    /// `conv1.weight[7]`, and itself.
    pub fn first_not_finite(&self, values: &[f32]) -> Option<(String, f32)> {
        let index = values.iter().position(|value| !value.is_finite())?;
        let (tensor, within) = self.locate(index);
        Some((format!("{}[{within}]", tensor.name), values[index]))
    }

    /// The place in theta of the tensor `name`.
    pub fn range(&self, name: &str) -> Option<Range<usize>> {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .map(Tensor::range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let shapes: [(&str, &[usize]); 4] =
            [("a", &[2, 3]), ("none", &[0]), ("s", &[]), ("b", &[4])];
        Layout::new(
            shapes
                .iter()
                .map(|(n, s)| ((*n).to_owned(), s.to_vec()))
                .collect(),
        )
    }

    #[test]
    fn every_parameter_has_its_place() {
        let layout = layout();
        assert_eq!(layout.len(), 11);
        let mut located = Vec::new();
        for index in 0..11 {
            let (tensor, within) = layout.locate(index);
            located.push(format!("{}{within}", tensor.name));
        }
        assert_eq!(located.join(" "), "a0 a1 a2 a3 a4 a5 s0 b0 b1 b2 b3");
        assert_eq!(layout.range("b"), Some(7..11));
        assert_eq!(layout.range("c"), None);
        assert_eq!(Layout::new(vec![]).len(), 0);
        let mut values = [0.0; 11];
        assert_eq!(layout.first_not_finite(&values), None);
        values[8..].fill(f32::NEG_INFINITY);
        let expected = ("b[1]".to_owned(), f32::NEG_INFINITY);
        assert_eq!(layout.first_not_finite(&values), Some(expected));
    }

    #[test]
    fn layouts_from_files_are_checked() {
        let json = serde_json::to_string(&layout()).unwrap();
        assert_eq!(serde_json::from_str::<Layout>(&json).unwrap(), layout());
        for (from, to, message) in [
            (
                "\"offset\":7",
                "\"offset\":8",
                "tensor b at 8, where 7 was expected",
            ),
            ("[2,3]", "[4294967296,4294967296]", "tensor a is too large"),
            ("[4]", "[18446744073709551610]", "tensor b is too large"),
        ] {
            let error = serde_json::from_str::<Layout>(&json.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
