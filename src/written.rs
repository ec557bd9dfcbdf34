//! Files that the program writes for people: well-formed, never over another, and to be committed and reviewed by them.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use proofbook_evidence::approval::{Approval, Holder};
use proofbook_evidence::exception::Person;

/// A text as YAML writes it in quotes.
pub(crate) fn quoted(text: &str) -> Result<String> {
    Ok(serde_json::to_string(text)?)
}

/// Somebody in a role, from `ROLE` or `ROLE=PERSON`: where only one person holds the role, that one.
pub(crate) fn person(approval: &Approval, text: &str, at: Timestamp) -> Result<Person> {
    if let Some((role, person_ref)) = text.split_once('=') {
        return Ok(Person { role: role.trim().to_owned(), person_ref: person_ref.trim().to_owned() });
    }
    let role = text.trim();
    let holders: Vec<&Holder> =
        approval.roles.get(role).into_iter().flat_map(|role| &role.holders).filter(|holder| holder.holds(at)).collect();
    match holders.as_slice() {
        [only] => Ok(Person { role: role.to_owned(), person_ref: only.person_ref.clone() }),
        [] => bail!("nobody holds the role `{role}` under `roles:` of the workspace; name the person as `{role}=PERSON`"),
        _ => bail!("several people hold the role `{role}`; name the one as `{role}=PERSON`"),
    }
}

/// Writes a file that is not there yet.
pub(crate) fn write_new(root: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = root.join(name);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    }
    let mut file = match std::fs::File::create_new(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} is there already, and nothing is written over it", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
    };
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}
