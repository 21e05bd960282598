//! What is kept of the training of a plant: gradients and updates summed to rows, and checkpoints.

use crate::experiment::grid::is_due;

/// Checkpoints of one stage, after its first.
const CHECKPOINTS: u64 = 20;

/// One stage of training, as it was recorded.
#[derive(Clone, Debug)]
pub struct Log {
    /// Updates that the stage has.
    pub total: u64,
    /// Updates of a row: the same in all stages, so that rows are an even axis of time.
    every: u64,
    /// Updates made.
    pub made: u64,
    /// Row by row: the updates before its middle, the gradient's sum, and what was added to the parameters.
    pub rows: Vec<(f64, Vec<f32>, Vec<f32>)>,
    /// Updates made, and parameters.
    pub checkpoints: Vec<(u64, Vec<f32>)>,
    /// The parameters after the last update.
    pub params: Vec<f32>,
}

impl Log {
    /// Of a stage of so many updates that begins with these parameters; rows are of `every` of them.
    pub fn new(total: u64, every: u64, params: &[f32]) -> Self {
        Self {
            total,
            every,
            made: 0,
            rows: Vec::new(),
            checkpoints: vec![(0, params.to_vec())],
            params: params.to_vec(),
        }
    }

    /// Adds an update: the gradient, what it added to the parameters, and the parameters after it.
    pub fn add(&mut self, gradient: &[f32], applied: &[f32], params: &[f32]) {
        if self.made.is_multiple_of(self.every) {
            let middle = self.made as f64 + 0.5 * self.every.min(self.total - self.made) as f64;
            let zeros = vec![0.0; gradient.len()];
            self.rows.push((middle, zeros.clone(), zeros));
        }
        let Some((_, gradients, updates)) = self.rows.last_mut() else {
            return;
        };
        for (sums, values) in [(gradients, gradient), (updates, applied)] {
            sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
        }
        self.made += 1;
        self.params.copy_from_slice(params);
        if is_due(self.made, CHECKPOINTS, self.total) {
            self.checkpoints.push((self.made, params.to_vec()));
        }
    }
}
