//! p-values of components that were turned within a group ([`super::turn`]): every null is turned as they were.
//!
//! With X the courses of the group (rows x m), the numbers are the eigenvalues in ascending order of
//! ```text
//! (X^T X)^-1/2 X^T diag(tau) X (X^T X)^-1/2
//! ```
//! which for one course is the centroid of its square. The nulls are those of [`super::nulls`], all courses of a group drawn,
//! shifted and phase-randomised together: surrogates turn all phases of a frequency by one angle, which keeps what
//! the courses have to do with each other (Prichard and Theiler 1994). Rows are left out by what the group has of them.

use faer::Mat;

use super::Error;
use super::nulls::{Nulls, PValues, stretch, two_sided, unit};
use super::temporal::{kept, tau, zeroed};
use crate::numeric::draws::{self, packed};
use crate::numeric::random::Stream;
use crate::svd::{eigen, product};

/// Courses of a group: one series a component.
type Courses = Vec<Vec<f64>>;

impl Nulls<'_> {
    /// The p-values of the components from `first` on whose courses are `v`, in the order in which they were turned.
    ///
    /// # Errors
    /// Eigenvalues that do not converge.
    pub(super) fn p_values_of_group(
        &self,
        first: usize,
        v: &Courses,
    ) -> Result<Vec<PValues>, Error> {
        let m = v.len();
        let all = all_of(v);
        let kept = kept(&all, self.b);
        let whole: Courses = v.iter().map(|v| only(v, &kept)).collect();
        let gaps: Courses = v.iter().map(|v| zeroed(v, &kept)).collect();
        let stream = |null| {
            draws::COMPONENT_NULLS.stream(self.seed, packed(&[(first as u64, 38), (null, 1)]))
        };
        let directions = self.drawn_directions(m, stream(1))?;
        let shifts = self.drawn_shifts(&whole, stream(0))?;
        let (surrogates, stretched) = self.drawn_phases(&gaps, stream(0))?;
        let (observed, observed_whole) = (places(&gaps)?, places(&whole)?);
        let p = |j: usize| {
            let of =
                |drawn: &[Vec<f64>]| drawn.iter().map(|places| places[j]).collect::<Vec<f64>>();
            PValues {
                random_directions: two_sided(observed[j], &of(&directions)),
                circular_shifts: two_sided(observed_whole[j], &of(&shifts)),
                phase_surrogates: two_sided(stretched[j], &of(&surrogates)),
            }
        };
        Ok((0..m).map(p).collect())
    }

    fn drawn_directions(&self, m: usize, mut stream: Stream) -> Result<Vec<Vec<f64>>, Error> {
        let draw = |_| {
            let course = |_| self.b.iter().map(|b| b.sqrt() * stream.normal()).collect();
            let drawn: Courses = (0..m).map(course).collect();
            let kept = kept(&all_of(&drawn), self.b);
            let drawn: Courses = drawn.iter().map(|v| zeroed(v, &kept)).collect();
            places(&drawn)
        };
        (0..self.draws).map(draw).collect()
    }

    fn drawn_shifts(&self, whole: &Courses, stream: Stream) -> Result<Vec<Vec<f64>>, Error> {
        let at = |shift: usize| {
            let mut shifted = whole.clone();
            shifted.iter_mut().for_each(|v| v.rotate_left(shift));
            places(&shifted)
        };
        let shifts = self.shifts_of(whole[0].len(), stream);
        shifts.into_iter().map(at).collect()
    }

    /// Draws, and what they are held against.
    fn drawn_phases(
        &self,
        gaps: &Courses,
        mut stream: Stream,
    ) -> Result<(Vec<Vec<f64>>, Vec<f64>), Error> {
        let n = self.b_stretched.len();
        let even = gaps.iter().map(|v| stretch(&self.even(v), n));
        let series: Courses = even.collect();
        let spectra: Vec<(Vec<f64>, Vec<f64>)> = series
            .iter()
            .map(|x| {
                let (mut re, mut im) = (x.clone(), vec![0.0; n]);
                self.fourier.transform(&mut re, &mut im);
                (re, im)
            })
            .collect();
        let weighted = |series: &Courses| -> Courses {
            let with = |x: &Vec<f64>| {
                let rows = x.iter().zip(&self.b_stretched);
                rows.map(|(x, b)| x * b.sqrt()).collect()
            };
            series.iter().map(with).collect()
        };
        let mut drawn = Vec::with_capacity(self.draws as usize);
        for _ in 0..self.draws {
            let turns: Vec<(f64, f64)> = (0..=n / 2)
                .map(|f| match (n - f) % n == f {
                    true => (stream.sign(), 0.0),
                    false => unit(&mut stream),
                })
                .collect();
            let surrogate = |(re, im): &(Vec<f64>, Vec<f64>)| {
                let (mut a, mut b) = (vec![0.0; n], vec![0.0; n]);
                for (f, turn) in turns.iter().enumerate() {
                    let mirror = (n - f) % n;
                    let turned = (
                        re[f] * turn.0 - im[f] * turn.1,
                        re[f] * turn.1 + im[f] * turn.0,
                    );
                    // Of the conjugate the transform forth is that back.
                    (a[f], b[f]) = (turned.0, -turned.1);
                    (a[mirror], b[mirror]) = turned;
                }
                self.fourier.transform(&mut a, &mut b);
                a
            };
            let surrogates: Courses = spectra.iter().map(surrogate).collect();
            drawn.push(places(&weighted(&surrogates))?);
        }
        Ok((drawn, places(&weighted(&series))?))
    }
}

/// What a group has of each row, as one course.
fn all_of(v: &Courses) -> Vec<f64> {
    let len = v.first().map_or(0, Vec::len);
    let of = |t: usize| v.iter().map(|v| v[t] * v[t]).sum::<f64>().sqrt();
    (0..len).map(of).collect()
}

fn only(v: &[f64], kept: &[bool]) -> Vec<f64> {
    let rows = v.iter().zip(kept);
    rows.filter(|(_, kept)| **kept).map(|(v, _)| *v).collect()
}

/// Where the group's space lies in time, earliest first.
fn places(x: &Courses) -> Result<Vec<f64>, Error> {
    let (m, len) = (x.len(), x[0].len());
    let sum = |i: usize, j: usize, weight: &dyn Fn(usize) -> f64| {
        (0..len).map(|t| x[i][t] * x[j][t] * weight(t)).sum::<f64>()
    };
    let inner = Mat::from_fn(m, m, |i, j| sum(i, j, &|_| 1.0));
    let late = Mat::from_fn(m, m, |i, j| sum(i, j, &|t| tau(t, len)));
    let (values, vectors) = eigen(inner.as_ref())?;
    let largest = values.first().copied().unwrap_or(0.0);
    // What the group lacks has no place: it lies at 0, in the nulls as well.
    let scale = |j: usize| match values[j] > 1e-12 * largest {
        true => 1.0 / values[j].sqrt(),
        false => 0.0,
    };
    let whiten = Mat::from_fn(m, m, |i, j| vectors[(i, j)] * scale(j));
    let middle = product(late.as_ref(), whiten.as_ref());
    let (mut places, _) = eigen(product(whiten.transpose(), middle.as_ref()).as_ref())?;
    places.reverse();
    Ok(places)
}
