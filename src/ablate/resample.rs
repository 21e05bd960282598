//! The bootstrap over levels, one for all situations.
//!
//! Situations walk the same seeds, so that one maze serves several of them: a draw takes mazes, with
//! replacement, and every situation of a maze that was taken counts as often as it was. What is
//! computed from several rates (a selectivity, with its choice of the worst) is computed anew in every
//! draw, and its interval holds that dependence and that choice. The three policies' outcomes on a
//! level stay together.
//!
//! Percentile intervals (Efron and Tibshirani 1993, chapter 13). Cost: draws x levels x rates.

use rayon::prelude::*;

use crate::numeric::draws;
use crate::numeric::statistics::quantile;

use super::measurement::Measurement;
use super::rate::{Rate, Rates};

/// Draws behind every interval over mazes: enough for a bound of a tenth at the 2.5 % quantile.
pub const DRAWS: u32 = 1000;

/// Draws of mazes.
#[derive(Clone, Debug)]
pub struct Resampling {
    /// By draw and maze, how often it was taken.
    weights: Vec<Vec<u16>>,
    /// By rate and level, the number of its maze.
    mazes: Vec<Vec<u32>>,
}

impl Resampling {
    /// `draws` draws of the mazes whose seeds are `seeds`, by rate and level.
    pub fn new(seeds: &[Vec<u32>], draws: u32, seed: u64) -> Self {
        let mut all: Vec<u32> = seeds.concat();
        all.sort_unstable();
        all.dedup();
        let number = |seed: &u32| all.binary_search(seed).expect("every seed is listed") as u32;
        let mazes = seeds
            .iter()
            .map(|seeds| seeds.iter().map(number).collect())
            .collect();
        let len = all.len() as u32;
        let weights = (0..draws)
            .into_par_iter()
            .map(|draw| {
                let mut stream = draws::MAZES.stream(seed, draw.into());
                let mut taken = vec![0u16; all.len()];
                for _ in 0..len {
                    taken[stream.below(len) as usize] += 1;
                }
                taken
            })
            .collect();
        Self { weights, mazes }
    }

    /// By draw, the rates of a policy; a rate of which a draw took no level is NaN.
    pub fn rates(&self, measured: &Measurement) -> Vec<Rates> {
        self.weights
            .par_iter()
            .map(|weights| {
                Rate::ALL.map(|rate| {
                    let (mut sum, mut all) = (0.0, 0.0);
                    let levels = measured.by_level(rate).iter();
                    for (&value, &maze) in levels.zip(&self.mazes[rate.index()]) {
                        let weight = f64::from(weights[maze as usize]);
                        all += weight;
                        sum += weight * value;
                    }
                    sum / all
                })
            })
            .collect()
    }
}

impl Resampling {
    /// The 95 % intervals of a policy's rates, in the order of [`Rate::ALL`].
    pub fn intervals(&self, measured: &Measurement) -> [(f64, f64); Rate::LEN] {
        let draws = self.rates(measured);
        Rate::ALL.map(|rate| interval(draws.iter().map(|drawn| drawn[rate.index()])))
    }
}

/// The 95 % interval of what was drawn; draws that are not finite are left out.
pub fn interval(draws: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite: Vec<f64> = draws.filter(|value| value.is_finite()).collect();
    let at = |share| quantile(&finite, share).unwrap_or(f64::NAN);
    (at(0.025), at(0.975))
}
