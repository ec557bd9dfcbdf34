//! What is asked of a server, as SQL. Catalogs and settings only: no table of a user is read.
//!
//! Each query yields rows; they come back as one JSON text, by a plain query without a prepared statement, so that a pooler
//! in between is no hindrance.

use super::session::Query;

/// Settings that checks read. Those of extensions are there only where the extension is loaded.
pub(super) const SETTINGS: Query = Query {
    name: "settings",
    sql: "SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums', 'log_connections', 'log_disconnections', \
          'log_line_prefix', 'log_statement', 'password_encryption', 'pgaudit.log', 'server_version', 'shared_preload_libraries', \
          'ssl', 'ssl_min_protocol_version')",
    needs: "any role; some settings need pg_read_all_settings",
};

/// Those of the settings that PostgreSQL shows to superusers and to members of pg_read_all_settings alone.
pub(super) const HIDDEN: [&str; 2] = ["shared_preload_libraries", "ssl_min_protocol_version"];

/// Settings that every supported version has; where one is missing it may not be read.
pub(super) const ALWAYS: [&str; 10] = [
    "data_checksums",
    "log_connections",
    "log_disconnections",
    "log_line_prefix",
    "log_statement",
    "password_encryption",
    "server_version",
    "shared_preload_libraries",
    "ssl",
    "ssl_min_protocol_version",
];

/// The rules of authentication as they stand in the file. Options may hold secrets, so only one fact is taken of them; of
/// users and databases only whether all are meant.
pub(super) const RULES: Query = Query {
    name: "rules",
    sql: "SELECT line_number AS line, type, address, netmask, auth_method AS method, error IS NOT NULL AS broken, \
          coalesce('all' = ANY(user_name), false) AS all_users, coalesce('all' = ANY(database), false) AS all_databases, \
          coalesce(options && ARRAY['clientcert=verify-full', 'clientcert=verify-ca', 'clientcert=1'], false) AS client_certificate \
          FROM pg_hba_file_rules ORDER BY line_number",
    needs: "SELECT on pg_hba_file_rules and EXECUTE on pg_hba_file_rules()",
};

/// How many sessions there are, with and without TLS. Without the right to see other sessions their addresses are empty.
pub(super) const SESSIONS: Query = Query {
    name: "sessions",
    sql: "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS permitted, \
          count(*) FILTER (WHERE s.ssl) AS tls, \
          count(*) FILTER (WHERE NOT s.ssl AND a.client_addr IS NULL) AS socket, \
          count(*) FILTER (WHERE NOT s.ssl AND (a.client_addr <<= '127.0.0.0/8' OR a.client_addr = '::1')) AS loopback, \
          count(*) FILTER (WHERE NOT s.ssl AND NOT (a.client_addr <<= '127.0.0.0/8' OR a.client_addr = '::1')) AS plain \
          FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) \
          WHERE a.backend_type IN ('client backend', 'walsender') AND a.pid <> pg_backend_pid()",
    needs: "pg_read_all_stats (part of pg_monitor)",
};

/// How many login roles have a password under which kind of hash; the hashes stay where they are.
pub(super) const PASSWORDS: Query = Query {
    name: "passwords",
    sql: "SELECT count(*) FILTER (WHERE rolpassword LIKE 'SCRAM-SHA-256$%') AS scram, \
          count(*) FILTER (WHERE rolpassword LIKE 'md5%') AS md5, \
          count(*) FILTER (WHERE rolpassword IS NOT NULL AND rolpassword NOT LIKE 'md5%' AND rolpassword NOT LIKE 'SCRAM-SHA-256$%') AS other \
          FROM pg_authid WHERE rolcanlogin",
    needs: "SELECT on pg_authid, which superusers alone have, and which shows the hashes to the reader",
};

/// Failures of checksums that were counted.
pub(super) const CHECKSUMS: Query =
    Query { name: "checksums", sql: "SELECT coalesce(sum(checksum_failures), 0) AS failures FROM pg_stat_database", needs: "any role" };

/// Who is asking.
pub(super) const CALLER: Query = Query {
    name: "caller",
    sql: "SELECT current_user AS name, current_setting('server_version') AS version, \
          extract(epoch FROM clock_timestamp()) * 1000 AS clock, \
          (SELECT coalesce(string_agg(r.rolname, ' ' ORDER BY r.rolname), '') FROM pg_roles r \
          WHERE pg_has_role(current_user, r.oid, 'USAGE')) AS rights",
    needs: "any role",
};

/// Roles that can log in, with the roles of power that each can take on.
pub(super) const ROLES: Query = Query {
    name: "roles",
    sql: "SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolcreaterole AS creates_roles, r.rolbypassrls AS bypasses_row_security, \
          r.rolreplication AS replicates, \
          (SELECT coalesce(json_agg(m.rolname ORDER BY m.rolname), '[]') FROM pg_roles m WHERE m.oid <> r.oid \
          AND (m.rolsuper OR m.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')) \
          AND NOT r.rolsuper AND pg_has_role(r.oid, m.oid, 'MEMBER')) AS member_of \
          FROM pg_roles r WHERE r.rolcanlogin ORDER BY r.rolname",
    needs: "any role",
};

/// Databases that can be looked into.
pub(super) const DATABASES: Query = Query {
    name: "databases",
    sql: "SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname",
    needs: "any role",
};

/// Extensions of a database.
pub(super) const EXTENSIONS: Query = Query {
    name: "extensions",
    sql: "SELECT e.extname AS name, e.extversion AS version FROM pg_extension e ORDER BY e.extname",
    needs: "CONNECT on the database",
};

/// Tables of users with their columns and their row security. Partitions are reached through their parent.
pub(super) const TABLES: Query = Query {
    name: "tables",
    sql: "SELECT n.nspname AS schema, c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, \
          (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies, \
          (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a \
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns \
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' \
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1, 2",
    needs: "CONNECT on the database",
};

/// Tables that are partitioned by range, with the bounds of their partitions.
pub(super) const PARTITIONS: Query = Query {
    name: "partitions",
    sql: "SELECT n.nspname AS schema, p.relname AS name, \
          (SELECT coalesce(json_agg(pg_get_expr(c.relpartbound, c.oid)), '[]') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
          WHERE i.inhparent = p.oid) AS bounds \
          FROM pg_partitioned_table t JOIN pg_class p ON p.oid = t.partrelid JOIN pg_namespace n ON n.oid = p.relnamespace \
          WHERE t.partstrat = 'r' AND NOT p.relispartition ORDER BY 1, 2",
    needs: "CONNECT on the database",
};
