"""Who sets things in the house, and reads what they say: over MQTT, or over XMPP where the server has it."""

import asyncio
import base64
import hashlib
import json
import threading
import xml.etree.ElementTree as ElementTree

import paho.mqtt.client as mqtt
import slixmpp

PATIENCE = 30
ACCOUNT = "ha@localhost"
PASSWORD = "secret"
SERVICE = "pubsub.localhost"
JSON = "{urn:xmpp:json:0}json"
TEXT = "{https://prosody.im/protocol/mqtt}data"
BYTES = "{urn:xmpp:bob}data"


class OverMqtt:
    def __init__(self, server, account=ACCOUNT):
        self.mqtt = mqtt.Client()
        self.mqtt.username_pw_set(account, PASSWORD)
        self.mqtt.connect("127.0.0.1", server.port)

    def publish(self, topic, payload):
        self.mqtt.publish(topic, payload, 1).wait_for_publish(PATIENCE)

    # What MQTT brings, others look at.

    def follow(self, topic):
        pass

    def wait_for(self, _payload):
        pass

    def differences(self, _retained):
        return []

    def __enter__(self):
        self.mqtt.loop_start()
        return self

    def __exit__(self, *_):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def element_of(payload):
    """The payload of an item that means these bytes (docs/mapping.md, "TYPE")."""
    try:
        text = payload.decode()
        json.loads(text)
        element = ElementTree.Element(JSON)
        element.text = text
    except ValueError:
        cid = f"sha1+{hashlib.sha1(payload).hexdigest()}@bob.xmpp.org"
        element = ElementTree.Element(BYTES, {"cid": cid, "type": "application/octet-stream"})
        element.text = base64.b64encode(payload).decode()
    return element


def is_meant(element, payload):
    """Whether an item's payload is that of these bytes. Large ones are named and not held."""
    if element.tag in (JSON, TEXT):
        return (element.text or "").encode() == payload
    if element.tag != BYTES:
        return False
    if element.text:
        return base64.b64decode(element.text) == payload
    return element.get("cid") == f"sha1+{hashlib.sha1(payload).hexdigest()}@bob.xmpp.org"


class OverXmpp:
    """slixmpp, on a thread of its own."""

    def __init__(self, server):
        self.port = server.c2s_port
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.payloads = asyncio.Queue()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    async def connect(self):
        self.xmpp = slixmpp.ClientXMPP(ACCOUNT, PASSWORD)
        self.xmpp.register_plugin("xep_0060")
        self.xmpp["feature_mechanisms"].unencrypted_plain = True
        self.xmpp.add_event_handler("pubsub_publish", self.on_publish)
        started = asyncio.Event()
        self.xmpp.add_event_handler("session_start", lambda _: started.set())
        if slixmpp.__version_info__ < (1, 9):  # Debian 12
            self.xmpp.connect(("127.0.0.1", self.port), disable_starttls=True)
        else:
            self.xmpp.enable_starttls, self.xmpp.enable_plaintext = False, True
            self.xmpp.connect("127.0.0.1", self.port)
        await started.wait()
        self.xmpp.send_presence()

    def on_publish(self, message):
        item = message["pubsub_event"]["items"]["item"]
        self.payloads.put_nowait(item["payload"])

    def request(self, method, *arguments, **options):
        """Calls a method of slixmpp's plugin for publish-subscribe."""

        async def on_the_loop():
            return await getattr(self.xmpp["xep_0060"], method)(SERVICE, *arguments, **options)

        return self.run(on_the_loop())

    def publish(self, topic, payload):
        self.request("publish", topic, payload=element_of(payload))

    def follow(self, topic):
        self.request("subscribe", topic)

    def wait_for(self, payload):
        """Until a node that it follows has an item with this payload."""
        while not is_meant(self.run(self.payloads.get()), payload):
            pass

    def differences(self, retained):
        """Which of these retained messages, topic -> payload, are not the item `current` of their nodes."""
        for topic, payload in retained.items():
            answer = self.request("get_item", topic, "current")
            element = answer["pubsub"]["items"]["item"]["payload"]
            if element is None or not is_meant(element, payload):
                yield f"{topic} is another over XMPP: {element}"

    def __enter__(self):
        self.thread.start()
        self.run(self.connect())
        return self

    async def leave(self):
        self.xmpp.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __exit__(self, *_):
        self.run(self.leave())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
