//! PyTorch on the same net and work, by the script `benches/peers/ppo_torch.py`.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::cli::Error;
use crate::nn::Kind;
use crate::ppo::Settings;
use crate::storage::{Scratch, atomic};

const SCRIPT: &str = include_str!("../../../benches/peers/ppo_torch.py");

/// One way of running the peer.
#[derive(Clone, Debug, Serialize)]
pub struct Peer {
    /// Memory layout, compiled or not.
    way: &'static str,
    /// What it said.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The peer's own figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    torch: String,
    repetitions: usize,
    update_frames_per_s: f64,
    inference_frames_per_s: f64,
    /// Updates and inference together.
    pub combined_frames_per_s: f64,
}

impl Peer {
    /// One line.
    pub fn describe(&self) -> String {
        let figures = &self.figures;
        format!(
            "torch {}, {:14} combined {:.0}, update {:.0}, inference {:.0} ({} repetitions)",
            figures.torch,
            self.way,
            figures.combined_frames_per_s,
            figures.update_frames_per_s,
            figures.inference_frames_per_s,
            figures.repetitions
        )
    }
}

/// Runs the peer each way in turn. A way that fails is left out, as where there is no compiler for
/// the compiled one; if the first fails, that is the error.
pub fn measure(
    python: &Path,
    settings: &Settings,
    threads: usize,
    seconds: f64,
) -> Result<Vec<Peer>, Error> {
    let scratch = Scratch::create()?;
    let script = scratch.path().join("ppo_torch.py");
    atomic::write(&script, SCRIPT.as_bytes())?;
    let ways: [(&'static str, &[&str]); 3] = [
        ("contiguous", &[]),
        ("channels-last", &["--layout", "channels-last"]),
        ("compiled", &["--compile"]),
    ];
    let (net, ppo) = (&settings.net, &settings.ppo);
    let kind = match net.kind {
        Kind::Small => "small",
        Kind::Impala => "impala",
    };
    let numbers = [
        ("--world", settings.env.world.into()),
        ("--channels", net.channels),
        ("--blocks", net.blocks),
        ("--hidden", net.hidden),
        ("--actions", settings.env.actions.action_len()),
        ("--frames", ppo.batch_len()),
        ("--epochs", ppo.update_epochs),
        ("--minibatch", ppo.minibatch_size),
        ("--envs", ppo.num_envs),
        ("--threads", threads),
    ];
    let mut peers = Vec::new();
    for (way, options) in ways {
        let mut command = Command::new(python);
        command.arg(&script).args(["--kind", kind]).args(options);
        command.args(["--seconds", &seconds.to_string()]);
        for (name, value) in numbers {
            command.args([name, &value.to_string()]);
        }
        let output = command
            .output()
            .map_err(|error| Error::Usage(format!("{}: {error}", python.display())))?;
        let figures = serde_json::from_slice(&output.stdout);
        match figures {
            Ok(figures) if output.status.success() => peers.push(Peer { way, figures }),
            _ if peers.is_empty() => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.lines().last().unwrap_or("nothing");
                let python = python.display();
                let message = format!("{python} cannot run the peer, it says: {last}");
                return Err(Error::Usage(message));
            }
            _ => {}
        }
    }
    Ok(peers)
}
