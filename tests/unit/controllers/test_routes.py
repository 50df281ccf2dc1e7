from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.controllers.ingress_nginx.lexer import Statement, statements
from blueshift.controllers.ingress_nginx.routes import host_of, parse
from blueshift.errors import BlueshiftError
from blueshift.traffic.routes import Routes, Stream, compare, known

HEAD = "# configuration file /etc/nginx/nginx.conf:\n"

CONF = (
    HEAD
    + r"""
events { use epoll; }
http {
  init_by_lua_block {
    -- a comment with } and "
    local a = { b = "}" , c = '{' }  --[[ } ]]
    local d = [==[ } ]==]
  }
  upstream upstream_balancer { server 0.0.0.1; }
  server { server_name "www.a.example.com"; listen 443 ssl; return 308 $redirect_to; }
  ## start server *.wild.example.com
  server {
    server_name "~^(?<subdomain>[\\w-]+)\\.wild\\.example\\.com$" ;
    listen 80 proxy_protocol; listen [::]:443 proxy_protocol ssl;
    location "/" {
      set $namespace "blog"; set $ingress_name "wildcard"; set $service_name "web"; set $service_port "80";
    }
  }
  server {
    server_name _ ;
    listen 80 default_server;
    location "/" { set $ingress_name ""; }
    location /healthz { return 200; }
    location /nginx_status { stub_status on; }
  }
  server {
    server_name A.example.com alias.example.com ~^x-(a|b)\.example\.com$ ;
    listen 80;
    location = /snip { return 200 "a { } ; \" b"; }
    location ~* "^/api(/|$)(.*)" {
      set $location_path "/api(/|${literal_dollar})(.*)";
      set $ingress_name 'api';
      if ($arg_deny = "1") { return 410 "gone }\n"; }
    }
    location ~ ^/cased { set $ingress_name cased; }
    location ^~ /static/ { set $ingress_name static; }
    location = /_external-auth { internal; }
    location @custom_404 { internal; }
  }
  server { listen 8181; location / { return 404; } }
}
stream {
  server { listen 127.0.0.1:10247; content_by_lua_file x.lua; }
  server {
    preread_by_lua_block { ngx.var.proxy_upstream_name="tcp-shop-web-9000"; }
    listen 9000; listen [::]:9000;
  }
  server { set $proxy_upstream_name "udp-dns-53"; listen 53 udp; }
}
"""
)


def routes() -> Routes:
    return parse(CONF)


def test_every_location_that_a_client_can_ask_for() -> None:
    assert [(route.host, route.path, route.kind, route.flags) for route in routes().routes] == [
        ("*.wild.example.com", "/", "prefix", ""),
        ("_", "/", "prefix", ""),
        *[
            (host, path, kind, flags)
            for host in ("a.example.com", "alias.example.com")
            for path, kind, flags in (
                ("/snip", "exact", ""),
                ("/static/", "prefix", ""),
                ("^/api(/|$)(.*)", "regex", "i"),
                ("^/cased", "regex", ""),
            )
        ],
        ("www.a.example.com", "/", "prefix", ""),
        *[
            (r"~^x-(a|b)\.example\.com$", path, kind, flags)
            for path, kind, flags in (
                ("/snip", "exact", ""),
                ("/static/", "prefix", ""),
                ("^/api(/|$)(.*)", "regex", "i"),
                ("^/cased", "regex", ""),
            )
        ],
    ]


def test_backends_answers_and_listeners() -> None:
    by_key = {(route.host, route.path): route for route in routes().routes}
    wild = by_key["*.wild.example.com", "/"]
    assert (wild.namespace, wild.ingress, wild.service, wild.port, wild.tls) == (
        "blog",
        "wildcard",
        "web",
        "80",
        True,
    )
    assert by_key["www.a.example.com", "/"].returns == "308"
    assert by_key["a.example.com", "/snip"].returns == "200"
    assert by_key["a.example.com", "^/api(/|$)(.*)"].returns == ""
    assert by_key["a.example.com", "/snip"].tls is False
    assert routes().proxy_protocol is True
    passthrough = CONF.replace("listen 80 proxy_protocol;", "")
    assert parse(passthrough).proxy_protocol is False, (
        "the TLS port alone: the controller's own, behind its proxy"
    )


def test_streams() -> None:
    assert routes().streams == (Stream("tcp", 9000, "tcp-shop-web-9000"), Stream("udp", 53, "udp-dns-53"))


def test_known_hosts_and_hosts_without_series() -> None:
    found = routes()
    assert known("a.example.com", found.hosts())
    assert known("any.wild.example.com", found.hosts())
    assert not known("scanner.example.net", found.hosts())
    assert found.unseen() == ("*.wild.example.com", r"~^x-(a|b)\.example\.com$")


def test_differences_are_found() -> None:
    other = parse(
        CONF.replace("location = /snip", "location = /other")
        .replace('"blog"', '"shop"')
        .replace("listen 53 udp", "listen 54 udp")
        .replace("proxy_protocol", "")
    )
    difference = compare(routes(), other)
    assert {route.path for route in difference.only_left} == {"/snip"}
    assert {route.path for route in difference.only_right} == {"/other"}
    assert [(left.namespace, right.namespace) for left, right in difference.changed] == [("blog", "shop")]
    assert [str(stream) for stream in (*difference.streams_left, *difference.streams_right)] == [
        "udp/53",
        "udp/54",
    ]
    assert difference.proxy_protocol
    assert difference
    assert not compare(routes(), routes())


def test_routes_have_a_name_for_people() -> None:
    assert [str(route) for route in routes().routes if route.host == "a.example.com"] == [
        "a.example.com/snip",
        "a.example.com/static/",
        "a.example.com~^/api(/|$)(.*)",
        "a.example.com~^/cased",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("curl: command not found", "not the output"),
        (CONF[: len(CONF) // 2], "cut off"),
        (CONF[:200], "cut off"),
        (HEAD + "http { } }", "closes nothing"),
        (HEAD + 'http { x "abc', "without an end"),
    ],
)
def test_what_is_no_dump_is_refused(text: str, why: str) -> None:
    with pytest.raises(BlueshiftError, match=why) as caught:
        parse(text)
    assert caught.value.hint


def test_errors_of_nginx_before_the_dump_are_skipped() -> None:
    assert parse("nginx: the configuration file is ok { \n" + CONF) == routes()


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1, max_size=4
    )
)
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    quoted = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    assert list(statements(f"{quoted};")) == [Statement("simple", tuple(words))]


@given(st.text(alphabet="ab {};\"'\\#$\n", max_size=60))
def test_the_lexer_ends_with_balanced_blocks_or_an_error(text: str) -> None:
    try:
        found = list(statements(text))
    except BlueshiftError:
        return
    kinds = [statement.kind for statement in found]
    assert kinds.count("open") == kinds.count("close")


def test_both_official_versions_serve_the_same(samples: Path) -> None:
    old, new = (
        parse((samples / f"ingress-nginx-{v}" / "nginx-T.conf").read_text()) for v in ("1.11.3", "1.15.1")
    )
    assert len(new.routes) == 48
    assert not compare(old, new)
    assert new.streams == (Stream("tcp", 9000, "tcp-shop-web-9000"),)


def test_official_oddities(samples: Path) -> None:
    found = parse((samples / "ingress-nginx-1.15.1" / "nginx-T.conf").read_text())
    keys = {(route.host, route.path, route.kind): route for route in found.routes}
    assert {
        ("paths.example.com", "/prefix/", "prefix"),
        ("paths.example.com", "/prefix", "exact"),
    } <= keys.keys()
    assert keys["rewrite.example.com", "^/api(/|$)(.*)", "regex"].service == "web"
    assert keys["www.alias.example.com", "/", "prefix"].returns == "308"
    assert keys["snippet.example.com", "/served-by-snippet", "exact"].returns == "200"
    assert keys["_", "/nohost/", "prefix"].ingress == "nohost"
    assert not [key for key in keys if key[1] in {"/healthz", "/nginx_status", "/configuration"}]
    assert found.unseen() == ("*.wild.example.com", "_", r"~^alias-(two|three)\.example\.com$")


@pytest.mark.parametrize(
    ("name", "host"),
    [
        (r"~^(?<subdomain>[\w-]+)\.a\.example\.com$", "*.a.example.com"),
        ("Shop.Example.COM", "shop.example.com"),
        (r"~^X\d$", r"~^X\d$"),
    ],
)
def test_server_names_as_ingresses_write_them(name: str, host: str) -> None:
    assert host_of(name) == host


def test_hosts_whose_access_log_is_off_are_named() -> None:
    location = 'location /quiet { set $namespace "a"; set $ingress_name "b"; access_log off; }'
    server = f"server {{ server_name quiet.example.com; listen 80; {location} }}"
    found = parse(f"{HEAD}http {{ {server} }}")
    assert found.unlogged == ("quiet.example.com",)
    own = "server { server_name _; listen 80; location / { access_log off; return 404; } }"
    assert parse(f"{HEAD}http {{ {own} }}").unlogged == ()
    # As 1.11.3 writes it.
    own = 'server { server_name _; listen 80; location / { set $ingress_name ""; access_log off; } }'
    assert parse(f"{HEAD}http {{ {own} }}").unlogged == ()
