//! The value head's loss: half the squared error, clipped around the value the rollout predicted
//! (Schulman et al. 2017 as implemented by the published code).
//!
//! ```text
//! L = 1/2 max((v - R)^2, (v_old + clamp(v - v_old, -eps, eps) - R)^2)
//! ```

use crate::numeric::Real;

/// The loss of one sample and its derivative by `value`; no clipping where `clip` is `None`.
#[inline(always)]
pub fn loss<T: Real>(value: T, old_value: T, target: T, clip: Option<T>) -> (T, T) {
    let half = T::from_f64(0.5);
    let error = value - target;
    let plain = half * error * error;
    let Some(clip) = clip else {
        return (plain, error);
    };
    let change = value - old_value;
    let inside = change > -clip && change < clip;
    let clipped = if inside {
        change
    } else if change > T::ZERO {
        clip
    } else {
        -clip
    };
    let clipped_error = old_value + clipped - target;
    let clipped_loss = half * clipped_error * clipped_error;
    if clipped_loss > plain {
        (clipped_loss, if inside { clipped_error } else { T::ZERO })
    } else {
        (plain, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn the_derivative_is_the_difference_on_every_branch() {
        let mut branches = std::collections::BTreeSet::new();
        for shape in 0..200 {
            let s = &mut fd::stream(shape);
            let (value, old_value, target) = (s.normal(), s.normal(), s.normal());
            let clip = (shape % 4 != 0).then_some(0.7);
            let change = value - old_value;
            let (d, clipped_d) = (value - target, old_value + change.clamp(-0.7, 0.7) - target);
            // Too near a kink: where clipping starts, or where the larger error changes.
            let is_clipped = change.abs() > 0.7;
            if (change.abs() - 0.7).abs() < 1e-3
                || (is_clipped && (d.abs() - clipped_d.abs()).abs() < 1e-3)
            {
                continue;
            }
            branches.insert((clip.is_some(), is_clipped, clipped_d.abs() > d.abs()));
            let (_, derivative) = loss(value, old_value, target, clip);
            let mut by_value = |v: &[f64]| loss(v[0], old_value, target, clip).0;
            let name = format!("{value} from {old_value} to {target}, {clip:?}");
            fd::check(&name, &[value], &[derivative], &mut by_value);
        }
        for branch in [
            (false, true, true),
            (true, false, false),
            (true, true, false),
            (true, true, true),
        ] {
            assert!(branches.contains(&branch), "{branch:?} never tried");
        }
    }
}
