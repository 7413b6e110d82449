"""A house at once on one server, over a clean restart of it: zigbee2mqtt with 80 devices, Node-RED, collectd and a
Sparkplug B node, each with its own default topics. The transcript has each retained topic, will and binary payload.
"""

import hashlib
import os
import pathlib

import collectd
import zigbee2mqtt
from observer import Observer
from servers import Process

SOURCES = pathlib.Path(__file__).resolve().parent

# A command to the boiler, in Sparkplug B's protobuf: temperature = 72.25.
BOILER_COMMAND = bytes.fromhex("0880d095ffbc3112180a0b74656d7065726174757265200a6900000000001052401800")
BOILER = "spBv1.0/house/DDATA/cellar/boiler"
CELLAR_DIED = "spBv1.0/house/NDEATH/cellar"
RENAMED = zigbee2mqtt.NAMES[0]
NEW_NAME = "厨房的灯"
REMOVED_ADDRESS, REMOVED = list(zigbee2mqtt.NAME_OF.items())[-1]
TEMPERATURE = "collectd/house/cellar/temperature-boiler"


class House:
    """The programs, from start() to the end of the `with` block."""

    def __init__(self, folder, port):
        self.folder = folder
        node_modules = pathlib.Path(os.environ["NODE_PATH"])
        zigbee2mqtt.prepare(folder / "zigbee2mqtt")
        command, environment = zigbee2mqtt.command(folder / "zigbee2mqtt", port)
        self.zigbee2mqtt = Process(command, folder / "zigbee2mqtt.log", r"Zigbee2MQTT started!", environment)
        node_red = ["node", node_modules / "node-red" / "red.js", "--settings", SOURCES / "node_red.settings.js",
                    "--userDir", folder / "node_red", SOURCES / "house.flow.json"]
        self.node_red = Process(node_red, folder / "node_red.log", r"Started flows",
                                {**os.environ, "MQTT_PORT": str(port)})
        self.sparkplug = Process(["node", SOURCES / "sparkplug.js", str(port)], folder / "sparkplug.log", r"born")
        self.collectd = Process(collectd.command(folder / "collectd", port), folder / "collectd.log",
                                r"Initialization complete")
        self.running = []

    def start(self):
        for program in (self.zigbee2mqtt, self.node_red, self.sparkplug, self.collectd):
            program.start()
            self.running.append(program)

    def kill(self):
        for program in self.running:
            program.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.running:
            program.stop()


class Scenario:
    def __init__(self, server, home_assistant, folder):
        self.server = server
        self.home_assistant = home_assistant
        self.folder = folder
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def say_binary(self, observer, topic):
        for payload in observer.payloads(topic):
            self.say(f"{topic} {payload.hex()}")

    def say_retained(self, observer, home_assistant):
        """All that must be retained, as somebody sees it who comes now."""
        with Observer(self.server.port) as late:
            try:
                late.wait_for(lambda: late.retained == observer.retained, "retained messages")
            except TimeoutError:
                for topic in sorted(late.retained.keys() | observer.retained.keys()):
                    if late.retained.get(topic) != observer.retained.get(topic):
                        self.say(f"{topic} is not retained as it was published")
            for topic, (payload, qos) in sorted(late.retained.items()):
                # zigbee2mqtt says how it is configured.
                for own, name in ((str(self.server.port), "PORT"), (str(self.folder), "FOLDER")):
                    payload = payload.replace(own.encode(), name.encode())
                self.say(f"{topic} qos {qos}, {len(payload)} bytes {hashlib.sha256(payload).hexdigest()}")
            payloads = {topic: payload for topic, (payload, _) in late.retained.items()}
            for difference in home_assistant.differences(payloads):
                self.say(difference)

    def everything_is_announced(self, observer):
        topics = [f"homeassistant/sensor/{address}/linkquality/config" for address in zigbee2mqtt.NAME_OF]
        return (all(topic in observer.retained for topic in topics)
                and observer.payload("nodered/state") == b"online"
                and observer.payloads("spBv1.0/house/DBIRTH/cellar/boiler"))

    def begin(self, observer, house):
        self.say("== begin")
        house.start()
        observer.wait_for(lambda: self.everything_is_announced(observer), "what is announced")
        self.say_binary(observer, "spBv1.0/house/NBIRTH/cellar")
        self.say_binary(observer, "spBv1.0/house/DBIRTH/cellar/boiler")

    def switch_on(self, observer, home_assistant):
        self.say("== switched on")
        followed = "zigbee2mqtt/" + zigbee2mqtt.NAMES[1]
        for name in zigbee2mqtt.SWITCHES:
            home_assistant.publish(f"zigbee2mqtt/{name}/set", b'{"state":"ON"}')
            observer.wait_for(lambda: b'"ON"' in observer.payload(f"zigbee2mqtt/{name}"), name)
        observer.wait_for(lambda: observer.payload("nodered/snapshot"), "Node-RED")
        self.say(f"nodered/snapshot {observer.payload('nodered/snapshot').hex()}")
        home_assistant.follow(followed)
        home_assistant.publish(f"{followed}/set", b'{"state":"OFF"}')
        observer.wait_for(lambda: b'"OFF"' in observer.payload(followed), followed)
        observer.wait_for(lambda: b'"OFF"' in observer.payload("nodered/snapshot"), "Node-RED")
        home_assistant.wait_for(observer.payload(followed))

    def heat(self, observer, home_assistant):
        self.say("== heated")
        home_assistant.publish("spBv1.0/house/DCMD/cellar/boiler", BOILER_COMMAND)
        observer.wait_for(lambda: observer.payloads(BOILER), BOILER)
        self.say_binary(observer, BOILER)
        collectd.put(self.folder / "collectd", 72.25, 1700000000)
        observer.wait_for(lambda: observer.payload(TEMPERATURE), TEMPERATURE)
        self.say_binary(observer, TEMPERATURE)

    def rename_and_remove(self, observer, home_assistant):
        self.say("== renamed and removed")
        home_assistant.publish("zigbee2mqtt/bridge/request/device/rename",
                               f'{{"from":"{RENAMED}","to":"{NEW_NAME}","homeassistant_rename":false}}'.encode())
        observer.wait_for(lambda: observer.payloads("zigbee2mqtt/bridge/response/device/rename"), "renamed")
        home_assistant.publish("zigbee2mqtt/bridge/request/device/remove",
                               f'{{"id":"{REMOVED}","force":true}}'.encode())
        observer.wait_for(lambda: observer.payloads("zigbee2mqtt/bridge/response/device/remove"), "removed")
        # Home Assistant clears what it does not want to know.
        home_assistant.publish(f"zigbee2mqtt/{NEW_NAME}/set", b'{"state":"OFF"}')
        observer.wait_for(lambda: b'"OFF"' in observer.payload(f"zigbee2mqtt/{NEW_NAME}"), NEW_NAME)
        observer.wait_for(lambda: not any(REMOVED_ADDRESS in topic for topic in observer.retained), REMOVED_ADDRESS)

    def return_after_the_restart(self, observer, home_assistant, house, before):
        self.say("== restarted")
        observer.wait_for(lambda: observer.retained.keys() == before.keys(), "what was retained")
        observer.wait_for(lambda: observer.payload("zigbee2mqtt/bridge/state") == b'{"state":"online"}', "zigbee2mqtt")
        observer.wait_for(lambda: observer.payload("nodered/state") == b"online", "Node-RED")
        house.sparkplug.wait_for(r"(?s)born.*born")
        home_assistant.publish("spBv1.0/house/DCMD/cellar/boiler", BOILER_COMMAND)
        observer.wait_for(lambda: observer.payloads(BOILER), BOILER)
        self.say_binary(observer, BOILER)

    def die(self, observer, house):
        self.say("== killed")
        house.kill()
        observer.wait_for(lambda: observer.payload("zigbee2mqtt/bridge/state") == b'{"state":"offline"}', "zigbee2mqtt")
        observer.wait_for(lambda: observer.payload("nodered/state") == b"died", "Node-RED")
        observer.wait_for(lambda: observer.payloads(CELLAR_DIED), "Sparkplug")
        self.say_binary(observer, CELLAR_DIED)

    def run(self):
        with self.server, House(self.folder, self.server.port) as house:
            with Observer(self.server.port) as observer, self.home_assistant(self.server) as home_assistant:
                self.begin(observer, house)
                self.switch_on(observer, home_assistant)
                self.heat(observer, home_assistant)
                self.rename_and_remove(observer, home_assistant)
                self.say_retained(observer, home_assistant)
                before = observer.retained
            self.server.restart()
            with Observer(self.server.port) as observer, self.home_assistant(self.server) as home_assistant:
                self.return_after_the_restart(observer, home_assistant, house, before)
                self.say_retained(observer, home_assistant)
                self.die(observer, house)
                before = observer.retained
            self.server.restart()
            with Observer(self.server.port) as observer, self.home_assistant(self.server) as home_assistant:
                self.say("== restarted, with nobody there")
                observer.wait_for(lambda: observer.retained == before, "what was retained")
                self.say_retained(observer, home_assistant)
        return self.lines
