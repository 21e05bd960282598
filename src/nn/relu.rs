//! Rectifier: `y = max(x, 0)`, elementwise; its gradient is taken as 0 at 0.

use crate::numeric::Real;
use crate::numeric::simd::vectorised;

/// Writes `y`, same length as `x`.
pub fn forward<T: Real>(x: &[T], y: &mut [T]) {
    vectorised(|| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if x > T::ZERO { x } else { T::ZERO };
        }
    });
}

/// Writes `d_x`: `d_y` where the output `y` was positive, 0 elsewhere.
pub fn backward<T: Real>(y: &[T], d_y: &[T], d_x: &mut [T]) {
    vectorised(|| {
        for ((d_x, &d_y), &y) in d_x.iter_mut().zip(d_y).zip(y) {
            *d_x = if y > T::ZERO { d_y } else { T::ZERO };
        }
    });
}

/// The same where `d_x` takes the place of `d_y`. By way of a buffer: from a condition on a slice in
/// place the compiler makes stores under a mask, several times slower than the rest of the loop.
pub fn backward_in_place<T: Real>(y: &[T], d: &mut [T]) {
    let mut gated = [T::ZERO; 1024];
    for (y, d) in y.chunks(gated.len()).zip(d.chunks_mut(gated.len())) {
        let gated = &mut gated[..d.len()];
        backward(y, d, gated);
        d.copy_from_slice(gated);
    }
}

/// The same, added to `d_x`.
pub fn backward_add<T: Real>(y: &[T], d_y: &[T], d_x: &mut [T]) {
    vectorised(|| {
        for ((d_x, &d_y), &y) in d_x.iter_mut().zip(d_y).zip(y) {
            *d_x += if y > T::ZERO { d_y } else { T::ZERO };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn the_gradient_is_the_difference_away_from_zero_and_none_at_it() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let len = fd::length(s, 50);
            let x: Vec<f64> = (0..len).map(|_| s.sign() * (0.01 + s.uniform())).collect();
            let (d_y, before) = (fd::normals(s, len), fd::normals(s, len));
            let run = |x: &[f64]| {
                let mut y = vec![9.0; len];
                forward(x, &mut y);
                y
            };
            let mut d_x = vec![9.0; len];
            backward(&run(&x), &d_y, &mut d_x);
            fd::check(&format!("{len} values"), &x, &d_x, &mut |x| {
                fd::functional(&d_y, &run(x))
            });
            let mut in_place = d_y.clone();
            backward_in_place(&run(&x), &mut in_place);
            assert_eq!(in_place, d_x);
            let mut added = before.clone();
            backward_add(&run(&x), &d_y, &mut added);
            let sums: Vec<f64> = before.iter().zip(&d_x).map(|(b, d)| b + d).collect();
            assert_eq!(added, sums);
        }
        let mut d_x = [1.0];
        backward(&[0.0], &[5.0], &mut d_x);
        assert_eq!(d_x, [0.0]);
    }
}
