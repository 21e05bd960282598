//! What was found, as it is written and read: the only forms of results. What is read from a file is checked for
//! parts that contradict each other.

mod agreement;
mod calibration;
mod claims;
mod components;
mod currency;
mod curves;
mod decomposition;
mod dose;
mod family;
mod located;
mod loss_change;
mod mazes;
mod run;
mod seed;
pub mod sound;
mod study;
mod summary;
mod sweep;
mod temporal;
pub mod tracing;

pub use agreement::{Against, Agreement, COMPARED};
pub use calibration::{
    Calibration, Composed, OnPlant, OverPlants, PlantScore, counts, dissociation, learnt,
};
pub use claims::{Above, Claimed, Controls, Frozen, Rise, Role};
pub use components::Components;
pub use currency::{Blindfolded, Currency, Curve};
pub use curves::{Curves, Lag, Onset, PHASES, other_phases};
pub use decomposition::DecompositionSummary;
pub use dose::DoseResponse;
pub use family::Family;
pub use located::LocatedMatrix;
pub use loss_change::{BehaviourLearnt, LearntTogether, LossChange, LossChangeBrief};
pub use mazes::{Arrow, MazeFigure};
pub use run::{Results, RunSummary};
pub use seed::{Findings, Portrait, ProjectedSet, Relearnt, Retrained};
pub use study::Study;
pub use summary::{
    Agreed, FamilyOver, LagOver, Over, Pair, Phases, Question, Ranked, RetrainedRow, ScrubbedOver,
    Summary, TakenOffOver, TemporalRow,
};
pub use sweep::{Sweep, Swept, SweptPoint};
pub use temporal::{ComponentEffect, Temporal};
