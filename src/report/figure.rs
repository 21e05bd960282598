//! A drawing with its title, caption and legend.

use super::svg::{Anchor, Svg, escape};
use crate::ablate::Rate;

/// How a series is drawn: the same behaviour looks the same in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// A CSS colour.
    pub colour: &'static str,
    /// Whether its line is dashed.
    pub is_dashed: bool,
}

impl Look {
    /// In one colour, not dashed.
    pub const fn solid(colour: &'static str) -> Self {
        Self {
            colour,
            is_dashed: false,
        }
    }
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

/// What an entry of a legend looks like, 22 x 10.
fn sample_of(sample: Sample, look: Look) -> Svg {
    let mut svg = Svg::new(22.0, 10.0);
    svg.group(look.colour, "", |svg| match sample {
        Sample::Line if look.is_dashed => svg.line((0.0, 5.0), (22.0, 5.0), "line dashed"),
        Sample::Line => svg.line((1.0, 5.0), (21.0, 5.0), "line"),
        Sample::Mark => svg.line((0.0, 5.0), (22.0, 5.0), "mark"),
        Sample::Area => svg.rect((2.0, 0.0), (18.0, 10.0), "solid", 0.28),
        Sample::Dot => svg.disc((11.0, 5.0), 4.0, "dot"),
        Sample::Ring => svg.disc((11.0, 5.0), 3.6, "ring"),
    });
    svg
}

/// An entry of a legend.
pub fn key(sample: Sample, look: Look, text: &str) -> String {
    let sample = sample_of(sample, look).finish(text);
    format!("<span class=\"key\">{sample}{}</span>", escape(text))
}

/// The legend entry of a rate.
pub fn rate_key(rate: Rate) -> String {
    let (sample, look, text) = rate_entry(rate);
    key(sample, look, &text)
}

/// The same, as an entry of a [`Drawing`].
pub fn rate_entry(rate: Rate) -> Entry {
    let text = format!("{} · {}", rate.name(), rate.meaning());
    (Sample::Line, look(rate), text)
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

/// What a legend shows, how it looks, and what it is.
pub type Entry = (Sample, Look, String);

/// A drawing with its words, for a page or for a file of its own.
pub struct Drawing {
    /// What it shows; what a screen reader says.
    pub title: String,
    /// A remark.
    pub caption: String,
    /// The legend.
    pub keys: Vec<Entry>,
    /// The drawing.
    pub svg: Svg,
}

/// Height of a line of words in a file.
const LINE: f64 = 16.0;
/// Room around what a file shows.
const MARGIN: f64 = 12.0;
/// Mean width of a character, rather too wide.
const CHARACTER: f64 = 6.0;

impl Drawing {
    /// For a page.
    pub fn html(self) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|(sample, look, text)| key(*sample, *look, text))
            .collect();
        let svg = self.svg.finish(&self.title);
        figure("", &self.title, &self.caption, &legend(&keys), &svg)
    }

    /// As a file of its own.
    pub fn file(self) -> String {
        let width = self.svg.width();
        let room = (width / CHARACTER) as usize;
        let mut words = Vec::new();
        words.extend(
            wrapped(&self.title, room)
                .into_iter()
                .map(|line| ("strong", None, line)),
        );
        words.extend(
            wrapped(&self.caption, room)
                .into_iter()
                .map(|line| ("", None, line)),
        );
        for (sample, look, text) in &self.keys {
            let lines = wrapped(text, room.saturating_sub(5));
            let of = |(number, line)| ("", Some((number == 0).then_some((*sample, *look))), line);
            words.extend(lines.into_iter().enumerate().map(of));
        }
        let top = MARGIN + LINE * words.len() as f64 + 8.0;
        let mut all = Svg::new(width + 2.0 * MARGIN, top + self.svg.height() + MARGIN);
        for (number, (class, entry, line)) in words.into_iter().enumerate() {
            let base = MARGIN + LINE * (number as f64 + 0.75);
            let indent = if entry.is_some() { 28.0 } else { 0.0 };
            all.text((MARGIN + indent, base), Anchor::Start, class, &line);
            if let Some(Some((sample, look))) = entry {
                all.place((MARGIN, base - 9.0), &sample_of(sample, look));
            }
        }
        all.place((MARGIN, top), &self.svg);
        all.file(&self.title)
    }
}

/// Lines of at most about `room` characters; none of nothing.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
