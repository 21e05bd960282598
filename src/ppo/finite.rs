//! Who stopped being finite. Losses and norms are computed anyway and show that something did; only
//! then is the first such number looked for, in the order in which an update comes about.

use crate::nn::{Network, finite};

use super::Error;
use super::frames::Frames;
use super::optimizer::Optimizer;

/// What an update is made of, as far as it has come.
pub(super) struct Made<'a> {
    pub(super) update: u64,
    pub(super) network: &'a Network,
    pub(super) params: &'a [f32],
    pub(super) frames: &'a Frames,
    /// The minibatch.
    pub(super) indices: &'a [u32],
    pub(super) gradient: &'a [f32],
    pub(super) optimizer: &'a Optimizer,
    pub(super) applied: &'a [f32],
}

impl Made<'_> {
    /// Refuses what was `found` for `what`, if it is not finite, by the name of the first number that
    /// is not.
    pub(super) fn check(&self, what: &str, found: f64) -> Result<(), Error> {
        if found.is_finite() {
            return Ok(());
        }
        let (what, found) = self.culprit().unwrap_or((what.into(), found));
        Err(Error::NotFinite {
            update: self.update,
            what,
            found,
        })
    }

    fn culprit(&self) -> Option<(String, f64)> {
        let Self {
            network, frames, ..
        } = *self;
        let len = network.observation_len();
        let observation = |&i: &u32| &frames.observations[i as usize * len..][..len];
        let observations: Vec<u8> = self.indices.iter().flat_map(observation).copied().collect();
        let forward = || finite::culprit(network, self.params, &observations);
        let of_frames = || {
            let columns: [(&str, &[f32]); 3] = [
                ("log-probability", &frames.log_probs),
                ("value", &frames.values),
                ("advantage", &frames.advantages),
            ];
            self.indices.iter().find_map(|&i| {
                let at = |(name, values): &(&str, &[f32])| {
                    let value = values[i as usize];
                    (!value.is_finite()).then(|| (format!("{name} of frame {i}"), value))
                };
                columns.iter().find_map(at)
            })
        };
        let in_layout = |name: &str, values: &[f32]| {
            let (place, value) = network.layout.first_not_finite(values)?;
            Some((format!("{name} {place}"), value))
        };
        let (what, found) = forward()
            .or_else(of_frames)
            .or_else(|| in_layout("gradient of", self.gradient))
            .or_else(|| {
                self.optimizer
                    .moments()
                    .find_map(|(name, values)| in_layout(name, values))
            })
            .or_else(|| in_layout("update of", self.applied))
            .or_else(|| {
                let moved = self.params.iter().zip(self.applied);
                let moved: Vec<f32> = moved.map(|(&param, &applied)| param + applied).collect();
                in_layout("updated parameter", &moved)
            })?;
        Some((what, found.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::adam::Adam;
    use crate::nn::sgd::Sgd;
    use crate::nn::{Shape, init};

    /// Every number of an update, each with NaN and both infinities, and the name it goes by. An
    /// observation is a byte of 0 or 1 and can be neither.
    #[test]
    fn the_first_number_in_the_order_of_computing_is_named() {
        let shape = Shape {
            channels: 2,
            hidden: 3,
            ..Shape::tiny()
        };
        let network = Network::new(shape, 1).unwrap();
        let sound = init::initialise(&network.layout, 0);
        let zeros = vec![0.0; sound.len()];
        let adam = Optimizer::Adam(Adam::new(sound.len(), 1e-8));
        let sgd = Optimizer::Sgd(Sgd::new(sound.len(), 0.9));
        let bias = network.layout.range("dense.bias").unwrap().start + 1;
        let mut tried = 0;
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for name in [
                "parameter dense.bias[1]",
                "log-probability of frame 2",
                "value of frame 2",
                "advantage of frame 2",
                "gradient of dense.bias[1]",
                "first moment of dense.bias[1]",
                "second moment of dense.bias[1]",
                "velocity of dense.bias[1]",
                "update of dense.bias[1]",
                "updated parameter dense.bias[1]",
                "value loss",
            ] {
                let (mut params, mut gradient, mut applied) =
                    (sound.clone(), zeros.clone(), zeros.clone());
                let mut frames = Frames {
                    observations: vec![1; 3 * network.observation_len()],
                    log_probs: vec![0.0; 3],
                    values: vec![0.0; 3],
                    advantages: vec![0.0; 3],
                    ..Frames::default()
                };
                let mut optimizer = match name.starts_with("velocity") {
                    true => sgd.clone(),
                    false => adam.clone(),
                };
                // A frame outside of the minibatch is nobody's fault yet.
                frames.values[0] = f32::NAN;
                let mut expected = f64::from(value);
                match (name.split(' ').next().unwrap(), &mut optimizer) {
                    ("parameter", _) => params[bias] = value,
                    ("log-probability", _) => frames.log_probs[2] = value,
                    ("value", _) if name.ends_with("loss") => {}
                    ("value", _) => frames.values[2] = value,
                    ("advantage", _) => frames.advantages[2] = value,
                    ("gradient", _) => gradient[bias] = value,
                    ("first", Optimizer::Adam(adam)) => adam.first[bias] = value,
                    ("second", Optimizer::Adam(adam)) => adam.second[bias] = value,
                    ("velocity", Optimizer::Sgd(sgd)) => sgd.velocity[bias] = value,
                    ("update", _) => applied[bias] = value,
                    _ => {
                        (params[bias], applied[bias]) = (f32::MAX, f32::MAX);
                        // Overflows in the layers behind it too, were it not the last.
                        params[network.layout.range("dense.weight").unwrap()].fill(0.0);
                        params[network.layout.range("policy.weight").unwrap()].fill(0.0);
                        params[network.layout.range("value.weight").unwrap()].fill(0.0);
                        expected = f64::INFINITY;
                    }
                }
                let made = Made {
                    update: 7,
                    network: &network,
                    params: &params,
                    frames: &frames,
                    indices: &[1, 2],
                    gradient: &gradient,
                    optimizer: &optimizer,
                    applied: &applied,
                };
                made.check("value loss", 1.0).unwrap();
                let error = made.check("value loss", value.into()).unwrap_err();
                let Error::NotFinite {
                    update: 7,
                    what,
                    found,
                } = &error
                else {
                    panic!("{error}")
                };
                assert_eq!(what, name);
                assert_eq!(found.to_bits(), expected.to_bits(), "{name}");
                tried += 1;
            }
        }
        assert_eq!(tried, 33);
    }
}
