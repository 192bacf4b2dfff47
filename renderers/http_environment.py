"""The part of the environment that decides connections: proxies and certificates.

The clients of servers heed the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE. A
wrong one is a UserError that names it, before anything starts. No message holds a proxy's user or password.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from copilot.errors import UserError
from copilot.server_url import hide_secrets
from renderers.openai_protocol import clean

_SOCKS = frozenset({"socks5", "socks5h"})
_WITH_SOCKS = _SOCKS | {"http", "https"}


def check_environment() -> None:
    """Raise UserError if no client can be made with these proxies or certificates."""
    for variable, proxy in _list_proxies():
        shown = f"{variable} names the proxy {hide_secrets(proxy)}"
        scheme = _read_scheme(proxy)
        if scheme not in _WITH_SOCKS:
            raise UserError(f"{shown}, which cannot be used; give http://HOST:PORT, or unset {variable}")
        if scheme in _SOCKS and find_spec("socksio") is None:
            raise UserError(
                f"{shown}, which needs the package socksio; install it with: pip install socksio, or unset "
                f"{variable}"
            )
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates:
        try:
            ssl.create_default_context(cafile=certificates)
        except OSError as error:
            reason = error.strerror or "it holds no certificate"
            raise UserError(
                f"SSL_CERT_FILE names {certificates}, which cannot be read ({reason}); correct or unset it"
            ) from None


def describe_connection_error(error: BaseException, key: str | None, url: str) -> str:
    """Describe why there is no connection, by the error below that of the library, with the proxy, if any."""
    cause = error.__cause__ or error
    found = _find_proxy(url)
    if found is None:
        return clean(f"no connection ({type(cause).__name__}: {cause})", key)
    variable, proxy = found
    host = urlsplit(url).hostname
    through = f"through the proxy {hide_secrets(proxy)} of {variable}"
    remedy = f"if {host} needs no proxy, name it in NO_PROXY"
    return clean(f"no connection {through} ({type(cause).__name__}: {cause}); {remedy}", key)


def _find_proxy(url: str) -> tuple[str, str] | None:
    """Return the variable and the URL of the proxy for a server; None if it needs none."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = dict(_list_proxies())
    names = (f"{parts.scheme}_proxy", "all_proxy")
    return next(((name, proxies[name]) for want in names for name in proxies if name.lower() == want), None)


def _list_proxies() -> Iterator[tuple[str, str]]:
    """Yield the variables of proxies, as they are spelled, and their values as URLs."""
    for scheme, proxy in getproxies().items():
        if scheme in {"http", "https", "all"} and proxy:
            names = (name for name in os.environ if name.lower() == f"{scheme}_proxy")
            spelled = next(names, f"{scheme.upper()}_PROXY")
            yield spelled, proxy if "://" in proxy else f"http://{proxy}"


def _read_scheme(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy)
        _ = parts.port
    except ValueError:
        return None
    return parts.scheme if parts.hostname else None
