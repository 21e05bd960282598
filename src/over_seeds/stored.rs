//! The results of a run and of a study, read back, and the checks that they are
//! [sound](crate::findings::sound).

use std::path::Path;

use crate::ablate::Rate;
use crate::experiment::curves;
use crate::findings::results::{Choice, Curves, DecompositionSummary, Results};
use crate::findings::sound::{Contradiction, Sound, hash, len, sound};
use crate::nn::Layout;
use crate::over_seeds::Study;
use crate::over_seeds::planted::Calibration;
use crate::protocol::seed::Findings;
use crate::storage::Error;
use crate::storage::manifest::read_json;

impl Results {
    /// Reads `results.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let results: Self = read_json(path, "the results of a run")?;
        sound(path, &results, &results.run.layout)?;
        Ok(results)
    }
}

impl Study {
    /// Reads `study.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let study: Self = read_json(path, "the results of a study")?;
        sound(path, &study, &study.layout)?;
        Ok(study)
    }
}

impl Sound for Results {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let ablation = &self.ablation;
        let choices = || {
            let (outcomes, claims) = (ablation.outcomes.len(), 2);
            let wrong = |choice: &&Choice| choice.outcome >= outcomes || choice.claim >= claims;
            let choice = ablation.choices.iter().find(wrong)?;
            Some((
                format!("choices of {claims} claims and {outcomes} outcomes"),
                format!("claim {}, outcome {}", choice.claim, choice.outcome),
            ))
        };
        let doses = || {
            let mut all = ablation.doses.iter();
            all.find_map(|one| len("rates of a dose", one.rates.len(), one.doses.len()))
        };
        self.curves
            .contradiction(layout)
            .or_else(|| {
                let mut all = self.decompositions.iter();
                all.find_map(|one| one.contradiction(layout))
            })
            .or_else(choices)
            .or_else(doses)
            .or_else(|| hash("config_sha256", &self.run.config_sha256))
    }
}

impl Sound for Curves {
    fn contradiction(&self, _: &Layout) -> Option<Contradiction> {
        curves::contradiction(self)
    }
}

impl Sound for DecompositionSummary {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let (rank, bins) = (self.sigma.len(), self.tau.len());
        let of_rank = [
            ("left_residuals", self.left_residuals.len()),
            ("right_residuals", self.right_residuals.len()),
            ("explained", self.explained.len()),
            ("v", self.v.len()),
            ("by_tensor", self.by_tensor.len()),
            ("components", self.components.len()),
        ];
        let tensors = layout.tensors.len();
        of_rank
            .into_iter()
            .find_map(|(what, found)| len(what, found, rank))
            .or_else(|| len("mass", self.mass.len(), bins))
            .or_else(|| {
                let mut all = self.v.iter();
                all.find_map(|v| len("v of a component", v.len(), bins))
            })
            .or_else(|| {
                let mut all = self.by_tensor.iter();
                all.find_map(|one| len("by_tensor of a component", one.len(), tensors))
            })
    }
}

impl Sound for Study {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        hash("config_sha256", &self.config_sha256)
            .or_else(|| self.calibration.contradiction(layout))
            .or_else(|| {
                let mut seeds = self.seeds.iter();
                seeds.find_map(|one| one.contradiction(layout))
            })
    }
}

impl Sound for Calibration {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        self.curves.contradiction(layout)
    }
}

impl Sound for Findings {
    fn contradiction(&self, layout: &Layout) -> Option<Contradiction> {
        let tensors = layout.tensors.len();
        let rises = || {
            let found: Vec<Rate> = self.rises.iter().map(|rise| rise.rate).collect();
            let names = |rates: &[Rate]| rates.iter().map(|r| r.name()).collect::<Vec<_>>();
            let expected = names(&Rate::ALL).join(", ");
            let differ = found != Rate::ALL;
            differ.then(|| (format!("rises of {expected}"), names(&found).join(", ")))
        };
        let currency = || {
            self.currency.iter().find_map(|one| {
                let mut shares = one.by_tensor.iter();
                let shares = shares.find_map(|shares| len("by_tensor", shares.len(), tensors));
                let mut curves = one.curves.iter();
                shares.or_else(|| {
                    curves.find_map(|curve| {
                        let points = curve.percent.len().max(1);
                        len("percent", curve.percent.len(), points)
                            .or_else(|| len("losses", curve.losses.len(), points))
                            .or_else(|| len("selectivity", curve.selectivity.len(), points))
                            .or_else(|| len("random", curve.random.len(), points))
                    })
                })
            })
        };
        let portraits = || {
            let mut all = self.portraits.iter();
            all.find_map(|one| len("by_tensor of a portrait", one.by_tensor.len(), tensors))
        };
        self.curves
            .contradiction(layout)
            .or_else(rises)
            .or_else(currency)
            .or_else(portraits)
            .or_else(|| hash("config_sha256", &self.config_sha256))
            .or_else(|| hash("frozen_sha256", &self.frozen_sha256))
    }
}
