//! Dense decompositions of matrices that fit in memory: faer's, sequential.
//!
//! faer's convenient interface takes its parallelism from a global setting, and the bits of its QR,
//! SVD and EVD depend on that; so these go through the interface that takes it as an argument.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::matmul::matmul;
use faer::linalg::{evd, householder, qr, svd};
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

use super::Error;
use crate::gradients::GradientMatrix;

/// The whole matrix in memory, `(T, P)`, multiplied by `scale`.
pub(super) fn hold(matrix: &dyn GradientMatrix, scale: f64) -> Result<Mat<f64>, Error> {
    let (time_len, param_len) = (matrix.time_len(), matrix.param_len());
    let mut row = vec![0.0; param_len];
    let mut held = Mat::zeros(time_len, param_len);
    for t in 0..time_len {
        matrix.read_block_f64(t..t + 1, 0..param_len, &mut row)?;
        for (p, entry) in row.iter().enumerate() {
            held[(t, p)] = entry * scale;
        }
    }
    Ok(held)
}

/// `a b`.
pub(crate) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut out, Accum::Replace, a, b, 1.0, Par::Seq);
    out
}

/// `c + a b`, in place.
pub(super) fn add_product(c: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    matmul(c, Accum::Add, a, b, 1.0, Par::Seq);
}

/// `c - a b`, in place.
pub(super) fn subtract_product(c: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    matmul(c, Accum::Add, a, b, -1.0, Par::Seq);
}

/// The largest entry of `|a^T a - 1|`.
pub(super) fn orthogonality_of_gram(gram: MatRef<'_, f64>) -> f64 {
    let mut worst = 0.0f64;
    for j in 0..gram.ncols() {
        for i in 0..gram.nrows() {
            let expected = if i == j { 1.0 } else { 0.0 };
            worst = worst.max((gram[(i, j)] - expected).abs());
        }
    }
    worst
}

/// Eigenvalues, largest first, and their eigenvectors of a symmetric matrix, of which the lower
/// triangle is read.
pub(crate) fn eigen(h: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let n = h.nrows();
    let (mut values, mut vectors) = (Diag::<f64>::zeros(n), Mat::<f64>::zeros(n, n));
    let scratch = evd::self_adjoint_evd_scratch::<f64>(
        n,
        evd::ComputeEigenvectors::Yes,
        Par::Seq,
        Default::default(),
    );
    evd::self_adjoint_evd(
        h,
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| Error::NoConvergence("eigenvalues"))?;
    // faer sorts them smallest first.
    let descending = values.column_vector().iter().rev().copied().collect();
    Ok((descending, vectors.as_ref().reverse_cols().to_owned()))
}

/// Singular values, largest first, and the right singular vectors as columns.
pub(crate) fn right_svd(a: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let (m, n) = a.shape();
    let size = m.min(n);
    let (mut s, mut v) = (Diag::<f64>::zeros(size), Mat::<f64>::zeros(n, size));
    let (no, thin) = (svd::ComputeSvdVectors::No, svd::ComputeSvdVectors::Thin);
    let scratch = svd::svd_scratch::<f64>(m, n, no, thin, Par::Seq, Default::default());
    svd::svd(
        a,
        s.as_mut(),
        None,
        Some(v.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| Error::NoConvergence("singular values"))?;
    Ok((s.column_vector().iter().copied().collect(), v))
}

/// The triangle R of `a = Q R`: `min(m, n) x n`.
pub(super) fn triangle(mut a: Mat<f64>) -> Mat<f64> {
    let (m, n) = a.shape();
    let size = m.min(n);
    let block = qr::no_pivoting::factor::recommended_block_size::<f64>(m, n);
    let mut coefficients = Mat::zeros(block, size);
    let scratch = qr::no_pivoting::factor::qr_in_place_scratch::<f64>(
        m,
        n,
        block,
        Par::Seq,
        Default::default(),
    );
    qr::no_pivoting::factor::qr_in_place(
        a.as_mut(),
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    Mat::from_fn(size, n, |i, j| if i <= j { a[(i, j)] } else { 0.0 })
}

/// An orthonormal basis of the columns of `a`, from QR with column pivoting: as many columns as
/// have a diagonal entry above `drop` in the triangle, and at most `limit`.
pub(super) fn basis(mut a: Mat<f64>, drop: f64, limit: usize) -> Mat<f64> {
    let (m, n) = a.shape();
    let size = m.min(n);
    if size == 0 {
        return Mat::zeros(m, 0);
    }
    let block = qr::no_pivoting::factor::recommended_block_size::<f64>(m, n);
    let mut coefficients = Mat::zeros(block, size);
    let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
    let scratch = qr::col_pivoting::factor::qr_in_place_scratch::<usize, f64>(
        m,
        n,
        block,
        Par::Seq,
        Default::default(),
    );
    qr::col_pivoting::factor::qr_in_place(
        a.as_mut(),
        coefficients.as_mut(),
        &mut order,
        &mut inverse,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    let rank = (0..size)
        .take_while(|&i| a[(i, i)].abs() > drop)
        .count()
        .min(limit);
    let mut q = Mat::from_fn(m, rank, |i, j| if i == j { 1.0 } else { 0.0 });
    let scratch = householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(
        m, block, rank,
    );
    householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
        a.as_ref().subcols(0, size),
        coefficients.as_ref(),
        Conj::No,
        q.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
    );
    q
}
