"""What the platform runs for its tenants: network, storage, edge, certificates, secrets, policies, backups, monitoring, its own API."""

from .cluster import image
from .network import allow_dns, allow_within, default_deny, policy
from .policies import build as build_policies
from .rbac import READ, binding, cluster_binding, cluster_role, controller, role, rule, service_account
from .workload import account, budget, container, daemon_set, deployment, hostpath, labels_of, mounts, probe, scratch, service, stateful_set


def build(cluster):
    network(cluster)
    storage(cluster)
    edge(cluster)
    certificates(cluster)
    secrets(cluster)
    build_policies(cluster)
    backups(cluster)
    monitoring(cluster)
    platform_services(cluster)


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
    agent = image("mirror/cilium", "v1.19.2")
    mount = container("mount-bpf-fs", agent, probes={}, security={"privileged": True}, command=["/bin/bash", "-c", "--"],
                      args=['mount | grep "/sys/fs/bpf type bpf" || mount -t bpf bpf /sys/fs/bpf'],
                      volumeMounts=[{"mountPath": "/sys/fs/bpf", "mountPropagation": "Bidirectional", "name": "bpf-maps"}])
    daemon_set(cluster, "cilium", "kube-system", [container(
        "cilium-agent", agent, ports={"health": 9879, "metrics": 9962}, cpu="200m", memory="1Gi", security=security,
        args=["--config-dir=/tmp/cilium/config-map"], command=["cilium-agent"],
        volumeMounts=mounts(bpf_maps="/sys/fs/bpf", cilium_run="/var/run/cilium", cni="/host/etc/cni/net.d", config="/tmp/cilium/config-map"),
    )], token=True, root=True, hostNetwork=True, initContainers=[mount], priorityClassName="system-node-critical", volumes=[
        hostpath("bpf-maps", "/sys/fs/bpf", "DirectoryOrCreate"), hostpath("cilium-run", "/var/run/cilium", "DirectoryOrCreate"),
        hostpath("cni", "/etc/cni/net.d", "DirectoryOrCreate"), {"configMap": {"name": "cilium-config"}, "name": "config"},
    ])
    deployment(cluster, "cilium-operator", "kube-system", [container(
        "operator", image("mirror/cilium-operator", "v1.19.2"), ports={"health": 9234}, memory="256Mi", command=["cilium-operator-generic"],
    )], replicas=2, token=True, hostNetwork=True, priorityClassName="system-cluster-critical")
    controller(cluster, "kube-system", "cilium",
               rule([""], ["endpoints", "namespaces", "nodes", "pods", "services"], READ), rule(["discovery.k8s.io"], ["endpointslices"], READ),
               rule(["networking.k8s.io"], ["networkpolicies"], READ), rule(["cilium.io"], ["ciliumendpoints", "ciliumidentities", "ciliumnodes"], READ + ["create", "delete", "patch", "update"]))
    controller(cluster, "kube-system", "cilium-operator",
               rule([""], ["namespaces", "nodes", "pods", "services"], READ), rule([""], ["nodes/status", "services/status"], ["patch", "update"]),
               rule(["cilium.io"], ["ciliumendpoints", "ciliumidentities", "ciliumnodes"], READ + ["create", "delete", "patch", "update"]))
    controller(cluster, "kube-system", "coredns", rule([""], ["namespaces", "pods", "services"], READ), rule(["discovery.k8s.io"], ["endpointslices"], READ))
    controller(cluster, "kube-system", "metrics-server", rule([""], ["nodes/metrics"], ["get"]), rule([""], ["namespaces", "nodes", "pods"], READ))
    cluster_binding(cluster, "metrics-server:auth-delegator", "system:auth-delegator", service_account("kube-system", "metrics-server"))
    binding(cluster, "metrics-server-auth-reader", "kube-system", "extension-apiserver-authentication-reader", service_account("kube-system", "metrics-server"))


def storage(cluster):
    """Volumes of the platform's own Ceph cluster, encrypted with a key a volume that Vault keeps."""
    cluster.add("storage.k8s.io/v1", "StorageClass", "ceph-rbd-encrypted", annotations={"storageclass.kubernetes.io/is-default-class": "true"},
                allowVolumeExpansion=True, parameters={"clusterID": "eidp-prod", "encrypted": "true", "encryptionKMSID": "vault-eidp", "pool": "rbd-prod"},
                provisioner="rbd.csi.ceph.com", reclaimPolicy="Delete", volumeBindingMode="WaitForFirstConsumer")
    cluster.add("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "ceph-rbd-snapshots", labels={"velero.io/csi-volumesnapshot-class": "true"},
                deletionPolicy="Retain", driver="rbd.csi.ceph.com", parameters={"clusterID": "eidp-prod", "pool": "rbd-prod"})
    plugin = image("mirror/cephcsi", "v3.15.1")
    daemon_set(cluster, "csi-rbdplugin", "kube-system", [container(
        "csi-rbdplugin", plugin, ports={"metrics": 8680}, probes=probe("/metrics", "metrics"), memory="512Mi",
        security={"privileged": True, "readOnlyRootFilesystem": True},
        args=["--type=rbd", "--nodeserver=true", "--drivername=rbd.csi.ceph.com", "--domainlabels=topology.kubernetes.io/region,topology.kubernetes.io/zone"],
        volumeMounts=mounts(dev="/dev", kubelet="/var/lib/kubelet"),
    )], token=True, root=True, hostNetwork=True, hostPID=True, priorityClassName="system-node-critical",
        volumes=[hostpath("dev", "/dev"), hostpath("kubelet", "/var/lib/kubelet")])
    deployment(cluster, "csi-rbdplugin-provisioner", "kube-system", [
        container("csi-provisioner", image("mirror/csi-provisioner", "v6.0.0"), probes=probe("/healthz/leader-election", 8090), args=["--feature-gates=Topology=true", "--leader-election"]),
        container("csi-rbdplugin", plugin, ports={"metrics": 8680}, probes=probe("/metrics", "metrics"), memory="512Mi", args=["--type=rbd", "--controllerserver=true"]),
    ], replicas=2, token=True)
    controller(cluster, "kube-system", "csi-rbdplugin", rule([""], ["nodes", "persistentvolumes"], READ), rule(["storage.k8s.io"], ["volumeattachments"], READ))
    controller(cluster, "kube-system", "csi-rbdplugin-provisioner",
               rule([""], ["persistentvolumeclaims", "persistentvolumes"], READ + ["create", "delete", "patch", "update"]), rule([""], ["nodes"], READ),
               rule(["storage.k8s.io"], ["csinodes", "storageclasses", "volumeattachments"], READ),
               rule(["snapshot.storage.k8s.io"], ["volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots"], READ + ["create", "delete", "patch", "update"]))


def edge(cluster):
    """The only way in: one Traefik behind one load balancer, for Ingresses and for routes of the Gateway API."""
    cluster.namespace("edge", pod_security="restricted", env="production", proofbook_dev__owner="team-network")
    deployment(cluster, "traefik", "edge", [container(
        "traefik", image("mirror/traefik", "v3.6.4"), ports={"web": 8000, "websecure": 8443, "metrics": 9100}, probes=probe("/ping", "metrics"),
        cpu="500m", memory="512Mi", volumeMounts=mounts(tmp="/tmp"), args=[
            "--entrypoints.web.address=:8000", "--entrypoints.web.http.redirections.entrypoint.to=:443", "--entrypoints.websecure.address=:8443",
            "--entrypoints.websecure.http.tls.options=edge-modern@kubernetescrd", "--metrics.prometheus=true", "--ping=true",
            "--providers.kubernetesgateway=true", "--providers.kubernetesingress=true", "--providers.kubernetesingress.ingressclass=traefik",
        ],
    )], replicas=3, token=True, volumes=scratch("tmp"))
    budget(cluster, "traefik", "edge")
    balancer = service(cluster, "traefik", "edge", {"web": 80, "websecure": 443}, type="LoadBalancer", externalTrafficPolicy="Local")
    balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.10", "ipMode": "VIP"}]}}
    scaler(cluster, "traefik", "edge", 3, 9)
    controller(cluster, "edge", "traefik",
               rule([""], ["namespaces", "nodes", "secrets", "services"], READ), rule(["discovery.k8s.io"], ["endpointslices"], READ),
               rule(["networking.k8s.io"], ["ingressclasses", "ingresses"], READ), rule(["networking.k8s.io"], ["ingresses/status"], ["update"]),
               rule(["gateway.networking.k8s.io"], ["gatewayclasses", "gateways", "httproutes"], READ),
               rule(["gateway.networking.k8s.io"], ["gatewayclasses/status", "gateways/status", "httproutes/status"], ["update"]),
               rule(["traefik.io"], ["middlewares", "tlsoptions"], READ))
    cluster.add("gateway.networking.k8s.io/v1", "Gateway", "public", "edge", spec={"gatewayClassName": "traefik", "listeners": [
        {"allowedRoutes": {"namespaces": {"from": "Same"}}, "name": "http", "port": 80, "protocol": "HTTP"},
        {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"eidp.example/edge": "public"}}}}, "name": "https",
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
                    {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}], "ports": [{"port": 9100}]}],
           egress=[{"to": [{"namespaceSelector": {"matchLabels": {"eidp.example/edge": "public"}}}]},
                   {"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}])


def scaler(cluster, name, namespace, least, most, created=None):
    cluster.add("autoscaling/v2", "HorizontalPodAutoscaler", name, namespace, created=created, spec={
        "maxReplicas": most, "minReplicas": least,
        "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70, "type": "Utilization"}}, "type": "Resource"}],
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
    }, status={"currentReplicas": least, "desiredReplicas": least})


def certificates(cluster):
    """cert-manager, with an authority in the European Union for public names and an own one for internal names."""
    cluster.namespace("cert-manager", pod_security="restricted", proofbook_dev__owner="team-platform")
    version = "v1.19.1"
    deployment(cluster, "cert-manager", "cert-manager", [container(
        "cert-manager-controller", image("mirror/cert-manager-controller", version), ports={"http-metrics": 9402, "http-healthz": 9403},
        probes=probe("/livez", "http-healthz"), args=["--leader-election-namespace=cert-manager"])], token=True)
    deployment(cluster, "cert-manager-cainjector", "cert-manager", [container(
        "cert-manager-cainjector", image("mirror/cert-manager-cainjector", version), ports={"http-healthz": 9403}, probes=probe("/healthz", "http-healthz"),
        args=["--leader-election-namespace=cert-manager"])], token=True)
    deployment(cluster, "cert-manager-webhook", "cert-manager", [container(
        "cert-manager-webhook", image("mirror/cert-manager-webhook", version), ports={"https": 10250, "healthcheck": 6080}, probes=probe("/livez", "healthcheck"),
        args=["--secure-port=10250", "--tls-min-version=VersionTLS13"])], token=True)
    service(cluster, "cert-manager-webhook", "cert-manager", {"https": 443})
    kinds = ["certificaterequests", "certificates", "challenges", "clusterissuers", "issuers", "orders"]
    controller(cluster, "cert-manager", "cert-manager", rule(["acme.cert-manager.io", "cert-manager.io"], kinds, READ + ["create", "delete", "patch", "update"]),
               rule([""], ["secrets"], READ + ["create", "delete", "patch", "update"]), rule([""], ["events"], ["create", "patch"]))
    controller(cluster, "cert-manager", "cert-manager-cainjector", rule([""], ["secrets"], READ), rule(["cert-manager.io"], ["certificates"], READ),
               rule(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"], READ + ["patch", "update"]))
    controller(cluster, "cert-manager", "cert-manager-webhook", rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]))
    ready = {"conditions": [{"lastTransitionTime": "2026-03-10T12:04:09Z", "reason": "Ready", "status": "True", "type": "Ready"}]}
    cluster.add("cert-manager.io/v1", "ClusterIssuer", "public-acme", spec={"acme": {
        "email": "security@eidp.example", "privateKeySecretRef": {"name": "public-acme-account"},
        "server": "https://acme.ca.example/directory", "solvers": [{"http01": {"ingress": {"ingressClassName": "traefik"}}}],
    }}, status=ready)
    cluster.add("cert-manager.io/v1", "ClusterIssuer", "self-signed", spec={"selfSigned": {}}, status=ready)
    certificate(cluster, "internal-ca", "cert-manager", ["ca.eidp.internal"], "self-signed", lifetime=("2026-03-10", "2028-03-09", "2027-07-09"), isCA=True, commonName="EIDP internal CA")
    certificate(cluster, "public-tls", "edge", ["console.eidp.example", "docs.eidp.example", "portal.eidp.example", "api.eidp.example"], "public-acme")


def certificate(cluster, name, namespace, hosts, issuer, *, lifetime=("2026-10-09", "2027-01-07", "2026-12-08"), created=None, issuer_kind="ClusterIssuer", **spec):
    """A Certificate; `lifetime` is from, until and the day of renewal."""
    begins, ends, renews = (f"{day}T04:12:30Z" for day in lifetime)
    cluster.add("cert-manager.io/v1", "Certificate", name, namespace, created=created, spec={
        "dnsNames": hosts, "issuerRef": {"group": "cert-manager.io", "kind": issuer_kind, "name": issuer},
        "privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Always", "size": 384}, "secretName": name, **spec,
    }, status={
        "conditions": [{"lastTransitionTime": begins, "reason": "Ready", "status": "True", "type": "Ready"}],
        "notAfter": ends, "notBefore": begins, "renewalTime": renews, "revision": 3,
    })


def secrets(cluster):
    """External Secrets brings what workloads need from Vault, which runs outside of the cluster, one engine a tenant."""
    cluster.namespace("external-secrets", pod_security="restricted", proofbook_dev__owner="team-platform")
    path = image("mirror/external-secrets", "v1.2.0")
    deployment(cluster, "external-secrets", "external-secrets", [container(
        "external-secrets", path, ports={"metrics": 8080, "live": 8082}, probes=probe("/healthz", "live"), args=["--concurrent=2", "--live-addr=:8082"])], token=True)
    deployment(cluster, "external-secrets-webhook", "external-secrets", [container(
        "webhook", path, ports={"https": 10250, "ready": 8081}, probes=probe("/readyz", "ready"), args=["webhook", "--port=10250"])], token=True)
    service(cluster, "external-secrets-webhook", "external-secrets", {"https": 443})
    controller(cluster, "external-secrets", "external-secrets",
               rule(["external-secrets.io"], ["clustersecretstores", "externalsecrets", "secretstores"], READ + ["patch", "update"]),
               rule([""], ["secrets"], READ + ["create", "delete", "patch", "update"]), rule([""], ["namespaces", "serviceaccounts"], READ),
               rule([""], ["serviceaccounts/token"], ["create"]), rule([""], ["events"], ["create", "patch"]))


def backups(cluster):
    """Velero with a location in each region; every production namespace of a tenant has a daily schedule of its own."""
    cluster.namespace("velero", proofbook_dev__owner="team-platform")
    path = image("mirror/velero", "v1.18.0")
    deployment(cluster, "velero", "velero", [container(
        "velero", path, ports={"metrics": 8085}, probes=probe("/metrics", "metrics"), cpu="200m", memory="512Mi",
        args=["server", "--default-backup-ttl=720h0m0s", "--features=EnableCSI"], volumeMounts=mounts(plugins="/plugins", scratch="/scratch", tmp="/tmp"),
        env=[{"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/credentials/cloud"}],
    )], token=True, volumes=scratch("plugins", "scratch", "tmp"))
    daemon_set(cluster, "node-agent", "velero", [container(
        "node-agent", path, ports={"metrics": 8085}, probes=probe("/metrics", "metrics"), memory="1Gi", args=["node-agent", "server"],
        security={"allowPrivilegeEscalation": False, "capabilities": {"add": ["DAC_READ_SEARCH"], "drop": ["ALL"]}, "readOnlyRootFilesystem": True},
        volumeMounts=mounts(pods="/host_pods", scratch="/scratch"),
    )], everywhere=False, token=True, root=True, volumes=[hostpath("pods", "/var/lib/kubelet/pods"), *scratch("scratch")])
    cluster_binding(cluster, "velero", "cluster-admin", service_account("velero", "velero"))
    role(cluster, "node-agent", "velero", rule(["velero.io"], ["datadownloads", "datauploads", "podvolumebackups", "podvolumerestores"], READ + ["patch", "update"]),
         rule([""], ["pods"], READ))
    binding(cluster, "node-agent", "velero", "node-agent", service_account("velero", "node-agent"))
    location(cluster, "primary", "eidp-prod-backups", "eu-west-1", "https://objects.eu-west-1.waterland.example", default=True)
    location(cluster, "secondary", "eidp-prod-backups-copy", "eu-central-1", "https://objects.eu-central-1.elbe.example")
    schedule(cluster, "platform-daily", ["eidp-system", "monitoring"], "40 0 * * *", location_name="secondary")


def location(cluster, name, bucket, region, url, default=False, created=None, **config):
    config = config or {"kmsKeyId": "vault-transit-eidp-backups"}
    cluster.add("velero.io/v1", "BackupStorageLocation", name, "velero", created=created, spec={
        "accessMode": "ReadWrite", "config": {"region": region, "s3ForcePathStyle": "true", "s3Url": url, **config}, "default": default,
        "objectStorage": {"bucket": bucket}, "provider": "aws",
    }, status={"lastSyncedTime": "2026-11-20T02:59:20Z", "lastValidationTime": "2026-11-20T02:59:31Z", "phase": "Available"})


def schedule(cluster, name, namespaces, cron, *, ttl="720h0m0s", location_name="primary", created=None):
    """A Schedule, and its newest five backups: older ones are left out of the dump, so that it stays readable."""
    spec = {"includedNamespaces": namespaces, "snapshotMoveData": True, "snapshotVolumes": True, "storageLocation": location_name, "ttl": ttl}
    cluster.add("velero.io/v1", "Schedule", name, "velero", created=created,
                spec={"schedule": cron, "skipImmediately": False, "template": spec, "useOwnerReferencesInBackup": False},
                status={"lastBackup": f"2026-11-20T{cron.split()[1]:0>2}:{cron.split()[0]:0>2}:04Z", "phase": "Enabled"})
    for day in range(16, 21):
        backup(cluster, name, day)


def backup(cluster, schedule_name, day):
    """The backup that a Schedule made on a day of November."""
    plan = cluster.get("Schedule", schedule_name, "velero")["spec"]
    minute, hour, *_ = plan["schedule"].split()
    start = f"2026-11-{day:02}T{hour:0>2}:{minute:0>2}"
    stamp = start.replace("-", "").replace("T", "").replace(":", "")
    items = 400 + 37 * len(schedule_name) + day
    cluster.add("velero.io/v1", "Backup", f"{schedule_name}-{stamp}04", "velero", created=f"{start}:04Z",
                labels={"velero.io/schedule-name": schedule_name, "velero.io/storage-location": plan["template"]["storageLocation"]},
                spec=dict(plan["template"]), status={
                    "completionTimestamp": f"{start}:53Z", "expiration": f"2026-12-{day:02}T{hour:0>2}:{minute:0>2}:04Z", "formatVersion": "1.1.0",
                    "phase": "Completed", "progress": {"itemsBackedUp": items, "totalItems": items}, "startTimestamp": f"{start}:04Z", "version": 1,
                })


LOKI = """\
auth_enabled: true
server:
  http_listen_port: 3100
common:
  replication_factor: 1
  storage:
    s3:
      bucketnames: eidp-prod-logs
      endpoint: objects.eu-west-1.waterland.example
      region: eu-west-1
limits_config:
  retention_period: 2160h
  max_query_parallelism: 16
compactor:
  working_directory: /data/compactor
  retention_enabled: true
  delete_request_store: s3
"""


def monitoring(cluster):
    """Metrics in Prometheus for 90 days, logs in Loki for 90 days, read on every node by Alloy."""
    cluster.namespace("monitoring", proofbook_dev__owner="team-observability")
    cluster.add("v1", "ConfigMap", "loki", "monitoring", data={"loki.yaml": LOKI})
    cluster.add("v1", "ConfigMap", "prometheus-args", "monitoring", data={
        "args": "--config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/data --storage.tsdb.retention.time=90d --web.enable-lifecycle"})
    cluster.add("v1", "ConfigMap", "prometheus", "monitoring", data={"prometheus.yml": """\
global:
  scrape_interval: 30s
scrape_configs:
- job_name: pods
  kubernetes_sd_configs:
  - role: pod
"""})
    cluster.add("v1", "ConfigMap", "alloy", "monitoring", data={"config.alloy": """\
loki.source.kubernetes "pods" {
  targets    = discovery.kubernetes.pods.targets
  forward_to = [loki.write.central.receiver]
}
"""})
    stateful_set(cluster, "prometheus", "monitoring", [container(
        "prometheus", image("mirror/prometheus", "v3.8.0"), ports={"http": 9090}, probes=probe("/-/healthy", "http"), cpu="500m", memory="4Gi",
        command=["/bin/sh", "-c", "exec prometheus $(cat /etc/prometheus-args/args)"],
        volumeMounts=mounts(args="/etc/prometheus-args", config="/etc/prometheus", data="/data"),
    )], storage="200Gi", token=True, volumes=[{"configMap": {"name": "prometheus"}, "name": "config"}, {"configMap": {"name": "prometheus-args"}, "name": "args"}])
    stateful_set(cluster, "loki", "monitoring", [container(
        "loki", image("mirror/loki", "3.6.2"), ports={"http": 3100}, probes=probe("/ready", "http"), cpu="500m", memory="2Gi",
        args=["-config.file=/etc/loki/loki.yaml", "-config.expand-env=true"], volumeMounts=mounts(config="/etc/loki", data="/data"),
    )], storage="50Gi", volumes=[{"configMap": {"name": "loki"}, "name": "config"}])
    daemon_set(cluster, "alloy", "monitoring", [container(
        "alloy", image("mirror/alloy", "v1.12.0"), ports={"http": 12345}, probes=probe("/-/ready", "http"), memory="512Mi",
        args=["run", "/etc/alloy/config.alloy", "--storage.path=/tmp/alloy"], volumeMounts=mounts(config="/etc/alloy", logs="/var/log/pods", tmp="/tmp"),
    )], token=True, root=True, volumes=[{"configMap": {"name": "alloy"}, "name": "config"}, hostpath("logs", "/var/log/pods"), *scratch("tmp")])
    deployment(cluster, "kube-state-metrics", "monitoring", [container(
        "kube-state-metrics", image("mirror/kube-state-metrics", "v2.18.0"), ports={"http": 8080}, probes=probe("/livez", "http"))], token=True)
    for name, ports in (("prometheus", {"http": 9090}), ("loki", {"http": 3100}), ("kube-state-metrics", {"http": 8080})):
        service(cluster, name, "monitoring", ports)
    controller(cluster, "monitoring", "prometheus", rule([""], ["endpoints", "nodes", "nodes/metrics", "pods", "services"], READ), {"nonResourceURLs": ["/metrics"], "verbs": ["get"]})
    controller(cluster, "monitoring", "alloy", rule([""], ["namespaces", "nodes", "pods", "pods/log"], READ))
    controller(cluster, "monitoring", "kube-state-metrics",
               rule([""], ["namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods", "resourcequotas", "services"], READ),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], READ), rule(["batch"], ["cronjobs", "jobs"], READ))
    default_deny(cluster, "monitoring")
    allow_dns(cluster, "monitoring")
    allow_within(cluster, "monitoring")
    policy(cluster, "allow-scraping", "monitoring", labels_of("prometheus"),
           egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": 8080}, {"port": 9090}, {"port": 9100}, {"port": 9402}]}])


def platform_services(cluster):
    """The API and the console by which tenants order what they need, and the account that reads the evidence for this workspace."""
    namespace = "eidp-system"
    cluster.namespace(namespace, pod_security="restricted", env="production", eidp_example__edge="public", proofbook_dev__owner="team-platform")
    cluster.add("cert-manager.io/v1", "Issuer", "internal-ca", namespace, spec={"ca": {"secretName": "internal-ca"}}, status={
        "conditions": [{"lastTransitionTime": "2026-03-10T12:20:44Z", "reason": "KeyPairVerified", "status": "True", "type": "Ready"}]})
    certificate(cluster, "api-internal", namespace, ["api.eidp-system.svc", "api.eidp-system.svc.cluster.local"], "internal-ca", issuer_kind="Issuer")
    deployment(cluster, "api", namespace, [container(
        "api", image("eidp/api", "2026.45.2"), ports={"http": 8080}, cpu="250m", memory="512Mi", volumeMounts=mounts(config="/etc/eidp", tmp="/tmp"),
        env=[{"name": "OIDC_ISSUER", "value": "https://login.eidp.example/realms/platform"}, {"name": "REGION", "value": "eu-central-1"}],
    )], replicas=3, token=True, volumes=[{"configMap": {"name": "api-config"}, "name": "config"}, *scratch("tmp")])
    deployment(cluster, "console", namespace, [container(
        "console", image("eidp/console", "2026.46.0"), ports={"http": 8080}, volumeMounts=mounts(tmp="/tmp"),
        env=[{"name": "API_URL", "value": "https://api.eidp.example"}],
    )], replicas=3, volumes=scratch("tmp"))
    cluster.add("v1", "ConfigMap", "api-config", namespace, data={"settings.yaml": "regions:\n- eu-central-1\n- eu-west-1\nquota_class: standard\n"})
    for name in ("api", "console"):
        budget(cluster, name, namespace)
        service(cluster, name, namespace, {"http": 80})
        cluster.add("gateway.networking.k8s.io/v1", "HTTPRoute", name, namespace, spec={
            "hostnames": [f"{name}.eidp.example"], "parentRefs": [{"name": "public", "namespace": "edge", "sectionName": "https"}],
            "rules": [{"backendRefs": [{"name": name, "port": 80}], "matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}],
        })
    scaler(cluster, "api", namespace, 3, 6)
    cluster_role(cluster, "eidp:api", rule([""], ["limitranges", "namespaces", "resourcequotas"], READ + ["create", "patch"]),
               rule(["rbac.authorization.k8s.io"], ["rolebindings"], READ + ["create", "delete"]), rule(["networking.k8s.io"], ["networkpolicies"], READ + ["create", "patch"]))
    cluster_binding(cluster, "eidp:api", "eidp:api", service_account(namespace, "api"))
    account(cluster, "proofbook", namespace)
    controller(cluster, namespace, "proofbook", rule([""], ["configmaps", "namespaces", "nodes", "pods", "serviceaccounts", "services"], ["list"]),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list"]), rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], ["list"]))
    default_deny(cluster, namespace)
    allow_dns(cluster, namespace)
    policy(cluster, "allow-edge", namespace, {}, ingress=[
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}], "ports": [{"port": 8080}]}])
    policy(cluster, "allow-kubernetes-api", namespace, labels_of("api"), egress=[{"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}])
