//! Estimates with their intervals, a row each: what compares many things in one number.

use super::axes::{Scale, range_of};
use super::figure::{Drawing, Entry, Look};
use super::number::fixed;
use super::svg::{Anchor, Svg};

/// An estimate.
pub struct Estimate {
    /// How it looks.
    pub look: Look,
    /// A ring in place of a disc: what others are held against.
    pub is_ring: bool,
    /// The number.
    pub value: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// What it is, in words.
    pub tooltip: String,
}

/// A row.
pub struct Row {
    /// Its name.
    pub label: String,
    /// What it says.
    pub estimates: Vec<Estimate>,
    /// A word at its end.
    pub note: String,
}

const ROW: f64 = 17.0;
const PLOT: f64 = 320.0;
const CHARACTER: f64 = 5.8;

/// The rows from above, on an axis that holds 0 and, where given, also `least` to `most`.
pub fn forest(
    title: &str,
    caption: &str,
    keys: Vec<Entry>,
    also: Option<(f64, f64)>,
    rows: &[Row],
) -> Drawing {
    let room = |of: fn(&Row) -> &str| {
        let longest = rows.iter().map(|row| of(row).chars().count()).max();
        CHARACTER * longest.unwrap_or(0) as f64
    };
    let (left, notes) = (room(|row| &row.label) + 10.0, room(|row| &row.note));
    let right = left + PLOT;
    let height = 34.0 + ROW * rows.len() as f64;
    let ends = rows.iter().flat_map(|row| &row.estimates).flat_map(|one| {
        let (low, high) = one.interval.unwrap_or((one.value, one.value));
        [low, high, one.value]
    });
    let also = also.map_or(vec![0.0], |(least, most)| vec![0.0, least, most]);
    let range = range_of(ends.chain(also)).unwrap_or((-1.0, 1.0));
    let scale = Scale::linear(range, (left, right - 6.0));
    let mut svg = Svg::new(right + notes + 6.0, height);
    let ticks = scale.ticks(5);
    let is_fine = ticks.windows(2).any(|pair| pair[1] - pair[0] < 0.1);
    let digits = if is_fine { 2 } else { 1 };
    for tick in ticks {
        if let Some(x) = scale.place_within(tick) {
            let class = if tick == 0.0 { "axis" } else { "grid" };
            svg.line((x, 4.0), (x, height - 24.0), class);
            svg.text(
                (x, height - 10.0),
                Anchor::Middle,
                "tick",
                &fixed(tick, digits),
            );
        }
    }
    for (number, row) in rows.iter().enumerate() {
        let middle = 14.0 + ROW * number as f64;
        svg.text((left - 8.0, middle + 4.0), Anchor::End, "label", &row.label);
        svg.text((right, middle + 4.0), Anchor::Start, "tick", &row.note);
        let solid = row.estimates.iter().filter(|one| !one.is_ring).count();
        let mut above = 0;
        for one in &row.estimates {
            // Several in one row stand one below the other; what they are held against stands in the middle.
            let shift = match (one.is_ring, solid) {
                (false, 2..) => 5.0 * (above as f64 - 0.5 * (solid - 1) as f64),
                _ => 0.0,
            };
            above += usize::from(!one.is_ring);
            let y = middle + shift;
            let Some(x) = scale.place_within(one.value) else {
                continue;
            };
            let ends = one
                .interval
                .map(|(low, high)| [low, high].map(|v| scale.place_within(v)));
            svg.group(one.look.colour, &one.tooltip, |svg| {
                if let Some([Some(low), Some(high)]) = ends {
                    svg.line((low, y), (high, y), "line");
                }
                match one.is_ring {
                    true => svg.disc((x, y), 3.0, "ring"),
                    false => svg.disc((x, y), 3.4, "dot"),
                }
            });
        }
    }
    Drawing {
        title: title.into(),
        caption: caption.into(),
        keys,
        svg,
    }
}
