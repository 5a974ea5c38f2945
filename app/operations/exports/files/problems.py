"""Why a file cannot be written."""

from app.kernel.problems import Problem


class ResultTooLarge(Problem):
    """More than the caller's roles allow; nothing is ever cut."""

    code, title, status = "result-too-large", "The result is larger than the limit", 422


class NotRepresentableInFormat(Problem):
    """A value has no place in the format that was asked for."""

    code, title, status = "not-representable", "The form cannot hold a value", 422
