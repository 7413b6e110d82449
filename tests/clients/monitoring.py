"""Prometheus, which scrapes Prosody's metrics and evaluates what docs/grafana-dashboard.json shows, and an exporter for
mosquitto's $SYS (mqtt2prometheus), which finds the same in Prosody as in mosquitto.
"""

import json
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

from servers import Process, free_port

PATIENCE = 60
DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "docs" / "grafana-dashboard.json"
METRIC = "prosody_mod_pubsub_mqtt__"

# Of mosquitto's topics, what has one number as its payload.
SYS_NAMES = ["clients/connected", "clients/total", "messages/received", "messages/sent", "bytes/received",
             "bytes/sent", "publish/messages/received", "publish/messages/sent", "publish/messages/dropped",
             "load/messages/received/1min", "retained messages/count", "subscriptions/count"]


def settings_of_prosody(http_port):
    return f"""statistics = "internal"
statistics_interval = "manual"
http_ports = {{ {http_port} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{}}
mqtt_sys_interval = 1
"""


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


def wait_until(is_so, what):
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} does not come")
        time.sleep(0.2)


class Prometheus(Process):
    def __init__(self, folder, target_port):
        self.port = free_port()
        folder.mkdir(parents=True)
        settings = folder / "prometheus.yml"
        settings.write_text(f"""global:
  scrape_interval: 1s
scrape_configs:
  - job_name: prosody
    static_configs:
      - targets: ["127.0.0.1:{target_port}"]
""")
        super().__init__(["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={folder / 'data'}",
                          f"--web.listen-address=127.0.0.1:{self.port}"], folder / "log",
                         r"Server is ready to receive web requests")

    def query(self, expression):
        """Labels and value of each series."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        return [(each["metric"], float(each["value"][1])) for each in json.loads(get(url))["data"]["result"]]


class Exporter(Process):
    """mqtt2prometheus, for the topics below $SYS/broker that are numbers."""

    def __init__(self, folder, mqtt_port):
        self.port = free_port()
        folder.mkdir(parents=True)
        metrics = "\n".join(f"""  - prom_name: {re.sub('[ /]', '_', name)}
    mqtt_name: "{name}"
    type: gauge
    help: "{name}" """ for name in SYS_NAMES)
        settings = folder / "exporter.yml"
        settings.write_text(f"""mqtt:
  server: tcp://127.0.0.1:{mqtt_port}
  topic_path: $SYS/broker/#
  device_id_regex: "(?P<deviceid>broker)"
  metric_per_topic_config:
    metric_name_regex: "^\\\\$SYS/broker/(?P<metricname>.*)$"
  qos: 0
cache:
  timeout: 1h
metrics:
{metrics}
""")
        super().__init__(["prometheus-mqtt-exporter", f"-config={settings}", "-listen-address=127.0.0.1",
                          f"-listen-port={self.port}"], folder / "log", r"[Ll]isten|HTTP")

    def names(self):
        shown = get(f"http://127.0.0.1:{self.port}/metrics")
        known = {re.sub("[ /]", "_", name) for name in SYS_NAMES}
        return known & set(re.findall(r"^([a-z_0-9]+)[{ ]", shown, re.MULTILINE))


def expressions():
    """What the dashboard shows, as Grafana asks for it."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")


def publish(port, number):
    subprocess.run(["mosquitto_pub", "-p", str(port), "-t", "pubsub.localhost/json/node", "-q", "1", "-m", "1",
                    "--repeat", str(number)], check=True)


def prometheus_sees(folder, http_port, mqtt_port):
    publish(mqtt_port, 5)
    with Prometheus(folder / "prometheus", http_port) as prometheus:
        received = f'{METRIC}messages_received_total{{qos="1"}}'
        wait_until(lambda: [value for _, value in prometheus.query(received)] == [5], received)
        publish(mqtt_port, 5)
        wait_until(lambda: [value for _, value in prometheus.query(received)] == [10], received)
        wrong = [each for each in expressions()
                 if ">" not in each and "logins" not in each and not prometheus.query(each)]
    for each in wrong:
        print(f"Prometheus has nothing for {each}")
    return not wrong


def exporter_sees_the_same(folder, mosquitto, prosody):
    with (Exporter(folder / "exporter_of_mosquitto", mosquitto.port) as theirs,
          Exporter(folder / "exporter_of_prosody", prosody.port) as ours):
        wait_until(lambda: len(theirs.names()) == len(SYS_NAMES), "all of mosquitto's $SYS")
        wait_until(lambda: ours.names() == theirs.names(), "all of Prosody's $SYS")
    return True
