//! What the edits of a method do.

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The parameters with the highest scores are put back to their initial values.
    Reset,
    /// The displacement's projection on some directions is removed.
    ProjectOff,
    /// What the updates of some components added up to is taken back.
    SubtractUpdates,
    /// One singular term of one weight matrix is removed.
    TakeTermOff,
    /// The displacement since, or until, a checkpoint is taken back.
    TakeBack,
    /// Parameters are scaled down by their Fisher information.
    Dampen,
    /// The leading channels are held at their mean.
    HoldAtMean,
    /// The leading edges are cut.
    Cut,
    /// A direction is added to the activations of a site; no parameter changes.
    Steer,
    /// The step that was optimised for the purpose.
    BestStep,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Reset,
        Self::ProjectOff,
        Self::SubtractUpdates,
        Self::TakeTermOff,
        Self::TakeBack,
        Self::Dampen,
        Self::HoldAtMean,
        Self::Cut,
        Self::Steer,
        Self::BestStep,
    ];

    /// Two or three words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::ProjectOff => "project off",
            Self::SubtractUpdates => "subtract their updates",
            Self::TakeTermOff => "take a term off",
            Self::TakeBack => "take back",
            Self::Dampen => "dampen",
            Self::HoldAtMean => "hold at the mean",
            Self::Cut => "cut",
            Self::Steer => "steer",
            Self::BestStep => "best step",
        }
    }
}
