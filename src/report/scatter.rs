//! What the chosen edits cost: the least loss of a claim's targets against the worst loss of the spared, a point a
//! seed and family.

use crate::ablate::Claim;
use crate::ablate::selectivity::{LEAST_TARGET, MOST_SPARED};
use crate::findings::{Claimed, Family, Findings, Role};
use crate::locators::Group;

use super::axes::{Axis, Plot, Size};
use super::figure::{Drawing, Look, Sample};
use super::number::{percent_bare, signed};
use super::verdict::{judge, names};

/// A step along one component.
pub const BY_EFFECT: Look = Look::solid("var(--corner)");
/// Components by time.
const BY_TIME: Look = Look::solid("var(--conflict)");
/// A control.
pub const CONTROL: Look = Look::solid("var(--plain)");
/// The dumbest control.
const COMPASS: Look = Look::solid("var(--cheese)");

/// How a choice is drawn; nothing for what is not shown here.
fn drawn(claimed: &Claimed) -> Option<(Look, &'static str)> {
    let frozen = &claimed.frozen;
    match (frozen.role, frozen.family) {
        (Role::Practical, Family::Step) => Some((BY_EFFECT, "dot")),
        (Role::Predicted, Family::Of(method, _)) if method.group() == Group::GradientSvd => {
            Some((BY_TIME, "dot"))
        }
        (Role::Control, Family::RandomStep) => Some((CONTROL, "ring")),
        (Role::Control, Family::Compass) => Some((COMPASS, "ring")),
        _ => None,
    }
}

/// The scatter of one seed, with whiskers, or of several.
pub fn scatter(seeds: &[Findings], claim: Claim) -> Drawing {
    let size = Size {
        width: 460.0,
        height: 320.0,
    };
    let axis = |label| Axis {
        label,
        range: (-0.2, 1.4),
        is_log: false,
        format: |tick| percent_bare(tick),
    };
    let x = format!("worst loss of {}, %", names(claim.spared()));
    let y = format!("least loss of {}, %", names(claim.targets()));
    let mut plot = Plot::new(size, &axis(&x), &axis(&y));
    if let (Some(left), Some(right), Some(top), Some(bottom)) = (
        plot.x.place_within(-0.2),
        plot.x.place_within(MOST_SPARED),
        plot.y.place_within(1.4),
        plot.y.place_within(LEAST_TARGET),
    ) {
        plot.svg.group("var(--good)", "the rule of success", |svg| {
            svg.rect((left, top), (right - left, bottom - top), "solid", 0.14);
        });
    }
    for one in seeds {
        for claimed in one.claims.iter().filter(|c| c.frozen.claim == claim) {
            if let Some((look, class)) = drawn(claimed) {
                point(&mut plot, one.seed, claimed, look, class, seeds.len() == 1);
            }
        }
    }
    let area = Look::solid("var(--good)");
    let keys = [
        (Sample::Dot, BY_EFFECT, "step along a component, by effect"),
        (Sample::Dot, BY_TIME, "components by time"),
        (Sample::Ring, CONTROL, "random in-span step"),
        (Sample::Ring, COMPASS, "compass: a constant on the logits"),
        (Sample::Area, area, "where the rule is met"),
    ];
    let caption = match seeds.len() {
        1 => {
            "the best of each family, on test levels, with 95 % intervals, held at the frame where beyond"
        }
        _ => "a point a seed, on test levels",
    };
    Drawing {
        title: format!("{claim:?}: what the chosen edits cost"),
        caption: caption.into(),
        keys: keys
            .map(|(sample, look, text)| (sample, look, text.into()))
            .into(),
        svg: plot.svg,
    }
}

fn point(
    plot: &mut Plot,
    seed: u64,
    claimed: &Claimed,
    look: Look,
    class: &str,
    has_whiskers: bool,
) {
    let judged = judge(claimed);
    let (spared, target) = (&judged.spared, &judged.target);
    let place = |x, y| Some((plot.x.place_within(x)?, plot.y.place_within(y)?));
    let Some(at) = place(spared.value, target.value) else {
        return;
    };
    let whiskers = [
        (
            place(spared.interval.0, target.value),
            place(spared.interval.1, target.value),
        ),
        (
            place(spared.value, target.interval.0),
            place(spared.value, target.interval.1),
        ),
    ];
    let frozen = &claimed.frozen;
    let tooltip = format!(
        "seed {seed}, {}: {}, dose {}: selectivity {}",
        frozen.family.name(),
        frozen.member,
        signed(frozen.dose, 3),
        signed(claimed.selectivity, 2)
    );
    plot.svg.group(look.colour, &tooltip, |svg| {
        for (from, to) in whiskers {
            if let (true, Some(from), Some(to)) = (has_whiskers, from, to) {
                svg.line(from, to, "whisker");
            }
        }
        svg.disc(at, 3.6, class);
    });
}
