//! Residual sum: `y = a + b`, elementwise.

use crate::numeric::Real;
use crate::numeric::simd::vectorised;

/// Writes `y`, same length as `a` and `b`.
pub fn forward<T: Real>(a: &[T], b: &[T], y: &mut [T]) {
    vectorised(|| {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = a + b;
        }
    });
}

/// Adds `d_y` to the gradient of either summand.
pub fn backward<T: Real>(d_y: &[T], d_x: &mut [T]) {
    vectorised(|| {
        for (d_x, &d_y) in d_x.iter_mut().zip(d_y) {
            *d_x += d_y;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::finite_difference as fd;

    #[test]
    fn gradients_are_the_differences() {
        for shape in 0..fd::SHAPE_LEN {
            let s = &mut fd::stream(shape);
            let len = fd::length(s, 50);
            let (a, b, d_y) = (
                fd::normals(s, len),
                fd::normals(s, len),
                fd::normals(s, len),
            );
            let before = fd::normals(s, len);
            let mut d_x = before.clone();
            backward(&d_y, &mut d_x);
            d_x.iter_mut().zip(&before).for_each(|(d, b)| *d -= b);
            let loss = |a: &[f64], b: &[f64]| {
                let mut y = vec![9.0; len];
                forward(a, b, &mut y);
                fd::functional(&d_y, &y)
            };
            fd::check("a", &a, &d_x, &mut |a| loss(a, &b));
            fd::check("b", &b, &d_x, &mut |b| loss(&a, b));
        }
    }
}
