//! Objects of Kubernetes as far as they announce something to the outside. What an object lacks is empty.

use proofbook_checks::inventory::{Completeness, Inventory, Reason};
use proofbook_checks::resource::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::observed::Unread;

/// An object, with how it is told and with its namespace and name.
pub(super) type Announcer<T> = (String, (String, String), T);

/// The objects of whole listings.
pub(super) struct Objects<'i> {
    pub(super) inventory: &'i Inventory,
    pub(super) is_absent: &'i dyn Fn(&Resource) -> bool,
}

impl Objects<'_> {
    // All objects of a kind with their names, or why they are not all there.
    pub(super) fn all<T: DeserializeOwned>(&self, kind: &str, name: &str) -> Result<Vec<Announcer<T>>, Unread> {
        let resource = Resource::kubernetes(kind);
        let unknown = |reason, detail: &str| Unread::new(reason, format!("which targets there are is read from {resource}: {detail}"));
        match self.inventory.completeness(&resource) {
            Completeness::Complete => {}
            Completeness::NotServed => return Ok(Vec::new()),
            Completeness::NotCollected if (self.is_absent)(&resource) => return Ok(Vec::new()),
            Completeness::NotCollected => return Err(unknown(Reason::NotCollected, "it was not collected")),
            Completeness::Failed { reason, detail } => return Err(unknown(*reason, detail)),
        }
        let read = |object: &proofbook_checks::value::Value| {
            let json = object.to_json();
            let text = |key: &str| json["metadata"][key].as_str().unwrap_or_default().to_owned();
            let at = (text("namespace"), text("name"));
            let by = if at.0.is_empty() { format!("{name}/{}", at.1) } else { format!("{name}/{}/{}", at.0, at.1) };
            let read = serde_json::from_value(json).map_err(|_| unknown(Reason::ParseError, &format!("{by} cannot be read")))?;
            Ok((by, at, read))
        };
        self.inventory.objects(&resource).iter().map(read).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Ingress {
    pub(super) spec: IngressSpec,
    pub(super) status: Balanced,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressSpec {
    pub(super) rules: Vec<IngressRule>,
    pub(super) tls: Vec<IngressTls>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressRule {
    pub(super) host: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressTls {
    pub(super) hosts: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Balanced {
    pub(super) load_balancer: LoadBalancer,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LoadBalancer {
    pub(super) ingress: Vec<BalancerIngress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BalancerIngress {
    pub(super) ip: Option<String>,
    pub(super) hostname: Option<String>,
}

impl LoadBalancer {
    pub(super) fn addresses(&self) -> Vec<String> {
        let texts = self.ingress.iter().flat_map(|ingress| [ingress.ip.as_ref(), ingress.hostname.as_ref()]);
        texts.flatten().filter(|text| !text.is_empty()).cloned().collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    pub(super) spec: ServiceSpec,
    pub(super) status: Balanced,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(rename = "externalIPs")]
    pub(super) external_ips: Vec<String>,
    pub(super) ports: Vec<ServicePort>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServicePort {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) protocol: String,
    pub(super) app_protocol: String,
}

impl ServicePort {
    // By what it is called, or by what the port is known for.
    pub(super) fn speaks_tls(&self) -> bool {
        let called = self.name.starts_with("https") || matches!(self.app_protocol.as_str(), "https" | "tls");
        self.protocol != "UDP" && (called || matches!(self.port, 443 | 6443 | 8443))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Gateway {
    pub(super) spec: GatewaySpec,
    pub(super) status: GatewayStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct GatewaySpec {
    pub(super) listeners: Vec<Listener>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) hostname: Option<String>,
    pub(super) port: u16,
    pub(super) protocol: String,
}

impl Listener {
    pub(super) fn speaks_tls(&self) -> bool {
        matches!(self.protocol.as_str(), "HTTPS" | "TLS")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct GatewayStatus {
    pub(super) addresses: Vec<GatewayAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct GatewayAddress {
    pub(super) value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Route {
    pub(super) spec: RouteSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteSpec {
    pub(super) hostnames: Vec<String>,
    #[serde(rename = "parentRefs")]
    pub(super) parents: Vec<Parent>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Parent {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    #[serde(rename = "sectionName")]
    pub(super) section: Option<String>,
    pub(super) port: Option<u16>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IstioGateway {
    pub(super) spec: IstioGatewaySpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IstioGatewaySpec {
    pub(super) servers: Vec<IstioServer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IstioServer {
    pub(super) hosts: Vec<String>,
    pub(super) port: IstioPort,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IstioPort {
    pub(super) number: u16,
    pub(super) protocol: String,
}

impl IstioServer {
    pub(super) fn speaks_tls(&self) -> bool {
        matches!(self.port.protocol.to_ascii_uppercase().as_str(), "HTTPS" | "TLS")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct VirtualService {
    pub(super) spec: VirtualServiceSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct VirtualServiceSpec {
    pub(super) hosts: Vec<String>,
    pub(super) gateways: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TraefikRoute {
    pub(super) spec: TraefikSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TraefikSpec {
    pub(super) routes: Vec<TraefikRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TraefikRule {
    #[serde(rename = "match")]
    pub(super) rule: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) addresses: Vec<NodeAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAddress {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) address: String,
}
