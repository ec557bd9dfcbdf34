//! Objects of every kind that announces something, as the API gives them.

use proofbook_checks::inventory::{Completeness, Listing, Reason};
use serde_json::{Value as Json, json};

use super::*;

/// An inventory in which every kind was listed to its end, with these objects.
pub(crate) fn inventory(objects: &[Json]) -> Inventory {
    let mut inventory = Inventory::default();
    for (resource, projection) in reads(true) {
        let own = objects
            .iter()
            .filter(|object| Resource::of_object(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()) == resource);
        let objects = own.map(|object| projection.project(&resource, object)).collect();
        inventory.listings.insert(resource, Listing { completeness: Completeness::Complete, objects, resource_version: None });
    }
    inventory
}

fn object(api_version: &str, kind: &str, name: &str, rest: Json) -> Json {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

fn announced(objects: &[Json]) -> Announced {
    Announced::read(&inventory(objects), true, &|_| false).unwrap()
}

/// What is announced, a line each: `host:port origin by [addresses] roles`.
fn lines(objects: &[Json]) -> Vec<String> {
    let line = |((host, port), found): (&(String, Option<u16>), &Announcement)| {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let by = found.by.iter().cloned().collect::<Vec<_>>().join("+");
        let addresses = found.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        format!("{host}{port} {:?} {by} [{addresses}] {:?}", found.origin, found.roles)
    };
    announced(objects).0.iter().map(line).collect()
}

#[test]
fn an_ingress_announces_its_hosts_and_its_load_balancer() {
    let ingress = object(
        "networking.k8s.io/v1",
        "Ingress",
        "web",
        json!({
            "spec": {"rules": [{"host": "App.example.com."}, {"host": "*.example.com"}, {}], "tls": [{"hosts": ["app.example.com", "b.example.com"]}, {}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"hostname": "lb.cloud.example"}]}},
        }),
    );
    assert_eq!(
        lines(&[ingress]),
        [
            "*.example.com:443 Host Ingress/shop/web [203.0.113.7] {}",
            "203.0.113.7 Address Ingress/shop/web [] {LoadBalancer}",
            "app.example.com:443 Host Ingress/shop/web [203.0.113.7] {}",
            "b.example.com:443 Host Ingress/shop/web [203.0.113.7] {}",
            "lb.cloud.example Address Ingress/shop/web [] {LoadBalancer}",
        ]
    );
}

#[test]
fn a_load_balancer_announces_the_ports_that_speak_tls() {
    let ports = json!([
        {"port": 443}, {"port": 80, "name": "http"}, {"port": 5432}, {"port": 9000, "name": "https-admin"}, {"port": 9001, "appProtocol": "tls"},
        {"port": 8443, "protocol": "UDP"},
    ]);
    let status = json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"ip": "2001:db8::7"}]}});
    let service = |kind: &str| object("v1", "Service", "edge", json!({"spec": {"type": kind, "ports": ports}, "status": status}));
    let found = lines(&[service("LoadBalancer")]);
    let ports: Vec<&str> = found.iter().filter_map(|line| line.strip_prefix("203.0.113.7")?.split(' ').next()).collect();
    assert_eq!(ports, ["", ":443", ":9000", ":9001"]);
    assert!(found.iter().any(|line| line.starts_with("2001:db8::7:443 Address Service/shop/edge")), "{found:#?}");
    assert!(lines(&[service("ClusterIP")]).is_empty());
}

#[test]
fn a_service_of_any_kind_announces_its_external_addresses() {
    let spec = json!({"type": "ClusterIP", "ports": [{"port": 443}, {"port": 5432}], "externalIPs": ["203.0.113.8", ""]});
    let found = lines(&[object("v1", "Service", "db", json!({"spec": spec}))]);
    assert_eq!(found, ["203.0.113.8 Address Service/shop/db [] {LoadBalancer}", "203.0.113.8:443 Address Service/shop/db [] {}"]);
}

#[test]
fn gateways_and_routes_announce_hosts_on_the_ports_of_their_listeners() {
    let gateway = object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "public",
        json!({
            "spec": {"listeners": [
                {"name": "web", "port": 80, "protocol": "HTTP"},
                {"name": "tls", "port": 443, "protocol": "HTTPS"},
                {"name": "own", "port": 8443, "protocol": "TLS", "hostname": "own.example.com"},
                {"name": "own-plain", "port": 80, "protocol": "HTTP", "hostname": "own.example.com"},
                {"name": "plain", "port": 80, "protocol": "HTTP", "hostname": "plain.example.com"},
                {"name": "db", "port": 5432, "protocol": "TCP", "hostname": "db.example.com"},
            ]},
            "status": {"addresses": [{"type": "IPAddress", "value": "203.0.113.9"}]},
        }),
    );
    let route = |kind: &str, name: &str, parent: Json, host: &str| {
        object("gateway.networking.k8s.io/v1", kind, name, json!({"spec": {"hostnames": [host], "parentRefs": [parent]}}))
    };
    let found = lines(&[
        gateway,
        route("HTTPRoute", "all", json!({"name": "public"}), "all.example.com"),
        route("TLSRoute", "one", json!({"name": "public", "sectionName": "own"}), "one.example.com"),
        route("GRPCRoute", "elsewhere", json!({"name": "other", "namespace": "infra"}), "elsewhere.example.com"),
    ]);
    assert_eq!(
        found,
        [
            "203.0.113.9 Address Gateway/shop/public [] {LoadBalancer}",
            "203.0.113.9:443 Address Gateway/shop/public [] {}",
            "all.example.com:443 Host HTTPRoute/shop/all [203.0.113.9] {}",
            "all.example.com:8443 Host HTTPRoute/shop/all [203.0.113.9] {}",
            "elsewhere.example.com:443 Host GRPCRoute/shop/elsewhere [] {}",
            "one.example.com:8443 Host TLSRoute/shop/one [203.0.113.9] {}",
            "own.example.com:8443 Host Gateway/shop/public [203.0.113.9] {}",
            "plain.example.com:443 Host Gateway/shop/public [203.0.113.9] {}",
        ]
    );
}

#[test]
fn istio_and_traefik_announce_hosts() {
    let gateway = object(
        "networking.istio.io/v1",
        "Gateway",
        "mesh-edge",
        json!({"spec": {"servers": [
            {"hosts": ["shop/a.example.com", "*"], "port": {"number": 8443, "protocol": "HTTPS"}},
            {"hosts": ["a.example.com", "b.example.com"], "port": {"number": 80, "protocol": "HTTP"}},
            {"hosts": ["c.example.com"], "port": {"number": 27017, "protocol": "MONGO"}},
        ]}}),
    );
    let service = |name: &str, gateways: Json| {
        object(
            "networking.istio.io/v1",
            "VirtualService",
            name,
            json!({"spec": {"hosts": [format!("{name}.example.com")], "gateways": gateways}}),
        )
    };
    let route = object(
        "traefik.io/v1alpha1",
        "IngressRoute",
        "t",
        json!({"spec": {"routes": [
            {"match": "Host(`x.example.com`, \"y.example.com\") && PathPrefix(`/a`)"},
            {"match": "(Host(`z.example.com`) || HostRegexp(`^.+\\.example\\.com$`)) && Headers(`Host`, `no.example.com`)"},
        ]}}),
    );
    let tcp = object(
        "traefik.io/v1alpha1",
        "IngressRouteTCP",
        "u",
        json!({"spec": {"routes": [{"match": "HostSNI(`*`)"}, {"match": "HostSNI(`s.example.com`)"}]}}),
    );
    let found = lines(&[
        gateway,
        service("inside", json!(["mesh"])),
        service("none", json!([])),
        service("outside", json!(["mesh", "shop/mesh-edge"])),
        route,
        tcp,
    ]);
    let hosts: Vec<&str> = found.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        hosts,
        [
            "*:443",
            "*:8443",
            "*^.+\\.example\\.com$:443",
            "a.example.com:8443",
            "b.example.com:443",
            "outside.example.com:443",
            "s.example.com:443",
            "x.example.com:443",
            "y.example.com:443",
            "z.example.com:443",
        ]
    );
}

#[test]
fn nodes_announce_their_addresses_in_the_open_where_ports_are_tried() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": [
        {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "203.0.113.20"}, {"type": "Hostname", "address": "n1"},
    ]}});
    assert_eq!(lines(std::slice::from_ref(&node)), ["203.0.113.20 Address Node/n1 [] {Node}"]);
    // An internal address counts where it is one of the open network.
    let bare = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}, "status": {"addresses": [
        {"type": "InternalIP", "address": "198.51.100.7"}, {"type": "InternalIP", "address": "fd00::7"},
        {"type": "InternalIP", "address": "169.254.3.4"}, {"type": "InternalDNS", "address": "n2.example"},
    ]}});
    assert_eq!(lines(&[bare]), ["198.51.100.7 Address Node/n2 [] {Node}"]);
    let inventory = inventory(&[node]);
    assert!(Announced::read(&inventory, false, &|_| false).unwrap().0.is_empty());
    assert!(!reads(false).contains_key(&Resource::kubernetes(NODES)));
}

#[test]
fn nothing_is_announced_where_a_listing_is_not_whole() {
    let resource = Resource::kubernetes(SERVICES);
    let with = |completeness: Completeness, absent: bool| {
        let mut inventory = inventory(&[]);
        inventory.listings.insert(resource.clone(), Listing::without_objects(completeness));
        Announced::read(&inventory, false, &move |_| absent).map(|found| found.0.len())
    };
    assert_eq!(with(Completeness::NotServed, false), Ok(0));
    assert_eq!(with(Completeness::NotCollected, true), Ok(0));
    let unread = with(Completeness::NotCollected, false).unwrap_err();
    assert_eq!(unread.reason, Reason::NotCollected);
    let failed = Completeness::Failed { reason: Reason::NotPermitted, detail: "the account may not list services".to_owned() };
    // That a kind is declared absent excuses no refusal.
    let unread = with(failed, true).unwrap_err();
    assert_eq!(unread.reason, Reason::NotPermitted);
    assert!(unread.detail.contains("kubernetes/services") && unread.detail.contains("may not list"), "{unread}");
}

#[test]
fn an_object_that_cannot_be_read_hides_nothing_in_silence() {
    let broken = object("v1", "Service", "odd", json!({"spec": {"type": "LoadBalancer", "ports": [{"port": "https"}]}}));
    let unread = Announced::read(&inventory(&[broken]), false, &|_| false).unwrap_err();
    assert!(unread.reason == Reason::ParseError && unread.detail.contains("Service/shop/odd"), "{unread:?}");
}
