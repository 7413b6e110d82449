#!/usr/bin/python3
"""Node-RED with the flow node_red.flow.json: node_red.py PORT. tests/clients/run says what the transcript is for.

The flow prints what its MQTT nodes receive. A client beside it sees Node-RED's birth, close and will messages.
"""

import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading

import paho.mqtt.client as mqtt

PATIENCE = 30
SOURCES = pathlib.Path(__file__).resolve().parent
NODE_RED = pathlib.Path(os.environ["NODE_PATH"]) / "node-red" / "red.js"
STATE = "pubsub.localhost/utf8/node_red/state"


def say(line):
    print(line, flush=True)


class Observer:
    """Sees the messages about Node-RED's state."""

    def __init__(self, port):
        self.subscribed = threading.Event()
        self.messages = queue.Queue()
        self.mqtt = mqtt.Client()
        self.mqtt.on_subscribe = lambda *_: self.subscribed.set()
        self.mqtt.on_message = lambda _client, _data, message: self.messages.put(message)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        self.mqtt.subscribe(STATE, 1)
        if not self.subscribed.wait(PATIENCE):
            raise TimeoutError("SUBACK")

    def say_next(self):
        message = self.messages.get(timeout=PATIENCE)
        say(f"state: {message.payload.decode()} qos {message.qos} retain {int(message.retain)}")


class NodeRed:
    """Node-RED in a folder of its own, which lasts as long as the `with` block."""

    def __init__(self, port):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            ["node", NODE_RED, "--settings", SOURCES / "node_red.settings.js", "--userDir", self.folder.name,
             SOURCES / "node_red.flow.json"],
            env={**os.environ, "MQTT_PORT": port}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def say_all(self):
        while (line := self.lines.get(timeout=PATIENCE)) != "end":
            say(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.folder.cleanup()


observer = Observer(int(sys.argv[1]))

say("== flow")
with NodeRed(sys.argv[1]) as node_red:
    observer.say_next()
    node_red.say_all()

    say("== orderly end")
    node_red.process.terminate()
    observer.say_next()
    node_red.process.wait(PATIENCE)

say("== killed")
with NodeRed(sys.argv[1]) as node_red:
    observer.say_next()
    node_red.process.kill()
    observer.say_next()
