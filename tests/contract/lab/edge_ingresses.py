"""What the controller is asked for: every feature of the template in some Ingress or setting."""

from __future__ import annotations

from tests.contract.lab.edge import ingress

SNIPPETS = {
    "configuration-snippet": 'more_set_headers "X-Snippet: yes";',
    "server-snippet": "location /own { return 418; }",
}
OWN = "ImplementationSpecific"
AUTH = "198.19.7.7"
"""The authenticating Service's own address: the lab has no cluster DNS."""
INGRESSES = (
    ingress("plain", "plain.test"),
    ingress("tls", "tls.test", secret="tls"),
    ingress("rewrite", "rewrite.test", {"rewrite-target": "/api/$2"}, paths=[("/v1(/|$)(.*)", OWN)]),
    ingress("regex", "regex.test", {"use-regex": "true"}, paths=[("/item/[0-9]+$", OWN)]),
    ingress("exact", "exact.test", paths=[("/only", "Exact"), ("/under", "Prefix")]),
    ingress("auth", "auth.test", {"auth-type": "basic", "auth-secret": "users", "auth-realm": "staff"}),
    ingress("allow", "allow.test", {"whitelist-source-range": "192.0.2.0/24"}),
    ingress("deny", "deny.test", {"denylist-source-range": "198.18.0.0/15"}),
    ingress("moved", "moved.test", {"permanent-redirect": "https://new.test/there"}),
    ingress("later", "later.test", {"temporal-redirect": "https://new.test/now"}),
    ingress("root", "root.test", {"app-root": "/start"}),
    ingress("force", "force.test", {"force-ssl-redirect": "true"}),
    ingress("www", "bare.test", {"from-to-www-redirect": "true"}),
    ingress("alias", "named.test", {"server-alias": "other.test"}),
    ingress("wild", "*.wild.test"),
    ingress("snippet", "snippet.test", SNIPPETS),
    ingress("vhost", "vhost.test", {"upstream-vhost": "inner.test"}),
    ingress("small", "small.test", {"proxy-body-size": "1k"}),
    ingress("cors", "cors.test", {"enable-cors": "true", "cors-allow-origin": "https://app.test"}),
    ingress("extauth", "extauth.test", {"auth-url": f"http://{AUTH}/check"}),
    ingress("sticky", "sticky.test", {"affinity": "cookie", "session-cookie-name": "stay"}),
    ingress("limits", "limits.test", {"limit-rps": "1", "limit-burst-multiplier": "1"}),
    ingress("main", "canary.test", service="stable"),
    ingress("nobody", "nobody.test", service="empty"),
    ingress("last", "last.test"),
)  # fmt: skip
CANARY = ingress(
    "canary",
    "canary.test",
    {"canary": "true", "canary-weight": "30", "canary-by-header": "X-Canary", "canary-by-cookie": "canary"},
    service="echo-b",
)

EVERYTHING = {
    "main-snippet": "# mark main",
    "http-snippet": "# mark http",
    "server-snippet": "# mark server",
    "location-snippet": "# mark location",
    "stream-snippet": "# mark stream",
    "use-forwarded-headers": "true",
    "compute-full-forwarded-for": "true",
    "enable-real-ip": "true",
    "proxy-add-original-uri-header": "true",
    "block-cidrs": "192.0.2.1",
    "hide-headers": "X-Hidden",
    "custom-http-errors": "404,503",
    "use-gzip": "true",
    "server-tokens": "true",
    "skip-access-log-urls": "/quiet",
    "log-format-escape-none": "true",
    "access-log-params": "buffer=4k flush=1s",
    "disable-ipv6-dns": "true",
    "bind-address": "0.0.0.0",
    "upstream-keepalive-connections": "0",
    "enable-underscores-in-headers": "true",
    "use-http2": "false",
    "global-auth-url": f"http://{AUTH}/global",
}
RARE = (
    ingress("grpc", "grpc.test", {"backend-protocol": "GRPC"}),
    ingress(
        "https",
        "https.test",
        {"backend-protocol": "HTTPS", "proxy-ssl-secret": "shop/ca", "proxy-ssl-verify": "on"},
    ),
    ingress("mirror", "mirror.test", {"mirror-target": f"http://{AUTH}/copy$request_uri"}),
    ingress(
        "client-tls",
        "client.test",
        {"auth-tls-secret": "shop/ca", "auth-tls-pass-certificate-to-upstream": "true"},
        secret="tls",
    ),
    ingress("errors", "errors.test", {"custom-http-errors": "418", "default-backend": "echo-b"}),
    ingress(
        "signin",
        "signin.test",
        {
            "auth-url": f"http://{AUTH}/",
            "auth-signin": "https://login.test/?a=b",
            "auth-response-headers": "X-User",
        },
    ),
    ingress("hash", "hash.test", {"upstream-hash-by": "$request_uri"}),
    ingress(
        "both",
        "both.test",
        {
            "satisfy": "any",
            "auth-type": "basic",
            "auth-secret": "users",
            "whitelist-source-range": "198.18.0.0/15",
        },
    ),
    ingress(
        "limited",
        "limited.test",
        {"limit-connections": "5", "limit-rpm": "100", "limit-whitelist": "192.0.2.0/24"},
    ),
    ingress(
        "redirects", "redirects.test", {"proxy-redirect-from": "http://a/", "proxy-redirect-to": "http://b/"}
    ),
)
