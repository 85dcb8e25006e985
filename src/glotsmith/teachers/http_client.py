"""An HTTP client of one server, with concurrent requests over persistent connections (aiohttp).

Proxies and certificates come from the usual environment variables: ``HTTP_PROXY``, ``HTTPS_PROXY``,
``ALL_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``. It does not follow redirects, keep cookies or
read ``~/.netrc``. No exception of this module refers to a request, because the headers of a request hold the key.
"""

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

_LONGEST_LINE = 1 << 16  #: bytes of a header; some gateways send long ones
_IDLE_S = 60.0  #: idle time after which a connection is closed


class HttpResponse(NamedTuple):
    """A response."""

    status: int
    headers: Mapping[str, str]  #: case-insensitive names
    body: bytes


class ServerUnreachable(Exception):
    """The connection failed; nothing was sent."""


class ResponseTimeout(Exception):
    """The response did not arrive in time."""


class ConnectionBroken(Exception):
    """The connection broke, or the response is not HTTP."""


class ResponseTooLarge(Exception):
    """The body of the response is larger than the limit."""


class HttpClient:
    """A client of one server; it belongs to one event loop."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connect_s: float, timeout_s: float, largest: int
    ) -> None:
        """Create a client for the server at ``url``; ``largest`` is the maximum size of a body in bytes."""
        self._url = url
        self._headers = dict(headers)
        self._connect_s, self._timeout_s = connect_s, timeout_s
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        resend: bool = True,
    ) -> HttpResponse:
        """Send one request, with further headers, and return its response.

        A server may close an idle connection just when it is used again. The request is then sent again at once on
        another connection (RFC 9112 §9.3.1); it fails only on a new connection. A request that must not be done twice
        is not sent again (not ``resend``).

        Raises:
            ServerUnreachable, ResponseTimeout, ConnectionBroken, ResponseTooLarge: no usable response arrived.

        """
        while True:
            reused: list[bool] = []
            try:
                return await self._send(method, self._url + path, body, reused, headers)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                failure = _failure(error)
                is_stale = resend and bool(reused) and not isinstance(error, aiohttp.ClientConnectorError)
            except (TimeoutError, aiohttp.ClientError, ValueError, OSError) as error:
                failure, is_stale = _failure(error), False
            if not is_stale:
                raise failure  # outside of the handler, since the context of the exception would hold the request

    async def _send(
        self, method: str, url: str, body: bytes | None, reused: list[bool], headers: Mapping[str, str] | None
    ) -> HttpResponse:
        session = self._open()
        async with session.request(
            *(method, url),
            data=body,
            headers=headers,
            proxy=self._proxy,
            allow_redirects=False,
            trace_request_ctx=reused,
        ) as response:
            reused.clear()  # a response has started, so the connection is not stale
            return HttpResponse(response.status, response.headers, await self._read(response))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > self._largest:
                response.close()
                raise ResponseTooLarge(f"the response is larger than {self._largest / 1e6:,.0f} MB")
        return bytes(data)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._proxy = proxy_for(self._url)
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=self._connector(),
                timeout=aiohttp.ClientTimeout(
                    total=self._connect_s + self._timeout_s, sock_connect=self._connect_s, sock_read=self._timeout_s
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[_noting_reuse()],
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
            )
        return self._session

    def _connector(self) -> aiohttp.TCPConnector:
        """Return a connector without a limit on connections; the limiter bounds the requests."""
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
    """Return a configuration that notes in the context of a request that its connection was used before."""

    async def note(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx.append(True)

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


def _failure(error: Exception) -> Exception:
    """Return the exception of this module for an error, with a message that contains no header."""
    words = " ".join(_message_without_request(error).split()) or type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError | aiohttp.InvalidURL):
        return ServerUnreachable(words)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ServerUnreachable("the connection took too long")
    if isinstance(error, TimeoutError):
        return ResponseTimeout(words)
    return ConnectionBroken(words)


def _message_without_request(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):  # its text may contain the whole request
        return f"{error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return re.sub(r" ssl:\S+", "", str(error))
    return str(error)


def ssl_context() -> ssl.SSLContext:
    """Return a context with the certificates that the environment names, by default those of Mozilla."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    return ssl.create_default_context(cafile=certifi.where())


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment sets for a URL; None for no proxy and for loopback addresses.

    Raises:
        Unreachable: the kind of the proxy is not supported.

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
    """Return whether ``NO_PROXY`` contains a host: ``*``, names with their subdomains (port optional), or networks."""
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
