//! Fresh random directions that ride in the certificate's reading, and what they say of all that the
//! triplets leave out.
//!
//! With Q an orthonormal basis, `P = 1 - Q Q^T` and Omega (T x q) of standard normal draws, the reading
//! gives `Y = G P Omega` and `Z = G^T Y` at the cost of q columns. Let w be the right singular vector of
//! `|G P|`. Then `|Y|_2 >= |G P| |w^T Omega|` and `|P Z|_2 >= |G P|^2 |w^T Omega|`, and `|w^T Omega|^2`
//! is chi-squared with q degrees of freedom: with `c` its point of [`CHANCE`], but for that chance
//! `|G P| <= |Y|_2 / c^1/2` and `|G P|^2 <= |P Z|_2 / c^1/2`, both at once. (Lemma 4.1 of Halko,
//! Martinsson and Tropp 2011, "Finding structure with randomness", with all q probes taken together and
//! not the largest of them.) That is likely. Certain is what a vector shows: for x in the span of
//! `P Omega`, `|G P|^2 >= |P G^T G x| / |x|`.
//!
//! What is bounded is `|G (1 - V V^T)|` for the triplets' V within the span of Q: a singular value that was
//! missed is no larger, and neither is the first after the triplets (Weyl). Its square is at most
//! `s_k+1^2 + |G P|^2`, with `s_k+1` the first value of `G Q` that is no triplet.
//!
//! Whatever the start was, a fixed seed's draws are orthogonal to some direction. So the seed is a hash of
//! the basis that was found: each matrix has its own probes, the same ones every time.

use faer::{Mat, MatRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Error;
use super::dense::{product, right_svd, subtract_product};
use crate::numeric::draws;

/// Probes of a certificate.
pub(super) const PROBES: usize = 16;
/// Chance that the bound of one certificate is wrong.
pub(super) const CHANCE: f64 = 1e-6;
/// The point below which chi-squared with [`PROBES`] degrees of freedom lies with [`CHANCE`].
const CHI_SQUARED: f64 = 1.450_693_322_454_247;
/// Rounding of the products relative to what went into them.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// What is known of the singular values that the triplets leave out: of `|G (1 - V V^T)|`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unseen {
    /// It is at most this with [`probability`](Self::probability).
    pub others_likely_at_most: f64,
    /// The probability, over the draws of the probes.
    pub probability: f64,
    /// It is certainly at least this.
    pub others_at_least: f64,
    /// Whether it is likely no more than rounding of the entries leaves: the rank is then that of the matrix.
    pub others_are_rounding: bool,
}

/// Probes orthogonal to a basis.
pub(super) struct Probes {
    /// `P Omega`, `(T, PROBES)`.
    pub(super) columns: Mat<f64>,
    /// `|Omega|_F`.
    drawn: f64,
}

/// What the probes saw of `G P`.
pub(super) struct Seen {
    /// Likely no less than `|G P|`.
    pub(super) at_most: f64,
    /// Certainly no more than it.
    pub(super) at_least: f64,
    /// `P G^T G P Omega`: where what was missed lies.
    pub(super) directions: Mat<f64>,
}

impl Probes {
    /// The probes of the basis `q`, `(T, m)` orthonormal; `seed` changes them.
    pub(super) fn new(q: MatRef<'_, f64>, seed: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        for j in 0..q.ncols() {
            for t in 0..q.nrows() {
                hash.update(q[(t, j)].to_le_bytes());
            }
        }
        let digest = hash.finalize();
        let own = digest.iter().take(8);
        let own = own.fold(0, |own, byte| own << 8 | u64::from(*byte));
        let mut stream = draws::SVD_PROBES.stream(own, 0);
        let mut columns = Mat::zeros(q.nrows(), PROBES);
        for t in 0..q.nrows() {
            for j in 0..PROBES {
                columns[(t, j)] = stream.normal();
            }
        }
        let drawn = columns.norm_l2();
        project_out(q, &mut columns);
        project_out(q, &mut columns);
        Self { columns, drawn }
    }

    /// What follows from `y`, which is `Y^T Y`, and from `z`, both of the [columns](Self::columns);
    /// `largest` is that of `G Q`.
    pub(super) fn seen(
        &self,
        q: MatRef<'_, f64>,
        y: MatRef<'_, f64>,
        mut z: Mat<f64>,
        largest: f64,
    ) -> Result<Seen, Error> {
        project_out(q, &mut z);
        let norm = |a: MatRef<'_, f64>| right_svd(a).map(|(s, _)| s[0]);
        // Y^T Y is positive: its norm is the square of Y's.
        let (first, second) = (norm(y)?.sqrt(), norm(z.as_ref())?);
        let largest = largest.max(first / self.drawn);
        let lost = ROUNDING * self.drawn * largest;
        let chi = CHI_SQUARED.sqrt();
        let by_image = (first + lost) / chi;
        let by_square = ((second + lost * largest) / chi).sqrt();
        // Orthonormal directions of their span: columns X / s, where those are no rounding.
        let (s, x) = right_svd(self.columns.as_ref())?;
        let clear = s.iter().take_while(|&&s| s > 1e-8 * self.drawn).count();
        let directions = Mat::from_fn(PROBES, clear, |i, j| x[(i, j)] / s[j]);
        let at_least = if clear == 0 {
            0.0
        } else {
            let square = norm(product(z.as_ref(), directions.as_ref()).as_ref())?;
            let lost = lost * largest / s[clear - 1];
            (square - lost).max(0.0).sqrt()
        };
        Ok(Seen {
            at_most: by_image.min(by_square),
            at_least,
            directions: z,
        })
    }
}

fn project_out(q: MatRef<'_, f64>, x: &mut Mat<f64>) {
    let inside = product(q.transpose(), x.as_ref());
    subtract_product(x.as_mut(), q, inside.as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound against the truth where it is most often wrong: one direction and nothing else. A chance
    /// of 1e-6 cannot be counted; one of 1e-2 can, with its own point of chi-squared.
    #[test]
    fn the_bound_fails_as_often_as_it_says() {
        // scipy.stats.chi2.ppf(1e-2, 16), as ppf(1e-6, 16) is the constant.
        let of_hundredth = 5.812_212_470_134_966_f64;
        let (t, tries) = (40, 3000);
        let q = Mat::from_fn(t, 1, |i, _| if i == 0 { 1.0 } else { 0.0 });
        let mut fails = 0;
        for seed in 0..tries {
            let probes = Probes::new(q.as_ref(), seed);
            // |G P| = 1, its vector the second.
            let row = Mat::from_fn(1, PROBES, |_, j| probes.columns[(1, j)]);
            let y = product(row.transpose(), row.as_ref());
            let z = Mat::from_fn(t, PROBES, |i, j| if i == 1 { row[(0, j)] } else { 0.0 });
            let seen = probes.seen(q.as_ref(), y.as_ref(), z, 1.0).unwrap();
            assert!((0.2..1.0 + 1e-12).contains(&seen.at_least));
            let length = seen.at_most.max(seen.at_most.powi(2)) * CHI_SQUARED.sqrt();
            assert!((length - row.norm_l2()).abs() < 1e-12 * length);
            fails += usize::from(length.powi(2) < of_hundredth);
        }
        // 30 expected, standard deviation 5.4.
        assert!((10..60).contains(&fails), "{fails}");
    }
}
