"""collectd: it is given values (plugin unixsock), and publishes them as text that ends with NUL (plugin mqtt)."""

import socket

SETTINGS = """Hostname "house"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
LoadPlugin logfile
LoadPlugin unixsock
LoadPlugin mqtt
<Plugin logfile>
	File STDOUT
</Plugin>
<Plugin unixsock>
	SocketFile "{folder}/socket"
</Plugin>
<Plugin mqtt>
	<Publish "house">
		Host "127.0.0.1"
		Port "{port}"
		QoS 1
		Retain true
	</Publish>
</Plugin>
"""


def command(folder, port):
    folder.mkdir(exist_ok=True)
    settings = folder / "collectd.conf"
    settings.write_text(SETTINGS.format(folder=folder, port=port))
    return ["collectd", "-f", "-C", settings]


def put(folder, value, time):
    """Publishes "TIME.000:VALUE" and NUL."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "socket"))
        connection.sendall(f"PUTVAL house/cellar/temperature-boiler interval=10 {time}:{value}\n".encode())
        answer = connection.makefile().readline()
    if not answer.startswith("0 "):
        raise RuntimeError(f"collectd: {answer}")
