"""`blueshift playbook`: list, show, lint, new, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from blueshift.cli.complete import playbooks
from blueshift.cli.errors import ExitCode
from blueshift.cli.lazy import Lazy, LazyGroup
from blueshift.cli.options import facts_output, sets_option
from blueshift.cli.output import print_json, print_table, say

COMMANDS = {
    "list": Lazy("blueshift.cli.playbook:list_playbooks", "The playbooks that ship."),
    "show": Lazy("blueshift.cli.playbook:show", "Print a playbook as it is written."),
    "lint": Lazy("blueshift.cli.playbook:lint", "Check a playbook, and walk every way back."),
    "new": Lazy("blueshift.cli.playbook:new", "Write a copy of a playbook to change."),
    "schema": Lazy("blueshift.cli.playbook:schema", "JSON Schema of playbooks, for editors."),
}
_NAME = click.argument("name", metavar="NAME|FILE", shell_complete=playbooks, default="blue-green")


@click.group(cls=LazyGroup, table=COMMANDS)
def playbook() -> None:
    """Playbooks: the ordered steps of a run, each with its settings.

    Settings are changed under `overrides` in blueshift.yaml or by `upgrade --set`; a playbook of your own is
    for another order of steps.
    """


@click.command("list")
@facts_output
def list_playbooks(output: str) -> None:
    """The playbooks that ship, with the number of their steps and what they do."""
    from blueshift.app.kinds import settings_types
    from blueshift.playbook.schema import load
    from blueshift.playbook.shipped import find, names

    found = [load(find(name), settings_types()) for name in names()]
    if output == "json":
        print_json(tuple({"name": one.name, "description": one.description} for one in found))
    else:
        rows = [(one.name, len(one.steps), " ".join(one.description.split())) for one in found]
        print_table(("playbook", "steps", "does"), rows)


@click.command()
@_NAME
def show(name: str) -> None:
    """Print a playbook as it is written, with its comments."""
    from blueshift.playbook.shipped import find

    click.echo(find(name).text, nl=False)


@click.command()
@_NAME
@sets_option
@click.option(
    "--names", type=click.IntRange(1, 10_000), default=40, show_default=True, help="DNS names that move."
)
@facts_output
def lint(name: str, sets: tuple[str, ...], names: int, output: str) -> ExitCode:
    """Check a playbook, and walk every way back.

    Every setting is checked, with file, line and column. Then the steps are walked as states: each must find
    what it needs, and the end must be as the start. From before and from inside every step the way back is
    compiled and walked too.

    \b
        blueshift playbook lint ./mine.yaml
        blueshift playbook lint blue-green --set harden.keep=false
    """
    from blueshift.app.example import example_world
    from blueshift.app.kinds import settings_types
    from blueshift.app.lint import lint as walk
    from blueshift.app.plans import offline
    from blueshift.playbook.schema import load, parse_set
    from blueshift.playbook.shipped import find
    from blueshift.steps.places import Places

    loaded = load(find(name), settings_types(), [parse_set(text) for text in sets])
    places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
    found = walk(loaded, offline(example_world(names), places, "RUN"))
    if output == "json":
        print_json(found)
    else:
        for problem in found.problems:
            click.echo(problem)
        past = f"; {len(found.past_return)} have none: the temporary has gone" if found.past_return else ""
        problems = f"{len(found.problems)} problem{'' if len(found.problems) == 1 else 's'}"
        say(f"{loaded.name}: {problems}; a way back from {found.cuts} places{past}")
    return ExitCode.ERROR if found.problems else ExitCode.DONE


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--from",
    "source",
    default="blue-green",
    show_default=True,
    metavar="NAME|FILE",
    help="What to copy: a shipped playbook, or one of your own.",
)
def new(file: Path, source: str) -> None:
    """Write a copy of a playbook to change; a file that exists is not overwritten."""
    from blueshift.errors import BlueshiftError
    from blueshift.playbook.shipped import find

    text = find(source).text
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise BlueshiftError("it exists already", place=str(file), hint="give another name") from None
    except OSError as error:
        hint = "give another name, in a folder that you may write to"
        raise BlueshiftError(f"cannot write it: {error.strerror}", place=str(file), hint=hint) from None
    path = str(file) if "/" in str(file) or file.suffix in {".yaml", ".yml"} else f"./{file}"
    say(f"{file} written; check it with: blueshift playbook lint {path}")


@click.command()
def schema() -> None:
    """JSON Schema of playbooks, for editors.

    \b
        blueshift playbook schema >playbook.schema.json
        # first line of a playbook:  # yaml-language-server: $schema=playbook.schema.json
    """
    click.echo(json.dumps(_schema(), indent=2))


def _schema() -> dict[str, Any]:
    import msgspec

    from blueshift.app.kinds import settings_types
    from blueshift.playbook.hooks import TIMEOUT, events

    types = settings_types()
    _, components = msgspec.json.schema_components(tuple(types.values()))
    identity = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
    steps: list[dict[str, Any]] = [{"enum": sorted(types)}]
    for kind, settings in types.items():
        definition = components[settings.__name__]
        definition["properties"] = {"id": identity, **definition["properties"]}
        body = {"anyOf": [{"$ref": f"#/$defs/{settings.__name__}"}, {"type": "null"}]}
        steps.append(
            {"type": "object", "properties": {kind: body}, "required": [kind], "additionalProperties": False}
        )
    event = {"anyOf": [{"enum": list(events(()))}, {"type": "string", "pattern": "^(before|after)-"}]}
    words = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
    hook = {
        "type": "object",
        "properties": {
            "on": {"anyOf": [event, {"type": "array", "items": event}]},
            "run": words,
            "timeout": {"type": ["number", "string"], "default": TIMEOUT},
        },
        "required": ["on", "run"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Blueshift playbook",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "steps": {"type": "array", "minItems": 1, "items": {"anyOf": steps}},
            "hooks": {"type": "array", "items": hook},
            "groups": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "between": {"$ref": "#/$defs/GateSettings"},
        },
        "required": ["name", "steps"],
        "additionalProperties": False,
        "$defs": components,
    }
