//! The page around the sections: head, contents, style sheet; and tables.

use super::svg::escape;

/// A section of the page.
pub struct Section {
    /// Its place, `#id`.
    pub id: &'static str,
    /// A word for the contents.
    pub short: &'static str,
    /// Its heading.
    pub question: &'static str,
    /// Its markup.
    pub body: String,
}

/// The whole document, well-formed as XML as well. `title` and `byline` are text.
pub fn page(title: &str, heading: &str, byline: &str, sections: &[Section]) -> String {
    let contents: String = sections
        .iter()
        .map(|s| format!("<li><a href=\"#{}\">{}</a></li>", s.id, s.short))
        .collect();
    let sections: String = sections
        .iter()
        .map(|s| {
            format!(
                "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">\n\
                 <h2 id=\"{0}-heading\">{1}</h2>\n{2}</section>\n",
                s.id, s.question, s.body
            )
        })
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"data:,\"/>\n<style>\n{}{}</style>\n</head>\n<body>\n\
         <header class=\"top\">\n<h1>{}</h1>\n<p class=\"byline\">{}</p>\n</header>\n\
         <nav class=\"contents\" aria-label=\"Contents\"><ul>{contents}</ul></nav>\n\
         <main>\n{sections}</main>\n\
         <footer>One file, no requests: it can be mailed, archived and printed. Points and cells \
         say their numbers when pointed at.</footer>\n</body>\n</html>\n",
        escape(title),
        super::svg::STYLE,
        include_str!("style.css"),
        escape(heading),
        escape(byline),
    )
}

/// The sentences a section opens with; markup.
pub fn lead(sentences: &str) -> String {
    format!("<p class=\"lead\">{sentences}</p>\n")
}

/// Several of them, each of its own; markup.
pub fn lead_list(sentences: &[String]) -> String {
    let items: String = sentences
        .iter()
        .map(|item| format!("<li>{item}</li>\n"))
        .collect();
    format!("<ul class=\"lead\">\n{items}</ul>\n")
}

/// A remark; markup.
pub fn note(sentences: &str) -> String {
    format!("<p class=\"note\">{sentences}</p>\n")
}

/// Terms, which are text, and what they mean, which is markup.
pub fn terms<W: AsRef<str>>(terms: &[(&str, W)]) -> String {
    let terms: String = terms
        .iter()
        .map(|(term, words)| format!("<dt>{term}</dt><dd>{}</dd>\n", words.as_ref()))
        .collect();
    format!("<dl class=\"terms\">\n{terms}</dl>\n")
}

/// What identifies something: names, and values as they are.
pub fn facts(facts: &[(&str, &String)]) -> String {
    let facts: String = facts
        .iter()
        .map(|(term, value)| {
            let value = escape(value);
            format!("<div><dt>{term}</dt><dd><code>{value}</code></dd></div>")
        })
        .collect();
    format!("<dl class=\"facts long\">{facts}</dl>\n")
}

/// What is folded away under `summary`, which is text; `body` is markup.
pub fn details(summary: &str, is_open: bool, body: &str) -> String {
    let open = if is_open { " open=\"open\"" } else { "" };
    format!(
        "<details{open}><summary>{}</summary>\n{body}</details>\n",
        escape(summary)
    )
}

/// A table that scrolls sideways where it is too wide. Headings are text, over words to the left
/// where they begin with a bar; `rows` are markup from [`row`].
pub fn table(label: &str, headings: &[&str], rows: &str) -> String {
    let headings: String = headings
        .iter()
        .map(|heading| match heading.strip_prefix('|') {
            Some(heading) => format!("<th scope=\"col\" class=\"left\">{}</th>", escape(heading)),
            None => format!("<th scope=\"col\">{}</th>", escape(heading)),
        })
        .collect();
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table>\
         <thead><tr>{headings}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        escape(label)
    )
}

/// One row of cells from [`cell`] and its kin.
pub fn row(class: &str, cells: &[String]) -> String {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!("<tr{class}>{}</tr>\n", cells.concat())
}

/// A cell of text.
pub fn cell(text: &str) -> String {
    format!("<td>{}</td>", escape(text))
}

/// A cell of text that may wrap.
pub fn words(text: &str) -> String {
    format!("<td class=\"words\">{}</td>", escape(text))
}

/// A cell of markup, with a class unless empty.
pub fn markup(class: &str, inner: &str) -> String {
    if class.is_empty() {
        format!("<td>{inner}</td>")
    } else {
        format!("<td class=\"{class}\">{inner}</td>")
    }
}

/// What the tint of a cell stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// Blue: what was lost, as far as that is positive.
    Lost,
    /// Orange: what was lost and should not have been.
    Harmed,
}

/// A number over its interval, tinted by `amount` from 0 (not at all) to 1.
pub fn estimate(value: &str, interval: &str, tint: Tint, amount: f64) -> String {
    let style = if amount >= 0.02 {
        let colour = match tint {
            Tint::Lost => "--tint",
            Tint::Harmed => "--tint-bad",
        };
        let alpha = 0.6 * amount.min(1.0);
        format!(" style=\"background:rgba(var({colour}),{alpha:.2})\"")
    } else {
        String::new()
    };
    format!(
        "<td class=\"tinted\"{style}>{}<small>{}</small></td>",
        escape(value),
        escape(interval)
    )
}

/// A small label; text.
pub fn badge(class: &str, text: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape(text))
}
