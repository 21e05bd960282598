//! Tiles of 32 and 16 columns in 512-bit registers, which the compiler does not find by itself.

use std::arch::x86_64::{
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{End, Init, Pair, Product};

/// Computes the leading columns and returns how many are done; fewer than 16 are left.
///
/// # Safety
/// The CPU must have AVX-512 F, and every offset of `product` lie inside its slice.
#[target_feature(enable = "avx512f")]
pub unsafe fn leading(product: &mut Product<'_, f32>) -> usize {
    let mut j = 0;
    // SAFETY: as the caller's; columns j .. j + 16 * vectors stay below n.
    unsafe {
        while j + 32 <= product.n {
            columns::<2>(product, j);
            j += 32;
        }
        while j + 16 <= product.n {
            columns::<1>(product, j);
            j += 16;
        }
    }
    j
}

#[target_feature(enable = "avx512f")]
unsafe fn columns<const VECTORS: usize>(product: &mut Product<'_, f32>, j: usize) {
    let (groups, rest) = product.rows.as_chunks::<8>();
    // SAFETY: as the caller's.
    unsafe {
        for rows in groups {
            tile::<8, VECTORS>(product, rows, j);
        }
        // One chain of sums waits four cycles for each term: what is left over stays together.
        let (fours, rest) = rest.as_chunks::<4>();
        for rows in fours {
            tile::<4, VECTORS>(product, rows, j);
        }
        match *rest {
            [a] => tile::<1, VECTORS>(product, &[a], j),
            [a, b] => tile::<2, VECTORS>(product, &[a, b], j),
            [a, b, c] => tile::<3, VECTORS>(product, &[a, b, c], j),
            _ => {}
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
    product: &mut Product<'_, f32>,
    rows: &[Pair; ROWS],
    j: usize,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    // SAFETY: gather_gemm checked that every row has n outputs in c and in what the end reads and
    // writes beside it, and n biases; every step n factors in b; and that row.left + step.left
    // lies in a.
    unsafe {
        for (sum, row) in sums.iter_mut().zip(rows) {
            let start = match product.init {
                Init::Zero => continue,
                Init::Bias(bias) => bias.as_ptr().add(j),
                Init::Accumulate => product.c.as_ptr().add(row.right as usize + j),
            };
            for (v, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_loadu_ps(start.add(16 * v));
            }
        }
        let starts = rows.map(|row| product.a.as_ptr().add(row.left as usize));
        for step in product.steps {
            let b = product.b.as_ptr().add(step.right as usize + j);
            let mut right = [_mm512_setzero_ps(); VECTORS];
            for (v, right) in right.iter_mut().enumerate() {
                *right = _mm512_loadu_ps(b.add(16 * v));
            }
            for (sum, start) in sums.iter_mut().zip(starts) {
                let left = _mm512_set1_ps(*start.add(step.left as usize));
                for (sum, &right) in sum.iter_mut().zip(&right) {
                    *sum = _mm512_fmadd_ps(left, right, *sum);
                }
            }
        }
        let zero = _mm512_setzero_ps();
        for (sum, row) in sums.iter().zip(rows) {
            for (v, &sum) in sum.iter().enumerate() {
                let at = row.right as usize + j + 16 * v;
                let c = product.c.as_mut_ptr().add(at);
                // The maximum is its second operand where the first is no number or a zero.
                match &mut product.end {
                    End::Store => _mm512_storeu_ps(c, sum),
                    End::Rectify => _mm512_storeu_ps(c, _mm512_max_ps(sum, zero)),
                    End::Add(x) => {
                        let x = _mm512_loadu_ps(x.as_ptr().add(at));
                        _mm512_storeu_ps(c, _mm512_add_ps(x, sum));
                    }
                    End::AddRectified { x, z } => {
                        let x = _mm512_loadu_ps(x.as_ptr().add(at));
                        let rectified = _mm512_max_ps(sum, zero);
                        _mm512_storeu_ps(z.as_mut_ptr().add(at), rectified);
                        _mm512_storeu_ps(c, _mm512_add_ps(x, rectified));
                    }
                }
            }
        }
    }
}
