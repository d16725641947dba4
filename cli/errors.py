"""What ends a command: one line that says what to do, and an exit code."""


class CommandFailed(Exception):
    exit_code = 1


class BadSettings(CommandFailed):
    """An environment variable has a value that cannot be; the message names it and what it should be."""

    exit_code = 2
