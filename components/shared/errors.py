"""The one exception whose message is written for the user."""


class HeadstartError(Exception):
    """Something the user can fix: one sentence that says what was found, where, and what to do.

    The command line prints the message alone, without a traceback, and exits with code 1.
    """
