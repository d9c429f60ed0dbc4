"""Relays for tests, on 127.0.0.1. Prints its port, and appends a line to LOG for what comes. Run by /usr/bin/python3.

    relay.py tls LOG CERT KEY PORT   TLS in front of 127.0.0.1:PORT; a line a connection
    relay.py proxy LOG               an HTTP proxy, by CONNECT or by whole URLs; a line a request
    relay.py glacier LOG PORT FILE   the S3 server at 127.0.0.1:PORT, but objects of class GLACIER and DEEP_ARCHIVE must be
                                     restored before they are read, as Amazon's; what was asked for is there once FILE is;
                                     a line a restore that is asked for
    relay.py refuse LOG CODE S       an S3 server that refuses whatever it is asked for, by the error CODE and a clock that is S
                                     seconds ahead of this machine's; a line a request
"""
import asyncio
import email.utils
import os
import ssl
import sys
import time
import urllib.parse


def note(text):
    with open(sys.argv[2], "a") as log:
        log.write(text + "\n")


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        pass


async def join(client, server):
    await asyncio.gather(pump(client[0], server[1]), pump(server[0], client[1]))
    for _, writer in client, server:
        writer.close()


async def on_tls(reader, writer):
    note("connection " + writer.get_extra_info("ssl_object").version())
    await join((reader, writer), await asyncio.open_connection("127.0.0.1", int(sys.argv[5])))


async def on_proxy(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    line, rest = head.split(b"\r\n", 1)
    method, url, version = line.decode().split(" ")
    note(f"{method} {url}")
    if method == "CONNECT":
        host, port = url.rsplit(":", 1)
        server = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    else:
        to = urllib.parse.urlsplit(url)
        server = await asyncio.open_connection(to.hostname, to.port or 80)
        path = url.split(to.netloc, 1)[1]
        server[1].write(f"{method} {path} {version}\r\nConnection: close\r\n".encode() + rest)
    await join((reader, writer), server)


FROZEN = b"GLACIER", b"DEEP_ARCHIVE"
asked = set()


async def read_message(reader, bodyless=False):
    """Head lines and body of a request or an answer; None at the end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    except asyncio.IncompleteReadError:
        return None
    if header(head, b"transfer-encoding") == b"chunked" and not bodyless:
        body = b""
        while length := int(await reader.readline(), 16):
            body += await reader.readexactly(length)
            await reader.readline()
        await reader.readline()
        head = [line for line in head if not line.lower().startswith(b"transfer-encoding:")]
        return head + [b"Content-Length: %d" % len(body)], body
    length = int(header(head, b"content-length") or 0)
    return head, b"" if bodyless else await reader.readexactly(length)


def header(head, name):
    for line in head[1:]:
        key, value = line.split(b":", 1)
        if key.lower() == name:
            return value.strip()
    return None


def answer(status, code):
    body = b"<Error><Code>" + code + b"</Code></Error>" if code else b""
    return [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body)], body


async def on_glacier(reader, writer):
    server = await asyncio.open_connection("127.0.0.1", int(sys.argv[3]))
    while request := await read_message(reader):
        method, path, _ = request[0][0].split(b" ")
        key, _, query = path.partition(b"?")
        thawed = os.path.exists(sys.argv[4])
        if method == b"POST" and query.startswith(b"restore"):
            if key in asked and not thawed:
                head, body = answer(b"409 Conflict", b"RestoreAlreadyInProgress")
            else:
                note(request[1].decode())
                asked.add(key)
                head, body = answer(b"202 Accepted", b"")
        else:
            server[1].write(b"\r\n".join(request[0]) + b"\r\n\r\n" + request[1])
            head, body = await read_message(server[0], method == b"HEAD")
            frozen = method in (b"GET", b"HEAD") and header(head, b"x-amz-storage-class") in FROZEN
            if frozen and method == b"GET" and not (key in asked and thawed):
                head, body = answer(b"403 Forbidden", b"InvalidObjectState")
            elif frozen and key in asked:
                date = b', expiry-date="Fri, 21 Dec 2040 00:00:00 GMT"' if thawed else b""
                going = b"false" if thawed else b"true"
                head.append(b'x-amz-restore: ongoing-request="' + going + b'"' + date)
        writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        await writer.drain()
    server[1].close()
    writer.close()


async def on_refuse(reader, writer):
    while request := await read_message(reader):
        note(request[0][0].decode())
        head, body = answer(b"403 Forbidden", sys.argv[3].encode())
        head.append(b"Date: " + email.utils.formatdate(time.time() + int(sys.argv[4]), usegmt=True).encode())
        writer.write(b"\r\n".join(head) + b"\r\n\r\n" + (b"" if request[0][0].startswith(b"HEAD ") else body))
        await writer.drain()
    writer.close()


async def main():
    tls = None
    if sys.argv[1] == "tls":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    server = await asyncio.start_server(
        {"tls": on_tls, "proxy": on_proxy, "glacier": on_glacier, "refuse": on_refuse}[sys.argv[1]],
        "127.0.0.1",
        0,
        ssl=tls,
        limit=1 << 20,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
