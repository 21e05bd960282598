//! What a finished training run left behind, opened for locators.

use crate::ablate::{Rate, Split, Tasks};
use crate::experiment::train::Trained;
use crate::experiment::{Config, Error, checkpoint, streams};
use crate::gradients::{Dense, GradientMatrix, Matrix};
use crate::locators::{Behaviour, Decompositions, Probe, Run, Stream, Streams, probes};
use crate::nn::Network;
use crate::protocol::decompose;
use crate::protocol::trained_policy::TrainedPolicy;
use crate::storage::{Access, RunDir};

/// A trained run.
pub struct History {
    /// The network.
    pub network: Network,
    /// Share of training and parameters of each checkpoint.
    pub checkpoints: Vec<(f64, Vec<f32>)>,
    /// The recorded streams.
    pub recordings: Recordings,
    /// Levels to look for effects on.
    pub discovery: Tasks,
    /// States that ask for the behaviours.
    pub probes: Vec<Probe>,
    /// When the walk to the corner was learnt, as a share of training.
    pub t_corner: Option<f64>,
}

impl History {
    /// Opens what `run` recorded.
    ///
    /// # Errors
    /// Files that are missing or damaged, levels that cannot be made.
    pub fn open(
        config: &Config,
        run: &RunDir,
        access: Access,
        trained: &Trained,
    ) -> Result<Self, Error> {
        let network = config.network()?;
        let total = config.ppo.total_updates;
        let checkpoints = checkpoint::load_all(&run.checkpoints(), &network.layout, total)?;
        let discovery = config.tasks(Split::Discovery, probes::LEVELS)?;
        let probes = probes::probes(&discovery, probes::STATES);
        Ok(Self {
            probes,
            recordings: Recordings::open(config, run, access, &network)?,
            t_corner: trained.curves.share(Rate::Corner),
            discovery,
            checkpoints,
            network,
        })
    }

    /// The policy at the end of training.
    pub fn policy(&self) -> TrainedPolicy<'_> {
        TrainedPolicy {
            network: &self.network,
            theta: &self.checkpoints[self.checkpoints.len() - 1].1,
            theta_0: &self.checkpoints[0].1,
            checkpoints: &self.checkpoints,
        }
    }

    /// What locators may look at.
    pub fn run<'a>(&'a self, config: &Config, decompositions: &'a Decompositions) -> Run<'a> {
        let policy = self.policy();
        Run {
            layout: &self.network.layout,
            theta_0: policy.theta_0,
            theta: policy.theta,
            checkpoints: &self.checkpoints,
            streams: self.recordings.streams(),
            decompositions,
            t_corner: self.t_corner,
            behaviour: Some(Behaviour {
                policy: policy.policy(),
                probes: &self.probes,
                tasks: &self.discovery,
            }),
            rank: config.study.rank,
            seed: config.seed,
        }
    }
}

/// The recorded streams, open.
pub struct Recordings {
    /// The loss's gradient and the middle of every row, as a share of training.
    pub total: (Matrix, Vec<f64>),
    update: Matrix,
    /// `before`, `inside`, `value`, `entropy`, and the policy's: the sum of the first two.
    parts: Option<([Dense; 5], Vec<f64>)>,
}

impl Recordings {
    fn open(
        config: &Config,
        run: &RunDir,
        access: Access,
        network: &Network,
    ) -> Result<Self, Error> {
        // Held to its checksums before anything is found in it.
        let open = |name: &str| -> Result<Matrix, Error> {
            let matrix = streams::open(config, run, access, (name, network.layout.len()))?;
            matrix.verify()?;
            Ok(matrix)
        };
        let total = open("total")?;
        let tau = decompose::times(config, &total);
        let parts = if config.record.streams_every == 0 {
            None
        } else {
            let before = open("before")?;
            let tau = decompose::times(config, &before);
            let [before, inside, value, entropy] = [
                Dense::from_matrix(&before)?,
                Dense::from_matrix(&open("inside")?)?,
                Dense::from_matrix(&open("value")?)?,
                Dense::from_matrix(&open("entropy")?)?,
            ];
            let pairs = before.values().iter().zip(inside.values());
            let policy = pairs.map(|(before, inside)| before + inside).collect();
            let policy = Dense::new(before.time_len(), before.param_len(), policy)?;
            Some(([before, inside, value, entropy, policy], tau))
        };
        Ok(Self {
            total: (total, tau),
            update: open("update")?,
            parts,
        })
    }

    /// The middle of every row, as a share of training.
    pub fn tau(&self, is_stream: bool) -> &[f64] {
        match &self.parts {
            Some((_, tau)) if is_stream => tau,
            _ => &self.total.1,
        }
    }

    fn streams(&self) -> Streams<'_> {
        let part = |index: usize| {
            let (parts, tau) = self.parts.as_ref()?;
            let matrix = &parts[index];
            Some(Stream { matrix, tau })
        };
        Streams {
            total: Stream {
                matrix: &self.total.0,
                tau: &self.total.1,
            },
            update: Some(Stream {
                matrix: &self.update,
                tau: &self.total.1,
            }),
            policy: part(4),
            before: part(0),
            inside: part(1),
            value: part(2),
            entropy: part(3),
        }
    }
}
