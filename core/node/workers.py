"""The workers of this host, one for each Python and config: started at the first bake, kept warm, ended with the host."""

from __future__ import annotations

import threading

from ..rpc import Client

_lock = threading.Lock()
_clients: dict[tuple[str, str], Client] = {}


def client(python: str = "", ocio: str = "") -> Client:
    """The worker in the Python `python` ('' for the one the site or the installer says) with the config `ocio`.

    Nothing starts before something is asked of it.
    """
    with _lock:
        key = (python, ocio)
        if key not in _clients:
            _clients[key] = Client(python or None, ocio=ocio or None)
        return _clients[key]


def close() -> None:
    """End every worker; what they were at fails as stopped, and finished frames are kept."""
    with _lock:
        ending = list(_clients.values())
        _clients.clear()
    for found in ending:
        found.close()
