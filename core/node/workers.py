"""The workers of this host, one for each Python and config: started at the first bake, kept running, ended with the host."""

from __future__ import annotations

import threading

from ..rpc import Client

_lock = threading.Lock()
_clients: dict[tuple[str, str], Client] = {}


def client(python: str = "", ocio: str = "") -> Client:
    """The worker in the Python `python` ('' for the one that the site or the installer names) with the config `ocio`.

    It is started at its first request.
    """
    with _lock:
        key = (python, ocio)
        if key not in _clients:
            _clients[key] = Client(python or None, ocio=ocio or None)
        return _clients[key]


def close() -> None:
    """End every worker; bakes in work fail as stopped, and finished frames are kept."""
    with _lock:
        ending = list(_clients.values())
        _clients.clear()
    for found in ending:
        found.close()
