"""Programs with the settings that docs/recipes.md has for them, and Prosody with the lines of all its recipes:
zigbee2mqtt, Node-RED and a Sparkplug B node, each over TLS with an account of its own.
"""

import json
import os
import pathlib
import re
import textwrap

import home_assistant
import zigbee2mqtt
from observer import Observer
from servers import Process, Prosody

SOURCES = pathlib.Path(__file__).resolve().parent
DOCUMENT = (SOURCES.parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
BOILER_COMMAND = bytes.fromhex("0880d095ffbc3112180a0b74656d7065726174757265200a6900000000001052401800")


def block(heading, begins):
    """The indented text under a heading of which the first line begins so."""
    section = re.search(rf"(?ms)^###? {re.escape(heading)}$(.*?)(?=^##|\Z)", DOCUMENT).group(1)
    for indented in re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", section):
        text = textwrap.dedent(indented.strip("\n"))
        if text.startswith(begins):
            return text + "\n"
    raise LookupError(f"docs/recipes.md: {heading}: no {begins}")


def lines_for_prosody():
    """Each recipe's entries of mqtt_node_defaults."""
    headings = re.findall(r"(?m)^### (.*)$", DOCUMENT.split("## A page in a browser\n", 1)[0])
    return "".join(block(heading, re.search(r'\{ "[a-zA-Z0-9.]+/', DOCUMENT.split(f"### {heading}\n", 1)[1]).group())
                   for heading in headings)


def settings():
    common = block("Devices and programs", "mqtt_mountpoint").replace("example.org", "localhost")
    place = "    -- the lines of each recipe that you use\n"
    assert place in common
    return common.replace(place, lines_for_prosody().replace("example.org", "localhost"))


class Recipes:
    def __init__(self, folder, modules):
        accounts = ("ha", "zigbee2mqtt", "nodered", "sparkplug", "scada")
        self.folder = folder
        self.prosody = Prosody(folder / "prosody", modules, settings(), accounts)

    def here(self, text):
        """A program's settings, but for where things are here."""
        text = text.replace("@example.org", "@localhost").replace("pubsub.example.org", "localhost")
        return text.replace("8883", str(self.prosody.tls_port)).replace("PASSWORD", "secret")

    def run_program(self, name, command, ready, environment=None):
        return Process(command, self.folder / f"{name}.log", ready,
                       {**os.environ, **(environment or {}), "NODE_EXTRA_CA_CERTS": str(self.prosody.certificate)})

    def zigbee2mqtt(self):
        folder = self.folder / "zigbee2mqtt"
        zigbee2mqtt.prepare(folder)
        command, environment = zigbee2mqtt.command(folder, 0)
        others = zigbee2mqtt.configuration(0)
        yaml = self.here(block("zigbee2mqtt", "mqtt:"))
        yaml += "".join(f"{key}: {json.dumps(value)}\n" for key, value in others.items()
                        if key not in ("mqtt", "homeassistant"))
        (folder / "configuration.yaml").write_text(yaml, encoding="utf-8")
        return self.run_program("zigbee2mqtt", command, r"Zigbee2MQTT started!", environment)

    def node_red(self):
        folder = self.folder / "node_red"
        folder.mkdir()
        nodes = json.loads(self.here(block("Node-RED", "[ {")))
        nodes += [{"id": "flow", "type": "tab", "label": "A recipe"},
                  {"id": "in", "type": "mqtt in", "z": "flow", "topic": "zigbee2mqtt/bridge/state", "qos": "1",
                   "datatype": "utf8", "broker": "prosody", "wires": [["out"]]},
                  {"id": "out", "type": "mqtt out", "z": "flow", "topic": "nodered/seen", "qos": "1", "retain": "true",
                   "broker": "prosody", "wires": []}]
        (folder / "flows.json").write_text(json.dumps(nodes), encoding="utf-8")
        # What is typed on the tab Security.
        (folder / "flows_cred.json").write_text(json.dumps(
            {"prosody": {"user": "nodered@localhost", "password": "secret"}}), encoding="utf-8")
        program = pathlib.Path(os.environ["NODE_PATH"]) / "node-red" / "red.js"
        return self.run_program("node_red", ["node", program, "--settings", SOURCES / "node_red.settings.js",
                                             "--userDir", folder, "flows.json"], r"Started flows")

    def sparkplug(self):
        text = (SOURCES / "sparkplug.js").read_text(encoding="utf-8")
        client = self.here(block("Sparkplug B", "const node"))
        text, found = re.subn(r"(?s)const node = sparkplug\.newClient\(.*?\}\);\n", lambda _: client, text)
        assert found == 1
        program = self.folder / "sparkplug.js"
        program.write_text(text, encoding="utf-8")
        return self.run_program("sparkplug", ["node", program], r"born")

    def run(self):
        """Throws where something does not come."""
        with self.prosody, Observer(self.prosody.port) as observer:
            with self.zigbee2mqtt(), home_assistant.OverMqtt(self.prosody) as ha:
                observer.wait_for(lambda: observer.payload("zigbee2mqtt/bridge/state") == b'{"state":"online"}',
                                  "state")
                observer.wait_for(lambda: any(topic.startswith("homeassistant/") for topic in observer.retained),
                                  "discovery")
                lamp = zigbee2mqtt.SWITCHES[0]
                ha.publish(f"zigbee2mqtt/{lamp}/set", b'{"state":"ON"}')
                observer.wait_for(lambda: b'"ON"' in observer.payload(f"zigbee2mqtt/{lamp}"), lamp)
                with self.node_red() as node_red:
                    observer.wait_for(lambda: observer.payload("nodered/state") == b"online", "Node-RED")
                    observer.wait_for(lambda: observer.payload("nodered/seen") == b'{"state":"online"}', "what it saw")
                    node_red.kill()
                    observer.wait_for(lambda: observer.payload("nodered/state") == b"offline", "Node-RED's will")
            with self.sparkplug() as sparkplug, home_assistant.OverMqtt(self.prosody, "scada@localhost") as scada:
                observer.wait_for(lambda: observer.payloads("spBv1.0/house/DBIRTH/cellar/boiler"), "births")
                scada.publish("spBv1.0/house/DCMD/cellar/boiler", BOILER_COMMAND)
                observer.wait_for(lambda: observer.payloads("spBv1.0/house/DDATA/cellar/boiler"), "data")
                sparkplug.kill()
                observer.wait_for(lambda: observer.payloads("spBv1.0/house/NDEATH/cellar"), "death")
