"""A client that sees all that is published, and knows from that what must be retained."""

import threading

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 120


class Observer:
    def __init__(self, port):
        self.changed = threading.Condition()
        self.subscribed = False
        self.messages = []  # (topic, payload, QoS, whether it was published to be retained)
        self.retained = {}  # topic -> (payload, QoS)
        self.mqtt = mqtt.Client(protocol=mqtt.MQTTv5)
        self.mqtt.on_subscribe = self.on_subscribe
        self.mqtt.on_message = self.on_message
        self.mqtt.connect("127.0.0.1", port)

    def on_subscribe(self, *_):
        with self.changed:
            self.subscribed = True
            self.changed.notify_all()

    def on_message(self, _client, _data, message):
        with self.changed:
            self.messages.append((message.topic, message.payload, message.qos, message.retain))
            if message.retain and message.payload:
                self.retained[message.topic] = (message.payload, message.qos)
            elif message.retain:
                self.retained.pop(message.topic, None)
            self.changed.notify_all()

    def wait_for(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                raise TimeoutError(what)

    def payload(self, topic):
        """What is retained on it; empty if nothing is."""
        return self.retained.get(topic, (b"", 0))[0]

    def payloads(self, topic):
        """All that was published to it, in order."""
        return [payload for each, payload, _, _ in self.messages if each == topic]

    def __enter__(self):
        self.mqtt.loop_start()
        self.mqtt.subscribe("#", options=SubscribeOptions(qos=2, retainAsPublished=True))
        self.wait_for(lambda: self.subscribed, "SUBACK")
        return self

    def __exit__(self, *_):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()
