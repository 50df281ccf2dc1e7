"""`blueshift completion`: click's own completion, printed for a shell to load."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, get_completion_class

INSTALL = {
    "bash": 'add to ~/.bashrc:  eval "$(blueshift completion bash)"',
    "zsh": 'add to ~/.zshrc, after compinit:  eval "$(blueshift completion zsh)"',
    "fish": "blueshift completion fish > ~/.config/fish/completions/blueshift.fish",
}
_PLAIN = "COMPREPLY+=($value)"


class _Bash(BashComplete):
    """Click's, without the space that bash puts behind a key whose value comes next (`soak.lasts=`)."""

    source_template = BashComplete.source_template.replace(
        _PLAIN, f"{_PLAIN}\n            [[ $value != *= ]] || compopt -o nospace"
    )


@click.command()
@click.argument("shell", type=click.Choice(tuple(INSTALL)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and values in SHELL.

    Runs and gates are asked of the cluster, which has two seconds for its answer.

    \b
    bash:  eval "$(blueshift completion bash)"     in ~/.bashrc
    zsh:   eval "$(blueshift completion zsh)"      in ~/.zshrc, after compinit
    fish:  blueshift completion fish > ~/.config/fish/completions/blueshift.fish
    """
    kind = _Bash if shell == _Bash.name else get_completion_class(shell)
    assert kind is not None
    script = kind(ctx.find_root().command, {}, "blueshift", "_BLUESHIFT_COMPLETE").source()
    click.echo(f"# To install: {INSTALL[shell]}\n{script}")
