//! The study's report: the text of RESULTS.md, section by section, with its figures, and the appendix folded away.

mod figures;
mod question;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use super::appendix::parts;
use super::page::{Section, details, page};
use super::results::sections;
use crate::findings::Study;

/// The page that shows `study`.
pub fn study_html(study: &Study) -> String {
    let mut sections: Vec<Section> = sections(study)
        .into_iter()
        .map(|section| {
            let figures = figures::of(study, section.id);
            let text = section.body();
            Section {
                id: section.id,
                short: section.short,
                question: section.title,
                body: figures + &markup(&text),
            }
        })
        .collect();
    let appendix = parts(study).into_iter().map(|part| {
        let figures = figures::more(study, part.id);
        details(part.title, false, &(figures + &markup(&part.text)))
    });
    sections.push(Section {
        id: "appendix",
        short: "Appendix",
        question: "Every table",
        body: appendix.collect(),
    });
    let title = format!("gouda: study, {}", study.preset);
    let byline = format!(
        "gouda {}, preset {}, {} seeds",
        study.version,
        study.preset,
        study.seeds.len()
    );
    page(
        &title,
        "Corner or cheese: which locators tell them apart",
        &byline,
        &sections,
    )
}

/// Markdown as HTML; tables scroll sideways where they are too wide. The text has names out of
/// study.json: markup and links among them are shown as text and lead nowhere.
fn markup(text: &str) -> String {
    let mut out = String::new();
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    let events = events.filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock)
        | Event::End(TagEnd::Link | TagEnd::Image | TagEnd::HtmlBlock) => None,
        event => Some(event),
    });
    html::push_html(&mut out, events);
    out.replace(
        "<table>",
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\"><table>",
    )
    .replace("</table>", "</table></div>")
}
