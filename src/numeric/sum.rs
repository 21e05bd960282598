//! Sums in one fixed order, in `f64`, so that a norm has the same bits on any machine.

use super::Real;

/// The inner product, accumulated in `f64` from left to right in eight interleaved partial sums.
pub fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len(), "dot of vectors of different length");
    let mut partial = [0.0f64; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            partial[lane] += x[lane].to_f64() * y[lane].to_f64();
        }
    }
    let mut total = partial.iter().sum::<f64>();
    for (x, y) in a_rest.iter().zip(b_rest) {
        total += x.to_f64() * y.to_f64();
    }
    total
}

/// The Euclidean norm.
pub fn norm<T: Real>(a: &[T]) -> f64 {
    dot(a, a).sqrt()
}

/// The mean, 0 for nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}
