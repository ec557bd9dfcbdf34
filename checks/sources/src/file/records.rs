//! Records out of registers.

use std::collections::BTreeSet;
use std::path::Path;

use proofbook_checks::inventory::Reason;
use proofbook_controls::yaml;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::reading::{Read, pinned};
use super::registers::{Document, DocumentRegister, ModuleRegister, StoreRegister, Supplier, SupplierRegister};
use crate::observed::{Unread, part};

/// A record with its kind and name.
pub(super) type Record = (&'static str, String, Json);

/// The records of a register, or why there are none.
pub(super) type Records = Result<Vec<Record>, Unread>;

/// The documents of a register, each with what became of its file.
pub(super) fn documents(root: &Path, name: &str, file: &Read) -> Records {
    let register: DocumentRegister = parse(name, file)?;
    unique(register.documents.iter().map(|document| &document.name))?;
    register.documents.iter().map(|document| self::document(root, document)).collect()
}

fn document(root: &Path, document: &Document) -> Result<Record, Unread> {
    let said = [
        document.policy.as_ref().map(|said| ("Policy", content(said))),
        document.penetration_test.as_ref().map(|said| ("PenetrationTest", content(said))),
        document.assurance.as_ref().map(|said| ("Assurance", content(said))),
        document.procedure.as_ref().map(|said| ("Procedure", content(said))),
        document.agreement.as_ref().map(|said| ("Agreement", content(said))),
        document.subscription.as_ref().map(|said| ("Subscription", content(said))),
    ];
    let mut said = said.into_iter().flatten();
    let (Some((kind, mut record)), None) = (said.next(), said.next()) else {
        let detail = format!(
            "the document {} must be exactly one of policy, penetration_test, assurance, procedure, agreement and subscription",
            document.name
        );
        return Err(Unread::new(Reason::ParseError, detail));
    };
    record["superseded"] = document.superseded.into();
    record["document"] = part(pinned(root, &document.file, &document.sha256));
    Ok((kind, document.name.clone(), record))
}

/// The suppliers of a register, each with what became of its proof, and the register itself.
pub(super) fn suppliers(root: &Path, name: &str, file: &Read) -> Records {
    let register: SupplierRegister = parse(name, file)?;
    unique(register.suppliers.iter().map(|supplier| &supplier.name))?;
    let mut records: Vec<Record> = register.suppliers.iter().map(|supplier| self::supplier(root, supplier)).collect();
    let entries: Vec<Json> = register.suppliers.iter().map(content).collect();
    records.push(("Register", name.to_owned(), json!({"holds": "suppliers", "entries": entries, "sha256": file.sha256})));
    Ok(records)
}

fn supplier(root: &Path, supplier: &Supplier) -> Record {
    let mut record = content(supplier);
    if let Some(ownership) = &supplier.ownership {
        record["ownership"]["document"] = part(pinned(root, &ownership.proof.file, &ownership.proof.sha256));
    }
    ("Supplier", supplier.name.clone(), record)
}

/// The places of a register.
pub(super) fn stores(_root: &Path, name: &str, file: &Read) -> Records {
    let register: StoreRegister = parse(name, file)?;
    unique(register.stores.iter().map(|store| &store.name))?;
    Ok(register.stores.iter().map(|store| ("Store", store.name.clone(), content(store))).collect())
}

/// A register of modules, as one record: what is missing in it belongs to no entry.
pub(super) fn modules(_root: &Path, name: &str, file: &Read) -> Records {
    let register: ModuleRegister = parse(name, file)?;
    let entries: Vec<Json> = register.modules.iter().map(content).collect();
    Ok(vec![("Register", name.to_owned(), json!({"holds": "modules", "entries": entries, "sha256": file.sha256}))])
}

pub(super) fn parse<T: DeserializeOwned>(name: &str, file: &Read) -> Result<T, Unread> {
    yaml::parse(name, file.text()?).map_err(|fault| {
        let place = fault.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
        Unread::new(Reason::ParseError, format!("{name}{place}: {}", fault.message))
    })
}

fn unique<'n>(names: impl Iterator<Item = &'n String>) -> Result<(), Unread> {
    let mut known = BTreeSet::new();
    for name in names {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Unread::new(Reason::ParseError, format!("the name `{name}` has other characters than letters, digits and dashes")));
        }
        if !known.insert(name) {
            return Err(Unread::new(Reason::ParseError, format!("the name {name} stands there twice")));
        }
    }
    Ok(())
}

// What people wrote, without the members that they left out.
pub(super) fn content(said: &impl Serialize) -> Json {
    let mut json = serde_json::to_value(said).unwrap_or_default();
    drop_nulls(&mut json);
    json
}

fn drop_nulls(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
