//! What every command takes that opens a matrix which may be anyone's.

use std::path::PathBuf;

use clap::Args;

use crate::gradients::{self, GradientMatrix, Layout, Matrix, Selection, layout_file};
use crate::storage;

use super::Error;
use super::progress;
use super::settings::Mapping;

/// Which matrix, and how it is read.
#[derive(Args, Clone, Debug)]
pub struct Reading {
    /// A .npy file, or a folder: of a stream, of .npy files side by side, or of one step a file
    pub matrix: PathBuf,

    /// Which axis of the files is time [default: 0]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..2))]
    time_axis: Option<u8>,

    /// The axis along which a folder of .npy files is stacked [default: what dask's info says, or the only
    /// one that fits]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..2))]
    stack_axis: Option<u8>,

    /// The names of the parameters: a JSON list of the tensors in the order of the columns, such as
    /// [["conv.weight", [40, 50]], ["conv.bias", [50]]]
    #[arg(long, value_name = "FILE")]
    layout: Option<PathBuf>,

    /// What to do with NaN and infinities
    #[arg(long, value_enum, default_value_t = NonFinite::Refuse)]
    non_finite: NonFinite,

    #[command(flatten)]
    mapping: Mapping,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum NonFinite {
    /// An error that names file, row and column
    Refuse,
    /// Read as 0, and counted in the certificate
    Mask,
}

impl Reading {
    /// The axis of the files that is time.
    pub fn time_axis(&self) -> usize {
        usize::from(self.time_axis.unwrap_or(0))
    }

    /// How the bytes of files are come by.
    pub fn access(&self) -> storage::Access {
        self.mapping.access()
    }

    /// Whether what is not finite is read as 0.
    pub fn masks(&self) -> bool {
        self.non_finite == NonFinite::Mask
    }

    /// Opens the matrix, with its layout where one is given. What looks like swapped axes is told.
    ///
    /// # Errors
    /// Those of opening and of the layout; a matrix without rows or columns.
    pub fn open(&self) -> Result<Matrix, Error> {
        let reading = gradients::Reading {
            time_axis: self.time_axis(),
            stack_axis: self.stack_axis.map(usize::from),
            mask: self.masks(),
            access: self.mapping.access(),
        };
        let opened = Matrix::open_as(&self.matrix, reading).map_err(|error| match error {
            gradients::Error::Shape { .. } => {
                Error::Usage(format!("--time-axis, --stack-axis: {error}"))
            }
            other => other.into(),
        })?;
        let (time_len, param_len) = (opened.time_len(), opened.param_len());
        if time_len == 0 || param_len == 0 {
            let expected = "at least one step and one parameter";
            let found = format!("{time_len} steps x {param_len} parameters");
            return Err(storage::Error::malformed(&self.matrix, expected, found).into());
        }
        let tail = self.matrix.join("tail.part");
        if storage::exists(&tail)? {
            progress::line(&format!(
                "note: {} may hold further steps: they are still being recorded, or the recorder was killed and \
                 `python -m gouda_record finish {}` brings them in",
                tail.display(),
                self.matrix.display()
            ));
        }
        let is_named = opened.layout().is_some();
        if time_len > param_len && self.time_axis.is_none() && !is_named {
            progress::line(&format!(
                "note: {time_len} steps of only {param_len} parameters; if the files are parameters x \
                 time, give --time-axis 1 (and --time-axis 0 if they are not, to be rid of this line)"
            ));
        }
        match &self.layout {
            None => Ok(opened),
            Some(path) => self.named(opened, path),
        }
    }

    /// The layout of --layout, of so many parameters, or of all of which they are these.
    ///
    /// # Errors
    /// It cannot be read, or is of another number of them.
    pub fn layout(&self, selection: &Selection, param_len: usize) -> Result<Option<Layout>, Error> {
        let Some(path) = &self.layout else {
            return Ok(None);
        };
        let mut layout = layout_file::load(path)?;
        let last = selection.params.iter().map(|range| range.end).max();
        if layout.len() != param_len && last.is_some_and(|last| last <= layout.len()) {
            layout = selection.layout(&layout);
        }
        if layout.len() != param_len {
            let expected = format!("tensors of {param_len} parameters");
            return Err(storage::Error::malformed(path, expected, layout.len().to_string()).into());
        }
        Ok(Some(layout))
    }

    fn named(&self, matrix: Matrix, path: &std::path::Path) -> Result<Matrix, Error> {
        let layout = layout_file::load(path)?;
        matrix.with_layout(layout).map_err(|error| match error {
            gradients::Error::Shape {
                expected, found, ..
            } => {
                let expected = format!("{expected} ({})", self.matrix.display());
                storage::Error::malformed(path, expected, found).into()
            }
            other => other.into(),
        })
    }
}
