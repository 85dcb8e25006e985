"""Write a Dockerfile that installs the toolchains of languages with apt, on Debian 12."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from glotsmith import __version__
from glotsmith.installation import install_source
from glotsmith.languages import get_card
from glotsmith.toolkit.install import packages

BASE = "debian:12-slim"
#: the sandbox, a compiler for warm workers, and Python with venv
_BASE_PACKAGES = ("bubblewrap", "ca-certificates", "gcc", "libc6-dev", "python3", "python3-venv")


def dockerfile(languages: Sequence[str]) -> str:
    """Return a Dockerfile for languages. A comment lists the languages without a Debian package."""
    cards = [get_card(name) for name in languages]
    wanted = {card.name: packages(card, "apt") for card in cards}
    missing = [card.name for card in cards if not wanted[card.name] and any(t.install for t in card.toolchain)]
    installed = [name for name in wanted if name not in missing]
    installation = _glotsmith_installation()
    debian = sorted({*_BASE_PACKAGES, *installation.packages, *(p for names in wanted.values() for p in names)})
    lines = [
        f"# glotsmith with {', '.join(installed)}. Build: {installation.build}",
        "# Run: docker run --rm -i glotsmith doctor",
        "# bubblewrap creates namespaces inside the container. If doctor reports that the engine forbids it:",
        "#   docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\",
        "#              --security-opt systempaths=unconfined --rm -i glotsmith doctor",
        *(f"# No package of Debian 12: {name}" for name in missing),
        f"FROM {BASE}",
        "ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8",
        "RUN apt-get update \\",
        " && apt-get install -y --no-install-recommends \\",
        *(f"      {package} \\" for package in debian),
        " && rm -rf /var/lib/apt/lists/*",
        *installation.copy,
        f"RUN python3 -m venv /opt/glotsmith && /opt/glotsmith/bin/pip install --no-cache-dir {installation.what}",
        "ENV PATH=/opt/glotsmith/bin:$PATH",
        "RUN useradd --create-home glotsmith",
        "USER glotsmith",
        "WORKDIR /home/glotsmith",
        'ENTRYPOINT ["glotsmith"]',
        'CMD ["doctor"]',
    ]
    return "\n".join(lines) + "\n"


class _Installation(NamedTuple):
    """The installation of glotsmith in the image."""

    build: str  #: the command that builds the image
    copy: tuple[str, ...]  #: instructions of the Dockerfile
    what: str  #: argument of pip install
    packages: tuple[str, ...] = ()  #: further Debian packages


def _glotsmith_installation() -> _Installation:
    """Return the installation of this glotsmith in the image: from a checkout, a file or a repository."""
    found = install_source()
    if found is None:
        name = f"glotsmith-{__version__}-py3-none-any.whl"
        return _install_from_folder(".", f"{name} /src/", f"/src/{name}")
    if found.path is None:
        git = ("git",) if found.url.startswith("git+") else ()
        return _Installation("docker build -t glotsmith - < Dockerfile", (), shlex.quote(found.requirement()), git)
    if found.path.is_file():
        return _install_from_folder(str(found.path.parent), f"{found.path.name} /src/", f"/src/{found.path.name}")
    return _install_from_folder(str(found.path), "pyproject.toml README.md LICENSE /src/", "/src", "COPY src /src/src")


def _install_from_folder(folder: str, files: str, what: str, *more: str) -> _Installation:
    return _Installation(
        f"docker build -t glotsmith -f - {shlex.quote(folder)} < Dockerfile", (f"COPY {files}", *more), what
    )
