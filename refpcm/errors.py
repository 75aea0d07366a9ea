"""The one exception of refpcm that is meant for its user."""


class RefpcmError(Exception):
    """A mistake the user can mend: one sentence saying what is wrong, where, and what to do.

    Commands print it without a traceback and exit with status 2.
    """
