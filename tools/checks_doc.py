"""Write docs/checks.md from the table of checks and the table of rights: `python tools/checks_doc.py`.

tests/unit/docs/test_checks_page.py fails when the page is not what this would write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from blueshift.discovery.rights import EXEC, LOOKS, RULES, Place, Rule
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Area, Check

PAGE = Path(__file__).resolve().parent.parent / "docs" / "checks.md"

AREAS: dict[Area, str] = {"helm": "Helm", "cluster": "Cluster", "controller": "Controller", "dns": "DNS"}
PLACES: dict[Place, str] = {
    "primary": "In the namespace of the primary",
    "temporary": "In the namespace of the temporary",
    "state": "In the namespace of the runs (`--state-namespace`)",
    "control": "In the namespace of approvals (the same name with `-control`)",
    "cluster": "In the whole cluster",
}

HEAD = """\
<!-- Written by tools/checks_doc.py from the code: change blueshift/preflight/ or discovery/rights.py. -->

# The preflight checks

`blueshift check` runs them all and shows all results at once; `blueshift plan` and `blueshift upgrade` run
the same ones. Nothing is changed by any. `--only ID` chooses checks in `blueshift check`, `--list` names them
and runs none. [Troubleshooting](troubleshooting.md) tells what to do about those that fail most.

Each result is one of:

| result | means |
|---|---|
| pass | it was looked at and is as it should be |
| fail | it is not; the sentence below says what to do |
| warn | it may be wrong, and a person should know |
| info | a consequence that a person should know |
| not-looked | it could not be looked at: never a pass |
| acknowledged | it warns of something that is known |
| skipped | whatever it saw does not count |

A `fail` or `not-looked` of a check with the severity `error` stops an upgrade before anything is changed
(exit 3), and its result says so. A check of severity `warning` never does. Each result names its line on this
page.

## What is known

A warning stops nothing; it is shown before the question. One that is right as it is can be acknowledged by
the check's id, in `blueshift.yaml` ([`checks`](configuration.md#checks)) or for one command by
`--acknowledge ID` of `check`, `plan`, `upgrade` and `revert`. Then what the check warns of is listed as
`acknowledged` and counted as a warning no more; that is all that changes. It is the check that is
acknowledged, and not what it saw that day: its sentence is shown all the same. What stops an upgrade is not
acknowledged away, and what could not be looked at stays `not-looked`.

## What is skipped

`--skip ID` of `check`, `plan`, `upgrade` and `revert` lets an upgrade begin whatever that check sees. The
check is run all the same, and what it has against the upgrade is shown as `skipped`.

To skip a check of severity `error` the name of the release must be typed at the question of `upgrade`, which
names the check. A job gives it by `--skip-confirmed RELEASE`; `--yes` does not stand for it. Without the
name, or with another one, nothing is changed (exit 3). `plan` needs no name: a plan file keeps what it skips,
and `upgrade --plan FILE` asks for the name.

```
blueshift upgrade --yes --skip helm-gitops-owner --skip-confirmed ingress-nginx
```

What was skipped and acknowledged, what each check saw then, and under which name in the cluster the run was
opened, is in the run's journal: `blueshift show RUN`. It is decided when the run is opened, and a resume
keeps it. What some checks spare you, and what holds a run without them, is in
[troubleshooting](troubleshooting.md#before-you-skip-one).

## For programs

`blueshift check -o json` prints each result, `--list -o json` each check. `-o junit` prints one test case for
each check, with its area as class name: a `failure` is what stops an upgrade, `skipped` is what was skipped
or could not be looked at without stopping one, and what else was seen is in `system-out`.
"""

RIGHTS = """\
## The rights that `cluster-rbac` asks for

The API server is asked about each of them for the user of the kubeconfig, and about what is not in the table
because it follows from the release: what Helm needs for every object that the running release, the temporary
and the target render, and the rights that their Roles and ClusterRoles pass on. What the user's rules allow
is asked for at once (SelfSubjectRulesReview), where every authorizer of the cluster tells them; the rest one
by one (SelfSubjectAccessReview). `blueshift rbac` prints all of it as manifests; [rights](rights.md) says
what that means. A Secret that holds the TSIG key (`dns.settings.key.secret`) must be readable too, and where
KEDA scales the primary, its ScaledObject must be (get, patch): the floor of replicas is raised there.

Namespaces are made and deleted only where the temporary's was not made beforehand (`blueshift rbac` prints
it); without it, the rights in the namespace of the temporary must be had in all namespaces.
"""


READS = """\
## What checks alone read

No step of a run needs these rights, and `cluster-rbac` does not ask for them; the roles of `blueshift rbac`
have them. A check that lacks one says `not-looked`, and that stops no upgrade.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for area, title in AREAS.items():
        rows = [_check(check) for check in CHECKS if check.area == area]
        lines += [f"## {title}\n", *_table(("check", "severity", "makes sure that"), rows)]
    lines.append(RIGHTS)
    for place, title in PLACES.items():
        rules = [*RULES, *EXEC]
        rows = [_rule(rule) for rule in rules if rule.place == place]
        lines += [f"### {title}\n", *_table(("resource", "verbs", "why"), rows)]
    lines.append(READS)
    reads = [(*_rule(rule), PLACES[rule.place][0].lower() + PLACES[rule.place][1:]) for rule in LOOKS]
    lines += _table(("resource", "verbs", "why", "where"), reads)
    return "\n".join(lines).rstrip() + "\n"


def _check(check: Check) -> tuple[str, ...]:
    return f'<a id="{check.id}"></a>`{check.id}`', check.severity, check.summary


def _rule(rule: Rule) -> tuple[str, ...]:
    group = f" ({rule.group})" if rule.group else ""
    names = f" {', '.join(rule.names)}" if rule.names else ""
    return f"`{rule.resource}`{group}{names}", ", ".join(rule.verbs), rule.why


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
