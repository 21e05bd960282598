//! Rates of a policy with their intervals, and what an edit of it lost.

use serde::{Serialize, Serializer};

use crate::ablate::selectivity::{LEAST_RISE, LEAST_TARGET, Losses, MOST_SPARED, is_learnt};
use crate::ablate::{
    Claim, Drawn, Mean, Measurement, PerClaim, PerRate, Rate, Reached, Reference, Resampling,
};

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Where its interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

impl Estimate {
    fn new(value: f64, (low, high): (f64, f64)) -> Self {
        Self { value, low, high }
    }
}

impl From<Mean> for Estimate {
    fn from(mean: Mean) -> Self {
        Self::new(mean.value, mean.interval())
    }
}

/// What a policy does.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Every rate, in JSON by its key.
    #[serde(serialize_with = "by_key")]
    pub rates: PerRate<Estimate>,
    /// Mean probability of the move towards the cheese at the decision squares of the conflict levels.
    pub p_cheese: Estimate,
    /// Mean probability there of the move towards the corner.
    pub p_corner: Estimate,
    /// The cheese anywhere outside of the region, the mouse at the bottom-left: the cheese is reached.
    pub anywhere_cheese: Estimate,
    /// The same: the very corner is entered, and not after the cheese.
    pub anywhere_corner: Estimate,
}

impl Measured {
    /// With the intervals of these draws; `anywhere` is of procgen's own levels.
    pub fn new(of: &Measurement, anywhere: Reached, resampling: &Resampling) -> Self {
        let intervals = resampling.intervals(of);
        Self {
            rates: PerRate::new(|rate| Estimate::new(of.rate(rate), intervals[rate.index()])),
            p_cheese: of.p_cheese.into(),
            p_corner: of.p_corner.into(),
            anywhere_cheese: anywhere.cheese.into(),
            anywhere_corner: anywhere.corner.into(),
        }
    }
}

fn by_key<T: Serialize, S: Serializer>(of: &PerRate<T>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(of.pairs().map(|(rate, value)| (rate.key(), value)))
}

/// What an edit did to one claim.
#[derive(Clone, Debug)]
pub struct Found {
    claim: Claim,
    /// Share of each rate that was lost.
    pub losses: PerRate<Estimate>,
    /// By how much each rate had risen over the untrained policy.
    rises: PerRate<Estimate>,
    /// Least loss of the targets minus greatest loss of the spared.
    pub selectivity: Estimate,
    /// How far inside the rule, intervals aside: at least 0 where it is met.
    pub margin: f64,
    /// Whether the rule is met, intervals looked at, and the claim can be judged.
    pub met: bool,
    /// Whether the policy had learnt all that the claim is about.
    pub judged: bool,
}

/// What an edit did to either claim.
pub fn claims(
    reference: &Reference,
    edited: &Measurement,
    resampling: &Resampling,
) -> PerClaim<Found> {
    let drawn = Drawn::new(reference, resampling);
    let lost: Losses = reference.losses(edited, resampling, &drawn);
    let losses =
        PerRate::new(|rate| Estimate::new(lost.values[rate.index()], lost.intervals[rate.index()]));
    let rises = PerRate::new(|rate| Estimate::new(reference.rise(rate), drawn.rise(rate)));
    let is_learnt = |rate: Rate| is_learnt(rises[rate].value, (rises[rate].low, rises[rate].high));
    PerClaim::new(|claim| {
        let judged = claim.can_be_judged(&is_learnt);
        let loss = |rate: Rate| {
            let loss: Estimate = losses[rate];
            (loss.value, (loss.low, loss.high))
        };
        let at = claim as usize;
        Found {
            claim,
            losses,
            rises,
            selectivity: Estimate::new(lost.selectivity[at], lost.selectivity_intervals[at]),
            margin: claim.margin(&|rate| losses[rate].value),
            met: judged && claim.succeeds(&loss),
            judged,
        }
    })
}

/// One loss as it stands in JSON.
#[derive(Serialize)]
struct Loss {
    #[serde(flatten)]
    loss: Estimate,
    role: &'static str,
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            losses: serde_json::Map<String, serde_json::Value>,
            selectivity: f64,
            selectivity_interval: [f64; 2],
            margin: f64,
            met: bool,
            judged: bool,
        }
        let targets = self.claim.targets().iter().map(|&rate| (rate, "target"));
        let spared = self.claim.spared().iter().map(|&rate| (rate, "spared"));
        let mut losses = serde_json::Map::new();
        for (rate, role) in targets.chain(spared) {
            let loss = self.losses[rate];
            let value = serde_json::to_value(Loss { loss, role });
            losses.insert(rate.key().into(), value.map_err(serde::ser::Error::custom)?);
        }
        let shown = Shown {
            losses,
            selectivity: self.selectivity.value,
            selectivity_interval: [self.selectivity.low, self.selectivity.high],
            margin: self.margin,
            met: self.met,
            judged: self.judged,
        };
        shown.serialize(to)
    }
}

impl Found {
    /// In one line whether the rule is met, and the rate that is furthest from it where it is not.
    pub fn verdict(&self) -> String {
        let Estimate { value, low, high } = self.selectivity;
        let (margin, fails) = (self.margin, self.fails());
        let close = format!("margin {margin:+.3}, selectivity {value:.3} ({low:.3} to {high:.3})");
        match (self.not_learnt(), fails) {
            (None, None) => format!("met: {close}"),
            (None, Some(fails)) => format!("not met: {fails}; {close}"),
            (Some(rate), fails) => format!(
                "cannot be judged: {} rose by {} in training, at least {LEAST_RISE} is a behaviour; {}; {close}",
                rate.name(),
                words(self.rises[rate]),
                fails.unwrap_or_else(|| "the losses alone are as asked".into())
            ),
        }
    }

    /// The rate that fails the rule, with what is asked of it; none where the losses are as they should be.
    fn fails(&self) -> Option<String> {
        let told = |rate: Rate, asked: String| {
            let loss = words(self.losses[rate]);
            Some(format!("{} loses {loss}, {asked}", rate.name()))
        };
        let is_target = |rate: Rate| self.claim.targets().contains(&rate);
        let (loss, high) = (
            |rate: Rate| self.losses[rate].value,
            |rate: Rate| self.losses[rate].high,
        );
        let beyond = |rate: &Rate| match is_target(*rate) {
            true => LEAST_TARGET - loss(*rate),
            false => loss(*rate) - MOST_SPARED,
        };
        let worst = self
            .claim
            .rates()
            .max_by(|a, b| beyond(a).total_cmp(&beyond(b)))?;
        if beyond(&worst) > 0.0 {
            let asked = match is_target(worst) {
                true => format!("at least {LEAST_TARGET} is asked"),
                false => format!("at most {MOST_SPARED} is allowed"),
            };
            return told(worst, asked);
        }
        let spared = self.claim.spared().iter().copied();
        let widest = spared.max_by(|a, b| high(*a).total_cmp(&high(*b)))?;
        match high(widest) > MOST_SPARED {
            true => told(
                widest,
                format!("its interval may reach {MOST_SPARED} at most"),
            ),
            false => None,
        }
    }

    /// The rate of the claim that rose least, where it did not rise as a behaviour does.
    fn not_learnt(&self) -> Option<Rate> {
        let rise = |rate: Rate| self.rises[rate];
        let is_not =
            |rate: &Rate| !is_learnt(rise(*rate).value, (rise(*rate).low, rise(*rate).high));
        let rates = self.claim.rates().filter(is_not);
        rates.min_by(|a, b| rise(*a).value.total_cmp(&rise(*b).value))
    }
}

/// "0.480 (0.410 to 0.550)".
pub fn words(of: Estimate) -> String {
    let [value, low, high] = [of.value, of.low, of.high].map(thousandths);
    format!("{value} ({low} to {high})")
}

/// Three decimals, and no sign before a zero.
pub fn thousandths(x: f64) -> String {
    let text = format!("{x:.3}");
    match text.strip_prefix('-') {
        Some("0.000") => "0.000".into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verdicts on A and B of an edit that leaves these rates of one that had .9 of each, of 0 before training.
    fn verdicts(learnt: &dyn Fn(Rate) -> f64, left: &dyn Fn(Rate) -> f64) -> [Found; 2] {
        const LEVELS: usize = 400;
        let policy = |of: &dyn Fn(Rate) -> f64| Measurement::from_rates(&Rate::ALL.map(of), LEVELS);
        let reference = Reference {
            base: policy(learnt),
            floor: policy(&|_| 0.0),
        };
        let seeds = vec![(0..LEVELS as u32).collect(); Rate::LEN];
        let found = claims(&reference, &policy(left), &Resampling::new(&seeds, 300, 1));
        Claim::ALL.map(|claim| found[claim].clone())
    }

    #[test]
    fn the_rate_that_fails_is_named_with_what_is_asked() {
        let left = |rate: Rate, lost: f64, spared: f64| match Rate::IN.contains(&rate) {
            true => 0.9 - lost,
            false => 0.9 - spared,
        };
        let told = |lost: f64, spared: f64| {
            let [a, _] = verdicts(&|_| 0.9, &|rate| left(rate, lost, spared));
            assert!(a.judged);
            (a.met, a.verdict())
        };
        let (met, text) = told(0.63, 0.0);
        assert!(
            met && text.starts_with("met: margin +0.100, selectivity 0.700"),
            "{text}"
        );
        let (met, text) = told(0.27, 0.0);
        let words = [
            "not met: cheese in",
            "loses 0.300 (",
            "at least 0.5 is asked",
        ];
        assert!(
            !met && words.iter().all(|word| text.contains(word)),
            "{text}"
        );
        let (met, text) = told(0.63, 0.27);
        assert!(!met && text.contains("at most 0.1 is allowed"), "{text}");
        let (met, text) = told(0.63, 0.0855);
        assert!(
            !met && text.contains("its interval may reach 0.1 at most"),
            "{text}"
        );
        let [_, b] = verdicts(&|_| 0.9, &|rate| left(rate, 0.63, 0.0));
        assert!(
            b.verdict().starts_with("not met: cheese in"),
            "{}",
            b.verdict()
        );
    }

    #[test]
    fn what_was_not_learnt_is_told_first() {
        let learnt = |rate: Rate| if rate == Rate::Corner { 0.05 } else { 0.9 };
        let [a, _] = verdicts(&learnt, &|rate| {
            if Rate::IN.contains(&rate) {
                0.0
            } else {
                learnt(rate)
            }
        });
        assert!(!a.judged && !a.met);
        let text = a.verdict();
        let begin = "cannot be judged: corner, balanced rose by 0.050 (";
        assert!(
            text.starts_with(begin) && text.contains("the losses alone are as asked"),
            "{text}"
        );
    }

    #[test]
    fn zero_has_no_sign() {
        let shown = [-0.0004, 0.0, -0.0006, 12.0].map(thousandths);
        assert_eq!(shown, ["0.000", "0.000", "-0.001", "12.000"]);
    }
}
