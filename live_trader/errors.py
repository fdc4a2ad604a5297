"""Everything this house can raise, as a tree; each leaf says what to do about it."""


class TraderError(Exception):
    """Anything this program raises on purpose; the door prints it as one sentence and exits with its code."""

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}. {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class BadData(TraderError):
    """The data cannot be what it claims to be: do not compute on it."""


class BadBar(BadData):
    """This bar is impossible: refuse and count it, ask for it again."""


class BadTape(BadData):
    """A file of bars cannot be read as one: name the file, the row and the remedy."""


class BadAnswer(BadData):
    """The other side answered something that is not its protocol: wait, then ask again."""


class BadBot(TraderError):
    """This bot can never run as it is: do not retry, tell a person."""

    exit_code = 4


class BadBundle(BadBot):
    """A bundle is damaged, foreign or unknown: never serve from it."""


class NotServable(BadBot):
    """A pipeline has a part with no exact served form: serve the pipeline itself."""


class BadRecipe(BadBot):
    """A recipe names an indicator or a length that this program does not have."""


class BadSettings(TraderError):
    """A setting is unknown, of the wrong type or unusable: mend it before anything starts."""

    exit_code = 4


class Unreachable(TraderError):
    """Nobody answered in time: retry the same request under the same id."""

    def __init__(self, what: str, remedy: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.retry_after = retry_after


class Refused(TraderError):
    """The other side understood and said no: do not retry the same thing."""

    exit_code = 6


class Unacceptable(Refused):
    """The server read it and can never take it: leave it, and say so."""


class Unauthorised(Refused):
    """The token is missing, wrong or lacks the scope: a person must change a setting."""

    exit_code = 4


class Conflict(Refused):
    """A different signal is already stored under this key: the stored one stands."""

    def __init__(self, what: str, remedy: str = "", *, stored: bytes = b"") -> None:
        super().__init__(what, remedy)
        self.stored = stored


class Unknown(TraderError):
    """It cannot be told whether it happened: reconcile before doing anything else."""


class NotRunning(TraderError):
    """There is no farm for this work path."""

    exit_code = 3


class TimedOut(TraderError):
    """It did not happen within the time allowed."""

    exit_code = 5


class Interrupted(TraderError):
    """A wait was broken off on request: put things in order and look at what was asked."""


class IllegalStep(TraderError):
    """A life was asked for a step its table does not have: a defect of this program."""
