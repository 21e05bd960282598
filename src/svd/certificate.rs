//! From a basis of the right singular vectors to certified triplets, in one pass.
//!
//! For orthonormal `Q` the pass takes `Y = G Q`, `Z = G^T Y` and the triangle R of `Y` (a QR on a fixed
//! sequence of tiles; Demmel et al. 2012), all in `f64`. The SVD `R = . S X^T` gives `v = Q x` and
//! `u = Y x / s`: the small singular values come from G itself and not from its square. U is rounded
//! to `f32`, `u' = u + d`; then `|G v - s u'| = s |d|` exactly, and
//! `|G^T u' - s v| <= |Z x / s - s v| + s_1 |d|`, which is what is reported.
//!
//! Where `s_1 / s_i` times the rounding of `f64` comes near the tolerance, `Z x / s` is too coarse: U is
//! made [orthonormal](super::left), and a second pass takes both residuals from the stored vectors.
//!
//! [`PROBES`](super::probes) ride in the pass, and say what the triplets may have left out.

use faer::{Mat, MatRef};

use super::dense::{add_product, orthogonality_of_gram, product, right_svd, triangle};
use super::held::Held;
use super::left::{Wanted, left};
use super::probes::{CHANCE, PROBES, Probes, Unseen};
use super::signs;
use super::sweep::{Watch, padded, row_major, sweep};
use super::tile::{Factors, Tile};
use super::{Decomposition, Error, Event, Method, Stop};
use crate::numeric::panel_gemm::Panel;

/// What a method hands over.
pub(super) struct Candidate {
    /// Orthonormal columns that span approximate right singular vectors, `(T, m)`, m at least 1.
    pub(super) q: Mat<f64>,
    /// Triplets wanted.
    pub(super) rank: usize,
    /// What the entries were multiplied by.
    pub(super) scale: f64,
    /// `|G|_F^2` of the scaled matrix, where it is known.
    pub(super) energy: Option<f64>,
    /// Singular values below this share of the largest count as 0.
    pub(super) floor: f64,
    /// An estimate of the first singular value that is not wanted.
    pub(super) next: Option<f64>,
    /// What it is at most, where all of the spectrum was computed.
    pub(super) next_at_most: Option<f64>,
    /// Whether that was done without squares: what counts as 0 is all that is left.
    pub(super) searched: bool,
    /// Passes so far.
    pub(super) passes: usize,
    /// How they were made, and why they ended.
    pub(super) method: Method,
    pub(super) stop: Stop,
    /// Whether U is wanted in `f64` as well.
    pub(super) exact: bool,
    /// Seed of the probes.
    pub(super) seed: u64,
    /// Certificates before this one.
    pub(super) certified: usize,
}

/// Certified triplets.
pub(super) struct Certified {
    pub(super) found: Decomposition,
    /// U in `f64` where that is wanted.
    pub(super) exact: Vec<f64>,
    /// Directions in time that hold what was missed, where it is certain that something was; `(T, q)`.
    pub(super) missed: Option<Mat<f64>>,
}

/// What the pass over the matrix leaves.
struct Images {
    /// `G Q`, `(P, m)` row-major.
    y: Vec<f64>,
    /// `G^T G Q`, `(T, m)`.
    z: Mat<f64>,
    /// The triangle of Y.
    r: Mat<f64>,
    energy: f64,
    /// Of the probes' columns W, `W^T G^T G W` and `G^T G W`.
    probed: (Mat<f64>, Mat<f64>),
}

/// The triplets of `candidate`.
pub(super) fn certify(
    held: &Held<'_>,
    candidate: &Candidate,
    tolerance: f64,
    tell: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Certified, Error> {
    let index = candidate.passes + 1;
    let mut watch = |bytes| tell(Event::Read { index, bytes });
    let q = candidate.q.as_ref();
    let probes = Probes::new(q, candidate.seed);
    let images = images(held, candidate, &probes, &mut Watch { tell: &mut watch })?;
    let (mut s, x) = right_svd(images.r.as_ref())?;
    let (y, z) = images.probed;
    let seen = probes.seen(q, y.as_ref(), z, s[0])?;
    let found = s
        .iter()
        .take_while(|&&value| value > candidate.floor * s[0])
        .count();
    // Beyond the wanted ones a value of the same space bounds the next one from below.
    let beyond = s.get(candidate.rank).map(|s| s / candidate.scale);
    let rank = found.min(candidate.rank);
    let left_out = s.get(rank).copied().unwrap_or(0.0);
    s.truncate(rank);
    let mut x = x.subcols(0, rank).to_owned();
    let mut v = product(candidate.q.as_ref(), x.as_ref());
    turn_by_sign(&mut v, &mut x);

    let spread = s.last().map_or(1.0, |last| s[0] / last);
    // Where rounding divided by the last value is no longer small.
    let coarse = spread * 8.0 * f64::EPSILON > 0.01 * tolerance;
    let wanted = Wanted {
        exact: candidate.exact,
        orthonormal: coarse,
    };
    let left = left(&images.y, &s, x.as_ref(), wanted);
    let rounding = left.rounding;
    let back = product(images.z.as_ref(), x.as_ref());
    let left_residuals: Vec<f64> = rounding.iter().zip(&s).map(|(d, s)| d * s).collect();
    let right_residuals: Vec<f64> = (0..rank)
        .map(|j| {
            let squares = (0..v.nrows()).map(|t| (back[(t, j)] / s[j] - s[j] * v[(t, j)]).powi(2));
            squares.sum::<f64>().sqrt() + s[0] * rounding[j]
        })
        .collect();
    let energy = candidate.energy.unwrap_or(images.energy);
    let by_probes = left_out.hypot(seen.at_most) / candidate.scale;
    // That is of the first value that is not wanted: where fewer are kept, of another.
    let next_at_most = candidate.next_at_most.filter(|_| rank == candidate.rank);
    let others_likely_at_most = next_at_most.map_or(by_probes, |x| x.min(by_probes));
    let smallest = candidate.floor * s.first().copied().unwrap_or(0.0) / candidate.scale;
    let unseen = Unseen {
        others_likely_at_most,
        others_are_rounding: others_likely_at_most <= smallest
            || candidate.searched && rank < candidate.rank,
        probability: 1.0 - (candidate.certified + 1) as f64 * CHANCE,
        others_at_least: left_out.max(seen.at_least) / candidate.scale,
    };
    let unscaled = |values: Vec<f64>| -> Vec<f64> {
        values.into_iter().map(|x| x / candidate.scale).collect()
    };
    let mut found = Decomposition {
        rank,
        requested: candidate.rank,
        time_len: v.nrows(),
        param_len: held.matrix.param_len(),
        converged: false,
        orthogonality_u: orthogonality_of_gram(left.gram.as_ref()),
        orthogonality_v: orthogonality_of_gram(product(v.transpose(), v.as_ref()).as_ref()),
        v: (0..v.nrows() * rank)
            .map(|at| v[(at / rank, at % rank)])
            .collect(),
        u: left.u,
        s: unscaled(s),
        left_residuals: unscaled(left_residuals),
        right_residuals: unscaled(right_residuals),
        frobenius_norm: energy.sqrt() / candidate.scale,
        next_singular_value: candidate.next.into_iter().chain(beyond).reduce(f64::max),
        unseen: Some(unseen),
        passes: index,
        stop: candidate.stop,
        method: candidate.method,
    };
    if !found.frobenius_norm.is_finite() {
        return Err(Error::TooLarge);
    }
    if coarse {
        found.passes += 1;
        let index = found.passes;
        let mut watch = |bytes| tell(Event::Read { index, bytes });
        let u = std::mem::take(&mut found.u);
        let watch = &mut Watch { tell: &mut watch };
        let entry = |at: usize| f64::from(u[at]);
        measure(held, &mut found, &entry, candidate.scale, watch)?;
        found.u = u;
    }
    found.judge(tolerance);
    let bytes = held.take_read_bytes();
    if !tell(Event::Certificate { bytes }) {
        return Err(Error::Interrupted);
    }
    let missed = found.misses(tolerance).then_some(seen.directions);
    Ok(Certified {
        found,
        exact: left.exact,
        missed,
    })
}

/// The pass.
fn images(
    held: &Held<'_>,
    candidate: &Candidate,
    probes: &Probes,
    watch: &mut Watch<'_>,
) -> Result<Images, Error> {
    let (time_len, param_len) = (held.matrix.time_len(), held.matrix.param_len());
    let m = candidate.q.ncols();
    let l = padded(m + PROBES);
    let both = Mat::from_fn(time_len, m + PROBES, |t, j| match j.checked_sub(m) {
        None => candidate.q[(t, j)],
        Some(j) => probes.columns[(t, j)],
    });
    let q: Vec<f64> = row_major(&both, l);
    let mut y = vec![0.0; param_len * m];
    let mut z = vec![0.0; time_len * l];
    let mut r = Mat::<f64>::zeros(0, m);
    let mut probed = Mat::<f64>::zeros(PROBES, PROBES);
    let (mut energy, wanted) = (0.0, candidate.energy.is_none());
    sweep(
        held,
        candidate.scale,
        Factors {
            q: &q,
            l,
            given: None,
        },
        watch,
        |tile: Tile<'_, f64>| {
            let width = tile.params.len();
            let mut y = vec![0.0; width * m];
            let mut squares = Mat::<f64>::zeros(PROBES, PROBES);
            for (first, panel) in tile.products() {
                let image = &panel[m * f64::WIDTH..(m + PROBES) * f64::WIDTH];
                let image = MatRef::from_row_major_slice(image, PROBES, f64::WIDTH);
                add_product(squares.as_mut(), image, image.transpose());
                let at = first - tile.params.start;
                let rows = y[at * m..].chunks_exact_mut(m).take(f64::WIDTH);
                for (c, row) in rows.enumerate() {
                    for (j, entry) in row.iter_mut().enumerate() {
                        *entry = panel[j * f64::WIDTH + c];
                    }
                }
            }
            let tall = MatRef::from_row_major_slice(&y, width, m).to_owned();
            let energy = if wanted { tile.energy() } else { 0.0 };
            (
                tile.params.start,
                y,
                tile.z,
                triangle(tall),
                energy,
                squares,
            )
        },
        |(first, part, tile_z, below, tile_energy, squares)| {
            y[first * m..first * m + part.len()].copy_from_slice(&part);
            z.iter_mut().zip(tile_z).for_each(|(sum, z)| *sum += z);
            let above = r.nrows();
            r = triangle(Mat::from_fn(above + below.nrows(), m, |i, j| {
                if i < above {
                    r[(i, j)]
                } else {
                    below[(i - above, j)]
                }
            }));
            energy += tile_energy;
            probed += squares;
        },
    )?;
    Ok(Images {
        y,
        z: Mat::from_fn(time_len, m, |t, j| z[t * l + j]),
        r,
        energy,
        probed: (
            probed,
            Mat::from_fn(time_len, PROBES, |t, j| z[t * l + m + j]),
        ),
    })
}

/// Both residuals of `found`, in one pass; `u` gives the entries of its U, `(P, rank)` row-major.
pub(super) fn measure(
    held: &Held<'_>,
    found: &mut Decomposition,
    u: &(dyn Fn(usize) -> f64 + Sync),
    scale: f64,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let (time_len, rank) = (found.time_len, found.rank);
    if rank == 0 {
        return Ok(());
    }
    let l = padded(rank);
    let v = Mat::from_fn(time_len, rank, |t, j| found.v[t * rank + j]);
    let s: Vec<f64> = found.s.iter().map(|s| s * scale).collect();
    let q: Vec<f64> = row_major(&v, l);
    let mut left_squared = vec![0.0; rank];
    let mut back = vec![0.0; time_len * l];
    sweep(
        held,
        scale,
        Factors {
            q: &q,
            l,
            given: Some(&|param, j| if j < rank { u(param * rank + j) } else { 0.0 }),
        },
        watch,
        |tile: Tile<'_, f64>| {
            let mut squares = vec![0.0; rank];
            for (first, panel) in tile.products() {
                for c in 0..f64::WIDTH.min(tile.params.end - first) {
                    for (j, square) in squares.iter_mut().enumerate() {
                        let y = panel[j * f64::WIDTH + c];
                        *square += (y - s[j] * u((first + c) * rank + j)).powi(2);
                    }
                }
            }
            (tile.z, squares)
        },
        |(z, squares)| {
            back.iter_mut().zip(z).for_each(|(sum, z)| *sum += z);
            left_squared
                .iter_mut()
                .zip(squares)
                .for_each(|(sum, x)| *sum += x);
        },
    )?;
    found.left_residuals = left_squared.iter().map(|x| x.sqrt() / scale).collect();
    found.right_residuals = (0..rank)
        .map(|j| {
            let squares = (0..time_len).map(|t| (back[t * l + j] - s[j] * v[(t, j)]).powi(2));
            squares.sum::<f64>().sqrt() / scale
        })
        .collect();
    Ok(())
}

/// Turns V by the [rule](signs), and X with it.
fn turn_by_sign(v: &mut Mat<f64>, x: &mut Mat<f64>) {
    for j in 0..v.ncols() {
        if signs::turns((0..v.nrows()).map(|t| v[(t, j)])) {
            for matrix in [&mut *v, &mut *x] {
                for t in 0..matrix.nrows() {
                    matrix[(t, j)] = -matrix[(t, j)];
                }
            }
        }
    }
}
