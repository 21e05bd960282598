//! What can stop a run.

/// What can stop a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key that no preset has.
    #[error("unknown setting `{key}`{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// What was given.
        key: String,
        /// The known key that it is like, where there is one.
        nearest: Option<String>,
    },
    /// A setting without its name or without its value.
    #[error("{text}: expected KEY=VALUE, as in ppo.clip_coef=0.1")]
    NotASetting {
        /// What was given.
        text: String,
    },
    /// Settings that cannot be read.
    #[error("{from}: {message}")]
    Settings {
        /// The file or argument.
        from: String,
        /// What was expected and found.
        message: String,
    },
    /// A settings file that is not TOML.
    #[error("{path}: expected TOML: {message}")]
    NotToml {
        /// The file.
        path: String,
        /// Where it stops being TOML.
        message: String,
    },
    /// The settings of a run, as its directory has them, are none.
    #[error("{path}: {message}")]
    Stored {
        /// The file.
        path: String,
        /// What was expected and found.
        message: String,
    },
    /// A setting out of range.
    #[error("{key} = {found}: expected {expected}")]
    Range {
        /// The setting.
        key: String,
        /// What was given.
        found: String,
        /// What is possible.
        expected: String,
    },
    /// A run that is gone on with, with a setting it was not begun with.
    #[error(
        "{key} = {given}: the run in {path} was begun with {found}, and resumes with nothing else"
    )]
    OtherSetting {
        /// The setting.
        key: String,
        /// What was given now.
        given: String,
        /// What the run has.
        found: String,
        /// The run directory.
        path: String,
    },
    /// Stopped by the user; what was recorded is sealed.
    #[error("interrupted after update {updates}; what was recorded is in {path}")]
    Interrupted {
        /// Optimiser steps made.
        updates: u64,
        /// The run directory.
        path: String,
    },
    /// Stopped by the user in a stage that leaves nothing behind.
    #[error("interrupted during {stage}")]
    Stopped {
        /// The stage.
        stage: &'static str,
    },
    /// A NaN or an infinity in what a file holds.
    #[error("{place} is {found}, expected a finite number")]
    NotFinite {
        /// The file and the entry of a tensor.
        place: String,
        /// NaN or an infinity.
        found: f64,
    },
    /// Training.
    #[error(transparent)]
    Ppo(#[from] crate::ppo::Error),
    /// Recording or reading gradients.
    #[error(transparent)]
    Gradients(#[from] crate::gradients::Error),
    /// Files.
    #[error(transparent)]
    Storage(#[from] crate::storage::Error),
    /// Decomposition.
    #[error(transparent)]
    Svd(#[from] crate::svd::Error),
    /// Labels.
    #[error(transparent)]
    Locate(#[from] crate::locate::Error),
    /// Situations and edits.
    #[error(transparent)]
    Ablate(#[from] crate::ablate::Error),
    /// Locators.
    #[error(transparent)]
    Locators(#[from] crate::locators::Error),
}

impl Error {
    /// A setting out of range.
    pub(super) fn range(key: &str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Range {
            key: key.into(),
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |known| format!("; did you mean `{known}`?"))
}
