"""Two files of manifests: what is compared, in which order, and what is assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.app.explain import objects_of, of_two
from blueshift.errors import BlueshiftError
from blueshift.report.explain import explanation_text

INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: NAME.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nKEY: {a: VALUE}\n---\n"


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def two(tmp_path: Path, old: str, new: str, version: str = "1.11.3") -> list[tuple[str, str, str]]:
    """(action, object, effect) of each change."""
    files = written(tmp_path, "old.yaml", old), written(tmp_path, "new.yaml", new)
    found = of_two(*files, namespace="default", version=version, classes=("nginx",))
    return [(one.action, one.object, one.effect) for one in found.changes]


def test_made_and_changed_in_the_files_order_and_gone_last(tmp_path: Path) -> None:
    one, other, third = (INGRESS.replace("NAME", name) for name in ("one", "other", "third"))
    assert two(tmp_path, one + other, third + other.replace("path: /,", "path: /v2,")) == [
        ("create", "Ingress shop/third", "reload"),
        ("change", "Ingress shop/other", "reload"),
        ("delete", "Ingress shop/one", "reload"),
    ]


def test_the_same_is_no_change(tmp_path: Path) -> None:
    old = SECRET.replace("KEY", "data").replace("VALUE", "YQ==")
    new = SECRET.replace("KEY", "stringData").replace("VALUE", "a")
    assert two(tmp_path, old, new) == []
    assert two(tmp_path, old, new.replace("{a: a}", "{a: b}")) == [
        ("change", "Secret default/s", "nothing"),
    ]


def test_the_text_names_effect_rule_source_and_connections(tmp_path: Path) -> None:
    old = written(tmp_path, "old.yaml", INGRESS.replace("NAME", "one"))
    new = written(tmp_path, "new.yaml", INGRESS.replace("NAME", "two"))
    text = explanation_text(of_two(old, new, namespace="default", version="", classes=("nginx",)))
    assert text.startswith("ingress-nginx 1.15.1\nassumed: the controller is 1.15.1")
    assert "reload    create Ingress shop/two" in text
    assert "[server: ingress-nginx 1.11.0, pkg/apis/ingress/types_equals.go]" in text
    assert "In all: reload (2 reload)." in text
    assert "after worker-shutdown-timeout, 240 s" in text
    same = explanation_text(of_two(old, old, namespace="default", version="", classes=()))
    assert same.endswith("Nothing changes.")


def test_many_parts_are_cut_in_the_text(tmp_path: Path) -> None:
    one = INGRESS.replace("NAME", "one")
    marks = "\n".join(f"    example.com/a{number}: b" for number in range(30))
    more = one.replace(
        "metadata: {name: one, namespace: shop}",
        f"metadata:\n  name: one\n  namespace: shop\n  annotations:\n{marks}",
    )
    files = written(tmp_path, "old.yaml", one), written(tmp_path, "new.yaml", more)
    found = of_two(*files, namespace="default", version="", classes=("nginx",))
    assert len(found.changes[0].reasons) == 30
    assert "and 18 more" in explanation_text(found)


def test_the_controller_in_the_files_tells_its_version_and_flags(tmp_path: Path) -> None:
    controller = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: c, namespace: edge}
spec:
  template:
    spec:
      containers:
        - name: controller
          image: registry.k8s.io/ingress-nginx/controller:v1.9.4
          args: [/nginx-ingress-controller, --configmap=edge/own]
---
"""
    files = written(tmp_path, "old.yaml", controller), written(tmp_path, "new.yaml", controller + SECRET)
    found = of_two(*files, namespace="default", version="", classes=("nginx",))
    assert (found.version, found.assumed) == ("1.9.4", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no object in it"),
        ("a: b\n", "no object of Kubernetes"),
        ("kind: Secret\nmetadata: text\n", r"Secret: Expected `object`, got `str` - at `\$.metadata`"),
        (SECRET.replace("KEY", "data").replace("VALUE", "1"), r"Secret s: Expected `str`, got `int`"),
        (
            INGRESS.replace("path: /", "path: []").replace("NAME", "one"),
            r"Ingress one: .*paths\[.*\].path",
        ),
        (SECRET + SECRET, "has Secret default/s twice"),
        ("kind: List\nitems: [a]\n", "no object"),
        ("kind: [\n", "is not YAML"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, "bad.yaml", text)
    with pytest.raises(BlueshiftError, match=said) as raised:
        objects_of(file, "default")
    assert "bad.yaml" in str(raised.value)


@pytest.mark.parametrize("gone", [False, True], ids=["new", "gone"])
def test_a_file_that_is_new_or_gone_is_compared_with_nothing(tmp_path: Path, gone: bool) -> None:
    """As `git diff` names them in a pull request."""
    file, nothing = tmp_path / "web.yaml", Path("/dev/null")
    file.write_text("kind: Service\napiVersion: v1\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
    files = (file, nothing) if gone else (nothing, file)
    found = of_two(*files, namespace="shop", version="1.11.3", classes=("nginx",))
    assert len(found.changes) == 1
    with pytest.raises(BlueshiftError, match="has no object in it"):
        of_two(nothing, nothing, namespace="shop", version="", classes=())
