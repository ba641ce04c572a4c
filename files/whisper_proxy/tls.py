"""TLS on the proxy's one port: the certificate, as its files say now, and how a connection begins.

A connection from this machine itself may be plain HTTP or TLS, one from elsewhere is TLS. The first
byte tells: 0x16 is a handshake record of TLS (RFC 8446, section 5.1), and begins no HTTP.
"""

import asyncio
import logging
import ssl
from asyncio import sslproto
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from socket import MSG_PEEK, socket

from .file_stamp import UNKNOWN, file_stamp, is_settled

LOG = logging.getLogger(__name__)

HANDSHAKE = b"\x16"
# What asyncio reads at a time, and keeps as a buffer for each connection. Its own 256 KiB are 290
# MiB in a flood of 950 handshakes, and 20 ms of parsing where chunks are tiny; these are 110 MiB
# and 5 ms. An upload of 26 MB costs 120 ms of processor time then, not 90; without TLS 60.
READ_BYTES = 64 * 1024
SHUTDOWN_SECONDS = 5.0  # for the client to say that it has seen the end

sslproto.SSLProtocol.max_size = READ_BYTES

# Why the handshake of the connection that is beginning has failed.
_failure: ContextVar[list[ssl.SSLError]] = ContextVar("failure")


@dataclass(frozen=True)
class TlsFiles:
    """Files in PEM: the certificate with its chain, its key, and a CA for clients, "" for none."""

    certificate: str
    key: str
    client_ca: str = ""

    @property
    def all(self) -> dict[str, str]:
        """Return those that are to be there, and what each has to hold."""
        kinds = {self.client_ca: "CERTIFICATE", self.key: "PRIVATE KEY"}
        # One file may be both: whether it holds a key too, OpenSSL sees.
        kinds[self.certificate] = "CERTIFICATE"
        return {file: kind for file, kind in kinds.items() if file}


class Handshake(ssl.SSLObject):
    """A connection's TLS, which tells the client why the handshake failed.

    asyncio closes the connection at once then, and the client would see no more than that: so it
    gets to know one call later, when what OpenSSL has to say has been sent.
    """

    _error: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake; ssl.SSLError if it has failed."""
        if self._error:
            raise self._error
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._error = error
            _failure.get([]).append(error)
            raise ssl.SSLWantReadError from error


def load_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what connections are encrypted with; ValueError, in one line, if they cannot be."""
    for file, kind in files.all.items():
        _check_kind(file, kind)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = Handshake
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        if files.client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(files.client_ca)
    except OSError as error:  # as ssl.SSLError is
        raise ValueError(_unusable(files, error)) from None
    return context


def _check_kind(file: str, kind: str) -> None:
    try:
        with open(file, errors="replace") as text:
            if f"{kind}-----" not in text.read():
                raise ValueError(f"{file} holds no {kind.lower()} in PEM")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None


def _no_password() -> str:
    raise ValueError("the key is encrypted with a password, which nobody is there to type")


def _unusable(files: TlsFiles, error: OSError) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return f"the key in {files.key} is not that of the certificate in {files.certificate}"
    return f"{', '.join(files.all)} cannot be used: {reason or error}"


class Encryption:
    """The certificate, which is taken anew when its files have changed.

    Connections that are open keep the one that they began with. One that cannot be used changes
    nothing: `problem` says why, empty if all is well.
    """

    def __init__(self, files: TlsFiles, patience: float) -> None:
        """Load it; ValueError if that fails.

        patience: seconds that a client has for its first byte, and again for the handshake.
        """
        self._files = files
        self._patience = patience
        self._seen = [UNKNOWN]
        self._context = load_context(files)
        self._problem = ""

    @property
    def problem(self) -> str:
        """Return why the files as they are now cannot be used."""
        self._refresh()
        return self._problem

    async def begin(
        self,
        connection: socket,
        peer: str,
        protocol: Callable[[], asyncio.BaseProtocol],
        spoken: Callable[[], None],
    ) -> None:
        """Begin to serve a connection, encrypted or not, as soon as its first byte says which.

        `spoken` is called when that has come. The connection is closed if it takes too long.
        """
        first = b""
        try:
            async with asyncio.timeout(self._patience):
                first = await _first_byte(connection)
        except (TimeoutError, OSError):
            return
        finally:
            if not first:
                connection.close()
        if first:
            spoken()
        if first == HANDSHAKE:
            await self._encrypt(connection, peer, protocol)
        elif first:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)

    async def _encrypt(
        self, connection: socket, peer: str, protocol: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self._refresh()
        failed: list[ssl.SSLError] = []
        _failure.set(failed)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._patience,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:
            LOG.info("no TLS with %s: %s", peer, _why(failed[0] if failed else error))

    def _refresh(self) -> None:
        """Take the certificate of the files if they are not as they were seen."""
        stamps = [file_stamp(file) for file in self._files.all]
        if stamps == self._seen:
            return
        self._seen = stamps if all(map(is_settled, stamps)) else [UNKNOWN]
        before = self._problem
        try:
            self._context = load_context(self._files)
        except ValueError as error:
            self._problem = str(error)
        else:
            self._problem = ""
        if self._problem and self._problem != before:
            LOG.error("the certificate of before stays in use: %s", self._problem)


async def _first_byte(connection: socket) -> bytes:
    """Return what comes first, and leave it there; b"" at the end of the connection."""
    while True:
        try:
            return connection.recv(1, MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _readable(connection)


async def _readable(connection: socket) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(connection, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(connection)


def _why(error: OSError) -> str:
    """Return why a handshake failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        reason = error.reason.removeprefix("TLSV1_").removeprefix("SSLV3_")
        words = reason.replace("_", " ").lower()
        return f"the client says {words}" if words.startswith("alert ") else words
    return "it ended in the middle of the handshake, or took too long"
