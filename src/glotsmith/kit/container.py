"""A container recipe with the toolchains of languages: what their cards give to apt, on Debian 12."""

from collections.abc import Sequence
from importlib.metadata import version

from glotsmith.kit.install import packages
from glotsmith.languages import get

BASE = "debian:12-slim"
#: the sandbox; a compiler for warm workers; Python with a place for glotsmith
_OWN = ("bubblewrap", "ca-certificates", "gcc", "libc6-dev", "python3", "python3-venv")


def dockerfile(languages: Sequence[str]) -> str:
    """Return a Dockerfile for some languages; those that no Debian package has are named in a comment."""
    cards = [get(name) for name in languages]
    wanted = {card.name: packages(card, "apt") for card in cards}
    missing = [card.name for card in cards if not wanted[card.name] and any(t.install for t in card.toolchain)]
    there = [name for name in wanted if name not in missing]
    debian = sorted({*_OWN, *(p for names in wanted.values() for p in names)})
    own = version("glotsmith")
    lines = [
        f"# glotsmith with {', '.join(there)}. Build: docker build -t glotsmith - < Dockerfile",
        "# Run: docker run --rm -i glotsmith doctor",
        "# bubblewrap makes namespaces inside the container. Where doctor says that the engine forbids it:",
        "#   docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\",
        "#              --security-opt systempaths=unconfined --rm -i glotsmith doctor",
        *(f"# No package of Debian 12: {name}" for name in missing),
        f"FROM {BASE}",
        "ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8",
        "RUN apt-get update \\",
        " && apt-get install -y --no-install-recommends \\",
        *(f"      {package} \\" for package in debian),
        " && rm -rf /var/lib/apt/lists/*",
        f"RUN python3 -m venv /opt/glotsmith && /opt/glotsmith/bin/pip install --no-cache-dir glotsmith=={own}",
        "ENV PATH=/opt/glotsmith/bin:$PATH",
        "RUN useradd --create-home glotsmith",
        "USER glotsmith",
        "WORKDIR /home/glotsmith",
        'ENTRYPOINT ["glotsmith"]',
        'CMD ["doctor"]',
    ]
    return "\n".join(lines) + "\n"
