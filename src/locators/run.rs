//! A training run, as far as locators may look.

use std::sync::Arc;

use super::decompositions::{Columns, Decomposed, Decompositions, Recorded};
use super::error::Error;
use crate::ablate::{Rate, Tasks};
use crate::gradients::GradientMatrix;
use crate::nn::{Layout, Policy};

/// One recorded stream.
#[derive(Clone, Copy)]
pub struct Stream<'a> {
    /// Time x parameters.
    pub matrix: &'a dyn GradientMatrix,
    /// The middle of each row's updates, as a share of training.
    pub tau: &'a [f64],
}

/// The recorded streams; only `total` is always there.
#[derive(Clone, Copy)]
pub struct Streams<'a> {
    /// The loss's gradient.
    pub total: Stream<'a>,
    /// What was added to the parameters.
    pub update: Option<Stream<'a>>,
    /// Gradient of the policy loss.
    pub policy: Option<Stream<'a>>,
    /// Of it, the part of transitions that begin outside of the region.
    pub before: Option<Stream<'a>>,
    /// Of it, the part of transitions that begin in the region.
    pub inside: Option<Stream<'a>>,
    /// Gradient of the value loss.
    pub value: Option<Stream<'a>>,
    /// Gradient of the entropy term.
    pub entropy: Option<Stream<'a>>,
}

impl<'a> Streams<'a> {
    /// Of a run that recorded nothing else.
    pub fn only(total: Stream<'a>) -> Self {
        Self {
            total,
            update: None,
            policy: None,
            before: None,
            inside: None,
            value: None,
            entropy: None,
        }
    }

    /// One of them, if it was recorded.
    pub fn get(&self, recorded: Recorded) -> Option<Stream<'a>> {
        match recorded {
            Recorded::Total => Some(self.total),
            Recorded::Update => self.update,
            Recorded::Policy => self.policy,
            Recorded::Before => self.before,
            Recorded::Inside => self.inside,
            Recorded::Value => self.value,
            Recorded::Entropy => self.entropy,
        }
    }
}

/// What a policy does, for those locators that are shown it.
#[derive(Clone, Copy)]
pub struct Behaviour<'a> {
    /// The network with theta_T.
    pub policy: Policy<'a>,
    /// States of the situations on discovery levels with their right moves.
    pub probes: &'a [Probe],
    /// Discovery levels, for those that look at effects.
    pub tasks: &'a Tasks,
}

/// States that ask for one behaviour, with the moves that are it.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Which behaviour.
    pub rate: Rate,
    /// `(states, world, world, 3)` of 0 and 1.
    pub observations: Vec<u8>,
    /// The actions that take the mouse one step nearer to its end, one bit an action, one a state.
    pub right: Vec<u16>,
}

/// A training run, as far as locators may look.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Names and places of the tensors.
    pub layout: &'a Layout,
    /// theta_0.
    pub theta_0: &'a [f32],
    /// theta_T.
    pub theta: &'a [f32],
    /// Share of training and parameters of each checkpoint, theta_0 first and theta_T last.
    pub checkpoints: &'a [(f64, Vec<f32>)],
    /// The recorded streams.
    pub streams: Streams<'a>,
    /// Decompositions of the streams, made when first asked for.
    pub decompositions: &'a Decompositions,
    /// t_corner as a share of training, where the phases were measured.
    pub t_corner: Option<f64>,
    /// What the policy does; absent where there are only matrices.
    pub behaviour: Option<Behaviour<'a>>,
    /// Components that decompositions have.
    pub rank: usize,
    /// Seed of all random draws.
    pub seed: u64,
}

impl Run<'_> {
    /// theta_T - theta_0.
    pub fn displacement(&self) -> Vec<f32> {
        let pairs = self.theta.iter().zip(self.theta_0);
        pairs.map(|(&theta, &theta_0)| theta - theta_0).collect()
    }

    /// As many of the checkpoints, evenly spaced, both ends among them: what is asked at each takes time and memory.
    pub fn spaced_checkpoints(&self, most: usize) -> Vec<&(f64, Vec<f32>)> {
        let len = self.checkpoints.len();
        let kept = most.max(2).min(len);
        let place = |i: usize| i * (len - 1) / (kept - 1).max(1);
        (0..kept).map(|i| &self.checkpoints[place(i)]).collect()
    }

    /// The decomposition of a stream, if it was recorded.
    ///
    /// # Errors
    /// Those of [`Decomposed::of`].
    pub fn decomposed(
        &self,
        recorded: Recorded,
        columns: Columns,
    ) -> Result<Option<Arc<Decomposed>>, Error> {
        let Some(stream) = self.streams.get(recorded) else {
            return Ok(None);
        };
        if let Some(made) = self.decompositions.get((recorded, columns)) {
            return Ok(Some(made));
        }
        // Not under the lock: a thread that waits for its part of this work may take up another
        // locator, which asks for the lock itself. Made twice, both have the same bits.
        let made = Decomposed::of(stream.matrix, columns, self.rank, self.seed)?;
        Ok(Some(self.decompositions.provide(recorded, columns, made)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locators::planted::{PLANTS, Planted};

    #[test]
    fn spaced_checkpoints_have_both_ends_and_no_more_than_asked() {
        let planted = Planted::new(&PLANTS[0], 1);
        let run = planted.run();
        let all: Vec<f64> = run.checkpoints.iter().map(|(share, _)| *share).collect();
        let spaced = |most| -> Vec<f64> {
            let kept = run.spaced_checkpoints(most).into_iter();
            kept.map(|(share, _)| *share).collect()
        };
        assert_eq!(spaced(all.len()), all);
        assert_eq!(spaced(1000), all);
        assert_eq!(spaced(2), [0.0, 1.0]);
        let some = spaced(11);
        assert_eq!((some.len(), some[0], some[10]), (11, 0.0, 1.0));
        let none = Run {
            checkpoints: &run.checkpoints[..1],
            ..run
        };
        assert_eq!(none.spaced_checkpoints(5).len(), 1);
    }
}
