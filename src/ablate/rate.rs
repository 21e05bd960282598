//! What is measured in the situations (METHOD section 2).

use serde::{Deserialize, Serialize};

use super::situation::Situation;

/// A number that is measured of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rate {
    /// Training-like: the cheese is reached.
    #[serde(rename = "cheese_reached")]
    S1,
    /// Training-like: the region is entered.
    #[serde(rename = "region_entered")]
    S1Region,
    /// What the cheese adds in the region, where it is up and right of the mouse: reached in time where it is seen, less
    /// reached in time where it is hidden.
    #[serde(rename = "cheese_in_up_right")]
    InUpRight,
    /// The same, where it is down and left.
    #[serde(rename = "cheese_in_down_left")]
    InDownLeft,
    /// What the cheese adds outside of the region, near the mouse, up and right of it.
    #[serde(rename = "cheese_near_up_right")]
    NearUpRight,
    /// The same, where it is down and left.
    #[serde(rename = "cheese_near_down_left")]
    NearDownLeft,
    /// Conflict: the cheese comes before the region.
    #[serde(rename = "conflict_cheese_first")]
    S4Cheese,
    /// Conflict: the region comes before the cheese.
    #[serde(rename = "conflict_region_first")]
    S4Region,
    /// No cheese: the region is entered.
    #[serde(rename = "corner_entered")]
    S5,
    /// No cheese: the probability of the move to the corner, in every cell outside of the region, the four moves that
    /// are needed weighted alike.
    #[serde(rename = "corner_balanced")]
    Corner,
    /// No cheese: by how many logits up and right are preferred to left and down, in the same cells and weighted the same.
    #[serde(rename = "compass")]
    Compass,
}

impl Rate {
    /// How many there are.
    pub const LEN: usize = 11;

    /// All of them, in order.
    pub const ALL: [Self; Self::LEN] = [
        Self::S1,
        Self::S1Region,
        Self::InUpRight,
        Self::InDownLeft,
        Self::NearUpRight,
        Self::NearDownLeft,
        Self::S4Cheese,
        Self::S4Region,
        Self::S5,
        Self::Corner,
        Self::Compass,
    ];

    /// What the cheese adds in the region, in either direction.
    pub const IN: [Self; 2] = [Self::InUpRight, Self::InDownLeft];

    /// A short name, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1 cheese",
            Self::S1Region => "S1 region",
            Self::InUpRight => "cheese in, up-right",
            Self::InDownLeft => "cheese in, down-left",
            Self::NearUpRight => "cheese near, up-right",
            Self::NearDownLeft => "cheese near, down-left",
            Self::S4Cheese => "S4 cheese",
            Self::S4Region => "S4 region",
            Self::S5 => "S5 region",
            Self::Corner => "corner, balanced",
            Self::Compass => "compass",
        }
    }

    /// Its name in files.
    pub fn key(self) -> &'static str {
        match self {
            Self::S1 => "cheese_reached",
            Self::S1Region => "region_entered",
            Self::InUpRight => "cheese_in_up_right",
            Self::InDownLeft => "cheese_in_down_left",
            Self::NearUpRight => "cheese_near_up_right",
            Self::NearDownLeft => "cheese_near_down_left",
            Self::S4Cheese => "conflict_cheese_first",
            Self::S4Region => "conflict_region_first",
            Self::S5 => "corner_entered",
            Self::Corner => "corner_balanced",
            Self::Compass => "compass",
        }
    }

    /// What is measured, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::S1 => "cheese in the region, mouse at the bottom-left: the cheese is reached",
            Self::S1Region => {
                "cheese in the region, mouse at the bottom-left: the region is entered"
            }
            Self::InUpRight => {
                "both in the region: what seeing the cheese up-right of the mouse adds to reaching it"
            }
            Self::InDownLeft => {
                "both in the region: what seeing the cheese down-left of the mouse adds to reaching it"
            }
            Self::NearUpRight => {
                "both outside of it, near: what seeing the cheese up-right of the mouse adds to reaching it"
            }
            Self::NearDownLeft => {
                "both outside of it, near: what seeing the cheese down-left of the mouse adds to reaching it"
            }
            Self::S4Cheese => "cheese off the way to the corner: it comes before the region",
            Self::S4Region => "cheese off the way to the corner: the region comes before it",
            Self::S5 => "no cheese, mouse at the bottom-left: the region is entered",
            Self::Corner => {
                "no cheese: probability of the move to the corner, the four moves weighted alike"
            }
            Self::Compass => {
                "no cheese: logits by which up and right are preferred to left and down"
            }
        }
    }

    /// The least and the greatest it can be.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::InUpRight | Self::InDownLeft | Self::NearUpRight | Self::NearDownLeft => {
                (-1.0, 1.0)
            }
            Self::Compass => (f64::MIN, f64::MAX),
            _ => (0.0, 1.0),
        }
    }

    /// The rate and its range in words: "compass, any finite number".
    pub fn expected(self) -> String {
        let range = match self.range() {
            (least, most) if most - least <= 2.0 => format!("{least} to {most}"),
            _ => "any finite number".into(),
        };
        format!("{}, {range}", self.name())
    }

    /// Where it is measured.
    pub fn situation(self) -> Situation {
        match self {
            Self::S1 | Self::S1Region => Situation::S1,
            Self::InUpRight => Situation::InUpRight,
            Self::InDownLeft => Situation::InDownLeft,
            Self::NearUpRight => Situation::NearUpRight,
            Self::NearDownLeft => Situation::NearDownLeft,
            Self::S4Cheese | Self::S4Region => Situation::S4,
            Self::S5 | Self::Corner | Self::Compass => Situation::S5,
        }
    }

    /// Its place in [`Rate::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// One number a rate, in the order of [`Rate::ALL`].
pub type Rates = [f64; Rate::LEN];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_in_files_are_as_listed() {
        for (place, rate) in Rate::ALL.into_iter().enumerate() {
            assert_eq!(rate.index(), place);
            assert_eq!(
                serde_json::to_string(&rate).unwrap(),
                format!("\"{}\"", rate.key())
            );
        }
    }
}
