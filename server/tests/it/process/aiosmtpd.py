# An SMTP server that keeps each mail in a file, in the format of smtp-sink: FOLDER ADDRESS PORT.
import asyncio, itertools, pathlib, sys

from aiosmtpd.smtp import SMTP

folder, address, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
numbers = itertools.count()


class Keep:
    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            head = f"X-Mail-Args: <{envelope.mail_from}>\r\nX-Rcpt-Args: <{recipient}>\r\n"
            partial = folder / f"partial.{next(numbers)}"
            partial.write_bytes(head.encode() + envelope.content)
            partial.rename(partial.with_name(partial.name.replace("partial", "mail")))
        return "250 2.0.0 Kept"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keep(), hostname="test.example"), address, port)
    await server.serve_forever()


asyncio.run(main())
