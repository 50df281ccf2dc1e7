"""Every broken input ends in one short error with its place and what helps, and changes nothing.

The inputs are the files of `cases/`. Each is laid over a folder in which all is well, and the real command
reads it there, in a process of its own with bounds on its memory and time.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from blueshift.app import offline
from blueshift.app.configuration import from_file, playbook
from blueshift.app.example import example_world
from blueshift.app.plans import save
from blueshift.discovery import world as worlds
from blueshift.preflight.waivers import NONE
from tests.bad_input.case import Answer, Case, cases, lay
from tests.bad_input.command import Done, blueshift
from tests.bad_input.server import RUN, Api, serving

pytestmark = pytest.mark.timeout(120)
CASES = cases()
LINES = 5
SETTINGS = """\
release: {name: example, namespace: example}
cluster: {kubeconfig: kubeconfig}
dns:
  settings: {server: 127.0.0.1, port: 1, key: {file: update.key}}
values:
  files: [values.yaml]
"""
KEY = 'key "blueshift" { algorithm hmac-sha256; secret "bm90IGEgc2VjcmV0IG9mIGFueWJvZHk="; };\n'
PLAYBOOK = "name: mine\nsteps: [preflight, snapshot]\n"
HOOK = "#!/bin/sh\nexit 0\n"
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{scheme}://127.0.0.1:{port}", certificate-authority: ca.crt}}}}]
users: [{{name: me, user: {{token: none}}}}]
"""


@pytest.fixture(scope="session")
def well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all is well."""
    folder = tmp_path_factory.mktemp("well")
    files = {"blueshift.yaml": SETTINGS, "update.key": KEY, "mine.yaml": PLAYBOOK, "values.yaml": "a: 1\n"}
    lay(folder, {**files, "hooks/start/tell": HOOK})
    (folder / "hooks/start/tell").chmod(0o755)
    (folder / "home").mkdir()
    world = example_world(4)
    worlds.save(world, folder / "world.json")
    config = from_file(folder / "blueshift.yaml")
    save(offline.freeze(world, config, playbook(config), NONE), folder / "plan.json")
    return folder


@pytest.fixture
def folder(well: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "work"
    subprocess.run(["cp", "-a", well, copy], check=True)
    return copy


def begin(folder: Path, api: Api) -> None:
    (folder / "ca.crt").write_bytes(api.authority)
    scheme = "https" if api.authority else "http"
    (folder / "kubeconfig").write_text(KUBECONFIG.format(scheme=scheme, port=api.port))


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    """Everything in a folder: its mode and what it holds."""
    return {str(path.relative_to(folder)): _print(path) for path in sorted(folder.rglob("*"))}


def _print(path: Path) -> tuple[int, str]:
    mode = path.lstat().st_mode
    if path.is_symlink():
        return mode, str(path.readlink())
    return mode, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--world", "world.json", "--hooks", "hooks"),
        ("playbook", "lint", "./mine.yaml"),
        ("status", RUN),
        ("history",),
    ],
    ids=" ".join,
)
def test_the_folder_without_anything_broken_is_well(folder: Path, arguments: tuple[str, ...]) -> None:
    """Else a case might fail for another reason than its own."""
    good = {"/configmaps": Answer(journal={"playbook": "mine"})}
    with serving(good) as api:
        begin(folder, api)
        done = blueshift(folder, *arguments, environment={"KUBECONFIG": "kubeconfig"})
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, folder: Path) -> None:
    case = CASES[name]
    with serving(case.answers, case.tls) as api:
        begin(folder, api)
        lay(folder, case.files)
        before = fingerprint(folder)
        environment = {"KUBECONFIG": "kubeconfig"} | case.environment
        done = blueshift(folder, *case.run, environment=environment)
        after = fingerprint(folder)
    sys.stdout.write(done.err)
    assert after == before
    assert api.writes == []
    _is_one_error(done, case)


def _is_one_error(done: Done, case: Case) -> None:
    lines = [line for line in done.err.splitlines() if not line.startswith("looking at ")]
    assert "Traceback" not in done.err
    assert "fault in Blueshift" not in done.err
    assert done.code == case.exit
    assert done.out == ""
    assert 1 <= len(lines) <= LINES
    assert max(map(len, lines)) <= 600
    assert sum(line.startswith("error: ") for line in lines) == 1
    assert lines[-1].startswith("hint: ")
    assert [words for words in case.says if words not in done.err] == []
