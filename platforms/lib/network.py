"""NetworkPolicies as every namespace of the platform has them."""


def policy(cluster, name, namespace, selected, *, ingress=None, egress=None, created=None):
    """A policy for the Pods with the labels; it governs the directions that are given."""
    types = [label for label, rules in (("Ingress", ingress), ("Egress", egress)) if rules is not None]
    rules = {key: value for key, value in (("ingress", ingress), ("egress", egress)) if value}
    return cluster.add("networking.k8s.io/v1", "NetworkPolicy", name, namespace, created=created,
                       spec={"podSelector": {"matchLabels": selected} if selected else {}, "policyTypes": types, **rules})


def default_deny(cluster, namespace, created=None):
    return policy(cluster, "default-deny", namespace, {}, ingress=[], egress=[], created=created)


def allow_dns(cluster, namespace, created=None):
    return policy(cluster, "allow-dns", namespace, {}, created=created, egress=[{
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    }])


def allow_within(cluster, namespace, created=None):
    return policy(cluster, "allow-within-namespace", namespace, {}, created=created,
                  ingress=[{"from": [{"podSelector": {}}]}], egress=[{"to": [{"podSelector": {}}]}])
