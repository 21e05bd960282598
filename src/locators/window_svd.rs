//! Time alone, at its best: components of rows that were first added up over windows of time ([`super::windows`]), by
//! which side of a cut of training they lie on ([`super::cuts`]), late for A, early for B.
//!
//! The components of single rows are filled with the noise of minibatches; over a window it cancels. What is summed:
//! the gradients; the updates; the updates of every row scaled to length 1, which a falling learning rate does not make
//! early; the gradients over the root of their running mean square, nearly what Adam made of them; told labels, the
//! gradient at every checkpoint of the mean log-probability of the right moves, all probes alike; told phases, the updates
//! from and until a sixth of training around t_corner, cut there.
//!
//! Windows are a number of rows, whatever a row is: 1,500 (or every row), 150, 30. Of few windows all components are
//! taken, of many the leading ones.
//!
//! Score: the sum of `sigma^2 u_p^2` over the components of 30 windows that lie in the half of training. All sets are
//! offered to be projected off, each to stand beside as many random directions in the span of its decomposition.
//!
//! Cost: one decomposition a number of windows.

use std::sync::Arc;

use super::cuts::{CUTS, Choice, Courses, Direction};
use super::decompositions::{Columns, Decomposed};
use super::error::Error;
use super::in_span::InSpan;
use super::kind::Kind;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Method;
use super::probe_gradient::{right_loss, sum_and_gradient};
use super::run::{Run, Stream};
use super::span::combine;
use super::timing;
use super::windows::{OverRms, Windows};
use crate::ablate::Claim;
use crate::gradients::{Dense, GradientMatrix, Scaled, Select, Selection};
use crate::nn::Policy;
use crate::svd::Decomposition;

/// Windows, at most: as many rows as are decomposed one by one, and two coarser sums.
const WINDOWS: [usize; 3] = [1500, 150, 30];
/// Windows of which all components are taken.
const WHOLE: usize = 150;
/// Share of training before and after t_corner that is the phases' own.
const AROUND: f64 = 1.0 / 6.0;
/// States of each behaviour that are probed at every checkpoint.
const STATES: usize = 128;
/// Checkpoints at which probes are asked, at most.
const CHECKPOINTS: usize = 201;

/// What is summed over windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summed {
    Gradients,
    Updates,
    UnitNormUpdates,
    OverRms,
    ProbeGradients,
    UpdatesAroundCorner,
}

/// Components of windows of time, by time.
#[derive(Clone, Copy, Debug)]
pub struct WindowSvd {
    summed: Summed,
    method: Method,
}

impl WindowSvd {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 6] = [
        Self::new(Summed::Gradients, Method::WindowSvdGradients),
        Self::new(Summed::Updates, Method::WindowSvdUpdates),
        Self::new(Summed::UnitNormUpdates, Method::WindowSvdUnitNorm),
        Self::new(Summed::OverRms, Method::WindowSvdOverRms),
        Self::new(Summed::ProbeGradients, Method::WindowSvdProbes),
        Self::new(Summed::UpdatesAroundCorner, Method::WindowSvdPhases),
    ];

    const fn new(summed: Summed, method: Method) -> Self {
        Self { summed, method }
    }
}

impl Locator for WindowSvd {
    fn method(&self) -> Method {
        self.method
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(rows) = Rows::of(self.summed, run)? else {
            return Ok(None);
        };
        let [.., few] = WINDOWS;
        let space = Space::new(&rows, few, run)?;
        let Some(&cut) = rows.cuts.first() else {
            return Ok(None);
        };
        let mut sets = Vec::new();
        for claim in Claim::ALL {
            sets.push(space.set(claim, cut, Choice::InPhase)?);
        }
        let found = [0, 1].map(|claim: usize| match sets[claim].directions.is_empty() {
            true => "no component".to_owned(),
            false => sets[claim].words.clone(),
        });
        let members = [0, 1].map(|claim: usize| space.members(&sets[claim].directions));
        let param_len = run.theta.len();
        let scores = members
            .each_ref()
            .map(|members| timing::scores(members, param_len));
        let mut located = Located::scored(scores, found);
        located.subspace = Some(members.map(|all| all.into_iter().map(|(_, u)| u).collect()));
        let (method, run) = (self.method, *run);
        Ok(Some(located.offering(move || offers(method, &rows, &run))))
    }
}

/// Every set of every number of windows, cut and choice that is not empty and was not offered before.
fn offers(method: Method, rows: &Rows<'_>, run: &Run<'_>) -> Result<Vec<Offer>, Error> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut lens = WINDOWS.map(|len| len.min(rows.matrix.time_len())).to_vec();
    lens.dedup();
    for len in lens {
        let space = Space::new(rows, len, run)?;
        let mut sets: Vec<(Claim, Vec<Direction>)> = Vec::new();
        for &cut in &rows.cuts {
            for choice in Choice::ALL {
                for claim in Claim::ALL {
                    let Set { directions, words } = space.set(claim, cut, choice)?;
                    let own = (claim, directions);
                    if own.1.is_empty() || sets.contains(&own) {
                        continue;
                    }
                    let set = InSpan {
                        span: space.decomposition.clone(),
                        basis: own.1.iter().map(|(_, x)| x.clone()).collect(),
                    };
                    offers.push(Offer {
                        claim: Some(claim),
                        edit: Kind::ProjectOff,
                        member: words,
                        supervision: method.supervision(),
                        native: Native::ProjectInSpan(set),
                    });
                    sets.push(own);
                }
            }
        }
    }
    Ok(offers)
}

/// What is summed, with its times and where it is cut.
struct Rows<'a> {
    matrix: Box<dyn GradientMatrix + 'a>,
    tau: Vec<f64>,
    cuts: Vec<f64>,
}

impl<'a> Rows<'a> {
    /// `None` where the run has not what it needs.
    fn of(summed: Summed, run: &Run<'a>) -> Result<Option<Self>, Error> {
        let cut = |matrix: Box<dyn GradientMatrix + 'a>, tau: &[f64]| {
            let (tau, cuts) = (tau.to_vec(), CUTS.to_vec());
            Some(Self { matrix, tau, cuts })
        };
        let total = run.streams.total;
        Ok(match (summed, run.streams.update, run.t_corner) {
            (Summed::Gradients, ..) => cut(Box::new(all(total.matrix)?), total.tau),
            (Summed::OverRms, ..) => cut(Box::new(OverRms::new(total.matrix)), total.tau),
            (Summed::Updates, Some(update), _) => cut(Box::new(all(update.matrix)?), update.tau),
            (Summed::UnitNormUpdates, Some(update), _) => {
                cut(Box::new(Scaled::unit_norm(update.matrix)?), update.tau)
            }
            (Summed::UpdatesAroundCorner, Some(update), Some(t_corner)) => {
                Self::around(update, t_corner)?
            }
            (Summed::ProbeGradients, ..) => {
                probe_gradients(run)?.and_then(|(matrix, tau)| cut(Box::new(matrix), &tau))
            }
            _ => None,
        })
    }

    fn around(update: Stream<'a>, t_corner: f64) -> Result<Option<Self>, Error> {
        let place = |share: f64| update.tau.partition_point(|&tau| tau <= share);
        let window = place(t_corner - AROUND)..place(t_corner + AROUND);
        if window.is_empty() {
            return Ok(None);
        }
        let tau = update.tau[window.clone()].to_vec();
        let selection = Selection {
            window: Some(window),
            ..Selection::default()
        };
        Ok(Some(Self {
            matrix: Box::new(Select::new(update.matrix, &selection)?),
            tau,
            cuts: vec![t_corner],
        }))
    }
}

/// A matrix as it is.
fn all(matrix: &dyn GradientMatrix) -> Result<Select<'_>, Error> {
    Ok(Select::new(matrix, &Selection::default())?)
}

/// A row a checkpoint: the gradient of the mean log-probability of the right moves, every behaviour's probes weighted
/// alike. With it the checkpoints' shares of training.
fn probe_gradients(run: &Run<'_>) -> Result<Option<(Dense, Vec<f64>)>, Error> {
    let Some(behaviour) = run.behaviour else {
        return Ok(None);
    };
    let mut rows = Vec::new();
    let checkpoints = run.spaced_checkpoints(CHECKPOINTS);
    for (_, theta) in &checkpoints {
        let mut row = vec![0.0f32; theta.len()];
        for probe in behaviour.probes {
            let kept = STATES.min(probe.right.len());
            let state = |i: usize| (i * probe.right.len() / kept) as u32;
            let states: Vec<u32> = (0..kept).map(state).collect();
            let policy = Policy::new(behaviour.policy.network, theta);
            let scale = -1.0 / kept as f64;
            let (_, gradient) =
                sum_and_gradient(policy, &probe.observations, &states, &|state, l, d| {
                    right_loss(l, probe.right[state], scale, d)
                });
            crate::numeric::sum::add(&gradient, &mut row);
        }
        rows.append(&mut row);
    }
    let matrix = Dense::new(checkpoints.len(), run.theta.len(), rows)?;
    let tau = checkpoints.iter().map(|(share, _)| *share).collect();
    Ok(Some((matrix, tau)))
}

/// A decomposition of windows.
struct Space {
    decomposition: Arc<Decomposition>,
    tau: Vec<f64>,
    words: String,
}

/// A set of directions, by their coordinates, and the words for it.
struct Set {
    directions: Vec<Direction>,
    words: String,
}

impl Space {
    fn new(rows: &Rows<'_>, len: usize, run: &Run<'_>) -> Result<Self, Error> {
        let inner = &*rows.matrix;
        let windows = Windows::new(inner, len);
        let time_len = windows.time_len();
        let rank = if time_len <= WHOLE {
            time_len
        } else {
            run.rank
        };
        let decomposed = Decomposed::of(&windows, Columns::Raw, rank, run.seed)?;
        Ok(Self {
            decomposition: Arc::new(decomposed.decomposition),
            tau: windows.means(&rows.tau),
            words: match time_len == inner.time_len() {
                true => "every row".into(),
                false => format!("{time_len} windows"),
            },
        })
    }

    fn set(&self, claim: Claim, cut: f64, choice: Choice) -> Result<Set, Error> {
        let d = &self.decomposition;
        let place = Located::index(claim);
        let directions = Courses::new(d, &self.tau).directions(place, cut, choice)?;
        let when = ["after", "before"][place];
        let (windows, len, kind) = (&self.words, directions.len(), choice.words());
        Ok(Set {
            words: format!("{windows}, {when} {cut:.2}, {len} of {}{kind}", d.rank),
            directions,
        })
    }

    /// Sigma and u of directions.
    fn members(&self, directions: &[Direction]) -> Vec<(f64, Vec<f32>)> {
        let u = &self.decomposition.u;
        let member = |(power, x): &Direction| {
            let direction = combine(u, x).into_iter().map(|x| x as f32).collect();
            (power.sqrt(), direction)
        };
        directions.iter().map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablate::edit::orthonormal;
    use crate::locators::planted::{CHANCE, PLANTS, Planted};
    use crate::numeric::sum::{dot, norm};

    /// The share of the squared length of the drift along a claim's three planted directions that a basis has.
    fn found(planted: &Planted, claim: usize, basis: &[Vec<f32>]) -> f64 {
        let directions = &planted.directions[claim];
        let drift: Vec<f32> = (0..directions[0].len())
            .map(|p| directions.iter().map(|u| u[p]).sum())
            .collect();
        let wide: Vec<f64> = drift.iter().map(|&x| x.into()).collect();
        let share = |q: Vec<f64>| dot(&q, &wide).powi(2) / norm(&wide).powi(2);
        orthonormal(basis).into_iter().map(share).sum()
    }

    #[test]
    fn windows_show_what_single_rows_are_too_noisy_for() {
        let planted = Planted::new(&CHANCE, 4);
        let run = planted.run();
        for method in [0, 1, 2] {
            let located = WindowSvd::ALL[method].locate(&run).unwrap().unwrap();
            let subspace = located.subspace.as_ref().unwrap();
            for claim in [0, 1] {
                // About a third of the planted drift is the value loss's.
                let share = found(&planted, claim, &subspace[claim]);
                let other = found(&planted, 1 - claim, &subspace[claim]);
                assert!(
                    share > 0.4 && other < 0.05,
                    "{method} {claim}: {share} {other}"
                );
            }
            let offers = located.offers.make().unwrap();
            // What single rows have in the second half is noise.
            for offer in &offers {
                let Native::ProjectInSpan(InSpan { span, basis }) = &offer.native else {
                    panic!("a projection with a span");
                };
                assert!(!basis.is_empty() && basis.len() <= span.rank);
                let member = &offer.member;
                let is_late =
                    member.starts_with("every row, after 0.50") && !member.contains("alone");
                if is_late {
                    let basis = basis.iter().map(|x| combine(&span.u, x));
                    let basis = basis.map(|u| u.into_iter().map(|x| x as f32).collect());
                    let share = found(&planted, 0, &basis.collect::<Vec<_>>());
                    assert!(share < 0.1, "{method}: {share}");
                }
            }
            for claim in Claim::ALL {
                let own = offers
                    .iter()
                    .filter(|offer| offer.claim == Some(claim))
                    .count();
                assert!((9..=27).contains(&own), "{own}");
            }
        }
    }

    #[test]
    fn the_same_bits_at_any_thread_count() {
        let planted = Planted::new(&PLANTS[0], 3);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let located = WindowSvd::ALL[3].locate(&planted.run()).unwrap().unwrap();
                (located.scores.clone(), located.offers.make().unwrap())
            })
        };
        assert!(run(1) == run(3));
    }

    #[test]
    fn what_a_run_has_not_is_not_asked_and_phases_are_cut_at_t_corner() {
        let planted = Planted::new(&PLANTS[0], 3);
        let mut run = planted.run();
        let [.., probes, phases] = WindowSvd::ALL;
        assert!(probes.locate(&run).unwrap().is_none());
        run.t_corner = Some(0.42);
        let located = phases.locate(&run).unwrap().unwrap();
        assert!(
            located
                .found
                .iter()
                .all(|found| found == "no component" || found.contains("0.42"))
        );
        run.t_corner = None;
        assert!(phases.locate(&run).unwrap().is_none());
    }
}
