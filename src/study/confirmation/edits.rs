//! Every edit that is tried on selection levels, and what it costs there.

use std::sync::Arc;

use crate::ablate::recipe::{Direction, Recipe};
use crate::ablate::{Claim, edit};
use crate::locators::{Decomposed, Located, Native, Offer, Steer, Supervision};
use crate::numeric::random::{Purpose, Stream};
use crate::study::candidates::TrainedPolicy;
use crate::study::results::Role;
use crate::study::{Config, Error, Progress};

use super::bench::{Bench, Losses};

pub use crate::study::candidates::{ISOTROPIC, RANDOM_STEP, STEP};

/// Steps along single components of a stream's gradient.
pub const STREAM_STEP: &str = "step along a stream's component";
/// Steps in the whole space, of the same lengths.
pub const ISOTROPIC_STEP: &str = "isotropic step";

/// An edit that was tried.
#[derive(Debug)]
pub struct Tried {
    /// Its family; the best of each is reported for either claim.
    pub family: String,
    /// What its choice was told.
    pub supervision: Supervision,
    /// The claim its locator meant it for; none where it is tried for both.
    pub meant_for: Option<Claim>,
    /// Whether the family is a control.
    pub is_control: bool,
    /// Which member of the family.
    pub member: String,
    /// The dose, in the family's unit, negative for the other sign.
    pub dose: f64,
    /// How it is made.
    pub recipe: Recipe,
    /// What it cost on selection levels.
    pub losses: Losses,
}

impl Tried {
    /// What the edit is to a claim; none where it is a control for the other.
    pub fn role(&self, claim: Claim) -> Option<Role> {
        match (self.is_control, self.meant_for) {
            (true, Some(meant)) if meant != claim => None,
            (true, _) => Some(Role::Control),
            (false, Some(meant)) if meant != claim => Some(Role::Swapped),
            (false, Some(_)) => Some(Role::Predicted),
            (false, None) => Some(Role::Practical),
        }
    }

    /// How far inside the rule of success it is.
    pub fn margin(&self, claim: Claim) -> f64 {
        claim.margin(&|rate| self.losses.of(rate))
    }

    /// Selectivity on selection levels.
    pub fn selectivity(&self, claim: Claim) -> f64 {
        claim.selectivity(&|rate| self.losses.of(rate))
    }
}

/// Tries edits and remembers them.
#[derive(Debug)]
pub struct Trials<'a> {
    config: &'a Config,
    policy: &'a TrainedPolicy<'a>,
    selection: &'a Bench<'a>,
    displacement: f64,
    /// All that was tried.
    pub tried: Vec<Tried>,
    /// How much of it before the present stage.
    begun: usize,
}

/// A random vector of a direction's length, added to the same site.
pub const RANDOM_STEER: &str = "activation directions: random vector";
/// The directions themselves.
pub const STEER: &str = "activation directions: steer";
/// Doses of a direction of activations, in shares of it.
const STEERING_DOSES: [f64; 6] = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];

/// What a family has in common.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its choice is told.
    pub supervision: Supervision,
    /// The claim it is meant for.
    pub meant_for: Option<Claim>,
    /// Whether it is a control.
    pub is_control: bool,
}

impl<'a> Trials<'a> {
    /// Nothing tried yet.
    pub fn new(
        config: &'a Config,
        policy: &'a TrainedPolicy<'a>,
        selection: &'a Bench<'a>,
    ) -> Self {
        Self {
            config,
            policy,
            selection,
            displacement: crate::study::candidates::displacement(policy),
            tried: Vec::new(),
            begun: 0,
        }
    }

    /// A stage of so many edits begins.
    pub fn begin(&mut self, stage: &str, steps: usize, progress: &mut dyn Progress) {
        self.begun = self.tried.len();
        progress.begin(stage, steps as u64);
    }

    /// The percentages of parameters that resets put back.
    pub fn percents(&self) -> &[f64] {
        &self.config.ablate.reset_percent
    }

    /// Tries one edit.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn attempt(
        &mut self,
        family: Family<'_>,
        (member, dose): (&str, f64),
        recipe: Recipe,
        progress: &mut dyn Progress,
    ) -> Result<&Tried, Error> {
        if progress.is_interrupted() {
            return Err(Error::Stopped {
                stage: "the choice of edits",
            });
        }
        let edited = recipe.apply(self.policy.theta, self.policy.theta_0);
        self.tried.push(Tried {
            family: family.name.into(),
            supervision: family.supervision,
            meant_for: family.meant_for,
            is_control: family.is_control,
            member: member.into(),
            dose,
            losses: self.selection.losses_steered(&edited, recipe.steering())?,
            recipe,
        });
        progress.advance((self.tried.len() - self.begun) as u64, family.name);
        Ok(self.tried.last().expect("one was pushed"))
    }

    /// Steps along directions, either sign, at every dose.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn steps(
        &mut self,
        family: Family<'_>,
        directions: &[Direction],
        doses: &[f64],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        for direction in directions {
            for dose in doses.iter().flat_map(|&dose| [dose, -dose]) {
                let recipe = Recipe::Step(direction.values.clone(), dose * self.displacement);
                self.attempt(family, (&direction.name, dose), recipe, progress)?;
            }
        }
        Ok(())
    }

    /// The practical hypothesis with its controls: steps along the leading components of each
    /// decomposition, as many random directions in their spans, and some isotropic ones.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn practical(
        &mut self,
        decompositions: &[Named],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let (config, doses) = (self.config, self.config.ablate.step_doses.clone());
        let family = |name, is_control| Family {
            name,
            supervision: Supervision::Effects,
            meant_for: None,
            is_control,
        };
        let tried = |named: &Named| {
            config
                .ablate
                .components
                .min(named.decomposed.decomposition.rank)
        };
        let steps = |named: &Named| match named.is_stream {
            true => tried(named),
            // As many random directions beside them.
            false => 2 * tried(named) * doses.len(),
        };
        let components: usize = decompositions.iter().map(steps).sum();
        let all = 2 * (components + ISOTROPIC as usize * doses.len());
        self.begin("steps along components on selection levels", all, progress);
        let mut random = Vec::new();
        for (number, named) in decompositions.iter().enumerate() {
            let d = &named.decomposed.decomposition;
            let len = tried(named);
            let component = |i: usize| Direction {
                name: named.member(i),
                values: Arc::new(d.u_column(i)),
            };
            let components: Vec<Direction> = (0..len).map(component).collect();
            if named.is_stream {
                let middle = &doses[doses.len() / 2..][..1];
                self.steps(family(STREAM_STEP, false), &components, middle, progress)?;
                continue;
            }
            self.steps(family(STEP, false), &components, &doses, progress)?;
            for i in 0..len as u64 {
                random.push(Direction {
                    name: format!("random {} {i}", named.name),
                    values: Arc::new(named.in_span(len, config.seed, (number as u64) << 20 | i)),
                });
            }
        }
        self.steps(family(RANDOM_STEP, true), &random, &doses, progress)?;
        let isotropic = |i| Direction {
            name: format!("isotropic {i}"),
            values: Arc::new(edit::isotropic(
                self.policy.theta.len(),
                &mut Stream::new(config.seed, Purpose::Controls, (1 << 33) + i),
            )),
        };
        let isotropic: Vec<Direction> = (0..ISOTROPIC).map(isotropic).collect();
        self.steps(family(ISOTROPIC_STEP, true), &isotropic, &doses, progress)
    }

    /// What a locator offers beside resets: its native edits.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn native(
        &mut self,
        (name, supervision): (&str, Supervision),
        offers: Vec<Offer>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let ablate = &self.config.ablate;
        let (step_doses, project_doses) = (&ablate.step_doses, &ablate.project_doses);
        for offer in offers {
            let name = format!("{name}: {}", offer.edit);
            let family = Family {
                name: &name,
                supervision: supervision.max(offer.supervision),
                meant_for: offer.claim,
                is_control: false,
            };
            let member = offer.member.as_str();
            match offer.native {
                Native::Step(direction) => {
                    let direction = Direction {
                        name: member.into(),
                        values: Arc::new(direction),
                    };
                    self.steps(family, &[direction], step_doses, progress)?;
                }
                Native::Project(basis) => {
                    let basis = Arc::new(basis);
                    for &dose in project_doses {
                        let recipe = Recipe::Project(basis.clone(), dose);
                        self.attempt(family, (member, dose), recipe, progress)?;
                    }
                }
                Native::Add(vector) => {
                    let vector = Arc::new(vector);
                    for &dose in project_doses {
                        let recipe = Recipe::Add(vector.clone(), dose);
                        self.attempt(family, (member, dose), recipe, progress)?;
                    }
                }
                Native::Steer(all) => self.steer(family, &all, progress)?,
                Native::Params(choices) => {
                    for (dose, params) in choices {
                        let recipe = Recipe::Rollback(Arc::new(params));
                        self.attempt(family, (member, dose), recipe, progress)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Directions of activations at their sites, either sign, and beside each a random vector of its
    /// length.
    fn steer(
        &mut self,
        family: Family<'_>,
        all: &[Steer],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let random = Family {
            name: RANDOM_STEER,
            supervision: Supervision::Effects,
            meant_for: family.meant_for,
            is_control: true,
        };
        for (number, Steer { member, steering }) in all.iter().enumerate() {
            let index = (1 << 42) + ((self.tried.len() as u64) << 8) + number as u64;
            let drawn = steering.random_like(self.config.seed, index);
            for (family, steering) in [(family, steering), (random, &drawn)] {
                for dose in STEERING_DOSES {
                    let recipe = Recipe::Steer(Arc::new(steering.times(dose)));
                    self.attempt(family, (member, dose), recipe, progress)?;
                }
            }
        }
        Ok(())
    }

    /// The common currency: the parameters with the highest scores put back to theta_0, and as many
    /// random ones of every tensor beside them. By claim and percentage: the losses of both.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn resets(
        &mut self,
        (number, name, supervision): (u64, &str, Supervision),
        located: &Located<'_>,
        progress: &mut dyn Progress,
    ) -> Result<[Vec<[Losses; 2]>; 2], Error> {
        let percents = self.config.ablate.reset_percent.clone();
        let directed = located.scores[0] != located.scores[1];
        let mut found = [Vec::new(), Vec::new()];
        for claim in Claim::ALL {
            let index = Located::index(claim);
            if index == 1 && !directed {
                found[1] = found[0].clone();
                break;
            }
            let reset = format!("{name}{RESET}");
            let control = format!("{name}{MATCHED}");
            if located.scores[index].iter().all(|&score| score == 0.0) {
                // It names nothing: nothing is reset, and nothing lost.
                found[index] = vec![[Losses([0.0; 7]); 2]; percents.len()];
                continue;
            }
            let family = Family {
                name: &reset,
                supervision,
                meant_for: directed.then_some(claim),
                is_control: name == "random",
            };
            for (place, &percent) in percents.iter().enumerate() {
                let indices = edit::top(&located.scores[index], percent);
                let stream = (1 << 32) + (number << 16) + (index << 8 | place) as u64;
                let mut stream = Stream::new(self.config.seed, Purpose::Controls, stream);
                let layout = &self.policy.network.layout;
                let matched = edit::layer_matched(layout, &indices, &mut stream);
                let member = located.found[index].as_str();
                let own = self
                    .attempt(
                        family,
                        (member, percent),
                        Recipe::Reset(Arc::new(indices)),
                        progress,
                    )?
                    .losses;
                let control = Family {
                    name: &control,
                    is_control: true,
                    ..family
                };
                let random = self
                    .attempt(
                        control,
                        (name, percent),
                        Recipe::Reset(Arc::new(matched)),
                        progress,
                    )?
                    .losses;
                found[index].push([own, random]);
            }
        }
        Ok(found)
    }
}

/// What stands behind a locator's name where its top parameters are reset.
pub const RESET: &str = ": reset";
/// The same for as many random parameters of every tensor.
pub const MATCHED: &str = ": as many random ones";

/// A decomposition with its name.
#[derive(Clone, Debug)]
pub struct Named {
    /// "raw", "unit-norm", or the stream's.
    pub name: &'static str,
    /// Whether it is of a part of the gradient.
    pub is_stream: bool,
    /// The components.
    pub decomposed: Arc<Decomposed>,
}

impl Named {
    /// The name of component `i` as a member of a family.
    pub fn member(&self, i: usize) -> String {
        format!("{} {i}", self.name)
    }

    /// A random unit direction in the span of the `len` leading components, numbered `index`.
    pub fn in_span(&self, len: usize, seed: u64, index: u64) -> Vec<f32> {
        let d = &self.decomposed.decomposition;
        let len = len.min(d.rank);
        let rows = d.u.chunks_exact(d.rank.max(1));
        let leading: Vec<f32> = rows.flat_map(|row| &row[..len]).copied().collect();
        let mut stream = Stream::new(seed, Purpose::Controls, (1 << 40) + index);
        edit::in_span(&leading, len, &mut stream)
    }
}
