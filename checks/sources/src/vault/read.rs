//! What is asked of one store, and the records that its answers become.

use proofbook_checks::inventory::{Reason, Request, Target};
use serde_json::{Map, Value as Json, json};

use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;
use crate::wanted::Asked;

/// The kinds of records that a store gives.
pub(super) const KINDS: [&str; 3] = ["Server", "AuthMethod", "TransitKey"];

const SEAL: &str = "v1/sys/seal-status";
const HEALTH: &str = "v1/sys/health";
const AUDIT: &str = "v1/sys/audit";
const MOUNTS: &str = "v1/sys/mounts";
const AUTH: &str = "v1/sys/auth";
const SELF: &str = "v1/auth/token/lookup-self";
/// Every store has this engine, and it always has the leases of the system.
const DEFAULTS: &str = "v1/sys/mounts/cubbyhole/tune";

/// A store tells its health by the status; here any state is an answer.
const ANY_STATE: [(&str, &str); 6] = [
    ("standbyok", "true"),
    ("perfstandbyok", "true"),
    ("sealedcode", "200"),
    ("uninitcode", "200"),
    ("drsecondarycode", "200"),
    ("standbycode", "200"),
];

#[derive(Debug)]
pub(super) struct Store {
    pub service: Service,
}

/// What a store brought.
pub(super) struct Read {
    pub records: Vec<(&'static str, String, Json)>,
    pub target: Target,
    pub requests: Vec<Request>,
}

impl Store {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        if !KINDS.iter().any(|kind| asked.kind(kind)) {
            return Vec::new();
        }
        let mut plan = vec![
            self.service.planned(SEAL, &[], "whether the store is sealed, and by what"),
            self.service.planned(HEALTH, &ANY_STATE, "whether the store serves"),
            self.service.planned(SELF, &[], "as whom the store knows us"),
        ];
        let mut add = |wanted: bool, path: &str, reason: &str| {
            if wanted {
                plan.push(self.service.planned(path, &[], reason));
            }
        };
        let leases = asked.part("Server", "engines") || asked.kind("AuthMethod");
        add(asked.part("Server", "audit"), AUDIT, "the audit devices");
        add(asked.part("Server", "engines") || asked.kind("TransitKey"), MOUNTS, "the secret engines and their leases");
        add(leases, DEFAULTS, "the leases where an engine or a method says nothing");
        add(asked.kind("AuthMethod"), AUTH, "the ways to log in, and how long their tokens live");
        if asked.kind("TransitKey") {
            plan.push(self.service.planned("v1/{engine}/keys", &[("list", "true")], "the names of the keys of each transit engine"));
            plan.push(self.service.planned("v1/{engine}/keys/{key}", &[], "how each of them rotates"));
        }
        plan
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let mut records = Vec::new();
        let (seal, health) = tokio::join!(self.service.json(SEAL, &[]), self.service.json(HEALTH, &ANY_STATE));
        let version = |told: &Json| told["version"].as_str().unwrap_or_default().to_owned();
        let mut target = self.service.met(&seal.as_ref().map(version).unwrap_or_default());
        let name = self.service.name.clone();
        match seal.and_then(|seal| Ok((seal, health?))) {
            Err(unread) => records.extend(KINDS.map(|kind| (kind, name.clone(), unread.to_json()))),
            Ok((seal, health)) => {
                let open = seal["sealed"] == false && seal["initialized"] == true;
                let mut server = json!({
                    "initialized": seal["initialized"],
                    "sealed": seal["sealed"],
                    "standby": health["standby"],
                    "seal_type": seal["type"],
                    "storage_type": seal["storage_type"],
                });
                if open {
                    let me = self.data(SELF).await;
                    if let Some(who) = me.ok().and_then(|me| Some(me["display_name"].as_str()?.to_owned())) {
                        target.actor.identity = who;
                    }
                    records = self.open(asked, &mut server).await;
                } else {
                    let sealed = Unread::new(Reason::Unreachable, "the store is sealed or was never initialised");
                    records.extend(["AuthMethod", "TransitKey"].map(|kind| (kind, name.clone(), sealed.to_json())));
                }
                records.push(("Server", name, server));
            }
        }
        Read { records, target, requests: self.service.requests() }
    }

    // What a store tells that is open.
    async fn open(&self, asked: &Asked<'_>, server: &mut Json) -> Vec<(&'static str, String, Json)> {
        let mut records = Vec::new();
        if asked.part("Server", "audit") {
            server["audit"] = part(self.data(AUDIT).await.and_then(|devices| audit(&devices)));
        }
        let engines = asked.part("Server", "engines");
        let defaults = if engines || asked.kind("AuthMethod") { Some(self.data(DEFAULTS).await) } else { None };
        let mounts = if engines || asked.kind("TransitKey") { Some(self.data(MOUNTS).await) } else { None };
        if let Some((mounts, defaults)) = mounts.as_ref().zip(defaults.as_ref()).filter(|_| engines) {
            server["engines"] = part(self.leases(mounts, defaults).map(|leases| json!(leases.into_values().collect::<Vec<_>>())));
        }
        if let Some(defaults) = defaults.as_ref().filter(|_| asked.kind("AuthMethod")) {
            let methods = self.data(AUTH).await;
            match self.leases(&methods, defaults) {
                Ok(methods) => records.extend(methods.into_iter().map(|(path, told)| ("AuthMethod", self.name(&path), told))),
                Err(unread) => records.push(("AuthMethod", self.service.name.clone(), unread.to_json())),
            }
        }
        if let Some(mounts) = mounts.filter(|_| asked.kind("TransitKey")) {
            match mounts {
                Ok(mounts) => records.extend(self.transit_keys(&mounts).await),
                Err(unread) => records.push(("TransitKey", self.service.name.clone(), unread.to_json())),
            }
        }
        records
    }

    pub(super) async fn data(&self, path: &str) -> Result<Json, Unread> {
        self.asked(path, &[]).await
    }

    async fn asked(&self, path: &str, query: &[(&str, &str)]) -> Result<Json, Unread> {
        let told = |reason: Reason, detail: &str| Unread::new(reason, format!("{path}: {detail}"));
        let answer = self.service.get(path, query).await.map_err(|unread| told(unread.reason, &unread.detail))?;
        // Vault says 400 to who shows no token.
        if answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("missing client token") {
            return Err(told(Reason::NotPermitted, "no token was shown"));
        }
        let body = answer.ok().and_then(|answer| answer.json()).map_err(|unread| told(unread.reason, &unread.detail))?;
        body.get("data").cloned().ok_or_else(|| told(Reason::ParseError, "the answer has no data"))
    }

    // Engines, or methods, by their paths, with the leases that take effect.
    fn leases(&self, told: &Result<Json, Unread>, defaults: &Result<Json, Unread>) -> Result<Map<String, Json>, Unread> {
        let (told, defaults) = (told.clone()?, defaults.clone()?);
        let entries = told.as_object().ok_or_else(|| Unread::new(Reason::ParseError, "the list of engines is no map"))?;
        let mut out = Map::new();
        for (path, told) in entries {
            let lease = |key: &str| {
                let own = told["config"][key].as_u64().filter(|seconds| *seconds > 0);
                own.or_else(|| defaults[key].as_u64())
            };
            let content = json!({
                "path": path,
                "type": told["type"],
                "default_ttl_seconds": lease("default_lease_ttl"),
                "max_ttl_seconds": lease("max_lease_ttl"),
                "version": told["options"]["version"],
            });
            out.insert(path.clone(), content);
        }
        Ok(out)
    }

    async fn transit_keys(&self, mounts: &Json) -> Vec<(&'static str, String, Json)> {
        let mut records = Vec::new();
        let engines = mounts.as_object().into_iter().flatten().filter(|(_, told)| told["type"] == "transit");
        for (engine, _) in engines {
            let path = format!("v1/{engine}keys");
            let names = match self.asked(&path, &[("list", "true")]).await {
                // An engine without keys has no list.
                Err(unread) if unread.reason == Reason::NotServed => json!({"keys": []}),
                Ok(names) => names,
                Err(unread) => {
                    records.push(("TransitKey", self.name(engine), unread.to_json()));
                    continue;
                }
            };
            for name in names["keys"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                let read = self.data(&format!("{path}/{name}")).await;
                records.push(("TransitKey", self.name(&format!("{engine}{name}")), part(read.map(|told| key(&told)))));
            }
        }
        records
    }

    fn name(&self, of: &str) -> String {
        format!("{}/{}", self.service.name, of.trim_end_matches('/'))
    }
}

// Where a device writes is not kept, only whether it writes what it hears as it is.
fn audit(devices: &Json) -> Result<Json, Unread> {
    let devices = devices.as_object().ok_or_else(|| Unread::new(Reason::ParseError, format!("{AUDIT}: no map of devices")))?;
    let device = |(path, told): (&String, &Json)| {
        let raw = &told["options"]["log_raw"];
        json!({"path": path, "type": told["type"], "raw": *raw == true || *raw == "true"})
    };
    Ok(devices.iter().map(device).collect())
}

fn key(told: &Json) -> Json {
    let latest = told["latest_version"].as_u64().unwrap_or_default();
    let version = &told["keys"][latest.to_string()];
    let rotated_at = match version.as_i64() {
        Some(seconds) => jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string()),
        None => version["creation_time"].as_str().map(str::to_owned),
    };
    json!({
        "type": told["type"],
        "latest_version": latest,
        "rotated_at": rotated_at,
        "auto_rotate_seconds": told["auto_rotate_period"],
        "exportable": told["exportable"],
        "plaintext_backup": told["allow_plaintext_backup"],
    })
}
