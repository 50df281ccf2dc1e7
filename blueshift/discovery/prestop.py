"""Whether the programs of a preStop hook are in the running image: a hook that fails ends the pod at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from blueshift.cluster.api import KubeApi
from blueshift.discovery.raw import Raw, name, namespace
from blueshift.discovery.seen import Hook
from blueshift.errors import BlueshiftError

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_ASSIGNMENT = re.compile(r"^\w+=")
# What a POSIX shell has in itself, and the words of its grammar, after which a command follows or not.
_BUILTINS = """
[ : . break cd command continue echo eval exec exit export false kill printf pwd read return set shift
test trap true type ulimit umask unset wait
"""
_BUILTIN = frozenset(_BUILTINS.split())
_LEADS = frozenset(
    ["while", "until", "if", "then", "do", "else", "elif", "!", "{", "exec", "command", "time"]
)
_ALONE = frozenset(["done", "fi", "}", "esac"])
_ASK = 'for program in "$@"; do command -v "$program" >/dev/null 2>&1 || echo "$program"; done'


async def look(kube: KubeApi, pods: Sequence[Raw], container: str, command: Sequence[str]) -> Hook:
    """Ask one of the ready `pods` for the hook's programs.

    Raises BlueshiftError where no pod is ready, exec is forbidden, or the image has no shell to ask with.
    """
    wanted = programs(command)
    if not wanted:
        return Hook()
    if not pods:
        raise BlueshiftError("no pod is ready to be asked")
    pod = name(pods[0])
    argv = ["/bin/sh", "-c", _ASK, "sh", *wanted]
    result = await kube.exec(namespace(pods[0]), pod, argv, container=container)
    if result.code != 0:
        said = result.stderr.decode(errors="replace").strip()[:200]
        raise BlueshiftError(f"{pod} could not be asked: {said or f'exit code {result.code}'}")
    return Hook(wanted, tuple(result.stdout.decode(errors="replace").split()), pod)


def programs(command: Sequence[str]) -> tuple[str, ...]:
    """The programs that a hook starts: its own, and if that is a shell, those of its script."""
    if not command:
        return ()
    first, *rest = command
    found = [first]
    if first.rsplit("/", 1)[-1] in _SHELLS:
        flags = [place for place, word in enumerate(rest) if word.startswith("-") and "c" in word]
        if flags and flags[0] + 1 < len(rest):
            found += _in_script(rest[flags[0] + 1])
    return tuple(dict.fromkeys(found))


def _in_script(script: str) -> list[str]:
    """First words of a script's commands. What cannot be told (a variable, a substitution) is left out."""
    lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an open quote: the shell itself will say so
        return []
    found: list[str] = []
    expected, redirected = True, False
    for word in words:
        if set(word) <= set(";&|()"):
            expected = True
        elif set(word) <= set("<>&"):
            redirected = True
        elif redirected:
            redirected = False
        elif expected and word not in _LEADS and not _ASSIGNMENT.match(word):
            expected = False
            if not ("$" in word or "`" in word or word in _BUILTIN | _ALONE or word.isdigit()):
                found.append(word)
    return found
