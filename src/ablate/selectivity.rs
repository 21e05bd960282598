//! What an edit cost each behaviour, and whether it cost the right one (METHOD section 2).
//!
//! ```text
//! R = (m - floor) / (m_0 - floor)        loss = min(1, 1 - R) = min(1, (m_0 - m) / (m_0 - floor))
//! selectivity = least loss of the targets - greatest loss of the spared
//! ```
//!
//! m is the edited policy's rate, m_0 the unedited one's, floor the untrained one's, all on the same
//! levels. A policy below the untrained one has lost all and no more: else edits that destroy
//! everything would be selective by how far the floors are from 0. Where m_0 - floor is below [`LEAST_RISE`], or may be none at all, there is no behaviour to
//! lose: a claim about it cannot be judged. (The denominator is then held at that value.)

use super::measurement::Measurement;
use super::rate::{Rate, Rates};
use super::resample::{self, Resampling};

/// The smallest rise over the floor that is a behaviour.
pub const LEAST_RISE: f64 = 0.1;

/// What a target must lose at least.
pub const LEAST_TARGET: f64 = 0.5;
/// What a spared behaviour may lose at most.
pub const MOST_SPARED: f64 = 0.1;

/// What an edit is meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Claim {
    /// Lose what the cheese adds in the region, whichever way it lies, and keep the walk to the corner.
    A,
    /// Lose the walk to the corner, and keep what the cheese adds in the region and near, whichever way it lies.
    B,
}

impl Claim {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// Rates that should fall.
    pub fn targets(self) -> &'static [Rate] {
        match self {
            Self::A => &Rate::IN,
            Self::B => &[Rate::S5, Rate::S4Region, Rate::Corner],
        }
    }

    /// Rates that should stay.
    pub fn spared(self) -> &'static [Rate] {
        match self {
            Self::A => &[Rate::S1Region, Rate::S5, Rate::Corner],
            Self::B => &[
                Rate::InUpRight,
                Rate::InDownLeft,
                Rate::NearUpRight,
                Rate::NearDownLeft,
            ],
        }
    }

    /// Every rate it looks at.
    pub fn rates(self) -> impl Iterator<Item = Rate> {
        self.targets().iter().chain(self.spared()).copied()
    }

    /// Whether the policy has what the claim is about: each behaviour was learnt.
    pub fn can_be_judged(self, is_learnt: &dyn Fn(Rate) -> bool) -> bool {
        self.rates().all(is_learnt)
    }

    /// The rule: every target loses at least half, every spared behaviour at most a tenth with its
    /// interval inside. `losses` gives value and interval by rate. It says something only of a policy
    /// for which the claim [can be judged](Self::can_be_judged).
    pub fn succeeds(self, losses: &dyn Fn(Rate) -> (f64, (f64, f64))) -> bool {
        self.targets()
            .iter()
            .all(|&rate| losses(rate).0 >= LEAST_TARGET)
            && self.spared().iter().all(|&rate| {
                let (loss, (_, high)) = losses(rate);
                loss <= MOST_SPARED && high <= MOST_SPARED
            })
    }

    /// How far inside the rule the losses are, intervals aside: the smaller of what every target
    /// loses beyond half and what every spared behaviour keeps beyond nine tenths. Candidates are
    /// chosen by it: a high selectivity with a spared loss above a tenth would not do.
    pub fn margin(self, loss: &dyn Fn(Rate) -> f64) -> f64 {
        (self.least_target(loss) - LEAST_TARGET).min(MOST_SPARED - self.greatest_spared(loss))
    }

    /// Least target loss minus greatest spared loss.
    pub fn selectivity(self, loss: &dyn Fn(Rate) -> f64) -> f64 {
        self.least_target(loss) - self.greatest_spared(loss)
    }

    fn least_target(self, loss: &dyn Fn(Rate) -> f64) -> f64 {
        let losses = self.targets().iter().map(|&rate| loss(rate));
        losses.fold(f64::INFINITY, f64::min)
    }

    fn greatest_spared(self, loss: &dyn Fn(Rate) -> f64) -> f64 {
        let losses = self.spared().iter().map(|&rate| loss(rate));
        losses.fold(f64::NEG_INFINITY, f64::max)
    }
}

/// What edits are compared with, on the same levels.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The unedited policy.
    pub base: Measurement,
    /// The untrained policy.
    pub floor: Measurement,
}

/// An edit's losses with what the levels leave open.
#[derive(Clone, Debug)]
pub struct Losses {
    /// In the order of [`Rate::ALL`].
    pub values: Rates,
    /// Their 95 % intervals.
    pub intervals: [(f64, f64); Rate::LEN],
    /// Selectivity for A and for B.
    pub selectivity: [f64; 2],
    /// Its 95 % intervals; the worst of the rates is found anew in every draw.
    pub selectivity_intervals: [(f64, f64); 2],
    /// The selectivities in every draw.
    pub selectivity_draws: [Vec<f64>; 2],
}

/// Rates of the unedited and the untrained policy in every draw of a resampling.
#[derive(Clone, Debug)]
pub struct Drawn {
    base: Vec<Rates>,
    floor: Vec<Rates>,
}

impl Drawn {
    /// The rates of `reference` in the draws of `resampling`.
    pub fn new(reference: &Reference, resampling: &Resampling) -> Self {
        Self {
            base: resampling.rates(&reference.base),
            floor: resampling.rates(&reference.floor),
        }
    }

    /// By how much a rate rose over the floor in training, and its 95 % interval.
    pub fn rise(&self, rate: Rate) -> (f64, f64) {
        let at = rate.index();
        let pairs = self.base.iter().zip(&self.floor);
        resample::interval(pairs.map(|(base, floor)| base[at] - floor[at]))
    }
}

impl Reference {
    /// The share of its normalised rate that the edited policy lost.
    pub fn loss(&self, edited: &Measurement, rate: Rate) -> f64 {
        ratio(
            self.base.rate(rate),
            edited.rate(rate),
            self.floor.rate(rate),
        )
    }

    /// By how much a rate rose over the floor in training.
    pub fn rise(&self, rate: Rate) -> f64 {
        self.base.rate(rate) - self.floor.rate(rate)
    }

    /// What the edited policy lost, with intervals from the draws.
    pub fn losses(&self, edited: &Measurement, resampling: &Resampling, drawn: &Drawn) -> Losses {
        let values = Rate::ALL.map(|rate| self.loss(edited, rate));
        let draws: Vec<Rates> = (drawn.base.iter().zip(&drawn.floor))
            .zip(resampling.rates(edited))
            .map(|((base, floor), edited)| {
                Rate::ALL.map(|rate| {
                    let at = rate.index();
                    ratio(base[at], edited[at], floor[at])
                })
            })
            .collect();
        let of = |losses: &Rates, claim: Claim| claim.selectivity(&|rate| losses[rate.index()]);
        let drawn = Claim::ALL.map(|claim| draws.iter().map(|d| of(d, claim)).collect::<Vec<_>>());
        Losses {
            intervals: Rate::ALL
                .map(|rate| resample::interval(draws.iter().map(|d| d[rate.index()]))),
            selectivity: Claim::ALL.map(|claim| of(&values, claim)),
            selectivity_intervals: [0, 1]
                .map(|claim| resample::interval(drawn[claim].iter().copied())),
            selectivity_draws: drawn,
            values,
        }
    }
}

/// Whether a behaviour was learnt: its rate rose by at least [`LEAST_RISE`] and certainly rose.
pub fn is_learnt(rise: f64, interval: (f64, f64)) -> bool {
    rise >= LEAST_RISE && interval.0 > 0.0
}

fn ratio(base: f64, edited: f64, floor: f64) -> f64 {
    ((base - edited) / (base - floor).max(LEAST_RISE)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectivity_takes_the_worst_of_either_side() {
        let loss = |rate| match rate {
            Rate::InUpRight => 0.8,
            Rate::InDownLeft => 0.7,
            Rate::S1Region => 0.05,
            Rate::S5 => 0.3,
            Rate::Corner => 0.4,
            Rate::S4Region => 0.6,
            Rate::NearUpRight | Rate::NearDownLeft => -0.1,
            _ => unreachable!("no claim asks for it"),
        };
        assert!((Claim::A.selectivity(&loss) - (0.7 - 0.4)).abs() < 1e-12);
        assert!((Claim::B.selectivity(&loss) - (0.3 - 0.8)).abs() < 1e-12);
        // A: the less lost direction is .2 beyond its half, the corner .3 beyond what it may lose.
        assert!((Claim::A.margin(&loss) - -0.3).abs() < 1e-12);
    }

    #[test]
    fn success_needs_every_target_and_the_interval_inside() {
        let losses = |down_left: f64, high: f64| {
            move |rate| match rate {
                Rate::InUpRight => (0.5, (0.4, 0.6)),
                Rate::InDownLeft => (down_left, (0.4, 0.6)),
                _ => (0.02, (-0.02, high)),
            }
        };
        assert!(Claim::A.succeeds(&losses(0.5, 0.1)));
        assert!(!Claim::A.succeeds(&losses(0.5, 0.11)));
        assert!(
            !Claim::A.succeeds(&losses(0.4, 0.1)),
            "one direction is not both"
        );
        assert!(!Claim::B.succeeds(&losses(0.5, 0.0)));
    }

    #[test]
    fn loss_is_zero_for_the_same_policy_and_one_at_the_floor() {
        let base = Measurement::from_rates(&[0.9; Rate::LEN], 200);
        let floor = Measurement::from_rates(&[0.1; Rate::LEN], 200);
        let middle = Measurement::from_rates(&[0.5; Rate::LEN], 200);
        let reference = Reference {
            base: base.clone(),
            floor: floor.clone(),
        };
        assert_eq!(reference.loss(&base, Rate::InUpRight), 0.0);
        assert!((reference.loss(&floor, Rate::InUpRight) - 1.0).abs() < 1e-12);
        assert!((reference.loss(&middle, Rate::InUpRight) - 0.5).abs() < 1e-12);
        // Standard error of (180 - 100) / (180 - 20) over 200 levels: .044 by the delta method.
        let resampling = Resampling::new(&vec![(0..200).collect(); Rate::LEN], 2000, 1);
        let drawn = Drawn::new(&reference, &resampling);
        let losses = reference.losses(&middle, &resampling, &drawn);
        let (low, high) = losses.intervals[Rate::InUpRight.index()];
        assert!(
            (0.38..0.44).contains(&low) && (0.56..0.62).contains(&high),
            "{low} {high}"
        );
        // Every rate has the same outcomes on the same mazes: in no draw do they differ.
        assert_eq!(losses.selectivity, [0.0; 2]);
        assert_eq!(losses.selectivity_intervals, [(0.0, 0.0); 2]);
        let (low, high) = drawn.rise(Rate::NearUpRight);
        assert!((0.7..0.78).contains(&low) && (0.82..0.9).contains(&high));
    }

    #[test]
    fn what_was_not_learnt_cannot_be_judged() {
        let judged = |base: f64, floor: f64, levels: usize| {
            let policy = |rate: f64| Measurement::from_rates(&[rate; Rate::LEN], levels);
            let reference = Reference {
                base: policy(base),
                floor: policy(floor),
            };
            let resampling =
                Resampling::new(&vec![(0..levels as u32).collect(); Rate::LEN], 500, 1);
            let drawn = Drawn::new(&reference, &resampling);
            let learnt = |rate| is_learnt(reference.rise(rate), drawn.rise(rate));
            Claim::ALL.map(|claim| claim.can_be_judged(&learnt))
        };
        assert_eq!(judged(0.9, 0.1, 100), [true; 2]);
        assert_eq!(judged(0.0, 0.0, 100), [false; 2]);
        assert_eq!(judged(0.15, 0.1, 1000), [false; 2], "too small a rise");
        assert_eq!(
            judged(0.125, 0.0, 8),
            [false; 2],
            "one level of eight is none in some draws"
        );
    }
}
