"""Errors of tmux; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import FAILURE, REFUSED, TEMPORARY, NotFound, XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.waking.reasons import Reason


class TmuxUnavailable(XatsError):
    """tmux does not answer."""

    code = "tmux_unavailable"
    exit = TEMPORARY
    reason: Reason = "tmux_unavailable"  #: the reason code of the refused wake


class TmuxMissing(TmuxUnavailable):
    """xats finds no tmux program."""

    code = "tmux_missing"
    reason: Reason = "tmux_missing"
    hint = "install tmux 3.2 or newer, or set XATS_TMUX to its path"


class TmuxGone(TmuxUnavailable):
    """No tmux server listens there."""


class TmuxTooOld(TmuxUnavailable):
    """The tmux server is too old for the paste; xats needs tmux 3.2 or newer."""

    code = reason = "tmux_too_old"
    exit = FAILURE
    hint = "install tmux 3.2 or newer and restart its server"


class ServerUntrusted(TmuxUnavailable):
    """xats does not trust the tmux socket."""

    code = reason = "server_untrusted"
    exit = REFUSED


class NotPermitted(TmuxUnavailable):
    """The system does not let xats use the tmux socket from here."""

    code = reason = "not_permitted"
    exit = REFUSED


class NoPane(NotFound):
    """There is no such pane."""

    code = "no_pane"
