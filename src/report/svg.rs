//! Scalable Vector Graphics, the few elements that the figures need.
//!
//! Colours are CSS custom properties, so that one drawing serves the light and the dark scheme: a
//! group sets `--c` and classes in `drawing.css` say whether it strokes or fills.

use std::fmt::Write;

/// Colours and classes of drawings.
pub const STYLE: &str = include_str!("drawing.css");

/// `text` with the five characters that markup reserves made harmless, for content and attributes
/// alike. Control characters that no page may hold become the replacement character.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A coordinate with one decimal. Callers leave out what is not finite; should one slip through it
/// is drawn at the origin rather than spoil the document.
fn coordinate(value: f64) -> f64 {
    let rounded = (value * 10.0).round() / 10.0;
    // Adding zero makes a negative zero positive.
    if rounded.is_finite() {
        rounded + 0.0
    } else {
        0.0
    }
}

/// An opacity from 0 to 1; nothing is seen of what is not finite.
fn bounded(opacity: f64) -> f64 {
    match opacity.is_finite() {
        true => opacity.clamp(0.0, 1.0),
        false => 0.0,
    }
}

/// Where text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In the middle.
    Middle,
    /// At its right end.
    End,
}

/// A path under construction.
#[derive(Clone, Debug, Default)]
pub struct Path(String);

impl Path {
    /// Starts a stretch at a point.
    pub fn start(&mut self, x: f64, y: f64) -> &mut Self {
        self.push('M', x, y)
    }

    /// A straight line on to a point.
    pub fn on(&mut self, x: f64, y: f64) -> &mut Self {
        self.push('L', x, y)
    }

    /// Back to where the stretch started.
    pub fn close(&mut self) -> &mut Self {
        self.0.push('Z');
        self
    }

    /// A rectangle.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) -> &mut Self {
        self.start(x, y);
        let (right, bottom) = (coordinate(x + width), coordinate(y + height));
        let _ = write!(self.0, "H{right}V{bottom}H{}Z", coordinate(x));
        self
    }

    /// Whether nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, command: char, x: f64, y: f64) -> &mut Self {
        let _ = write!(self.0, "{command}{} {}", coordinate(x), coordinate(y));
        self
    }
}

/// A drawing, x to the right and y down, in CSS pixels at its natural size.
#[derive(Clone, Debug)]
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty one.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// What `draw` draws, in the colour `colour` (a CSS value), with a tooltip unless empty.
    pub fn group(&mut self, colour: &str, tooltip: &str, draw: impl FnOnce(&mut Self)) {
        self.open(colour, tooltip);
        draw(self);
        self.close();
    }

    /// Opens what [`group`](Self::group) opens; each needs its [`close`](Self::close).
    pub fn open(&mut self, colour: &str, tooltip: &str) {
        let _ = write!(self.body, "<g style=\"--c:{}\">", escape(colour));
        if !tooltip.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", escape(tooltip));
        }
    }

    /// Closes the group opened last.
    pub fn close(&mut self) {
        self.body.push_str("</g>");
    }

    /// A straight line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(coordinate);
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        );
    }

    /// A straight line of a width and an opacity of its own.
    pub fn stroke(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), width: f64, opacity: f64) {
        let [x1, y1, x2, y2, width] = [x1, y1, x2, y2, width].map(coordinate);
        let opacity = bounded(opacity);
        let _ = write!(
            self.body,
            "<line class=\"stroke\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" \
             stroke-width=\"{width}\" stroke-opacity=\"{opacity:.2}\"/>"
        );
    }

    /// A rectangle, `opacity` of its fill from 0 to 1.
    pub fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str, opacity: f64) {
        let [x, y, width, height] = [at.0, at.1, size.0, size.1].map(coordinate);
        let opacity = bounded(opacity);
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             fill-opacity=\"{opacity:.2}\"/>"
        );
    }

    /// A disc.
    pub fn disc(&mut self, (x, y): (f64, f64), radius: f64, class: &str) {
        let [x, y, r] = [x, y, radius].map(coordinate);
        let _ = write!(
            self.body,
            "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"
        );
    }

    /// A path; nothing for an empty one.
    pub fn path(&mut self, path: &Path, class: &str) {
        if !path.is_empty() {
            let _ = write!(self.body, "<path class=\"{class}\" d=\"{}\"/>", path.0);
        }
    }

    /// A path filled with `opacity`; nothing for an empty one.
    pub fn shade(&mut self, path: &Path, class: &str, opacity: f64) {
        if !path.is_empty() {
            let _ = write!(
                self.body,
                "<path class=\"{class}\" fill-opacity=\"{opacity:.2}\" d=\"{}\"/>",
                path.0
            );
        }
    }

    /// A line of text with its base line at `y`.
    pub fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        self.turned_text(at, 0.0, anchor, class, text);
    }

    /// The same, turned clockwise about its anchor by `degrees`.
    pub fn turned_text(
        &mut self,
        (x, y): (f64, f64),
        degrees: f64,
        anchor: Anchor,
        class: &str,
        text: &str,
    ) {
        let [x, y, degrees] = [x, y, degrees].map(coordinate);
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let turn = if degrees == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({degrees} {x} {y})\"")
        };
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
            escape(text)
        );
    }

    /// Its natural width, in CSS pixels.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Its natural height, in CSS pixels.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// Another drawing with its upper left corner at a point of this one.
    pub fn place(&mut self, (x, y): (f64, f64), inner: &Self) {
        let [x, y] = [x, y].map(coordinate);
        let body = &inner.body;
        let _ = write!(self.body, "<g transform=\"translate({x} {y})\">{body}</g>");
    }

    /// A file of its own, with its colours; `label` is what a screen reader says.
    pub fn file(self, label: &str) -> String {
        let [width, height] = [self.width, self.height].map(coordinate);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>{}</svg>\n",
            escape(label),
            self.body.replace("</g>", "</g>\n")
        )
    }

    /// The element; `label` is what a screen reader says.
    pub fn finish(self, label: &str) -> String {
        let [width, height] = [self.width, self.height].map(coordinate);
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{}\">{}</svg>",
            escape(label),
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_is_text() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{0}\u{1b}\n"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
    }

    #[test]
    fn a_drawing_is_as_given() {
        let mut svg = Svg::new(10.0, 20.0);
        let mut path = Path::default();
        path.start(1.0, -0.04).on(2.25, f64::NAN).close();
        svg.group("var(--s2)", "<tip>", |svg| svg.path(&path, "line"));
        svg.path(&Path::default(), "line");
        svg.turned_text((1.0, 2.0), -45.0, Anchor::End, "tick", "a&b");
        assert_eq!(
            svg.finish("\"x\""),
            "<svg viewBox=\"0 0 10 20\" width=\"10\" height=\"20\" role=\"img\" \
             aria-label=\"&quot;x&quot;\"><g style=\"--c:var(--s2)\"><title>&lt;tip&gt;</title>\
             <path class=\"line\" d=\"M1 0L2.3 0Z\"/></g><text class=\"tick\" x=\"1\" y=\"2\" \
             text-anchor=\"end\" transform=\"rotate(-45 1 2)\">a&amp;b</text></svg>"
        );
    }
}
