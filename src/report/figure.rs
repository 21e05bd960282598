//! A drawing with its title, caption and legend.

use super::svg::{Svg, escape};
use crate::ablate::Rate;

/// How a series is drawn: the same behaviour looks the same in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// A CSS colour.
    pub colour: &'static str,
    /// Whether its line is dashed.
    pub is_dashed: bool,
}

/// Corner blue, cheese orange, near it lighter; what lies down and left, and the second rate of a situation, is dashed.
pub fn look(rate: Rate) -> Look {
    let (colour, is_dashed) = match rate {
        Rate::S1 => ("var(--plain)", false),
        Rate::S1Region => ("var(--plain)", true),
        Rate::InUpRight => ("var(--cheese)", false),
        Rate::InDownLeft => ("var(--cheese)", true),
        Rate::NearUpRight => ("var(--near)", false),
        Rate::NearDownLeft => ("var(--near)", true),
        Rate::S4Cheese => ("var(--conflict)", false),
        Rate::S4Region => ("var(--conflict)", true),
        Rate::S5 => ("var(--corner)", true),
        Rate::Corner => ("var(--corner)", false),
        Rate::Compass => ("var(--ink)", false),
    };
    Look { colour, is_dashed }
}

/// What an entry of a legend shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// A line.
    Line,
    /// A dotted line.
    Mark,
    /// An area.
    Area,
    /// A full disc.
    Dot,
    /// A ring.
    Ring,
}

/// An entry of a legend.
pub fn key(sample: Sample, look: Look, text: &str) -> String {
    let mut svg = Svg::new(22.0, 10.0);
    svg.group(look.colour, "", |svg| match sample {
        Sample::Line if look.is_dashed => svg.line((0.0, 5.0), (22.0, 5.0), "line dashed"),
        Sample::Line => svg.line((1.0, 5.0), (21.0, 5.0), "line"),
        Sample::Mark => svg.line((0.0, 5.0), (22.0, 5.0), "mark"),
        Sample::Area => svg.rect((2.0, 0.0), (18.0, 10.0), "solid", 0.28),
        Sample::Dot => svg.disc((11.0, 5.0), 4.0, "dot"),
        Sample::Ring => svg.disc((11.0, 5.0), 3.6, "ring"),
    });
    let sample = svg.finish(text);
    format!("<span class=\"key\">{sample}{}</span>", escape(text))
}

/// The legend entry of a rate.
pub fn rate_key(rate: Rate) -> String {
    key(
        Sample::Line,
        look(rate),
        &format!("{} · {}", rate.name(), rate.meaning()),
    )
}

/// A legend of entries; nothing for none.
pub fn legend(keys: &[String]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    format!("<div class=\"legend\">{}</div>", keys.concat())
}

/// A figure. Title and caption are text, the rest is markup.
pub fn figure(class: &str, title: &str, caption: &str, legend: &str, svg: &str) -> String {
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!(" <span>{}</span>", escape(caption))
    };
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!(
        "<figure{class}><figcaption><b>{}</b>{caption}</figcaption>{legend}{svg}</figure>\n",
        escape(title)
    )
}
