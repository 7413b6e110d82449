"""The two servers that clients are compared on, each on a free port of loopback, in a folder of its own."""

import re
import socket
import subprocess
import threading

PATIENCE = 60


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


class Process:
    """A process and its log, which last as long as the `with` block. The block begins when the log says `ready`."""

    def __init__(self, command, log, ready, environment=None):
        self.command = command
        self.log = log
        self.ready = ready
        self.environment = environment

    def start(self):
        self.text = ""
        self.ended = False
        self.changed = threading.Condition()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace", env=self.environment)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        try:
            self.wait_for(self.ready)
        except BaseException:
            self.stop()
            raise

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def read(self):
        with self.log.open("a", encoding="utf-8") as log:
            for line in self.process.stdout:
                log.write(line)
                with self.changed:
                    self.text += line
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, pattern):
        """Waits until the log has what the regular expression matches."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or re.search(pattern, self.text), PATIENCE)
            if not re.search(pattern, self.text):
                raise RuntimeError(f"{self.command[0]} does not say {pattern!r}:\n{self.text}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()

    def kill(self):
        self.process.kill()


class Mosquitto(Process):
    """mosquitto.conf(5): its defaults, but for a listener that lets in clients without login."""

    def __init__(self, folder, more_settings=""):
        self.folder = folder
        self.port = free_port()
        self.urls = {"mqtt": f"mqtt://127.0.0.1:{self.port}"}
        folder.mkdir(parents=True)
        settings = folder / "mosquitto.conf"
        settings.write_text(f"user root\nallow_anonymous true\nlistener {self.port} 127.0.0.1\nlog_type all\n"
                            + more_settings)
        super().__init__(["mosquitto", "-c", str(settings)], folder / "log", r"mosquitto version .* running")


class Prosody(Process):
    """A Prosody with the module, and its defaults, on a component where a publish creates the node. Over WebSocket
    clients without login must be let in explicitly.

    more_settings: of the module; accounts: names on localhost, whose password is "secret", and who may use XMPP;
    more_modules: of Prosody.
    """

    def __init__(self, folder, modules, more_settings="", accounts=(), more_modules=()):
        self.folder = folder
        self.port = free_port()
        self.c2s_port = free_port()
        self.tls_port = tls_port = free_port()
        self.certificate = folder / "localhost.crt"
        self.urls = {"mqtt": f"mqtt://127.0.0.1:{self.port}", "ws": f"ws://127.0.0.1:{self.port}/mqtt",
                     "wss": f"wss://localhost:{tls_port}/mqtt"}
        (folder / "data").mkdir(parents=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", folder / "localhost.key", "-out",
                        folder / "localhost.crt"], check=True, stderr=subprocess.DEVNULL)
        enabled = ", ".join(f'"{name}"' for name in ("saslauth", "roster", "disco", *more_modules))
        settings = folder / "prosody.cfg.lua"
        settings.write_text(f"""run_as_root = true
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
certificates = "{folder}"
plugin_paths = {{ "{modules}" }}
log = {{ {{ to = "console", levels = {{ min = "debug" }} }} }}
modules_enabled = {{ {enabled} }}
modules_disabled = {{ "s2s" }}
c2s_ports = {{ {self.c2s_port} }}
c2s_interfaces = {{ "127.0.0.1" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
c2s_direct_tls_ports = {{}}
mqtt_ports = {{ {self.port} }}
mqtt_interfaces = {{ "127.0.0.1" }}
mqtt_tls_ports = {{ {tls_port} }}
mqtt_tls_interfaces = {{ "127.0.0.1", "::1" }}
mqtt_allow_anonymous = true
{more_settings}
VirtualHost "localhost"

Component "pubsub.localhost" "pubsub"
	modules_enabled = {{ "pubsub_mqtt" }}
	autocreate_on_publish = true
""")
        for name in accounts:
            account = folder / "data" / "localhost" / "accounts" / f"{name}.dat"
            account.parent.mkdir(parents=True, exist_ok=True)
            account.write_text('return { password = "secret" };')
        super().__init__(["prosody", "-F", "--config", str(settings)], folder / "log",
                         r"Activated service 'mqtt_tls' on")
