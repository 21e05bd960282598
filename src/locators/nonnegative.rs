//! Non-negative factorisation of an array with three indices: sums of products of three non-negative vectors (CP,
//! PARAFAC) by multiplicative updates (Lee and Seung 2001; Welling and Weber 2001).
//!
//! ```text
//! X[i, t, p] ~ sum over r of  A[i, r] B[t, r] W[r, p]        all of them >= 0
//! A *= X_(i) (B . W) / A (B'B * WW')        B, W likewise; none of the three steps makes |X - model|^2 greater
//! ```
//!
//! `.` is the Khatri-Rao product, `*` and `/` go by entries. One pass over X an iteration gives what both the update of W
//! and, with the new W, those of A and B need. Component r starts near slice r of the first index, with the second index's
//! course in it: nothing is drawn. Blocks of p are summed in order: same bits at any thread count.

use rayon::prelude::*;

/// Third indices of one block.
const BLOCK: usize = 2048;
/// Updates of A and B for each of W: they cost next to nothing.
const INNER: usize = 3;
/// What keeps denominators above 0.
const TINY: f64 = 1e-30;

/// An array with three indices, `rows[i * t_len + t][p]`, none negative.
#[derive(Clone, Debug)]
pub struct Array {
    /// Length of the first index.
    pub i_len: usize,
    /// Length of the second.
    pub t_len: usize,
    /// Row by row.
    pub rows: Vec<Vec<f32>>,
}

/// The factors; every column of A and B sums to 1, or is all 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// Component by component, its share on each first index.
    pub a: Vec<Vec<f64>>,
    /// Its course over the second.
    pub b: Vec<Vec<f64>>,
    /// Its weight on each third, of the size of the array's entries' sums.
    pub w: Vec<Vec<f64>>,
    /// |X - model|^2 / |X|^2 before the first update and after each; zeros for an array of zeros.
    pub residuals: Vec<f64>,
}

/// Sums of products of columns of A and B.
type Square = Vec<Vec<f64>>;

impl Factors {
    /// `rank` components after so many iterations, those with the largest sums first.
    pub fn new(x: &Array, rank: usize, iterations: usize) -> Self {
        let norm = sum(x
            .rows
            .iter()
            .map(|row| sum(row.iter().map(|&x| f64::from(x).powi(2)))));
        let mut found = Self::start(x, rank);
        let mut updated = found.pass(x, false);
        let relative = |found: &Self, against: &Updated| match norm > 0.0 {
            true => found.squared(norm, against) / norm,
            false => 0.0,
        };
        found.residuals = vec![relative(&found, &updated)];
        for _ in 0..iterations {
            updated = found.pass(x, true);
            for _ in 0..INNER {
                found.update_a(x, &updated);
                found.update_b(x, &updated);
            }
            let residual = relative(&found, &updated);
            found.residuals.push(residual);
        }
        found.normalise();
        found
    }

    fn start(x: &Array, rank: usize) -> Self {
        let len = x.rows.first().map_or(0, Vec::len);
        let (i_len, t_len) = (x.i_len, x.t_len);
        let mass = |row: &Vec<f32>| sum(row.iter().map(|&x| f64::from(x)));
        let masses: Vec<f64> = x.rows.iter().map(mass).collect();
        let whole = sum(masses.iter().copied()).max(TINY);
        let mut found = Self {
            a: Vec::new(),
            b: Vec::new(),
            w: Vec::new(),
            residuals: Vec::new(),
        };
        for r in 0..rank {
            let own = r % i_len.max(1);
            // More components than slices: the later ones begin in other parts of the course.
            let centre = (r / i_len.max(1)) as f64 * 0.37 % 1.0;
            let courses = |t: usize| match r < i_len {
                true => masses[own * t_len + t] + 0.1 * whole / (i_len * t_len) as f64,
                false => {
                    whole / (i_len * t_len) as f64
                        * (1.1 + (std::f64::consts::TAU * (t as f64 / t_len as f64 - centre)).cos())
                }
            };
            found.a.push(
                (0..i_len)
                    .map(|i| if i == own { 1.0 } else { 0.1 })
                    .collect(),
            );
            let course: Vec<f64> = (0..t_len).map(courses).collect();
            let total = sum(course.iter().copied()).max(TINY);
            found.b.push(course.iter().map(|b| b / total).collect());
            let mut weights = vec![1e-3 * whole / (len.max(1) * rank) as f64; len];
            for row in &x.rows[own * t_len..(own + 1) * t_len] {
                weights
                    .iter_mut()
                    .zip(row)
                    .for_each(|(w, &x)| *w += f64::from(x));
            }
            found.w.push(weights);
        }
        found
    }

    /// Updates W where it is told to, and what follows from the W there then is.
    fn pass(&mut self, x: &Array, updates: bool) -> Updated {
        let rank = self.a.len();
        let gram = product(&gram(&self.a), &gram(&self.b));
        let coefficient =
            |r: usize, row: usize| self.a[r][row / x.t_len] * self.b[r][row % x.t_len];
        let len = self.w.first().map_or(0, Vec::len);
        let starts: Vec<usize> = (0..len).step_by(BLOCK).collect();
        let blocks: Vec<(Square, Updated)> = starts
            .into_par_iter()
            .map(|start| {
                let range = start..len.min(start + BLOCK);
                let mut w: Square = self.w.iter().map(|w| w[range.clone()].to_vec()).collect();
                if updates {
                    w = (0..rank)
                        .map(|r| {
                            let mut above = vec![0.0; range.len()];
                            for (row, x) in x.rows.iter().enumerate() {
                                let c = coefficient(r, row);
                                let pairs = above.iter_mut().zip(&x[range.clone()]);
                                pairs.for_each(|(to, &x)| *to += c * f64::from(x));
                            }
                            let below = |p: usize| sum((0..rank).map(|s| gram[r][s] * w[s][p]));
                            let pairs = above.iter().enumerate();
                            pairs
                                .map(|(p, above)| w[r][p] * above / below(p).max(TINY))
                                .collect()
                        })
                        .collect();
                }
                let against = |row: &Vec<f32>| {
                    let x = &row[range.clone()];
                    w.iter().map(|w| dot(w, x)).collect()
                };
                let updated = Updated {
                    against: x.rows.iter().map(against).collect(),
                    gram: self::gram(&w),
                };
                (w, updated)
            })
            .collect();
        let mut whole = Updated {
            against: vec![vec![0.0; rank]; x.rows.len()],
            gram: vec![vec![0.0; rank]; rank],
        };
        for (number, (w, part)) in blocks.into_iter().enumerate() {
            add(&mut whole.against, &part.against);
            add(&mut whole.gram, &part.gram);
            for (to, from) in self.w.iter_mut().zip(w) {
                to[number * BLOCK..][..from.len()].copy_from_slice(&from);
            }
        }
        whole
    }

    fn update_a(&mut self, x: &Array, updated: &Updated) {
        let gram = product(&gram(&self.b), &updated.gram);
        let old = self.a.clone();
        for (r, a) in self.a.iter_mut().enumerate() {
            for (i, a) in a.iter_mut().enumerate() {
                let above =
                    sum((0..x.t_len).map(|t| updated.against[i * x.t_len + t][r] * self.b[r][t]));
                let below = sum(old.iter().zip(&gram[r]).map(|(a, g)| a[i] * g));
                *a *= above / below.max(TINY);
            }
        }
    }

    fn update_b(&mut self, x: &Array, updated: &Updated) {
        let gram = product(&gram(&self.a), &updated.gram);
        let old = self.b.clone();
        for (r, b) in self.b.iter_mut().enumerate() {
            for (t, b) in b.iter_mut().enumerate() {
                let above =
                    sum((0..x.i_len).map(|i| updated.against[i * x.t_len + t][r] * self.a[r][i]));
                let below = sum(old.iter().zip(&gram[r]).map(|(b, g)| b[t] * g));
                *b *= above / below.max(TINY);
            }
        }
    }

    /// `|X - model|^2`.
    fn squared(&self, norm: f64, updated: &Updated) -> f64 {
        let t_len = self.b.first().map_or(1, Vec::len);
        let cross = updated.against.iter().enumerate().map(|(row, against)| {
            sum(against
                .iter()
                .enumerate()
                .map(|(r, x)| x * self.a[r][row / t_len] * self.b[r][row % t_len]))
        });
        let cross = sum(cross);
        let all = product(&product(&gram(&self.a), &gram(&self.b)), &updated.gram);
        let own = sum(all.iter().map(|row| sum(row.iter().copied())));
        (norm - 2.0 * cross + own).max(0.0)
    }

    /// The size of a component into its W, and the largest first.
    fn normalise(&mut self) {
        for r in 0..self.a.len() {
            let mut size = 1.0;
            for column in [&mut self.a[r], &mut self.b[r]] {
                let total = sum(column.iter().copied());
                if total > 0.0 {
                    column.iter_mut().for_each(|x| *x /= total);
                }
                size *= total;
            }
            self.w[r].iter_mut().for_each(|w| *w *= size);
        }
        let sizes: Vec<f64> = self.w.iter().map(|w| sum(w.iter().copied())).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        for columns in [&mut self.a, &mut self.b, &mut self.w] {
            *columns = order
                .iter()
                .map(|&r| std::mem::take(&mut columns[r]))
                .collect();
        }
    }
}

/// What updates of A and B need of W.
struct Updated {
    /// X against W: row by row, component by component.
    against: Vec<Vec<f64>>,
    /// W W'.
    gram: Square,
}

fn gram(columns: &[Vec<f64>]) -> Square {
    let of = |a: &Vec<f64>| {
        columns
            .iter()
            .map(|b| sum(a.iter().zip(b).map(|(a, b)| a * b)))
            .collect()
    };
    columns.iter().map(of).collect()
}

fn product(a: &Square, b: &Square) -> Square {
    let rows = a.iter().zip(b);
    rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).collect())
        .collect()
}

fn add(to: &mut [Vec<f64>], from: &[Vec<f64>]) {
    let entries = to.iter_mut().flatten().zip(from.iter().flatten());
    entries.for_each(|(to, from)| *to += from);
}

/// In eight interleaved partial sums.
fn dot(w: &[f64], x: &[f32]) -> f64 {
    let mut partial = [0.0f64; 8];
    let (w_chunks, w_rest) = w.as_chunks::<8>();
    let (x_chunks, x_rest) = x.as_chunks::<8>();
    for (w, x) in w_chunks.iter().zip(x_chunks) {
        for lane in 0..8 {
            partial[lane] += w[lane] * f64::from(x[lane]);
        }
    }
    partial.iter().sum::<f64>() + sum(w_rest.iter().zip(x_rest).map(|(w, &x)| w * f64::from(x)))
}

/// From 0 on, whatever is to be added: an empty sum of `f64` is -0.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, term| sum + term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Purpose, Stream};

    /// Sparse, so that nothing but its own factors makes it.
    fn made_up(rank: usize, (i_len, t_len, p_len): (usize, usize, usize)) -> (Array, Factors) {
        let mut stream = Stream::new(4, Purpose::Nulls, 0);
        let mut columns = |len: usize, share: f64| -> Square {
            let mut entry = || match stream.uniform() < share {
                true => 0.2 + stream.uniform(),
                false => 0.0,
            };
            (0..rank)
                .map(|_| (0..len).map(|_| entry()).collect())
                .collect()
        };
        let mut a = columns(i_len, 0.3);
        a.iter_mut()
            .enumerate()
            .for_each(|(r, a)| a[r % i_len] = 1.0);
        let mut found = Factors {
            a,
            b: columns(t_len, 0.4),
            w: columns(p_len, 0.2),
            residuals: Vec::new(),
        };
        let entry = |row: usize, p: usize| {
            let term = |r: usize| found.a[r][row / t_len] * found.b[r][row % t_len] * found.w[r][p];
            sum((0..rank).map(term)) as f32
        };
        let row = |row: usize| (0..p_len).map(|p| entry(row, p)).collect();
        let rows = (0..i_len * t_len).map(row).collect();
        found.normalise();
        (Array { i_len, t_len, rows }, found)
    }

    fn cosine(a: &[f64], b: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| sum(a.iter().zip(b).map(|(a, b)| a * b));
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(TINY)
    }

    #[test]
    fn what_was_put_together_is_taken_apart() {
        let (x, planted) = made_up(4, (5, 12, 3000));
        let found = Factors::new(&x, 4, 400);
        let last = found.residuals[400];
        assert!(last < 1e-3, "{last}");
        for r in 0..4 {
            let like = |s: usize| {
                cosine(&planted.a[r], &found.a[s])
                    * cosine(&planted.b[r], &found.b[s])
                    * cosine(&planted.w[r], &found.w[s])
            };
            let best = (0..4).map(like).fold(0.0, f64::max);
            assert!(best > 0.97, "{r}: {best}");
        }
        for column in found.a.iter().chain(&found.b) {
            assert!((sum(column.iter().copied()) - 1.0).abs() < 1e-9);
        }
    }

    /// The residual as it is told against one that is computed entry by entry; more components than slices.
    #[test]
    fn the_objective_is_as_told_and_never_rises() {
        let (x, _) = made_up(5, (3, 7, 200));
        for rank in [1, 2, 5] {
            let found = Factors::new(&x, rank, 40);
            for pair in found.residuals.windows(2) {
                assert!(pair[1] <= pair[0] * (1.0 + 1e-9) + 1e-12, "{pair:?}");
            }
            let (mut naive, mut norm) = (0.0, 0.0);
            for (row, values) in x.rows.iter().enumerate() {
                for (p, &value) in values.iter().enumerate() {
                    let term = |r: usize| found.a[r][row / 7] * found.b[r][row % 7] * found.w[r][p];
                    naive += (f64::from(value) - sum((0..rank).map(term))).powi(2);
                    norm += f64::from(value).powi(2);
                }
            }
            let told = found.residuals[40];
            assert!((naive / norm - told).abs() < 1e-6, "{naive} {norm} {told}");
        }
        let zeros = Array {
            rows: vec![vec![0.0; 10]; 6],
            i_len: 2,
            t_len: 3,
        };
        let found = Factors::new(&zeros, 3, 5);
        assert!(
            found
                .w
                .iter()
                .flatten()
                .all(|&w| w.is_finite() && w < 1e-20)
        );
    }

    #[test]
    fn the_same_bits_at_any_thread_count() {
        let (x, _) = made_up(3, (3, 5, 5000));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| Factors::new(&x, 3, 4))
        };
        assert_eq!(run(1), run(3));
    }
}
