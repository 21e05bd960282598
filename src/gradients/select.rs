//! A part of a matrix as a matrix: a window of time, every n-th row of it, some of the parameters.
//! Nothing is copied; only what is wanted is read.

use std::ops::Range;

use super::check::check_block;
use super::{Error, GradientMatrix};
use crate::nn::layout::Layout;

/// Which part; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Rows, or all.
    pub window: Option<Range<usize>>,
    /// Every how-manieth of them, from the first on; at least 1, and 0 for 1.
    pub stride: usize,
    /// Ranges of columns that do not overlap, one after the other; none for all.
    pub params: Vec<Range<usize>>,
}

impl Selection {
    /// The parameters of the tensors whose names are one of `layers` or begin with it and a dot, in
    /// the order of the layout.
    ///
    /// # Errors
    /// A name that no tensor has.
    pub fn of_layers(layout: &Layout, layers: &[String]) -> Result<Vec<Range<usize>>, Error> {
        let named = |layer: &str, tensor: &str| {
            let rest = tensor.strip_prefix(layer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for layer in layers {
            if !layout.tensors.iter().any(|t| named(layer, &t.name)) {
                let names: Vec<&str> = layout.tensors.iter().map(|t| t.name.as_str()).collect();
                return Err(Error::shape(
                    "layer",
                    format!("one of {}", names.join(", ")),
                    layer,
                ));
            }
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for tensor in &layout.tensors {
            if !layers.iter().any(|layer| named(layer, &tensor.name)) {
                continue;
            }
            match ranges.last_mut() {
                Some(last) if last.end == tensor.range().start => last.end = tensor.range().end,
                _ => ranges.push(tensor.range()),
            }
        }
        Ok(ranges)
    }
}

impl Selection {
    /// What is left of `layout`; a tensor that is cut becomes one of a single axis.
    pub fn layout(&self, layout: &Layout) -> Layout {
        if self.params.is_empty() {
            return layout.clone();
        }
        let parts = self.params.iter().flat_map(|range| {
            layout.tensors.iter().filter_map(move |tensor| {
                let whole = tensor.range();
                let (start, end) = (whole.start.max(range.start), whole.end.min(range.end));
                let shape = match (start, end) == (whole.start, whole.end) {
                    true => tensor.shape.clone(),
                    false => vec![end.saturating_sub(start)],
                };
                (start < end).then(|| (tensor.name.clone(), shape))
            })
        });
        Layout::new(parts.collect())
    }
}

/// The part of a matrix that a [`Selection`] names.
pub struct Select<'a> {
    inner: &'a dyn GradientMatrix,
    first: usize,
    stride: usize,
    time_len: usize,
    /// Ranges of the inner columns, with the own column where each begins.
    params: Vec<(usize, Range<usize>)>,
    param_len: usize,
}

impl<'a> Select<'a> {
    /// The part of `inner`.
    ///
    /// # Errors
    /// A range that is empty or that the matrix does not have; two of parameters that overlap, whose columns
    /// would count twice.
    pub fn new(inner: &'a dyn GradientMatrix, selection: &Selection) -> Result<Self, Error> {
        let within = |what: &str, range: &Range<usize>, len: usize| {
            if range.start < range.end && range.end <= len {
                return Ok(());
            }
            let expected = format!("one within 0..{len}, not empty");
            Err(Error::shape(what, expected, format!("{range:?}")))
        };
        let window = selection.window.clone().unwrap_or(0..inner.time_len());
        if selection.window.is_some() {
            within("window", &window, inner.time_len())?;
        }
        let stride = selection.stride.max(1);
        let all = 0..inner.param_len();
        let ranges: &[Range<usize>] = if selection.params.is_empty() {
            std::slice::from_ref(&all)
        } else {
            for range in &selection.params {
                within("range of parameters", range, inner.param_len())?;
            }
            let mut sorted: Vec<&Range<usize>> = selection.params.iter().collect();
            sorted.sort_by_key(|range| range.start);
            if let Some([a, b]) = sorted.windows(2).find(|pair| pair[0].end > pair[1].start) {
                let found = format!("{a:?} and {b:?}");
                let expected = "ones that do not overlap";
                return Err(Error::shape("ranges of parameters", expected, found));
            }
            &selection.params
        };
        let mut param_len = 0;
        let params = ranges
            .iter()
            .map(|range| {
                let start = param_len;
                param_len += range.len();
                (start, range.clone())
            })
            .collect();
        Ok(Self {
            inner,
            first: window.start,
            stride,
            time_len: window.len().div_ceil(stride),
            params,
            param_len,
        })
    }

    /// Which rows of the inner matrix are taken.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.time_len).map(|row| self.first + row * self.stride)
    }

    /// Which of the ranges has this parameter.
    fn range_of(&self, param: usize) -> usize {
        self.params
            .partition_point(|(start, range)| start + range.len() <= param)
    }

    fn read_as<T: Copy + Default>(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [T],
        read: impl Fn(Range<usize>, Range<usize>, &mut [T]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        check_block(self, &rows, &params, out.len())?;
        let width = params.len();
        if width == 0 {
            return Ok(());
        }
        let first = self.range_of(params.start);
        let mut piece = Vec::new();
        for (start, range) in &self.params[first..] {
            if *start >= params.end {
                break;
            }
            let own = params.start.max(*start)..params.end.min(start + range.len());
            let inner = range.start + own.start - start..range.start + own.end - start;
            let place = own.start - params.start..own.end - params.start;
            let whole = place.len() == width;
            if self.stride == 1 {
                let inner_rows = self.first + rows.start..self.first + rows.end;
                if whole {
                    return read(inner_rows, inner, out);
                }
                piece.resize(rows.len() * place.len(), T::default());
                read(inner_rows, inner, &mut piece)?;
                let pieces = piece.chunks_exact(place.len());
                for (row, piece) in out.chunks_exact_mut(width).zip(pieces) {
                    row[place.clone()].copy_from_slice(piece);
                }
                continue;
            }
            for (row, out) in rows.clone().zip(out.chunks_exact_mut(width)) {
                let row = self.first + row * self.stride;
                read(row..row + 1, inner.clone(), &mut out[place.clone()])?;
            }
        }
        Ok(())
    }
}

impl GradientMatrix for Select<'_> {
    fn time_len(&self) -> usize {
        self.time_len
    }

    fn param_len(&self) -> usize {
        self.param_len
    }

    fn is_double(&self) -> bool {
        self.inner.is_double()
    }

    fn pass_bytes(&self) -> u64 {
        let all = self.inner.time_len() as u128 * self.inner.param_len() as u128;
        let own = self.time_len as u128 * self.param_len as u128;
        (u128::from(self.inner.pass_bytes()) * own / all.max(1)) as u64
    }

    fn read_block(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.read_as(rows, params, out, |rows, params, out| {
            self.inner.read_block(rows, params, out)
        })
    }

    fn read_block_f64(
        &self,
        rows: Range<usize>,
        params: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.read_as(rows, params, out, |rows, params, out| {
            self.inner.read_block_f64(rows, params, out)
        })
    }

    fn row_in_memory(&self, row: usize, params: &Range<usize>) -> Option<&[f32]> {
        let (start, range) = self.params.get(self.range_of(params.start))?;
        if params.end > start + range.len() {
            return None;
        }
        let inner = range.start + params.start - start..range.start + params.end - start;
        self.inner
            .row_in_memory(self.first + row * self.stride, &inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Dense;
    use super::*;

    proptest! {
        #[test]
        fn any_part_is_that_of_the_matrix(
            rows in 1usize..40, cols in 1usize..60, a in 0usize..40, b in 0usize..40,
            stride in 0usize..5, c in 0usize..60, d in 0usize..60,
        ) {
            let values: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
            let dense = Dense::new(rows, cols, values).unwrap();
            let window = a.min(b) % rows..(a.max(b) % rows + 1).max(a.min(b) % rows + 1);
            let (c, d) = (c.min(d) % cols, c.max(d) % cols);
            // Out of order, and the second and third side by side in the matrix.
            let mut params = vec![d + 1..cols, c..d, d..d + 1];
            params.retain(|range| !range.is_empty());
            let part = Selection { window: Some(window.clone()), stride, params: params.clone() };
            let select = Select::new(&dense, &part).unwrap();
            let columns: Vec<usize> = params.into_iter().flatten().collect();
            let expected: Vec<f32> = window
                .step_by(stride.max(1))
                .flat_map(|t| columns.iter().map(move |&p| (t * cols + p) as f32))
                .collect();
            let found = Dense::from_matrix(&select).unwrap();
            prop_assert_eq!(found.values(), &expected);
            prop_assert_eq!(found.param_len(), columns.len());
            // And any block of it, in double precision too.
            let block = (found.time_len() / 2..found.time_len(), columns.len() / 3..columns.len());
            let len = block.0.len() * block.1.len();
            let (mut x, mut y) = (vec![0.0; len], vec![0.0; len]);
            select.read_block_f64(block.0.clone(), block.1.clone(), &mut x).unwrap();
            found.read_block_f64(block.0, block.1, &mut y).unwrap();
            prop_assert_eq!(x, y);
        }
    }

    #[test]
    fn parts_that_are_not_there() {
        let dense = Dense::new(3, 4, vec![0.0; 12]).unwrap();
        let refused = |selection: Selection| Select::new(&dense, &selection).err().unwrap();
        let window = Selection {
            window: Some(2..4),
            ..Selection::default()
        };
        assert_eq!(
            refused(window).to_string(),
            "window: expected one within 0..3, not empty, found 2..4"
        );
        let params = Selection {
            params: vec![0..1, 3..3],
            ..Selection::default()
        };
        assert!(
            refused(params)
                .to_string()
                .starts_with("range of parameters")
        );
        let twice = Selection {
            params: vec![2..4, 0..3],
            ..Selection::default()
        };
        assert_eq!(
            refused(twice).to_string(),
            "ranges of parameters: expected ones that do not overlap, found 0..3 and 2..4"
        );
        let tensor = |name: &str, len| (name.to_owned(), vec![len]);
        let layout = Layout::new(vec![
            tensor("conv1.weight", 4),
            tensor("conv1.bias", 2),
            tensor("conv10.weight", 3),
            tensor("value", 1),
        ]);
        let of = |names: &[&str]| {
            Selection::of_layers(
                &layout,
                &names.iter().map(|n| n.to_string()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(of(&["value", "conv1"]).unwrap(), [0..6, 9..10]);
        assert_eq!(of(&["conv1.bias", "value"]).unwrap(), [4..6, 9..10]);
        let text = of(&["conv2"]).unwrap_err().to_string();
        assert!(text.ends_with("value, found conv2"), "{text}");
    }
}
