//! A run that is looked at: its settings, its checkpoints, and the one that is measured.

use std::path::{Path, PathBuf};

use crate::ablate::edit;
use crate::cli::Error;
use crate::experiment::{Config, checkpoint, resolve};
use crate::nn::{Network, Policy};
use crate::protocol::trained_policy::distance;
use crate::storage::{self, RunDir, is_directory, read_text};

/// Which checkpoint of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Which {
    /// The last that there is.
    Last,
    /// The one nearest to this share of training.
    At(f64),
    /// The one after so many updates.
    Updates(u64),
}

/// A run that is looked at.
#[derive(Debug)]
pub struct Opened {
    /// Its directory.
    pub run: RunDir,
    /// Its settings.
    pub config: Config,
    /// Its network.
    pub network: Network,
    /// The parameters that are measured.
    pub theta: Vec<f32>,
    /// Their file.
    pub file: PathBuf,
    /// Updates before them, where the file's name says it.
    pub updates: Option<u64>,
    /// Updates and file of every checkpoint, at least one.
    checkpoints: Vec<(u64, PathBuf)>,
}

impl Opened {
    /// Opens a run's directory, or a file of its checkpoints.
    ///
    /// # Errors
    /// What is no run, is damaged, or has no such checkpoint.
    pub fn new(path: &Path, which: Which) -> Result<Self, Error> {
        if is_directory(path)? {
            return Self::of_run(path, which, None);
        }
        let file = std::path::absolute(path)?;
        let (Some(folder), Some(run)) = (file.parent(), file.ancestors().nth(2)) else {
            return Err(elsewhere(path));
        };
        if folder.file_name().is_none_or(|name| name != "checkpoints") {
            return Err(elsewhere(path));
        }
        if which != Which::Last {
            let text =
                "--at and --checkpoint choose among the checkpoints of a run: name its directory";
            return Err(Error::Usage(text.into()));
        }
        Self::of_run(run, which, Some(path))
    }

    fn of_run(path: &Path, which: Which, file: Option<&Path>) -> Result<Self, Error> {
        let run = RunDir::look(path)?;
        let settings = run.config();
        let text = read_text(&settings)?;
        let config = resolve::resume((&settings, &text), None, None, &[], None)?.config;
        let network = config.network()?;
        let checkpoints = checkpoint::checkpoints(&run.checkpoints())?;
        if checkpoints.is_empty() {
            let found = "none";
            let expected = "checkpoints, as NUMBER.safetensors";
            return Err(storage::Error::malformed(&run.checkpoints(), expected, found).into());
        }
        let mut opened = Self {
            run,
            config,
            network,
            theta: Vec::new(),
            file: PathBuf::new(),
            updates: None,
            checkpoints,
        };
        if let Some(file) = file {
            let number = file
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            let layout = &opened.network.layout;
            opened.theta = match number {
                Some(updates) => checkpoint::load_numbered(&(updates, file.to_owned()), layout)?,
                None => checkpoint::load_checkpoint(file, layout)?,
            };
            (opened.file, opened.updates) = (file.to_owned(), number);
            return Ok(opened);
        }
        let chosen = match which {
            Which::Last => opened.last(),
            Which::At(share) => opened.nearest_file(share),
            Which::Updates(updates) => {
                let mut all = opened.checkpoints.iter();
                let found = all.find(|(number, _)| *number == updates);
                found.ok_or_else(|| opened.none_after(updates))?
            }
        };
        let (updates, file) = chosen.clone();
        opened.theta = opened.load(&(updates, file.clone()))?;
        (opened.file, opened.updates) = (file, Some(updates));
        Ok(opened)
    }

    /// The policy of these parameters.
    pub fn policy<'a>(&'a self, theta: &'a [f32]) -> Policy<'a> {
        Policy::new(&self.network, theta)
    }

    /// The parameters before training.
    ///
    /// # Errors
    /// A checkpoint that is not there or damaged.
    pub fn theta_0(&self) -> Result<Vec<f32>, Error> {
        let first = &self.checkpoints[0];
        if first.0 != 0 {
            let path = checkpoint::checkpoint_path(&self.run.checkpoints(), 0);
            let expected = "the checkpoint before training";
            let found = format!("{} updates in the first", first.0);
            return Err(storage::Error::malformed(&path, expected, found).into());
        }
        self.load(first)
    }

    /// The checkpoint nearest to a share of training, the earlier of two: its updates and parameters.
    ///
    /// # Errors
    /// A checkpoint that is damaged.
    pub fn nearest(&self, share: f64) -> Result<(u64, Vec<f32>), Error> {
        let nearest = self.nearest_file(share);
        Ok((nearest.0, self.load(nearest)?))
    }

    /// How far training moved the parameters: |theta_T - theta_0|.
    ///
    /// # Errors
    /// A checkpoint that is damaged.
    pub fn displacement(&self) -> Result<f64, Error> {
        Ok(distance(&self.load(self.last())?, &self.theta_0()?))
    }

    /// The parameters with those of some tensors as they were before training: of the tensor of this name, or of the
    /// layer's whose name comes before a dot.
    ///
    /// # Errors
    /// No such tensor; a checkpoint that is damaged.
    pub fn reset(&self, theta: &[f32], name: &str) -> Result<Vec<f32>, Error> {
        let tensors = &self.network.layout.tensors;
        let is_meant = |tensor: &str| {
            let rest = tensor.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let meant = tensors.iter().filter(|tensor| is_meant(&tensor.name));
        let indices: Vec<usize> = meant.flat_map(|tensor| tensor.range()).collect();
        if indices.is_empty() {
            let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
            return Err(Error::Usage(format!(
                "--edit reset={name}: expected a tensor, or what comes before its dot: {}",
                names.join(", ")
            )));
        }
        Ok(edit::reset(theta, &self.theta_0()?, &indices))
    }

    /// "after 300 of 24000 updates", or the name of a file without a number.
    pub fn words(&self) -> String {
        match self.updates {
            Some(updates) => format!("after {}", self.of_total(updates)),
            None => self.name(),
        }
    }

    /// "300 of 24000 updates".
    pub fn of_total(&self, updates: u64) -> String {
        format!("{updates} of {} updates", self.config.ppo.total_updates)
    }

    /// The name of the file of the parameters.
    pub fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn last(&self) -> &(u64, PathBuf) {
        &self.checkpoints[self.checkpoints.len() - 1]
    }

    fn nearest_file(&self, share: f64) -> &(u64, PathBuf) {
        let wanted = share * self.config.ppo.total_updates as f64;
        let away = |updates: u64| (updates as f64 - wanted).abs();
        let nearest = self
            .checkpoints
            .iter()
            .min_by(|a, b| away(a.0).total_cmp(&away(b.0)));
        nearest.unwrap_or_else(|| self.last())
    }

    fn load(&self, file: &(u64, PathBuf)) -> Result<Vec<f32>, Error> {
        Ok(checkpoint::load_numbered(file, &self.network.layout)?)
    }

    /// No checkpoint after so many updates: those that there are, the nearest ones where they are many.
    fn none_after(&self, updates: u64) -> Error {
        let mut near: Vec<u64> = self.checkpoints.iter().map(|(number, _)| *number).collect();
        near.sort_by_key(|number| number.abs_diff(updates));
        near.truncate(6);
        near.sort_unstable();
        let near: Vec<String> = near.iter().map(ToString::to_string).collect();
        Error::Usage(format!(
            "--checkpoint {updates}: expected one of the run's {} checkpoints, the nearest are {}",
            self.checkpoints.len(),
            near.join(", ")
        ))
    }
}

fn elsewhere(path: &Path) -> Error {
    let expected = "a run's directory, or a file in its checkpoints/";
    storage::Error::malformed(path, expected, "a file elsewhere").into()
}
