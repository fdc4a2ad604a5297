"""Writes docs/reference from the program itself: its settings, its command line and its server.

python docs/reference.py
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from live_trader.edge.server import options
from live_trader.edge.server.openapi import describe
from live_trader.edge.server.operations import operations
from live_trader.edge.settings import LEAVES, Secret, Settings, tree
from live_trader.verbs.door import _group
from live_trader.verbs.reset import reset

FOLDER = Path(__file__).parent / "reference"


def settings() -> str:
    """Every setting with its default, what it must be, and what it means."""
    meanings = {**_meanings(options), **_meanings(tree)}
    head = (
        "# Settings\n\nRead once, from `instant_trader.toml`, then `.env`, then the environment, then the "
        "command line; each over the one before. In the environment and in `.env`, `farm.id` is "
        "`TRADER__FARM__ID`.\n"
    )
    return head + "\n".join(_section(Settings, "", meanings))


def _section(kind: type[Struct], prefix: str, meanings: Mapping[tuple[str, str], str]) -> Iterator[str]:
    below = [each for each in fields(kind) if f"{prefix}{each.name}" not in LEAVES]
    own = [each for each in fields(kind) if each not in below]
    if own:
        yield f"\n## [{prefix.rstrip('.')}]\n\n{inspect.cleandoc(kind.__doc__ or '')}\n"
        yield "| setting | default | must be | |\n|---|---|---|---|"
        for each in own:
            needs = LEAVES[prefix + each.name].needs
            meaning = meanings.get((kind.__name__, each.name), "")
            yield f"| `{each.name}` | `{_default(each.default)}` | {_cell(needs)} | {_cell(meaning)} |"
    for each in below:
        yield from _section(each.type, f"{prefix}{each.name}.", meanings)


def _default(value: Any) -> str:
    if value is None or value is NODEFAULT or isinstance(value, Secret):
        return "none"
    return _cell(json.dumps(value))


def _meanings(module: Any) -> dict[tuple[str, str], str]:
    """The sentences that stand below the settings in their source."""
    found = {}
    for kind in ast.parse(inspect.getsource(module)).body:
        if isinstance(kind, ast.ClassDef):
            for setting, said in zip(kind.body, kind.body[1:], strict=False):
                told = isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
                if told and isinstance(setting, ast.AnnAssign) and isinstance(setting.target, ast.Name):
                    found[kind.name, setting.target.id] = inspect.cleandoc(str(said.value.value))
    return found


def commands() -> str:
    """Every verb with its help."""
    context = click.Context(
        _group, info_name="instant-trader", terminal_width=100, help_option_names=["-h", "--help"]
    )
    parts = ["# Command line\n", "Exit codes: 0 done, 1 error, 2 usage, 3 not running, 4 configuration or"]
    parts += ["environment, 5 timed out, 6 refused, 130 interrupted.\n"]
    for name in _group.list_commands(context):
        command = _group.get_command(context, name)
        assert command is not None
        parts += _verb(command, name, context)
    parts += _verb(reset, "python resetter.py", None)
    return "\n".join(parts)


def _verb(command: click.Command, name: str, parent: click.Context | None) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100)
    if isinstance(command, click.Group):
        below = [_verb(each, word, context) for word, each in sorted(command.commands.items())]
        return [line for lines in below for line in lines]
    return [f"## {context.command_path}\n", f"```text\n{command.get_help(context)}\n```\n"]


def server() -> str:
    """Every operation of the embedded server."""
    described = json.loads(describe(operations(with_classic=True)))
    parts = [
        "# Server\n",
        "A running server shows this at `/docs`, and as OpenAPI at `/openapi.json`. Tokens go into the",
        "header `Authorization: Bearer TOKEN`.\n",
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts.append(
                f"## {method.upper()} {path}\n\n{operation.get('description') or operation['summary']}\n"
            )
            asked = operation.get("parameters", [])
            if asked:
                parts.append("| asked | kind | |\n|---|---|---|")
                parts += [
                    f"| `{each['name']}` | {_kind(each['schema'])} | {_cell(each.get('description', ''))} |"
                    for each in asked
                ]
                parts.append("")
            parts.append("| answer | |\n|---|---|")
            parts += [
                f"| {status} | {_cell(reply.get('description', ''))} |"
                for status, reply in operation["responses"].items()
            ]
            parts.append("")
    return "\n".join(parts)


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return _cell(" or ".join(map(str, schema["enum"])))
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    return str(schema.get("type", ""))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"settings.md": settings, "commands.md": commands, "server.md": server}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page().rstrip() + "\n")


if __name__ == "__main__":
    main()
