//! Varimax rotation (Kaiser 1958) of courses, by their power in windows of time: the rotation R of n
//! columns for which the power of every column of `V R` varies most between windows w,
//! ```text
//! max over R   sum_j [ sum_w e_jw^2 - (sum_w e_jw)^2 / W ],    e_jw = sum_{t in w} (V R)_tj^2
//! ```
//! so that each rotated course is large at some times and near nothing at the others. Windows of one
//! step are Kaiser's criterion; it makes spikes of noise, which longer ones average out. Planar rotations
//! of pairs, each by the angle that is best for the pair, in fixed order, until none turns by more
//! than a thousandth. Cost: `O(T k^2)` a sweep.

use faer::Mat;

/// Sweeps over all pairs, at most.
const SWEEPS: usize = 50;
/// Smallest angle that is worth another sweep.
const ANGLE_MIN: f64 = 1e-3;

/// R, `(k, k)`, for V given column by column, and windows of `window_len` steps.
pub fn varimax(columns: &[Vec<f64>], window_len: usize) -> Mat<f64> {
    let k = columns.len();
    let mut columns = columns.to_vec();
    let mut rotation = Mat::<f64>::identity(k, k);
    for _ in 0..SWEEPS {
        let mut largest = 0.0f64;
        for p in 0..k {
            for q in p + 1..k {
                let (head, tail) = columns.split_at_mut(q);
                let angle = angle(&head[p], &tail[0], window_len.max(1));
                largest = largest.max(angle.abs());
                let (sin, cos) = angle.sin_cos();
                for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
                    (*x, *y) = (cos * *x + sin * *y, cos * *y - sin * *x);
                }
                for i in 0..k {
                    let (x, y) = (rotation[(i, p)], rotation[(i, q)]);
                    rotation[(i, p)] = cos * x + sin * y;
                    rotation[(i, q)] = cos * y - sin * x;
                }
            }
        }
        if largest < ANGLE_MIN {
            break;
        }
    }
    rotation
}

/// The best angle for one pair of columns.
fn angle(x: &[f64], y: &[f64], window_len: usize) -> f64 {
    let (mut a, mut b, mut c, mut d) = (0.0, 0.0, 0.0, 0.0);
    let windows = x.chunks(window_len).zip(y.chunks(window_len));
    let n = windows.len().max(1) as f64;
    for (x, y) in windows {
        let (mut u, mut v) = (0.0, 0.0);
        for (x, y) in x.iter().zip(y) {
            u += x * x - y * y;
            v += 2.0 * x * y;
        }
        a += u;
        b += v;
        c += u * u - v * v;
        d += 2.0 * u * v;
    }
    let (sine, cosine) = (d - 2.0 * a * b / n, c - (a * a - b * b) / n);
    if sine == 0.0 && cosine == 0.0 {
        return 0.0;
    }
    sine.atan2(cosine) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_differences_of_two_phases_come_apart() {
        let early: Vec<f64> = (0..100).map(|t| if t < 40 { 0.5 } else { 0.0 }).collect();
        let late: Vec<f64> = (0..100).map(|t| if t > 50 { 0.4 } else { 0.0 }).collect();
        let mix = |a: f64, b: f64| -> Vec<f64> {
            let pairs = early.iter().zip(&late);
            pairs.map(|(x, y)| a * x + b * y).collect()
        };
        let (sin, cos) = 0.8f64.sin_cos();
        let columns = [mix(cos, sin), mix(-sin, cos)];
        for (window_len, j) in [(1, 0), (1, 1), (5, 0), (5, 1)] {
            let r = varimax(&columns, window_len);
            let column: Vec<f64> = (0..100)
                .map(|t| columns[0][t] * r[(0, j)] + columns[1][t] * r[(1, j)])
                .collect();
            let mass =
                |range: std::ops::Range<usize>| column[range].iter().map(|x| x * x).sum::<f64>();
            let (a, b) = (mass(0..40), mass(51..100));
            assert!(a.min(b) < 1e-6 * a.max(b), "{a} {b}");
        }
    }
}
