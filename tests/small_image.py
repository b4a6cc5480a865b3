"""A container image of busybox, getent and the static NGINX, made without any registry.

It holds nothing but what canaryctl asks of an image: ``sh`` with ``mv`` and ``rm``, NGINX,
``getent`` for names that Docker does not know, and ``stat``, ``tail`` and ``head`` to count
attempts. Made in about a second, once per content.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import docker

REPOSITORY = "canaryctl-test"
_APPLETS = ("sh", "mv", "rm", "cat", "ls", "mkdir", "ln", "sleep", "stat", "tail", "head", "wget")
_FOLDERS = ("tmp", "run", "proc", "sys", "dev", "etc/nginx/conf.d", "var/log/nginx")
_MAIN = """\
worker_processes 1;
pid /run/nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  include /etc/nginx/conf.d/*.conf;
}
"""
_FILES = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "etc/group": "root:x:0:\nusers:x:100:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/nginx/nginx.conf": _MAIN,
}


class CannotBuildError(Exception):
    """A part of the image is not to be had on this machine."""


def build(client: docker.DockerClient, nginx: Path) -> str:
    """Make the image unless the engine has it; give its name."""
    programs = {
        "bin/busybox": _busybox(),
        "usr/sbin/nginx": nginx.read_bytes(),
        **with_libraries("getent", "usr/bin/getent"),
        **with_libraries("flock", "usr/bin/flock"),  # Debian's busybox has none, Alpine's has
    }
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path, content in sorted(programs.items()):
        digest.update(path.encode() + content)
    name = f"{REPOSITORY}:{digest.hexdigest()[:12]}"
    if not client.images.list(name):
        files = {path: text.encode() for path, text in _FILES.items()}
        root = tar({**files, **programs}, _FOLDERS)
        client.api.import_image_from_data(
            root.getvalue(), repository=REPOSITORY, tag=name.split(":")[1]
        )
    return name


def tar(programs: Mapping[str, bytes], folders: Sequence[str] = ()) -> io.BytesIO:
    """Pack folders and executable files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for path, content in programs.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        if folders:
            _link_applets(archive)
    return buffer


def _link_applets(archive: tarfile.TarFile) -> None:
    for applet in _APPLETS:
        entry = tarfile.TarInfo(f"bin/{applet}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(entry)


def _busybox() -> bytes:
    """Take the machine's static busybox, else the one of Debian's package, not installed."""
    installed = shutil.which("busybox")
    if installed and _is_static(content := Path(installed).read_bytes()):
        return content
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise CannotBuildError("no static busybox on PATH, and no apt-get to download one")
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            ["apt-get", "-q", "download", "busybox-static"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        packages = list(Path(folder).glob("busybox-static_*.deb"))
        if not packages:
            raise CannotBuildError(f"apt-get download busybox-static: {ended.stderr.strip()}")
        subprocess.run(
            ["dpkg-deb", "-x", str(packages[0]), f"{folder}/root"], timeout=60, check=True
        )
        return (Path(folder) / "root/bin/busybox").read_bytes()


def _is_static(elf: bytes) -> bool:
    return b"/ld-linux" not in elf[:4096] and b"/ld-musl" not in elf[:4096]


def with_libraries(name: str, target: str) -> dict[str, bytes]:
    """Take a program of this machine, to be put at ``target``, and the libraries it loads."""
    program = shutil.which(name)
    if program is None:
        raise CannotBuildError(f"no {name} on PATH")
    listed = subprocess.run(
        ["ldd", program], capture_output=True, text=True, timeout=10, check=True
    ).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    wanted = {target: program, **{path.lstrip("/"): path for path in libraries}}
    return {path: Path(source).read_bytes() for path, source in wanted.items()}
