// The scenario with Eclipse Paho for C: paho_c [5] URL. tests/clients/run says what the transcript is for. With 5, MQTT
// 5.0 is spoken, and what only 5.0 has is tried, too.
#include <MQTTClient.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { patience_ms = 10000, large_size = 100000 };

#define BASE "pubsub.localhost/utf8/paho_c"

static const char* server;
static char large[large_size];
static bool speaks_5;

struct client {
  const char* name;
  MQTTClient mqtt;
};

static void check(int code, const char* what) {
  if (code == MQTTCLIENT_SUCCESS) return;
  printf("%s fails: %d\n", what, code);
  exit(1);
}

static MQTTClient_willOptions will(const char* message, int retained) {
  MQTTClient_willOptions options = MQTTClient_willOptions_initializer;
  options.topicName = BASE "/will";
  options.message = message;
  options.qos = 1;
  options.retained = retained;
  return options;
}

static MQTTProperties no_properties(void) { return (MQTTProperties)MQTTProperties_initializer; }

static void add_integer(MQTTProperties* properties, enum MQTTPropertyCodes code, unsigned value) {
  MQTTProperty property = {.identifier = code};
  switch (MQTTProperty_getType(code)) {
    case MQTTPROPERTY_TYPE_BYTE:
      property.value.byte = (unsigned char)value;
      break;
    case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
      property.value.integer2 = (unsigned short)value;
      break;
    default:
      property.value.integer4 = value;
  }
  check(MQTTProperties_add(properties, &property), "adding a property");
}

static MQTTLenString string_of(const char* text) { return (MQTTLenString){(int)strlen(text), (char*)text}; }

static void add_string(MQTTProperties* properties, enum MQTTPropertyCodes code, const char* text) {
  MQTTProperty property = {.identifier = code};
  property.value.data = string_of(text);
  check(MQTTProperties_add(properties, &property), "adding a property");
}

static void add_user_property(MQTTProperties* properties, const char* name, const char* value) {
  MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
  property.value.data = string_of(name);
  property.value.value = string_of(value);
  check(MQTTProperties_add(properties, &property), "adding a property");
}

// Of wss:// only.
static MQTTClient_SSLOptions tls_options(void) {
  MQTTClient_SSLOptions options = MQTTClient_SSLOptions_initializer;
  options.trustStore = getenv("CA_FILE");
  return options;
}

static int connect_3(struct client* client, bool clean, MQTTClient_willOptions* last) {
  MQTTClient_SSLOptions tls = tls_options();
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  options.ssl = &tls;
  options.cleansession = clean;
  options.will = last;
  const int code = MQTTClient_connect(client->mqtt, &options);
  printf("%s connects: code %d, session present %d\n", client->name, code, options.returned.sessionPresent);
  return code;
}

// A session that is to be kept lasts for ten minutes.
static int connect_5(struct client* client, bool clean, MQTTClient_willOptions* last, MQTTProperties will) {
  MQTTClient_SSLOptions tls = tls_options();
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
  options.ssl = &tls;
  options.cleanstart = clean;
  options.will = last;
  MQTTProperties properties = no_properties();
  if (!clean) add_integer(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 600);
  const MQTTResponse response =
      MQTTClient_connect5(client->mqtt, &options, &properties, last == NULL ? NULL : &will);
  const int code = response.reasonCode;
  printf("%s connects: code %d, session present %d\n", client->name, code, options.returned.sessionPresent);
  MQTTResponse_free(response);
  MQTTProperties_free(&properties);
  MQTTProperties_free(&will);
  return code;
}

static struct client create_as(const char* name, const char* client_id) {
  struct client client = {.name = name};
  MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
  options.MQTTVersion = speaks_5 ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
  check(MQTTClient_createWithOptions(&client.mqtt, server, client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                     &options),
        "create");
  return client;
}

static struct client connect_as(const char* name, const char* client_id, bool clean,
                                MQTTClient_willOptions* last) {
  struct client client = create_as(name, client_id);
  check(speaks_5 ? connect_5(&client, clean, last, no_properties()) : connect_3(&client, clean, last),
        "connect");
  return client;
}

// Shows the answer, and gives back what the library allocated for it.
static void take_response(MQTTResponse response, const char* what) {
  if (response.reasonCodeCount > 1 || response.reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
    printf("%s: reason %d\n", what, response.reasonCode);
  }
  MQTTResponse_free(response);
}

static void subscribe_5(struct client* client, const char* filter, int qos, MQTTSubscribe_options* options,
                        MQTTProperties properties) {
  const MQTTResponse response = MQTTClient_subscribe5(client->mqtt, filter, qos, options, &properties);
  printf("%s subscribes to %s at %d: reason %d\n", client->name, filter, qos, response.reasonCode);
  MQTTResponse_free(response);
  MQTTProperties_free(&properties);
}

static void subscribe(struct client* client, const char* filter, int qos) {
  if (speaks_5) {
    subscribe_5(client, filter, qos, NULL, no_properties());
    return;
  }
  const int code = MQTTClient_subscribe(client->mqtt, filter, qos);  // the granted QoS is not told
  printf("%s subscribes to %s at %d: code %d\n", client->name, filter, qos, code);
}

static void unsubscribe(struct client* client, const char* filter) {
  if (speaks_5) {
    take_response(MQTTClient_unsubscribe5(client->mqtt, filter, NULL), "unsubscribe");
  } else {
    check(MQTTClient_unsubscribe(client->mqtt, filter), "unsubscribe");
  }
  printf("%s unsubscribes from %s\n", client->name, filter);
}

static MQTTClient_deliveryToken send_5(struct client* client, const char* topic, const char* payload,
                                       int size, int qos, int retain, MQTTProperties properties) {
  MQTTClient_deliveryToken token = 0;
  take_response(MQTTClient_publish5(client->mqtt, topic, size, payload, qos, retain, &properties, &token),
                "publish");
  MQTTProperties_free(&properties);
  return token;
}

static MQTTClient_deliveryToken send(struct client* client, const char* topic, const char* payload, int size,
                                     int qos, int retain) {
  if (speaks_5) return send_5(client, topic, payload, size, qos, retain, no_properties());
  MQTTClient_deliveryToken token = 0;
  check(MQTTClient_publish(client->mqtt, topic, size, payload, qos, retain, &token), "publish");
  return token;
}

static void wait_for(struct client* client, MQTTClient_deliveryToken token) {
  check(MQTTClient_waitForCompletion(client->mqtt, token, patience_ms), "waiting for an acknowledgement");
}

static void publish(struct client* client, const char* topic, const char* payload, int qos) {
  wait_for(client, send(client, topic, payload, (int)strlen(payload), qos, 0));
}

static void publish_retained(struct client* client, const char* topic, const char* payload, int qos) {
  wait_for(client, send(client, topic, payload, (int)strlen(payload), qos, 1));
}

static void publish_burst(struct client* client, const char* topic, int count, int qos) {
  MQTTClient_deliveryToken token = 0;
  for (int i = 0; i < count; ++i) {
    char payload[20];
    const int size = snprintf(payload, sizeof payload, "%d at %d", i, qos);
    token = send(client, topic, payload, size, qos, 0);
  }
  wait_for(client, token);
}

static void show(const MQTTClient_message* message) {
  const unsigned char* bytes = message->payload;
  if (message->payloadlen > 200) {
    const bool same = message->payloadlen == large_size && memcmp(bytes, large, large_size) == 0;
    printf("%d bytes, %s\n", message->payloadlen, same ? "as sent" : "CHANGED");
    return;
  }
  putchar('"');
  for (int i = 0; i < message->payloadlen; ++i)
    printf(bytes[i] >= 32 && bytes[i] < 127 ? "%c" : "\\x%02x", bytes[i]);
  printf("\"\n");
}

static void show_string(MQTTLenString string) { printf("%.*s", string.len, string.data); }

static void show_property(const MQTTProperty* property) {
  printf("  %s ", MQTTPropertyName(property->identifier));
  switch (MQTTProperty_getType(property->identifier)) {
    case MQTTPROPERTY_TYPE_BYTE:
      printf("%d", property->value.byte);
      break;
    case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
      printf("%d", property->value.integer2);
      break;
    case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR:
      show_string(property->value.data);
      putchar('=');
      show_string(property->value.value);
      break;
    case MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING:
    case MQTTPROPERTY_TYPE_BINARY_DATA:
      show_string(property->value.data);
      break;
    default:
      printf("%u", property->value.integer4);
  }
  putchar('\n');
}

// By their identifiers, since servers order them as they like but for user properties; without what counts down and
// what a server chooses for itself.
static void show_properties(const MQTTProperties* properties) {
  for (int identifier = 0; identifier < 0x80; ++identifier) {
    if (identifier == MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL ||
        identifier == MQTTPROPERTY_CODE_TOPIC_ALIAS)
      continue;
    for (int i = 0; i < properties->count; ++i) {
      if ((int)properties->array[i].identifier == identifier) show_property(&properties->array[i]);
    }
  }
}

// Prints the next message. False: none came, or its topic is `last`.
static bool receive(struct client* client, const char* last) {
  char* topic = NULL;
  int topic_size = 0;
  MQTTClient_message* message = NULL;
  MQTTClient_receive(client->mqtt, &topic, &topic_size, &message, patience_ms);
  if (message == NULL) {
    printf("MISSING: no message comes\n");
    return false;
  }
  const bool more = last == NULL || strcmp(topic, last) != 0;
  if (more) {
    printf("%s receives %s qos %d retain %d ", client->name, topic, message->qos, message->retained);
    show(message);
    show_properties(&message->properties);
  }
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return more;
}

// Waits for so many messages, then publishes one to itself: what is unexpected has come before that.
static void collect(struct client* client, int count) {
  char sync[100];
  snprintf(sync, sizeof sync, BASE "/sync/%s", client->name);
  for (int i = 0; i < count; ++i) {
    if (!receive(client, NULL)) return;
  }
  publish(client, sync, "sync", 2);
  while (receive(client, sync)) {
  }
}

static void disconnect(struct client* client) {
  const int code = speaks_5 ? MQTTClient_disconnect5(client->mqtt, patience_ms, MQTTREASONCODE_SUCCESS, NULL)
                            : MQTTClient_disconnect(client->mqtt, patience_ms);
  printf("%s disconnects: code %d\n", client->name, code);
  MQTTClient_destroy(&client->mqtt);
}

// A process that connects with a will when it is told to, and is killed then. It is forked before the library
// is used, since the library serves all clients of a process together.
struct mortal {
  pid_t process;
  int go;
  int connected;
};

static struct mortal begin_mortal(void) {
  int go[2];
  int connected[2];
  check(pipe(go), "pipe");
  check(pipe(connected), "pipe");
  const pid_t process = fork();
  if (process == 0) {
    close(go[1]);  // so that a read ends with the parent
    char byte = '.';
    if (read(go[0], &byte, 1) == 1) {
      MQTTClient_willOptions last = will("last words", 1);
      connect_as("mortal", "paho_c_mortal", true, &last);
      fflush(stdout);
      if (write(connected[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1) _exit(2);
    }
    _exit(1);
  }
  close(go[0]);
  close(connected[1]);
  return (struct mortal){.process = process, .go = go[1], .connected = connected[0]};
}

static void connect_and_die(struct mortal mortal) {
  char byte = '.';
  fflush(stdout);
  const bool connected = write(mortal.go, &byte, 1) == 1 && read(mortal.connected, &byte, 1) == 1;
  check(connected ? 0 : -1, "connecting the client that is to be killed");
  kill(mortal.process, SIGKILL);
  waitpid(mortal.process, NULL, 0);
}

static MQTTProperties message_properties(void) {
  MQTTProperties properties = no_properties();
  add_integer(&properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
  add_integer(&properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, 600);
  add_string(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
  add_string(&properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, BASE "/answers");
  add_string(&properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "17");
  add_user_property(&properties, "b", "1");
  add_user_property(&properties, "a", "2");
  add_user_property(&properties, "b", "1");
  return properties;
}

static MQTTProperties subscription_identifier(unsigned identifier) {
  MQTTProperties properties = no_properties();
  add_integer(&properties, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, identifier);
  return properties;
}

static void publish_with_properties(struct client* client, const char* topic, const char* payload, int qos,
                                    int retain) {
  wait_for(client, send_5(client, topic, payload, (int)strlen(payload), qos, retain, message_properties()));
}

static void scenario_of_5(struct client* client) {
  printf("== properties\n");
  subscribe_5(client, BASE "/properties", 2, NULL, subscription_identifier(7));
  for (int qos = 0; qos <= 2; ++qos) {
    publish_with_properties(client, BASE "/properties", "with properties", qos, 0);
    collect(client, 1);
  }
  publish_with_properties(client, BASE "/properties", "kept", 1, 1);
  collect(client, 1);
  struct client late = connect_as("late", "paho_c_late", true, NULL);
  subscribe(&late, BASE "/sync/late", 2);
  subscribe_5(&late, BASE "/properties", 1, NULL, subscription_identifier(268435455));
  collect(&late, 1);
  publish_retained(client, BASE "/properties", "", 1);
  collect(&late, 1);
  collect(client, 1);

  printf("== subscription options\n");
  publish_retained(client, BASE "/options", "kept", 1);
  MQTTSubscribe_options options = MQTTSubscribe_options_initializer;
  options.noLocal = 1;
  options.retainAsPublished = 1;
  options.retainHandling = 2;
  subscribe_5(client, BASE "/options", 1, &options, no_properties());
  publish(client, BASE "/options", "own", 1);
  collect(client, 0);
  publish_retained(&late, BASE "/options", "another's", 1);
  collect(client, 1);
  publish_retained(&late, BASE "/options", "", 1);
  collect(client, 1);

  printf("== will with a delay\n");
  subscribe(client, BASE "/will", 1);
  MQTTProperties delay = no_properties();
  add_integer(&delay, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL, 1);
  add_user_property(&delay, "a", "1");
  MQTTClient_willOptions last = will("late last words", 0);
  struct client mortal = create_as("mortal", "paho_c_delayed");
  check(connect_5(&mortal, false, &last, delay), "connect");
  const int code =
      MQTTClient_disconnect5(mortal.mqtt, patience_ms, MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE, NULL);
  printf("mortal disconnects with its will: code %d\n", code);
  MQTTClient_destroy(&mortal.mqtt);
  collect(client, 1);
  disconnect(&late);
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  speaks_5 = argc == 3 && strcmp(argv[1], "5") == 0;
  server = argv[argc - 1];
  for (int i = 0; i < large_size; ++i) large[i] = (char)('a' + i % 26);

  const struct mortal mortal = begin_mortal();

  printf("== connect\n");
  struct client client = connect_as("main", "", true, NULL);
  subscribe(&client, BASE "/sync/main", 2);

  printf("== quality of service\n");
  subscribe(&client, BASE "/qos", 2);
  const char* const published[] = {"published at 0", "published at 1", "published at 2"};
  for (int qos = 0; qos <= 2; ++qos) {
    publish(&client, BASE "/qos", published[qos], qos);
    collect(&client, 1);
  }
  subscribe(&client, BASE "/qos", 0);
  publish(&client, BASE "/qos", "published at 2", 2);
  collect(&client, 1);
  unsubscribe(&client, BASE "/qos");
  publish(&client, BASE "/qos", "nobody listens", 1);
  collect(&client, 0);

  printf("== bursts\n");
  subscribe(&client, BASE "/burst", 2);
  for (int qos = 0; qos <= 2; ++qos) {
    publish_burst(&client, BASE "/burst", 20, qos);
    collect(&client, 20);
  }

  printf("== retained\n");
  publish_retained(&client, BASE "/retained", "kept", 1);
  subscribe(&client, BASE "/retained", 1);
  collect(&client, 1);
  publish_retained(&client, BASE "/retained", "newer", 0);
  collect(&client, 1);
  publish(&client, BASE "/retained", "passing", 1);
  collect(&client, 1);
  subscribe(&client, BASE "/retained", 1);
  collect(&client, 1);
  publish_retained(&client, BASE "/retained", "", 1);
  collect(&client, 1);
  subscribe(&client, BASE "/retained", 1);
  collect(&client, 0);

  printf("== will\n");
  subscribe(&client, BASE "/will", 1);
  connect_and_die(mortal);
  collect(&client, 1);
  subscribe(&client, BASE "/will", 1);
  collect(&client, 1);
  publish_retained(&client, BASE "/will", "", 1);
  collect(&client, 1);
  MQTTClient_willOptions never_sent = will("never sent", 0);
  struct client polite = connect_as("polite", "paho_c_polite", true, &never_sent);
  disconnect(&polite);
  collect(&client, 0);

  printf("== session\n");
  struct client again = connect_as("again", "paho_c_again", false, NULL);
  subscribe(&again, BASE "/sync/again", 2);
  subscribe(&again, BASE "/session", 1);
  disconnect(&again);
  const char* const away[] = {"while away, at 0", "while away, at 1", "while away, at 2"};
  for (int qos = 0; qos <= 2; ++qos) publish(&client, BASE "/session", away[qos], qos);
  again = connect_as("again", "paho_c_again", false, NULL);
  collect(&again, 2);
  publish(&client, BASE "/session", "still subscribed", 1);
  collect(&again, 1);
  disconnect(&again);
  again = connect_as("again", "paho_c_again", true, NULL);
  disconnect(&again);
  again = connect_as("again", "paho_c_again", false, NULL);
  disconnect(&again);

  printf("== wildcards\n");
  subscribe(&client, BASE "/house/+/temperature", 1);
  subscribe(&client, BASE "/house/attic/#", 1);
  publish(&client, BASE "/house/kitchen/light", "not selected", 1);
  collect(&client, 0);
  const char* const selected[] = {
      BASE "/house/kitchen/temperature", BASE "/house//temperature",     BASE "/house/attic",
      BASE "/house/attic/a/b",           BASE "/house/attic/wörld/温度", BASE "/house/attic//",
  };
  for (size_t i = 0; i < sizeof selected / sizeof *selected; ++i) {
    publish(&client, selected[i], "selected", 1);
    collect(&client, 1);
  }
  unsubscribe(&client, BASE "/house/+/temperature");
  publish(&client, BASE "/house/kitchen/temperature", "nobody listens", 1);
  collect(&client, 0);

  printf("== payloads\n");
  subscribe(&client, BASE "/payload", 2);
  publish(&client, BASE "/payload", "\ufeff\t\r\n ]]>&amp;<a b='c'>\"\\ €, \U0001d11e \x7f\xc2\x85 ", 1);
  publish(&client, BASE "/payload", "", 1);
  collect(&client, 2);
  for (int qos = 0; qos <= 2; ++qos) {
    wait_for(&client, send(&client, BASE "/payload", large, large_size, qos, 0));
    collect(&client, 1);
  }

  if (speaks_5) scenario_of_5(&client);

  printf("== end\n");
  disconnect(&client);
  return 0;
}
