//! Path patching of kernel slices, and its first-order screen.
//!
//! ```text
//! E_X,e = mean over scenes of X, and facts, of |restored + corrupted| / 2 of edge e
//! score_p = E_target,e - E_spared,e      p among the weights of edge e
//! ```
//!
//! X being what a claim takes away, or what it spares (`channels.rs`).
//!
//! Edges are those of [`circuits::paths`](crate::circuits::paths). All are screened by attribution, and
//! those that lead the screen for either claim are patched: the share [`VERIFIED`]. The screen alone is
//! [`Attribution`], which scores weight by weight. Biases and the heads have no edge and come last. Its
//! own edit cuts the leading edges: weights of zero.

use super::channels::{contrasts, evidence, leading};
use super::error::Error;
use super::kind::Kind;
use super::locator::{Located, Locator, Native, Offer};
use super::method::Method;
use super::method::Supervision;
use super::run::{Behaviour, Run};
use crate::ablate::Claim;
use crate::circuits::Distinguished;
use crate::circuits::paths::{self, Edge};
use crate::nn::Site;

/// Path patching.
#[derive(Clone, Copy, Debug)]
pub struct PathPatching;

/// Edge attribution patching (Syed et al., 2310.10348), weight by weight.
#[derive(Clone, Copy, Debug)]
pub struct Attribution;

/// Share of the edges that are patched and not only screened.
pub const VERIFIED: f64 = 0.05;
/// How many edges are cut.
const CUT: [usize; 6] = [4, 16, 32, 64, 128, 256];

/// The contrast of the first-order effects of every group of weights.
fn screened(
    behaviour: &Behaviour<'_>,
    evidence: &[Vec<Distinguished>; 5],
    groups: &[Vec<usize>],
) -> [Vec<f64>; 2] {
    contrasts(evidence, groups.len(), |distinguished| {
        let weights = paths::attribute(behaviour.policy, distinguished);
        let sum = |group: &Vec<usize>| group.iter().map(|&index| weights[index]).sum();
        groups.iter().map(sum).collect()
    })
}

/// The edges and the contrast of each for either claim, exact for those that lead.
struct Edges {
    sites: Vec<Site>,
    edges: Vec<Edge>,
    slices: Vec<Vec<usize>>,
    contrasts: [Vec<f64>; 2],
}

impl Edges {
    fn of(behaviour: &Behaviour<'_>) -> Self {
        let network = behaviour.policy.network;
        let (sites, edges) = (network.sites(), paths::edges(network));
        let slice = |edge: &Edge| network.slice(&sites[edge.site], edge.from, edge.to);
        let slices: Vec<Vec<usize>> = edges.iter().map(slice).collect();
        let evidence = evidence(behaviour);
        let mut found = screened(behaviour, &evidence, &slices);
        let wanted = (edges.len() as f64 * VERIFIED).ceil() as usize;
        let mut verified: Vec<usize> = found
            .iter()
            .flat_map(|contrast| leading(contrast).into_iter().take(wanted))
            .collect();
        verified.sort_unstable();
        verified.dedup();
        let chosen: Vec<Edge> = verified.iter().map(|&index| edges[index]).collect();
        let exact = contrasts(&evidence, chosen.len(), |distinguished| {
            let patched = paths::patch(behaviour.policy, distinguished, &chosen);
            let both = patched
                .iter()
                .map(|[restored, corrupted]| 0.5 * (restored.value + corrupted.value));
            both.collect()
        });
        for (contrast, exact) in found.iter_mut().zip(exact) {
            for (&index, exact) in verified.iter().zip(exact) {
                contrast[index] = exact;
            }
        }
        Self {
            sites,
            edges,
            slices,
            contrasts: found,
        }
    }

    /// Scores of all `len` parameters, and the leading edges by name.
    fn located<'a>(&self, len: usize) -> Located<'a> {
        let found = self.contrasts.each_ref().map(|contrast| {
            let leading = leading(contrast);
            let names = leading.iter().take(4).map(|&index| self.name(index));
            format!("edges {}", names.collect::<Vec<_>>().join(", "))
        });
        let scores = self.contrasts.each_ref().map(|contrast| {
            let least = contrast.iter().copied().fold(0.0, f64::min);
            let mut scores = vec![least; len];
            for (slice, &effect) in self.slices.iter().zip(contrast) {
                slice.iter().for_each(|&index| scores[index] = effect);
            }
            scores
        });
        Located::scored(scores, found)
    }

    /// The leading edges cut.
    fn cut(&self, behaviour: &Behaviour<'_>, supervision: Supervision) -> Vec<Offer> {
        let offer = |claim| {
            let leading = leading(&self.contrasts[Located::index(claim)]);
            let leading = Some(leading).filter(|leading| !leading.is_empty())?;
            let cut = |len: usize| {
                let cut = leading.iter().take(len).map(|&index| self.edges[index]);
                (len as f64, paths::cut(behaviour.policy, &self.sites, cut))
            };
            Some(Offer {
                claim: Some(claim),
                edit: Kind::Cut,
                member: "by number of edges".into(),
                supervision,
                native: Native::Params(CUT.map(cut).into()),
            })
        };
        Claim::ALL.into_iter().filter_map(offer).collect()
    }

    fn name(&self, index: usize) -> String {
        let edge = self.edges[index];
        format!(
            "{} {} to {}",
            self.sites[edge.site].name, edge.from, edge.to
        )
    }
}

impl Locator for PathPatching {
    fn method(&self) -> Method {
        Method::PathPatching
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let edges = Edges::of(&behaviour);
        let located = edges.located(run.theta.len());
        let supervision = self.method().supervision();
        Ok(Some(
            located.offering(move || Ok(edges.cut(&behaviour, supervision))),
        ))
    }
}

impl Locator for Attribution {
    fn method(&self) -> Method {
        Method::AttributionPatching
    }

    fn locate<'a>(&self, run: &Run<'a>) -> Result<Option<Located<'a>>, Error> {
        let Some(behaviour) = run.behaviour else {
            return Ok(None);
        };
        let found = "every layer".to_owned();
        let weights: Vec<Vec<usize>> = (0..run.theta.len()).map(|index| vec![index]).collect();
        let scores = screened(&behaviour, &evidence(&behaviour), &weights);
        Ok(Some(Located::scored(scores, [found.clone(), found])))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::locator::Steer;
    use super::*;
    use crate::ablate::{Setting, Split, Tasks};
    use crate::gradients::Dense;
    use crate::locators::{
        ActivationDirections, ActivationPatching, ChannelScrubbing, Decompositions, Stream, Streams,
    };
    use crate::maze::ActionSet;
    use crate::nn::{Kind, Network, Policy, Shape, finite_difference as fd, init};
    use crate::numeric::statistics::roc_area;

    /// A network of two halves that meet at the logits only: the first sees walls and mouse, the second
    /// the cheese. Whether each parameter is in the first, and in the second.
    pub(crate) fn two_halves(network: &Network, seed: u64) -> (Vec<f32>, [Vec<bool>; 2]) {
        let s = &mut fd::stream(seed);
        let mut params = init::initialise(&network.layout, seed);
        let mut halves = [vec![false; params.len()], vec![false; params.len()]];
        for tensor in &network.layout.tensors {
            let outputs = *tensor.shape.last().unwrap();
            for (at, index) in tensor.range().enumerate() {
                params[index] += 0.1 * s.normal() as f32;
                let (row, to) = (at / outputs, at % outputs);
                let is_second = 2 * to >= outputs;
                // One cell of cheese weighs as much as the walls, so that its moves are told apart.
                if is_second && tensor.name == "conv0.weight" {
                    params[index] *= 8.0;
                }
                let reads_own_half = match tensor.name.as_str() {
                    "conv0.weight" => (row % 3 == 2) == is_second,
                    "policy.weight" | "value.weight" => true,
                    name if name.ends_with(".weight") => (row % 8 >= 4) == is_second,
                    _ => true,
                };
                if tensor.name.starts_with("policy") {
                    params[index] += s.normal() as f32;
                } else if !tensor.name.starts_with("value") && reads_own_half {
                    halves[usize::from(is_second)][index] = true;
                }
                if !reads_own_half {
                    params[index] = 0.0;
                }
            }
        }
        (params, halves)
    }

    /// The areas for A and for B, and the share of the parameters in the halves whose score for B is not
    /// minus that for A.
    fn areas(locator: &dyn Locator, seed: u64) -> ([f64; 2], f64) {
        let shape = Shape {
            kind: Kind::Small,
            world: 9,
            channels: 8,
            blocks: 2,
            hidden: 16,
            action_len: 4,
        };
        let network = Network::new(shape, 16).unwrap();
        let (theta, [corner, cheese]) = two_halves(&network, seed);
        let tasks = Tasks::new(
            Split::Discovery,
            Setting::new(9, 5, 50),
            ActionSet::Four,
            64,
        )
        .unwrap();
        let matrix = Dense::new(1, theta.len(), theta.clone()).unwrap();
        let total = Stream {
            matrix: &matrix,
            tau: &[0.5],
        };
        let run = Run {
            layout: &network.layout,
            theta_0: &theta,
            theta: &theta,
            checkpoints: &[],
            streams: Streams::only(total),
            decompositions: &Decompositions::default(),
            t_corner: None,
            behaviour: Some(Behaviour {
                policy: Policy::new(&network, &theta),
                probes: &[],
                tasks: &tasks,
            }),
            rank: 1,
            seed,
        };
        let located = locator.locate(&run).unwrap().unwrap();
        assert!(
            located
                .scores
                .iter()
                .flatten()
                .all(|score| score.is_finite())
        );
        for Offer { native, .. } in located.offers.make().unwrap() {
            match native {
                Native::Params(doses) => {
                    assert!(doses.iter().all(|(_, params)| *params != theta));
                }
                Native::Steer(all) => {
                    let moves = |one: &Steer| one.steering.vectors[0].iter().any(|x| *x != 0.0);
                    assert!(all.len() == network.sites().len() && all.iter().all(moves));
                }
                _ => panic!("whole parameters or steering"),
            }
        }
        let [a, b] = &located.scores;
        let in_halves = (0..theta.len()).filter(|&i| cheese[i] || corner[i]);
        let differs = |i: usize| (a[i] + b[i]).abs() > 1e-6 * (a[i].abs() + b[i].abs());
        let own: Vec<bool> = in_halves.map(differs).collect();
        let own_evidence = own.iter().filter(|&&own| own).count() as f64 / own.len() as f64;
        // Among the parameters that are in one of them.
        let claims = [(0, &cheese, &corner), (1, &corner, &cheese)];
        let areas = claims.map(|(claim, own, other)| {
            let either: Vec<usize> = (0..theta.len()).filter(|&i| own[i] || other[i]).collect();
            let scores: Vec<f64> = either.iter().map(|&i| located.scores[claim][i]).collect();
            let is_own: Vec<bool> = either.iter().map(|&i| own[i]).collect();
            roc_area(&scores, &is_own).unwrap()
        });
        (areas, own_evidence)
    }

    #[test]
    fn the_half_that_sees_the_cheese_is_found_and_the_one_that_does_not() {
        for seed in 1..4 {
            for locator in [
                &ActivationPatching as &dyn Locator,
                &PathPatching,
                &Attribution,
                &ChannelScrubbing,
                &ActivationDirections,
            ] {
                let ([cheese, corner], own_evidence) = areas(locator, seed);
                println!(
                    "{} {seed}: {cheese:.3} {corner:.3}, {own_evidence:.2}",
                    locator.method().name()
                );
                // Two numbers and not one: either claim has evidence of its own. (In the half that does
                // not see the cheese, channel scrubbing has one number for both.)
                assert!(own_evidence > 0.4, "{own_evidence}");
                // Dead units and weights carry nothing in either half, and biases have no edges.
                assert!(cheese > 0.75 && corner > 0.75, "{cheese} {corner}");
            }
        }
    }
}
