"""Which kubeconfig and context are used, and what is said when there is none."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import pytest
import trustme

from blueshift.cluster.access import load
from blueshift.errors import BlueshiftError
from tests.fakes import ManualClock

CONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://192.0.2.1:6443/"}}]
users: [{name: u, user: {tokenFile: token}}]
contexts:
- {name: one, context: {cluster: c, user: u}}
- {name: two, context: {cluster: c, user: u}}
current-context: two
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("first")
    return tmp_path


def write(path: Path, text: str = CONFIG) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


async def test_the_current_context_is_found_and_named(home: Path) -> None:
    access = await load(ManualClock(), write(home / "config"), None)
    assert (access.context, access.server) == ("two", "https://192.0.2.1:6443")
    assert (await load(ManualClock(), str(home / "config"), "one")).context == "one"


async def test_the_environment_and_then_the_home_are_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".kube" / "config", CONFIG.replace("current-context: two", "current-context: one"))
    (home / ".kube" / "token").write_text("x")
    assert (await load(ManualClock(), None, None)).context == "one"
    monkeypatch.setenv("KUBECONFIG", f"{home}/absent:{write(home / 'config')}")
    assert (await load(ManualClock(), None, None)).context == "two"


async def test_a_token_file_is_read_again_after_a_while_and_on_demand(home: Path) -> None:
    clock = ManualClock()
    access = await load(clock, write(home / "config"), None)
    assert await access.headers() == {"Authorization": "Bearer first"}
    (home / "token").write_text("second")
    assert await access.headers() == {"Authorization": "Bearer first"}
    assert await access.headers(anew=True) == {"Authorization": "Bearer second"}
    (home / "token").write_text("third")
    clock.advance(61)
    assert await access.headers() == {"Authorization": "Bearer third"}


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: [", "is not YAML", ":1:5"),
        ("- a\n", "no mapping", ""),
        (CONFIG.replace("current-context: two", ""), "no current-context", ""),
        (CONFIG.replace("current-context: two", "current-context: three"), "no context three", ""),
        (CONFIG.replace("cluster: c, user", "cluster: d, user"), "Expected object with name d", ""),
    ],
)
async def test_a_broken_file_is_an_error_with_its_place(
    home: Path, text: str, message: str, line: str
) -> None:
    path = write(home / "config", text)
    with pytest.raises(BlueshiftError, match=message) as caught:
        await load(ManualClock(), path, None)
    assert caught.value.place is not None
    assert caught.value.place.startswith(path + line)


async def test_a_missing_file_and_no_configuration_at_all(home: Path) -> None:
    with pytest.raises(BlueshiftError, match="no such kubeconfig") as caught:
        await load(ManualClock(), str(home / "absent"), None)
    assert caught.value.place == str(home / "absent")
    with pytest.raises(BlueshiftError, match="there is no kubeconfig") as none:
        await load(ManualClock(), None, None)
    assert "lab up" in str(none.value.hint)


async def test_a_certificate_that_is_not_there(home: Path) -> None:
    text = CONFIG.replace('6443/"', '6443/", certificate-authority: absent.crt')
    with pytest.raises(BlueshiftError, match=r"absent\.crt"):
        await load(ManualClock(), write(home / "config", text), None)


async def test_a_key_in_the_kubeconfig_leaves_no_file_behind(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("client")

    def data(blob: trustme.Blob) -> str:
        return base64.b64encode(blob.bytes()).decode()

    text = CONFIG.replace(
        "{tokenFile: token}",
        f"{{tokenFile: token, client-certificate-data: {data(issued.cert_chain_pems[0])}, "
        f"client-key-data: {data(issued.private_key_pem)}}}",
    ).replace('6443/"', f'6443/", certificate-authority-data: {data(authority.cert_pem)}')
    scratch = home / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for _ in range(2):
        access = await load(ManualClock(), write(home / "config", text), None)
        assert access.tls.get_ca_certs()
        await access.headers(anew=True)
        assert list(scratch.iterdir()) == []
