#!/usr/bin/python3
"""mosquitto_pub, mosquitto_sub and mosquitto_rr with MQTT 5.0: mosquitto_5.py PORT. tests/clients/run says what the
transcript is for.

Each of their options, but for those of TLS and of logins, for which servers differ in who has an account. Left out is
also `-D connect topic-alias-maximum` of those that subscribe: mosquitto gives no topic aliases, and mosquitto_sub takes
a message that has one for an error (docs/mapping.md, "MQTT 5.0").
"""

import re
import subprocess
import sys
import tempfile
import threading

PATIENCE = 30
PORT = sys.argv[1]
TREE = "pubsub.localhost/utf8/commands"
FORMAT = "%t|%p|%q|%r|%l|%x|%C|%D|%E|%F|%P|%R|%S"
PROPERTIES = {
    "content-type": "text/plain",
    "correlation-data": "17",
    "message-expiry-interval": "3600",
    "payload-format-indicator": "1",
    "response-topic": f"{TREE}/answers",
}


def say(line):
    print(line, flush=True)


def command(name, *arguments):
    return ["stdbuf", "-oL", f"mosquitto_{name}", "-p", PORT, "-V", "5", *arguments]


def properties(packet, **values):
    """The options for properties of a packet; underscores stand for hyphens."""
    options = []
    for name, value in values.items():
        options += ["-D", packet, name.replace("_", "-"), value]
    return options


def user_properties(packet):
    return ["-D", packet, "user-property", "b", "1", "-D", packet, "user-property", "a", "2"]


def all_of_a_message(packet):
    return properties(packet, **PROPERTIES) + user_properties(packet)


class Subscriber:
    """A mosquitto_sub that has subscribed."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(command("sub", "-d", *arguments), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.subscribed = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if not self.subscribed.wait(PATIENCE):
            raise RuntimeError(f"mosquitto_sub {arguments} does not subscribe: {self.lines}")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("Subscribed"):
                self.subscribed.set()
        self.subscribed.set()  # it has ended

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        status = self.process.wait(PATIENCE)
        self.reader.join()
        return status

    def show(self):
        status = self.end()
        for line in shown("".join(self.lines)):
            say(f"  {line}")
        say(f"  exit status {status}")


def shown(output):
    """What the command shows, and then its packets, in the order of the alphabet: which of two flows goes on first is a
    matter of time, and so is whether SUBACK comes among the messages that have waited for the session."""
    subscribed, messages, packets = [], [], []
    for line in output.splitlines():
        if re.match(r"Client .* (sending|received) PING", line):
            continue
        # Seconds may have passed since it was published, and packet identifiers are the server's own.
        line = re.sub(r"\|3(600|59\d)\|", "|about 3600|", line)
        line = re.sub(r"\bm\d+\b|Mid: \d+", "m", line)
        if line.startswith("Client "):
            packets.append(line)
        elif line.startswith("Subscribed "):
            subscribed.append(line)
        else:
            messages.append(line)
    return subscribed + messages + sorted(packets)


def run(name, *arguments, given=None):
    say(f"{name} {' '.join(arguments)}".replace(PORT, "PORT"))
    done = subprocess.run(command(name, "-d", *arguments), input=given if given is not None else "", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    for line in shown(done.stdout):
        say(f"  {line}")
    say(f"  exit status {done.returncode}")


def publish(*arguments, given=None):
    run("pub", "-i", "publisher", *arguments, given=given)


def see(what, *arguments, given=None, subscriber=()):
    """What a subscriber gets of a command that publishes `what` messages."""
    topic = f"{TREE}/node"
    listener = Subscriber("-i", "subscriber", "-t", topic, "-q", "2", "-F", FORMAT, "-C", str(what), *subscriber)
    publish("-t", topic, *arguments, given=given)
    listener.show()


def what_is_published():
    say("== What is published")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("from a file")
        file.flush()
        for qos in "012":
            see(1, "-q", qos, "-m", f"at {qos}")
            see(1, "-q", qos, "-n")
            see(1, "-q", qos, "-s", given="from stdin")
            see(3, "-q", qos, "-l", given="one\ntwo\nthree\n")
            see(3, "-q", qos, "-m", "again", "--repeat", "3", "--repeat-delay", "0.01")
    see(1, "-r", "-m", "kept", subscriber=["--retain-as-published"])
    see(1, "-r", "-n", subscriber=["--retain-as-published"])
    see(20, "-q", "2", "-M", "1", "-m", "one at a time", "--repeat", "20")
    for version in ("mqttv5", "mqttv311", "mqttv31"):
        see(1, "-V", version, "-q", "1", "-m", version)
    for options in (["-k", "5"], ["-k", "65535"], ["-c", "-x", "60"], ["-x", "60"], ["-A", "127.0.0.1"], ["--nodelay"],
                    ["--quiet"]):
        see(1, "-q", "1", "-m", "with options", *options)


def properties_of_packets():
    say("== Properties")
    for qos in "012":
        see(1, "-q", qos, "-m", "with all", *all_of_a_message("publish"))
    for name in PROPERTIES:
        see(1, "-q", "1", "-m", name, *properties("publish", **{name: PROPERTIES[name]}))
    see(3, "-q", "1", "-m", "alias", "--repeat", "3", *properties("publish", topic_alias="5"))
    for packet, values in (("connect", {"session_expiry_interval": "60"}), ("connect", {"receive_maximum": "1"}),
                           ("connect", {"maximum_packet_size": "10000"}), ("connect", {"topic_alias_maximum": "10"}),
                           ("connect", {"request_problem_information": "0"}),
                           ("connect", {"request_response_information": "0"})):
        see(2, "-q", "2", "-m", "connects", "--repeat", "2", *properties(packet, **values))
    see(1, "-q", "1", "-m", "says more", *user_properties("connect"), *user_properties("disconnect"),
        *properties("connect", session_expiry_interval="10"), *properties("disconnect", session_expiry_interval="0"))
    for values in ({"receive_maximum": "1"}, {"maximum_packet_size": "200"}, {"request_problem_information": "0"},
                   {"request_response_information": "1"}):
        see(3, "-q", "2", "-m", "to one that says what it takes", "--repeat", "3",
            subscriber=properties("connect", **values))
    see(1, "-q", "1", "-m", "identified", subscriber=properties("subscribe", subscription_identifier="7"))
    see(1, "-q", "1", "-m", "says more", subscriber=user_properties("subscribe") + user_properties("unsubscribe")
        + user_properties("connect") + ["-U", f"{TREE}/never"])


def too_large_for_one():
    say("== Too large for one")
    listener = Subscriber("-i", "subscriber", "-t", f"{TREE}/large", "-q", "1", "-C", "2", "-F", "%l",
                          *properties("connect", maximum_packet_size="200"))
    for size in (10, 300, 20):
        publish("-t", f"{TREE}/large", "-q", "1", "-m", "x" * size)
    listener.show()


def what_is_shown():
    say("== What is shown")
    for name in ("a", "b"):
        publish("-t", f"{TREE}/shown/{name}", "-r", "-m", f"retained {name}")
    every = f"{TREE}/shown/+"
    # The order of retained messages is the server's own.
    for options in (["-t", f"{TREE}/shown/a", "-v"], ["-t", f"{TREE}/shown/a", "-N"],
                    ["-t", every, "-T", f"{TREE}/shown/b", "-v"]):
        run("sub", "-i", "subscriber", "-C", "1", *options)
    for options in (["-R"], ["-E"], ["-R", "-E"], ["-U", f"{TREE}/shown/a"], ["-T", every]):
        run("sub", "-i", "subscriber", "-t", f"{TREE}/shown/a", "-W", "1", *options)
    listener = Subscriber("-i", "subscriber", "-t", f"{TREE}/shown/a", "--retained-only", "-F", FORMAT)
    publish("-t", f"{TREE}/shown/a", "-q", "1", "-m", "live")
    listener.show()
    run("sub", "-i", "subscriber", "-t", f"{TREE}/shown/a", "--remove-retained", "-W", "1", "-q", "1")
    run("sub", "-i", "subscriber", "-t", f"{TREE}/shown/a", "-W", "1")
    run("sub", "-i", "subscriber", "-t", f"{TREE}/shown/b", "-W", "1", "--retained-only")
    run("sub", "-i", "subscriber", "-t", f"{TREE}/nothing", "-W", "1")
    run("sub", "-L", f"mqtt://127.0.0.1:{PORT}/{TREE}/shown/b", "-i", "subscriber", "-C", "1", "-v")
    # mosquitto sends retained messages to a shared subscription, and mosquitto_sub asks for none with -R.
    shared = Subscriber("-i", "subscriber", "-t", f"$share/group/{every}", "-q", "1", "-C", "1", "-v", "-R")
    publish("-t", f"{TREE}/shown/a", "-q", "1", "-m", "shared")
    shared.show()


def sessions():
    say("== Sessions")
    topic = f"{TREE}/session"
    for options, lasts in ((["-c", "-x", "60"], True), (["-c"], True), (["-x", "60"], True),
                           (["-c", "-x", "0"], False)):
        run("sub", "-i", "device", "-t", topic, "-q", "2", "-E", *options)
        for qos in "12" if lasts else "":
            publish("-t", topic, "-q", qos, "-m", f"meanwhile at {qos}", *all_of_a_message("publish"))
        run("sub", "-i", "device", "-t", topic, "-q", "2", "-c", "-W", "1", "-F", FORMAT)
        run("sub", "-i", "device", "-t", topic, "-E")  # its session ends with it
    run("sub", "-i", "device", "-t", topic, "-q", "2", "-E", "-c", "-x", "60",
        *properties("disconnect", session_expiry_interval="0"))
    run("sub", "-i", "device", "-t", topic, "-q", "2", "-c", "-W", "1", "-x", "0")


def wills():
    say("== Wills")
    topic = f"{TREE}/will"
    for options in ([], ["--will-payload", "gone"], ["--will-payload", "gone", "--will-qos", "2"],
                    ["--will-payload", "gone", "--will-qos", "1", "--will-retain"],
                    ["--will-payload", "gone", *all_of_a_message("will")],
                    ["--will-payload", "gone", "-x", "60", *properties("will", will_delay_interval="1")]):
        witness = Subscriber("-i", "witness", "-t", topic, "-q", "2", "-R", "-C", "1", "-F", FORMAT)
        Subscriber("-i", "mortal", "-t", f"{TREE}/other", "--will-topic", topic, *options).kill()
        say(f"will {' '.join(options)}")
        witness.show()
    run("sub", "-i", "witness", "-t", topic, "-q", "1", "-C", "1", "-F", FORMAT)
    witness = Subscriber("-i", "witness", "-t", topic, "-q", "1", "-R", "-W", "2", "-F", FORMAT)
    run("sub", "-i", "mortal", "-t", f"{TREE}/other", "-E", "--will-topic", topic, "--will-payload", "never")
    witness.show()


def requests():
    say("== Requests")
    asked, answers = f"{TREE}/asked", f"{TREE}/answers"
    for options in ([], ["-q", "1"], ["-q", "2", *user_properties("publish")],
                    ["-D", "publish", "correlation-data", "18"], ["-v"], ["-F", FORMAT], ["-N"]):
        say(f"rr {' '.join(options)}")
        responder = Subscriber("-i", "responder", "-t", asked, "-q", "2", "-C", "1", "-F", FORMAT)
        request = subprocess.Popen(command("rr", "-i", "asker", "-t", asked, "-e", answers, "-m", "what?", *options),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        responder.show()
        publish("-t", answers, "-q", "1", "-m", "that", *properties("publish", correlation_data="18"))
        output = request.communicate(timeout=PATIENCE)[0]
        for line in shown(output):
            say(f"  {line}")
        say(f"  exit status {request.returncode}")
    run("rr", "-i", "asker", "-t", asked, "-e", answers, "-m", "nobody answers", "-W", "1")


def what_is_refused():
    say("== What is refused")
    for method in ("PLAIN", "GS2-KRB5"):
        publish("-t", f"{TREE}/node", "-m", "1", *properties("connect", authentication_method=method))
    publish("-t", f"{TREE}/node", "-m", "1", "-V", "5", *properties("connect", receive_maximum="0"))
    publish("-t", f"{TREE}/node", "-m", "1", *properties("publish", topic_alias="65535"))


for part in (what_is_published, properties_of_packets, too_large_for_one, what_is_shown, sessions, wills, requests,
             what_is_refused):
    part()
