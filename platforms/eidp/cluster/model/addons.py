"""What the platform runs for its tenants: network, storage, edge, certificates, secrets and policies."""

from lib import certificates, policies
from lib.network import allow_dns, default_deny, policy
from lib.rbac import READ, binding, cluster_binding, controller, rule, service_account
from lib.workload import budget, container, daemon_set, deployment, hostpath, labels_of, mounts, probe, scaler, scratch, service


def build(cluster):
    network(cluster)
    sensor(cluster)
    storage(cluster)
    edge(cluster)
    certificates.manager(cluster, "https://acme.ca.example/directory", solver={"http01": {"ingress": {"ingressClassName": "traefik"}}})
    certificates.certificate(cluster, "public-tls", "edge", ["console.eidp.example", "docs.eidp.example", "portal.eidp.example",
                                                             "api.eidp.example"], "public-acme")
    secrets(cluster)
    admission(cluster)


def network(cluster):
    """Cilium in place of kube-proxy: its agent loads programs into the kernel of every node."""
    cluster.add("v1", "ConfigMap", "cilium-config", "kube-system", data={
        "enable-bgp-control-plane": "true", "enable-wireguard": "true", "ipam": "kubernetes", "kube-proxy-replacement": "true",
        "policy-enforcement-mode": "default", "routing-mode": "native",
    })
    security = {
        "capabilities": {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "IPC_LOCK", "KILL", "NET_ADMIN", "NET_RAW", "SETGID", "SETUID",
                                 "SYS_ADMIN", "SYS_MODULE", "SYS_RESOURCE"], "drop": ["ALL"]},
        "seccompProfile": {"type": "Unconfined"},
    }
    agent = cluster.image("mirror/cilium", "v1.19.2")
    mount = container("mount-bpf-fs", agent, probes={}, security={"privileged": True}, command=["/bin/bash", "-c", "--"],
                      args=['mount | grep "/sys/fs/bpf type bpf" || mount -t bpf bpf /sys/fs/bpf'],
                      volumeMounts=[{"mountPath": "/sys/fs/bpf", "mountPropagation": "Bidirectional", "name": "bpf-maps"}])
    daemon_set(cluster, "cilium", "kube-system", [container(
        "cilium-agent", agent, ports={"health": 9879, "metrics": 9962}, cpu="200m", memory="1Gi", security=security,
        args=["--config-dir=/tmp/cilium/config-map"], command=["cilium-agent"],
        volumeMounts=mounts(bpf_maps="/sys/fs/bpf", cilium_run="/var/run/cilium", cni="/host/etc/cni/net.d",
                            config="/tmp/cilium/config-map"),
    )], token=True, root=True, hostNetwork=True, initContainers=[mount], priorityClassName="system-node-critical", volumes=[
        hostpath("bpf-maps", "/sys/fs/bpf", "DirectoryOrCreate"), hostpath("cilium-run", "/var/run/cilium", "DirectoryOrCreate"),
        hostpath("cni", "/etc/cni/net.d", "DirectoryOrCreate"), {"configMap": {"name": "cilium-config"}, "name": "config"},
    ])
    deployment(cluster, "cilium-operator", "kube-system", [container(
        "operator", cluster.image("mirror/cilium-operator", "v1.19.2"), ports={"health": 9234}, memory="256Mi",
        command=["cilium-operator-generic"],
    )], replicas=2, token=True, hostNetwork=True, priorityClassName="system-cluster-critical")
    controller(cluster, "kube-system", "cilium",
               rule([""], ["endpoints", "namespaces", "nodes", "pods", "services"], READ),
               rule(["discovery.k8s.io"], ["endpointslices"], READ),
               rule(["networking.k8s.io"], ["networkpolicies"], READ),
               rule(["cilium.io"], ["ciliumendpoints", "ciliumidentities", "ciliumnodes"],
                    READ + ["create", "delete", "patch", "update"]))
    controller(cluster, "kube-system", "cilium-operator",
               rule([""], ["namespaces", "nodes", "pods", "services"], READ),
               rule([""], ["nodes/status", "services/status"], ["patch", "update"]),
               rule(["cilium.io"], ["ciliumendpoints", "ciliumidentities", "ciliumnodes"], READ + ["create", "delete", "patch", "update"]))
    cluster_binding(cluster, "metrics-server:auth-delegator", "system:auth-delegator", service_account("kube-system", "metrics-server"))
    binding(cluster, "metrics-server-auth-reader", "kube-system", "extension-apiserver-authentication-reader",
            service_account("kube-system", "metrics-server"))


def sensor(cluster):
    """Tetragon watches what processes do on every node, control plane included."""
    daemon_set(cluster, "tetragon", "kube-system", [container(
        "tetragon", cluster.image("mirror/tetragon", "v1.6.0"), ports={"metrics": 2112}, probes=probe("/metrics", "metrics"),
        memory="512Mi",
        security={"privileged": True, "readOnlyRootFilesystem": True}, args=["--config-dir=/etc/tetragon/tetragon.conf.d/"],
        volumeMounts=mounts(bpf_maps="/sys/fs/bpf", cilium_run="/var/run/cilium", procfs="/procRoot", tmp="/tmp"),
    )], token=True, root=True, hostNetwork=True, priorityClassName="system-node-critical", volumes=[
        hostpath("bpf-maps", "/sys/fs/bpf", "DirectoryOrCreate"), hostpath("cilium-run", "/var/run/cilium", "DirectoryOrCreate"),
        hostpath("procfs", "/proc"), *scratch("tmp")])
    controller(cluster, "kube-system", "tetragon", rule([""], ["pods", "services"], READ),
               rule(["cilium.io"], ["podinfo", "tracingpolicies", "tracingpoliciesnamespaced"], READ))


def storage(cluster):
    """Volumes of the platform's own Ceph cluster, encrypted with a key a volume that Vault keeps."""
    cluster.add("storage.k8s.io/v1", "StorageClass", "ceph-rbd-encrypted",
                annotations={"storageclass.kubernetes.io/is-default-class": "true"},
                parameters={"clusterID": "eidp-prod", "encrypted": "true", "encryptionKMSID": "vault-eidp", "pool": "rbd-prod"},
                allowVolumeExpansion=True,
                provisioner="rbd.csi.ceph.com", reclaimPolicy="Delete", volumeBindingMode="WaitForFirstConsumer")
    cluster.add("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "ceph-rbd-snapshots",
                labels={"velero.io/csi-volumesnapshot-class": "true"},
                deletionPolicy="Retain", driver="rbd.csi.ceph.com", parameters={"clusterID": "eidp-prod", "pool": "rbd-prod"})
    plugin = cluster.image("mirror/cephcsi", "v3.15.1")
    daemon_set(cluster, "csi-rbdplugin", "kube-system", [container(
        "csi-rbdplugin", plugin, ports={"metrics": 8680}, probes=probe("/metrics", "metrics"), memory="512Mi",
        security={"privileged": True, "readOnlyRootFilesystem": True},
        args=["--type=rbd", "--nodeserver=true", "--drivername=rbd.csi.ceph.com",
              "--domainlabels=topology.kubernetes.io/region,topology.kubernetes.io/zone"],
        volumeMounts=mounts(dev="/dev", kubelet="/var/lib/kubelet"),
    )], token=True, root=True, hostNetwork=True, hostPID=True, priorityClassName="system-node-critical",
        volumes=[hostpath("dev", "/dev"), hostpath("kubelet", "/var/lib/kubelet")])
    deployment(cluster, "csi-rbdplugin-provisioner", "kube-system", [
        container("csi-provisioner", cluster.image("mirror/csi-provisioner", "v6.0.0"), probes=probe("/healthz/leader-election", 8090),
                  args=["--feature-gates=Topology=true", "--leader-election"]),
        container("csi-rbdplugin", plugin, ports={"metrics": 8680}, probes=probe("/metrics", "metrics"), memory="512Mi",
                  args=["--type=rbd", "--controllerserver=true"]),
    ], replicas=2, token=True)
    controller(cluster, "kube-system", "csi-rbdplugin", rule([""], ["nodes", "persistentvolumes"], READ),
               rule(["storage.k8s.io"], ["volumeattachments"], READ))
    controller(cluster, "kube-system", "csi-rbdplugin-provisioner",
               rule([""], ["persistentvolumeclaims", "persistentvolumes"], READ + ["create", "delete", "patch", "update"]),
               rule([""], ["nodes"], READ),
               rule(["storage.k8s.io"], ["csinodes", "storageclasses", "volumeattachments"], READ),
               rule(["snapshot.storage.k8s.io"], ["volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots"],
                    READ + ["create", "delete", "patch", "update"]))


def edge(cluster):
    """The only way in: one Traefik behind one load balancer, for Ingresses and for routes of the Gateway API."""
    cluster.namespace("edge", pod_security="restricted", env="production", proofbook_dev__owner="team-network")
    deployment(cluster, "traefik", "edge", [container(
        "traefik", cluster.image("mirror/traefik", "v3.6.4"), ports={"web": 8000, "websecure": 8443, "metrics": 9100},
        probes=probe("/ping", "metrics"),
        cpu="500m", memory="512Mi", volumeMounts=mounts(tmp="/tmp"), args=[
            "--entrypoints.web.address=:8000", "--entrypoints.web.http.redirections.entrypoint.to=:443",
            "--entrypoints.websecure.address=:8443", "--entrypoints.websecure.http.middlewares=edge-rate-limit@kubernetescrd",
            "--entrypoints.websecure.http.tls=true", "--metrics.prometheus=true", "--ping=true",
            "--providers.kubernetescrd=true", "--providers.kubernetesgateway=true", "--providers.kubernetesingress=true",
            "--providers.kubernetesingress.ingressclass=traefik",
        ],
    )], replicas=3, token=True, volumes=scratch("tmp"))
    budget(cluster, "traefik", "edge")
    balancer = service(cluster, "traefik", "edge", {"web": 80, "websecure": 443}, type="LoadBalancer", externalTrafficPolicy="Local")
    balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.10", "ipMode": "VIP"}]}}
    scaler(cluster, "traefik", "edge", 3, 9)
    controller(cluster, "edge", "traefik",
               rule([""], ["namespaces", "nodes", "secrets", "services"], READ), rule(["discovery.k8s.io"], ["endpointslices"], READ),
               rule(["networking.k8s.io"], ["ingressclasses", "ingresses"], READ),
               rule(["networking.k8s.io"], ["ingresses/status"], ["update"]),
               rule(["gateway.networking.k8s.io"], ["gatewayclasses", "gateways", "httproutes"], READ),
               rule(["gateway.networking.k8s.io"], ["gatewayclasses/status", "gateways/status", "httproutes/status"], ["update"]),
               rule(["traefik.io"], ["middlewares", "tlsoptions"], READ))
    cluster.add("networking.k8s.io/v1", "IngressClass", "traefik",
                annotations={"ingressclass.kubernetes.io/is-default-class": "true"}, spec={"controller": "traefik.io/ingress-controller"})
    cluster.add("gateway.networking.k8s.io/v1", "GatewayClass", "traefik", spec={"controllerName": "traefik.io/gateway-controller"})
    cluster.add("traefik.io/v1alpha1", "TLSOption", "default", "edge", spec={"minVersion": "VersionTLS13", "sniStrict": True})
    cluster.add("traefik.io/v1alpha1", "Middleware", "rate-limit", "edge",
                spec={"rateLimit": {"average": 100, "burst": 200, "period": "1s"}})
    cluster.add("gateway.networking.k8s.io/v1", "Gateway", "public", "edge", spec={"gatewayClassName": "traefik", "listeners": [
        {"allowedRoutes": {"namespaces": {"from": "Same"}}, "name": "http", "port": 80, "protocol": "HTTP"},
        {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"eidp.example/edge": "public"}}}},
         "name": "https",
         "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"kind": "Secret", "name": "public-tls"}], "mode": "Terminate"}},
    ]})
    cluster.add("gateway.networking.k8s.io/v1", "HTTPRoute", "redirect-to-https", "edge", spec={
        "parentRefs": [{"name": "public", "sectionName": "http"}],
        "rules": [{"filters": [{"requestRedirect": {"scheme": "https", "statusCode": 301}, "type": "RequestRedirect"}]}],
    })
    default_deny(cluster, "edge")
    allow_dns(cluster, "edge")
    policy(cluster, "allow-traefik", "edge", labels_of("traefik"),
           ingress=[{"ports": [{"port": 8000}, {"port": 8443}]},
                    {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
                     "ports": [{"port": 9100}]}],
           egress=[{"to": [{"namespaceSelector": {"matchLabels": {"eidp.example/edge": "public"}}}]},
                   {"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}])


def secrets(cluster):
    """External Secrets brings what workloads need from Vault, which runs outside of the cluster, one engine a tenant."""
    cluster.namespace("external-secrets", pod_security="restricted", proofbook_dev__owner="team-platform")
    path = cluster.image("mirror/external-secrets", "v1.2.0")
    deployment(cluster, "external-secrets", "external-secrets", [container(
        "external-secrets", path, ports={"metrics": 8080, "live": 8082}, probes=probe("/healthz", "live"),
        args=["--concurrent=2", "--live-addr=:8082"])], token=True)
    deployment(cluster, "external-secrets-webhook", "external-secrets", [container(
        "webhook", path, ports={"https": 10250, "ready": 8081}, probes=probe("/readyz", "ready"), args=["webhook", "--port=10250"])],
            token=True)
    service(cluster, "external-secrets-webhook", "external-secrets", {"https": 443})
    controller(cluster, "external-secrets", "external-secrets",
               rule(["external-secrets.io"], ["clustersecretstores", "externalsecrets", "secretstores"], READ + ["patch", "update"]),
               rule([""], ["secrets"], READ + ["create", "delete", "patch", "update"]), rule([""], ["namespaces", "serviceaccounts"], READ),
               rule([""], ["serviceaccounts/token"], ["create"]), rule([""], ["events"], ["create", "patch"]))


def admission(cluster):
    """Policies at the API, with what the agents of nodes are spared."""
    policies.engine(cluster)
    policies.cluster_policies(cluster)
    policies.exception(cluster, "node-agents", "kyverno", ["restrict-host-access"], "2027-03-31", [
        {"kinds": ["DaemonSet", "Pod"], "names": ["alloy*", "cilium*", "csi-rbdplugin*", "node-agent*", "tetragon*"],
         "namespaces": ["kube-system", "monitoring", "velero"]}])
    policies.built_in(cluster)
    policies.webhooks(cluster)
    policies.webhook(cluster, "externalsecret-validate", "validate.externalsecret.external-secrets.io", "external-secrets",
                     "external-secrets-webhook", "/validate-external-secrets-io-v1-externalsecret", ["external-secrets.io"],
                     ["externalsecrets"])
