//! Errors of the command line, and the exit code each becomes.

use crate::{ablate, experiment, gradients, locate, locators, maze, nn, ppo, storage, svd};

/// Anything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// What was to be the same is not.
    #[error("{0}")]
    Differs(String),
    /// A result that is written and not as exact as was asked for.
    #[error("{0}")]
    Unconverged(String),
    /// A stage of a run.
    #[error(transparent)]
    Study(#[from] experiment::Error),
    /// A level.
    #[error(transparent)]
    Maze(#[from] maze::Error),
    /// A file.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A gradient matrix.
    #[error(transparent)]
    Gradients(#[from] gradients::Error),
    /// A decomposition.
    #[error(transparent)]
    Svd(#[from] svd::Error),
    /// What a matrix says about time.
    #[error(transparent)]
    Locate(#[from] locate::Error),
    /// Output that cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

/// The exit codes that `gouda --help` lists.
mod code {
    pub const FAILURE: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const MALFORMED: u8 = 3;
    pub const IO: u8 = 4;
    pub const NUMERICAL: u8 = 5;
    pub const LOCKED: u8 = 6;
    pub const INTERRUPTED: u8 = 130;
}

impl Error {
    /// Whether the reader of stdout has gone.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The error as it is shown: what happened, and which argument helps.
    pub fn message(&self) -> String {
        let hint = match self {
            Self::Study(error) => of_study_hint(error),
            Self::Storage(error) | Self::Gradients(gradients::Error::Storage(error)) => {
                of_storage_hint(error)
            }
            Self::Svd(error) | Self::Locate(locate::Error::Svd(error)) => of_svd_hint(error),
            _ => None,
        };
        format!("{self}{}", hint.unwrap_or_default())
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => code::USAGE,
            Self::Differs(_) => code::FAILURE,
            Self::Unconverged(_) => code::NUMERICAL,
            Self::Output(_) => code::IO,
            Self::Maze(error) => of_maze(error),
            Self::Storage(error) => of_storage(error),
            Self::Gradients(error) => of_gradients(error),
            Self::Svd(error) => of_svd(error),
            Self::Locate(error) => of_locate(error),
            Self::Study(error) => match error {
                experiment::Error::UnknownKey { .. }
                | experiment::Error::NotASetting { .. }
                | experiment::Error::Settings { .. }
                | experiment::Error::OtherSetting { .. }
                | experiment::Error::Range { .. } => code::USAGE,
                experiment::Error::NotToml { .. } | experiment::Error::Stored { .. } => {
                    code::MALFORMED
                }
                experiment::Error::NotFinite { .. } => code::NUMERICAL,
                experiment::Error::Interrupted { .. } | experiment::Error::Stopped { .. } => {
                    code::INTERRUPTED
                }
                experiment::Error::Ppo(error) => of_ppo(error),
                experiment::Error::Gradients(error) => of_gradients(error),
                experiment::Error::Storage(error) => of_storage(error),
                experiment::Error::Svd(error) => of_svd(error),
                experiment::Error::Locate(error) => of_locate(error),
                experiment::Error::Locators(locators::Error::Svd(error)) => of_svd(error),
                experiment::Error::Locators(locators::Error::Gradients(error)) => {
                    of_gradients(error)
                }
                experiment::Error::Locators(locators::Error::Locate(error)) => of_locate(error),
                experiment::Error::Locators(locators::Error::Ablate(error))
                | experiment::Error::Ablate(error) => of_ablate(error),
            },
        }
    }
}

fn of_study_hint(error: &experiment::Error) -> Option<String> {
    match error {
        experiment::Error::UnknownKey { .. } => Some(" (`gouda config` lists all)".into()),
        experiment::Error::NotASetting { .. } => Some(" after --set".into()),
        experiment::Error::Interrupted { path, .. } => {
            Some(format!(", and goes on with --resume --out {path}"))
        }
        experiment::Error::Storage(error)
        | experiment::Error::Gradients(gradients::Error::Storage(error)) => of_storage_hint(error),
        experiment::Error::Svd(error)
        | experiment::Error::Locators(locators::Error::Svd(error)) => of_svd_hint(error),
        _ => None,
    }
}

fn of_storage_hint(error: &storage::Error) -> Option<String> {
    let hint = match error {
        storage::Error::Occupied { .. } => "; name another directory with --out",
        storage::Error::Begun { .. } => {
            "; go on with it with --resume, or name another directory with --out"
        }
        storage::Error::Io { action: "map", .. } => "; --no-mmap reads it instead",
        storage::Error::Io {
            action: "lock",
            source,
            ..
        } if has_no_locks(source) => {
            "; where the file system has no locks, and no other process writes this directory, \
             GOUDA_NO_LOCK=1 goes on without"
        }
        _ => return None,
    };
    Some(hint.into())
}

/// Whether the file system cannot lock: ENOLCK of Linux and of macOS, and what is not supported or not there.
fn has_no_locks(error: &std::io::Error) -> bool {
    const NO_LOCKS: [i32; 2] = [37, 77];
    let code = error.raw_os_error();
    error.kind() == std::io::ErrorKind::Unsupported
        || code.is_some_and(|code| NO_LOCKS.contains(&code))
}

fn of_svd_hint(error: &svd::Error) -> Option<String> {
    match error {
        svd::Error::Memory { .. } => Some(": raise --max-memory or lower the rank".into()),
        svd::Error::Gradients(gradients::Error::Storage(error)) | svd::Error::Storage(error) => {
            of_storage_hint(error)
        }
        _ => None,
    }
}

/// A level file, and where a run was put down, are malformed input; everything else about levels is a
/// setting.
fn of_maze(error: &maze::Error) -> u8 {
    let is_malformed = matches!(
        error,
        maze::Error::Text { .. } | maze::Error::State { .. } | maze::Error::Stage { .. }
    );
    if is_malformed {
        code::MALFORMED
    } else {
        code::USAGE
    }
}

fn of_storage(error: &storage::Error) -> u8 {
    match error {
        storage::Error::Io { .. } => code::IO,
        storage::Error::Malformed { .. } => code::MALFORMED,
        storage::Error::Occupied { .. } | storage::Error::Begun { .. } => code::USAGE,
        storage::Error::Locked { .. } => code::LOCKED,
    }
}

fn of_gradients(error: &gradients::Error) -> u8 {
    match error {
        gradients::Error::Storage(error) => of_storage(error),
        gradients::Error::Shape { .. } => code::MALFORMED,
        gradients::Error::NonFinite { .. } | gradients::Error::NonFiniteField { .. } => {
            code::NUMERICAL
        }
    }
}

fn of_svd(error: &svd::Error) -> u8 {
    match error {
        svd::Error::Gradients(error) => of_gradients(error),
        svd::Error::Storage(error) => of_storage(error),
        svd::Error::Setting { .. } | svd::Error::Memory { .. } | svd::Error::Unsuited { .. } => {
            code::USAGE
        }
        svd::Error::Interrupted => code::INTERRUPTED,
        svd::Error::Empty { .. } | svd::Error::Mismatch { .. } => code::MALFORMED,
        svd::Error::NotFinite { .. } | svd::Error::NoConvergence(_) | svd::Error::TooLarge => {
            code::NUMERICAL
        }
    }
}

fn of_locate(error: &locate::Error) -> u8 {
    match error {
        locate::Error::Svd(error) => of_svd(error),
        locate::Error::Gradients(error) => of_gradients(error),
        locate::Error::Mismatch { .. } | locate::Error::Value { .. } => code::FAILURE,
    }
}

fn of_ablate(error: &ablate::Error) -> u8 {
    match error {
        ablate::Error::Maze(error) => of_maze(error),
        ablate::Error::NotFinite { .. } => code::NUMERICAL,
    }
}

fn of_ppo(error: &ppo::Error) -> u8 {
    match error {
        ppo::Error::State { .. } => code::MALFORMED,
        ppo::Error::Setting { .. } | ppo::Error::Network(nn::Error::Size { .. }) => code::USAGE,
        ppo::Error::Maze(error) => of_maze(error),
        ppo::Error::NotFinite { .. } => code::NUMERICAL,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_a_file_system_cannot_do_is_told_with_the_way_around_it() {
        let io = |action, code| storage::Error::Io {
            path: PathBuf::from("x"),
            action,
            source: std::io::Error::from_raw_os_error(code),
        };
        let enodev = || io("map", 19);
        for error in [
            Error::Storage(enodev()),
            Error::Gradients(enodev().into()),
            Error::Study(gradients::Error::from(enodev()).into()),
            Error::Svd(gradients::Error::from(enodev()).into()),
        ] {
            let text = error.message();
            assert!(text.starts_with("cannot map x: "), "{text}");
            assert!(text.ends_with("; --no-mmap reads it instead"), "{text}");
        }
        let text = Error::Storage(io("lock", 37)).message();
        assert!(text.ends_with("GOUDA_NO_LOCK=1 goes on without"), "{text}");
        // No permission, which that would not help.
        let text = Error::Storage(io("lock", 13)).message();
        assert!(!text.contains("GOUDA_NO_LOCK"), "{text}");
    }
}
