"""The verb that teaches a shell to complete verbs, options and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

_NAME = "instant-trader"
_VARIABLE = "_INSTANT_TRADER_COMPLETE"
_WHERE = {
    "bash": "instant-trader completion bash >> ~/.bashrc",
    "zsh": "instant-trader completion zsh >> ~/.zshrc",
    "fish": "instant-trader completion fish > ~/.config/fish/completions/instant-trader.fish",
}


@click.command(epilog="Example: instant-trader completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(list(_WHERE)))
@common
def completion(context: Context, shell: str) -> None:
    """Print the lines that make bash, zsh or fish complete this command; a new shell then knows them."""
    script = _completer(shell).source()
    if context.person:
        context.say(f"# to keep it: {_WHERE[shell]}")
    context.result({"shell": shell, "script": script, "keep": _WHERE[shell]}, script)


def _completer(shell: str) -> ShellComplete:
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    kinds: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    return kinds[shell](click.Command(_NAME), {}, _NAME, _VARIABLE)
