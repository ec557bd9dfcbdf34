"""cert-manager, its issuers, and Certificates with what it tells of them."""

from .rbac import READ, controller, rule
from .workload import container, deployment, probe, service


def manager(cluster, server, *, solver):
    """cert-manager, with issuers for public names by ACME and for the platform's own authority."""
    cluster.namespace("cert-manager", pod_security="restricted", proofbook_dev__owner="team-platform")
    version = "v1.19.1"
    deployment(cluster, "cert-manager", "cert-manager", [container(
        "cert-manager-controller", cluster.image("mirror/cert-manager-controller", version),
        ports={"http-metrics": 9402, "http-healthz": 9403}, probes=probe("/livez", "http-healthz"),
        args=["--leader-election-namespace=cert-manager"])], token=True)
    deployment(cluster, "cert-manager-cainjector", "cert-manager", [container(
        "cert-manager-cainjector", cluster.image("mirror/cert-manager-cainjector", version), ports={"http-healthz": 9403},
        probes=probe("/healthz", "http-healthz"),
        args=["--leader-election-namespace=cert-manager"])], token=True)
    deployment(cluster, "cert-manager-webhook", "cert-manager", [container(
        "cert-manager-webhook", cluster.image("mirror/cert-manager-webhook", version), ports={"https": 10250, "healthcheck": 6080},
        probes=probe("/livez", "healthcheck"),
        args=["--secure-port=10250", "--tls-min-version=VersionTLS13"])], token=True)
    service(cluster, "cert-manager-webhook", "cert-manager", {"https": 443})
    kinds = ["certificaterequests", "certificates", "challenges", "clusterissuers", "issuers", "orders"]
    controller(cluster, "cert-manager", "cert-manager", rule(["acme.cert-manager.io", "cert-manager.io"], kinds,
            READ + ["create", "delete", "patch", "update"]),
               rule([""], ["secrets"], READ + ["create", "delete", "patch", "update"]), rule([""], ["events"], ["create", "patch"]))
    controller(cluster, "cert-manager", "cert-manager-cainjector", rule([""], ["secrets"], READ),
               rule(["cert-manager.io"], ["certificates"], READ),
               rule(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
                    READ + ["patch", "update"]))
    controller(cluster, "cert-manager", "cert-manager-webhook", rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]))
    ready = {"conditions": [{"lastTransitionTime": "2026-03-10T12:04:09Z", "reason": "Ready", "status": "True", "type": "Ready"}]}
    cluster.add("cert-manager.io/v1", "ClusterIssuer", "public-acme", spec={"acme": {
        "email": f"security@{cluster.DOMAIN}", "privateKeySecretRef": {"name": "public-acme-account"},
        "server": server, "solvers": [solver],
    }}, status=ready)
    cluster.add("cert-manager.io/v1", "ClusterIssuer", "self-signed", spec={"selfSigned": {}}, status=ready)
    certificate(cluster, "internal-ca", "cert-manager", [f"ca.{cluster.NAME}.internal"], "self-signed",
                lifetime=("2026-03-10", "2028-03-09", "2027-07-09"), isCA=True, commonName=f"{cluster.NAME.upper()} internal CA")


def certificate(cluster, name, namespace, hosts, issuer, *, lifetime=("2026-10-09", "2027-01-07", "2026-12-08"), created=None,
                issuer_kind="ClusterIssuer", **spec):
    """A Certificate; `lifetime` is from, until and the day of renewal."""
    begins, ends, renews = (f"{day}T04:12:30Z" for day in lifetime)
    cluster.add("cert-manager.io/v1", "Certificate", name, namespace, created=created, spec={
        "dnsNames": hosts, "issuerRef": {"group": "cert-manager.io", "kind": issuer_kind, "name": issuer},
        "privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Always", "size": 384}, "secretName": name, **spec,
    }, status={
        "conditions": [{"lastTransitionTime": begins, "reason": "Ready", "status": "True", "type": "Ready"}],
        "notAfter": ends, "notBefore": begins, "renewalTime": renews, "revision": 3,
    })
