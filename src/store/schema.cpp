#include "schema.h"

#include <string>

#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

constexpr std::int64_t application_id = 0x6D717474;  // "mqtt"

// Tables of payloads have a rowid: without one SQLite needs three times the space for rows of a kilobyte. An index ends
// with it, so that the items of a store are found in order of their positions.
constexpr const char* tables = R"(
BEGIN IMMEDIATE;
CREATE TABLE meta (last_number INTEGER NOT NULL, last_wall INTEGER NOT NULL);
INSERT INTO meta VALUES (0, 0);
CREATE TABLE session (
  number INTEGER PRIMARY KEY, account TEXT NOT NULL, client_identifier TEXT NOT NULL, level INTEGER NOT NULL,
  is_bridge INTEGER NOT NULL, expiry INTEGER NOT NULL, keep_alive INTEGER NOT NULL, offline_since INTEGER);
CREATE TABLE cursor (session INTEGER PRIMARY KEY, message INTEGER NOT NULL);
CREATE TABLE filter (
  session INTEGER NOT NULL, topic_filter TEXT NOT NULL, mounted_at INTEGER NOT NULL,
  qos INTEGER NOT NULL, no_local INTEGER NOT NULL,
  retain_as_published INTEGER NOT NULL, retain_handling INTEGER NOT NULL, identifier INTEGER NOT NULL,
  PRIMARY KEY (session, topic_filter, mounted_at)) WITHOUT ROWID;
CREATE TABLE audience (number INTEGER PRIMARY KEY, members BLOB NOT NULL);
CREATE TABLE message (
  number INTEGER PRIMARY KEY, audience INTEGER NOT NULL, is_retained INTEGER NOT NULL,
  full_topic TEXT NOT NULL, topic TEXT NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  publisher INTEGER NOT NULL, place_messages INTEGER NOT NULL, place_bytes INTEGER NOT NULL,
  expires_at INTEGER, properties BLOB NOT NULL, payload BLOB NOT NULL);
CREATE INDEX message_audience ON message (audience);
CREATE TABLE inflight (
  session INTEGER NOT NULL, packet_identifier INTEGER NOT NULL, message INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (session, packet_identifier)) WITHOUT ROWID;
CREATE TABLE received (
  session INTEGER NOT NULL, packet_identifier INTEGER NOT NULL,
  PRIMARY KEY (session, packet_identifier)) WITHOUT ROWID;
CREATE TABLE will (
  session INTEGER PRIMARY KEY, delay INTEGER NOT NULL, expiry INTEGER, topic TEXT NOT NULL, qos INTEGER NOT NULL,
  retain INTEGER NOT NULL, properties BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE prosody_store (
  number INTEGER PRIMARY KEY, host TEXT NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, user TEXT NOT NULL,
  UNIQUE (host, kind, name, user));
CREATE TABLE item (
  position INTEGER PRIMARY KEY, store INTEGER NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, "with" TEXT,
  value BLOB NOT NULL, wrapping INTEGER NOT NULL DEFAULT 0, UNIQUE (store, key));
CREATE INDEX item_store ON item (store);
CREATE TABLE dropped_store (number INTEGER PRIMARY KEY);
CREATE TABLE last_position (position INTEGER NOT NULL);
INSERT INTO last_position VALUES (0);
PRAGMA user_version = 3;
PRAGMA application_id = 1836151924;
COMMIT;
)";

// Queues stay in the store since version 2.
constexpr const char* from_version_1 = R"(
BEGIN IMMEDIATE;
ALTER TABLE message ADD COLUMN place_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN place_bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_audience ON message (audience);
UPDATE message SET place_messages = place.messages, place_bytes = place.bytes FROM (
  SELECT number, row_number() OVER up_to AS messages,
    sum(CASE is_retained WHEN 0 THEN length(CAST(topic AS BLOB)) + length(properties) + length(payload) ELSE 0 END)
    OVER up_to AS bytes FROM message WINDOW up_to AS (PARTITION BY audience ORDER BY number)) AS place
  WHERE place.number = message.number;
PRAGMA user_version = 2;
COMMIT;
)";

// What items have in common is not written with each since version 3.
constexpr const char* from_version_2 = R"(
BEGIN IMMEDIATE;
ALTER TABLE item ADD COLUMN wrapping INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
COMMIT;
)";

// Tables that a database of this version may lack, since it was made before there were any: they change nothing about
// the others. Names of nodes may be long, and payloads are, so that these have a rowid.
constexpr const char* later_tables = R"(
CREATE TABLE IF NOT EXISTS retained (
  host TEXT NOT NULL, node TEXT NOT NULL, identity TEXT NOT NULL, time INTEGER NOT NULL, has_ended INTEGER NOT NULL,
  type TEXT NOT NULL, is_large INTEGER NOT NULL, qos INTEGER NOT NULL, publisher INTEGER NOT NULL, expires_at INTEGER,
  properties BLOB NOT NULL, element TEXT NOT NULL, payload BLOB NOT NULL, UNIQUE (host, node));
CREATE TABLE IF NOT EXISTS taken_over (host TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intent (
  session INTEGER NOT NULL, packet_identifier INTEGER NOT NULL, item TEXT NOT NULL, is_published INTEGER NOT NULL,
  PRIMARY KEY (session, packet_identifier)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clean_will (
  number INTEGER PRIMARY KEY, account TEXT NOT NULL, client_identifier TEXT NOT NULL, level INTEGER NOT NULL,
  keep_alive INTEGER NOT NULL, is_due INTEGER NOT NULL, delay INTEGER NOT NULL, expiry INTEGER, topic TEXT NOT NULL,
  qos INTEGER NOT NULL, retain INTEGER NOT NULL, properties BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS removed_up_to (store INTEGER PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY, ahead INTEGER NOT NULL);
)";

int in_one_go(Database& database, const char* sql) {
  const int error = database.run(sql);
  if (error != SQLITE_OK) database.run("ROLLBACK");
  return error;
}

}  // namespace

int make_tables(Database& database) { return in_one_go(database, tables); }

int bring_up_to_date(Database& database) {
  Statement version(database.handle(), "PRAGMA user_version");
  if (!version.step()) return version.result();
  const auto from = version.integer();
  version.reset();
  int error = from < 2 ? in_one_go(database, from_version_1) : SQLITE_OK;
  if (error == SQLITE_OK && from < 3) error = in_one_go(database, from_version_2);
  return error;
}

int make_later_tables(Database& database) { return database.run(later_tables); }

Tables tables_of(Database& database, int& error) {
  Statement all(database.handle(),
                "SELECT (SELECT count(*) FROM sqlite_schema), user_version, application_id FROM "
                "pragma_user_version, pragma_application_id");
  if (!all.step()) {
    error = all.result();
    return Tables::unreadable;
  }
  if (all.integer() == 0) return Tables::none;
  const auto version = all.integer();
  if (all.integer() != application_id) return Tables::of_others;
  if (version == schema_version) return Tables::ours;
  return version < schema_version ? Tables::of_an_older_version : Tables::of_a_newer_version;
}

}  // namespace pubsub_mqtt::store
