"""Images: the same input gives the same bytes, and the layer is what a container runtime expects."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from blueshift.errors import BlueshiftError
from blueshift.lab import image_packages
from blueshift.lab.image_layer import Entry, write_layer
from blueshift.lab.image_packages import PackageSet
from blueshift.lab.image_specs import RELEASES, controller_image, controller_template, echo_image
from blueshift.lab.images import ImageSpec, build_image

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")


def package(folder: Path, name: str, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A small .deb with these files."""
    root = folder / name
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1.0-1\nArchitecture: all\nMaintainer: nobody <nobody@lab.test>\n"
        "Description: test\n"
    )
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    for path, target in (links or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    deb = folder / f"{name}_1.0-1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, deb], check=True, capture_output=True)
    return deb


def layer(
    *debs: Path, entries: tuple[Entry, ...] = (), low: tuple[str, ...] = ()
) -> dict[str, tarfile.TarInfo]:
    """The layer's members by name, in its order."""
    target = io.BytesIO()
    write_layer(target, debs, entries, bind_low_ports=low)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        return {member.name: member for member in archive}


def test_older_packages_are_put_under_the_merged_usr(tmp_path: Path) -> None:
    members = layer(package(tmp_path, "old", {"lib/x86/ld.so": b"1", "bin/tool": b"2"}))
    assert members["lib"].linkname == "usr/lib"
    assert {"usr/lib/x86/ld.so", "usr/bin/tool"} <= members.keys()
    assert not any(name.startswith(("lib/", "bin/")) for name in members)


def test_a_package_that_ships_the_merged_links_itself_does_not_hide_usr(tmp_path: Path) -> None:
    base = package(tmp_path, "base", {"usr/bin/tool": b"1"}, {"bin": "usr/bin"})
    members = layer(base)
    assert members["usr/bin"].isdir()
    assert members["bin"].issym()
    assert members["usr/bin/tool"].isreg()


def test_documentation_is_left_out(tmp_path: Path) -> None:
    members = layer(package(tmp_path, "doc", {"usr/share/doc/x/copyright": b"1", "usr/share/x/data": b"2"}))
    assert "usr/share/x/data" in members
    assert not any(name.startswith("usr/share/doc/") for name in members)


def test_our_entries_win_over_packages_and_may_own_their_folders(tmp_path: Path) -> None:
    deb = package(tmp_path, "nginx", {"etc/nginx/nginx.conf": b"debian"})
    ours = (
        Entry(path="etc/nginx", folder=True, mode=0o755, user=101, group=82),
        Entry(path="etc/nginx/nginx.conf", data=b"ours"),
    )
    members = layer(deb, entries=ours)
    assert (members["etc/nginx"].uid, members["etc/nginx"].gid) == (101, 82)
    assert members["etc/nginx/nginx.conf"].size == 4


def test_every_parent_comes_before_what_is_in_it(tmp_path: Path) -> None:
    members = list(layer(package(tmp_path, "deep", {"a/b/c/d": b"1"}), entries=(Entry(path="x/y/z"),)))
    for name in members:
        parent = name.rpartition("/")[0]
        assert not parent or members.index(parent) < members.index(name)


def test_low_ports_are_a_file_capability_in_a_pax_record() -> None:
    members = layer(entries=(Entry(path="usr/sbin/nginx", data=b"elf", mode=0o755),), low=("usr/sbin/nginx",))
    value = members["usr/sbin/nginx"].pax_headers["SCHILY.xattr.security.capability"].encode("latin-1")
    # VFS_CAP_REVISION_2 with the effective bit, then CAP_NET_BIND_SERVICE (10) as permitted.
    assert value.hex() == "01000002" + "00040000" + "00000000" * 3


def test_a_program_that_is_to_have_low_ports_must_exist() -> None:
    with pytest.raises(BlueshiftError, match="usr/sbin/nginx"):
        layer(low=("usr/sbin/nginx",))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, with an apt that knows two packages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(image_packages, "KEYRING", tmp_path)
    package(tmp_path, "server", {"usr/bin/server": b"elf"})
    package(tmp_path, "debconf", {"usr/bin/debconf": b"perl"})
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text(
        f"""#!/bin/bash
echo "$@" >> {tmp_path}/calls
case " $* " in
*' --print-uris '*)
  echo "'http://deb.debian.org/s.deb' server_1.0-1_all.deb 100 SHA256:aa"
  echo "'http://deb.debian.org/d.deb' debconf_1.0-1_all.deb 100 SHA256:bb" ;;
*' download '*) wanted=${{@: -1}}; cp "{tmp_path}/${{wanted%%=*}}_1.0-1_all.deb" . ;;
esac
"""
    )
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path


def spec(**changes: Any) -> ImageSpec:
    """A small image."""
    settings: dict[str, Any] = {
        "name": "registry.lab.test/server:1",
        "packages": PackageSet(suite="bookworm", names=("server",), without=("debconf",)),
        "entries": (Entry(path="app/data", data=b"1"),),
        "entrypoint": ("/usr/bin/server",),
        "environment": (("PATH", "/usr/bin"),),
        "user": "www-data",
    }
    return ImageSpec(**{**settings, **changes})


def parts(image: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Manifest, configuration and layer of a docker-archive."""
    with tarfile.open(image) as archive:
        contents = {member.name: archive.extractfile(member) for member in archive}
        read = {name: handle.read() for name, handle in contents.items() if handle}
    manifest = json.loads(read["manifest.json"])[0]
    return manifest, json.loads(read[manifest["Config"]]), read[manifest["Layers"][0]]


def test_an_image_names_its_layer_and_says_how_to_run_it(cache: Path) -> None:
    manifest, config, layer_bytes = parts(build_image(spec(), lambda _: None))
    assert manifest["RepoTags"] == ["registry.lab.test/server:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer_bytes).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/usr/bin/server"]
    assert config["config"]["User"] == "www-data"
    with tarfile.open(fileobj=io.BytesIO(layer_bytes)) as archive:
        assert "usr/bin/server" in archive.getnames()
        assert "usr/bin/debconf" not in archive.getnames()


def test_the_same_input_gives_the_same_bytes_in_another_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_image(spec(), lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "other"))
    second = build_image(spec(), lambda _: None)
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_an_image_is_built_once_and_again_when_its_input_changes(cache: Path) -> None:
    first = build_image(spec(), lambda _: None)
    said: list[str] = []
    assert build_image(spec(), said.append) == first
    assert said == []
    changed = build_image(spec(entries=(Entry(path="app/data", data=b"2"),)), said.append)
    assert changed != first
    assert (cache / "calls").read_text().count(" download ") == 1


def test_a_failing_apt_is_told_with_what_it_said(cache: Path) -> None:
    (cache / "programs/apt-get").write_text("#!/bin/sh\necho 'E: no such suite' >&2\nexit 100\n")
    with pytest.raises(BlueshiftError, match="no such suite") as caught:
        build_image(spec(), lambda _: None)
    assert caught.value.hint
    assert not list((cache / "cache/blueshift/debian").glob("*/*.deb"))


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Stand-ins of the three Go programs."""
    for name in ("nginx", "dbg", "waitshutdown"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_the_two_controller_images_really_differ(tools: Path) -> None:
    old, new = (controller_image(version, tools) for version in RELEASES)
    assert old.packages.suite != new.packages.suite
    assert dict(old.environment)["LAB_CONTROLLER_VERSION"] == "v1.11.3"
    assert dict(new.environment)["LAB_CONTROLLER_VERSION"] == "v1.12.1"
    assert dict(old.environment)["NGINX_HTTP2"] != dict(new.environment)["NGINX_HTTP2"]


def test_the_controller_image_has_what_the_binary_expects(tools: Path) -> None:
    image = controller_image("1.11.3", tools)
    entries = {entry.path: entry for entry in image.entries}
    assert entries["nginx-ingress-controller"].data == b"nginx"
    assert entries["wait-shutdown"].data == b"waitshutdown"
    for folder in (
        "etc/nginx",
        "etc/ingress-controller/ssl",
        "etc/ingress-controller/telemetry",
        "tmp/nginx",
    ):
        assert (entries[folder].folder, entries[folder].user) == (True, 101)
    assert entries["var/log/nginx/access.log"].link == "/dev/stdout"
    assert {path for path in entries if path.startswith("etc/nginx/lua/") and path.endswith(".lua")}


def test_an_unknown_controller_version_names_the_known_ones(tools: Path) -> None:
    with pytest.raises(BlueshiftError) as caught:
        controller_image("0.1", tools)
    assert "1.11.3" in str(caught.value.hint)


def test_every_template_that_is_used_is_defined_once() -> None:
    template = controller_template()
    for name in {part.split('"')[0] for part in template.split('{{ template "')[1:]}:
        assert template.count(f'{{{{ define "{name}" }}}}') == 1


def test_the_echo_image_runs_the_one_file(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text("print()")
    image = echo_image(server)
    assert image.entrypoint == ("/usr/bin/python3", "/app/echo_server.py")
    assert b"print()" in {entry.data for entry in image.entries}
