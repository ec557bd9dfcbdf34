//! Which rights reading a PostgreSQL server takes, the role that has them, and what a role may do besides.
//!
//! Most of what is asked every role may see, and every role may begin a session with the database that it names. Names of rights
//! are those of `GRANT`. A privilege that a needed role brings with it is no surplus.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proofbook_checks::inventory::Wanted;
use proofbook_checks::mask::Mask;
use serde_json::Value as Json;

use super::queries::HIDDEN;
use super::records::DATABASE_KINDS;
use super::session::{Log, Query, Session};
use super::settings::Server;
use super::wants;
use crate::observed::Unread;
use crate::rights::{Comparison, Platform, Right};

/// Shows the settings that are hidden from others.
const SETTINGS: &str = "pg_read_all_settings";
/// Shows the addresses of other sessions.
const STATS: &str = "pg_read_all_stats";
/// Roles of PostgreSQL that read and do nothing else; whatever other role there is now or to come may do more.
const READING: [&str; 5] = ["pg_monitor", SETTINGS, STATS, "pg_stat_scan_tables", "pg_read_all_data"];
const RULES: &str = "SELECT ON pg_hba_file_rules";
const RULES_FUNCTION: &str = "EXECUTE ON FUNCTION pg_hba_file_rules()";
const HASHES: &str = "SELECT ON pg_authid";
const CONNECT: &str = "CONNECT ON DATABASE";

/// So many names of a long list are told.
const NAMED: usize = 3;

/// The rights that reading takes.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let wants = wants(wanted);
    let mut out = Vec::new();
    if wants.is_empty() {
        return out;
    }
    let server = wants.get("Server");
    let part = |name: &str| server.filter(|mask| mask.covers(name));
    let reads = |mask: &Mask, key: &str| mask.whole || mask.child("settings").is_some_and(|settings| settings.covers(key));
    if server.is_some_and(|mask| HIDDEN.iter().any(|key| reads(mask, key))) {
        out.push(Right::new(SETTINGS, "which libraries are loaded, and the lowest version of TLS"));
    }
    if part("sessions").is_some() {
        out.push(Right::new(STATS, "how many sessions of others are encrypted"));
    }
    if part("rules").is_some() {
        out.push(Right::new(RULES, "the rules of authentication"));
        out.push(Right::new(RULES_FUNCTION, "the rules of authentication"));
    }
    if part("passwords").is_some() {
        out.push(
            Right::new(HASHES, "how many passwords lie under which kind of hash")
                .warning("it shows the hashes of all passwords to the account; Proofbook counts them and reads none"),
        );
    }
    if looks_inside(wanted) {
        out.push(Right::new(CONNECT, "what lies in each database"));
    }
    out
}

// Whether databases are looked into, besides the one that the session is with.
fn looks_inside(wanted: &Wanted) -> bool {
    wants(wanted).keys().any(|kind| DATABASE_KINDS.iter().any(|(known, _)| known == kind))
}

/// The SQL that makes a role with the needed rights and no others. `databases` are those that are looked into; where none is
/// named, PostgreSQL lets every role connect to each.
#[must_use]
pub fn role(wanted: &Wanted, role: &str, databases: &BTreeSet<String>) -> String {
    let name = quoted(role);
    let mut sql = format!(
        "CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS\n\
         \x20 CONNECTION LIMIT 4;  -- set a password: \\password {name}\n\
         ALTER ROLE {name} SET default_transaction_read_only = on;\n"
    );
    for right in Platform::Postgres.rights(wanted) {
        if let Some(warning) = right.warning {
            let _ = writeln!(sql, "-- Warning: {warning}.\n-- Leave the next line out, and exclude what needs it, where that is too much.");
        }
        if right.name == CONNECT {
            if databases.is_empty() {
                sql +=
                    "-- Every role may connect to each database; where that was revoked, grant it:\n-- GRANT CONNECT ON DATABASE ... TO ";
                let _ = writeln!(sql, "{name};");
            }
            for database in databases {
                let _ = writeln!(sql, "GRANT CONNECT ON DATABASE {} TO {name};", quoted(database));
            }
        } else {
            let _ = writeln!(sql, "GRANT {} TO {name};  -- {}", right.name, right.why);
        }
    }
    sql
}

// As an identifier, also where the word means something to SQL; quotes within it are doubled.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the role is, and whether it has each right that may be needed.
const ROLE: Query = Query {
    name: "role",
    sql: "SELECT current_user AS name, r.rolsuper AS superuser, r.rolcreaterole AS creates_roles, r.rolcreatedb AS creates_databases, \
          r.rolbypassrls AS bypasses_row_security, r.rolreplication AS replicates, \
          (SELECT coalesce(json_agg(m.rolname ORDER BY m.rolname), '[]') FROM pg_roles m \
          WHERE m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')) AS member_of, \
          has_table_privilege('pg_hba_file_rules', 'SELECT') AS rules, \
          has_function_privilege('pg_hba_file_rules()', 'EXECUTE') AS rules_function, \
          has_any_column_privilege('pg_authid', 'SELECT') AS hashes \
          FROM pg_roles r WHERE r.rolname = current_user",
    needs: "any role",
};

/// What of a database the role may create in, owns, changes, or sees although not everybody does. Views of the system that a
/// needed role brings with it are left out.
const DATABASE: Query = Query {
    name: "privileges",
    sql: "SELECT 'CREATE in the database' AS may, true AS grave, current_database()::text AS name \
          WHERE has_database_privilege(current_database(), 'CREATE') \
          UNION ALL SELECT 'CREATE in schemas', true, n.nspname FROM pg_namespace n \
          WHERE n.nspname !~ '^pg_temp' AND n.nspname !~ '^pg_toast' AND has_schema_privilege(n.oid, 'CREATE') \
          UNION ALL SELECT 'ownership of relations', true, n.nspname || '.' || c.relname FROM pg_class c \
          JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
          AND pg_has_role(c.relowner, 'USAGE') \
          UNION ALL SELECT 'INSERT, UPDATE, DELETE or TRUNCATE on relations', true, n.nspname || '.' || c.relname FROM pg_class c \
          JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
          AND n.nspname <> 'information_schema' AND NOT (n.nspname = 'pg_catalog' AND c.relname = 'pg_settings') \
          AND (has_any_column_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'UPDATE') \
          OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')) \
          UNION ALL SELECT 'SELECT on relations of users', false, n.nspname || '.' || c.relname FROM pg_class c \
          JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND has_any_column_privilege(c.oid, 'SELECT') \
          UNION ALL SELECT 'SELECT on relations of the system', true, c.relname FROM pg_class c \
          WHERE c.relkind IN ('r', 'v') AND c.relnamespace = 'pg_catalog'::regnamespace \
          AND c.relname NOT IN ('pg_authid', 'pg_hba_file_rules') \
          AND has_table_privilege(c.oid, 'SELECT') AND NOT has_table_privilege('public', c.oid, 'SELECT') \
          AND NOT has_table_privilege('pg_read_all_settings', c.oid, 'SELECT') AND NOT has_table_privilege('pg_read_all_stats', c.oid, 'SELECT')",
    needs: "any role",
};

/// Compares what a role has on its server with what is needed.
pub(super) async fn compare(server: &Server, wanted: &Wanted) -> Comparison {
    let mut found = Comparison::new(Platform::Postgres, &server.name);
    let needed: BTreeSet<String> = needed(wanted).into_iter().map(|right| right.name).collect();
    let log = Log::default();
    let session = Session::open(server, &server.database, &log).await;
    let role = match &session {
        Ok(session) => session.row(&ROLE).await,
        Err(unread) => Err(unread.clone()),
    };
    let role = match role {
        Ok(role) => role,
        Err(unread) => {
            found.unknown.push(format!("the server cannot be asked: {unread}"));
            return found;
        }
    };
    role["name"].as_str().unwrap_or_default().clone_into(&mut found.account);
    let has = |key: &str| role[key] == true;
    let superuser = has("superuser");
    for (flag, name) in [
        ("superuser", "SUPERUSER, which holds every other right"),
        ("creates_roles", "CREATEROLE"),
        ("creates_databases", "CREATEDB"),
        ("bypasses_row_security", "BYPASSRLS"),
        ("replicates", "REPLICATION"),
    ] {
        if has(flag) {
            found.more(name, true);
        }
    }
    let member_of: BTreeSet<&str> = role["member_of"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let privileges = [(RULES, has("rules")), (RULES_FUNCTION, has("rules_function")), (HASHES, has("hashes"))];
    for (name, held) in [SETTINGS, STATS].map(|name| (name, superuser || member_of.contains(name))).into_iter().chain(privileges) {
        match (needed.contains(name), held) {
            (true, held) => found.note(name, held),
            (false, true) if !superuser => found.more(name, name == HASHES),
            (false, _) => {}
        }
    }
    // A superuser is a member of all.
    for name in member_of.iter().filter(|name| !superuser && ![SETTINGS, STATS].contains(*name)) {
        found.more(format!("membership in {name}"), !READING.contains(name));
    }
    let inside = looks_inside(wanted);
    let databases = if inside { super::databases(server, &session).await } else { Ok(vec![server.database.clone()]) };
    match databases {
        Ok(databases) => {
            for database in databases {
                in_database(server, &database, inside, superuser, &mut found).await;
            }
        }
        Err(unread) => found.unknown.push(format!("which databases there are: {unread}")),
    }
    found.sorted()
}

async fn in_database(server: &Server, database: &str, needed: bool, superuser: bool, found: &mut Comparison) {
    let right = format!("{CONNECT} {database}");
    let told = async {
        let session = Session::open(server, database, &Log::default()).await?;
        session.rows(&DATABASE).await
    };
    match told.await {
        Ok(rows) => {
            if needed {
                found.note(right, true);
            }
            if superuser {
                return;
            }
            let mut kinds: Vec<&str> = rows.iter().filter_map(|row| row["may"].as_str()).collect();
            kinds.dedup();
            for may in kinds {
                let of = || rows.iter().filter(|row| row["may"] == may);
                let names: Vec<&str> = of().filter_map(|row| row["name"].as_str()).collect();
                let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
                let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
                found.more(format!("{may} of {database}: {shown}{more}"), of().any(|row| row["grave"] == true));
            }
        }
        Err(Unread { reason: proofbook_checks::Reason::NotPermitted, .. }) => found.note(right, false),
        Err(unread) => found.unknown.push(format!("the rights in the database {database}: {unread}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("user"), "\"user\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
