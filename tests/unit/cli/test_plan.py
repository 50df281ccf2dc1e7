"""`blueshift plan --world`: the whole command as a process, from a saved World, without any cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from blueshift.app import plans
from blueshift.cli.errors import ExitCode
from blueshift.discovery.world import ObjectChange, Rendered, World, save
from blueshift.preflight.waivers import Waivers
from tests.unit.app.worlds import world as small_world
from tests.unit.cli.command import blueshift

SETTINGS = """\
release: {name: demo, namespace: ingress}
dns:
  settings: {server: ns1.lab.test, key: {file: update.key}}
overrides:
  soak: {lasts: 10m}
"""
CLIENTS = ("kubernetes", "pydantic", "aiohttp", "pyhelm3", "dns", "jinja2", "h2")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Saved as world.json, with one change of the target."""
    target = Rendered(
        "ingress-nginx",
        "4.12.1",
        objects=(ObjectChange("change", "Deployment ingress/demo", "-image: old\n+image: new\n"),),
    )
    made = msgspec.structs.replace(small_world(), target=target)
    save(made, tmp_path / "world.json")
    return made


def test_every_step_with_its_diffs_its_waits_and_the_way_back(world: World, tmp_path: Path) -> None:
    done = blueshift(tmp_path, "plan", "--world", "world.json")
    assert done.returncode == 0, done.stderr
    steps = ["preflight", "lower-ttl", "install-temporary", "shift-to-temporary/wave-3", "drain-primary"]
    steps += ["upgrade", "shift-to-primary/floor", "soak", "purge", "restore-ttl"]
    places = [done.stdout.index(f"forward/{step}") for step in steps]
    assert places == sorted(places)
    assert "-image: old" in done.stdout
    assert "waits: " in done.stdout
    assert "helm --kube-context lab rollback demo 3 -n ingress" in done.stdout
    assert "update add app39.lab.test. 300 AAAA 2001:2::50" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world.json"], "nothing else was written"


def test_json_is_the_whole_plan(world: World, tmp_path: Path) -> None:
    done = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "json")
    plan = msgspec.json.decode(done.stdout, type=plans.Plan)
    assert plan.steps[0].id == "forward/preflight"
    assert plan.cluster_uid == world.cluster.uid
    assert [way.command for way in plan.back if "nsupdate" in way.command]


def test_settings_beside_it_are_read(world: World, tmp_path: Path) -> None:
    without = json.loads(blueshift(tmp_path, "plan", "--world", "world.json", "-o", "json").stdout)
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    done = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "json")
    plan = json.loads(done.stdout)
    assert without["seconds"] - plan["seconds"] == 3600 - 600
    scripts = [way["command"] for way in plan["back"] if "nsupdate" in way["command"]]
    assert f"nsupdate -k {tmp_path}/update.key" in scripts[0]
    assert "server ns1.lab.test 53" in scripts[0]
    more = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "json", "--set", "soak.lasts=1m")
    assert plan["seconds"] - json.loads(more.stdout)["seconds"] == 600 - 60


def test_a_plan_file_is_what_upgrade_takes(world: World, tmp_path: Path) -> None:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    done = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "plan.json")
    assert done.returncode == 0, done.stderr
    assert "blueshift upgrade --plan plan.json" in done.stderr
    frozen = plans.load(tmp_path / "plan.json")
    assert frozen.world == world
    assert frozen.config["release"] == {"name": "demo", "namespace": "ingress"}
    soak = next(step for step in frozen.steps if step.id == "soak")
    assert soak.settings["lasts"] == 600


def test_what_is_skipped_is_in_the_plan_and_its_file(world: World, tmp_path: Path) -> None:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    options = ("--skip", "helm-gitops-owner", "--acknowledge", "dns-hosts")
    done = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "plan.json", *options)
    assert done.returncode == 0, done.stderr
    assert "WITHOUT the checks helm-gitops-owner" in done.stdout
    assert "or the run does not start (exit 3); skipped: helm-gitops-owner" in done.stdout
    frozen = plans.load(tmp_path / "plan.json")
    assert frozen.waivers == Waivers(("helm-gitops-owner",), ("dns-hosts",))
    # Nobody is asked here, and the file confirms nothing: the name is missing, before any cluster is.
    refused = blueshift(tmp_path, "upgrade", "--plan", "plan.json", "--yes")
    assert refused.returncode == ExitCode.REFUSED
    assert "--skip helm-gitops-owner needs the name of the release" in refused.stderr
    assert "`--skip-confirmed demo`" in refused.stderr


def test_what_is_pending_is_told_by_the_exit_code(world: World, tmp_path: Path) -> None:
    arguments = ("plan", "--world", "world.json", "--detailed-exitcode")
    assert blueshift(tmp_path, *arguments).returncode == ExitCode.CHANGES_PENDING
    nothing = Rendered("ingress-nginx", "4.11.3")
    save(msgspec.structs.replace(world, target=nothing, harden=nothing), tmp_path / "world.json")
    assert blueshift(tmp_path, *arguments).returncode == ExitCode.DONE


@pytest.mark.parametrize(
    ("settings", "arguments", "says", "hint"),
    [
        (SETTINGS.replace("lasts", "last"), (), "blueshift.yaml:5:10: unknown key 'last'", "correct it"),
        (SETTINGS.replace("key:", "kay:"), (), "blueshift.yaml:3:36: unknown key 'kay'", "blueshift plan"),
        (SETTINGS.replace("soak", "sock"), (), "blueshift.yaml:5:3: the playbook has no step 'sock'", "plan"),
        (
            SETTINGS.replace("demo", "other"),
            (),
            "blueshift.yaml: these settings are of ingress/other",
            "--config",
        ),
        (SETTINGS, ("--config", "none.yaml"), "none.yaml: there is no such file", "blueshift init"),
        (SETTINGS, ("--set", "soak=10m"), "--set soak: expected step.key=value", "--set"),
        (SETTINGS, ("--playbook", "blue-gren"), "there is no playbook 'blue-gren'", "path"),
        (SETTINGS, ("--chart", "x"), "--world asks none", "leave out --world"),
        (
            SETTINGS,
            ("--world", "blueshift.yaml"),
            "blueshift.yaml: this is not a saved World",
            "--save-world",
        ),
        (SETTINGS, ("--world", "none.json"), "none.json: cannot be read", ""),
        (SETTINGS, ("-o", "no/such/folder"), "no/such/folder: cannot be written", "another file"),
        ("", ("-o", "plan.json"), "a plan file needs the settings", "blueshift init"),
    ],
)
def test_bad_input_gets_one_clear_error(
    world: World, tmp_path: Path, settings: str, arguments: tuple[str, ...], says: str, hint: str
) -> None:
    if settings:
        (tmp_path / "blueshift.yaml").write_text(settings)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = blueshift(tmp_path, "plan", "--world", "world.json", *arguments)
    assert done.returncode == ExitCode.ERROR
    told = done.stderr.splitlines()
    assert told[0].startswith("error: ")
    assert says in told[0]
    assert len(told) <= 2
    assert hint in told[-1]
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_world_or_cluster_the_next_command_is_named(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "plan")
    assert done.returncode == ExitCode.ERROR
    assert done.stderr.splitlines() == [
        "error: blueshift.yaml: there is no such file",
        "hint: `blueshift init` looks at the cluster and writes one",
    ]
    (tmp_path / "blueshift.yaml").write_text(SETTINGS.replace("key: {file: update.key}", "port: 5353"))
    done = blueshift(tmp_path, "plan", "--kubeconfig", "none")
    assert done.stderr.splitlines()[0] == "error: none: there is no such kubeconfig file"


def test_a_format_that_is_none_is_no_file(world: World, tmp_path: Path) -> None:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    done = blueshift(tmp_path, "plan", "--world", "world.json", "-o", "yaml")
    assert done.returncode == ExitCode.ERROR
    assert "a plan has no format yaml" in done.stderr
    assert "`-o ./yaml`" in done.stderr
    assert not (tmp_path / "yaml").exists()
    assert blueshift(tmp_path, "plan", "--world", "world.json", "-o", "./yaml").returncode == ExitCode.DONE
    assert (tmp_path / "yaml").exists()


def test_no_client_library_is_loaded(world: World, tmp_path: Path) -> None:
    code = (
        "import sys; from blueshift.cli.main import run; code = run(sys.argv[1:]); "
        f"print('LOADED', code, [name for name in {CLIENTS!r} if name in sys.modules])"
    )
    arguments = [sys.executable, "-c", code, "plan", "--world", str(tmp_path / "world.json")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "LOADED 0 []" in done.stdout


def test_hooks_are_named_at_their_steps_and_faults_have_their_place(world: World, tmp_path: Path) -> None:
    hooks = "hooks:\n  - {on: [gate, before-upgrade], run: [warm-up]}\n"
    (tmp_path / "blueshift.yaml").write_text(SETTINGS + hooks)
    done = blueshift(tmp_path, "plan", "--world", "world.json")
    assert done.returncode == 0, done.stderr
    assert "hook before: before-upgrade/warm-up" in done.stdout
    assert "Told what becomes of it: gate/warm-up" in done.stdout
    (tmp_path / "blueshift.yaml").write_text(SETTINGS + hooks.replace("gate,", "gates,"))
    done = blueshift(tmp_path, "plan", "--world", "world.json")
    assert done.returncode == 1
    assert "blueshift.yaml:7:10: no event is called 'gates' (did you mean 'gate'?)" in done.stderr
    (tmp_path / "hooks.d" / "befor-upgrade").mkdir(parents=True)
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    done = blueshift(tmp_path, "plan", "--world", "world.json", "--hooks", "hooks.d")
    assert (
        "hooks.d/befor-upgrade: no event is called befor-upgrade (did you mean 'before-upgrade'?)"
        in done.stderr
    )
