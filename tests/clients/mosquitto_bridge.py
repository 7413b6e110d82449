#!/usr/bin/python3
"""A mosquitto bridge: mosquitto_bridge.py PORT. tests/clients/run says what the transcript is for.

For each of some bridges, starts a mosquitto that is bridged to the server on PORT, and a client on either end, which
subscribes there and publishes. A message has to arrive once on each end, a retained one has to be kept as one.
"""

import itertools
import os
import pathlib
import queue
import sys
import tempfile

import paho.mqtt.client as mqtt

from servers import Mosquitto

PATIENCE = 40
REMOTE = int(sys.argv[1])
TREE = os.environ.get("TREE", "pubsub.localhost/utf8/") + "bridge"

# What stands after `topic` in mosquitto.conf, and what stands before a topic on the local and on the remote end.
BRIDGES = [
    (f"{TREE}/plain/# both", f"{TREE}/plain/", f"{TREE}/plain/"),
    (f"{TREE}/exactly/once/# both 2", f"{TREE}/exactly/once/", f"{TREE}/exactly/once/"),
    (f'# both 1 "" {TREE}/prefixed/', "", f"{TREE}/prefixed/"),
    ("# both 1", f"{TREE}/all/", f"{TREE}/all/"),
]


def say(line):
    print(line, flush=True)


class End:
    """A client on one end of the bridge, which receives what is published below live/ or another level."""

    marks = itertools.count()

    def __init__(self, name, port, prefix, level="live"):
        self.name = name
        self.prefix = prefix
        self.level = level
        self.answers = queue.Queue()
        self.messages = queue.Queue()
        self.mqtt = mqtt.Client()
        self.mqtt.on_subscribe = lambda *_: self.answers.put("SUBACK")
        self.mqtt.on_message = lambda _client, _data, message: self.messages.put(message)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        self.mqtt.subscribe(f"{prefix}{level}/#", 2)
        self.answers.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos=0, retain=False):
        self.mqtt.publish(self.prefix + topic, payload, qos, retain).wait_for_publish(PATIENCE)

    def publish_mark(self):
        mark = f"mark {next(self.marks)}"
        self.publish(f"{self.level}/mark", mark, 2)
        return mark

    def until(self, mark):
        """Lines for the messages that come before this one."""
        lines = []
        while (message := self.messages.get(timeout=PATIENCE)).payload.decode() != mark:
            lines.append(f'{self.name} receives {message.topic.removeprefix(self.prefix)} qos {message.qos} '
                         f'retain {int(message.retain)} "{message.payload.decode()}"')
        return lines

    def close(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def say_what_came(local, remote):
    """A message over the bridge, one back and one over it again: whatever else was on its way has come before it."""
    lines = {local: [], remote: []}
    for sender in local, remote, local:
        mark = sender.publish_mark()
        for end in local, remote:
            lines[end] += end.until(mark)
    for line in [*lines[local], *lines[remote]]:
        say(line)


def say_what_is_kept(name, port, prefix):
    end = End(name, port, prefix, "kept")
    for line in sorted(end.until(end.publish_mark())):
        say(line)
    end.close()


def scenario(topic, local_prefix, remote_prefix, folder):
    say(f"== topic {topic}")
    remote = End("remote", REMOTE, remote_prefix)
    remote.publish("kept/before", "from the remote end", 1, retain=True)
    connection = f"connection {folder.name}\naddress 127.0.0.1:{REMOTE}\ntopic {topic}\n"
    with Mosquitto(folder, connection) as mosquitto:
        mosquitto.wait_for(r"Received SUBACK")
        say(f"CONNECT packets until SUBACK: {mosquitto.text.count('sending CONNECT')}")
        local = End("local", mosquitto.port, local_prefix)

        for sender in local, remote:
            say(f"{sender.name} publishes")
            for qos in 0, 1, 2:
                sender.publish("live/message", f"{sender.name} at {qos}", qos)
                say_what_came(local, remote)
            sender.publish(f"live/{sender.name}/retained", f"{sender.name} retained", 1, retain=True)
            sender.publish(f"kept/{sender.name}", f"{sender.name} retained", 1, retain=True)
            say_what_came(local, remote)

        say("kept")
        say_what_is_kept("new local", mosquitto.port, local_prefix)
        say_what_is_kept("new remote", REMOTE, remote_prefix)
        say("cleared")
        for sender in local, remote:
            sender.publish(f"kept/{sender.name}", "", 1, retain=True)
        say_what_came(local, remote)
        say_what_is_kept("new local", mosquitto.port, local_prefix)
        say_what_is_kept("new remote", REMOTE, remote_prefix)
        local.close()
    remote.close()


with tempfile.TemporaryDirectory() as folders:
    for number, bridge in enumerate(BRIDGES):
        scenario(*bridge, pathlib.Path(folders) / f"bridge{number}")
