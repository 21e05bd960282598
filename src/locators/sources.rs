//! Sources of a displacement that need not be orthogonal, and the displacement without some of them.
//!
//! Where `delta = a s_a + b s_b` and a is not orthogonal to b, what tells a's amount is a *filter* w with
//! `w . b = 0`, and what it is an amount of is the *pattern* a (Haufe et al. 2014). With the filters W
//! and the patterns A of a set of sources:
//! ```text
//! delta' = delta - A (W^T A)^-1 W^T delta
//! ```
//! the oblique projector, which leaves b as it was. (The orthogonal projection of delta on w is no part of
//! a: taking it off moves b's parameters. That on a takes what b has along a with it.)
//!
//! Cost: `O(P k + k^3)`.

use super::kind::Kind;
use super::locator::{Located, Native, Offer};
use super::method::Supervision;
use super::span::unit;
use super::timing;
use crate::ablate::Claim;
use crate::numeric::sum::dot;

/// A direction of what was learnt, in parameter space.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What tells how much of it there is: orthogonal to the other sources.
    pub filter: Vec<f64>,
    /// What it is; the longer, the stronger.
    pub pattern: Vec<f64>,
}

/// `A (W^T A)^-1 W^T delta`: what the sources have of a displacement. `None` for no sources, and where the
/// filters do not tell the patterns apart.
pub fn part(sources: &[Source], displacement: &[f32]) -> Option<Vec<f64>> {
    let delta: Vec<f64> = displacement.iter().map(|&x| x.into()).collect();
    let rows = sources.iter().map(|Source { filter, .. }| {
        let mut row: Vec<f64> = sources.iter().map(|s| dot(filter, &s.pattern)).collect();
        row.push(dot(filter, &delta));
        row
    });
    let amounts = solve(rows.collect())?;
    let mut part = vec![0.0; displacement.len()];
    for (amount, Source { pattern, .. }) in amounts.iter().zip(sources) {
        part.iter_mut()
            .zip(pattern)
            .for_each(|(x, a)| *x += amount * a);
    }
    Some(part)
}

/// The solution of `M x = y`, rows of `[M y]`; `None` for no equations and where M has no inverse.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let len = rows.len();
    let largest = rows.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
    for column in 0..len {
        let size = |row: &usize| rows[*row][column].abs();
        let pivot = (column..len).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) <= 1e-12 * largest {
            return None;
        }
        rows.swap(column, pivot);
        let own = rows[column].clone();
        for (number, row) in rows.iter_mut().enumerate() {
            if number != column {
                let share = row[column] / own[column];
                row.iter_mut().zip(&own).for_each(|(x, o)| *x -= share * o);
            }
        }
    }
    let solution = rows.iter().enumerate();
    (len > 0).then(|| solution.map(|(i, row)| row[len] / row[i]).collect())
}

/// What sources say of A and of B: scores by the squares of patterns, and edits that take what the sources have
/// of the displacement off it.
pub fn located<'a>(
    sources: [(Vec<Source>, String); 2],
    displacement: Vec<f32>,
    supervision: Supervision,
) -> Located<'a> {
    let [(a, a_found), (b, b_found)] = sources;
    let (sources, found) = ([a, b], [a_found, b_found]);
    let patterns = sources.each_ref().map(|sources| {
        let patterns = sources.iter().filter_map(|source| unit(&source.pattern));
        patterns.collect::<Vec<_>>()
    });
    let scores = patterns
        .each_ref()
        .map(|patterns| timing::scores(patterns, displacement.len()));
    let mut located = Located::scored(scores, found.clone());
    located.subspace = Some(patterns.map(|all| all.into_iter().map(|(_, u)| u).collect()));
    located.offering(move || {
        let offers = Claim::ALL.into_iter().zip(&sources).zip(found);
        let offer = |((claim, sources), member): ((Claim, &Vec<Source>), String)| {
            let part = part(sources, &displacement)?;
            Some(Offer {
                claim: Some(claim),
                edit: Kind::ProjectOff,
                member,
                supervision,
                native: Native::Add(part.iter().map(|x| -x as f32).collect()),
            })
        };
        Ok(offers.filter_map(offer).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::Dense;
    use crate::locators::{Decompositions, Locator, Oblique, Run, Streams, locator};
    use crate::nn::Layout;
    use crate::numeric::random::{Purpose, Stream as Draws};
    use crate::numeric::sum::norm;

    const P: usize = 40;

    /// Two directions of length 1 with cosine .5.
    fn directions() -> [Vec<f64>; 2] {
        let mut draws = Draws::new(3, Purpose::Locators, 0);
        let mut draw = || -> Vec<f32> { (0..P).map(|_| draws.normal() as f32).collect() };
        let basis = crate::ablate::edit::orthonormal(&[draw(), draw()]);
        let a = basis[0].clone();
        let b = basis[0].iter().zip(&basis[1]);
        let b = b.map(|(x, y)| 0.5 * x + 0.75f64.sqrt() * y).collect();
        [a, b]
    }

    fn sum(parts: [(f64, &[f64]); 2]) -> Vec<f64> {
        let at = |p: usize| parts.iter().map(|(amount, u)| amount * u[p]).sum();
        (0..P).map(at).collect()
    }

    #[test]
    fn one_source_taken_off_leaves_the_other_exactly() {
        let [a, b] = directions();
        let delta: Vec<f32> = sum([(3.0, &a), (2.0, &b)])
            .iter()
            .map(|&x| x as f32)
            .collect();
        // What a has outside of b.
        let filter = sum([(1.0, &a), (-0.5, &b)]);
        let source = Source {
            filter: filter.iter().map(|x| 7.0 * x).collect(),
            pattern: a.iter().map(|x| -0.1 * x).collect(),
        };
        let taken = part(std::slice::from_ref(&source), &delta).unwrap();
        let off = |found: &[f64], wanted: &[f64]| norm(&sum([(1.0, found), (-1.0, wanted)]));
        assert!(off(&taken, &sum([(3.0, &a), (0.0, &b)])) < 1e-6);
        // Both, from filters that tell them apart only together.
        let mixed = Source {
            filter: sum([(0.3, &a), (1.0, &b)]),
            pattern: b.clone(),
        };
        let both = part(&[source, mixed], &delta).unwrap();
        assert!(off(&both, &sum([(3.0, &a), (2.0, &b)])) < 1e-6);
        // A filter that does not see its pattern.
        let blind = Source {
            filter: vec![0.0; P],
            pattern: a,
        };
        assert_eq!(part(&[blind], &delta), None);
        assert_eq!(part(&[], &delta), None);
    }

    /// Early rows run along b and late ones along a, more to one side; the displacement is 3 a + 2 b.
    #[test]
    fn what_oblique_methods_take_off_leaves_what_the_other_phase_learnt() {
        let [a, b] = directions();
        let mut draws = Draws::new(4, Purpose::Locators, 0);
        let rows = (0..120).flat_map(|t| {
            let amount = if t % 4 > 0 { 1.0 } else { -0.4 } * (1.0 + 0.1 * draws.normal());
            let [late, early] = [t >= 80, t < 40].map(|is_on| f64::from(u8::from(is_on)) * amount);
            sum([(late, &a), (early, &b)]).into_iter().map(|x| x as f32)
        });
        let matrix = Dense::new(120, P, rows.collect()).unwrap();
        let tau: Vec<f64> = (0..120).map(|t| (f64::from(t) + 0.5) / 120.0).collect();
        let layout = Layout::new(vec![("w".into(), vec![P])]);
        let theta: Vec<f32> = sum([(3.0, &a), (2.0, &b)])
            .iter()
            .map(|&x| x as f32)
            .collect();
        let run = Run {
            layout: &layout,
            theta_0: &[0.0; P],
            theta: &theta,
            checkpoints: &[],
            streams: Streams::only(crate::locators::Stream {
                matrix: &matrix,
                tau: &tau,
            }),
            decompositions: &Decompositions::default(),
            t_corner: None,
            behaviour: None,
            rank: 2,
            seed: 1,
        };
        // The ridge of the generalised eigenvectors leaves a little.
        for (method, tolerance) in [
            (Oblique::Means, 1e-4),
            (Oblique::Contrast, 0.1),
            (Oblique::Varimax, 1e-4),
        ] {
            let located = method.locate(&run).unwrap().unwrap();
            let offers = located.offers.make().unwrap();
            assert_eq!(offers.len(), 2, "{method:?}");
            for (offer, kept) in offers.into_iter().zip([(2.0, &b), (3.0, &a)]) {
                let locator::Native::Add(vector) = offer.native else {
                    panic!("a vector to add");
                };
                let left: Vec<f64> = theta
                    .iter()
                    .zip(&vector)
                    .map(|(&t, &v)| f64::from(t + v))
                    .collect();
                let error = norm(&sum([(1.0, &left), (-kept.0, kept.1)]));
                assert!(error < tolerance, "{method:?} {:?}: {error}", offer.claim);
            }
        }
    }
}
