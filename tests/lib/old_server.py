"""A Postgres of another age, as far as a client sees before its first query. old_server.py VERSION prints its port."""
import socket
import struct
import sys


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client = listener.accept()[0]
    while True:
        head = client.recv(8, socket.MSG_WAITALL)
        if len(head) < 8:
            break
        length, code = struct.unpack("!ii", head)
        client.recv(length - 8, socket.MSG_WAITALL)
        if code in (80877103, 80877104):  # encryption is asked for: there is none
            client.sendall(b"N")
            continue
        settings = {"server_version": sys.argv[1], "client_encoding": "UTF8", "server_encoding": "UTF8"}
        client.sendall(message(b"R", struct.pack("!i", 0)))
        for name, value in settings.items():
            client.sendall(message(b"S", name.encode() + b"\0" + value.encode() + b"\0"))
        client.sendall(message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I"))
        client.recv(5)
        break
    client.close()
