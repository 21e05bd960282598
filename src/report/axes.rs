//! Axes: scales, round ticks, and the plot that curves and intervals are drawn into.

use super::svg::{Anchor, Path, Svg};

/// From numbers to places.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    range: (f64, f64),
    onto: (f64, f64),
    is_log: bool,
}

impl Scale {
    /// Maps `range` evenly `onto` places. A range without width gets some.
    pub fn linear(range: (f64, f64), onto: (f64, f64)) -> Self {
        let range = match range {
            (low, high) if low.is_finite() && high.is_finite() && low < high => (low, high),
            (low, _) if low.is_finite() => (low - 0.5, low + 0.5),
            _ => (0.0, 1.0),
        };
        Self {
            range,
            onto,
            is_log: false,
        }
    }

    /// Maps the logarithm of `range`, which should be positive, `onto` places.
    pub fn log(range: (f64, f64), onto: (f64, f64)) -> Self {
        let range = match range {
            (low, high) if low > 0.0 && high.is_finite() && low < high => (low, high),
            (low, _) if low > 0.0 && low.is_finite() => (low / 2.0, low * 2.0),
            _ => (0.1, 1.0),
        };
        Self {
            range,
            onto,
            is_log: true,
        }
    }

    /// Where `value` lies, which may be outside; `None` where there is no such place.
    pub fn place(&self, value: f64) -> Option<f64> {
        let unit = if self.is_log {
            (value / self.range.0).ln() / (self.range.1 / self.range.0).ln()
        } else {
            (value - self.range.0) / (self.range.1 - self.range.0)
        };
        let place = self.onto.0 + unit * (self.onto.1 - self.onto.0);
        place.is_finite().then_some(place)
    }

    /// [`place`](Self::place) held within the axis.
    pub fn place_within(&self, value: f64) -> Option<f64> {
        let (a, b) = self.onto;
        self.place(value)
            .map(|place| place.clamp(a.min(b), a.max(b)))
    }

    /// Round numbers within the range, about `wanted` of them or fewer.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        let (low, high) = self.range;
        let slack = 1e-9;
        if !self.is_log {
            let ends = |wanted: usize| {
                let step = round_step((high - low) / wanted.max(1) as f64);
                let first = (low / step - slack).ceil() as i64;
                let last = (high / step + slack).floor() as i64;
                (step, first, last)
            };
            // One tick alone gives no scale.
            let (step, first, last) = (wanted..wanted.max(1) + 4)
                .map(ends)
                .find(|(_, first, last)| first < last)
                .unwrap_or_else(|| ends(wanted));
            // A range beyond what a double resolves must not make ticks without end.
            return (first..=last).take(20).map(|i| i as f64 * step).collect();
        }
        let first = (low.log10() - slack).ceil() as i32;
        let last = (high.log10() + slack).floor() as i32;
        let decades = last - first + 1;
        if decades >= 3 {
            let every = (decades as usize).div_ceil(wanted.max(1)).max(1);
            return (first..=last)
                .step_by(every)
                .map(|e| 10f64.powi(e))
                .collect();
        }
        let within = |tick: &f64| (low * (1.0 - slack)..=high * (1.0 + slack)).contains(tick);
        let multiples = |e: i32| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(e));
        (first - 1..=last)
            .flat_map(multiples)
            .filter(within)
            .collect()
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powi(raw.log10().floor() as i32);
    let multiple = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|m| m * power >= raw * (1.0 - 1e-9));
    multiple.unwrap_or(10.0) * power
}

/// The range of the finite `values`.
pub fn range_of(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// One axis of a [`Plot`].
#[derive(Clone, Debug)]
pub struct Axis<'a> {
    /// What it measures, with its unit.
    pub label: &'a str,
    /// Its ends.
    pub range: (f64, f64),
    /// Whether it is logarithmic.
    pub is_log: bool,
    /// Words for a tick.
    pub format: fn(f64) -> String,
}

/// Natural size of a plot.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// In CSS pixels.
    pub width: f64,
    /// In CSS pixels.
    pub height: f64,
}

/// The usual size: three stand side by side on a wide screen and one on a phone.
pub const PANEL: Size = Size {
    width: 360.0,
    height: 236.0,
};

const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 36.0;
/// Room that a tick along x and one along y should have.
const TICK_WIDTH: f64 = 45.0;
const TICK_HEIGHT: f64 = 26.0;

/// A point with its interval.
#[derive(Clone, Debug)]
pub struct Point {
    /// Abscissa.
    pub x: f64,
    /// Estimate.
    pub y: f64,
    /// Interval of `y`.
    pub interval: (f64, f64),
    /// What it is, in words.
    pub tooltip: String,
}

/// A drawing with axes.
pub struct Plot {
    /// The drawing.
    pub svg: Svg,
    /// Across.
    pub x: Scale,
    /// Up.
    pub y: Scale,
}

impl Plot {
    /// Axes, grid and labels.
    pub fn new(size: Size, x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let (right, bottom) = (size.width - RIGHT, size.height - BOTTOM);
        let scale = |axis: &Axis<'_>, onto| match axis.is_log {
            true => Scale::log(axis.range, onto),
            false => Scale::linear(axis.range, onto),
        };
        let mut plot = Self {
            svg: Svg::new(size.width, size.height),
            x: scale(x, (LEFT, right)),
            y: scale(y, (bottom, TOP)),
        };
        let svg = &mut plot.svg;
        for tick in plot
            .y
            .ticks((((bottom - TOP) / TICK_HEIGHT) as usize).max(4))
        {
            let Some(at) = plot.y.place_within(tick) else {
                continue;
            };
            svg.line((LEFT, at), (right, at), "grid");
            svg.text(
                (LEFT - 6.0, at + 4.0),
                Anchor::End,
                "tick",
                &(y.format)(tick),
            );
        }
        for tick in plot.x.ticks(((right - LEFT) / TICK_WIDTH) as usize) {
            let Some(at) = plot.x.place_within(tick) else {
                continue;
            };
            svg.line((at, bottom), (at, bottom + 4.0), "axis");
            svg.text(
                (at, bottom + 16.0),
                Anchor::Middle,
                "tick",
                &(x.format)(tick),
            );
        }
        svg.line((LEFT, bottom), (right, bottom), "axis");
        svg.text((2.0, 12.0), Anchor::Start, "label", y.label);
        let middle = (LEFT + right) / 2.0;
        svg.text(
            (middle, size.height - 4.0),
            Anchor::Middle,
            "label",
            x.label,
        );
        plot
    }

    /// A line through the points in their order; one that has no place breaks it.
    pub fn curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let mut path = Path::default();
        let mut is_on = false;
        for (x, y) in points {
            match (self.x.place_within(x), self.y.place_within(y)) {
                (Some(x), Some(y)) if is_on => {
                    path.on(x, y);
                }
                (Some(x), Some(y)) => {
                    path.start(x, y);
                    is_on = true;
                }
                _ => is_on = false,
            }
        }
        self.svg.path(&path, class);
    }

    /// The area between the lower and the upper of (x, lower, upper).
    pub fn band(&mut self, points: &[(f64, f64, f64)], class: &str) {
        let edge = |upper: bool| {
            points.iter().filter_map(move |&(x, low, high)| {
                (low.is_finite() && high.is_finite()).then_some((x, if upper { high } else { low }))
            })
        };
        let there = edge(false);
        let back: Vec<_> = edge(true).collect();
        let mut path = Path::default();
        for (x, y) in there.chain(back.into_iter().rev()) {
            let (Some(x), Some(y)) = (self.x.place_within(x), self.y.place_within(y)) else {
                continue;
            };
            if path.is_empty() {
                path.start(x, y);
            } else {
                path.on(x, y);
            }
        }
        if !path.is_empty() {
            path.close();
        }
        self.svg.path(&path, class);
    }

    /// Band, line and points of estimates along x, in `colour`.
    pub fn estimates(&mut self, points: &[Point], colour: &str, is_dashed: bool) {
        self.svg.open(colour, "");
        let band: Vec<_> = points
            .iter()
            .map(|p| (p.x, p.interval.0, p.interval.1))
            .collect();
        self.band(&band, "band");
        let class = if is_dashed { "line dashed" } else { "line" };
        self.curve(points.iter().map(|p| (p.x, p.y)), class);
        for point in points {
            let (Some(x), Some(y)) = (self.x.place_within(point.x), self.y.place_within(point.y))
            else {
                continue;
            };
            // A larger transparent disc around it is easier to point at.
            self.svg.group(colour, &point.tooltip, |svg| {
                svg.disc((x, y), 1.6, "dot");
                svg.disc((x, y), 5.0, "target");
            });
        }
        self.svg.close();
    }

    /// A vertical line at `x`, with a tooltip.
    pub fn vertical(&mut self, x: f64, colour: &str, tooltip: &str) {
        let ends = self.y.onto;
        if let Some(at) = self.x.place_within(x) {
            self.svg.group(colour, tooltip, |svg| {
                svg.line((at, ends.0), (at, ends.1), "mark");
            });
        }
    }

    /// A horizontal line at `y`, with a tooltip.
    pub fn horizontal(&mut self, y: f64, colour: &str, tooltip: &str) {
        let ends = self.x.onto;
        if let Some(at) = self.y.place_within(y) {
            self.svg.group(colour, tooltip, |svg| {
                svg.line((ends.0, at), (ends.1, at), "mark");
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let ticks = |range, wanted| Scale::linear(range, (0.0, 1.0)).ticks(wanted);
        assert_eq!(
            ticks((0.0, 1.0), 5),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(ticks((0.0, 4e6), 5), [0.0, 1e6, 2e6, 3e6, 4e6]);
        assert_eq!(ticks((-0.3, 0.3), 4), [-0.2, 0.0, 0.2]);
        assert_eq!(Scale::log((1e-9, 1e-2), (0.0, 1.0)).ticks(4).len(), 4);
        assert_eq!(
            Scale::log((0.8, 30.0), (0.0, 1.0)).ticks(4),
            [1.0, 2.0, 5.0, 10.0, 20.0]
        );
    }

    #[test]
    fn places_and_ranges_that_are_no_ranges() {
        let scale = Scale::log((1.0, 100.0), (10.0, 30.0));
        assert_eq!(scale.place(10.0), Some(20.0));
        assert_eq!(scale.place_within(1e9), Some(30.0));
        assert_eq!([scale.place(0.0), scale.place(f64::NAN)], [None, None]);
        for range in [
            (2.0, 2.0),
            (3.0, 1.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            for scale in [
                Scale::linear(range, (0.0, 9.0)),
                Scale::log(range, (0.0, 9.0)),
            ] {
                assert!(scale.ticks(5).len() < 20);
                assert!(scale.place(1.0).is_some(), "{range:?}");
            }
        }
        assert_eq!(range_of([f64::NAN, 2.0, -1.0]), Some((-1.0, 2.0)));
        assert_eq!(range_of([f64::NAN]), None);
    }
}
