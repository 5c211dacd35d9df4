"""Watches the live page with many viewers; at the end prints how many snapshots each saw."""

import json
import selectors
import socket
import sys
from urllib.parse import urlsplit

EVENT = b"event: progress"


def connected(address):
    """Return a socket on which a viewer receives events."""
    parts = urlsplit(address)
    viewer = socket.create_connection((parts.hostname, parts.port))
    viewer.sendall(f"GET {parts.path}events HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return viewer


def main():
    """Read until a line comes in on standard input."""
    address, count = sys.argv[1], int(sys.argv[2])
    seen = dict.fromkeys((connected(address) for _ in range(count)), 0)
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for viewer in seen:
        selector.register(viewer, selectors.EVENT_READ, viewer)
    ready = False
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                print(json.dumps([snapshots - 1 for snapshots in seen.values()]))
                return
            seen[key.data] += key.data.recv(1 << 18).count(EVENT)
        if not ready and all(seen.values()):
            ready = True
            print("ready", flush=True)


if __name__ == "__main__":
    main()
