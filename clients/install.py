"""The clients, and how each gets what it needs: pinned packages through pip and npm, into an ignored folder."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import List, Optional

NODE_OLDEST = 20


@dataclass
class Client:
    name: str
    kind: str
    script: str
    command: Optional[List[str]] = None

    def prepare(self, here: pathlib.Path, folder: pathlib.Path) -> Optional[str]:
        """Installs what it needs. Says what is missing, if something is."""
        runtime = {"python": python, "node": node, "curl": curl, "openapi": python}[self.kind]
        command, missing = runtime(here, folder)
        if command is None:
            return missing
        place = folder / "node" if self.kind == "node" else here / self.kind
        self.command = [command, str(place / self.script)]
        return None


# Every client but the last speaks the same little protocol; see README.md.
CLIENTS = [
    Client("openai-python", "python", "openai_client.py"),
    Client("openrouter-python", "python", "openrouter_client.py"),
    Client("openai-node", "node", "openai_client.mjs"),
    Client("openrouter-node", "node", "openrouter_client.mjs"),
    Client("curl", "curl", "client.py"),
    Client("openapi", "openapi", "validate.py"),
]


def python(here: pathlib.Path, folder: pathlib.Path):
    venv = folder / "venv"
    wanted = here / "python" / "requirements.txt"
    stamp = folder / "venv.stamp"
    program = venv / "bin" / "python"
    if fresh(stamp, wanted) and program.exists():
        return str(program), None
    say("installing the Python SDKs and a validator into .test/venv")
    shutil.rmtree(venv, ignore_errors=True)
    if error := failed([sys.executable, "-m", "venv", str(venv)]):
        return None, f"python3 cannot make a virtual environment: {error}"
    pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
    if error := failed(pip):
        return None, f"pip cannot install the Python SDKs: {error}"
    stamp.write_text(digest(wanted))
    return str(program), None


def node(here: pathlib.Path, folder: pathlib.Path):
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None, "node or npm is missing"
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_OLDEST:
        return None, f"node {version} is too old; {NODE_OLDEST} or newer is needed"
    place = folder / "node"
    wanted = here / "node" / "package-lock.json"
    stamp = folder / "node.stamp"
    place.mkdir(exist_ok=True)
    # Beside node_modules, because that is where node looks for packages.
    for file in sorted((here / "node").iterdir()):
        if file.is_file():
            shutil.copy(file, place)
    if fresh(stamp, wanted) and (place / "node_modules").exists():
        return program, None
    say("installing the Node SDKs into .test/node")
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if error := failed([npm, "ci", *flags], place):
        return None, f"npm cannot install the Node SDKs: {error}"
    stamp.write_text(digest(wanted))
    return program, None


def curl(here: pathlib.Path, folder: pathlib.Path):
    if not shutil.which("curl"):
        return None, "curl is missing"
    return sys.executable, None


def tools(*names: str) -> Optional[str]:
    """Programs of the system, from Debian's packages of the same names where one may install. Says what is missing."""
    missing = [name for name in names if not shutil.which(name)]
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        say(f"installing {' and '.join(missing)} from Debian's packages")
        quiet = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        failed([*quiet, "update"]) or failed([*quiet, "install", "--yes", "--no-install-recommends", *missing])
        missing = [name for name in names if not shutil.which(name)]
    return f"{' and '.join(missing)} is missing" if missing else None


def fresh(stamp: pathlib.Path, wanted: pathlib.Path) -> bool:
    return stamp.exists() and stamp.read_text() == digest(wanted)


def digest(file: pathlib.Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def failed(command: List[str], place: Optional[pathlib.Path] = None) -> Optional[str]:
    """Runs it; the last lines of what it said if it failed."""
    ended = subprocess.run(command, cwd=place, env=os.environ, capture_output=True, text=True)
    if ended.returncode == 0:
        return None
    return " | ".join((ended.stderr or ended.stdout).strip().splitlines()[-4:])


def say(text: str) -> None:
    print(text, flush=True)
