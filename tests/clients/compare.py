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

import home_assistant
import house
import monitoring
import recipes
from servers import Mosquitto, Prosody, free_port

PATIENCE = 300
SOURCES = pathlib.Path(__file__).resolve().parent
MODULES = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

PAHO_C = [BUILD / "paho_c"]
PAHO_PYTHON = [sys.executable, SOURCES / "paho_python.py"]
MQTTJS = ["node", SOURCES / "mqttjs.js"]

# Each client's program; the server is its last argument.
PROGRAMS = {
    "paho_c": PAHO_C,
    "paho_c_5": [*PAHO_C, "5"],
    "paho_cpp": [BUILD / "paho_cpp"],
    "paho_python": PAHO_PYTHON,
    "mqttjs": MQTTJS,
    "mqttjs_5": [*MQTTJS, "5"],
    "paho_c_ws": PAHO_C,
    "paho_c_5_wss": [*PAHO_C, "5"],
    "paho_python_ws": PAHO_PYTHON,
    "paho_python_wss": PAHO_PYTHON,
    "mqttjs_ws": MQTTJS,
    "mqttjs_5_ws": [*MQTTJS, "5"],
    "mqttjs_wss": MQTTJS,
    "mqttjs_5_wss": [*MQTTJS, "5"],
    "node_red": [sys.executable, SOURCES / "node_red.py"],
    "mosquitto_5": [sys.executable, SOURCES / "mosquitto_5.py"],
    "mosquitto_bridge": [sys.executable, SOURCES / "mosquitto_bridge.py"],
}
# The same with topics that name no pubsub host, and Prosody with a mount point.
MOUNTED = {f"{name}_mounted": PROGRAMS[name] for name in ("mqttjs", "mqttjs_5", "mosquitto_bridge")}
PROGRAMS |= MOUNTED


# These speak over WebSocket only, and know themselves what they are to see.
ALONE = {
    "paho_js": ["node", SOURCES / "paho_js.js"],
    "browser": ["node", SOURCES / "browser.js"],
}

# These take a port.
OF_PORTS = ["paho_cpp", "node_red", "mosquitto_5", "mosquitto_bridge", "mosquitto_bridge_mounted"]


def argument(name, server):
    """What the program is told of the server. mosquitto, which Debian builds without WebSocket, is always asked over
    TCP: the module is to show the same over WebSocket."""
    if name in OF_PORTS:
        return str(server.port)
    if name in ALONE:
        return server.urls["ws"]
    carrier = name.rsplit("_", 1)[-1]
    return server.urls.get(carrier, server.urls["mqtt"])


class Program:
    """A client's program, which lasts no longer than the `with` block."""

    def __init__(self, name, server, path):
        self.path = path
        certificate = str(BUILD / "results" / name / "prosody" / "localhost.crt")
        environment = {**os.environ, "NODE_PATH": str(BUILD / "node_modules"), "CA_FILE": certificate,
                       "NODE_EXTRA_CA_CERTS": certificate}
        if name in MOUNTED:
            environment["TREE"] = ""
        with path.open("wb") as output, path.with_suffix(".errors").open("wb") as errors:
            self.process = subprocess.Popen(
                [*(PROGRAMS | ALONE)[name], argument(name, server)], env=environment,
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


def is_equal(expected, seen):
    for line in difflib.unified_diff(expected, seen, "mosquitto", "mod_pubsub_mqtt", n=2, lineterm=""):
        print(line)
    return expected == seen


def is_right(name):
    folder = BUILD / "results" / name
    shutil.rmtree(folder, ignore_errors=True)
    with Prosody(folder / "prosody", MODULES) as prosody, Program(name, prosody, folder / "transcript") as program:
        seen = program.transcript()
    if seen[-1] == "exit status 0":
        return True
    print(*seen, (folder / "transcript.errors").read_text(encoding="utf-8"), sep="\n")
    return False


def is_same(name):
    if name in ALONE:
        return is_right(name)
    folder = BUILD / "results" / name
    shutil.rmtree(folder, ignore_errors=True)
    settings = 'mqtt_mountpoint = "pubsub.localhost/any"\n' if name in MOUNTED else ""
    # Both at once, since a client waits more than it works.
    with (Mosquitto(folder / "mosquitto") as mosquitto, Prosody(folder / "prosody", MODULES, settings) as prosody,
          Program(name, mosquitto, folder / "mosquitto.transcript") as with_mosquitto,
          Program(name, prosody, folder / "prosody.transcript") as with_prosody):
        expected = with_mosquitto.transcript()
        seen = with_prosody.transcript()
    if expected[-1] != "exit status 0":
        print(f"{name} fails against mosquitto, too")
        return False
    return is_equal(expected, seen)


# The configuration of a house, besides where it stands: each device keeps its own topics.
HOUSE = """mqtt_mountpoint = "pubsub.localhost/any"
mqtt_node_defaults = {
	{ "zigbee2mqtt/#", affiliations = { ["zigbee2mqtt@localhost"] = "publisher", ["ha@localhost"] = "publisher" } };
	{ "homeassistant/#", affiliations = { ["zigbee2mqtt@localhost"] = "publisher", ["ha@localhost"] = "publisher" } };
	{ "spBv1.0/#", affiliations = { ["sparkplug@localhost"] = "publisher", ["ha@localhost"] = "publisher" } };
}
"""


def house_is_same():
    folder = BUILD / "results" / "house"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["NODE_PATH"] = str(BUILD / "node_modules")
    mosquitto = folder / "mosquitto"
    kept = f"persistence true\npersistence_location {mosquitto}/\nset_tcp_nodelay true\n"
    prosody = Prosody(folder / "prosody", MODULES, HOUSE, ("ha", "zigbee2mqtt", "sparkplug"))
    transcripts = []
    for server, client in ((Mosquitto(mosquitto, kept), home_assistant.OverMqtt), (prosody, home_assistant.OverXmpp)):
        lines = house.Scenario(server, client, server.folder).run()
        (server.folder / "transcript").write_text("\n".join(lines), encoding="utf-8")
        transcripts.append(lines)
    return is_equal(*transcripts)


def recipes_are_right():
    folder = BUILD / "results" / "recipes"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["NODE_PATH"] = str(BUILD / "node_modules")
    try:
        recipes.Recipes(folder, MODULES).run()
    except (RuntimeError, TimeoutError) as problem:
        print(problem)
        return False
    return True


def monitoring_is_right():
    folder = BUILD / "results" / "monitoring"
    shutil.rmtree(folder, ignore_errors=True)
    http_port = free_port()
    with (Mosquitto(folder / "mosquitto", "sys_interval 1\n") as mosquitto,
          Prosody(folder / "prosody", MODULES, monitoring.settings_of_prosody(http_port),
                  more_modules=["http_openmetrics"]) as prosody):
        return (monitoring.prometheus_sees(folder, http_port, prosody.port)
                and monitoring.exporter_sees_the_same(folder, mosquitto, prosody))


WHOLE = {"house": house_is_same, "monitoring": monitoring_is_right, "recipes": recipes_are_right}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the `with` blocks end
    known = [*PROGRAMS, *ALONE, *WHOLE]
    names = sys.argv[3:] or known
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    same = {}
    for name in names:
        print(f"=== {name}", flush=True)
        same[name] = WHOLE[name]() if name in WHOLE else is_same(name)
    print(f"\n{'client':26}same as mosquitto")
    for name in names:
        print(f"{name:26}{'yes' if same[name] else 'no'}")
    if not all(same.values()):
        print(f"Transcripts and logs: {BUILD / 'results'}")
    return 0 if all(same.values()) else 1


sys.exit(main())
