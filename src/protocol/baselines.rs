//! The dumbest explanations, each with as many tries as the families they stand beside.
//!
//! | baseline | try number i |
//! |---|---|
//! | compass | a constant on the logits ([`compass`]) |
//! | random in-span step | a random direction in the span of the leading components |
//! | matched noise | noise with the length that such a direction has in every tensor |
//! | random combination of rows | the recorded gradients added up with normal weights |
//! | random subset of components | one to four of the leading components, projected off, or the parameters of highest score in them reset |
//! | rollback to a checkpoint | the checkpoints, those that halve the gaps between earlier ones first |
//! | stretch taken back | what moved between two checkpoints, whole or orthogonal to the rest of the displacement |
//!
//! Tries go round the doses, and each has a member of its own: the first n of them are as many tries as a family of n
//! candidates had ([`freeze`](super::freeze)).

use std::sync::Arc;

use super::decomposed::Named;
use super::edit::{Edit, Member};
use super::row_combinations::combinations;
use super::trained_policy::TrainedPolicy;
use crate::ablate::recipe::Recipe;
use crate::ablate::{compass, edit};
use crate::experiment::{Config, Error};
use crate::findings::{Components, Family};
use crate::locators::{CUTS, Stream, Supervision};
use crate::nn::Layout;
use crate::numeric::draws::{self, packed};
use crate::numeric::random;
use crate::numeric::sum::{dot, norm};

/// Most components of a random subset.
const SUBSET_MOST: u32 = 4;

/// What the tries are made from.
#[derive(Clone, Copy)]
pub struct Baselines<'a> {
    /// Settings.
    pub config: &'a Config,
    /// Whose edits they are.
    pub policy: TrainedPolicy<'a>,
    /// The total gradient's decompositions.
    pub decompositions: &'a [Named],
    /// The recorded total gradient.
    pub rows: Stream<'a>,
}

impl Baselines<'_> {
    /// The first `len` tries of every baseline, or all there are.
    ///
    /// # Errors
    /// A recorded gradient that cannot be read.
    pub fn all(&self, len: usize) -> Result<Vec<Edit>, Error> {
        let mut all: Vec<Edit> = self.compass(len);
        all.extend((0..len).map(|i| self.in_span(i)));
        all.extend((0..len).map(|i| self.matched_noise(i)));
        all.extend(self.rows(len)?);
        all.extend((0..len).map(|i| self.subset(i)));
        all.extend(self.checkpoints(len));
        all.extend((0..len).map(|i| self.stretch(i)));
        Ok(all)
    }

    fn edit(family: Family, member: Member, dose: f64, recipe: Recipe) -> Edit {
        Edit {
            family,
            supervision: Supervision::Effects,
            meant_for: None,
            member,
            dose,
            recipe,
        }
    }

    fn stream(&self, family: Family, i: usize) -> random::Stream {
        let place = Family::BASELINES.iter().position(|&one| one == family);
        let place = place.expect("a baseline") as u64;
        draws::BASELINES.stream(self.config.seed, packed(&[(place, 8), (i as u64, 24)]))
    }

    /// A step of one of the doses of components' steps along a direction.
    fn step(&self, family: Family, i: usize, of: &str, direction: Vec<f32>) -> Edit {
        let doses = &self.config.ablate.step_doses;
        // Two tries a dose, as many as there are decompositions.
        let dose = doses[i / 2 % doses.len()];
        let recipe = Recipe::Step(Arc::new(direction), dose * self.policy.displacement());
        let member = Member::Named(format!("{of} {i}"));
        Self::edit(family, member, dose, recipe)
    }

    fn decomposition(&self, i: usize) -> &Named {
        &self.decompositions[i % self.decompositions.len()]
    }

    fn in_span(&self, i: usize) -> Edit {
        let named = self.decomposition(i);
        let mut stream = self.stream(Family::RandomStep, i);
        let direction = named.in_span(self.config.ablate.components, &mut stream);
        let of = format!("random {}", named.of.name());
        self.step(Family::RandomStep, i, &of, direction)
    }

    fn matched_noise(&self, i: usize) -> Edit {
        let mut stream = self.stream(Family::MatchedNoise, i);
        let components = self.config.ablate.components;
        let like = self.decomposition(i).in_span(components, &mut stream);
        let noise = noise_like(&self.policy.network.layout, &like, &mut stream);
        self.step(Family::MatchedNoise, i, "noise", noise)
    }

    /// Every second time of rows of length 1.
    fn rows(&self, len: usize) -> Result<Vec<Edit>, Error> {
        let time_len = self.rows.matrix.time_len();
        let normal = |i: usize| -> Vec<f32> {
            let mut stream = self.stream(Family::RowCombination, i);
            (0..time_len).map(|_| stream.normal() as f32).collect()
        };
        let weights: Vec<Vec<f32>> = (0..len).map(normal).collect();
        let is_unit = |i: usize| i % 2 == 1;
        let mut all = self.decompositions.iter();
        let raw = all.find(|named| named.of == Components::Raw);
        let raw = raw.expect("the total gradient is decomposed as it is");
        let norms = &raw.decomposed.row_norms;
        let combined = combinations(self.rows.matrix, norms, &weights, &is_unit)?;
        let steps = combined.into_iter().enumerate();
        let step = |(i, direction)| self.step(Family::RowCombination, i, "rows", direction);
        Ok(steps.map(step).collect())
    }

    fn subset(&self, i: usize) -> Edit {
        let ablate = &self.config.ablate;
        let named = self.decomposition(i);
        let d = &named.decomposed.decomposition;
        let mut stream = self.stream(Family::RandomSubset, i);
        let mut chosen: Vec<usize> = (0..ablate.components.min(d.rank)).collect();
        stream.shuffle(&mut chosen);
        chosen.truncate(1 + stream.below(SUBSET_MOST) as usize);
        let names: Vec<String> = chosen.iter().map(usize::to_string).collect();
        let member = Member::Named(format!("{} {}", named.of.name(), names.join("+")));
        // Two of either kind in a row, one a decomposition.
        let (dose, recipe) = if (i / 2).is_multiple_of(2) {
            let doses = &ablate.project_doses;
            let dose = doses[i / 4 % doses.len()];
            let basis = chosen.iter().map(|&i| d.u_column(i)).collect();
            (dose, Recipe::Project(Arc::new(basis), dose))
        } else {
            let percents = &ablate.reset_percent;
            let percent = percents[i / 4 % percents.len()];
            let members = chosen.iter().map(|&i| (d.s[i], d.u_column(i)));
            let scores = crate::ablate::recipe::scores(&members.collect::<Vec<_>>());
            (
                percent,
                Recipe::Reset(Arc::new(edit::top(&scores, percent))),
            )
        };
        Self::edit(Family::RandomSubset, member, dose, recipe)
    }

    /// The named directions first, at the middle doses first; then random ones, round the doses.
    fn compass(&self, len: usize) -> Vec<Edit> {
        let layout = &self.policy.network.layout;
        let named = compass::directions(layout, self.config.env.actions);
        if named.is_empty() {
            return Vec::new();
        }
        let mut all = Vec::new();
        for logits in compass::DOSES {
            for (name, direction) in &named {
                for dose in [logits, -logits] {
                    let length = compass::length(direction, dose);
                    let recipe = Recipe::Step(Arc::new(direction.clone()), length);
                    let member = Member::Named((*name).into());
                    all.push(Self::edit(Family::Compass, member, dose, recipe));
                }
            }
        }
        for i in all.len()..len {
            let mut stream = self.stream(Family::Compass, i);
            let weights: Vec<f32> = named.iter().map(|_| stream.normal() as f32).collect();
            let mut direction = vec![0.0f32; layout.len()];
            for ((_, one), weight) in named.iter().zip(weights) {
                direction
                    .iter_mut()
                    .zip(one)
                    .for_each(|(d, x)| *d += weight * x);
            }
            let dose = compass::DOSES[i % compass::DOSES.len()];
            let length = compass::length(&direction, dose);
            let recipe = Recipe::Step(Arc::new(direction), length);
            let member = Member::Named(format!("random {i}"));
            all.push(Self::edit(Family::Compass, member, dose, recipe));
        }
        all.truncate(len);
        all
    }

    fn checkpoints(&self, len: usize) -> Vec<Edit> {
        let all = self.policy.checkpoints;
        let between = halving(all.len().saturating_sub(2))
            .into_iter()
            .map(|i| i + 1);
        let rollback = |place: usize| {
            let (share, theta) = &all[place];
            let recipe = Recipe::Rollback(Arc::new(theta.clone()));
            let member = Member::Named("checkpoint".into());
            Self::edit(Family::Checkpoint, member, *share, recipe)
        };
        between.take(len).map(rollback).collect()
    }

    /// The places of the checkpoints at which training is cut in two: where the last stage of its levels began, or else half-way, and
    /// then where sets by time are cut.
    fn cuts(&self) -> Vec<usize> {
        let stage = self.config.env.schedule.last().map(|stage| stage.from);
        let first = stage.filter(|&from| from > 0.0).unwrap_or(0.5);
        let nearest = |from: f64| {
            let checkpoints = self.policy.checkpoints.iter().enumerate();
            let distance = |share: f64| (share - from).abs();
            let nearest = checkpoints.min_by(|a, b| distance(a.1.0).total_cmp(&distance(b.1.0)));
            nearest.map_or(0, |(place, _)| place)
        };
        let mut places = vec![nearest(first)];
        for place in CUTS.map(nearest) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Both parts of training first, cut after cut, at every dose; then random stretches. Every second time orthogonal to the rest.
    fn stretch(&self, i: usize) -> Edit {
        let checkpoints = self.policy.checkpoints;
        let last = checkpoints.len() - 1;
        let doses = &self.config.ablate.project_doses;
        let dose = doses[(doses.len() / 2 + i / 4) % doses.len()];
        let cut = self.cuts().get(i / (4 * doses.len())).copied();
        let part = cut.map(|cut| [(cut, last), (0, cut)][i / 2 % 2]);
        let (from, to) = match part {
            Some(part) if part.0 < part.1 => part,
            _ => {
                let mut stream = self.stream(Family::Stretch, i);
                let from = stream.below(last as u32) as usize;
                (from, from + 1 + stream.below((last - from) as u32) as usize)
            }
        };
        let [(share_from, from), (share_to, to)] = [from, to].map(|place| &checkpoints[place]);
        let mut moved: Vec<f32> = to.iter().zip(from).map(|(b, a)| b - a).collect();
        let mut words = format!("{share_from:.2} to {share_to:.2}");
        if i % 2 == 1 {
            let whole = self.policy.theta.iter().zip(self.policy.theta_0);
            let rest: Vec<f32> = whole.zip(&moved).map(|((t, o), m)| t - o - m).collect();
            moved = orthogonal(&moved, &rest);
            words += ", orthogonal to the rest";
        }
        let recipe = Recipe::Add(Arc::new(moved), -dose);
        Self::edit(Family::Stretch, Member::Named(words), dose, recipe)
    }
}

/// `a` less what of it lies along `b`.
fn orthogonal(a: &[f32], b: &[f32]) -> Vec<f32> {
    let share = dot(a, b) / dot(b, b).max(f64::MIN_POSITIVE);
    let pairs = a.iter().zip(b);
    pairs
        .map(|(&a, &b)| (f64::from(a) - share * f64::from(b)) as f32)
        .collect()
}

/// Normal noise that has in every tensor the length that `like` has there.
fn noise_like(layout: &Layout, like: &[f32], stream: &mut random::Stream) -> Vec<f32> {
    let mut noise: Vec<f32> = like.iter().map(|_| stream.normal() as f32).collect();
    for tensor in &layout.tensors {
        let range = tensor.range();
        let scale = norm(&like[range.clone()]) / norm(&noise[range.clone()]).max(f64::MIN_POSITIVE);
        for value in &mut noise[range] {
            *value = (f64::from(*value) * scale) as f32;
        }
    }
    noise
}

/// 0 to `len` - 1 so that the first few are spread evenly and later ones fall between them (van der Corput 1935).
fn halving(len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    let turned = |i: usize| (i as u64 + 1).reverse_bits();
    // Place i of the sequence is its rank among the bit-reversed numbers.
    order.sort_by_key(|&i| turned(i));
    let mut spread = vec![0; len];
    for (rank, place) in order.into_iter().enumerate() {
        spread[place] = rank;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Preset;
    use crate::gradients::Dense;
    use crate::numeric::random::Purpose;

    #[test]
    fn the_first_checkpoints_are_spread_and_none_is_missing() {
        let order = halving(99);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..99).collect::<Vec<_>>());
        let mut first = order[..7].to_vec();
        first.sort_unstable();
        let gaps = first.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.clone().all(|gap| (8..=17).contains(&gap)), "{first:?}");
        assert!(halving(0).is_empty());
    }

    #[test]
    fn noise_has_the_length_of_every_tensor_and_no_direction() {
        let layout = Layout::new(vec![("a".into(), vec![40]), ("b".into(), vec![200])]);
        let like: Vec<f32> = (0..240).map(|i| if i < 40 { 3.0 } else { 0.1 }).collect();
        let mut stream = random::Stream::new(1, Purpose::Controls, 0);
        let noise = noise_like(&layout, &like, &mut stream);
        for tensor in &layout.tensors {
            let [a, b] = [&like, &noise].map(|all| norm(&all[tensor.range()]));
            assert!((a / b - 1.0).abs() < 1e-6);
        }
        assert!(dot(&like, &noise).abs() < 0.5 * norm(&like) * norm(&noise));
    }

    #[test]
    fn what_is_orthogonal_to_the_rest_has_nothing_along_it() {
        let (a, b) = ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]);
        let left = orthogonal(&a, &b);
        assert_eq!(left, [-1.0, 2.0, 1.0]);
        assert_eq!(orthogonal(&a, &[0.0; 3]), a);
    }

    /// The parts at every cut of sets by time, whole and orthogonal to the rest, at every dose; none of them twice.
    #[test]
    fn the_first_stretches_are_cut_where_sets_by_time_are() {
        let config: Config = toml::from_str(Preset::Scheduled.text()).unwrap();
        let network = config.network().unwrap();
        let len = network.layout.len();
        let at =
            |place: usize| -> Vec<f32> { (0..len).map(|p| ((p + place) % 7) as f32).collect() };
        let checkpoints: Vec<(f64, Vec<f32>)> = (0..=100)
            .map(|place| (place as f64 / 100.0, at(place)))
            .collect();
        let matrix = Dense::new(1, 1, vec![0.0]).unwrap();
        let baselines = Baselines {
            config: &config,
            policy: TrainedPolicy {
                network: &network,
                theta: &checkpoints[100].1,
                theta_0: &checkpoints[0].1,
                checkpoints: &checkpoints,
            },
            decompositions: &[],
            rows: Stream {
                matrix: &matrix,
                tau: &[0.5],
            },
        };
        let cuts = baselines.cuts();
        let stage = config.env.schedule.last().unwrap().from;
        assert_eq!(cuts[0], (100.0 * stage).round() as usize);
        assert!(
            CUTS.iter()
                .all(|cut| cuts.contains(&((100.0 * cut).round() as usize)))
        );
        let doses = &config.ablate.project_doses;
        let first: Vec<(Member, u64)> = (0..4 * doses.len() * cuts.len())
            .map(|i| baselines.stretch(i))
            .map(|edit| (edit.member, edit.dose.to_bits()))
            .collect();
        for cut in cuts {
            let share = cut as f64 / 100.0;
            for part in [format!("{share:.2} to 1.00"), format!("0.00 to {share:.2}")] {
                for words in [part.clone(), format!("{part}, orthogonal to the rest")] {
                    for dose in doses {
                        let one = (Member::Named(words.clone()), dose.to_bits());
                        assert_eq!(first.iter().filter(|other| **other == one).count(), 1);
                    }
                }
            }
        }
    }
}
