// The harness's side of SCRAM, held against the examples that its RFCs give.
#include "scram.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::tests {
namespace {

TEST(HarnessScram, IsThatOfRfc5802) {  // section 5
  Scram scram(
      {.method = "SCRAM-SHA-1", .name = "user", .password = "pencil", .nonce = "fyko+d2lbbFgONRv9qkxdawL"});
  EXPECT_EQ(scram.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(scram.last("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_EQ(scram.proof_of_server(), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

TEST(HarnessScram, IsThatOfRfc7677) {  // section 3
  Scram scram({.method = "SCRAM-SHA-256", .name = "user", .password = "pencil"});
  EXPECT_EQ(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(
      scram.last("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(scram.proof_of_server(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
