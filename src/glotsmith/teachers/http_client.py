"""HTTP to one server: many requests at once over connections that stay open, by aiohttp.

Proxies and certificates come from the environment as they do for most programs: ``HTTP_PROXY``, ``HTTPS_PROXY``,
``ALL_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``. Redirects are not followed, cookies not kept, and
nothing is read from ``~/.netrc``. No error that leaves this module refers to a request, whose headers hold the key.
"""

import asyncio
import ipaddress
import os
import re
import ssl
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import certifi

_LONGEST_LINE = 1 << 16  #: bytes of a header: some gateways send long ones
_IDLE_S = 60.0  #: an unused connection is closed after this long


class HttpResponse(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]  #: names in any case
    body: bytes


class ServerUnreachable(Exception):
    """No connection came about: nothing was sent."""


class ResponseTimeout(Exception):
    """The answer did not come in time."""


class ConnectionBroken(Exception):
    """The connection broke, or what came is no HTTP."""


class ResponseTooLarge(Exception):
    """The body is larger than allowed."""


class HttpClient:
    """A client of one server; it belongs to one event loop."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connect_s: float, timeout_s: float, largest: int
    ) -> None:
        """Prepare to ask the server at ``url``: ``largest`` is the size of a body in bytes, at most."""
        self._url = url
        self._headers = dict(headers)
        self._connect_s, self._timeout_s = connect_s, timeout_s
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None

    async def request(self, method: str, path: str, body: bytes | None = None) -> HttpResponse:
        """Send one request and read its answer.

        A server may close a connection at the moment that it is used again. What was sent on it then got no answer,
        and is sent once more at once on another (RFC 9112 §9.3.1), until that is a new one.

        Raises:
            Unreachable, NoAnswer, Broken, TooLarge: there is no answer, or none that can be used.

        """
        while True:
            reused: list[bool] = []
            try:
                async with asyncio.timeout(self._connect_s + self._timeout_s):
                    return await self._send(method, self._url + path, body, reused)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                failure = _failure(error)
                is_stale = bool(reused) and not isinstance(error, aiohttp.ClientConnectorError)
            except (TimeoutError, aiohttp.ClientError, ValueError, OSError) as error:
                failure, is_stale = _failure(error), False
            if not is_stale:
                raise failure  # outside of the handler: the error's context would hold the request

    async def _send(self, method: str, url: str, body: bytes | None, reused: list[bool]) -> HttpResponse:
        session = self._open()
        async with session.request(
            method, url, data=body, proxy=self._proxy, allow_redirects=False, trace_request_ctx=reused
        ) as response:
            reused.clear()  # an answer has begun: what breaks now is no stale connection
            return HttpResponse(response.status, response.headers, await self._read(response))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > self._largest:
                response.close()
                raise ResponseTooLarge
        return bytes(data)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._proxy = proxy_for(self._url)
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=self._connector(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s, sock_read=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[_noting_reuse()],
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
            )
        return self._session

    def _connector(self) -> aiohttp.TCPConnector:
        """Open as many connections as there are requests: the limiter says how many there are."""
        secure = any(url and url.startswith("https:") for url in (self._url, self._proxy))
        return aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_IDLE_S,
            resolver=aiohttp.ThreadedResolver(),
            ssl=ssl_context() if secure else True,
        )

    async def close(self) -> None:
        """Close the connections; idempotent."""
        if self._session is not None:
            await self._session.close()


def _noting_reuse() -> aiohttp.TraceConfig:
    """Note in a request's context that its connection was used before."""

    async def note(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx.append(True)

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


def _failure(error: Exception) -> Exception:
    """Return the message of an error, without headers."""
    words = " ".join(_message_without_request(error).split()) or type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError | aiohttp.InvalidURL):
        return ServerUnreachable(words)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ServerUnreachable("the connection took too long")
    if isinstance(error, TimeoutError):
        return ResponseTimeout(words)
    return ConnectionBroken(words)


def _message_without_request(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):  # its text may be the whole request
        return f"{error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return re.sub(r" ssl:\S+", "", str(error))
    return str(error)


def ssl_context() -> ssl.SSLContext:
    """Return a context with the certificates that the environment names, or else Mozilla's."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    return ssl.create_default_context(cafile=certifi.where())


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL; None for none, and for this machine's loopback.

    Raises:
        Unreachable: it is of a kind that can't be used.

    """
    parts = urlsplit(url)
    proxies = urllib.request.getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if (
        not proxy
        or _is_loopback(parts.hostname or "")
        or _is_exempt(parts.hostname or "", parts.netloc.rpartition("@")[2], proxies.get("no", ""))
    ):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        kind = urlsplit(proxy).scheme
        raise ServerUnreachable(
            f"the proxy that the environment names is of the kind {kind}: name one of http or https"
        )
    return proxy


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine. A proxy elsewhere cannot reach its loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_exempt(host: str, place: str, exempt: str) -> bool:
    """Whether ``NO_PROXY`` holds a host: ``*``, names with their subdomains, with or without port, or networks."""
    entries = [entry.strip().lower() for entry in exempt.split(",")]
    names = [name for entry in entries if (name := entry.lstrip("*").lstrip("."))]
    if "*" in entries or any(name in (host, place.lower()) or host.endswith(f".{name}") for name in names):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for entry in entries if (network := _network(entry)))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None
