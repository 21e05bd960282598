//! Known answers, on a stored policy that learnt both behaviours: a constant on the logits meets neither rule, and the policy that cannot
//! see the cheese meets that of A. And on a small policy of two towers, which methods tell whose parameters are whose.
//!
//! The stored policy is the last checkpoint of `gouda reproduce --seed 0` (`data/policies/README.md`).

use std::path::Path;

use gouda::ablate::blindfold::blindfold;
use gouda::ablate::{
    Claim, Drawn, Rate, Reference, Resampling, Split, Tasks, compass, edit, selectivity,
};
use gouda::experiment::checkpoint::load_checkpoint;
use gouda::experiment::{Config, Preset, Silent};
use gouda::gradients::GradientMatrix;
use gouda::locators::{self, Method};
use gouda::nn::{Network, Policy, init};
use gouda::over_seeds::composed::{ask, plant::Plant};

struct Known {
    network: Network,
    theta: Vec<f32>,
    tasks: Tasks,
    reference: Reference,
    resampling: Resampling,
    drawn: Drawn,
}

impl Known {
    fn new() -> Self {
        let config: Config = toml::from_str(Preset::Quick.text()).unwrap();
        let network = config.network().unwrap();
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("data/policies/quick-seed0.safetensors");
        let theta = load_checkpoint(&path, &network.layout).unwrap();
        let theta_0 = init::initialise(&network.layout, 0);
        let tasks = config.tasks(Split::Test, 192).unwrap();
        let measure = |theta: &[f32]| tasks.measure_exact(Policy::new(&network, theta)).unwrap();
        let reference = Reference {
            base: measure(&theta),
            floor: measure(&theta_0),
        };
        let resampling = Resampling::new(&tasks.seeds(), 1000, 1);
        let drawn = Drawn::new(&reference, &resampling);
        Self {
            network,
            theta,
            tasks,
            reference,
            resampling,
            drawn,
        }
    }

    /// Whether the rule is met, and the margin, for either claim.
    fn judged(&self, theta: &[f32]) -> [(bool, f64); 2] {
        let measured = self
            .tasks
            .measure_exact(Policy::new(&self.network, theta))
            .unwrap();
        let losses = self
            .reference
            .losses(&measured, &self.resampling, &self.drawn);
        Claim::ALL.map(|claim| {
            let of = |rate: Rate| (losses.values[rate.index()], losses.intervals[rate.index()]);
            (claim.succeeds(&of), claim.margin(&|rate| of(rate).0))
        })
    }
}

#[test]
fn the_compass_meets_neither_rule_and_the_blindfold_that_of_a() {
    let known = Known::new();
    let learnt = |rate| {
        let (rise, interval) = (known.reference.rise(rate), known.drawn.rise(rate));
        selectivity::is_learnt(rise, interval)
    };
    assert!(Claim::ALL.iter().all(|claim| claim.can_be_judged(&learnt)));
    let actions = gouda::maze::ActionSet::Four;
    for (name, direction) in compass::directions(&known.network.layout, actions) {
        for dose in compass::DOSES.into_iter().flat_map(|dose| [dose, -dose]) {
            let length = compass::length(&direction, dose);
            let turned = edit::step(&known.theta, &direction, length);
            for (met, margin) in known.judged(&turned) {
                assert!(!met && margin < -0.05, "{name} {dose}: {margin}");
            }
        }
    }
    let blind = blindfold(&known.theta, &known.network.layout, 1.0);
    let [a, b] = known.judged(&blind);
    assert!(a.0 && a.1 > 0.0, "{a:?}");
    assert!(!b.0 && b.1 < -0.5, "{b:?}");
    // Nothing taken away, nothing lost.
    let same = blindfold(&known.theta, &known.network.layout, 0.0);
    assert_eq!(known.judged(&same).map(|judged| judged.1), [-0.5; 2]);
}

/// Towers of four channels: too narrow to learn all of the cheese, so that the policy need not count, but whose parameters are whose
/// is known all the same.
#[test]
fn methods_tell_the_towers_of_a_composed_policy_apart() {
    let mut config: Config = toml::from_str(Preset::Quick.text()).unwrap();
    config.seed = 40;
    config.env.world = 7;
    config.env.region = 3;
    config.net.channels = 8;
    config.net.blocks = 4;
    config.net.hidden = 32;
    config.study.planted_updates = 1600;
    let plant = Plant::train(&config, &mut Silent).unwrap();
    // No weight leads from one tower to the other, nor shows the corner's a cheese, at any time.
    let held = plant.towers.held();
    for (share, theta) in &plant.checkpoints {
        assert!(held.iter().all(|&p| theta[p] == 0.0), "{share}");
    }
    // What was recorded adds up to what moved, in the coordinates of the whole.
    let [gradients, updates] = &plant.streams;
    let theta = &plant.checkpoints[plant.checkpoints.len() - 1].1;
    let (mut missing, mut moved) = (0.0, 0.0);
    for (p, &last) in theta.iter().enumerate() {
        let column = (0..plant.tau.len()).map(|t| f64::from(updates.row(t)[p]));
        let displacement = f64::from(last - plant.checkpoints[0].1[p]);
        missing += (column.sum::<f64>() - displacement).powi(2);
        moved += displacement.powi(2);
    }
    assert!(missing < 1e-6 * moved && moved > 1.0, "{missing} {moved}");
    assert_eq!(gradients.time_len(), plant.tau.len());
    // The walk to the corner is the corner's tower's, and the cheese's has no part in it.
    let worth = plant.worth(&config, Split::Selection, 64).unwrap();
    let [cheese, corner] = worth.halves;
    assert!(worth.learnt[1] > 0.3, "{:?}", worth.learnt);
    assert!(
        corner[Rate::Corner] > 0.6 && cheese[Rate::Corner].abs() < 0.2,
        "{worth:?}"
    );
    // Leaving the way to the corner for a cheese is the cheese's tower's.
    assert!(
        cheese[Rate::S4Cheese] > 0.5 && corner[Rate::S4Cheese] < 0.1,
        "{worth:?}"
    );

    let wanted = [
        Method::LossChange,
        Method::AttributionPatching,
        Method::ActivationPatching,
        Method::Rollback,
        Method::WindowSvdPhases,
        Method::Random,
    ];
    let all = locators::all().into_iter();
    let all: Vec<_> = all.filter(|one| wanted.contains(&one.method())).collect();
    let ((judged, _), located) = ask(&config, &plant, &all, &mut Silent).unwrap();
    assert!(judged > 2000, "{judged}");
    for method in wanted {
        let found = located.iter().find(|one| one.locator == method).unwrap();
        for worth in found.worth.unwrap() {
            let (areas, first) = ([worth.area, worth.by_effect], worth.precision.at[0]);
            let least = match method {
                Method::LossChange | Method::Rollback | Method::WindowSvdPhases => 0.9,
                Method::Random => {
                    assert!(
                        areas.iter().all(|area| (area - 0.5).abs() < 0.1),
                        "{areas:?}"
                    );
                    continue;
                }
                _ => 0.75,
            };
            let of = (method.name(), areas, first);
            assert!(
                areas.iter().all(|&area| area > least) && first > 0.8,
                "{of:?}"
            );
        }
    }
}
