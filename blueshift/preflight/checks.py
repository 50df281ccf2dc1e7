"""The table of all checks. A new one is a function in its area's file and one line here."""

from __future__ import annotations

from blueshift.preflight import (
    applies,
    classes,
    cluster,
    dns,
    groups,
    helm,
    helm_client,
    names,
    neighbours,
    nginx,
    nginx_crossing,
    nginx_own,
    nginx_settings,
    revisions,
    room,
)
from blueshift.preflight.protocol import Check
from blueshift.preflight.quota import quota
from blueshift.preflight.spread import spread

CHECKS: tuple[Check, ...] = (
    Check("helm-release-exists", "error", "the release is there and deployed", helm.release_exists),
    Check("helm-release-pending", "error", "no other Helm command is at work", helm.release_pending),
    Check("helm-gitops-owner", "error", "neither Argo CD nor Flux owns the release", helm.gitops_owner),
    Check("helm-render", "error", "every revision of the run renders", helm.render),
    Check("helm-name-collision", "error", "nothing to be created is another's already", helm.name_collision),
    Check("helm-service-recreated", "error", "no Service loses its address", revisions.service_recreated),
    Check("helm-ingressclass-deleted", "error", "no class is taken away", revisions.ingressclass_deleted),
    Check("helm-immutable-field", "error", "no field changes that must not", revisions.immutable_field),
    Check("helm-quiesce", "error", "connections are ended without new pods", revisions.quiesces_alone),
    Check("helm-kube-version", "error", "the charts allow this cluster", helm_client.kube_version),
    Check("helm-chart-source", "info", "it is known where the chart is from", helm_client.chart_source),
    Check("helm-history-max", "info", "Helm keeps what a way back needs", helm_client.history_max),
    Check("helm-client", "warning", "the same Helm goes on", helm_client.client),
    Check("helm-ssa-conflict", "error", "the API server would take every object", applies.ssa_conflict),
    Check("helm-api-deprecated", "error", "this cluster serves every object's API", applies.api_deprecated),
    Check("helm-values-drift", "warning", "live objects are as Helm believes", applies.values_drift),
    Check(
        "helm-reuse-values", "warning", "the target knows every value that is set", helm_client.reuse_values
    ),
    Check("cluster-rbac", "error", "this user may do what the run does", cluster.rbac),
    Check("cluster-exec", "error", "commands may be run in the pods", cluster.execute),
    Check("cluster-replicas", "error", "the primary is whole", cluster.replicas),
    Check("cluster-lb-address", "error", "a second release can have an address", cluster.lb_address),
    Check("cluster-identity", "error", "one cluster answers, and which", neighbours.identity),
    Check("cluster-quota", "error", "quotas and limits admit the pods of a run", quota),
    Check("cluster-headroom", "error", "the pods of a run fit onto the nodes", room.headroom),
    Check("cluster-spread", "error", "no rule keeps the pods of a run from all nodes", spread),
    Check("cluster-host-ports", "error", "no port of a node is taken twice", room.host_ports),
    Check("cluster-image-pull", "warning", "nodes have the images, or can be given them", room.image_pull),
    Check("cluster-pdb", "warning", "drains of nodes leave pods, and end", neighbours.pdb),
    Check("cluster-network-policy", "error", "backends admit the temporary too", neighbours.network_policy),
    Check("cluster-mesh", "warning", "no mesh knows the primary alone", neighbours.mesh),
    Check("cluster-webhook-orphan", "error", "no dead webhook refuses writes", neighbours.webhook_orphan),
    Check("class-shared", "error", "no other controller serves the same Ingresses", classes.shared),
    Check("class-groups", "warning", "each class and address is of one traffic group", groups.isolated),
    Check("nginx-prestop-binary", "error", "the preStop hook can run", nginx.prestop_binary),
    Check("nginx-ssl-passthrough", "error", "no connection passes unseen", nginx.ssl_passthrough),
    Check("nginx-status-race", "error", "no pod blanks the status of Ingresses", nginx.status_race),
    Check("nginx-crossing-1.0", "error", "Ingresses have a class for 1.0", nginx_crossing.crossing_1_0),
    Check("nginx-crossing-1.10", "error", "nothing is used that 1.10 took", nginx_crossing.crossing_1_10),
    Check("nginx-crossing-1.12", "error", "1.12 drops no Ingress", nginx_crossing.crossing_1_12),
    Check("chart-crossing-4.8", "error", "snippets in annotations stay in force", nginx_crossing.chart_4_8),
    Check("nginx-custom-template", "error", "a custom nginx.tmpl suits the target", nginx_own.template),
    Check("nginx-lua-plugins", "error", "the target loads the same Lua plugins", nginx_own.plugins),
    Check(
        "nginx-custom-image", "warning", "images are the charts', and what they are called", nginx_own.image
    ),
    Check("nginx-custom-annotations", "warning", "the target knows every annotation", nginx_own.foreign),
    Check("nginx-grace-arithmetic", "warning", "a pod that ends has its time", nginx_settings.grace),
    Check("nginx-metrics-off", "warning", "both sides count requests", nginx_settings.metrics),
    Check(
        "nginx-prometheus", "warning", "the Prometheus that stands in has the pods", nginx_settings.prometheus
    ),
    Check("nginx-access-log-off", "warning", "every request is in a log", nginx_settings.access_log),
    Check("nginx-proxy-protocol", "error", "PROXY headers are read as sent", nginx_settings.proxy_protocol),
    Check("nginx-tcp-udp", "error", "all sides serve the same TCP and UDP ports", nginx_settings.streams),
    Check("dns-hosts", "error", "every host is known, and those with traffic move", dns.hosts),
    Check("dns-name-servers", "error", "all name servers agree", dns.name_servers),
    Check("dns-update-rights", "error", "the key may write the names", dns.update_rights),
    Check("dns-tsig-clock", "error", "signatures hold by both clocks", dns.tsig_clock),
    Check("dns-ttl", "warning", "no TTL makes a run wait for days, and all can be written", names.ttl),
    Check("dns-wildcard-apex", "error", "wildcards, zone tops and aliases can move", names.wildcard_apex),
    Check("dns-families", "warning", "both families of a name lead to the primary", names.families),
    Check("dns-hostname-address", "error", "the load balancer has addresses", names.hostname_address),
    Check("dns-external-dns", "error", "no external-dns writes the names", dns.external_dns),
)
