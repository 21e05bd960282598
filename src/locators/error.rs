//! What can go wrong in a locator.

/// What can go wrong in a locator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A decomposition.
    #[error(transparent)]
    Svd(#[from] crate::svd::Error),
    /// Gradients that cannot be read.
    #[error(transparent)]
    Gradients(#[from] crate::gradients::Error),
    /// Courses over time.
    #[error(transparent)]
    Locate(#[from] crate::locate::Error),
    /// A policy that cannot be measured.
    #[error(transparent)]
    Ablate(#[from] crate::ablate::Error),
}
