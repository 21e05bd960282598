//! Rates of a policy with their intervals, and what an edit of it lost.

use serde::{Serialize, Serializer};

use crate::ablate::selectivity::{LEAST_RISE, LEAST_TARGET, Losses, MOST_SPARED, is_learnt};
use crate::ablate::{
    Claim, Drawn, Mean, Measurement, PerClaim, PerRate, Rate, Reference, Resampling,
};

/// Bootstrap draws over mazes behind every interval.
pub const BOOTSTRAP: u32 = 1_000;

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
}

impl Measured {
    /// With the intervals of these draws.
    pub fn new(of: &Measurement, resampling: &Resampling) -> Self {
        let intervals = resampling.intervals(of);
        Self {
            rates: PerRate::new(|rate| Estimate::new(of.rate(rate), intervals[rate.index()])),
            p_cheese: of.p_cheese.into(),
            p_corner: of.p_corner.into(),
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
        let close = format!(
            "margin {:+.3}, selectivity {value:.3} ({low:.3} to {high:.3})",
            self.margin
        );
        if let Some(rate) = self.not_learnt() {
            let rise = self.rises[rate];
            return format!(
                "cannot be judged: {} rose by {} in training, at least {LEAST_RISE} is a behaviour",
                rate.name(),
                words(rise)
            );
        }
        if self.met {
            return format!("met: {close}");
        }
        let spared = self.claim.spared().iter().copied();
        let (rate, asked) = if self.margin < 0.0 {
            let target = |rate: Rate| LEAST_TARGET - self.losses[rate].value;
            let beyond = |rate: Rate| self.losses[rate].value - MOST_SPARED;
            let targets = self.claim.targets().iter().copied();
            let asked = format!("at least {LEAST_TARGET} is asked");
            let targets = targets.map(|rate| (target(rate), rate, asked.clone()));
            let allowed = format!("at most {MOST_SPARED} is allowed");
            let spared = spared.map(|rate| (beyond(rate), rate, allowed.clone()));
            let worst = targets.chain(spared).max_by(|a, b| a.0.total_cmp(&b.0));
            let (_, rate, asked) = worst.expect("a claim has rates");
            (rate, asked)
        } else {
            let widest = spared.max_by(|a, b| {
                let high = |rate: &Rate| self.losses[*rate].high;
                high(a).total_cmp(&high(b))
            });
            let asked = format!("its interval may reach {MOST_SPARED} at most");
            (widest.expect("a claim spares something"), asked)
        };
        format!(
            "not met: {} loses {}, {asked}; {close}",
            rate.name(),
            words(self.losses[rate])
        )
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
