//! Edits theta -> theta' (METHOD section 5, "Edits").
//!
//! ```text
//! (a) project   theta' = theta_T - c B B^T (theta_T - theta_0)       B orthonormal, c in [0, 1.5]
//! (c) reset     theta'_p = theta_0p for the q % of parameters with the highest score
//! (d) step      theta' = theta_T + alpha u                            either sign of alpha
//!     stretch   theta' = theta_T - c (theta_b - theta_a)              a, b two times of training
//! ```

use crate::nn::Layout;
use crate::numeric::random::Stream;
use crate::numeric::sum::{dot, norm};

/// Edit (d): a step of length `alpha` along `direction`, of any length but zero.
pub fn step(theta: &[f32], direction: &[f32], alpha: f64) -> Vec<f32> {
    let scale = alpha / norm(direction);
    theta
        .iter()
        .zip(direction)
        .map(|(&t, &u)| (f64::from(t) + scale * f64::from(u)) as f32)
        .collect()
}

/// Edit (a): removes `c` times the displacement's projection on `basis`, whose vectors are made
/// orthonormal first (Gram-Schmidt, twice); one that the others span is dropped.
pub fn project(theta: &[f32], theta_0: &[f32], basis: &[Vec<f32>], c: f64) -> Vec<f32> {
    let mut left: Vec<f64> = theta
        .iter()
        .zip(theta_0)
        .map(|(&t, &o)| f64::from(t) - f64::from(o))
        .collect();
    let displacement = left.clone();
    for q in orthonormal(basis) {
        let share = dot(&q, &displacement);
        for (x, &q) in left.iter_mut().zip(&q) {
            *x -= share * q;
        }
    }
    let kept = displacement.iter().zip(&left);
    theta
        .iter()
        .zip(kept)
        .map(|(&t, (&d, &l))| (f64::from(t) - c * (d - l)) as f32)
        .collect()
}

/// An orthonormal basis of what `vectors` span.
pub fn orthonormal(vectors: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for vector in vectors {
        let mut x: Vec<f64> = vector.iter().map(|&x| x.into()).collect();
        let before = norm(&x);
        for _ in 0..2 {
            for q in &basis {
                let share = dot(q, &x);
                x.iter_mut().zip(q).for_each(|(x, &q)| *x -= share * q);
            }
        }
        let length = norm(&x);
        if length > 1e-6 * before {
            x.iter_mut().for_each(|x| *x /= length);
            basis.push(x);
        }
    }
    basis
}

/// The indices of the `percent` % of parameters with the highest score; ties go to the lower index.
pub fn top(scores: &[f64], percent: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order.truncate((scores.len() as f64 * percent / 100.0).round() as usize);
    order
}

/// Edit (c): puts the parameters at `indices` back to their initial values.
pub fn reset(theta: &[f32], theta_0: &[f32], indices: &[usize]) -> Vec<f32> {
    let mut edited = theta.to_vec();
    for &i in indices {
        edited[i] = theta_0[i];
    }
    edited
}

/// Takes back `c` times what moved from the parameters `from` to the later parameters `to`.
pub fn stretch(theta: &[f32], from: &[f32], to: &[f32], c: f64) -> Vec<f32> {
    let moved = from
        .iter()
        .zip(to)
        .map(|(&a, &b)| f64::from(b) - f64::from(a));
    let pairs = theta.iter().zip(moved);
    pairs
        .map(|(&t, moved)| (f64::from(t) - c * moved) as f32)
        .collect()
}

/// As many parameters of every tensor as `indices` has there, drawn at random.
pub fn layer_matched(layout: &Layout, indices: &[usize], stream: &mut Stream) -> Vec<usize> {
    let mut matched = Vec::with_capacity(indices.len());
    for tensor in &layout.tensors {
        let range = tensor.range();
        let count = indices.iter().filter(|&i| range.contains(i)).count();
        let mut members: Vec<usize> = range.collect();
        stream.shuffle(&mut members);
        matched.extend(&members[..count]);
    }
    matched
}

/// A uniform random direction of the whole parameter space, of length 1.
pub fn isotropic(param_len: usize, stream: &mut Stream) -> Vec<f32> {
    let direction: Vec<f32> = (0..param_len).map(|_| stream.normal() as f32).collect();
    let scale = 1.0 / norm(&direction);
    direction
        .iter()
        .map(|&x| (f64::from(x) * scale) as f32)
        .collect()
}

/// A uniform random direction of the space spanned by the orthonormal columns of `u`, `(P, k)`
/// row-major, of length 1.
pub fn in_span(u: &[f32], k: usize, stream: &mut Stream) -> Vec<f32> {
    let mut weights: Vec<f64> = (0..k).map(|_| stream.normal()).collect();
    let scale = 1.0 / norm(&weights);
    weights.iter_mut().for_each(|w| *w *= scale);
    u.chunks_exact(k)
        .map(|row| {
            row.iter()
                .zip(&weights)
                .map(|(&u, &w)| f64::from(u) * w)
                .sum::<f64>() as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::Purpose;

    fn random(len: usize, stream: &mut Stream) -> Vec<f32> {
        (0..len).map(|_| stream.normal() as f32).collect()
    }

    #[test]
    fn projection_removes_its_share_and_nothing_else() {
        let mut stream = Stream::new(3, Purpose::Controls, 0);
        let (theta, theta_0) = (random(200, &mut stream), random(200, &mut stream));
        let mut basis: Vec<Vec<f32>> = (0..3).map(|_| random(200, &mut stream)).collect();
        basis.push(basis[0].iter().zip(&basis[1]).map(|(a, b)| a + b).collect());
        let left = |edited: &[f32], direction: &[f32]| {
            let moved: Vec<f32> = edited.iter().zip(&theta_0).map(|(e, o)| e - o).collect();
            dot(&moved, direction)
        };
        let other = random(200, &mut stream);
        let removed = orthonormal(&basis);
        assert_eq!(removed.len(), 3, "the dependent vector is dropped");
        let edited = project(&theta, &theta_0, &basis, 1.0);
        for direction in &basis {
            assert!(left(&edited, direction).abs() < 1e-4);
        }
        let mut outside: Vec<f64> = other.iter().map(|&x| x.into()).collect();
        for q in &removed {
            let share = dot(q, &outside);
            outside.iter_mut().zip(q).for_each(|(x, q)| *x -= share * q);
        }
        let outside: Vec<f32> = outside.iter().map(|&x| x as f32).collect();
        assert!((left(&edited, &outside) - left(&theta, &outside)).abs() < 1e-3);
        assert_eq!(project(&theta, &theta_0, &basis, 0.0), theta);
    }

    #[test]
    fn a_step_has_its_length_and_either_sign_undoes_the_other() {
        let mut stream = Stream::new(4, Purpose::Controls, 0);
        let (theta, direction) = (random(100, &mut stream), random(100, &mut stream));
        let there = step(&theta, &direction, 0.25);
        let moved: Vec<f32> = there.iter().zip(&theta).map(|(a, b)| a - b).collect();
        assert!((norm(&moved) - 0.25).abs() < 1e-6);
        assert!(dot(&moved, &direction) > 0.0);
        let back = step(&there, &direction, -0.25);
        assert!(back.iter().zip(&theta).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn all_of_training_taken_back_is_the_start_and_stretches_add_up() {
        let mut stream = Stream::new(7, Purpose::Controls, 0);
        let mut next = || random(100, &mut stream);
        let (start, middle, end) = (next(), next(), next());
        assert_eq!(stretch(&end, &start, &end, 1.0), start);
        assert_eq!(stretch(&end, &middle, &end, 0.0), end);
        let late = stretch(&end, &middle, &end, 1.0);
        let both = stretch(&late, &start, &middle, 1.0);
        assert!(both.iter().zip(&start).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn top_takes_the_highest_and_matching_keeps_each_tensor_s_count() {
        let layout = Layout::new(vec![("a".into(), vec![10]), ("b".into(), vec![90])]);
        let scores: Vec<f64> = (0..100)
            .map(|i| if (4..94).contains(&i) { 0.0 } else { 1.0 })
            .collect();
        let chosen = top(&scores, 10.0);
        assert_eq!(chosen, [0, 1, 2, 3, 94, 95, 96, 97, 98, 99]);
        let matched = layer_matched(&layout, &chosen, &mut Stream::new(5, Purpose::Controls, 0));
        assert_eq!(matched.iter().filter(|&&i| i < 10).count(), 4);
        let distinct: std::collections::BTreeSet<_> = matched.iter().collect();
        assert_eq!(distinct.len(), 10);
        assert_ne!(matched, chosen);
    }

    #[test]
    fn in_span_directions_are_unit_and_in_the_span() {
        let mut stream = Stream::new(6, Purpose::Controls, 0);
        let vectors: Vec<Vec<f32>> = (0..3).map(|_| random(50, &mut stream)).collect();
        let basis = orthonormal(&vectors);
        let u: Vec<f32> = (0..50)
            .flat_map(|p| basis.iter().map(move |q| q[p] as f32))
            .collect();
        let direction = in_span(&u, 3, &mut stream);
        assert!((norm(&direction) - 1.0).abs() < 1e-5);
        let widened: Vec<f64> = direction.iter().map(|&x| x.into()).collect();
        let inside: f64 = basis.iter().map(|q| dot(q, &widened).powi(2)).sum();
        assert!((inside - 1.0).abs() < 1e-5);
    }
}
