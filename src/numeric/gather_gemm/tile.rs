//! Tiles of the gathered product as plain loops over lanes: for what is left of vectors, for `f64`,
//! and for machines without AVX2.

use super::super::Real;
use super::parts::{End, Init, Pair, Product};

/// Covers the columns from `first` on by tiles of 4 lanes and of one, and four rows.
///
/// # Safety
/// Every offset of `product` must lie inside its slice.
#[inline(always)]
pub unsafe fn all<T: Real>(product: &mut Product<'_, T>, first: usize) {
    let mut j = first;
    // SAFETY: as the caller's; columns j .. j + lanes stay below n.
    unsafe {
        while j + 4 <= product.n {
            columns::<T, 4>(product, j);
            j += 4;
        }
        while j < product.n {
            columns::<T, 1>(product, j);
            j += 1;
        }
    }
}

#[inline(always)]
unsafe fn columns<T: Real, const LANES: usize>(product: &mut Product<'_, T>, j: usize) {
    let (groups, rest) = product.rows.list().as_chunks::<4>();
    // SAFETY: as the caller's.
    unsafe {
        for rows in groups {
            tile::<T, 4, LANES>(product, rows, j);
        }
        for row in rest {
            tile::<T, 1, LANES>(product, &[*row], j);
        }
    }
}

#[inline(always)]
unsafe fn tile<T: Real, const ROWS: usize, const LANES: usize>(
    product: &mut Product<'_, T>,
    rows: &[Pair; ROWS],
    j: usize,
) {
    let mut sums = [[T::ZERO; LANES]; ROWS];
    for (sum, row) in sums.iter_mut().zip(rows) {
        match product.init {
            Init::Zero => {}
            Init::Bias(bias) => sum.copy_from_slice(&bias[j..j + LANES]),
            Init::Accumulate => {
                let start = row.right as usize + j;
                sum.copy_from_slice(&product.c[start..start + LANES]);
            }
        }
    }
    let (a, b) = (product.a.as_ptr(), product.b.as_ptr());
    for step in product.steps.list() {
        // SAFETY: step.right + n <= b.len() and row.left + step.left < a.len(), checked by
        // gather_gemm.
        unsafe {
            let right = &*b.add(step.right as usize + j).cast::<[T; LANES]>();
            for (sum, row) in sums.iter_mut().zip(rows) {
                let left = *a.add(row.left as usize + step.left as usize);
                for lane in 0..LANES {
                    sum[lane] = left.mul_add(right[lane], sum[lane]);
                }
            }
        }
    }
    for (sum, row) in sums.iter().zip(rows) {
        finish(product, sum, row.right as usize + j);
    }
}

/// Ends the sums of the outputs from `start` on.
#[inline(always)]
fn finish<T: Real, const LANES: usize>(
    product: &mut Product<'_, T>,
    sum: &[T; LANES],
    start: usize,
) {
    let rectified = |x: T| if x > T::ZERO { x } else { T::ZERO };
    let c = &mut product.c[start..start + LANES];
    match &mut product.end {
        End::Store => c.copy_from_slice(sum),
        End::Rectify => {
            for lane in 0..LANES {
                c[lane] = rectified(sum[lane]);
            }
        }
        End::Add(x) => {
            let x = &x[start..start + LANES];
            for lane in 0..LANES {
                c[lane] = x[lane] + sum[lane];
            }
        }
        End::AddRectified { x, z } => {
            let (x, z) = (&x[start..start + LANES], &mut z[start..start + LANES]);
            for lane in 0..LANES {
                z[lane] = rectified(sum[lane]);
                c[lane] = x[lane] + z[lane];
            }
        }
    }
}
