"""A word that must not be seen: it shows itself only when asked by name."""

from __future__ import annotations


class Secret:
    """A token or password; printing, logging or encoding it says only whether there is one."""

    __slots__ = ("_word",)

    def __init__(self, word: str = "") -> None:
        self._word = word

    def reveal(self) -> str:
        """The word itself, for the one place that sends it."""
        return self._word

    def __bool__(self) -> bool:
        return bool(self._word)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._word == self._word

    def __hash__(self) -> int:
        return hash(self._word)

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (self._word,)

    def __repr__(self) -> str:
        return "(hidden)" if self._word else "(none)"
