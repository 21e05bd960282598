//! Known answers, on a stored policy that learnt both behaviours: a constant on the logits meets neither rule, and the policy that cannot
//! see the cheese meets that of A.
//!
//! The policy is the last checkpoint of `gouda reproduce --seed 0` (`data/policies/README.md`).

use std::path::Path;

use gouda::ablate::blindfold::blindfold;
use gouda::ablate::{
    Claim, Drawn, Rate, Reference, Resampling, Split, Tasks, compass, edit, selectivity,
};
use gouda::experiment::checkpoint::load_checkpoint;
use gouda::experiment::{Config, Preset};
use gouda::nn::{Network, Policy, init};

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
