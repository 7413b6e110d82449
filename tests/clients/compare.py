#!/usr/bin/python3
"""Runs clients against mosquitto and against Prosody with the module, and compares their transcripts.

compare.py MODULES BUILD [NAME ...]: the folder that Prosody loads the module from, the folder for what is built and
written, and which clients (default: all).
"""

import difflib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from servers import Mosquitto, Prosody

PATIENCE = 300
SOURCES = pathlib.Path(__file__).resolve().parent
MODULES = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

# Each client's program; the port of the server is its last argument.
PROGRAMS = {
    "paho_c": [BUILD / "paho_c"],
    "paho_c_5": [BUILD / "paho_c", "5"],
    "paho_cpp": [BUILD / "paho_cpp"],
    "paho_python": [sys.executable, SOURCES / "paho_python.py"],
    "mqttjs": ["node", SOURCES / "mqttjs.js"],
    "mqttjs_5": ["node", SOURCES / "mqttjs.js", "5"],
    "node_red": [sys.executable, SOURCES / "node_red.py"],
    "mosquitto_5": [sys.executable, SOURCES / "mosquitto_5.py"],
    "mosquitto_bridge": [sys.executable, SOURCES / "mosquitto_bridge.py"],
}


class Program:
    """A client's program, which lasts no longer than the `with` block."""

    def __init__(self, name, port, path):
        self.path = path
        with path.open("wb") as output, path.with_suffix(".errors").open("wb") as errors:
            self.process = subprocess.Popen(
                [*PROGRAMS[name], str(port)], env={**os.environ, "NODE_PATH": str(BUILD / "node_modules")},
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors)

    def transcript(self):
        """What it prints, line by line, and how it ends."""
        try:
            status = f"exit status {self.process.wait(PATIENCE)}"
        except subprocess.TimeoutExpired:
            status = f"runs for more than {PATIENCE} s"
        return [*self.path.read_text(encoding="utf-8", errors="replace").splitlines(), status]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)  # Python's programs end what they have started
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def is_same(name):
    folder = BUILD / "results" / name
    shutil.rmtree(folder, ignore_errors=True)
    # Both at once, since a client waits more than it works.
    with (Mosquitto(folder / "mosquitto") as mosquitto, Prosody(folder / "prosody", MODULES) as prosody,
          Program(name, mosquitto.port, folder / "mosquitto.transcript") as with_mosquitto,
          Program(name, prosody.port, folder / "prosody.transcript") as with_prosody):
        expected = with_mosquitto.transcript()
        seen = with_prosody.transcript()
    for line in difflib.unified_diff(expected, seen, "mosquitto", "mod_pubsub_mqtt", n=2, lineterm=""):
        print(line)
    if expected[-1] != "exit status 0":
        print(f"{name} fails against mosquitto, too")
        return False
    return expected == seen


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the `with` blocks end
    names = sys.argv[3:] or list(PROGRAMS)
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    same = {}
    for name in names:
        print(f"=== {name}", flush=True)
        same[name] = is_same(name)
    print(f"\n{'client':20}same as mosquitto")
    for name in names:
        print(f"{name:20}{'yes' if same[name] else 'no'}")
    if not all(same.values()):
        print(f"Transcripts and logs: {BUILD / 'results'}")
    return 0 if all(same.values()) else 1


sys.exit(main())
