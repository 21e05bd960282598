//! What training records of its gradients, each stream in its own folder of `gradients/`.
//!
//! ```text
//! total     gradient before clipping     rows sum what record.every says
//! update    what was added to theta      the same rows
//! before, inside, value, entropy         parts of the gradient of one update a row, the first of
//!                                        every record.streams_every-th iteration
//! ```

use crate::gradients::{GradientMatrix, Manifest, Matrix, Recorder};
use crate::nn::Layout;
use crate::ppo::{Part, Update};
use crate::storage::{self, Access, RunDir, run_dir};

use crate::experiment::rows::{self, Partial, RowSum};
use crate::experiment::{Config, Error};

/// Names of the streams that `config` asks for: `total`, `update`, then the parts, if any.
pub fn names(config: &Config) -> Vec<&'static str> {
    let parts = Part::ALL.map(Part::name);
    let parts = parts
        .into_iter()
        .filter(|_| config.record.streams_every > 0);
    ["total", "update"].into_iter().chain(parts).collect()
}

/// A sealed stream of a finished run of `config`, by name, and the parameters of its network.
///
/// # Errors
/// It is not there, is damaged, or has other rows or parameters than such a run records.
pub fn open(
    config: &Config,
    run: &RunDir,
    access: Access,
    (name, param_len): (&str, usize),
) -> Result<Matrix, Error> {
    let dir = run.gradients().join(name);
    let matrix = Matrix::recorded(&dir, access)?;
    let rows = match name {
        "total" | "update" => config.time_len(),
        _ => config.part_len(),
    };
    let found = (matrix.time_len() as u64, matrix.param_len());
    if found != (rows, param_len) {
        let expected = format!("{rows} rows of {param_len} parameters, as config.toml says");
        let found = format!("{} of {}", found.0, found.1);
        return Err(storage::Error::malformed(&dir, expected, found).into());
    }
    Ok(matrix)
}

/// Whether the parts of update `index`, counted from 0, are recorded.
pub fn in_parts(config: &Config, index: u64) -> bool {
    let every = config.record.streams_every;
    every > 0 && index.is_multiple_of(every.saturating_mul(config.ppo.updates_per_iteration()))
}

/// Rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lens {
    /// Of `total`.
    pub total: usize,
    /// Of `update`.
    pub update: usize,
    /// Of each part.
    pub parts: usize,
}

/// The streams of a run.
pub struct Streams {
    total: Recorder,
    update: Recorder,
    parts: Vec<Recorder>,
    /// The rows in the making, of `total` and `update`.
    sums: [RowSum; 2],
}

impl Streams {
    /// Begins all of them, on the disk.
    ///
    /// # Errors
    /// Folders that are not empty; the system's.
    pub fn create(config: &Config, run: &RunDir, layout: &Layout) -> Result<Self, Error> {
        let recorder = |name: &str, rows: u64| {
            let dir = run.gradients().join(name);
            let shard_bytes = config.record.shard_mb << 20;
            let recorder = Recorder::create(&dir, layout, rows as usize, shard_bytes)?;
            run_dir::sync_directory(&dir)?;
            Ok(recorder)
        };
        let sum = RowSum::new(config, layout.len());
        Self::new(config, recorder, [sum.clone(), sum])
    }

    /// Goes on after so many rows, and in the rows in the making of `total` and `update`.
    ///
    /// # Errors
    /// A stream that is not there or has fewer rows; the system's.
    pub fn resume(
        config: &Config,
        run: &RunDir,
        layout: &Layout,
        lens: Lens,
        partials: [Partial; 2],
    ) -> Result<Self, Error> {
        let recorder = |name: &str, rows: u64| {
            let dir = run.gradients().join(name);
            let shard_bytes = config.record.shard_mb << 20;
            let len = match name {
                "total" => lens.total,
                "update" => lens.update,
                _ => lens.parts,
            };
            let recorder = Recorder::resume(&dir, layout, rows as usize, shard_bytes, len);
            Ok(recorder?)
        };
        let sums = partials.map(|partial| RowSum::from_partial(config, partial));
        Self::new(config, recorder, sums)
    }

    /// `recorder` makes one of a stream's name and the rows it will have.
    fn new(
        config: &Config,
        recorder: impl Fn(&str, u64) -> Result<Recorder, Error>,
        sums: [RowSum; 2],
    ) -> Result<Self, Error> {
        let (rows, part_rows) = (config.time_len(), config.part_len());
        let parts = names(config).into_iter().skip(2);
        Ok(Self {
            total: recorder("total", rows)?,
            update: recorder("update", rows)?,
            parts: parts
                .map(|name| recorder(name, part_rows))
                .collect::<Result<_, _>>()?,
            sums,
        })
    }

    /// Records an update.
    ///
    /// # Errors
    /// The system's, disk full among them; numbers that are not finite.
    pub fn add(&mut self, update: &Update<'_>) -> Result<(), Error> {
        let Self {
            total: total_recorder,
            update: update_recorder,
            parts: part_recorders,
            sums: [total_sum, update_sum],
        } = self;
        let push = |recorder: &mut Recorder, sum: &mut RowSum, values: &[f32]| match sum
            .add(values, update)
        {
            Some((row, meta)) => recorder.push(row, meta),
            None => Ok(()),
        };
        let (total, applied) = rayon::join(
            || push(total_recorder, total_sum, update.gradient),
            || push(update_recorder, update_sum, update.applied),
        );
        total.and(applied)?;
        for (recorder, part) in part_recorders
            .iter_mut()
            .zip(update.parts.iter().flat_map(|p| p.iter()))
        {
            recorder.push(part, rows::alone(update))?;
        }
        Ok(())
    }

    /// Puts all rows so far on the disk, and tells their numbers.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&mut self) -> Result<Lens, Error> {
        let mut lens = Lens {
            total: self.total.sync()?,
            update: self.update.sync()?,
            parts: 0,
        };
        for recorder in &mut self.parts {
            lens.parts = recorder.sync()?;
        }
        Ok(lens)
    }

    /// The rows in the making.
    pub fn partials(&self) -> [Partial; 2] {
        [&self.sums[0], &self.sums[1]].map(|sum| sum.partial.clone())
    }

    /// Seals all; the manifests of `total` and `update`.
    ///
    /// # Errors
    /// The system's.
    pub fn seal(self) -> Result<[Manifest; 2], Error> {
        let sealed = [self.total.seal()?, self.update.seal()?];
        for recorder in self.parts {
            recorder.seal()?;
        }
        Ok(sealed)
    }
}
