//! Directions taken out of training: off every gradient before the optimiser, or off every update
//! after it.
//!
//! `x - Q Q^T x` for an orthonormal Q of k columns; sums run over parameters in one order, in f64.
//! Cost: 2 k multiply-adds a parameter and update. Where Q is some columns of the identity, these parameters are
//! held: their entries become 0.

use crate::numeric::sum::dot;

/// Where in an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum When {
    /// Off the gradient that the optimiser sees.
    #[serde(rename = "before the optimiser")]
    BeforeOptimizer,
    /// Off what is added to the parameters.
    #[serde(rename = "after the optimiser")]
    AfterOptimizer,
}

impl When {
    /// "before the optimiser" or "after the optimiser".
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeOptimizer => "before the optimiser",
            Self::AfterOptimizer => "after the optimiser",
        }
    }
}

/// What is taken out, and where.
#[derive(Clone, Debug)]
pub struct Projection {
    basis: Vec<Vec<f32>>,
    held: Vec<usize>,
    when: When,
}

impl Projection {
    /// Of an orthonormal basis.
    pub fn new(basis: &[Vec<f64>], when: When) -> Self {
        let single = |q: &Vec<f64>| q.iter().map(|&x| x as f32).collect();
        Self {
            basis: basis.iter().map(single).collect(),
            held: Vec::new(),
            when,
        }
    }

    /// Of single parameters, which do not move: taken out before the optimiser, so that its moments are 0 there.
    pub fn holding(held: Vec<usize>) -> Self {
        Self {
            basis: Vec::new(),
            held,
            when: When::BeforeOptimizer,
        }
    }

    /// Takes the directions off `values`, one a parameter, where this is the place. Whether it is.
    pub fn apply(&self, when: When, values: &mut [f32]) -> bool {
        if when != self.when {
            return false;
        }
        self.held.iter().for_each(|&index| values[index] = 0.0);
        for q in &self.basis {
            let share = dot(q, values);
            for (x, &q) in values.iter_mut().zip(q) {
                *x = (f64::from(*x) - share * f64::from(q)) as f32;
            }
        }
        true
    }
}
