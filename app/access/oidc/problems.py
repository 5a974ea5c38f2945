"""Why a log-in at the identity provider does not succeed. Nothing that the provider wrote is repeated."""

from app.kernel.problems import BadRequest, Forbidden, NotFound, Problem, Unauthenticated, Unavailable


class OidcNotConfigured(NotFound):
    """There is no identity provider."""

    code, title = "oidc-not-configured", "Log-in at an identity provider is not configured"


class LoginNotBegun(BadRequest):
    """The browser did not begin this log-in, took too long, or ended it before."""

    code, title = "oidc-login-not-begun", "This browser has no such log-in under way; begin again"


class InvalidCallback(BadRequest):
    """What the provider sent the browser back with is not what was asked for."""

    code, title = "oidc-invalid-callback", "The provider's answer does not fit the request"


class CodeRefused(BadRequest):
    """The provider does not take the code: it was used, or is too old."""

    code, title = "oidc-code-refused", "The provider did not take the authorization code"


class InvalidIdToken(Unauthenticated):
    """The provider's ID token cannot be relied on."""

    code, title = "oidc-invalid-id-token", "The provider's ID token is not valid"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
        """What is wrong, in our words; for log and audit."""


class LoginDenied(Forbidden):
    """The provider did not let the person in."""

    code, title = "oidc-login-denied", "The provider did not allow the log-in"


class PersonRefused(Forbidden):
    """The provider vouches for the person, whom this service does not let in."""

    code, title = "oidc-person-refused", "This person may not log in here"


class ProviderFault(Problem):
    """The provider does not do as the standard says."""

    code, title, status = "oidc-provider-fault", "The identity provider did not answer properly", 502


class ProviderAway(Unavailable):
    """The provider cannot be reached."""

    code, title = "oidc-provider-away", "The identity provider cannot be reached"


class ProviderSlow(Problem):
    """The provider does not answer within the deadline."""

    code, title, status = "oidc-provider-slow", "The identity provider did not answer in time", 504
