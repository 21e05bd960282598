//! What a method's scores are worth where it is known whose each parameter is.
//!
//! Value heads serve neither behaviour, and parameters without any effect (those of dead units among them) cannot be told
//! apart: both are left out. The effect of a parameter is that of its reset, to first order, on what its own tower does:
//! `|df/dtheta_p (theta_T - theta_0)_p|`, f the mean log-probability of the right moves on probes of other levels than methods are
//! shown.

use crate::ablate::Rate;
use crate::findings::PlantScore;
use crate::locators::gradient_displacement::rise;
use crate::locators::{Precision, Probe};
use crate::nn::Policy;
use crate::numeric::statistics::{roc_area, weighted_roc_area};

/// The parameters that count, each with whose it is and its effect.
#[derive(Debug)]
pub struct Truth {
    counted: Vec<usize>,
    /// Of each that counts: whether it is of the cheese's tower.
    is_cheese: Vec<bool>,
    effects: Vec<f64>,
}

impl Truth {
    /// Of a policy with the members of the corner's and of the cheese's tower; `displacement` is theta_T - theta_0.
    pub fn new(
        policy: Policy<'_>,
        displacement: &[f32],
        [corner, cheese]: &[Vec<bool>; 2],
        probes: &[Probe],
    ) -> Self {
        let rises: Vec<(Rate, Vec<f64>)> = probes
            .iter()
            .map(|probe| (probe.rate, rise(policy, probe, displacement)))
            .collect();
        let mut counts: Vec<bool> = corner.iter().zip(cheese).map(|(a, b)| a | b).collect();
        for tensor in &policy.network.layout.tensors {
            if tensor.name.starts_with("value.") {
                counts[tensor.range()].fill(false);
            }
        }
        let has_effect = |p: usize| rises.iter().any(|(_, rise)| rise[p] != 0.0);
        let counted: Vec<usize> = (0..counts.len())
            .filter(|&p| counts[p] && has_effect(p))
            .collect();
        let own = |p: usize| {
            let rates: &[Rate] = if cheese[p] { &Rate::IN } else { &[Rate::S5] };
            let own = rises.iter().filter(|(rate, _)| rates.contains(rate));
            own.map(|(_, rise)| rise[p].abs()).sum()
        };
        Self {
            is_cheese: counted.iter().map(|&p| cheese[p]).collect(),
            effects: counted.iter().map(|&p| own(p)).collect(),
            counted,
        }
    }

    /// How many parameters count, and the share of them that is of the cheese's tower.
    pub fn counted(&self) -> (usize, f64) {
        let of_cheese = self.is_cheese.iter().filter(|&&is| is).count();
        let len = self.counted.len();
        (len, of_cheese as f64 / len.max(1) as f64)
    }

    /// What scores for A and for B are worth: the cheese's tower is what A looks for, the corner's what B does.
    pub fn judge(&self, scores: &[Vec<f64>; 2]) -> [PlantScore; 2] {
        let is_corner: Vec<bool> = self.is_cheese.iter().map(|is| !is).collect();
        [(&scores[0], &self.is_cheese), (&scores[1], &is_corner)].map(|(scores, is_own)| {
            let scores: Vec<f64> = self.counted.iter().map(|&p| scores[p]).collect();
            PlantScore {
                area: roc_area(&scores, is_own).unwrap_or(0.5),
                by_effect: weighted_roc_area(&scores, is_own, &self.effects).unwrap_or(0.5),
                precision: Precision::of(&scores, is_own),
            }
        })
    }
}
