//! The discrete Fourier transform of lengths that are powers of two (Cooley and Tukey 1965),
//! decimation in time, in place. `X_f = sum_t x_t exp(-2 pi i f t / N)`. Cost `O(N log N)`.

/// Tables for one length.
pub(super) struct Fourier {
    len: usize,
    /// cos and -sin of `2 pi j / N` for `j < N / 2`.
    roots: Vec<(f64, f64)>,
}

impl Fourier {
    /// For sequences of length `len`, a power of two.
    pub(super) fn new(len: usize) -> Self {
        assert!(len.is_power_of_two(), "a power of two, not {len}");
        let step = std::f64::consts::TAU / len as f64;
        let roots = (0..len / 2).map(|j| {
            let (sin, cos) = (step * j as f64).sin_cos();
            (cos, -sin)
        });
        Self {
            len,
            roots: roots.collect(),
        }
    }

    /// Transforms the complex numbers `re + i im`.
    pub(super) fn transform(&self, re: &mut [f64], im: &mut [f64]) {
        let n = self.len;
        assert!(re.len() == n && im.len() == n, "sequences of length {n}");
        let mut reversed = 0;
        for j in 1..n {
            let mut bit = n >> 1;
            while reversed & bit != 0 {
                reversed ^= bit;
                bit >>= 1;
            }
            reversed |= bit;
            if j < reversed {
                re.swap(j, reversed);
                im.swap(j, reversed);
            }
        }
        let mut half = 1;
        while half < n {
            let stride = n / (2 * half);
            for start in (0..n).step_by(2 * half) {
                for j in 0..half {
                    let (cos, sin) = self.roots[j * stride];
                    let (low, high) = (start + j, start + j + half);
                    let x = re[high] * cos - im[high] * sin;
                    let y = re[high] * sin + im[high] * cos;
                    (re[high], im[high]) = (re[low] - x, im[low] - y);
                    (re[low], im[low]) = (re[low] + x, im[low] + y);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    #[test]
    fn it_is_the_sum_of_its_definition() {
        for n in [1usize, 2, 4, 64] {
            let mut stream = Stream::new(2, Purpose::Nulls, 0);
            let x: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
            let y: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
            let (mut re, mut im) = (x.clone(), y.clone());
            Fourier::new(n).transform(&mut re, &mut im);
            for f in 0..n {
                let (mut a, mut b) = (0.0, 0.0);
                for t in 0..n {
                    let angle = -std::f64::consts::TAU * (f * t) as f64 / n as f64;
                    a += x[t] * angle.cos() - y[t] * angle.sin();
                    b += x[t] * angle.sin() + y[t] * angle.cos();
                }
                assert!(
                    (a - re[f]).abs() < 1e-12 && (b - im[f]).abs() < 1e-12,
                    "{n} {f}"
                );
            }
        }
    }
}
