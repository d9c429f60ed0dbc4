"""Relays for tests, on 127.0.0.1. Prints its port, and appends a line to LOG for what comes. Run by /usr/bin/python3.

    relay.py tls LOG CERT KEY PORT   TLS in front of 127.0.0.1:PORT; a line a connection
    relay.py proxy LOG               an HTTP proxy, by CONNECT or by whole URLs; a line a request
"""
import asyncio
import ssl
import sys
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


async def main():
    tls = None
    if sys.argv[1] == "tls":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    server = await asyncio.start_server(
        on_tls if tls else on_proxy, "127.0.0.1", 0, ssl=tls, limit=1 << 20
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
