//! HTML as a tree: as much of it as templates and writers of Markdown use. What is not closed ends with what is around it.

/// A piece of a page.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Element(Element),
}

/// An element with its attributes.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split(' ').any(|own| own == class))
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }
}

const VOID: [&str; 8] = ["br", "hr", "img", "rect", "path", "use", "circle", "input"];

/// Reads a fragment.
pub(super) fn tree(html: &str) -> Vec<Node> {
    let mut open = vec![Element { name: String::new(), attributes: Vec::new(), children: Vec::new() }];
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push(&mut open, Node::Text(decoded(&rest[..at])));
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()) {
            push(&mut open, Node::Text("<".to_owned()));
            rest = &rest[1..];
            continue;
        }
        let end = end_of_tag(rest);
        let tag = &rest[1..end.saturating_sub(1).max(1)];
        rest = &rest[end..];
        if let Some(name) = tag.strip_prefix('/') {
            let name = name.trim();
            if open.iter().skip(1).any(|element| element.name == name) {
                while let Some(closed) = (open.len() > 1).then(|| open.pop()).flatten() {
                    let was = closed.name == name;
                    push(&mut open, Node::Element(closed));
                    if was {
                        break;
                    }
                }
            }
            continue;
        }
        let (name, attributes) = read(tag.trim_end_matches('/'));
        let element = Element { name, attributes, children: Vec::new() };
        if tag.ends_with('/') || VOID.contains(&element.name.as_str()) {
            push(&mut open, Node::Element(element));
        } else {
            open.push(element);
        }
    }
    push(&mut open, Node::Text(decoded(rest)));
    while open.len() > 1 {
        let closed = open.pop().map(Node::Element);
        closed.into_iter().for_each(|node| push(&mut open, node));
    }
    open.pop().map(|root| root.children).unwrap_or_default()
}

fn push(open: &mut [Element], node: Node) {
    let empty = matches!(&node, Node::Text(text) if text.is_empty());
    if let Some(parent) = open.last_mut().filter(|_| !empty) {
        parent.children.push(node);
    }
}

// After the `>` that is not inside quotes.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(mark) if c == mark => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '>' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn read(tag: &str) -> (String, Vec<(String, String)>) {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some((key, value)) = rest.split_once('=') else { break };
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        // What stands before it without a value is passed over.
        let key = key.rsplit(char::is_whitespace).next().unwrap_or(key);
        attributes.push((key.to_owned(), decoded(value)));
        rest = after;
    }
    (name.to_ascii_lowercase(), attributes)
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest[1..].split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        let (c, after) = known.unwrap_or(('&', &rest[1..]));
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "amp" => Some('&'),
        "nbsp" => Some(' '),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = digits.strip_prefix(['x', 'X']).map_or_else(|| digits.parse(), |hex| u32::from_str_radix(hex, 16));
            char::from_u32(code.ok()?)
        }
    }
}
