//! Every edit that is tried on selection levels, and what it costs there.

use std::sync::Arc;

use super::baselines::Baselines;
use super::bench::Bench;
use super::decomposed::Named;
use super::edit::{Direction, Edit, Member, Tried};
use super::freeze::most_candidates;
use super::trained_policy::TrainedPolicy;
use crate::ablate::recipe::Recipe;
use crate::ablate::{Claim, PerClaim, PerRate, blindfold, edit};
use crate::experiment::{Config, Error, Progress};
use crate::findings::Family;
use crate::locators::{InSpan, Kind, Located, Method, Native, Offer, Steer, Stream, Supervision};
use crate::numeric::draws::{self, packed};

/// Shares of the cheese's plane that are taken away.
const BLINDFOLD: [f64; 4] = [1.0, 0.75, 0.5, 0.25];
/// Doses of a direction of activations, in shares of it.
const STEERING_DOSES: [f64; 6] = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];

/// Tries edits and remembers them.
#[derive(Debug)]
pub struct Trials<'a> {
    config: &'a Config,
    policy: TrainedPolicy<'a>,
    selection: &'a Bench<'a>,
    displacement: f64,
    /// All that was tried.
    pub tried: Vec<Tried>,
    /// How much of it before the present stage.
    begun: usize,
}

/// What the members of a family have in common.
#[derive(Clone, Copy, Debug)]
struct Common {
    family: Family,
    supervision: Supervision,
    meant_for: Option<Claim>,
}

impl Common {
    /// Of a family of which the effects must say what each member is for.
    fn by_effect(family: Family) -> Self {
        Self {
            family,
            supervision: Supervision::Effects,
            meant_for: None,
        }
    }

    fn edit(self, member: Member, dose: f64, recipe: Recipe) -> Edit {
        Edit {
            family: self.family,
            supervision: self.supervision,
            meant_for: self.meant_for,
            member,
            dose,
            recipe,
        }
    }
}

/// At every percentage, what a reset of a method's top parameters cost, and what each of as many random ones did.
pub type Resets = Vec<(PerRate<f64>, Vec<PerRate<f64>>)>;

impl<'a> Trials<'a> {
    /// Nothing tried yet.
    pub fn new(config: &'a Config, policy: TrainedPolicy<'a>, selection: &'a Bench<'a>) -> Self {
        Self {
            config,
            displacement: policy.displacement(),
            policy,
            selection,
            tried: Vec::new(),
            begun: 0,
        }
    }

    /// The percentages of parameters that resets put back.
    pub fn percents(&self) -> &[f64] {
        &self.config.ablate.reset_percent
    }

    fn begin(&mut self, stage: &str, steps: usize, progress: &mut dyn Progress) {
        self.begun = self.tried.len();
        progress.begin(stage, steps as u64);
    }

    /// Tries one edit; what it lost.
    fn attempt(&mut self, edit: Edit, progress: &mut dyn Progress) -> Result<PerRate<f64>, Error> {
        progress.stop_if_interrupted("the choice of edits")?;
        let losses = self.selection.losses(&edit.recipe)?;
        let family = edit.family;
        self.tried.push(Tried { edit, losses });
        progress.advance((self.tried.len() - self.begun) as u64, &family.name());
        Ok(losses)
    }

    /// Steps along directions, either sign, at every dose; a dose of 1 is a step of length `unit`.
    fn steps(
        &mut self,
        common: Common,
        directions: &[Direction],
        doses: &[f64],
        unit: f64,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        for (member, values) in directions {
            for dose in doses.iter().flat_map(|&dose| [dose, -dose]) {
                let recipe = Recipe::Step(values.clone(), dose * unit);
                self.attempt(common.edit(member.clone(), dose, recipe), progress)?;
            }
        }
        Ok(())
    }

    /// The practical hypothesis: steps along the leading components of each decomposition.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn practical(
        &mut self,
        decompositions: &[Named],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let config = self.config;
        let doses = &config.ablate.step_doses;
        let len = config.ablate.components;
        let rank = |named: &Named| len.min(named.decomposed.decomposition.rank);
        let steps = |named: &Named| match named.of.is_stream() {
            true => rank(named),
            false => rank(named) * doses.len(),
        };
        let all = 2 * decompositions.iter().map(steps).sum::<usize>();
        self.begin("steps along components on selection levels", all, progress);
        for named in decompositions {
            let components = named.directions(len);
            let (family, doses) = match named.of.is_stream() {
                true => (Family::StreamStep, &doses[doses.len() / 2..][..1]),
                false => (Family::Step, &doses[..]),
            };
            let unit = self.displacement;
            self.steps(
                Common::by_effect(family),
                &components,
                doses,
                unit,
                progress,
            )?;
        }
        Ok(())
    }

    /// What is known to do what A says: the weights that read the cheese's plane, taken away in doses.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn blindfold(&mut self, progress: &mut dyn Progress) -> Result<(), Error> {
        let layout = &self.policy.network.layout;
        let blinded = |share: f64| blindfold::blindfold(self.policy.theta, layout, share);
        let recipes = BLINDFOLD.map(|share| (share, Recipe::Rollback(Arc::new(blinded(share)))));
        self.begin("the blindfold on selection levels", recipes.len(), progress);
        for (share, recipe) in recipes {
            let member = Member::Named("the cheese's plane".into());
            let edit = Common::by_effect(Family::Blindfold).edit(member, share, recipe);
            self.attempt(edit, progress)?;
        }
        Ok(())
    }

    /// The baselines, with as many tries as the families have that were tried before.
    ///
    /// # Errors
    /// A recorded gradient that cannot be read, or the user's interruption.
    pub fn baselines(
        &mut self,
        decompositions: &[Named],
        rows: Stream<'_>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let whole = decompositions.iter().filter(|named| !named.of.is_stream());
        let whole: Vec<Named> = whole.cloned().collect();
        let baselines = Baselines {
            config: self.config,
            policy: self.policy,
            decompositions: &whole,
            rows,
        };
        let all = baselines.all(most_candidates(&self.tried))?;
        self.begin("baselines on selection levels", all.len(), progress);
        for edit in all {
            self.attempt(edit, progress)?;
        }
        Ok(())
    }

    /// What a method offers beside resets: its own edits.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn native(
        &mut self,
        method: Method,
        offers: Vec<Offer>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let config = self.config;
        let project_doses = &config.ablate.project_doses;
        for offer in offers {
            let common = Common {
                family: Family::Of(method, offer.edit),
                supervision: method.supervision().max(offer.supervision),
                meant_for: offer.claim,
            };
            let member = Member::Named(offer.member);
            let recipes: Vec<(f64, Recipe)> = match offer.native {
                Native::Step(direction) => {
                    let directions = [(member, Arc::new(direction))];
                    let (doses, unit) = (&config.ablate.step_doses, self.displacement);
                    self.steps(common, &directions, doses, unit, progress)?;
                    continue;
                }
                Native::Steer(all) => {
                    self.steer(common, &all, progress)?;
                    continue;
                }
                Native::ProjectInSpan(set) => {
                    self.project_in_span((common, member), &set, progress)?;
                    continue;
                }
                Native::Project(basis) => {
                    let basis = Arc::new(basis);
                    let recipe = |&dose: &f64| (dose, Recipe::Project(basis.clone(), dose));
                    project_doses.iter().map(recipe).collect()
                }
                // What no component added up to.
                Native::Add(vector) if vector.iter().all(|&x| x == 0.0) => continue,
                Native::Add(vector) => {
                    let vector = Arc::new(vector);
                    let recipe = |&dose: &f64| (dose, Recipe::Add(vector.clone(), dose));
                    project_doses.iter().map(recipe).collect()
                }
                Native::Params(choices) => {
                    let choices = choices.into_iter();
                    let recipe =
                        |(dose, theta): (f64, Vec<f32>)| (dose, Recipe::Rollback(Arc::new(theta)));
                    choices.map(recipe).collect()
                }
            };
            for (dose, recipe) in recipes {
                self.attempt(common.edit(member.clone(), dose, recipe), progress)?;
            }
        }
        Ok(())
    }

    /// Directions projected off at every dose, and beside each as many random ones in their span that move the policy as
    /// displacement.
    fn project_in_span(
        &mut self,
        (own, member): (Common, Member),
        set: &InSpan,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let random = Common {
            family: own.family.own_control().expect("sets have one"),
            ..own
        };
        let policy = self.policy;
        let moved = policy.theta.iter().zip(policy.theta_0);
        let moved: Vec<f32> = moved.map(|(&theta, &theta_0)| theta - theta_0).collect();
        let removed = Arc::new(set.removed(&moved));
        for &dose in &self.config.ablate.project_doses {
            let index = self.tried.len() as u64;
            let mut stream = draws::BESIDE_SETS.stream(self.config.seed, index);
            let recipe = Recipe::Add(removed.clone(), -dose);
            self.attempt(own.edit(member.clone(), dose, recipe), progress)?;
            if let Some(drawn) = set.random(&moved, &mut stream) {
                let recipe = Recipe::Add(Arc::new(drawn), -dose);
                self.attempt(random.edit(member.clone(), dose, recipe), progress)?;
            }
        }
        Ok(())
    }

    /// Directions of activations at their sites, either sign, and beside each a random vector of its
    /// length.
    fn steer(
        &mut self,
        own: Common,
        all: &[Steer],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let random = Common {
            family: Family::RandomSteer,
            ..own
        };
        for Steer { member, steering } in all {
            let mut stream =
                draws::BESIDE_STEERING.stream(self.config.seed, self.tried.len() as u64);
            let drawn = steering.random_like(&mut stream);
            for (common, steering) in [(own, steering), (random, &drawn)] {
                for dose in STEERING_DOSES {
                    let recipe = Recipe::Steer(Arc::new(steering.times(dose)));
                    let member = Member::Named(member.clone());
                    self.attempt(common.edit(member, dose, recipe), progress)?;
                }
            }
        }
        Ok(())
    }

    /// The common currency: the parameters with the highest scores put back to theta_0, and beside them `random_len` times as
    /// many random ones of every tensor.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn resets(
        &mut self,
        method: Method,
        located: &Located<'_>,
        random_len: usize,
        progress: &mut dyn Progress,
    ) -> Result<PerClaim<Resets>, Error> {
        let directed = located.scores[0] != located.scores[1];
        let mut found = PerClaim::new(|_| Vec::new());
        for claim in Claim::ALL {
            if claim == Claim::B && !directed {
                found[Claim::B] = found[Claim::A].clone();
                break;
            }
            let scores = &located.scores[claim as usize];
            if !located.names(claim) {
                // It names nothing: nothing is reset, and nothing lost.
                let nothing = PerRate::new(|_| 0.0);
                found[claim] = vec![(nothing, vec![nothing]); self.percents().len()];
                continue;
            }
            let own = Common {
                family: Family::Of(method, Kind::Reset),
                supervision: method.supervision(),
                meant_for: directed.then_some(claim),
            };
            let matched = Common {
                family: Family::Matched(method),
                ..own
            };
            for (place, percent) in self.percents().to_vec().into_iter().enumerate() {
                let indices = edit::top(scores, percent);
                let layout = &self.policy.network.layout;
                let drawn = (0..random_len).map(|draw| {
                    let parts = [method as u64, claim as u64, place as u64, draw as u64];
                    let number = packed(&parts.map(|part| (part, 8)));
                    let mut stream = draws::BESIDE_RESETS.stream(self.config.seed, number);
                    edit::layer_matched(layout, &indices, &mut stream)
                });
                let drawn: Vec<Vec<usize>> = drawn.collect();
                let recipe = Recipe::Reset(Arc::new(indices));
                let member = Member::Named(located.found[claim as usize].clone());
                let lost = self.attempt(own.edit(member, percent, recipe), progress)?;
                // The first draw alone is tried as an edit, as often as the method's own; the others are for the mean.
                let random = drawn.into_iter().enumerate().map(|(draw, indices)| {
                    let recipe = Recipe::Reset(Arc::new(indices));
                    let member = Member::Named(method.name().into());
                    match draw {
                        0 => self.attempt(matched.edit(member, percent, recipe), progress),
                        _ => self.selection.losses(&recipe),
                    }
                });
                found[claim].push((lost, random.collect::<Result<_, _>>()?));
            }
        }
        Ok(found)
    }
}
