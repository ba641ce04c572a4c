"""The one way to say no to an operator."""


class UserError(Exception):
    """A reason not to go on with one host.

    Each line is complete in itself: what is wrong, what was given, what is allowed, what to do.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
