//! Resolving: from a catalog and the profiles over it to one list of controls.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, did_you_mean};

use super::Read;
use super::catalog::Picked;
use super::document::{Content, Document, Source};
use super::faults::Faults;
use super::profile::{Import, Matching, Merge, Modify, Profile, Select, YesNo, fits};

/// A chain of profiles may be this long.
const MAX_CHAIN: usize = 32;

/// What was resolved.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The controls, each once.
    pub(super) picked: Vec<Picked>,
    /// The document that the selection is of: the profile, or the catalog itself.
    pub(super) head: Rc<Source>,
    /// The documents that it came from, the head first.
    pub(super) sources: Vec<Rc<Source>>,
    /// What was passed over.
    pub(super) warnings: Vec<String>,
}

/// Resolves a document, or the profile that selects from it.
pub(super) fn resolve(file: &Path, profile: Option<&Path>, read: Read<'_>) -> Result<Resolved, Diagnostics> {
    let mut resolver = Resolver {
        read,
        given: None,
        given_used: false,
        done: BTreeMap::new(),
        chain: Vec::new(),
        sources: Vec::new(),
        faults: Faults::default(),
        warnings: Vec::new(),
    };
    let file = normalised(file);
    let given = resolver.needed(&file);
    let mut top = given.clone();
    if let (Some(given), Some(profile)) = (given, profile) {
        resolver.given = Some(given);
        top = resolver.needed(&normalised(profile));
        resolver.profile_of_given(profile, top.as_ref());
    }
    let Some(top) = top else {
        return resolver.faults.into_result(()).and_then(|()| Err(Diagnostics::default()));
    };
    if top.picked.is_empty() {
        let pointer = if top.is_profile { "/profile/imports" } else { "/catalog" };
        let message = "expected controls, found none".to_owned();
        resolver.faults.add("empty", &top.source, pointer, message, "name a catalog with controls, or a profile that selects some");
    }
    // The head comes first; what it is made from was read before or after it.
    let mut sources = vec![Rc::clone(&top.source)];
    sources.extend(resolver.sources.into_iter().filter(|source| !Rc::ptr_eq(source, &top.source)));
    let head = Rc::clone(&top.source);
    let resolved = Resolved { picked: top.picked.clone(), head, sources, warnings: resolver.warnings };
    resolver.faults.into_result(resolved)
}

/// A document that was resolved.
#[derive(Debug)]
struct Done {
    source: Rc<Source>,
    is_profile: bool,
    picked: Vec<Picked>,
}

/// A fault was found and told.
struct Told;

struct Resolver<'r> {
    read: Read<'r>,
    // The file that a profile selects from, and whether it does.
    given: Option<Rc<Done>>,
    given_used: bool,
    // Each document is read once, however often it is imported.
    done: BTreeMap<PathBuf, Rc<Done>>,
    // Profiles that are being resolved, outermost first.
    chain: Vec<PathBuf>,
    sources: Vec<Rc<Source>>,
    faults: Faults,
    warnings: Vec<String>,
}

impl Resolver<'_> {
    // A document that must be there.
    fn needed(&mut self, path: &Path) -> Option<Rc<Done>> {
        let found = self.load(path);
        if let Ok(None) = found {
            let message = "expected a document of OSCAL, found no file".to_owned();
            self.faults.push(Diagnostic::new("missing", path.display().to_string(), message).help("name a file that exists"));
        }
        found.ok().flatten()
    }

    // A document, resolved; `None` where there is no file.
    fn load(&mut self, path: &Path) -> Result<Option<Rc<Done>>, Told> {
        if let Some(done) = self.done.get(path) {
            return Ok(Some(Rc::clone(done)));
        }
        let document = match Document::read(path, self.read) {
            Ok(Some(document)) => document,
            Ok(None) => return Ok(None),
            Err(fault) => {
                self.faults.push(fault);
                return Err(Told);
            }
        };
        let source = document.source;
        self.sources.push(Rc::clone(&source));
        let (is_profile, picked) = match document.content {
            Content::Catalog(catalog) => {
                let flat = catalog.flatten(&source, &mut self.faults);
                if flat.params > 0 {
                    self.warnings.push(format!("{}: ignored: `params`, {} in all", source.name, flat.params));
                }
                (false, flat.picked)
            }
            Content::Profile(profile) => {
                self.chain.push(path.to_path_buf());
                let picked = self.profile(&source, &profile);
                self.chain.pop();
                (true, picked)
            }
        };
        let done = Rc::new(Done { source, is_profile, picked });
        self.done.insert(path.to_path_buf(), Rc::clone(&done));
        Ok(Some(done))
    }

    fn profile(&mut self, source: &Rc<Source>, profile: &Profile) -> Vec<Picked> {
        let mut picked = Vec::new();
        for (at, import) in profile.imports.iter().enumerate() {
            let pointer = format!("/profile/imports/{at}");
            if let Ok(target) = self.target(source, profile, import, &pointer) {
                let selected = self.select(source, import, &pointer, &target);
                picked.extend(selected.into_iter().map(|one| (at, one)));
            }
        }
        self.ignored(source, &profile.modify);
        self.merge(source, &profile.merge, picked)
    }

    // The document that an import names. Only local files are read; where the name is not that of one, it may be that of the
    // given file.
    fn target(&mut self, source: &Rc<Source>, profile: &Profile, import: &Import, pointer: &str) -> Result<Rc<Done>, Told> {
        let pointer = format!("{pointer}/href");
        let hrefs: Vec<&str> = match import.href.strip_prefix('#') {
            None => vec![&import.href],
            Some(uuid) => {
                let resource = profile.back_matter.resources.iter().find(|resource| resource.uuid.eq_ignore_ascii_case(uuid));
                resource.map(|resource| resource.rlinks.iter().map(|link| &*link.href).collect()).unwrap_or_default()
            }
        };
        let folder = source.path.parent().unwrap_or(Path::new(""));
        let local = hrefs.iter().filter(|href| !is_address(href)).map(|href| normalised(&folder.join(plain(href))));
        // OSCAL as XML is not read; most publishers offer the same document as JSON beside it.
        let (xml, readable): (Vec<_>, Vec<_>) = local.partition(|path| path.extension().is_some_and(|ending| ending == "xml"));
        let beside = xml.iter().flat_map(|path| ["json", "yaml"].map(|ending| path.with_extension(ending)));
        for path in readable.into_iter().chain(beside) {
            if let Some(found) = self.import(source, &pointer, &path)? {
                return Ok(found);
            }
        }
        let stem = |href: &str| Path::new(&plain(href)).file_stem().map(ToOwned::to_owned);
        if let Some(given) = self.given.clone()
            && hrefs.iter().any(|href| stem(href).as_deref() == given.source.path.file_stem())
        {
            self.given_used = true;
            return Ok(given);
        }
        for path in xml {
            if let Some(found) = self.import(source, &pointer, &path)? {
                return Ok(found);
            }
        }
        let (found, help) = match hrefs.as_slice() {
            [] => {
                (format!("`{}`, which is no resource with an `rlinks`", import.href), "name the catalog by a path relative to the profile")
            }
            all if all.iter().any(|href| is_address(href)) => (
                format!("`{}`", all.join("`, `")),
                "nothing is fetched: save the document under its name beside the profile, or name it as the file to import",
            ),
            all => (format!("no file `{}`", all.join("`, `")), "put it there, or name it as the file to import, under the same name"),
        };
        self.faults.add("import", source, &pointer, format!("expected the path of a catalog or profile, found {found}"), help);
        Err(Told)
    }

    // The document at a path that an import names; `None` where there is no file.
    fn import(&mut self, source: &Rc<Source>, pointer: &str, path: &Path) -> Result<Option<Rc<Done>>, Told> {
        if let Some(at) = self.chain.iter().position(|one| one == path) {
            let names = self.chain[at..].iter().chain([&self.chain[at]]).map(|path| path.display().to_string());
            let message =
                format!("expected profiles that end in catalogs, found a circle: {}", names.collect::<Vec<_>>().join(" imports "));
            self.faults.add("circle", source, pointer, message, "remove one of these imports");
            return Err(Told);
        }
        if self.chain.len() >= MAX_CHAIN {
            let message = format!("expected at most {MAX_CHAIN} profiles one over the other, found more");
            self.faults.add("circle", source, pointer, message, "import the catalog itself further up");
            return Err(Told);
        }
        let found = self.load(path)?;
        // A copy of the given file under another path is the given file.
        if let (Some(found), Some(given)) = (&found, &self.given) {
            self.given_used |= found.source.is_copy_of(&given.source);
        }
        Ok(found)
    }

    fn profile_of_given(&mut self, path: &Path, top: Option<&Rc<Done>>) {
        let Some((top, given)) = top.zip(self.given.clone()) else { return };
        if !top.is_profile {
            let message = "expected a profile, found a catalog".to_owned();
            self.faults.add("kind", &top.source, "/catalog", message, "name the catalog as the file to import, without `--profile`");
        } else if !self.given_used {
            let message = format!("expected a profile that imports {}, found one that does not", given.source.name);
            let help = format!("name the catalog that it imports, or import {} alone if all it imports lies beside it", path.display());
            self.faults.add("import", &top.source, "/profile/imports", message, help);
        }
    }

    fn select(&mut self, source: &Rc<Source>, import: &Import, pointer: &str, target: &Done) -> Vec<Picked> {
        let all = &target.picked;
        let included = match (&import.include_all, &import.include_controls) {
            (None, Some(selects)) => Some(self.ids(source, selects, &format!("{pointer}/include-controls"), target, true)),
            (Some(_), None) => None,
            (None, None) => {
                let message = format!("{}: the import of `{}` names no controls and is read as `include-all`", source.name, import.href);
                self.warnings.push(message);
                None
            }
            (Some(_), Some(_)) => {
                let message = "expected `include-all` or `include-controls`, found both".to_owned();
                self.faults.add("select", source, pointer, message, "remove one of the two");
                None
            }
        };
        let excluded = self.ids(source, &import.exclude_controls, &format!("{pointer}/exclude-controls"), target, false);
        let kept = all.iter().filter(|picked| {
            let id = picked.entry.id.as_str();
            included.as_ref().is_none_or(|ids| ids.contains(id)) && !excluded.contains(id)
        });
        kept.cloned().collect()
    }

    fn ids<'t>(&mut self, source: &Rc<Source>, selects: &[Select], pointer: &str, target: &'t Done, include: bool) -> BTreeSet<&'t str> {
        let all = || target.picked.iter().map(|picked| &*picked.entry);
        let known: BTreeSet<&str> = if selects.is_empty() { BTreeSet::new() } else { all().map(|entry| &*entry.id).collect() };
        let mut out = BTreeSet::new();
        for (at, select) in selects.iter().enumerate() {
            let mut named = BTreeSet::new();
            for (n, id) in select.with_ids.iter().enumerate() {
                match known.get(id.as_str()) {
                    Some(id) => _ = named.insert(*id),
                    // What nobody has cannot be left in by mistake; what is asked for and missing would be lost without a word.
                    None if !include => self.warnings.push(format!("{}: `{id}` is excluded and not there", source.name)),
                    None => {
                        let message = format!("expected a control of {}, found `{id}`", target.source.name);
                        let help = did_you_mean(id, known.iter().copied(), "name a control by its `id`, or leave it out");
                        self.faults.add("unknown-control", source, &format!("{pointer}/{at}/with-ids/{n}"), message, help);
                    }
                }
            }
            for Matching { pattern } in &select.matching {
                let before = named.len();
                named.extend(known.iter().copied().filter(|id| fits(pattern, id)));
                if named.len() == before && !known.iter().any(|id| fits(pattern, id)) {
                    self.warnings.push(format!("{}: no control fits the pattern `{pattern}`", source.name));
                }
            }
            if select.with_child_controls == YesNo::Yes {
                let children = all().filter(|entry| entry.ancestors.iter().any(|above| named.contains(above.as_str())));
                let children: Vec<&str> = children.map(|entry| &*entry.id).collect();
                named.extend(children);
            }
            out.append(&mut named);
        }
        out
    }

    fn merge(&mut self, source: &Rc<Source>, merge: &Merge, picked: Vec<(usize, Picked)>) -> Vec<Picked> {
        if merge.custom.is_some() {
            let message = "expected `as-is` or `flat`, found `custom`".to_owned();
            let help = "resolve the profile with a tool that reads `custom`, and import the catalog that it makes";
            self.faults.add("merge", source, "/profile/merge/custom", message, help);
        }
        let mut once: BTreeMap<String, Picked> = BTreeMap::new();
        let mut out = Vec::new();
        let mut passed = Vec::new();
        for (at, one) in picked {
            let entry = &one.entry;
            match once.get(&entry.id) {
                Some(first) if Rc::ptr_eq(&first.entry, entry) => continue,
                Some(_) if merge.combine.method.as_deref() == Some("use-first") => {
                    passed.push(entry.id.clone());
                    continue;
                }
                Some(first) => {
                    let (first, second) = (&first.entry.source.name, &entry.source.name);
                    let message = format!("expected each control once, found `{}` in {first} and in {second}", entry.id);
                    let help = "exclude it from one of the imports, or set `merge.combine.method` to `use-first`";
                    self.faults.add("duplicate-id", source, &format!("/profile/imports/{at}"), message, help);
                }
                None => _ = once.insert(entry.id.clone(), one.clone()),
            }
            // Sections are kept as they are only where the profile says so; otherwise it wants one list.
            out.push(if merge.as_is { one } else { Picked { section: None, ..one } });
        }
        if !passed.is_empty() {
            self.warnings.push(format!("{}: `use-first` passed over later controls: {}", source.name, named(&passed)));
        }
        out
    }

    fn ignored(&mut self, source: &Rc<Source>, modify: &Modify) {
        let parameters: Vec<String> = modify.set_parameters.iter().map(|set| set.param_id.clone()).collect();
        let alters: Vec<String> = modify.alters.iter().map(|alter| alter.control_id.clone()).collect();
        for (what, names) in [("set-parameters", parameters), ("alters", alters)] {
            if !names.is_empty() {
                self.warnings.push(format!("{}: ignored: `modify.{what}` of {}", source.name, named(&names)));
            }
        }
    }
}

/// Names in a row; of many, the first and how many more.
pub(super) fn named(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

// `https://...` is an address, `folder/file.json` a path.
fn is_address(href: &str) -> bool {
    let scheme = href.split(['/', '?', '#']).next().unwrap_or_default().split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))
}

// The path of a reference: without a fragment, and with what was escaped for a URI.
fn plain(href: &str) -> String {
    let path = href.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

// `a/../b` and `./b` are `b`.
fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => _ = out.pop(),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_paths() {
        assert_eq!(plain("a%20b/c.json#x"), "a b/c.json");
        assert_eq!(plain("100%.json"), "100%.json");
        assert_eq!(normalised(Path::new("./a/../b/./c")), Path::new("b/c"));
        assert_eq!(normalised(Path::new("../../a")), Path::new("../../a"));
        for address in ["https://example.com/a.json", "file:///a.json", "urn:x", "C:\\a.json"] {
            assert!(is_address(address), "{address}");
        }
        for path in ["a.json", "../a.json", "/a.json", "a/b:c.json"] {
            assert!(!is_address(path), "{path}");
        }
    }
}
