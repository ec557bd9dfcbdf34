//! How a cluster encrypts what it stores: the configuration of the API server, what k3s says of itself, or what a cloud says of
//! the cluster that it runs. Keys are in some of these files; they are never kept.
//!
//! The form is told by the content: an `EncryptionConfiguration`; the output of `k3s secrets-encrypt status`; JSON of
//! `aws eks describe-cluster`, `gcloud container clusters describe` and `az aks show`; and the output of
//! `kubectl get --raw '/livez?verbose'`, with the day in the name of the file, which tells whether the providers of keys answer.

use jiff::civil::Date;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::benchmark::date_in;
use super::reading::Read;
use super::records::Records;
use crate::observed::Unread;
use crate::text::yaml;

/// The kinds of records that come out of these files.
pub(super) const KINDS: &[&str] = &["EncryptionConfig", "ServerHealth"];

/// The record of a file.
pub(super) fn read(name: &str, file: &Read) -> Records {
    let text = file.text()?;
    let (kind, mut record) = if text.lines().any(|line| line.starts_with("[+]") || line.starts_with("[-]")) {
        // What a server says of its health holds for that moment, and it does not say when that was.
        match date_in(name.rsplit('/').next().unwrap_or(name)) {
            Some(on) => ("ServerHealth", health(text, on)),
            None => {
                let detail = "the name of the file holds no date (2026-06-01 or 20260601), and the server tells none";
                return Ok(vec![("ServerHealth", name.to_owned(), Unread::new(Reason::ParseError, detail).to_json())]);
            }
        }
    } else if text.trim_start().starts_with("Encryption Status:") {
        ("EncryptionConfig", rancher(text)?)
    } else {
        ("EncryptionConfig", configuration(&yaml("the configuration of encryption", text)?)?)
    };
    record["sha256"] = file.sha256.clone().into();
    Ok(vec![(kind, name.to_owned(), record)])
}

// `[+]kms-providers ok`, `[-]kms-provider-0 failed: reason withheld`: one line a check of the API server.
fn health(text: &str, on: Date) -> Json {
    let checks = text.lines().filter_map(|line| {
        let (good, rest) = line.strip_prefix("[+]").map(|rest| (true, rest)).or_else(|| Some((false, line.strip_prefix("[-]")?)))?;
        Some((good, rest.split_whitespace().next()?))
    });
    let of_keys: Vec<(bool, &str)> = checks.filter(|(_, name)| name.starts_with("kms-provider")).collect();
    json!({"on": on.to_string(), "providers": of_keys.len(), "failing": of_keys.iter().filter(|(good, _)| !good).count()})
}

fn rancher(text: &str) -> Result<Json, Unread> {
    let value = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim);
    let status = value("Encryption Status:").unwrap_or_default();
    let (mut providers, mut others) = (Vec::new(), Vec::new());
    // `*  AES-CBC  aescbckey-2026-01-10T03:00:00Z`: the active key is marked, the others still decrypt.
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (active, rest) = match words.split_first() {
            Some((&"*", rest)) => (true, rest),
            _ => (false, &words[..]),
        };
        if let [cipher, key] = rest
            && let Some(provider) = rancher_provider(cipher)
        {
            let list = if active { &mut providers } else { &mut others };
            list.push(json!({"provider": provider, "keys": [named(key)]}));
        }
    }
    match status {
        "Enabled" if providers.is_empty() => Err(Unread::new(Reason::ParseError, "the status of k3s marks no key as active")),
        "Enabled" => {
            providers.extend(others);
            Ok(json!({"form": "k3s", "covers_secrets": true, "providers": providers}))
        }
        "Disabled" => Ok(json!({"form": "k3s", "covers_secrets": false, "providers": []})),
        _ => Err(Unread::new(Reason::ParseError, "the status of k3s is neither Enabled nor Disabled")),
    }
}

fn rancher_provider(cipher: &str) -> Option<&'static str> {
    match cipher {
        "AES-CBC" => Some("aescbc"),
        "AES-GCM" => Some("aesgcm"),
        "XSalsa20-POLY1305" | "Secretbox" | "SecretBox" => Some("secretbox"),
        _ => None,
    }
}

fn configuration(told: &Json) -> Result<Json, Unread> {
    if told["kind"] == "EncryptionConfiguration" {
        return Ok(of_api_server(told));
    }
    let cluster = if told["cluster"].is_object() { &told["cluster"] } else { told };
    if cluster["arn"].as_str().is_some_and(|arn| arn.starts_with("arn:aws")) {
        let of_secrets = cluster["encryptionConfig"].as_array().into_iter().flatten();
        let mut of_secrets = of_secrets.filter(|one| holds(&one["resources"], &["secrets"]));
        return Ok(managed("eks", of_secrets.find_map(|one| one["provider"]["keyArn"].as_str())));
    }
    if let Some(encryption) = cluster.get("databaseEncryption") {
        let key = encryption["keyName"].as_str().filter(|_| encryption["state"] == "ENCRYPTED");
        return Ok(managed("gke", key));
    }
    if cluster["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Microsoft.ContainerService/ManagedClusters")) {
        let kms = &cluster["securityProfile"]["azureKeyVaultKms"];
        return Ok(managed("aks", kms["keyId"].as_str().filter(|_| kms["enabled"] == true)));
    }
    let known = "an EncryptionConfiguration, a status of k3s, a cluster of EKS, GKE or AKS, or the health of an API server";
    Err(Unread::new(Reason::ParseError, format!("the file is none of: {known}")))
}

// A key of the customer's own in the cloud's key service, or none that the cluster names.
fn managed(cloud: &str, key: Option<&str>) -> Json {
    let providers: Vec<Json> = key.into_iter().map(|key| json!({"provider": "kms", "api": "managed", "keys": [{"name": key}]})).collect();
    json!({"form": cloud, "covers_secrets": key.is_some(), "providers": providers})
}

// The first entry that names a resource decides about it.
fn of_api_server(told: &Json) -> Json {
    let mut entries = told["resources"].as_array().into_iter().flatten();
    let entry = entries.find(|entry| holds(&entry["resources"], &["secrets", "*.", "*.*"]));
    let providers = entry.and_then(|entry| entry["providers"].as_array());
    let providers: Vec<Json> = providers.into_iter().flatten().filter_map(provider).collect();
    json!({"form": "encryption-configuration", "covers_secrets": entry.is_some(), "providers": providers})
}

fn provider(told: &Json) -> Option<Json> {
    let (kind, settings) = told.as_object()?.iter().next()?;
    if kind == "kms" {
        // Without a version the API server takes the first one.
        let api = settings["apiVersion"].as_str().unwrap_or("v1");
        let name = settings["name"].as_str().unwrap_or_default();
        return Some(json!({"provider": "kms", "api": api, "name": name, "keys": []}));
    }
    let keys = settings["keys"].as_array().into_iter().flatten().filter_map(|key| key["name"].as_str()).map(named);
    Some(json!({"provider": kind, "keys": keys.collect::<Vec<Json>>()}))
}

// The date of a key stands in its name, by convention or by the tool that made it.
fn named(key: &str) -> Json {
    let mut named = json!({"name": key});
    if let Some(date) = date_in(key) {
        named["made_on"] = date.to_string().into();
    }
    named
}

fn holds(list: &Json, wanted: &[&str]) -> bool {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).any(|one| wanted.contains(&one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<(&'static str, Json), Unread> {
        let file = Read { bytes: text.as_bytes().to_vec(), sha256: "x".to_owned() };
        read("of-2025-01-01/livez-2026-05-31.txt", &file).map(|records| (records[0].0, records[0].2.clone()))
    }

    #[test]
    fn the_first_entry_for_secrets_decides_and_keys_are_not_kept() {
        let (_, told) = found(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n\
             - {resources: [configmaps], providers: [{identity: {}}]}\n\
             - resources: [secrets]\n  providers:\n  - kms: {apiVersion: v2, name: vault, endpoint: 'unix:///run/kms.sock'}\n\
             \x20 - aescbc: {keys: [{name: key-2025-03-01, secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}\n  - identity: {}\n\
             - {resources: ['*.*'], providers: [{identity: {}}]}\n",
        )
        .unwrap();
        assert_eq!(told["providers"][0], json!({"provider": "kms", "api": "v2", "name": "vault", "keys": []}));
        assert_eq!(told["providers"][1]["keys"], json!([{"name": "key-2025-03-01", "made_on": "2025-03-01"}]));
        assert_eq!(told["providers"][2]["provider"], "identity");
        assert!(!told.to_string().contains("c2Vj") && !told.to_string().contains("unix:"));
        let (_, none) = found("kind: EncryptionConfiguration\nresources: [{resources: [events], providers: [{identity: {}}]}]\n").unwrap();
        assert_eq!((&none["covers_secrets"], &none["providers"]), (&json!(false), &json!([])));
    }

    #[test]
    fn k3s_clouds_and_the_health_of_a_server_are_told_apart() {
        let k3s = "Encryption Status: Enabled\nCurrent Rotation Stage: start\nServer Encryption Hashes: All hashes match\n\n\
                   Active  Key Type  Name\n------  --------  ----\n *      AES-CBC   aescbckey-2026-01-10T03:00:00Z\n        AES-CBC   aescbckey\n";
        let (_, told) = found(k3s).unwrap();
        assert_eq!(told["providers"][0]["keys"][0]["made_on"], "2026-01-10");
        assert_eq!(told["providers"][1], json!({"provider": "aescbc", "keys": [{"name": "aescbckey"}]}));
        assert_eq!(found("Encryption Status: Disabled, no configuration file found\n").unwrap_err().reason, Reason::ParseError);
        assert_eq!(found("Encryption Status: Disabled\n").unwrap().1["covers_secrets"], false);

        let eks = r#"{"cluster": {"arn": "arn:aws:eks:eu-central-1:1:cluster/a", "encryptionConfig": [
            {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:eu-central-1:1:key/k"}}]}}"#;
        assert_eq!(found(eks).unwrap().1["providers"][0]["keys"][0]["name"], "arn:aws:kms:eu-central-1:1:key/k");
        let eks = r#"{"cluster": {"arn": "arn:aws:eks:eu-central-1:1:cluster/a"}}"#;
        assert_eq!(found(eks).unwrap().1["covers_secrets"], false);
        let gke = r#"{"databaseEncryption": {"state": "DECRYPTED", "keyName": "projects/p/k"}}"#;
        assert_eq!(found(gke).unwrap().1["providers"], json!([]));
        let aks = r#"{"type": "Microsoft.ContainerService/ManagedClusters", "securityProfile": {"azureKeyVaultKms": {"enabled": true, "keyId": "https://v/k"}}}"#;
        assert_eq!(found(aks).unwrap().1["providers"][0]["api"], "managed");

        let health = "[+]ping ok\n[+]etcd ok\n[-]kms-providers failed: reason withheld\nlivez check failed\n";
        let (kind, told) = found(health).unwrap();
        assert_eq!((kind, &told["on"], &told["providers"], &told["failing"]), ("ServerHealth", &json!("2026-05-31"), &json!(1), &json!(1)));
        // Without a day nobody knows of when it is; what the file is for is known all the same.
        let file = Read { bytes: health.as_bytes().to_vec(), sha256: "x".to_owned() };
        let undated = read("of-2026-05-31/livez.txt", &file).unwrap();
        assert_eq!((undated[0].0, &undated[0].2["unread"]["reason"]), ("ServerHealth", &json!("parse-error")));
        for none in ["", "{}", "kind: Pod\n", "garbage: [", r#"{"cluster": {"name": "a"}}"#] {
            assert_eq!(found(none).unwrap_err().reason, Reason::ParseError, "{none}");
        }
    }
}
