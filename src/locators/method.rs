//! Who the methods are: the one list of their names, what each scores, what it is told, and with whom it is
//! compared.

/// What a method is told beyond parameters and gradients; the later, the more.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// Nothing.
    None,
    /// The order of the training steps.
    Time,
    /// When the behaviours were learnt.
    Phases,
    /// Which training steps were made before the corner was reached and which in it.
    Situations,
    /// The right moves in situations on discovery levels.
    Labels,
    /// What edits do on discovery or selection levels.
    Effects,
}

/// A way to say which parameters serve which behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// SVD of the total gradient: late components for A, early for B, by sum sigma^2 u^2.
    GradientSvdRaw,
    /// The same with every step's gradient scaled to length 1.
    GradientSvdUnitNorm,
    /// SVD of each tensor's gradient, unit-norm: late for A, early for B, by share of that tensor.
    GradientSvdPerTensor,
    /// Mean gradient of the last third outside of the first third's span; for B reversed.
    ObliqueMeans,
    /// Generalised eigenvectors of late against early gradients; for B reversed.
    ObliqueContrast,
    /// Components whose courses were rotated to be sparse in time, by time.
    ObliqueVarimax,
    /// The same of the policy loss's gradient alone, unit-norm.
    PolicyGradientSvd,
    /// The same of the value loss's gradient alone, unit-norm.
    ValueGradientSvd,
    /// The same of the entropy term's gradient alone, unit-norm.
    EntropyGradientSvd,
    /// Leading components of the policy gradient of steps in the region for A, before it for B.
    SituationSvd,
    /// Generalised eigenvectors of gradients in the region against those before it; for B reversed.
    SituationContrast,
    /// SVD of the recorded updates: late components for A, early for B, by sum sigma^2 u^2.
    UpdateSvd,
    /// SVD of gradients added up over windows of time: components that lie after a cut of training for A, before it for B.
    WindowSvdGradients,
    /// The same of the recorded updates.
    WindowSvdUpdates,
    /// The same of updates, every row scaled to length 1.
    WindowSvdUnitNorm,
    /// The same of gradients over the root of their running mean square, nearly Adam's step.
    WindowSvdOverRms,
    /// The same of the gradient of the right moves' log-probability on discovery levels at every checkpoint.
    WindowSvdProbes,
    /// The same of the updates around t_corner, cut there.
    WindowSvdPhases,
    /// 3 leading terms of each final weight matrix, the same for both claims.
    WeightsSvd,
    /// The same of each matrix's displacement `theta_T` - `theta_0`.
    DisplacementSvd,
    /// Principal components of the path of weights: late-moving for A, early-moving for B.
    TrajectoryPca,
    /// Squared displacement after t_corner for A, before it for B.
    Rollback,
    /// (`theta_T` - `theta_0`)^2, the same for both claims.
    Displacement,
    /// First-order rise of the targets' loss on discovery levels when a parameter is reset, minus that of the spared.
    GradientTimesDisplacement,
    /// Diagonal Fisher information of the targets' states over that of the spared ones' (selective synaptic dampening).
    FisherRatio,
    /// What each parameter's movement between checkpoints added to a behaviour's log-probabilities (Lan et al. 2019), target minus spared.
    LossChange,
    /// The scores of the loss change allocation from gradients at `theta_T` alone: what its history adds.
    LastGradient,
    /// Parts of it by non-negative factorisation over behaviours, time and parameters, by their behaviours.
    LossChangeFactors,
    /// First-order share of the preference that goes through a weight in pairs of states that differ in one fact, target minus spared.
    AttributionPatching,
    /// Share of the preference that goes through a channel in pairs of states that differ in one fact, target minus spared, on all weights that give the channel.
    ActivationPatching,
    /// Share of the preference that goes through a kernel slice in pairs of states that differ in one fact, target minus spared; exact for the leading edges, first order for the rest.
    PathPatching,
    /// KL lost when a channel is given a state of another cheese (in the region), or of another maze (outside), target minus spared, on all weights that give the channel.
    ChannelScrubbing,
    /// Length of what a cheese (or an open corner) adds to a channel on average, as a share of its site's activations, target minus spared, on all weights that give the channel.
    ActivationDirections,
    /// A mask over parameters trained on discovery levels to lose the targets and keep the spared when what it marks is reset: the best mask found, not a method.
    MaskOracle,
    /// Uniform random scores, drawn for each claim.
    Random,
}

/// Methods that one question compares with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The proposal: components of the training gradients, chosen by time.
    GradientSvd,
    /// The first question: decompositions of weights, of their displacement, of their path.
    Weights,
    /// The second question: tracing, patching, scrubbing, directions of activations, and those next to them.
    Rival,
    /// The bound of all of them, optimised for the purpose.
    Oracle,
    /// Scores drawn at random.
    Random,
    /// None of these.
    Other,
}

impl Method {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 35] = [
        Self::GradientSvdRaw,
        Self::GradientSvdUnitNorm,
        Self::GradientSvdPerTensor,
        Self::ObliqueMeans,
        Self::ObliqueContrast,
        Self::ObliqueVarimax,
        Self::PolicyGradientSvd,
        Self::ValueGradientSvd,
        Self::EntropyGradientSvd,
        Self::SituationSvd,
        Self::SituationContrast,
        Self::UpdateSvd,
        Self::WindowSvdGradients,
        Self::WindowSvdUpdates,
        Self::WindowSvdUnitNorm,
        Self::WindowSvdOverRms,
        Self::WindowSvdProbes,
        Self::WindowSvdPhases,
        Self::WeightsSvd,
        Self::DisplacementSvd,
        Self::TrajectoryPca,
        Self::Rollback,
        Self::Displacement,
        Self::GradientTimesDisplacement,
        Self::FisherRatio,
        Self::LossChange,
        Self::LastGradient,
        Self::LossChangeFactors,
        Self::AttributionPatching,
        Self::ActivationPatching,
        Self::PathPatching,
        Self::ChannelScrubbing,
        Self::ActivationDirections,
        Self::MaskOracle,
        Self::Random,
    ];

    /// Those of a group, in the order of tables.
    pub fn of(group: Group) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |method| method.group() == group)
    }

    fn all() -> [Self; Self::ALL.len()] {
        Self::ALL
    }

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradientSvdRaw => "gradient SVD, raw",
            Self::GradientSvdUnitNorm => "gradient SVD, unit-norm",
            Self::GradientSvdPerTensor => "gradient SVD, per tensor",
            Self::ObliqueMeans => "oblique: means",
            Self::ObliqueContrast => "oblique: contrast",
            Self::ObliqueVarimax => "oblique: varimax",
            Self::PolicyGradientSvd => "policy-gradient SVD",
            Self::ValueGradientSvd => "value-gradient SVD",
            Self::EntropyGradientSvd => "entropy-gradient SVD",
            Self::SituationSvd => "situation SVD",
            Self::SituationContrast => "situation contrast",
            Self::UpdateSvd => "update SVD",
            Self::WindowSvdGradients => "window SVD, gradients",
            Self::WindowSvdUpdates => "window SVD, updates",
            Self::WindowSvdUnitNorm => "window SVD, unit-norm updates",
            Self::WindowSvdOverRms => "window SVD, gradients over their RMS",
            Self::WindowSvdProbes => "window SVD, probe gradients",
            Self::WindowSvdPhases => "window SVD, updates around t_corner",
            Self::WeightsSvd => "weights SVD",
            Self::DisplacementSvd => "displacement SVD",
            Self::TrajectoryPca => "trajectory PCA",
            Self::Rollback => "rollback",
            Self::Displacement => "displacement",
            Self::GradientTimesDisplacement => "gradient x displacement",
            Self::FisherRatio => "fisher ratio",
            Self::LossChange => "loss change allocation",
            Self::LastGradient => "last gradient",
            Self::LossChangeFactors => "loss change factors",
            Self::AttributionPatching => "attribution patching",
            Self::ActivationPatching => "activation patching",
            Self::PathPatching => "path patching",
            Self::ChannelScrubbing => "channel scrubbing",
            Self::ActivationDirections => "activation directions",
            Self::MaskOracle => "mask oracle",
            Self::Random => "random",
        }
    }

    /// One sentence for the reader of a table: what is scored, by what equation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::GradientSvdRaw => {
                "SVD of the total gradient: late components for A, early for B, by sum sigma^2 u^2"
            }
            Self::GradientSvdUnitNorm => "the same with every step's gradient scaled to length 1",
            Self::GradientSvdPerTensor => {
                "SVD of each tensor's gradient, unit-norm: late for A, early for B, by share of that tensor"
            }
            Self::ObliqueMeans => {
                "mean gradient of the last third outside of the first third's span; for B reversed"
            }
            Self::ObliqueContrast => {
                "generalised eigenvectors of late against early gradients; for B reversed"
            }
            Self::ObliqueVarimax => {
                "components whose courses were rotated to be sparse in time, by time"
            }
            Self::PolicyGradientSvd => "the same of the policy loss's gradient alone, unit-norm",
            Self::ValueGradientSvd => "the same of the value loss's gradient alone, unit-norm",
            Self::EntropyGradientSvd => "the same of the entropy term's gradient alone, unit-norm",
            Self::SituationSvd => {
                "leading components of the policy gradient of steps in the region for A, before it for B"
            }
            Self::SituationContrast => {
                "generalised eigenvectors of gradients in the region against those before it; for B reversed"
            }
            Self::UpdateSvd => {
                "SVD of the recorded updates: late components for A, early for B, by sum sigma^2 u^2"
            }
            Self::WindowSvdGradients => {
                "SVD of gradients added up over windows of time: components after a cut of training for A, before it for B, by sum sigma^2 u^2"
            }
            Self::WindowSvdUpdates => "the same of the recorded updates",
            Self::WindowSvdUnitNorm => "the same of updates, every row scaled to length 1",
            Self::WindowSvdOverRms => {
                "the same of gradients over the root of their running mean square, nearly Adam's step"
            }
            Self::WindowSvdProbes => {
                "the same of the gradient of the right moves' log-probability on discovery levels at every checkpoint"
            }
            Self::WindowSvdPhases => "the same of the updates around t_corner, cut there",
            Self::WeightsSvd => {
                "3 leading terms of each final weight matrix, the same for both claims"
            }
            Self::DisplacementSvd => "the same of each matrix's displacement theta_T - theta_0",
            Self::TrajectoryPca => {
                "principal components of the path of weights: late-moving for A, early-moving for B"
            }
            Self::Rollback => "squared displacement after t_corner for A, before it for B",
            Self::Displacement => "(theta_T - theta_0)^2, the same for both claims",
            Self::GradientTimesDisplacement => {
                "first-order rise of the targets' loss on discovery levels when a parameter is reset, minus that of the spared"
            }
            Self::FisherRatio => {
                "diagonal Fisher information of the targets' states over that of the spared ones' (selective synaptic dampening)"
            }
            Self::LossChange => {
                "what each parameter's movement between checkpoints added to a behaviour's log-probabilities (Lan et al. 2019), target minus spared"
            }
            Self::LastGradient => {
                "the scores of the loss change allocation from gradients at theta_T alone: what its history adds is what is above it"
            }
            Self::LossChangeFactors => {
                "parts of it by non-negative factorisation over behaviours, time and parameters, by their behaviours"
            }
            Self::AttributionPatching => {
                "first-order share of the preference that goes through a weight in pairs of states that differ in one fact, target minus spared"
            }
            Self::ActivationPatching => {
                "share of the preference that goes through a channel in pairs of states that differ in one fact, target minus spared, on all weights that give the channel"
            }
            Self::PathPatching => {
                "share of the preference that goes through a kernel slice in pairs of states that differ in one fact, target minus spared; exact for the leading edges, first order for the rest"
            }
            Self::ChannelScrubbing => {
                "KL lost when a channel is given a state of another cheese (in the region), or of another maze (outside), target minus spared, on all weights that give the channel"
            }
            Self::ActivationDirections => {
                "length of what a cheese (or an open corner) adds to a channel on average, as a share of its site's activations, target minus spared, on all weights that give the channel"
            }
            Self::MaskOracle => {
                "a mask over parameters trained on discovery levels to lose the targets and keep the spared when what it marks is reset: the best mask found, not a method"
            }
            Self::Random => "uniform random scores, drawn for each claim",
        }
    }

    /// What it is told beyond parameters and gradients.
    pub fn supervision(self) -> Supervision {
        match self {
            Self::GradientSvdRaw
            | Self::GradientSvdUnitNorm
            | Self::GradientSvdPerTensor
            | Self::ObliqueMeans
            | Self::ObliqueContrast
            | Self::ObliqueVarimax
            | Self::PolicyGradientSvd
            | Self::ValueGradientSvd
            | Self::EntropyGradientSvd
            | Self::UpdateSvd
            | Self::WindowSvdGradients
            | Self::WindowSvdUpdates
            | Self::WindowSvdUnitNorm
            | Self::WindowSvdOverRms
            | Self::TrajectoryPca => Supervision::Time,
            Self::SituationSvd
            | Self::SituationContrast
            | Self::ChannelScrubbing
            | Self::ActivationDirections => Supervision::Situations,
            Self::WeightsSvd | Self::DisplacementSvd | Self::Displacement | Self::Random => {
                Supervision::None
            }
            Self::Rollback | Self::WindowSvdPhases => Supervision::Phases,
            Self::WindowSvdProbes
            | Self::GradientTimesDisplacement
            | Self::FisherRatio
            | Self::LossChange
            | Self::LastGradient
            | Self::LossChangeFactors
            | Self::AttributionPatching
            | Self::ActivationPatching
            | Self::PathPatching => Supervision::Labels,
            Self::MaskOracle => Supervision::Effects,
        }
    }

    /// With whom it is compared.
    pub fn group(self) -> Group {
        match self {
            Self::GradientSvdRaw | Self::GradientSvdUnitNorm | Self::GradientSvdPerTensor => {
                Group::GradientSvd
            }
            Self::ObliqueMeans
            | Self::ObliqueContrast
            | Self::ObliqueVarimax
            | Self::PolicyGradientSvd
            | Self::ValueGradientSvd
            | Self::EntropyGradientSvd
            | Self::SituationSvd
            | Self::SituationContrast
            | Self::UpdateSvd
            | Self::WindowSvdGradients
            | Self::WindowSvdUpdates
            | Self::WindowSvdUnitNorm
            | Self::WindowSvdOverRms
            | Self::WindowSvdProbes
            | Self::WindowSvdPhases
            | Self::Rollback
            | Self::Displacement
            | Self::GradientTimesDisplacement => Group::Other,
            Self::WeightsSvd | Self::DisplacementSvd | Self::TrajectoryPca => Group::Weights,
            Self::FisherRatio
            | Self::LossChange
            | Self::LastGradient
            | Self::LossChangeFactors
            | Self::AttributionPatching
            | Self::ActivationPatching
            | Self::PathPatching
            | Self::ChannelScrubbing
            | Self::ActivationDirections => Group::Rival,
            Self::MaskOracle => Group::Oracle,
            Self::Random => Group::Random,
        }
    }
}

crate::serde_by_name!(Method, "a method");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_to_one_and_an_unknown_one_is_refused_by_name() {
        for (index, method) in Method::ALL.into_iter().enumerate() {
            let text = serde_json::to_string(&method).unwrap();
            assert_eq!(serde_json::from_str::<Method>(&text).unwrap(), method);
            assert_eq!(method as usize, index);
        }
        let refused = serde_json::from_str::<Method>("\"gradient SVD, old\"").unwrap_err();
        assert!(refused.to_string().contains("found \"gradient SVD, old\""));
    }

    #[test]
    fn the_proposal_is_three_sets_everywhere() {
        let names: Vec<&str> = Method::of(Group::GradientSvd).map(Method::name).collect();
        assert_eq!(
            names,
            [
                "gradient SVD, raw",
                "gradient SVD, unit-norm",
                "gradient SVD, per tensor"
            ]
        );
    }
}
