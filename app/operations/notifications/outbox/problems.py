"""Why channels and messages are refused."""

from app.kernel.problems import Conflict, InvalidRequest


class InvalidChannel(InvalidRequest):
    """The channel would not work, or would take nothing."""

    code, title = "invalid-channel", "The channel has faults"


class InvalidMessage(InvalidRequest):
    """The message goes nowhere, or is of no kind."""

    code, title = "invalid-message", "The message has faults"


class ChannelNameTaken(Conflict):
    """Another channel has this name."""

    code, title = "channel-name-taken", "There is a channel of this name already"


class ChannelInactive(Conflict):
    """The channel sends nothing now."""

    code, title = "channel-inactive", "The channel is switched off"


class NoSigningSecret(Conflict):
    """Only webhooks are signed."""

    code, title = "no-signing-secret", "Messages of this channel are not signed"


class MessageOver(Conflict):
    """The message was taken by the other side, or is on its way."""

    code, title = "message-over", "The message is sent, or being sent"
