//! The page and the table of a sweep over the region's side.

use crate::ablate::Mean;
use crate::findings::{Sweep, Swept, SweptPoint};
use crate::numeric::sum::mean;

use super::axes::{Axis, PANEL, Plot, Point, Size};
use super::figure::{Look, Sample, figure, key, legend};
use super::number::{fixed, percent_bare, prefixed, trimmed};
use super::page::{Section, cell, lead, note, page, row, table};

/// Off-distribution success by side of the region, 1 to 11, one seed each, of jaxgmg's agents ("cheese in the corner", mazes of
/// 13 x 13; figures from its repository).
const JAXGMG: [f64; 11] = [
    0.12, 0.20, 0.27, 0.37, 0.47, 0.48, 0.59, 0.63, 0.68, 0.66, 0.69,
];

/// A rate of a point.
type Rate = (&'static str, Look, fn(&SweptPoint) -> Mean);

const fn look(colour: &'static str, is_dashed: bool) -> Look {
    Look { colour, is_dashed }
}

const RATES: [Rate; 3] = [
    (
        "cheese anywhere: it is reached",
        look("var(--cheese)", false),
        |point| point.off.cheese,
    ),
    (
        "cheese anywhere: the corner is entered first",
        look("var(--corner)", false),
        |point| point.off.corner,
    ),
    (
        "cheese in the region of its training: it is reached",
        look("var(--plain)", true),
        |point| point.on.cheese,
    ),
];

const PUBLISHED: (&str, Look) = (
    "jaxgmg, one seed each: cheese anywhere: it is reached",
    look("var(--near)", true),
);

/// The page.
pub fn sweep_html(sweep: &Sweep) -> String {
    let section = |id, short, question, body| Section {
        id,
        short,
        question,
        body,
    };
    let sections = [
        section(
            "region",
            "Region",
            "Does the agent go to the cheese, or to the corner?",
            by_region(sweep),
        ),
        section(
            "training",
            "Training",
            "When does it come to do so?",
            over_training(sweep),
        ),
    ];
    let byline = format!(
        "gouda {}, preset {}, {} trainings",
        sweep.version,
        sweep.preset,
        sweep.runs.len()
    );
    page(
        "gouda: sweep of the region's side",
        "Where the cheese lay in training, and what the agent learnt to want",
        &byline,
        &sections,
    )
}

fn last(run: &Swept, rate: &Rate) -> f64 {
    run.points
        .last()
        .map_or(f64::NAN, |point| (rate.2)(point).value)
}

/// The trainings with this region.
fn of(sweep: &Sweep, region: u8) -> impl Iterator<Item = &Swept> {
    sweep.runs.iter().filter(move |run| run.region == region)
}

fn share(label: &'static str) -> Axis<'static> {
    Axis {
        label,
        range: (0.0, 1.0),
        is_log: false,
        format: percent_bare,
    }
}

fn by_region(sweep: &Sweep) -> String {
    let regions = sweep.regions();
    let (Some(&least), Some(&most)) = (regions.first(), regions.last()) else {
        return lead("No training is done yet.");
    };
    let size = Size {
        width: 640.0,
        height: 340.0,
    };
    let x = Axis {
        label: "side of the region",
        range: (f64::from(least) - 0.5, f64::from(most) + 0.5),
        is_log: false,
        format: |side| trimmed(fixed(side, 1)),
    };
    let mut plot = Plot::new(size, &x, &share("share of levels, %"));
    let published = (1u8..)
        .zip(JAXGMG)
        .filter(|(side, _)| regions.contains(side));
    plot.svg.open(PUBLISHED.1.colour, "");
    plot.curve(published.map(|(side, y)| (side.into(), y)), "line dashed");
    plot.svg.close();
    for rate in RATES {
        let points: Vec<Point> = regions
            .iter()
            .map(|&region| {
                let values: Vec<f64> = of(sweep, region).map(|run| last(run, &rate)).collect();
                let y = mean(&values);
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Point {
                    x: region.into(),
                    y,
                    interval: (least, most),
                    tooltip: format!(
                        "region {region}: {}, {} (seeds from {} to {})",
                        rate.0,
                        fixed(y, 2),
                        fixed(least, 2),
                        fixed(most, 2)
                    ),
                }
            })
            .collect();
        plot.estimates(&points, rate.1.colour, rate.1.is_dashed);
    }
    let keys = RATES.map(|(name, look, _)| key(Sample::Line, look, name));
    let keys: Vec<String> = keys
        .into_iter()
        .chain([key(Sample::Line, PUBLISHED.1, PUBLISHED.0)])
        .collect();
    let rows: String = sweep.runs.iter().map(table_row).collect();
    let headings = [
        "region",
        "seed",
        "M frames",
        "cheese reached",
        "corner first",
        "in the region",
        "trained with it anywhere",
    ];
    format!(
        "{}{}{}{}",
        lead(&format!(
            "After training with the cheese in the top-right cells, the policy is put into {} full-size mazes whose cheese lies anywhere but \
             in the very corner, the mouse at the bottom-left. Lines are means over seeds, bands go from the lowest seed to the highest.",
            sweep.levels
        )),
        figure(
            "wide",
            "What the trained policy does, by the side of the region",
            "",
            &legend(&keys),
            &plot
                .svg
                .finish("Shares of levels by the side of the region")
        ),
        table("Every training", &headings, &rows),
        note(
            "Rates are computed, not played. The share in the last column is that of training levels whose maze is no larger than the \
             region: their cheese was anywhere in them. jaxgmg's mazes are all of 13 x 13, its network and its training are others."
        )
    )
}

fn table_row(run: &Swept) -> String {
    let frames = run.points.last().map_or(0, |point| point.frames);
    let of_rate = |rate: &Rate| {
        let found = run.points.last().map(|point| (rate.2)(point));
        let found = found.unwrap_or_default();
        let (low, high) = found.interval();
        cell(&format!(
            "{} ({} to {})",
            fixed(found.value, 3),
            fixed(low, 3),
            fixed(high, 3)
        ))
    };
    let mut cells = vec![
        cell(&run.region.to_string()),
        cell(&run.seed.to_string()),
        cell(&fixed(1e-6 * frames as f64, 1)),
    ];
    cells.extend(RATES.iter().map(of_rate));
    cells.push(cell(&fixed(run.anywhere_share, 2)));
    row("", &cells)
}

fn over_training(sweep: &Sweep) -> String {
    let frames = |run: &Swept| run.points.last().map_or(0, |point| point.frames);
    let most = sweep.runs.iter().map(frames).max().unwrap_or(0);
    let figures: Vec<String> = sweep
        .regions()
        .into_iter()
        .map(|region| {
            let x = Axis {
                label: "frames",
                range: (0.0, most as f64),
                is_log: false,
                format: prefixed,
            };
            let mut plot = Plot::new(PANEL, &x, &share("share of levels, %"));
            for (_, look, rate) in RATES {
                plot.svg.open(look.colour, "");
                for run in of(sweep, region) {
                    let points = run.points.iter();
                    let points = points.map(|point| (point.frames as f64, rate(point).value));
                    let class = if look.is_dashed {
                        "line dashed"
                    } else {
                        "line"
                    };
                    plot.curve(points, class);
                }
                plot.svg.close();
            }
            let title = format!("Region {region}");
            let label = format!("Shares of levels over training, region {region}");
            figure("", &title, "", "", &plot.svg.finish(&label))
        })
        .collect();
    let keys = RATES.map(|(name, look, _)| key(Sample::Line, look, name));
    format!(
        "{}<div class=\"legend apart\">{}</div>\n<div class=\"panels\">\n{}</div>\n",
        lead("A line a seed."),
        keys.concat(),
        figures.concat()
    )
}

/// Every point of every training as CSV.
pub fn sweep_csv(sweep: &Sweep) -> String {
    let mut text =
        "region,seed,updates,frames,on_cheese,on_cheese_error,on_corner,on_corner_error,\
                    off_cheese,off_cheese_error,off_corner,off_corner_error\n"
            .to_owned();
    for run in &sweep.runs {
        for point in &run.points {
            let rates = [point.on, point.off].map(|reached| [reached.cheese, reached.corner]);
            let rates: String = rates
                .concat()
                .iter()
                .map(|mean| format!(",{:.6},{:.6}", mean.value, mean.error))
                .collect();
            let (region, seed) = (run.region, run.seed);
            text += &format!(
                "{region},{seed},{},{}{rates}\n",
                point.updates, point.frames
            );
        }
    }
    text
}
