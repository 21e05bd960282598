//! The page as a whole.

use crate::ablate::{Claim, Mean, PerRate, Rate};
use crate::circuits::{Share, Steered};
use crate::findings::tracing::Circuits;
use crate::findings::{Claimed, Curves, Family, Findings, Onset, Results};

use super::{example, html};

/// Where the markup is not well-formed; `None` where it is.
fn fault(page: &str) -> Option<String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>")?;
    let mut open: Vec<&str> = vec![];
    while let Some(start) = rest.find('<') {
        if let Some(bad) = stray_ampersand(&rest[..start]) {
            return Some(bad);
        }
        let Some(len) = rest[start..].find('>') else {
            return Some("a tag without end".to_owned());
        };
        let tag = &rest[start + 1..start + len];
        rest = &rest[start + len + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> closes another tag"));
            }
            continue;
        }
        let inner = tag.strip_suffix('/').unwrap_or(tag);
        let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Some(format!("<{tag}> is no tag"));
        }
        // A value in quotes holds neither quotes nor angles: so quotes come in pairs, and what
        // stands between values is a name and an equals sign.
        for (i, part) in attributes.split('"').enumerate() {
            let is_name = i % 2 == 0;
            let is_fine = match is_name {
                true => part.is_empty() || part.ends_with('='),
                false => stray_ampersand(part).is_none(),
            };
            if !is_fine {
                return Some(format!("attributes of <{tag}>"));
            }
        }
        if attributes.matches('"').count() % 2 == 1 {
            return Some(format!("quotes of <{tag}>"));
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.last().map(|name| format!("<{name}> stays open"))
}

fn stray_ampersand(text: &str) -> Option<String> {
    let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    let mut places = text.match_indices('&').map(|(at, _)| &text[at..]);
    let stray = places.find(|after| !entities.iter().any(|entity| after.starts_with(entity)))?;
    Some(format!(
        "stray {}",
        stray.chars().take(12).collect::<String>()
    ))
}

/// Well-formed, offline and without a number that is none.
fn check(page: &str) {
    assert_eq!(fault(page), None);
    for bad in [
        "NaN", "nan\"", ">inf", "-inf", " inf ", "\"inf", "Infinity", "://", "<script", "@import",
    ] {
        assert!(
            !page.contains(bad),
            "{bad}: {:?}",
            page.find(bad).map(|at| &page[at.saturating_sub(80)..at])
        );
    }
}

/// `results` with every number that JSON holds replaced by what `change` gives.
fn with_numbers(results: &Results, change: &dyn Fn(f64) -> f64) -> Results {
    let mut results = results.clone();
    let changed = |mean: Mean| Mean {
        value: change(mean.value),
        error: change(mean.error),
    };
    let all = |values: &mut Vec<f64>| values.iter_mut().for_each(|x| *x = change(*x));
    for d in &mut results.decompositions {
        all(&mut d.sigma);
        all(&mut d.null_sigma);
        all(&mut d.left_residuals);
        all(&mut d.right_residuals);
        all(&mut d.explained);
        all(&mut d.tau);
        all(&mut d.mass);
        d.v.iter_mut().for_each(all);
        d.by_tensor.iter_mut().for_each(all);
        d.null_top = d.null_top.map(change);
        for c in &mut d.components {
            let course = &mut c.course;
            course.temporal_index = change(course.temporal_index);
            course.early_late_log_ratio = change(course.early_late_log_ratio);
            course.participation_ratio = change(course.participation_ratio);
            course.dc = change(course.dc);
            c.p.circular_shifts = change(c.p.circular_shifts);
            c.p_adjusted = c.p_adjusted.map(change);
            c.agreement = c.agreement.map(change);
            c.t50 = c.t50.map(change);
        }
    }
    let found = &mut results.found;
    let curves = &mut found.curves;
    for mean in curves.p_cheese.iter_mut().chain(&mut curves.p_corner) {
        *mean = changed(*mean);
    }
    curves.returns.iter_mut().for_each(|r| r.1 = change(r.1));
    let lags = curves.lags.iter_mut().map(|lag| &mut lag.lag);
    for time in curves.onsets.iter_mut().chain(lags) {
        *time = time.map(|time| Onset {
            frames: change(time.frames),
            interval: (change(time.interval.0), change(time.interval.1)),
        });
    }
    for mean in curves.rates.iter_mut().flatten() {
        *mean = changed(*mean);
    }
    let pair = |(low, high): (f64, f64)| (change(low), change(high));
    found.base = found.base.map(change);
    found.floor = found.floor.map(change);
    for rise in found.rises.iter_mut() {
        (rise.value, rise.interval) = (change(rise.value), pair(rise.interval));
    }
    for one in &mut found.temporal {
        one.correlation = one.correlation.map(change);
    }
    for claimed in &mut found.claims {
        let frozen = &mut claimed.frozen;
        (frozen.dose, frozen.selectivity) = (change(frozen.dose), change(frozen.selectivity));
        (claimed.length, claimed.selectivity) =
            (change(claimed.length), change(claimed.selectivity));
        claimed.interval = pair(claimed.interval);
        claimed.losses = claimed.losses.map(change);
        claimed.intervals = claimed.intervals.map(pair);
        if let Some(controls) = &mut claimed.controls {
            (controls.p, controls.p_chosen) = (change(controls.p), change(controls.p_chosen));
        }
    }
    results.run.train_seconds = change(results.run.train_seconds);
    results.run.displacement = change(results.run.displacement);
    for response in &mut results.doses {
        all(&mut response.doses);
        response
            .rates
            .iter_mut()
            .for_each(|rates| *rates = rates.map(change));
        let intervals = response.intervals.iter_mut();
        intervals.for_each(|intervals| *intervals = intervals.map(pair));
    }
    for maze in &mut results.mazes {
        for arrow in maze.base.iter_mut().chain(&mut maze.edited) {
            (arrow.dx, arrow.dy) = (change(arrow.dx), change(arrow.dy));
        }
    }
    results
}

fn emptied(mut results: Results) -> Results {
    results.found.curves = Curves {
        frames: vec![],
        rates: PerRate::default(),
        p_cheese: vec![],
        p_corner: vec![],
        onsets: PerRate::default(),
        lags: vec![],
        returns: vec![],
    };
    results.decompositions = vec![];
    results.found.claims = vec![];
    results.found.temporal = vec![];
    results.doses = vec![];
    results.mazes = vec![];
    results.run.layout.tensors = vec![];
    results.run.frames = 0;
    results
}

#[test]
fn the_checker_finds_faults() {
    let wrap = |body: &str| format!("<!DOCTYPE html><p>{body}</p>");
    assert_eq!(fault(&wrap("a &lt; b <b c=\"d\">e</b><br/>")), None);
    for bad in [
        "<b>",
        "</b>",
        "a & b",
        "<b c=\"d>e</b>",
        "<b c=d>e</b>",
        "a < b",
        "<b c=\"a\"b\">x</b>",
    ] {
        assert!(fault(&wrap(bad)).is_some(), "{bad}");
    }
}

#[test]
fn a_run_gives_a_whole_page() {
    let page = html(&example::results(), None);
    check(&page);
    assert_eq!(page.matches("<section ").count(), 10);
    // The verdicts are the numbers of the example, not fixed words.
    for words in [
        "frames after it, one down-left ",
        "cheese in, up-right and cheese in, down-left lost at least 62\u{a0}% (95\u{a0}%: 56 to 68\u{a0}%)",
        "the worst spared rate, corner, balanced, lost 4.0\u{a0}%",
        "S5 region and S4 region and corner, balanced lost at least 97\u{a0}%",
        "as many tries each, have a selectivity of: ",
        "Above random in-span step, where it is least, the chosen edit is by +0.28 (95\u{a0}%: +0.18 to +0.38)",
        "A known answer beside it, blindfold (",
        ", dose +1): targets lose at least 100\u{a0}%",
        "Chosen by time alone, as the proposal has it (gradient SVD, unit-norm: project off",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

fn chosen(found: &mut Findings, claim: Claim, family: Family) -> &mut Claimed {
    let mut claims = found.claims.iter_mut();
    let found = claims.find(|c| c.frozen.claim == claim && c.frozen.family == family);
    found.expect("the example has it")
}

/// What a baseline does as well is no yes.
#[test]
fn a_rule_that_is_met_no_better_than_by_a_baseline_is_no_yes() {
    let mut results = example::results();
    let step = chosen(&mut results.found, Claim::A, Family::Step);
    step.above.as_mut().unwrap().interval.0 = -0.01;
    let page = html(&results, None);
    check(&page);
    assert!(page.contains("The rule is met, but a baseline does as well"));
    assert!(!page.contains("card yes\"><h3>A:") && page.contains("card yes\"><h3>B:"));
}

#[test]
fn a_negative_finding_reads_as_one() {
    let mut results = example::results();
    for lag in &mut results.found.curves.lags {
        lag.lag = Some(Onset {
            frames: -3e5,
            interval: (-4e5, -1e5),
        });
    }
    let step = chosen(&mut results.found, Claim::A, Family::Step);
    step.succeeds = false;
    step.losses[Rate::S1Region] = 0.31;
    for decomposition in &mut results.decompositions {
        decomposition
            .components
            .iter_mut()
            .for_each(|c| c.label = crate::locate::Label::None);
        decomposition.converged = false;
    }
    let page = html(&results, None);
    check(&page);
    for words in [
        "No: a cheese up-right came",
        "is not shown by this run",
        "none of 48 components has a label",
        "S1 region lost 31\u{a0}%, more than a tenth",
        "not every residual met the tolerance",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn what_was_not_learnt_or_is_no_better_than_chance_is_no_yes() {
    let mut results = example::results();
    results.found.rises[Rate::NearDownLeft].is_learnt = false;
    // The best of some baseline comes as far as the chosen one.
    let step = chosen(&mut results.found, Claim::A, Family::Step);
    step.above.as_mut().unwrap().interval.0 = -0.1;
    let page = html(&results, None);
    check(&page);
    for words in [
        "It cannot be judged",
        "cheese near, down-left rose by",
        "The rule is met, but a baseline does as well",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("card yes\"><h3>A:") && !page.contains("card yes\"><h3>B:"));
}

/// Numbers that a figure may not expect.
const BAD: [f64; 7] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -1.0,
    1e300,
    f64::MIN_POSITIVE,
];

#[test]
fn what_is_missing_or_not_finite_is_left_out() {
    let example = example::results();
    check(&html(&emptied(example.clone()), None));
    for bad in BAD {
        check(&html(&with_numbers(&example, &|_| bad), None));
    }
    // Lists that do not fit together.
    let mut results = example.clone();
    results.found.curves.frames.truncate(1);
    results.found.curves.rates[Rate::S1][0].value = 10_000.0;
    results.doses[0].rates.truncate(2);
    results.decompositions[0].components.clear();
    results.decompositions[0].by_tensor.clear();
    results.decompositions[1].v.clear();
    results.decompositions[1].by_tensor[0].push(0.5);
    results.decompositions[1].by_tensor[1].clear();
    results.mazes[0].rows.truncate(2);
    results.mazes[1].rows.clear();
    results.mazes[1].edited.clear();
    check(&html(&results, None));
}

#[test]
fn every_string_is_escaped() {
    let evil = "<script>alert('x')</script>\"&\u{1}".to_owned() + &"long".repeat(80);
    let mut results = example::results();
    let run = &mut results.run;
    for text in [
        &mut run.preset,
        &mut run.config,
        &mut run.config_sha256,
        &mut run.command,
        &mut run.version,
        &mut run.gradient_checksum,
    ] {
        text.clone_from(&evil);
    }
    run.layout
        .tensors
        .iter_mut()
        .for_each(|tensor| tensor.name.clone_from(&evil));
    for decomposition in &mut results.decompositions {
        decomposition
            .components
            .iter_mut()
            .for_each(|c| c.reasons = vec![evil.clone()]);
    }
    for claimed in &mut results.found.claims {
        claimed.frozen.member.clone_from(&evil);
    }
    for response in &mut results.doses {
        response.member.clone_from(&evil);
    }
    for maze in &mut results.mazes {
        maze.title.clone_from(&evil);
        maze.edit.clone_from(&evil);
        maze.rows[0].clone_from(&evil);
    }
    check(&html(&results, None));
}

/// Every number of circuits replaced by `bad`.
fn with_share(circuits: &Circuits, bad: f64) -> Circuits {
    let mut circuits = circuits.clone();
    let share = Share {
        value: bad,
        error: bad,
    };
    let all = |rows: &mut Vec<Vec<f64>>| rows.iter_mut().flatten().for_each(|x| *x = bad);
    for traced in &mut circuits.facts {
        let found = traced.layers.iter_mut().chain(&mut traced.channels);
        let found = found.chain(&mut traced.edges);
        for found in found.chain(&mut traced.paths) {
            (found.restored, found.corrupted) = (share, share);
        }
        traced
            .cells
            .iter_mut()
            .for_each(|cells| all(&mut cells.restored));
        traced.screen = Some(bad);
    }
    let steered = Steered {
        rates: PerRate::new(|_| bad),
        p_cheese: bad,
        p_corner: bad,
    };
    circuits.base = steered.clone();
    for direction in &mut circuits.directions {
        direction.length = bad;
        direction
            .doses
            .iter_mut()
            .for_each(|dose| dose.1 = steered.clone());
        direction
            .random
            .iter_mut()
            .flatten()
            .for_each(|one| *one = steered.clone());
    }
    for own in &mut circuits.own_vectors {
        own.length = bad;
        let random = own.random.iter_mut().flatten();
        let all = own.doses.iter_mut().map(|dose| &mut dose.1).chain(random);
        all.for_each(|one| *one = steered.clone());
    }
    for one in &mut circuits.scrubbing {
        one.recovered = share;
        one.quantiles = [bad; 3];
        (one.loss, one.random, one.channel_share, one.unmatched) = (bad, bad, bad, bad);
    }
    let Some(pictures) = &mut circuits.pictures else {
        return circuits;
    };
    let planes = pictures.planes.iter_mut().flatten();
    for filter in pictures.filters.iter_mut().chain(planes) {
        all(&mut filter.weights);
    }
    for map in &mut pictures.maps {
        map.mean = bad;
        let rows = map.by_cheese.iter_mut().chain(&mut map.by_mouse);
        rows.flatten().for_each(|x| *x = Some(bad));
    }
    let leading = pictures.paths.iter_mut();
    leading.for_each(|one| {
        one.paths
            .edges
            .iter_mut()
            .for_each(|edge| edge.effect = bad)
    });
    for level in &mut pictures.levels {
        (level.success, level.flips.preference) = (bad, bad);
        level.flips.planes.iter_mut().for_each(all);
        for arrow in level.fields.iter_mut().flat_map(|field| &mut field.edited) {
            (arrow.dx, arrow.dy) = (bad, bad);
        }
    }
    circuits
}

#[test]
fn circuits_have_sections_of_their_own() {
    let (results, circuits) = (example::results(), example::circuits());
    let page = html(&results, Some(&circuits));
    check(&page);
    assert_eq!(page.matches("<section ").count(), 15);
    for words in [
        "Going for the cheese, cheese moved: 126 of 128 pairs told apart",
        "conv0 5 leading with",
        "conv0 2 to 5 leads and restores",
        "The same as a graph",
        "as its name says (random vectors",
        "against its name at 1.",
        "the step to the cheese is least at conv0, 0.",
        "cheese plane -&gt; conv0 5 -&gt; conv1 1",
        "late: 16 channels (6.7\u{a0}% of all) recover 0.53",
        "it keeps more than any of them",
        "conv0 13: its mean activation varies by",
        "it follows the cheese.",
        "leading channels held at their mean: the mean move changes by",
        "the first discovery level of S1 cheese by seed",
        "the first by seed of the worst tenth",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn circuits_that_carry_nothing_read_so() {
    let results = example::results();
    let mut circuits = example::circuits();
    circuits.facts[0].distinguished = 0;
    for found in &mut circuits.facts[1].channels {
        (found.restored.value, found.corrupted.value) = (0.02, 0.01);
    }
    for one in &mut circuits.scrubbing {
        let is_null = one.hypothesis.name.contains(", ");
        one.recovered.value = if is_null { 0.9 } else { 0.1 };
        one.recovered.error = 0.01;
        one.channels = 4;
    }
    for map in &mut circuits.pictures.as_mut().unwrap().maps {
        let rows = map.by_cheese.iter_mut().chain(&mut map.by_mouse);
        rows.flatten().for_each(|x| *x = Some(0.0));
    }
    let page = html(&results, Some(&circuits));
    check(&page);
    for words in [
        "pairs the policy tells none apart; there is nothing to trace",
        "no single channel restores and corrupts clearly more than 0.1",
        "it keeps less, so that it is not what it says that matters",
        "does not move with cheese or mouse",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn circuits_with_anything_missing_or_not_finite_make_a_page() {
    let (results, example) = (example::results(), example::circuits());
    for bad in BAD {
        check(&html(&results, Some(&with_share(&example, bad))));
    }
    let mut circuits = example.clone();
    circuits.pictures = None;
    circuits.scrubbing.clear();
    circuits.directions[0].random.clear();
    circuits.directions[1].doses.clear();
    circuits.facts[0].layers.clear();
    circuits.facts[0].channels.clear();
    circuits.facts[0].edges.clear();
    check(&html(&results, Some(&circuits)));
    circuits.directions.clear();
    circuits.facts.clear();
    check(&html(&results, Some(&circuits)));
    let mut circuits = example;
    let pictures = circuits.pictures.as_mut().unwrap();
    pictures.filters.clear();
    pictures.maps[0].by_cheese.clear();
    pictures.paths[0].paths.columns.truncate(2);
    pictures.levels[0].rows.clear();
    pictures.levels[0].flips.planes[1].clear();
    pictures.levels[0].fields.clear();
    check(&html(&results, Some(&circuits)));
}

#[test]
fn every_string_of_circuits_is_escaped() {
    let evil = "<script>alert('x')</script>\"&\u{1}".to_owned() + &"long".repeat(80);
    let mut circuits = example::circuits();
    for traced in &mut circuits.facts {
        let found = traced.layers.iter_mut().chain(&mut traced.channels);
        found
            .chain(&mut traced.edges)
            .for_each(|found| found.part.clone_from(&evil));
        traced
            .cells
            .iter_mut()
            .for_each(|cells| cells.part.clone_from(&evil));
    }
    circuits
        .directions
        .iter_mut()
        .for_each(|one| one.site.clone_from(&evil));
    for one in &mut circuits.scrubbing {
        one.hypothesis.name.clone_from(&evil);
    }
    let pictures = circuits.pictures.as_mut().unwrap();
    let planes = pictures.planes.iter_mut().flatten();
    for filter in pictures.filters.iter_mut().chain(planes) {
        filter.part.clone_from(&evil);
    }
    pictures
        .maps
        .iter_mut()
        .for_each(|map| map.channel.clone_from(&evil));
    for one in &mut pictures.paths {
        one.paths
            .columns
            .iter_mut()
            .for_each(|name| name.clone_from(&evil));
    }
    for level in &mut pictures.levels {
        level.rows[0].clone_from(&evil);
        for field in &mut level.fields {
            field.title.clone_from(&evil);
            field.edit.clone_from(&evil);
        }
    }
    check(&html(&example::results(), Some(&circuits)));
}
