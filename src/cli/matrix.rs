//! A matrix on the command line: which file, how it is read, which part of it, how its rows are weighted.

use std::ops::Range;
use std::path::PathBuf;

use super::Error;
use super::parse;
use super::settings::Mapping;
use crate::gradients::{self, GradientMatrix, Matrix, Reading, Scaled, Select, Selection, Sketch};
use crate::svd;

/// What a command takes that reads a matrix.
#[derive(clap::Args, Clone, Debug)]
pub struct MatrixArgs {
    /// A .npy file, a stream folder, or a folder of .npy files
    pub matrix: PathBuf,

    /// Which axis of the files is time
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..2))]
    pub time_axis: u8,

    /// The axis along which a folder of .npy files is stacked [default: the one that fits, else 0]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..2))]
    stack_axis: Option<u8>,

    /// Steps A to below B
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    pub window: Option<Range<usize>>,

    /// Every N-th of the steps
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    pub stride: usize,

    /// Parameters A to below B; may be given several times
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    params: Vec<Range<usize>>,

    /// Tensors by name or by what comes before a dot, from the manifest of a stream folder
    #[arg(long, value_delimiter = ',', conflicts_with = "params")]
    layers: Vec<String>,

    /// Scale every step's gradient to length 1 first, so that falling norms cannot pass for structure
    #[arg(long)]
    pub unit_norm: bool,

    /// Multiply every step's gradient by its learning rate, from the manifest of a stream folder
    #[arg(long, conflicts_with = "unit_norm")]
    learning_rate: bool,

    /// What to do with NaN and infinities
    #[arg(long, value_enum, default_value_t = NonFinite::Refuse)]
    non_finite: NonFinite,

    /// Do not start from the sketch that was recorded with the matrix
    #[arg(long)]
    no_sketch: bool,

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

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("expected 1 or more, found {text}")),
        Ok(number) => Ok(number),
    }
}

impl MatrixArgs {
    /// The matrix; asked of the disk where it is larger than `memory`.
    pub fn open(&self, memory: u64) -> Result<Matrix, Error> {
        let reading = Reading {
            time_axis: usize::from(self.time_axis),
            stack_axis: self.stack_axis.map(usize::from),
            mask: self.is_masked(),
            access: self.mapping.access(),
        };
        let mut matrix = Matrix::open_as(&self.matrix, reading).map_err(|error| match error {
            gradients::Error::Shape { .. } => Error::Usage(format!("--time-axis: {error}")),
            other => other.into(),
        })?;
        if matrix.pass_bytes() > memory {
            matrix.expect_disk();
        }
        Ok(matrix)
    }

    /// How its files are come by.
    pub fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// Whether what is not finite is read as 0.
    pub fn is_masked(&self) -> bool {
        self.non_finite == NonFinite::Mask
    }

    /// Which part of the matrix.
    pub fn selection(&self, matrix: &Matrix) -> Result<Selection, Error> {
        let params = if self.layers.is_empty() {
            self.params.clone()
        } else {
            let Some(layout) = matrix.layout() else {
                let text = "--layers: expected a stream folder, whose manifest names them";
                return Err(Error::Usage(text.into()));
            };
            Selection::of_layers(layout, &self.layers)
                .map_err(|error| Error::Usage(format!("--layers: {error}")))?
        };
        Ok(Selection {
            window: self.window.clone(),
            stride: self.stride,
            params,
        })
    }

    /// That part.
    pub fn select<'a>(
        &self,
        matrix: &'a Matrix,
        selection: &Selection,
    ) -> Result<Select<'a>, Error> {
        let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
        if time_len == 0 || param_len == 0 {
            return Err(svd::Error::Empty {
                time_len,
                param_len,
            }
            .into());
        }
        Select::new(matrix, selection)
            .map_err(|error| Error::Usage(format!("--window, --params: {error}")))
    }

    /// What rows are multiplied by, in words.
    pub fn weights_name(&self) -> &'static str {
        match (self.unit_norm, self.learning_rate) {
            (true, _) => "unit norm",
            (_, true) => "learning rate",
            _ => "none",
        }
    }

    /// The part with its rows weighted, where they are to be.
    pub fn weigh<'a>(
        &self,
        matrix: &Matrix,
        select: &'a Select<'_>,
    ) -> Result<Option<Scaled<'a>>, Error> {
        if self.unit_norm {
            return Ok(Some(Scaled::unit_norm(select)?));
        }
        if !self.learning_rate {
            return Ok(None);
        }
        let Some(rows) = matrix.rows() else {
            let text = "--learning-rate: expected a stream folder, whose manifest holds them";
            return Err(Error::Usage(text.into()));
        };
        let weights = select.rows().map(|row| rows.learning_rate[row]).collect();
        Ok(Some(Scaled::new(select, weights)?))
    }

    /// The recorded sketch of the part, its rows weighted as the matrix's are.
    pub fn sketch(
        &self,
        matrix: &Matrix,
        selection: &Selection,
        select: &Select<'_>,
        weighted: Option<&Scaled<'_>>,
    ) -> Result<Option<Vec<f64>>, Error> {
        let other_columns = !selection.params.is_empty() || self.is_masked();
        if self.no_sketch || other_columns {
            return Ok(None);
        }
        let Some(sketch) = Sketch::of(matrix)? else {
            return Ok(None);
        };
        let weights = weighted.map(Scaled::weights);
        Ok(Some(sketch.rows(select.rows(), weights)))
    }
}
