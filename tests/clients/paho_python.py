#!/usr/bin/python3
"""The scenario with Eclipse Paho for Python: paho_python.py URL. tests/clients/run says what the transcript is for."""

import multiprocessing
import os
import queue
import signal
import sys
import time
import urllib.parse

import paho.mqtt.client as mqtt

PATIENCE = 10
BASE = "pubsub.localhost/utf8/paho_python"
SERVER = urllib.parse.urlparse(sys.argv[1])


def say(*words):
    print(*words, flush=True)


def shown(payload):
    if len(payload) > 200:
        return f"{len(payload)} bytes, {'as sent' if payload == LARGE else 'CHANGED'}"
    return '"' + "".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in payload) + '"'


LARGE = bytes(ord("a") + i % 26 for i in range(100_000))


class Client:
    """A client and what it has received. Every call waits for the server's answer."""

    def __init__(self, name, will=None, **options):
        self.name = name
        self.answers = queue.Queue()
        self.messages = queue.Queue()
        if SERVER.scheme != "mqtt":
            options["transport"] = "websockets"
        self.mqtt = mqtt.Client(**options)
        if SERVER.scheme == "wss":
            self.mqtt.tls_set(os.environ["CA_FILE"])
        self.mqtt.on_connect = lambda _client, _data, flags, code: self.answers.put((code, flags["session present"]))
        self.mqtt.on_subscribe = lambda _client, _data, _mid, granted: self.answers.put(granted)
        self.mqtt.on_unsubscribe = lambda _client, _data, _mid: self.answers.put(())
        self.mqtt.on_disconnect = lambda _client, _data, code: self.answers.put(code)
        self.mqtt.on_message = lambda _client, _data, message: self.messages.put(message)
        if will:
            self.mqtt.will_set(**will)
        self.mqtt.connect(SERVER.hostname, SERVER.port)
        self.mqtt.loop_start()
        code, present = self.answers.get(timeout=PATIENCE)
        say(f"{name} connects: code {code}, session present {present}")

    def subscribe(self, topic_filter, qos):
        self.mqtt.subscribe(topic_filter, qos)
        say(f"{self.name} subscribes to {topic_filter} at {qos}: granted {self.answers.get(timeout=PATIENCE)[0]}")

    def unsubscribe(self, topic_filter):
        self.mqtt.unsubscribe(topic_filter)
        self.answers.get(timeout=PATIENCE)
        say(f"{self.name} unsubscribes from {topic_filter}")

    def publish(self, topic, payload, qos, retain=False):
        self.burst(topic, [payload], qos, retain)

    def burst(self, topic, payloads, qos, retain=False):
        for sent in [self.mqtt.publish(topic, payload, qos, retain) for payload in payloads]:
            sent.wait_for_publish(PATIENCE)
            if not sent.is_published():
                say(f"NOT ACKNOWLEDGED: {topic} at {qos}")

    def collect(self, count):
        """Waits for so many messages, then publishes one to itself: what is unexpected has come before that."""
        received = []
        end = time.monotonic() + PATIENCE
        try:
            while len(received) < count:
                received.append(self.messages.get(timeout=max(0, end - time.monotonic())))
            self.publish(f"{BASE}/sync/{self.name}", "sync", 2)
            while (message := self.messages.get(timeout=PATIENCE)).topic != f"{BASE}/sync/{self.name}":
                received.append(message)
        except queue.Empty:
            say("MISSING: what follows is all that came")
        for message in received:
            say(f"{self.name} receives {message.topic} qos {message.qos} retain {int(message.retain)} "
                + shown(message.payload))

    def disconnect(self):
        self.mqtt.disconnect()
        say(f"{self.name} disconnects: code {self.answers.get(timeout=PATIENCE)}")
        self.mqtt.loop_stop()


def live_until_killed(connected):
    Client("mortal", will={"topic": f"{BASE}/will", "payload": "last words", "qos": 1, "retain": True})
    connected.set()
    signal.pause()


def end_without_disconnect():
    """A process that connects with a will and is killed."""
    connected = multiprocessing.Event()
    process = multiprocessing.Process(target=live_until_killed, args=[connected], daemon=True)
    process.start()
    connected.wait(PATIENCE)
    process.kill()
    process.join()


say("== connect")
main = Client("main")
main.subscribe(f"{BASE}/sync/main", 2)

say("== quality of service")
main.subscribe(f"{BASE}/qos", 2)
for qos in 0, 1, 2:
    main.publish(f"{BASE}/qos", f"published at {qos}", qos)
    main.collect(1)
main.subscribe(f"{BASE}/qos", 0)
main.publish(f"{BASE}/qos", "published at 2", 2)
main.collect(1)
main.unsubscribe(f"{BASE}/qos")
main.publish(f"{BASE}/qos", "nobody listens", 1)
main.collect(0)

say("== bursts")
main.subscribe(f"{BASE}/burst", 2)
for qos in 0, 1, 2:
    main.burst(f"{BASE}/burst", [f"{i} at {qos}" for i in range(20)], qos)
    main.collect(20)

say("== retained")
main.publish(f"{BASE}/retained", "kept", 1, retain=True)
main.subscribe(f"{BASE}/retained", 1)
main.collect(1)
main.publish(f"{BASE}/retained", "newer", 0, retain=True)
main.collect(1)
main.publish(f"{BASE}/retained", "passing", 1)
main.collect(1)
main.subscribe(f"{BASE}/retained", 1)
main.collect(1)
main.publish(f"{BASE}/retained", "", 1, retain=True)
main.collect(1)
main.subscribe(f"{BASE}/retained", 1)
main.collect(0)

say("== will")
main.subscribe(f"{BASE}/will", 1)
end_without_disconnect()
main.collect(1)
main.subscribe(f"{BASE}/will", 1)
main.collect(1)
main.publish(f"{BASE}/will", "", 1, retain=True)
main.collect(1)
polite = Client("polite", will={"topic": f"{BASE}/will", "payload": "never sent", "qos": 1})
polite.disconnect()
main.collect(0)

say("== session")
session = {"name": "again", "client_id": "paho_python_again", "clean_session": False}
again = Client(**session)
again.subscribe(f"{BASE}/sync/again", 2)
again.subscribe(f"{BASE}/session", 1)
again.disconnect()
for qos in 0, 1, 2:
    main.publish(f"{BASE}/session", f"while away, at {qos}", qos)
again = Client(**session)
again.collect(2)
main.publish(f"{BASE}/session", "still subscribed", 1)
again.collect(1)
again.disconnect()
again = Client("again", client_id="paho_python_again")
again.disconnect()
again = Client(**session)
again.disconnect()

say("== wildcards")
main.subscribe(f"{BASE}/house/+/temperature", 1)
main.subscribe(f"{BASE}/house/attic/#", 1)
main.publish(f"{BASE}/house/kitchen/light", "not selected", 1)
main.collect(0)
for level in "kitchen/temperature", "/temperature", "attic", "attic/a/b", "attic/wörld/温度", "attic//":
    main.publish(f"{BASE}/house/{level}", "selected", 1)
    main.collect(1)
main.unsubscribe(f"{BASE}/house/+/temperature")
main.publish(f"{BASE}/house/kitchen/temperature", "nobody listens", 1)
main.collect(0)

say("== payloads")
main.subscribe(f"{BASE}/payload", 2)
main.publish(f"{BASE}/payload", "\ufeff\t\r\n ]]>&amp;<a b='c'>\"\\ €, \U0001d11e \x7f\u0085 ", 1)
main.publish(f"{BASE}/payload", "", 1)
main.collect(2)
for qos in 0, 1, 2:
    main.publish(f"{BASE}/payload", LARGE, qos)
    main.collect(1)

say("== end")
main.disconnect()
