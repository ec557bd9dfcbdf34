//! Records of servers, roles, databases, tables and partitions.

use proofbook_checks::inventory::Reason;
use serde_json::{Map, Value as Json, json};

use super::bounds;
use super::queries::{ALWAYS, CHECKSUMS, EXTENSIONS, PARTITIONS, PASSWORDS, ROLES, RULES, SESSIONS, SETTINGS, TABLES};
use super::rules;
use super::session::{Query, Session};
use super::settings::Server;
use crate::observed::{Unread, part};

/// The parts of a server's record, with the question behind each.
pub(super) const SERVER_PARTS: [(&str, Query); 5] =
    [("settings", SETTINGS), ("rules", RULES), ("sessions", SESSIONS), ("passwords", PASSWORDS), ("checksums", CHECKSUMS)];

/// The kinds of records that are read inside each database, with the question behind each.
pub(super) const DATABASE_KINDS: [(&str, Query); 3] = [("Database", EXTENSIONS), ("Table", TABLES), ("Partitioning", PARTITIONS)];

/// A record with its kind and name.
pub(super) type Record = (&'static str, String, Json);

/// The record of a server, as far as checks read it. Without a session every part that the server would tell is unread.
pub(super) async fn server(server: &Server, session: &Result<Session, Unread>, reads: impl Fn(&str) -> bool) -> Record {
    let mut record = json!({"metadata": {"name": server.name}, "server": server.name});
    for (name, query) in SERVER_PARTS.iter().filter(|(name, _)| reads(name)) {
        let found = match session {
            Ok(session) => read(session, name, query).await,
            Err(unread) => Err(unread.clone()),
        };
        record[*name] = part(found);
    }
    if reads("storage") {
        record["storage"] = server.storage.as_ref().map_or_else(
            || json!({"namespace": "", "claims": []}),
            |storage| json!({"namespace": storage.namespace, "claims": storage.claims}),
        );
    }
    ("Server", server.name.clone(), record)
}

async fn read(session: &Session, name: &str, query: &Query) -> Result<Json, Unread> {
    match name {
        "settings" => session.rows(query).await.map(|rows| settings(&rows)),
        "rules" => {
            let rows = session.rows(query).await?;
            Ok(json!({"lines": rows.iter().map(rules::rule).collect::<Vec<Json>>()}))
        }
        "sessions" => {
            let mut counts = session.row(query).await?;
            match counts.as_object_mut().and_then(|counts| counts.remove("permitted")) {
                Some(Json::Bool(true)) => Ok(counts),
                _ => Err(Unread::new(Reason::NotPermitted, format!("sessions of others are not shown ({})", query.needs))),
            }
        }
        _ => session.row(query).await,
    }
}

// A setting that every version has and that is not shown may not be read; one of an extension is not there.
fn settings(rows: &[Json]) -> Json {
    let mut found: Map<String, Json> =
        rows.iter().filter_map(|row| Some((row["name"].as_str()?.replace('.', "_"), row["setting"].clone()))).collect();
    for name in ALWAYS {
        if !found.contains_key(name) {
            let unread = Unread::new(Reason::NotPermitted, format!("the setting {name} is not shown (pg_read_all_settings)"));
            found.insert(name.to_owned(), unread.to_json());
        }
    }
    Json::Object(found)
}

/// The login roles of a server.
pub(super) async fn roles(server: &Server, session: &Result<Session, Unread>) -> Vec<Record> {
    let rows = match session {
        Ok(session) => session.rows(&ROLES).await,
        Err(unread) => Err(unread.clone()),
    };
    let record = |row: &Json| {
        let name = row["name"].as_str().unwrap_or_default().to_owned();
        let mut record = row.clone();
        record["metadata"] = json!({"name": name, "namespace": server.name});
        record["role"] = json!(name);
        ("Role", name, record)
    };
    match rows {
        Ok(rows) => rows.iter().map(record).collect(),
        Err(unread) => vec![whole("Role", server, "(all)", &unread)],
    }
}

/// The records of one kind in one database.
pub(super) async fn in_database(
    server: &Server,
    session: &Result<Session, Unread>,
    database: &str,
    (kind, query): (&'static str, Query),
) -> Vec<Record> {
    let rows = match session {
        Ok(session) => session.rows(&query).await,
        Err(unread) => Err(unread.clone()),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(unread) if kind == "Database" => return vec![whole(kind, server, database, &unread)],
        Err(unread) => return vec![whole(kind, server, &format!("{database}.(all)"), &unread)],
    };
    if kind == "Database" {
        let record = json!({"metadata": {"name": database, "namespace": server.name}, "database": database, "extensions": rows});
        return vec![(kind, database.to_owned(), record)];
    }
    let record = |row: &Json| {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let name = format!("{database}.{}.{}", text("schema"), text("name"));
        let mut record = if kind == "Partitioning" {
            bounds::partitions(row["bounds"].as_array().map(Vec::as_slice).unwrap_or_default())
        } else {
            json!({"columns": row["columns"], "row_security": {"enabled": row["enabled"], "forced": row["forced"], "policies": row["policies"]}})
        };
        record["metadata"] = json!({"name": name, "namespace": server.name});
        record["table"] = json!(name);
        (kind, name, record)
    };
    rows.iter().map(record).collect()
}

/// What stands for records that could not be read at all.
pub(super) fn whole(kind: &'static str, server: &Server, name: &str, unread: &Unread) -> Record {
    let mut record = unread.to_json();
    record["metadata"] = json!({"name": name, "namespace": server.name});
    (kind, name.to_owned(), record)
}
