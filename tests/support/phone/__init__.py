"""A stand-in for an Android phone, which the real adb connects to over loopback."""

from support.phone.adb_server import adb_server, state_of, wait_for_state
from support.phone.binary import write_binary
from support.phone.device import Phone

__all__ = ["Phone", "adb_server", "state_of", "wait_for_state", "write_binary"]
