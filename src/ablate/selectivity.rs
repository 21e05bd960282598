//! What an edit cost each behaviour, and whether it cost the right one (METHOD section 2).
//!
//! ```text
//! R = (m - floor) / (m_0 - floor)        loss = 1 - R = (m_0 - m) / (m_0 - floor)
//! selectivity = least loss of the targets - greatest loss of the spared
//! ```
//!
//! m is the edited policy's rate, m_0 the unedited one's, floor the untrained one's, all on the same
//! levels. Where m_0 - floor is below [`LEAST_RISE`] there is no behaviour to lose; the denominator
//! is then held at that value.

use crate::numeric::random::{Purpose, Stream};

use super::{Measurement, Rate};

/// The smallest rise over the floor that a loss is divided by.
pub const LEAST_RISE: f64 = 0.05;

/// What a target must lose at least.
const LEAST_TARGET: f64 = 0.5;
/// What a spared behaviour may lose at most.
const MOST_SPARED: f64 = 0.1;

/// What an edit is meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Claim {
    /// Lose the walk to the cheese from the corner, keep the walk to the corner.
    A,
    /// Lose the walk to the corner, keep the walk to the cheese where it is near or in the corner.
    B,
}

impl Claim {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// Rates that should fall.
    pub fn targets(self) -> &'static [Rate] {
        match self {
            Self::A => &[Rate::S2],
            Self::B => &[Rate::S5, Rate::S4Region],
        }
    }

    /// Rates that should stay.
    pub fn spared(self) -> &'static [Rate] {
        match self {
            Self::A => &[Rate::S1Region, Rate::S5],
            Self::B => &[Rate::S2, Rate::S3],
        }
    }

    /// The rule: every target loses at least half, every spared behaviour at most a tenth with its
    /// interval inside. `losses` gives value and interval by rate.
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

impl Reference {
    /// The share of its normalised rate that the edited policy lost.
    pub fn loss(&self, edited: &Measurement, rate: Rate) -> f64 {
        ratio(
            self.base.rate(rate),
            edited.rate(rate),
            self.floor.rate(rate),
        )
    }

    /// A 95 % interval of the loss: percentile bootstrap over levels, the three policies' outcomes
    /// on a level kept together.
    pub fn interval(&self, edited: &Measurement, rate: Rate, draws: u32, seed: u64) -> (f64, f64) {
        let successes = |m: &Measurement| m.successes(rate).to_vec();
        let (base, edited, floor) = (
            successes(&self.base),
            successes(edited),
            successes(&self.floor),
        );
        // The eight kinds of level, by who succeeds on it: resampling needs only their counts.
        let kinds: Vec<u8> = (0..base.len())
            .map(|i| u8::from(base[i]) | u8::from(edited[i]) << 1 | u8::from(floor[i]) << 2)
            .collect();
        let mut stream = Stream::new(seed, Purpose::Bootstrap, rate as u64);
        let mut losses: Vec<f64> = (0..draws)
            .map(|_| {
                let mut counts = [0u32; 3];
                for _ in 0..kinds.len() {
                    let kind = kinds[stream.below(kinds.len() as u32) as usize];
                    for (bit, count) in counts.iter_mut().enumerate() {
                        *count += u32::from(kind >> bit & 1);
                    }
                }
                let [base, edited, floor] = counts.map(|c| f64::from(c) / kinds.len() as f64);
                ratio(base, edited, floor)
            })
            .collect();
        losses.sort_by(f64::total_cmp);
        let at = |share: f64| losses[((draws - 1) as f64 * share).round() as usize];
        (at(0.025), at(0.975))
    }

    /// Levels on which only the unedited policy succeeds, and on which only the edited one does.
    pub fn discordant(&self, edited: &Measurement, rate: Rate) -> (u64, u64) {
        let pairs = self.base.successes(rate).iter().zip(edited.successes(rate));
        pairs.fold((0, 0), |(lost, won), pair| match pair {
            (true, false) => (lost + 1, won),
            (false, true) => (lost, won + 1),
            _ => (lost, won),
        })
    }
}

fn ratio(base: f64, edited: f64, floor: f64) -> f64 {
    (base - edited) / (base - floor).max(LEAST_RISE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectivity_takes_the_worst_of_either_side() {
        let loss = |rate| match rate {
            Rate::S2 => 0.8,
            Rate::S1Region => 0.05,
            Rate::S5 => 0.3,
            Rate::S4Region => 0.6,
            Rate::S3 => -0.1,
            _ => unreachable!("no claim asks for it"),
        };
        assert!((Claim::A.selectivity(&loss) - 0.5).abs() < 1e-12);
        assert!((Claim::B.selectivity(&loss) - (0.3 - 0.8)).abs() < 1e-12);
        // A: S2 is .3 beyond its half, S5 .2 beyond what it may lose.
        assert!((Claim::A.margin(&loss) - -0.2).abs() < 1e-12);
    }

    #[test]
    fn success_needs_the_interval_inside() {
        let losses = |high: f64| {
            move |rate| match rate {
                Rate::S2 => (0.5, (0.4, 0.6)),
                _ => (0.02, (-0.02, high)),
            }
        };
        assert!(Claim::A.succeeds(&losses(0.1)));
        assert!(!Claim::A.succeeds(&losses(0.11)));
        assert!(!Claim::B.succeeds(&losses(0.0)));
    }

    #[test]
    fn loss_is_zero_for_the_same_policy_and_one_at_the_floor() {
        let base = Measurement::from_rates(&[0.9; 7], 200);
        let floor = Measurement::from_rates(&[0.1; 7], 200);
        let middle = Measurement::from_rates(&[0.5; 7], 200);
        let reference = Reference {
            base: base.clone(),
            floor: floor.clone(),
        };
        assert_eq!(reference.loss(&base, Rate::S2), 0.0);
        assert!((reference.loss(&floor, Rate::S2) - 1.0).abs() < 1e-12);
        assert!((reference.loss(&middle, Rate::S2) - 0.5).abs() < 1e-12);
        assert_eq!(reference.discordant(&middle, Rate::S2), (80, 0));
        // Standard error of (180 - 100) / (180 - 20) over 200 levels: .044 by the delta method.
        let (low, high) = reference.interval(&middle, Rate::S2, 2000, 1);
        assert!(
            (0.38..0.44).contains(&low) && (0.56..0.62).contains(&high),
            "{low} {high}"
        );
    }
}
