"""A longer road: passes bytes on between whoever connects and one port of this machine, each direction late by so much.

Only the road of those who were sent over it is longer; the loopback that everybody shares is left alone.
Usage: relay.py PORT TO_PORT DELAY_MS
"""
import asyncio
import contextlib
import sys

CHUNK_BYTES = 65536


async def pump(reader, writer, delay_s):
    """Until the end of the stream, which is passed on as well. Chunks keep their order: all are equally late."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(due - loop.time(), 0))
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()

    delivery = asyncio.ensure_future(deliver())
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            queue.put_nowait((loop.time() + delay_s, chunk))
    queue.put_nowait((loop.time() + delay_s, b""))
    with contextlib.suppress(OSError):
        await delivery
    writer.close()


async def main():
    port, to_port, delay_ms = (int(word) for word in sys.argv[1:4])

    async def connection(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer, delay_ms / 1000), pump(far_reader, writer, delay_ms / 1000))

    server = await asyncio.start_server(connection, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
