"""The one exception for everything that a user can put right."""


class UserError(Exception):
    """One line: where, what was expected, what was found, what to do.

    Stages print it without a traceback and exit with status 1; any other exception is a bug and keeps its traceback.
    """
