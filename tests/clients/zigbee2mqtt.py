"""zigbee2mqtt with 80 devices, and a radio that needs no hardware (zigbee2mqtt_radio.js)."""

import json
import os
import pathlib

SOURCES = pathlib.Path(__file__).resolve().parent
COORDINATOR = "0x00124b0000000000"

# manufacturer, model, its identifier, whether it is on mains, and the clusters that it serves and uses.
LAMP = ("IKEA of Sweden", "TRADFRI bulb E27 WS opal 980lm", 4476, True, [0, 3, 4, 5, 6, 8, 768], [5, 25, 32])
OUTLET = ("IKEA of Sweden", "TRADFRI control outlet", 4476, True, [0, 3, 4, 5, 6, 8], [5, 25, 32])
WEATHER = ("LUMI", "lumi.weather", 4151, False, [0, 3, 1026, 1027, 1029], [])
CONTACT = ("LUMI", "lumi.sensor_magnet.aq2", 4151, False, [0, 3, 6], [])
KINDS = (LAMP, OUTLET, WEATHER, CONTACT)
NUMBER = 80

# Of the first ones; those of the others are "device 7" and so on.
NAMES = ("Гостиная, люстра", "客厅的灯", "living room/ceiling", "Büro")

NAME_OF = {f"0x{0x158d0000000000 + i:016x}": NAMES[i] if i < len(NAMES) else f"device {i}" for i in range(NUMBER)}
SWITCHES = [name for i, name in enumerate(NAME_OF.values()) if KINDS[i % 4] in (LAMP, OUTLET)]


def endpoint(served=(), used=()):
    return {"profId": 260, "epId": 1, "devId": 257, "inClusterList": list(served), "outClusterList": list(used),
            "clusters": {}, "binds": [], "configuredReportings": [], "meta": {}}


def database():
    """What zigbee2mqtt knows of its devices, a line each."""
    yield {"id": 1, "type": "Coordinator", "ieeeAddr": COORDINATOR, "nwkAddr": 0, "manufId": 0, "epList": [1],
           "endpoints": {"1": endpoint()}, "interviewCompleted": True, "meta": {}}
    for i, address in enumerate(NAME_OF):
        manufacturer, model, identifier, is_on_mains, served, used = KINDS[i % 4]
        yield {"id": i + 2, "type": "Router" if is_on_mains else "EndDevice", "ieeeAddr": address, "nwkAddr": 1000 + i,
               "manufId": identifier, "manufName": manufacturer, "modelId": model,
               "powerSource": "Mains (single phase)" if is_on_mains else "Battery", "epList": [1],
               "endpoints": {"1": endpoint(served, used)}, "appVersion": 1, "stackVersion": 1, "hwVersion": 1,
               "dateCode": "20200101", "swBuildId": "2.3.87", "zclVersion": 3, "interviewCompleted": True,
               "meta": {"configured": 1}, "lastSeen": 1}


def configuration(port):
    return {
        "version": 4,
        "homeassistant": {"enabled": True},
        "frontend": {"enabled": False},
        "mqtt": {"server": f"mqtt://127.0.0.1:{port}", "user": "zigbee2mqtt@localhost", "password": "secret"},
        "serial": {"port": "/dev/null", "adapter": "ember"},
        "advanced": {"log_output": ["console"], "network_key": list(range(16)), "pan_id": 6754,
                     "ext_pan_id": [1] * 8, "last_seen": "disable"},
        "devices": {address: {"friendly_name": name, "retain": True} for address, name in NAME_OF.items()},
    }


def prepare(folder):
    folder.mkdir()
    (folder / "database.db").write_text("\n".join(map(json.dumps, database())), encoding="utf-8")


def command(folder, port):
    """Returns the command, and its environment. YAML takes JSON."""
    (folder / "configuration.yaml").write_text(json.dumps(configuration(port)), encoding="utf-8")
    program = pathlib.Path(os.environ["NODE_PATH"]) / "zigbee2mqtt" / "index.js"
    # It compares its commit with that of the repository around it, and builds itself anew where they differ.
    return (["node", "--require", SOURCES / "zigbee2mqtt_radio.js", program],
            {**os.environ, "ZIGBEE2MQTT_DATA": str(folder), "GIT_DIR": os.devnull})
