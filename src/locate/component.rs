//! Every component with all that is known about it, and its label.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Error;
use super::left_out::courses;
use super::nulls::{NullOptions, Nulls, PValues};
use super::stability::{Stability, blocks};
use super::temporal::{Course, SPIKE_SHARE, profile, t50};
use crate::numeric::statistics::holm;
use crate::svd::Decomposition;
use crate::svd::null::SpectrumNull;

/// Level at which the nulls must be rejected.
const LEVEL: f64 = 0.05;
/// Steps without which [`LEVEL`] cannot be met by one more component: shifts give no p below 2 / T.
const STEPS_A_COMPONENT: usize = 40;
/// 95 % quantile of chi-squared with one degree of freedom: along a random direction of P dimensions
/// lies a share of about chi-squared / P of any squared displacement.
const CHI_SQUARED_95: f64 = 3.841;

/// When a component was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Before the gradients' norms would have it.
    Early,
    /// After.
    Late,
    /// It cannot be said.
    None,
}

/// Displacement along the components at checkpoints.
#[derive(Clone, Copy, Debug)]
pub struct Projections<'a> {
    /// Times of the checkpoints, from 0 to 1.
    pub tau: &'a [f64],
    /// For each component, `u_i^T (theta_t - theta_0)` at each of them.
    pub along: &'a [Vec<f64>],
    /// `|theta_t - theta_0|` at each of them.
    pub whole: &'a [f64],
}

impl Projections<'_> {
    /// Share of the final squared displacement that lies along component `i`; `None` where nothing
    /// moved.
    fn moved(&self, i: usize) -> Option<f64> {
        let share = self.along[i].last()? / self.whole.last()?;
        share.is_finite().then_some(share * share)
    }
}

/// What the components are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The decomposition.
    pub decomposition: &'a Decomposition,
    /// Norms of the rows of the very matrix that was decomposed (all 1 where they were scaled so).
    pub row_norms: &'a [f64],
    /// Displacements. Where they are given, a label must agree with them.
    pub projections: Option<Projections<'a>>,
    /// The null of the matrix's spectrum; no label without it.
    pub spectrum: Option<&'a SpectrumNull>,
    /// Split-half stability: reported, not asked for.
    pub stability: Option<&'a Stability>,
    /// Components that were turned within their group ([`super::turn`]): their nulls are turned as well.
    pub groups: &'a [Range<usize>],
}

/// One component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its place in the order of singular values.
    pub index: usize,
    /// Singular value.
    pub sigma: f64,
    /// Share of the squared Frobenius norm.
    pub explained: f64,
    /// The larger of its residuals.
    pub residual: f64,
    /// Block of singular values too close to tell directions apart.
    pub block: usize,
    /// Components in that block.
    pub block_len: usize,
    /// Numbers of its course over time.
    #[serde(flatten)]
    pub course: Course,
    /// When half of the displacement along it was covered for good.
    pub t50: Option<f64>,
    /// The same of the whole displacement: what t50 is early or late against.
    pub t50_whole: Option<f64>,
    /// Share of the squared displacement that lies along it.
    pub moved: Option<f64>,
    /// Whether that is more than along a random direction (at 95 %).
    pub has_moved: Option<bool>,
    /// p-values of the temporal index of the trimmed course.
    pub p: PValues,
    /// The largest of them, adjusted (Holm) over the components that are signal and no spikes, of which the steps
    /// allow one in 40 to be judged, the largest; `None` for others.
    pub p_adjusted: Option<f64>,
    /// Whether its singular value is above what no shared direction gives.
    pub signal: Option<bool>,
    /// How much of it the worse half of the rows holds.
    pub captured: Option<f64>,
    /// How far the two halves of the rows agree on it.
    pub agreement: Option<f64>,
    /// Its label.
    pub label: Label,
    /// Why it has none; empty where it has one.
    pub reasons: Vec<String>,
}

/// Judges every component.
///
/// The p-value of a component is the largest of its three, so that all nulls must be rejected.
/// Holm's adjustment runs over the leading components that are signal and no spikes (neither looks at when
/// they were active), one for every 40 steps, and bounds the chance of any false label by .05 as far as the nulls go.
///
/// # Errors
/// Inputs of different lengths, or norms that are not finite.
pub fn components(evidence: &Evidence<'_>, options: &NullOptions) -> Result<Vec<Component>, Error> {
    let d = evidence.decomposition;
    Error::check_len(
        "norms of the gradients",
        d.time_len,
        evidence.row_norms.len(),
    )?;
    if let Some(projections) = evidence.projections {
        Error::check_len(
            "components with displacements",
            d.rank,
            projections.along.len(),
        )?;
    }
    if let Some(stability) = evidence.stability {
        Error::check_len(
            "components with stability",
            d.rank,
            stability.captured.len(),
        )?;
    }
    let b = profile(evidence.row_norms)?;
    if d.rank == 0 {
        return Ok(Vec::new());
    }
    let nulls = Nulls::new(&b, d.rank, options);
    let signals = evidence.spectrum.map_or(0, |null| null.signals(&d.s));
    let mut courses = courses(d, signals, evidence.row_norms);
    courses.extend((courses.len()..d.rank).map(|i| d.v_column(i)));
    // Every component has its own streams, so threads do not change the draws.
    let mut p: Vec<PValues> = (0..d.rank)
        .into_par_iter()
        .map(|i| nulls.p_values(i, &courses[i]))
        .collect();
    for group in evidence.groups {
        let courses: Vec<Vec<f64>> = courses[group.clone()].to_vec();
        let found = nulls.p_values_of_group(group.start, &courses)?;
        p[group.clone()].copy_from_slice(&found);
    }
    let (blocks, explained) = (blocks(d), d.explained());
    let t50_whole = match evidence.projections {
        Some(projections) => t50(projections.tau, projections.whole)?,
        None => None,
    };
    let mut found = Vec::with_capacity(d.rank);
    for i in 0..d.rank {
        let t50 = match evidence.projections {
            Some(projections) => t50(projections.tau, &projections.along[i])?,
            None => None,
        };
        let moved = evidence.projections.and_then(|p| p.moved(i));
        found.push(Component {
            index: i,
            sigma: d.s[i],
            explained: explained[i],
            residual: d.residual(i),
            block: blocks[i],
            block_len: blocks.iter().filter(|&&block| block == blocks[i]).count(),
            course: Course::new(&courses[i], &b),
            t50,
            t50_whole,
            moved,
            has_moved: moved.map(|share| share * d.param_len as f64 > CHI_SQUARED_95),
            p: p[i],
            p_adjusted: None,
            signal: evidence.spectrum.map(|spectrum| spectrum.is_signal(d.s[i])),
            captured: evidence.stability.map(|stability| stability.captured[i]),
            agreement: evidence.stability.map(|stability| stability.agreement[i]),
            label: Label::None,
            reasons: Vec::new(),
        });
    }
    // No more than the steps allow: with all of them no adjusted p could be small.
    let allowed = d.time_len / STEPS_A_COMPONENT;
    let candidates = found.iter_mut().filter(|c| c.is_candidate());
    let mut candidates: Vec<&mut Component> = candidates.collect();
    let beyond = candidates.split_off(allowed.min(candidates.len()));
    for component in beyond {
        component.reasons.push(format!(
            "{} steps allow {} of the directions that stand out to be judged, the largest: it takes {STEPS_A_COMPONENT} steps a direction",
            d.time_len, allowed
        ));
    }
    let largest: Vec<f64> = candidates
        .iter()
        .map(|component| component.p.largest())
        .collect();
    for (component, adjusted) in candidates.iter_mut().zip(holm(&largest)) {
        component.p_adjusted = Some(adjusted);
    }
    let is_moved = evidence.projections.is_some();
    found.iter_mut().for_each(|one| one.judge(is_moved));
    Ok(found)
}

impl Component {
    /// Takes away what needs the norms of the rows.
    pub(super) fn without_norms(&mut self) {
        self.p = PValues::NONE;
        self.label = Label::None;
        self.reasons = vec![
            "neither the norms of the rows nor a null of the spectrum are known without the matrix"
                .into(),
        ];
    }

    /// Whether it may have a phase at all: its singular value is signal, and it is no spike.
    pub fn is_candidate(&self) -> bool {
        self.signal == Some(true) && !self.course.is_spike()
    }

    /// Sets the label, or the reasons for having none; whether displacements were given.
    fn judge(&mut self, is_moved: bool) {
        let (index, phase_index) = (self.course.temporal_index, self.course.phase_index());
        let reasons = &mut self.reasons;
        let is_early = index.max(phase_index) < 0.0;
        let is_late = index.min(phase_index) > 0.0;
        let label = match (self.t50, self.t50_whole) {
            (Some(t50), Some(whole)) if is_early && t50 < whole => Label::Early,
            (Some(t50), Some(whole)) if is_late && t50 > whole => Label::Late,
            (Some(t50), Some(whole)) => {
                reasons.push(format!(
                    "temporal index {index:+.3} ({phase_index:+.3} without its largest rows) and t50 \
                     {t50:.2}, against {whole:.2} of the whole displacement, do not agree"
                ));
                Label::None
            }
            _ if is_moved => {
                reasons.push("no displacement along it to take t50 from".into());
                Label::None
            }
            _ if is_early => Label::Early,
            _ if is_late => Label::Late,
            _ => {
                reasons.push(format!(
                    "temporal index {index:+.3} and that without its largest rows, {phase_index:+.3}, do not agree"
                ));
                Label::None
            }
        };
        if self.has_moved == Some(false) {
            reasons.push(
                "the parameters moved no farther along it than along a random direction".into(),
            );
        }
        if let Some(trimmed) = self.course.trimmed.filter(|_| self.course.is_spike()) {
            reasons.push(format!(
                "a spike is not a phase: the largest 1 % of its rows hold {:.2} of it, more than \
                 {SPIKE_SHARE}",
                trimmed.share
            ));
        }
        match self.signal {
            Some(true) => {}
            Some(false) => {
                reasons.push("singular value no larger than with random signs".into());
            }
            None => reasons.push("its singular value was not compared with random signs".into()),
        }
        for (null, p) in [
            ("norm-matched random directions", self.p.random_directions),
            ("circular shifts", self.p.circular_shifts),
            ("phase-randomised surrogates", self.p.phase_surrogates),
        ] {
            if p > LEVEL {
                reasons.push(format!(
                    "{null} give such a temporal index by chance: p = {p:.3}"
                ));
            }
        }
        match self.p_adjusted {
            Some(adjusted) if adjusted > LEVEL && self.p.largest() <= LEVEL => {
                reasons.push(format!(
                    "not beyond chance among as many components: adjusted p = {adjusted:.3}"
                ));
            }
            _ => {}
        }
        if reasons.is_empty() {
            self.label = label;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradients::{Dense, GradientMatrix, Scaled, row_norms};
    use crate::numeric::random::{Purpose, Stream};
    use crate::svd::null::{NullOptions as SpectrumOptions, SpectrumNull, spectrum};
    use crate::svd::{Options, truncated};

    const T: usize = 512;
    const P: usize = 700;

    /// Gradients whose norm falls by `e^-fall`: noise, and of each strength one random direction
    /// with random signs over the stretch of tau given.
    fn gradients(
        fall: f64,
        noise: f64,
        planted: &[(f64, std::ops::Range<f64>)],
        seed: u64,
    ) -> Dense {
        let mut stream = Stream::new(seed, Purpose::Controls, 0);
        let directions: Vec<Vec<f64>> = planted
            .iter()
            .map(|_| (0..P).map(|_| stream.sign()).collect())
            .collect();
        let mut values = Vec::with_capacity(T * P);
        for t in 0..T {
            let tau = t as f64 / T as f64;
            let fade = (-fall * tau).exp();
            let mut row: Vec<f64> = (0..P).map(|_| noise * stream.normal()).collect();
            for ((strength, when), direction) in planted.iter().zip(&directions) {
                let sign = stream.sign();
                if when.contains(&tau) {
                    row.iter_mut()
                        .zip(direction)
                        .for_each(|(x, u)| *x += sign * strength * u);
                }
            }
            values.extend(row.iter().map(|x| (fade * x) as f32));
        }
        Dense::new(T, P, values).unwrap()
    }

    /// Judged with half of the displacement along component i done by `half_times[i]`, and half of
    /// the whole by .5.
    fn judge(matrix: &dyn GradientMatrix, half_times: &[f64], seed: u64) -> Vec<Component> {
        let rank = half_times.len();
        let options = Options {
            max_passes: 60,
            ..Options::with_rank(rank)
        };
        let decomposition = truncated(matrix, &options, &mut |_| {}).unwrap();
        let settings = SpectrumOptions {
            rank: 2,
            seed,
            ..SpectrumOptions::default()
        };
        let spectrum = spectrum(matrix, &decomposition, &settings, &mut |_, _| true).unwrap();
        let tau = [0.0, 0.1, 0.3, 0.7, 0.9, 1.0];
        let along: Vec<Vec<f64>> = half_times
            .iter()
            .map(|half| {
                tau.iter()
                    .map(|tau| if tau > half { -2.0 } else { 0.0 })
                    .collect()
            })
            .collect();
        let evidence = Evidence {
            decomposition: &decomposition,
            row_norms: &row_norms(matrix).unwrap(),
            projections: Some(Projections {
                tau: &tau,
                along: &along,
                whole: &[0.0, 1.0, 2.0, 8.0, 9.0, 10.0],
            }),
            spectrum: Some(&spectrum),
            stability: None,
            groups: &[],
        };
        components(&evidence, &NullOptions { draws: 199, seed }).unwrap()
    }

    fn says(component: &Component, words: &str) -> bool {
        component
            .reasons
            .iter()
            .any(|reason| reason.contains(words))
    }

    #[test]
    fn planted_phases_are_labelled_under_falling_norms() {
        let plan = [(0.8, 0.0..0.3), (0.6, 0.7..1.0)];
        let raw = gradients(1.0, 1.0, &plan, 1);
        let steep = gradients(3.0, 1.0, &plan, 2);
        let unit = Scaled::unit_norm(&steep).unwrap();
        for matrix in [&raw as &dyn GradientMatrix, &unit] {
            let found = judge(matrix, &[0.2, 0.8, 0.2], 3);
            let labels: Vec<Label> = found.iter().map(|c| c.label).collect();
            assert_eq!(
                labels,
                [Label::Early, Label::Late, Label::None],
                "{found:#?}"
            );
            assert!(found[0].t50 == Some(0.2) && found[0].reasons.is_empty());
            assert!(says(&found[2], "random signs"), "{:?}", found[2].reasons);
        }
        // Where everything moved late, an early component is one that moved before the rest.
        let late = Projections {
            tau: &[0.0, 0.5, 1.0],
            along: &[vec![0.0, 0.0, 3.0]],
            whole: &[0.0, 0.0, 4.0],
        };
        assert_eq!(late.moved(0), Some(9.0 / 16.0));
        // Time and displacement must agree.
        let found = judge(&raw, &[0.8, 0.2], 3);
        assert!(
            found
                .iter()
                .all(|c| c.label == Label::None && says(c, "do not agree"))
        );
    }

    #[test]
    fn noise_with_falling_norms_is_early_by_mass_and_not_by_label() {
        for seed in 0..2 {
            let matrix = gradients(3.0, 1.0, &[], seed);
            let found = judge(&matrix, &[0.2; 3], seed);
            let d = truncated(&matrix, &Options::with_rank(3), &mut |_| {}).unwrap();
            for component in &found {
                let v = d.v_column(component.index);
                let early: f64 = v[..T / 3].iter().map(|v| v * v).sum();
                assert!(early > 0.95 && component.course.temporal_index < 0.0);
                assert_eq!(component.label, Label::None);
                assert!(says(component, "random signs"), "{component:?}");
            }
        }
    }

    #[test]
    fn a_spike_and_a_constant_course_have_no_label() {
        let spike = judge(&gradients(0.0, 1.0, &[(30.0, 0.1..0.102)], 4), &[0.2], 5);
        assert!(spike[0].label == Label::None && spike[0].p_adjusted.is_none());
        assert!(says(&spike[0], "a spike is not a phase"), "{:?}", spike[0]);
        let constant = judge(&gradients(0.0, 1.0, &[(1.0, 0.0..1.0)], 4), &[0.2], 5);
        assert!(constant[0].label == Label::None && constant[0].signal == Some(true));
        assert!(says(&constant[0], "by chance"), "{:?}", constant[0]);
    }

    /// How many of `draws` courses of 1,000 rows get the label, where all but their time speaks for it.
    fn labelled(label: Label, draws: u64, course: &dyn Fn(usize, &mut Stream) -> f64) -> usize {
        const ROWS: usize = 1000;
        let template = truncated(
            &gradients(0.0, 1.0, &[], 1),
            &Options::with_rank(1),
            &mut |_| {},
        );
        let mut decomposition = template.unwrap();
        let spectrum = SpectrumNull {
            largest: vec![0.0],
            quantiles: vec![0.0],
            threshold: 0.0,
        };
        let along = match label {
            Label::Early => [vec![0.0, 1.0, 1.0, 1.0]],
            _ => [vec![0.0, 0.0, 0.0, 1.0]],
        };
        let mut is_labelled = |seed: &u64| {
            let mut stream = Stream::new(*seed, Purpose::Controls, 7);
            let mut v: Vec<f64> = (0..ROWS).map(|t| course(t, &mut stream)).collect();
            let length = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            v.iter_mut().for_each(|v| *v /= length);
            decomposition.time_len = ROWS;
            decomposition.v = v;
            let evidence = Evidence {
                decomposition: &decomposition,
                row_norms: &[1.0; ROWS],
                projections: Some(Projections {
                    tau: &[0.0, 0.2, 0.8, 1.0],
                    along: &along,
                    whole: &[0.0, 0.5, 1.0, 1.5],
                }),
                spectrum: Some(&spectrum),
                stability: None,
                groups: &[],
            };
            let options = NullOptions {
                draws: 99,
                seed: *seed,
            };
            components(&evidence, &options).unwrap()[0].label == label
        };
        (0..draws).filter(&mut is_labelled).count()
    }

    #[test]
    fn a_short_noisy_phase_is_labelled() {
        // The square of a normal is chi-squared, that of a product of two has still heavier tails.
        for is_heavy in [false, true] {
            let noise = |s: &mut Stream| s.normal() * if is_heavy { s.normal() } else { 1.0 };
            // A tenth of it is spread over the rest of time.
            let floor = (0.1 * 150.0 / 850.0f64).sqrt();
            for label in [Label::Early, Label::Late] {
                let is_on = |t: usize| {
                    (label == Label::Early && t < 150) || (label == Label::Late && t >= 850)
                };
                let course =
                    |t: usize, s: &mut Stream| noise(s) * if is_on(t) { 1.0 } else { floor };
                let count = labelled(label, 60, &course);
                assert!(count >= 57, "{label:?} {is_heavy}: {count} of 60");
            }
        }
    }

    /// With all of them judged, none could have a label.
    #[test]
    fn as_many_are_judged_as_the_steps_allow() {
        let options = Options::with_rank(3);
        let template = truncated(&gradients(0.0, 1.0, &[], 1), &options, &mut |_| {});
        let mut d = template.unwrap();
        let mut stream = Stream::new(1, Purpose::Controls, 7);
        d.time_len = 100;
        let early = |t: usize, stream: &mut Stream| {
            let size = if t < 30 { 0.18 } else { 0.001 };
            size * stream.sign()
        };
        d.v = (0..300).map(|at| early(at / 3, &mut stream)).collect();
        let spectrum = SpectrumNull {
            largest: vec![0.0],
            quantiles: vec![0.0],
            threshold: 0.0,
        };
        let evidence = Evidence {
            decomposition: &d,
            row_norms: &[1.0; 100],
            projections: None,
            spectrum: Some(&spectrum),
            stability: None,
            groups: &[],
        };
        let options = NullOptions { draws: 99, seed: 1 };
        let found = components(&evidence, &options).unwrap();
        let labels: Vec<Label> = found.iter().map(|one| one.label).collect();
        assert_eq!(
            labels,
            [Label::Early, Label::Early, Label::None],
            "{found:#?}"
        );
        assert!(found[2].p_adjusted.is_none() && says(&found[2], "100 steps allow 2 of"));
    }

    #[test]
    fn a_spike_on_a_floor_of_noise_is_not_labelled_wherever_it_is() {
        for (rows, at) in [(1, 0), (1, 60), (2, 140), (3, 2), (3, 300)] {
            // Of a real one next to nothing is left.
            for share in [0.999, 0.95, 0.85] {
                let height = (1000.0 * share / (1.0 - share) / f64::from(rows)).sqrt();
                let course = |t: usize, s: &mut Stream| match (at..at + rows as usize).contains(&t)
                {
                    true => height * s.sign(),
                    false => s.normal(),
                };
                assert_eq!(
                    labelled(Label::Early, 20, &course),
                    0,
                    "{rows} {at} {share}"
                );
            }
        }
        // Where the floor is more of it than that, it is labelled as often as the floor alone: of 200
        // at most .025 a side, 5 expected, 13 with chance 1e-3.
        let course = |t: usize, s: &mut Stream| s.normal() * if t < 3 { 12.0 } else { 1.0 };
        let count = labelled(Label::Early, 200, &course);
        assert!(count <= 12, "{count} of 200");
    }

    #[test]
    fn a_course_without_a_time_is_labelled_no_more_often_than_the_level_says() {
        for is_heavy in [false, true] {
            let course =
                |_: usize, s: &mut Stream| s.normal() * if is_heavy { s.normal() } else { 1.0 };
            let count = labelled(Label::Early, 200, &course) + labelled(Label::Late, 200, &course);
            // .05 of 200, of either sign: 10 expected, 21 with chance 1e-3.
            assert!(count <= 20, "{is_heavy}: {count} of 200");
        }
    }

    #[test]
    fn a_direction_that_hardly_moved_has_no_label() {
        let matrix = gradients(0.0, 1.0, &[(1.0, 0.0..0.3)], 6);
        let decomposition = truncated(&matrix, &Options::with_rank(1), &mut |_| {}).unwrap();
        let norms = row_norms(&matrix).unwrap();
        let settings = SpectrumOptions {
            rank: 2,
            ..SpectrumOptions::default()
        };
        let spectrum = spectrum(&matrix, &decomposition, &settings, &mut |_, _| true).unwrap();
        let judged = |length: f64| {
            let along = [vec![0.0, length, length]];
            let evidence = Evidence {
                decomposition: &decomposition,
                row_norms: &norms,
                projections: Some(Projections {
                    tau: &[0.0, 0.2, 1.0],
                    along: &along,
                    whole: &[0.0, 2.0, 10.0],
                }),
                spectrum: Some(&spectrum),
                stability: None,
                groups: &[],
            };
            components(&evidence, &NullOptions::default())
                .unwrap()
                .remove(0)
        };
        // Along a random direction, a share of up to 3.841 / P of the squared displacement.
        let chance = (100.0 * 3.841 / P as f64).sqrt();
        assert_eq!(judged(1.1 * chance).label, Label::Early);
        let still = judged(0.9 * chance);
        assert_eq!((still.label, still.has_moved), (Label::None, Some(false)));
        assert!(says(&still, "no farther"), "{:?}", still.reasons);
    }

    #[test]
    fn without_evidence_there_is_no_label() {
        let matrix = gradients(0.0, 1.0, &[(1.0, 0.0..0.3)], 6);
        let decomposition = truncated(&matrix, &Options::with_rank(1), &mut |_| {}).unwrap();
        let norms = row_norms(&matrix).unwrap();
        let evidence = Evidence {
            decomposition: &decomposition,
            row_norms: &norms,
            projections: None,
            spectrum: None,
            stability: None,
            groups: &[],
        };
        let options = NullOptions::default();
        let found = components(&evidence, &options).unwrap();
        assert_eq!(found[0].reasons.len(), 1, "{:?}", found[0].reasons);
        assert!(says(&found[0], "was not compared"));
        let json = serde_json::to_value(&found[0]).unwrap();
        assert!(json["temporal_index"].as_f64().unwrap() < -0.2 && json["label"] == "none");
        let short = Evidence {
            row_norms: &norms[1..],
            ..evidence
        };
        assert!(components(&short, &options).is_err());
        let none = Projections {
            tau: &[],
            along: &[],
            whole: &[],
        };
        let missing = Evidence {
            projections: Some(none),
            ..evidence
        };
        assert!(components(&missing, &options).is_err());
    }
}
