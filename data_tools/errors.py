"""The one exception of data_tools that is meant for its user."""


class DataError(Exception):
    """A mistake or a damaged file: one sentence saying what is wrong, where, and what to do.

    Commands print it without a traceback and exit with status 2.
    """
