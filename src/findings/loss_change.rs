//! Which tensors learnt which behaviour when: loss change allocation, as it is written and read.

use serde::{Deserialize, Serialize};

use super::sound::{Contradiction, Sound, len};
use crate::ablate::Rate;
use crate::nn::Layout;

/// What every tensor's movement did to the behaviours, window of time by window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LossChange {
    /// The ends of the windows, as shares of training.
    pub tau: Vec<f64>,
    /// Behaviour by behaviour.
    pub behaviours: Vec<BehaviourLearnt>,
    /// Terms of the SVD, largest first; with signs.
    pub svd: Vec<LearntTogether>,
    /// Terms of the non-negative factorisation of what was learnt, largest first.
    pub factors: Vec<LearntTogether>,
    /// Seconds that the allocation took, its factorisations aside.
    pub seconds: f64,
}

/// One behaviour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BehaviourLearnt {
    /// Which, by the rate that measures it.
    pub rate: Rate,
    /// States it was asked for in.
    pub states: usize,
    /// Its mean log-probability (of the compass: logits) in them before and after training.
    pub ends: (f64, f64),
    /// Sum of the sizes of its changes between checkpoints.
    pub variation: f64,
    /// Share of that by which the parts do not add up, with gradients at checkpoints alone.
    pub coarse_error: f64,
    /// The same with all gradients.
    pub error: f64,
    /// Gradients computed.
    pub points: usize,
    /// What a tensor's movement in a window added, `[tensor][window]`.
    pub by_tensor: Vec<Vec<f64>>,
}

/// What was learnt together: a term of a factorisation over behaviours, windows and parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LearntTogether {
    /// Its share of what was taken apart: of the SVD of squares, of the non-negative one of the sum of its terms.
    pub share: f64,
    /// Its share on every behaviour, in the order of the behaviours; of the SVD of squares, with the sign of its sum.
    pub by_behaviour: Vec<f64>,
    /// Its course over the windows; of the SVD summed over behaviours.
    pub course: Vec<f64>,
    /// Its share in every tensor; of the SVD of squares.
    pub by_tensor: Vec<f64>,
}

/// How far the parts add up, without the parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LossChangeBrief {
    /// The behaviours.
    pub rates: Vec<Rate>,
    /// Errors with gradients at checkpoints alone, behaviour by behaviour.
    pub coarse_errors: Vec<f64>,
    /// Errors with all gradients.
    pub errors: Vec<f64>,
    /// Gradients computed for each behaviour.
    pub points: Vec<usize>,
    /// Share of every tensor in the rise of each behaviour, `[behaviour][tensor]`: zeros where nothing rose.
    pub by_tensor: Vec<Vec<f64>>,
    /// Seconds it took.
    pub seconds: f64,
}

impl BehaviourLearnt {
    /// By how much the behaviour rose from the first to the last checkpoint.
    pub fn rise(&self) -> f64 {
        self.ends.1 - self.ends.0
    }
}

impl LossChange {
    /// How far the parts add up.
    pub fn brief(&self) -> LossChangeBrief {
        let all = self.behaviours.iter();
        let shares = |one: &BehaviourLearnt| -> Vec<f64> {
            let sums: Vec<f64> = one.by_tensor.iter().map(|row| row.iter().sum()).collect();
            let whole: f64 = sums.iter().sum();
            let share = |sum: f64| if whole > 0.0 { sum / whole } else { 0.0 };
            sums.into_iter().map(share).collect()
        };
        LossChangeBrief {
            rates: all.clone().map(|one| one.rate).collect(),
            coarse_errors: all.clone().map(|one| one.coarse_error).collect(),
            errors: all.clone().map(|one| one.error).collect(),
            points: all.clone().map(|one| one.points).collect(),
            by_tensor: all.map(shares).collect(),
            seconds: self.seconds,
        }
    }
}

/// Numbers that are all finite.
fn finite<'a>(what: &str, mut numbers: impl Iterator<Item = &'a f64>) -> Option<Contradiction> {
    let wrong = numbers.find(|number| !number.is_finite())?;
    Some((format!("finite numbers in {what}"), wrong.to_string()))
}

impl Sound for LossChange {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (windows, tensors) = (self.tau.len(), layout.tensors.len());
        let rows = |one: &BehaviourLearnt| {
            let mut rows = one.by_tensor.iter();
            let numbers = [
                one.ends.0,
                one.ends.1,
                one.variation,
                one.coarse_error,
                one.error,
            ];
            len("by_tensor of a behaviour", one.by_tensor.len(), tensors)
                .or_else(|| rows.find_map(|row| len("windows of a tensor", row.len(), windows)))
                .or_else(|| finite("a behaviour", numbers.iter()))
                .or_else(|| finite("by_tensor of a behaviour", one.by_tensor.iter().flatten()))
        };
        let terms = |one: &LearntTogether| {
            let behaviours = self.behaviours.len();
            let parts = [&one.by_behaviour, &one.course, &one.by_tensor];
            len("by_behaviour of a term", one.by_behaviour.len(), behaviours)
                .or_else(|| len("course of a term", one.course.len(), windows))
                .or_else(|| len("by_tensor of a term", one.by_tensor.len(), tensors))
                .or_else(|| finite("a term", parts.into_iter().flatten().chain([&one.share])))
        };
        finite("tau", self.tau.iter())
            .or_else(|| self.behaviours.iter().find_map(rows))
            .or_else(|| self.svd.iter().chain(&self.factors).find_map(terms))
    }
}

impl Sound for LossChangeBrief {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (behaviours, tensors) = (self.rates.len(), layout.tensors.len());
        len("coarse_errors", self.coarse_errors.len(), behaviours)
            .or_else(|| len("errors", self.errors.len(), behaviours))
            .or_else(|| len("points", self.points.len(), behaviours))
            .or_else(|| len("by_tensor of behaviours", self.by_tensor.len(), behaviours))
            .or_else(|| {
                let mut rows = self.by_tensor.iter();
                rows.find_map(|row| len("by_tensor of a behaviour", row.len(), tensors))
            })
            .or_else(|| finite("errors", self.coarse_errors.iter().chain(&self.errors)))
            .or_else(|| finite("by_tensor of a behaviour", self.by_tensor.iter().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let tensors = ["a", "b"].map(|name| (name.to_owned(), vec![2]));
        Layout::new(tensors.into())
    }

    fn example() -> LossChange {
        let term = || LearntTogether {
            share: 0.6,
            by_behaviour: vec![1.0],
            course: vec![0.2, 0.3, 0.5],
            by_tensor: vec![0.5, 0.5],
        };
        LossChange {
            tau: vec![0.3, 0.6, 1.0],
            behaviours: vec![BehaviourLearnt {
                rate: Rate::Corner,
                states: 8,
                ends: (-2.0, -1.0),
                variation: 1.5,
                coarse_error: 0.2,
                error: 0.04,
                points: 30,
                by_tensor: vec![vec![0.5, 0.25, 0.0], vec![0.5, -0.25, 0.0]],
            }],
            svd: vec![term()],
            factors: vec![term(), term()],
            seconds: 1.0,
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_name() {
        let layout = layout();
        let good = example();
        assert_eq!(good.contradiction(&layout), None);
        let brief = good.brief();
        assert_eq!(brief.contradiction(&layout), None);
        assert_eq!(brief.by_tensor, [[0.75, 0.25]]);
        assert_eq!(good.behaviours[0].rise(), 1.0);
        let refused = |change: &dyn Fn(&mut LossChange), expected: &str| {
            let mut wrong = example();
            change(&mut wrong);
            let (said, _) = wrong.contradiction(&layout).expect(expected);
            assert!(said.contains(expected), "{said}");
        };
        refused(
            &|l| l.behaviours[0].by_tensor.truncate(1),
            "by_tensor of a behaviour",
        );
        refused(
            &|l| l.behaviours[0].by_tensor[1].truncate(1),
            "windows of a tensor",
        );
        refused(&|l| l.behaviours[0].by_tensor[1][2] = f64::NAN, "finite");
        refused(&|l| l.behaviours[0].ends.1 = f64::INFINITY, "finite");
        refused(&|l| l.factors[1].course.truncate(1), "course of a term");
        refused(&|l| l.svd[0].by_behaviour.clear(), "by_behaviour of a term");
        refused(&|l| l.svd[0].by_tensor.push(0.0), "by_tensor of a term");
        refused(&|l| l.factors[0].share = f64::NAN, "finite");
        refused(&|l| l.tau[0] = f64::NAN, "finite");
        let brief_refused = |change: &dyn Fn(&mut LossChangeBrief), expected: &str| {
            let mut wrong = example().brief();
            change(&mut wrong);
            let (said, _) = wrong.contradiction(&layout).expect(expected);
            assert!(said.contains(expected), "{said}");
        };
        brief_refused(&|l| l.errors.clear(), "errors");
        brief_refused(&|l| l.points.push(1), "points");
        brief_refused(&|l| l.by_tensor[0].clear(), "by_tensor of a behaviour");
        brief_refused(&|l| l.errors[0] = f64::NAN, "finite");
    }
}
