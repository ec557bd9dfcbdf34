//! The catalog model of OSCAL, as far as it is read: groups and controls with their titles, labels, statements and ends.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{Metadata, Source};
use super::faults::Faults;

/// A catalog.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Catalog {
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    pub(super) metadata: Metadata,
    #[serde(default)]
    params: Vec<IgnoredAny>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    controls: Vec<Control>,
    #[serde(rename = "back-matter")]
    _back_matter: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    id: Option<String>,
    #[serde(rename = "class")]
    _class: Option<IgnoredAny>,
    title: String,
    #[serde(default)]
    params: Vec<IgnoredAny>,
    #[serde(rename = "props")]
    _props: Option<IgnoredAny>,
    #[serde(rename = "links")]
    _links: Option<IgnoredAny>,
    #[serde(rename = "parts")]
    _parts: Option<IgnoredAny>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    id: String,
    #[serde(rename = "class")]
    _class: Option<IgnoredAny>,
    title: String,
    #[serde(default)]
    params: Vec<IgnoredAny>,
    #[serde(default)]
    props: Vec<Prop>,
    #[serde(default)]
    links: Vec<Link>,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Debug, Deserialize)]
struct Prop {
    name: String,
    value: String,
    class: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: String,
    rel: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    name: String,
    #[serde(default)]
    props: Vec<Prop>,
    #[serde(default)]
    prose: String,
    #[serde(default)]
    parts: Vec<Part>,
}

/// One control of a catalog, with what it inherits from its place in it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The document that it stands in.
    pub(super) source: Rc<Source>,
    /// Where in it.
    pub(super) pointer: String,
    /// The id.
    pub(super) id: String,
    /// The id that people know, where one is given.
    pub(super) label: Option<String>,
    pub(super) title: String,
    /// The prose of its statement, in one line.
    pub(super) statement: String,
    pub(super) withdrawn: bool,
    /// Ids of what took its place: of controls, or of parts of controls.
    pub(super) successors: Vec<String>,
    /// Ids of the controls that it is nested in, outermost first.
    pub(super) ancestors: Rc<Vec<String>>,
}

/// A section of a catalog: a group that holds controls itself.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) title: String,
}

/// A control that was selected, with the section that it is shown in.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    pub(super) entry: Rc<Entry>,
    pub(super) section: Option<Rc<Section>>,
}

/// What a catalog comes to.
#[derive(Debug)]
pub(super) struct Flat {
    /// The controls, in the order of the document.
    pub(super) picked: Vec<Picked>,
    /// How many parameters were passed over.
    pub(super) params: usize,
}

impl Catalog {
    /// The controls one after the other.
    pub(super) fn flatten(self, source: &Rc<Source>, faults: &mut Faults) -> Flat {
        let mut walk = Walk { source, picked: Vec::new(), params: self.params.len() };
        let none = Rc::new(Vec::new());
        walk.groups(self.groups, "/catalog", "");
        walk.controls(self.controls, "/catalog", None, &none);
        let mut once: BTreeMap<&str, &str> = BTreeMap::new();
        for Entry { id, pointer, .. } in walk.picked.iter().map(|picked| &*picked.entry) {
            if let Some(first) = once.insert(id, pointer) {
                let message = format!("expected each control once, found the id `{id}` again (first at {first}/id)");
                faults.add("duplicate-id", source, &format!("{pointer}/id"), message, "give one of the two another id");
            }
        }
        Flat { picked: walk.picked, params: walk.params }
    }
}

struct Walk<'w> {
    source: &'w Rc<Source>,
    picked: Vec<Picked>,
    params: usize,
}

impl Walk<'_> {
    fn groups(&mut self, groups: Vec<Group>, parent: &str, above: &str) {
        for (at, group) in groups.into_iter().enumerate() {
            let pointer = format!("{parent}/groups/{at}");
            let own = one_line(&group.title);
            let title = if above.is_empty() { own } else { format!("{above}: {own}") };
            self.params += group.params.len();
            self.groups(group.groups, &pointer, &title);
            let id = group.id.unwrap_or_else(|| slug(&title));
            let section = Rc::new(Section { id, title });
            self.controls(group.controls, &pointer, Some(&section), &Rc::new(Vec::new()));
        }
    }

    fn controls(&mut self, controls: Vec<Control>, parent: &str, section: Option<&Rc<Section>>, ancestors: &Rc<Vec<String>>) {
        for (at, control) in controls.into_iter().enumerate() {
            let pointer = format!("{parent}/controls/{at}");
            self.params += control.params.len();
            let id = control.id.clone();
            let entry = Entry {
                source: Rc::clone(self.source),
                pointer: pointer.clone(),
                label: label(&control),
                title: one_line(&control.title),
                statement: statement(&control.parts),
                withdrawn: control.props.iter().any(|prop| prop.name == "status" && prop.value.eq_ignore_ascii_case("withdrawn")),
                successors: successors(&control.links),
                ancestors: Rc::clone(ancestors),
                id: control.id,
            };
            self.picked.push(Picked { entry: Rc::new(entry), section: section.cloned() });
            if !control.controls.is_empty() {
                let mut inner = ancestors.as_ref().clone();
                inner.push(id);
                self.controls(control.controls, &pointer, section, &Rc::new(inner));
            }
        }
    }
}

// A control may have several labels, such as one with padded numbers for sorting: the plain one is what people know.
fn label(control: &Control) -> Option<String> {
    let labels = || control.props.iter().filter(|prop| prop.name == "label");
    let plain = labels().find(|prop| prop.class.is_none());
    let padded = |prop: &&Prop| prop.class.as_deref().is_some_and(|class| class == "zero-padded" || class == "sp800-53a");
    let label = plain.or_else(|| labels().find(|prop| !padded(prop))).or_else(|| labels().next())?;
    let label = one_line(&label.value);
    // Some catalogs label a control with its title, and the id in brackets behind it.
    let in_brackets = label.strip_prefix(&*one_line(&control.title)).and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
    // `AC-2 (1)` and `AC-2(1)` are the same id.
    Some(in_brackets.map_or_else(|| label.replace(" (", "("), str::to_owned))
}

fn successors(links: &[Link]) -> Vec<String> {
    // Some catalogs write `incorporated_into`, and the id without its `#`.
    let is_end = |rel: &str| matches!(rel.replace('_', "-").as_str(), "incorporated-into" | "moved-to");
    let ends = links.iter().filter(|link| link.rel.as_deref().is_some_and(is_end));
    ends.map(|link| link.href.trim_start_matches('#').to_owned()).collect()
}

fn statement(parts: &[Part]) -> String {
    let mut out = Vec::new();
    for part in parts.iter().filter(|part| part.name == "statement") {
        prose(part, &mut out);
    }
    out.join(" ")
}

fn prose(part: &Part, out: &mut Vec<String>) {
    let label = part.props.iter().find(|prop| prop.name == "label").map(|prop| one_line(&prop.value));
    let text = without_insertions(&one_line(&part.prose));
    if !text.is_empty() {
        out.extend(label.filter(|_| part.name == "item"));
        out.push(text);
    }
    part.parts.iter().for_each(|part| prose(part, out));
}

// Parameters are not read: `{{ insert: param, ac-1_prm_1 }}` becomes `[ac-1_prm_1]`.
fn without_insertions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((insertion, behind)) = after.split_once("}}") else { break };
        let name = insertion.rsplit([',', ':']).next().unwrap_or_default().trim();
        out.extend([before, "[", name, "]"]);
        rest = behind;
    }
    out + rest
}

/// A text in one line, without characters that steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(title: &str, props: &str) -> Option<String> {
        let text = format!(r#"{{"id": "x", "title": "{title}", "props": {props}}}"#);
        label(&serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn the_label_is_the_one_that_people_know() {
        let label = |value: &str, class: &str| format!(r#"{{"name": "label", "value": "{value}", "class": "{class}"}}"#);
        let plain = r#"{"name": "label", "value": "AC-2(1)"}"#;
        assert_eq!(labelled("T", "[]"), None);
        assert_eq!(labelled("T", &format!("[{}, {plain}]", label("AC-02(01)", "zero-padded"))).as_deref(), Some("AC-2(1)"));
        let classes = format!("[{}, {}]", label("AC-02", "sp800-53a"), label("AC-2 (1)", "sp800-53"));
        assert_eq!(labelled("T", &classes).as_deref(), Some("AC-2(1)"));
        assert_eq!(labelled("Org Context", r#"[{"name": "label", "value": "Org Context (GV.OC)"}]"#).as_deref(), Some("GV.OC"));
    }

    #[test]
    fn what_took_the_place_of_a_control() {
        let links = r##"[
            {"href": "#ac-2_smt.k", "rel": "incorporated-into"}, {"href": "#at-2.4", "rel": "moved-to"}, {"href": "#x", "rel": "related"},
            {"href": "PR.AT-01", "rel": "incorporated_into"}, {"href": "#y"}]"##;
        let links: Vec<Link> = serde_json::from_str(links).unwrap();
        assert_eq!(successors(&links), ["ac-2_smt.k", "at-2.4", "PR.AT-01"]);
    }

    #[test]
    fn prose_is_one_line_with_its_items() {
        let parts = r#"[
            {"name": "guidance", "prose": "not this"},
            {"name": "statement", "prose": "The organization:\n", "parts": [
                {"name": "item", "props": [{"name": "label", "value": "a."}], "prose": "does {{ insert: param, p_1 }};"},
                {"name": "item", "prose": "and {{ more"}]}]"#;
        let parts: Vec<Part> = serde_json::from_str(parts).unwrap();
        assert_eq!(statement(&parts), "The organization: a. does [p_1]; and {{ more");
    }
}
