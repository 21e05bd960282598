//! A matrix on the command line: which file, how it is read, which part of it, how its rows are weighted.

use std::ops::Range;
use std::path::Path;

use super::Error;
use super::parse;
use super::reading::Reading;
use crate::gradients::{GradientMatrix, Matrix, Scaled, Select, Selection, Sketch};

/// What rows of length 1 were multiplied by, in words.
pub const UNIT_NORM: &str = "unit norm";

/// What a command takes that reads a matrix.
#[derive(clap::Args, Clone, Debug)]
pub struct MatrixArgs {
    #[command(flatten)]
    pub reading: Reading,

    /// Steps A to below B
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    pub window: Option<Range<usize>>,

    /// Every N-th of the steps
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    pub stride: usize,

    /// Parameters A to below B; may be given several times, for ranges that do not overlap
    #[arg(long, value_parser = parse::range, value_name = "A..B")]
    params: Vec<Range<usize>>,

    /// Tensors by name or by what comes before a dot, as a stream's manifest, safetensors files or --layout
    /// name them
    #[arg(long, value_delimiter = ',', conflicts_with = "params")]
    layers: Vec<String>,

    /// Scale every step's gradient to length 1 first, so that falling norms cannot pass for structure
    #[arg(long)]
    pub unit_norm: bool,

    /// Multiply every step's gradient by its learning rate, from the manifest of a stream folder
    #[arg(long, conflicts_with = "unit_norm")]
    learning_rate: bool,

    /// Do not start from the sketch that was recorded with the matrix
    #[arg(long)]
    no_sketch: bool,
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
        let mut matrix = self.reading.open()?;
        if matrix.pass_bytes() > memory {
            matrix.expect_disk();
        }
        Ok(matrix)
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.reading.matrix
    }

    /// The first of the options that were given which only a matrix itself has.
    pub fn first_of_a_matrix(&self) -> Option<&'static str> {
        let given = [
            ("--window", self.window.is_some()),
            ("--stride", self.stride != 1),
            ("--params", !self.params.is_empty()),
            ("--layers", !self.layers.is_empty()),
            ("--unit-norm", self.unit_norm),
            ("--learning-rate", self.learning_rate),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(name, _)| name)
    }

    /// Which part of the matrix.
    pub fn selection(&self, matrix: &Matrix) -> Result<Selection, Error> {
        let params = if self.layers.is_empty() {
            self.params.clone()
        } else {
            let Some(layout) = matrix.layout() else {
                let text =
                    "--layers: expected a stream folder, whose manifest names them, or --layout";
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
        Select::new(matrix, selection)
            .map_err(|error| Error::Usage(format!("--window, --params: {error}")))
    }

    /// What rows are multiplied by, in words.
    pub fn weights_name(&self) -> &'static str {
        match (self.unit_norm, self.learning_rate) {
            (true, _) => UNIT_NORM,
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
        let other_columns = !selection.params.is_empty() || self.reading.masks();
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
