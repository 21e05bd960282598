//! The Krylov space of `B = A A^T / |A|_F^2` while it grows: an orthonormal basis W, its image `B W`
//! and `H = W^T B W`.

use faer::Mat;

use super::Error;
use super::dense::{basis, eigen, product, subtract_product};

/// The space.
pub(super) struct Space {
    basis: Mat<f64>,
    image: Mat<f64>,
    h: Mat<f64>,
    /// Basis vectors whose image is not known yet.
    pub(super) newest: Mat<f64>,
}

/// The best that the space holds.
pub(super) struct Step {
    /// Eigenvalues of H, largest first: of B, lower bounds.
    pub(super) theta: Vec<f64>,
    /// The wanted Ritz vectors, `(T, k)`.
    pub(super) v: Mat<f64>,
    /// Of each of them, `|A^T u - sigma v| / sigma_1` for `u = A v / sigma`.
    pub(super) residuals: Vec<f64>,
    /// All eigenvectors of H.
    x: Mat<f64>,
}

impl Step {
    pub(super) fn worst_residual(&self) -> f64 {
        self.residuals.iter().copied().fold(0.0, f64::max)
    }
}

impl Space {
    /// The space of `start`, whose columns are orthonormal.
    pub(super) fn new(start: Mat<f64>) -> Self {
        let time_len = start.nrows();
        let none = || Mat::zeros(time_len, 0);
        Self {
            basis: none(),
            image: none(),
            h: Mat::zeros(0, 0),
            newest: start,
        }
    }

    /// Dimensions whose image is known.
    pub(super) fn len(&self) -> usize {
        self.basis.ncols()
    }

    /// The share of `|A|_F^2` that the space does not hold.
    pub(super) fn tail(&self) -> f64 {
        1.0 - (0..self.len()).map(|i| self.h[(i, i)]).sum::<f64>()
    }

    /// Takes the image of the newest basis vectors, and tells their part of the trace of H.
    pub(super) fn push(&mut self, image: &Mat<f64>) -> f64 {
        append(&mut self.basis, &self.newest);
        append(&mut self.image, image);
        let (old, m) = (self.h.ncols(), self.basis.ncols());
        let columns = product(self.basis.transpose(), image.as_ref());
        // Only the lower triangle is read, so rounding cannot make H asymmetric.
        self.h.resize_with(
            m,
            m,
            |i, j| if i >= old { columns[(j, i - old)] } else { 0.0 },
        );
        (old..m).map(|i| self.h[(i, i)]).sum()
    }

    /// The `k` largest Ritz pairs; a singular value below `floor` times the largest counts as that.
    pub(super) fn ritz(&self, k: usize, floor: f64) -> Result<Step, Error> {
        let (theta, x) = eigen(self.h.as_ref())?;
        let k = k.min(theta.len());
        let v = product(self.basis.as_ref(), x.subcols(0, k));
        let image = product(self.image.as_ref(), x.subcols(0, k));
        let largest = theta[0].max(f64::MIN_POSITIVE).sqrt();
        let residuals = (0..k)
            .map(|j| {
                let squares =
                    (0..v.nrows()).map(|t| (image[(t, j)] - theta[j] * v[(t, j)]).powi(2));
                let sigma = theta[j].max(0.0).sqrt().max(floor * largest);
                squares.sum::<f64>().sqrt() / sigma / largest
            })
            .collect();
        Ok(Step {
            theta,
            v,
            residuals,
            x,
        })
    }

    /// Keeps the `len` best Ritz vectors of the space and its newest block (thick restart).
    pub(super) fn compress(&mut self, step: &Step, len: usize) {
        let x = step.x.subcols(0, len);
        self.basis = product(self.basis.as_ref(), x);
        self.image = product(self.image.as_ref(), x);
        self.h = Mat::from_fn(len, len, |i, j| if i == j { step.theta[i] } else { 0.0 });
    }

    /// An orthonormal basis of the `len` best Ritz vectors.
    pub(super) fn best(&self, step: &Step, len: usize) -> Mat<f64> {
        let len = len.min(step.x.ncols());
        let best = product(self.basis.as_ref(), step.x.subcols(0, len));
        basis(best, 0.1, len)
    }

    /// Finds the next basis vectors in the image of the last `from` of them; false where there are
    /// none. All of them are taken: a direction left out here would never come back, and the
    /// residuals would keep it.
    pub(super) fn grow(&mut self, from: usize, noise: f64) -> bool {
        let m = self.basis.ncols();
        let next = self.image.subcols(m - from, from).to_owned();
        self.newest = self.outside(next, from, noise);
        self.newest.ncols() > 0
    }

    /// Takes the part of `directions` outside the space as the next basis vectors; false where
    /// there is none.
    pub(super) fn extend(&mut self, directions: Mat<f64>) -> bool {
        let block = directions.ncols();
        self.newest = self.outside(directions, block, f64::EPSILON);
        self.newest.ncols() > 0
    }

    fn outside(&self, mut next: Mat<f64>, block: usize, noise: f64) -> Mat<f64> {
        let room = (self.basis.nrows() - self.basis.ncols()).min(block);
        self.project_out(&mut next);
        self.project_out(&mut next);
        next = basis(next, noise, room);
        // A short column was mostly rounding, some of it inside the old space: once more, and what
        // does not survive that was nothing else.
        self.project_out(&mut next);
        next = basis(next, 0.1, room);
        self.project_out(&mut next);
        basis(next, 0.1, room)
    }

    fn project_out(&self, x: &mut Mat<f64>) {
        let inside = product(self.basis.transpose(), x.as_ref());
        subtract_product(x.as_mut(), self.basis.as_ref(), inside.as_ref());
    }
}

fn append(to: &mut Mat<f64>, columns: &Mat<f64>) {
    let old = to.ncols();
    to.resize_with(to.nrows(), old + columns.ncols(), |i, j| {
        columns[(i, j - old)]
    });
}
