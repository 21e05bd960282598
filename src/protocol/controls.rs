//! Random controls of what the hypotheses chose: for a step, random directions in the span of the same
//! decomposition at the same length; for a projection off components, as many random in-span directions
//! that remove as much displacement; for a reset, as many random parameters of every tensor. All are compared on
//! selection levels.

use std::sync::Arc;

use super::bench::Bench;
use super::decomposed::Named;
use super::edit::{Member, Tried};
use super::freeze::Choice;
use super::trained_policy::{TrainedPolicy, distance};
use crate::ablate::edit;
use crate::ablate::recipe::Recipe;
use crate::experiment::{Config, Error, Progress};
use crate::findings::{Claimed, Components, Controls, Family, Role};
use crate::numeric::draws::{self, packed};
use crate::numeric::statistics;

/// Random controls as extreme as the choice after which no more are drawn.
const ENOUGH: u64 = 10;

/// Draws the controls of the hypotheses' choices, at most so many each, and puts them to the claims.
#[derive(Clone, Copy)]
pub struct ControlDraws<'a> {
    /// Settings.
    pub config: &'a Config,
    /// Whose edits they are.
    pub policy: TrainedPolicy<'a>,
    /// Where they are compared.
    pub selection: &'a Bench<'a>,
    /// The spans that are drawn from.
    pub decompositions: &'a [Named],
    /// Controls of one choice at most.
    pub most: u64,
}

impl ControlDraws<'_> {
    /// Fills in `controls` of those `claims` that have some; they are in the order of `choices`.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn fill(
        &self,
        claims: &mut [Claimed],
        choices: &[Choice],
        tried: &[Tried],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        progress.begin("random controls", self.most);
        for (number, (claimed, choice)) in claims.iter_mut().zip(choices).enumerate() {
            let chosen = &tried[choice.place];
            let components = components_of(choice, &chosen.edit.member);
            let named = self
                .decompositions
                .iter()
                .find(|named| Some(named.of) == components);
            let Some(named) = named.filter(|named| !named.of.is_stream()) else {
                continue;
            };
            let (claim, length) = (choice.frozen.claim, claimed.length);
            let family = choice.frozen.family.name();
            let recipe = &chosen.edit.recipe;
            let control = |draw| self.random(recipe, named, length, number as u64, draw);
            if control(0).is_none() {
                continue;
            }
            let (p, draws) = statistics::sequential_p(ENOUGH, self.most, |draw| {
                progress.stop_if_interrupted("the random controls")?;
                progress.advance(draw + 1, &family);
                let random = control(draw).expect("an edit of this kind has controls");
                let losses = self.selection.losses(&random)?;
                Ok::<bool, Error>(claim.margin(&|rate| losses[rate]) >= chosen.margin(claim))
            })?;
            claimed.controls = Some(Controls {
                p,
                draws,
                p_chosen: (p * choice.frozen.candidates as f64).min(1.0),
            });
        }
        Ok(())
    }

    /// The control numbered `draw` of the choice numbered `choice`, an edit whose length is this share of the displacement; none of an
    /// edit that has none of its kind.
    fn random(
        &self,
        of: &Recipe,
        named: &Named,
        length: f64,
        choice: u64,
        draw: u64,
    ) -> Option<Recipe> {
        let (config, policy) = (self.config, &self.policy);
        let components = config.ablate.components;
        let index = packed(&[(choice, 16), (draw, 24)]);
        match of {
            Recipe::Step(_, alpha) => {
                // Of either sign alike: the direction's own is random.
                let mut stream = draws::STEP_CONTROLS.stream(config.seed, index);
                let direction = named.in_span(components, &mut stream);
                Some(Recipe::Step(Arc::new(direction), alpha.abs()))
            }
            Recipe::Project(basis, _) => {
                let random = |i: u64| {
                    let index = packed(&[(index, 40), (i, 8)]);
                    let mut stream = draws::PROJECTION_CONTROLS.stream(config.seed, index);
                    named.in_span(components, &mut stream)
                };
                let basis: Vec<Vec<f32>> = (0..basis.len() as u64).map(random).collect();
                let off = edit::project(policy.theta, policy.theta_0, &basis, 1.0);
                let c = length * policy.displacement() / distance(&off, policy.theta);
                // Where training moved nothing, or not in their span, no multiple has the length.
                c.is_finite().then(|| Recipe::Project(Arc::new(basis), c))
            }
            Recipe::Reset(indices) => {
                let mut stream = draws::RESET_CONTROLS.stream(config.seed, index);
                let layout = &policy.network.layout;
                let matched = edit::layer_matched(layout, indices, &mut stream);
                Some(Recipe::Reset(Arc::new(matched)))
            }
            Recipe::Rollback(_) | Recipe::Add(..) | Recipe::Steer(_) => None,
        }
    }
}

/// The decomposition in whose span the controls of a choice are drawn: that of a step along a component, or
/// of the gradient SVD whose set was chosen by time.
fn components_of(choice: &Choice, member: &Member) -> Option<Components> {
    match (choice.frozen.family, member) {
        (Family::Step, &Member::Component(of, _)) => Some(of),
        (Family::Of(method, _), _) if choice.frozen.role == Role::Predicted => {
            let mut all = Components::ALL.into_iter();
            all.find(|of| of.method() == Some(method))
        }
        _ => None,
    }
}
