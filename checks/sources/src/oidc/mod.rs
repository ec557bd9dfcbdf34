//! OpenID Connect providers: what they publish, what their tokens are like, and the settings of a realm of Keycloak.
//!
//! Discovery and keys need no account. With a client of its own a token is asked for; of it, form, algorithm and lifetime are
//! kept. For Keycloak the token opens the interface for administration, which is only read. Its rights are told from the token
//! itself, for the interface answers an account with too few rights with a shorter list instead of a refusal; what a right
//! is missing for is `not-permitted`, and never shorter. Secrets of clients and names of people are never kept: an
//! account is known by its id alone.

mod discovery;
mod keycloak;
pub mod rights;
mod target;
mod token;

use std::sync::Arc;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Reason, Request, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use self::discovery::Discovery;
use self::keycloak::Admin;
pub use self::target::{ClientSettings, KeycloakSettings, OidcTarget, ProviderSettings};
use self::token::{Login, Token};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, Comparing, PlannedRequest, Progress};
use crate::observed::{Observed, Unread, part};
use crate::text::hex;
use crate::web::Web;

/// Providers that are looked at together at most.
const CONCURRENCY: usize = 4;

/// A provider: what it publishes.
const PROVIDER: &str = "Provider";
/// A realm of Keycloak: its settings.
const REALM: &str = "Realm";
/// A client of a realm.
const CLIENT: &str = "Client";
/// An identity provider that a realm trusts.
const IDENTITY_PROVIDER: &str = "IdentityProvider";
/// An account of a realm.
const ACCOUNT: &str = "Account";

/// The kinds that only the administration of Keycloak tells.
const ADMINISTERED: [&str; 4] = [REALM, CLIENT, IDENTITY_PROVIDER, ACCOUNT];

/// A provider to look at.
#[derive(Debug)]
struct Provider {
    issuer: String,
    login: Option<Login>,
    admin: Option<Admin>,
    web: Web,
}

/// The collector of OpenID Connect providers.
#[derive(Debug)]
pub struct OidcCollector {
    target: String,
    providers: Vec<Arc<Provider>>,
}

/// What is wanted.
#[derive(Clone, Debug)]
struct Wants {
    kinds: Vec<&'static str>,
    // Of a provider that is a realm: what it is set to sign with.
    configured: bool,
}

impl Wants {
    fn of(wanted: &Wanted) -> Self {
        let kinds = [PROVIDER].into_iter().chain(ADMINISTERED);
        Self {
            kinds: kinds.filter(|kind| wanted.contains_key(&resource(kind))).collect(),
            configured: wanted.get(&resource(PROVIDER)).is_some_and(|projection| projection.mask.covers("configured")),
        }
    }

    fn has(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }
}

/// What came of one provider.
struct Looked {
    records: Vec<(&'static str, String, Json)>,
    requests: Vec<Request>,
    target: Target,
}

impl OidcCollector {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut observed = Observed::new(Source::Oidc);
        let wants = Wants::of(wanted);
        if wants.kinds.is_empty() {
            return Inventory::default();
        }
        let administered = self.providers.iter().any(|provider| provider.admin.is_some());
        let kinds: Vec<&str> = [PROVIDER]
            .into_iter()
            .filter(|_| !self.providers.is_empty())
            .chain(ADMINISTERED.into_iter().filter(|_| administered))
            .collect();
        for kind in &kinds {
            observed.listed(kind);
        }
        let work: Vec<_> = self.providers.iter().map(|provider| look(Arc::clone(provider), wants.clone(), self.target.clone())).collect();
        let lost = each(work, CONCURRENCY, |looked: Looked| {
            for (kind, name, content) in looked.records {
                observed.record(kind, &name, content);
            }
            observed.requests(looked.requests);
            observed.target(looked.target);
            progress.advanced(&self.target, "providers", 1);
        })
        .await;
        if lost > 0 {
            for kind in &kinds {
                observed.failed(kind, Unread::new(Reason::IncompleteList, format!("{lost} pieces of work broke off")));
            }
        }
        observed.finish(wanted)
    }
}

async fn look(provider: Arc<Provider>, wants: Wants, target: String) -> Looked {
    let web = &provider.web;
    let issuer = &provider.issuer;
    let discovery = Discovery::read(web, issuer).await;
    let token = token(&provider, &discovery).await;
    let mut records = Vec::new();

    let realm = match (&provider.admin, &token) {
        (Some(admin), Some(Ok(token))) => Some(keycloak::look(web, admin, token, issuer, &wants).await),
        (Some(_), Some(Err(unread))) => Some(keycloak::nothing(issuer, unread)),
        _ => None,
    };
    if wants.has(PROVIDER) {
        let mut content = json!({"issuer": issuer});
        content["discovery"] = part(discovery.clone().map(|discovery| discovery.told(issuer)));
        content["keys"] = match &discovery {
            Ok(discovery) => part(discovery::keys(web, discovery).await),
            Err(unread) => unread.to_json(),
        };
        if let Some(token) = &token {
            content["token"] = part(token.as_ref().map(Token::told).map_err(Clone::clone));
        }
        if let Some(realm) = realm.as_ref().filter(|_| wants.configured) {
            content["configured"] = realm.signing.clone();
        }
        records.push((PROVIDER, issuer.clone(), content));
    }
    records.extend(realm.map(|realm| realm.records).unwrap_or_default().into_iter().filter(|(kind, ..)| wants.has(kind)));
    let actor = actor(&provider, token.as_ref().and_then(|token| token.as_ref().ok()));
    let clock_offset_ms = discovery.ok().and_then(|discovery| discovery.clock_offset_ms);
    let target = Target {
        source: Source::Oidc,
        name: target,
        identity: issuer.clone(),
        version: String::new(),
        actor,
        clock_offset_ms,
        assurance: Assurance::Live,
    };
    Looked { records, requests: web.requests(), target }
}

// The token of the provider's client, from where the client logs in; none where there is no client.
async fn token(provider: &Provider, discovery: &Result<Discovery, Unread>) -> Option<Result<Token, Unread>> {
    let login = provider.login.as_ref()?;
    let elsewhere = if login.issuer == provider.issuer { None } else { Some(Discovery::read(&provider.web, &login.issuer).await) };
    let endpoint = match elsewhere.as_ref().unwrap_or(discovery) {
        Ok(discovery) => discovery.endpoint("token_endpoint"),
        Err(unread) => Err(unread.clone()),
    };
    Some(match endpoint {
        Ok(endpoint) if token::may_carry_secrets(&endpoint) => login.token(&provider.web, &endpoint).await,
        Ok(_) => Err(Unread::new(Reason::NotPermitted, "the token endpoint is not https, and a secret is not sent in clear")),
        Err(unread) => Err(unread),
    })
}

fn actor(provider: &Provider, token: Option<&Token>) -> Actor {
    let Some(token) = token else {
        return Actor { identity: "anonymous".to_owned(), auth: "none".to_owned(), rights_sha256: None };
    };
    let login = provider.login.as_ref().map(|login| login.client_id.as_str());
    let rights = provider.admin.as_ref().and_then(|admin| token.rights(&admin.realm));
    Actor {
        identity: token.identity().or(login).unwrap_or_default().to_owned(),
        auth: "oidc".to_owned(),
        rights_sha256: rights.map(|rights| hex(&Sha256::digest(rights.into_iter().collect::<Vec<_>>().join("\n")))),
    }
}

impl Collector for OidcCollector {
    fn source(&self) -> Source {
        Source::Oidc
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let wants = Wants::of(wanted);
        let mut plan = Vec::new();
        if wants.kinds.is_empty() {
            return plan;
        }
        let mut add = |method: &str, query: String, reason: &str| {
            plan.push(PlannedRequest {
                source: Source::Oidc,
                target: self.target.clone(),
                method: method.to_owned(),
                query,
                reason: reason.to_owned(),
            });
        };
        for provider in &self.providers {
            let below = |path: &str| format!("{}{path}", provider.issuer.trim_end_matches('/'));
            add("GET", below("/.well-known/openid-configuration"), "what the provider publishes about itself");
            if wants.has(PROVIDER) {
                add("GET", format!("{} jwks_uri", provider.issuer), "the keys that it signs with");
            }
            if let Some(login) = &provider.login {
                if login.issuer != provider.issuer {
                    let at = login.issuer.trim_end_matches('/');
                    add("GET", format!("{at}/.well-known/openid-configuration"), "where the client logs in");
                }
                add("POST", format!("{} token_endpoint", login.issuer), "a token by the client's own credentials");
            }
            if let Some(admin) = &provider.admin {
                for (path, reason) in admin.plan(&wants) {
                    add("GET", format!("{}{path}", admin.url), reason);
                }
            }
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }

    fn compare<'a>(&'a self, wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async {
            let mut found = Vec::new();
            for provider in self.providers.iter().filter(|_| !rights::needed(wanted).is_empty()) {
                found.extend(rights::compare(provider, wanted).await);
            }
            found
        })
    }
}

fn resource(kind: &str) -> Resource {
    Resource::of_object(&format!("{GROUP}{}", Source::Oidc), kind)
}
