//! The pages as plain Markdown with front matter, for Docusaurus, Mintlify and any other generator of sites.
//!
//! No HTML is left in them, and whatever a generator could take for its own (braces, angle brackets) is escaped, so that a file is
//! CommonMark with tables and MDX alike. What a browser folds away stands open; what only eyes need is left out.

mod html;

use std::fmt::{self, Write};

use proofbook_evidence::views::Publication;
use pulldown_cmark::{Options, Parser};

use crate::book::Page;
use html::{Element, Node};

/// A file for each page, in the order of the contents.
pub(crate) fn files(pages: &[Page], publication: &Publication) -> Vec<(String, String)> {
    let mut out = Vec::new();
    add(pages, publication, &mut out);
    out
}

fn add(pages: &[Page], publication: &Publication, out: &mut Vec<(String, String)>) {
    for (place, page) in (1..).zip(pages) {
        out.push((page.path.clone(), file(page, place, publication)));
        add(&page.beneath, publication, out);
    }
}

fn file(page: &Page, place: usize, publication: &Publication) -> String {
    let mut html = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES | Options::ENABLE_TASKLISTS;
    pulldown_cmark::html::push_html(&mut html, Parser::new_ext(&page.text, options));
    let nodes = html::tree(&html);
    let run = &publication.run;
    // JSON strings are YAML strings.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let description = format!("{}, as of {}; counts until {}", publication.facts.product.name, run.as_of, run.fresh_until);
    let mut out = format!(
        "---\ntitle: {}\nsidebar_label: {}\nsidebar_position: {place}\ndescription: {}\n---\n\n",
        quoted(&heading(&nodes).unwrap_or_else(|| page.name.clone())),
        quoted(&page.name),
        quoted(&description),
    );
    let written = Writer { depth: page.path.matches('/').count() };
    written.blocks(&nodes, "", &mut out);
    say(
        &mut out,
        format_args!(
            "---\n\nPrinted from run `{}` of {}/{}, as of {}. It counts until {}.\n",
            run.run_id,
            escaped(&run.workspace),
            escaped(&run.environment),
            run.as_of,
            run.fresh_until
        ),
    );
    out
}

// The title of a page is printed by its generator.
fn heading(nodes: &[Node]) -> Option<String> {
    nodes.iter().find_map(|node| match node {
        Node::Element(element) if element.name == "h1" => Some(plain(&element.children)),
        Node::Element(element) => heading(&element.children),
        Node::Text(_) => None,
    })
}

fn plain(nodes: &[Node]) -> String {
    let parts = nodes.iter().map(|node| match node {
        Node::Text(text) => text.clone(),
        Node::Element(element) => plain(&element.children),
    });
    parts.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

const BLOCKS: [&str; 25] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "table",
    "dl",
    "div",
    "pre",
    "details",
    "section",
    "article",
    "figure",
    "figcaption",
    "nav",
    "blockquote",
    "hr",
    "summary",
    "aside",
    "dd",
];

struct Writer {
    /// How many folders a page is below the top.
    depth: usize,
}

impl Writer {
    fn blocks(&self, nodes: &[Node], indent: &str, out: &mut String) {
        let mut line = String::new();
        for node in nodes {
            match node {
                Node::Element(element) if BLOCKS.contains(&element.name.as_str()) => {
                    paragraph(&line, indent, out);
                    line.clear();
                    self.block(element, indent, out);
                }
                node => line.push_str(&self.inline(std::slice::from_ref(node))),
            }
        }
        paragraph(&line, indent, out);
    }

    fn block(&self, element: &Element, indent: &str, out: &mut String) {
        match element.name.as_str() {
            "h1" => {}
            "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = usize::from(element.name.as_bytes()[1] - b'0');
                let text = squeezed(&self.inline(&element.children));
                say(out, format_args!("{indent}{} {text}\n\n", "#".repeat(level)));
            }
            "p" | "figcaption" | "summary" => {
                let text = self.inline(&element.children);
                let text = if element.name == "p" { text } else { format!("**{}**", squeezed(&text)) };
                paragraph(&text, indent, out);
            }
            "ul" | "ol" => {
                for item in element.elements().filter(|item| item.name == "li") {
                    let mut text = String::new();
                    self.blocks(&item.children, &format!("{indent}  "), &mut text);
                    let text = text.trim_end();
                    say(out, format_args!("{indent}- {}\n", text.trim_start()));
                }
                out.push('\n');
            }
            "dl" => {
                for pair in element.elements() {
                    let of = |name: &str| {
                        let named = pair.elements().filter(|one| one.name == name);
                        named.map(|one| squeezed(&self.flat(&one.children))).collect::<Vec<_>>()
                    };
                    let (terms, meanings) = (of("dt"), of("dd"));
                    say(out, format_args!("{indent}- **{}**: {}\n", terms.join(", "), meanings.join("; ")));
                }
                out.push('\n');
            }
            "table" => self.table(element, indent, out),
            "pre" => {
                let text = whole(&element.children);
                let fence = "`".repeat(longest_run(&text).max(2) + 1);
                say(out, format_args!("{indent}{fence}\n"));
                text.trim_end().lines().for_each(|line| say(out, format_args!("{indent}{line}\n")));
                say(out, format_args!("{indent}{fence}\n\n"));
            }
            "blockquote" => {
                let mut text = String::new();
                self.blocks(&element.children, "", &mut text);
                text.trim_end().lines().for_each(|line| say(out, format_args!("{indent}> {line}\n")));
                out.push('\n');
            }
            "hr" => say(out, format_args!("{indent}---\n\n")),
            _ => self.blocks(&element.children, indent, out),
        }
    }

    fn table(&self, table: &Element, indent: &str, out: &mut String) {
        let rows: Vec<Vec<String>> = descend(table, "tr")
            .map(|row| {
                let cells = row.elements().filter(|cell| cell.name == "th" || cell.name == "td");
                cells.map(|cell| squeezed(&self.flat(&cell.children))).collect()
            })
            .collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        for (at, row) in rows.iter().enumerate() {
            let cells = (0..width).map(|at| row.get(at).map_or("", String::as_str)).collect::<Vec<_>>();
            say(out, format_args!("{indent}| {} |\n", cells.join(" | ")));
            if at == 0 {
                say(out, format_args!("{indent}|{}\n", " --- |".repeat(width)));
            }
        }
        out.push('\n');
    }

    // What stands in one line: parts that stand under each other follow each other.
    fn flat(&self, nodes: &[Node]) -> String {
        let mut parts: Vec<String> = vec![String::new()];
        for node in nodes {
            match node {
                Node::Element(element) if element.name == "br" => parts.push(String::new()),
                Node::Element(element) if BLOCKS.contains(&element.name.as_str()) => {
                    parts.push(self.flat(&element.children));
                    parts.push(String::new());
                }
                node => parts.last_mut().expect("never empty").push_str(&self.inline(std::slice::from_ref(node))),
            }
        }
        parts.iter().map(|part| squeezed(part)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    fn inline(&self, nodes: &[Node]) -> String {
        let mut out = String::new();
        for node in nodes {
            let element = match node {
                Node::Text(text) => {
                    out.push_str(&escaped(text));
                    continue;
                }
                Node::Element(element) => element,
            };
            if element.has_class("away") {
                continue;
            }
            match element.name.as_str() {
                "svg" if element.attribute("role") == Some("img") => {
                    out.push_str(&escaped(element.attribute("aria-label").unwrap_or_default()));
                }
                "svg" | "script" | "style" => {}
                "br" => out.push(' '),
                "code" => out.push_str(&code(&whole(&element.children))),
                "strong" | "b" => out.push_str(&marked(&self.inline(&element.children), "**")),
                "em" | "i" => out.push_str(&marked(&self.inline(&element.children), "*")),
                "q" => say(&mut out, format_args!("“{}”", self.inline(&element.children))),
                "span" if element.has_class("v") => {
                    out.push_str(&marked(&self.inline(&element.children), "**"));
                    out.push(' ');
                }
                "img" => {
                    let of = |name| element.attribute(name).unwrap_or_default();
                    say(&mut out, format_args!("![{}]({})", escaped(of("alt")), of("src").replace(' ', "%20")));
                }
                "a" => match element.attribute("href").and_then(|href| self.address(href)) {
                    Some(address) => say(&mut out, format_args!("[{}]({address})", squeezed(&self.inline(&element.children)))),
                    None => out.push_str(&self.inline(&element.children)),
                },
                _ => out.push_str(&self.inline(&element.children)),
            }
        }
        out
    }

    // Pages are files here. An anchor is named by every generator in its own way, so that a link leads to the page alone, and a link
    // within a page says nothing. What lies beside the site, as documents do, these pages leave behind.
    fn address(&self, href: &str) -> Option<String> {
        if href.contains(':') {
            return Some(href.replace(' ', "%20").replace('(', "%28").replace(')', "%29"));
        }
        let path = href.split('#').next().unwrap_or(href);
        if path.is_empty() || path.matches("../").count() > self.depth {
            return None;
        }
        let dot = if path.starts_with('.') { "" } else { "./" };
        Some(
            path.strip_suffix(".html")
                .or(path.strip_suffix(".md"))
                .map_or_else(|| format!("{dot}{path}"), |page| format!("{dot}{page}.md")),
        )
    }
}

fn descend<'e>(element: &'e Element, name: &'e str) -> Box<dyn Iterator<Item = &'e Element> + 'e> {
    Box::new(element.elements().flat_map(
        move |child| {
            if child.name == name { Box::new(std::iter::once(child)) } else { descend(child, name) }
        },
    ))
}

fn whole(nodes: &[Node]) -> String {
    let text = |node: &Node| match node {
        Node::Text(text) => text.clone(),
        Node::Element(element) => whole(&element.children),
    };
    nodes.iter().map(text).collect()
}

fn paragraph(text: &str, indent: &str, out: &mut String) {
    let text = squeezed(text);
    if text.is_empty() {
        return;
    }
    // A beginning that would be a list, a heading or a rule.
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let text = match text.as_bytes()[digits.min(text.len() - 1)] {
        b'.' | b')' if digits > 0 => format!("{}\\{}", &text[..digits], &text[digits..]),
        b'#' | b'-' | b'+' | b'=' if digits == 0 => format!("\\{text}"),
        _ => text,
    };
    say(out, format_args!("{indent}{text}\n\n"));
}

fn say(out: &mut String, what: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(what);
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn marked(text: &str, mark: &str) -> String {
    let inside = squeezed(text);
    if inside.is_empty() { inside } else { format!("{mark}{inside}{mark}") }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>|~$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

// In a table a bar ends the cell even inside code.
fn code(text: &str) -> String {
    let text = squeezed(text).replace('|', "\\|");
    let mark = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{mark}{space}{text}{space}{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(html: &str) -> String {
        let mut out = String::new();
        Writer { depth: 1 }.blocks(&html::tree(html), "", &mut out);
        out.trim_end().to_owned()
    }

    #[test]
    fn text_says_nothing_to_a_generator() {
        assert_eq!(markdown("<p>a &#123;b&#125; &lt;c&gt; *d* `e` [f] g_h</p>"), "a \\{b\\} \\<c\\> \\*d\\* \\`e\\` \\[f\\] g\\_h");
        for (html, text) in [("<p># a</p>", "\\# a"), ("<p>- a</p>", "\\- a"), ("<p>12. a</p>", "12\\. a"), ("<p>12 a</p>", "12 a")] {
            assert_eq!(markdown(html), text);
        }
    }

    #[test]
    fn tables_and_lists_keep_their_shape() {
        let table = "<section><table class=x><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><th>a|b</th>\
                     <td>one<br><small>two</small><ul><li>three</li><li><code>f|g</code></li></ul></td></tr></tbody></table></section>";
        assert_eq!(markdown(table), "| A | B |\n| --- | --- |\n| a\\|b | one; two; three; `f\\|g` |");
        assert_eq!(markdown("<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ul>"), "- a\n- b\n\n  - c");
        assert_eq!(markdown("<dl><div><dt>A</dt><dd>b<br>c</dd></div></dl>"), "- **A**: b; c");
        assert_eq!(markdown("<pre><code>a ``` b\n  c &lt;d&gt;\n</code></pre>"), "````\na ``` b\n  c <d>\n````");
    }

    #[test]
    fn what_only_eyes_need_is_left_out_and_what_is_folded_stands_open() {
        assert_eq!(
            markdown(
                "<details><summary>More<span class=\"away\"> of it</span></summary><p><span class=\"v v-pass\"><svg><use href=\"#x\"></use></svg>Pass</span>so</p></details>"
            ),
            "**More**\n\n**Pass** so"
        );
        assert_eq!(markdown("<svg role=\"img\" aria-label=\"2 of 3\"><rect></rect></svg>"), "2 of 3");
    }

    #[test]
    fn links_lead_to_files() {
        for (href, link) in [
            ("../checks/a.html#b", "[x](../checks/a.md)"),
            ("a.html", "[x](./a.md)"),
            ("https://a.example/b.html", "[x](https://a.example/b.html)"),
            ("logo.svg", "[x](./logo.svg)"),
            // Above the top there is nothing, and an anchor is not known.
            ("../../documents/a.pdf", "x"),
            ("#b", "x"),
        ] {
            assert_eq!(markdown(&format!("<a href=\"{href}\">x</a>")), link, "{href}");
        }
    }

    #[test]
    fn what_is_not_closed_ends_with_what_is_around_it() {
        assert_eq!(markdown("<ul><li>a<b>b</ul>c"), "- a**b**\n\nc");
        assert_eq!(markdown("a < b & c <!-- d --> e"), "a \\< b & c e");
    }
}
