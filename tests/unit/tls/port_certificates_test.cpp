// Which certificate a port presents after a reload: the one that was found, or the one that it had.
#include "lua/port_certificates.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "certificates.h"

namespace pubsub_mqtt::tests {
namespace {

using lua::LoadedContext;
using lua::reason_to_keep;

class PortCertificates : public testing::Test {
 protected:
  LoadedContext load(const CertificateRequest& request, const std::string& file) {
    const Identity identity = make_identity(request);
    net::TlsSettings settings;
    settings.certificate = folder.write(file + ".crt", pem(identity.certificate));
    settings.key = folder.write(file + ".key", pem(identity.key));
    std::vector<std::string> warnings;
    auto made = net::make_tls_context(settings, warnings);
    return {.context = std::get<net::SslContext>(std::move(made)),
            .certificate = settings.certificate,
            .key = settings.key};
  }
  void remove(const std::string& path) { std::filesystem::remove(path); }

  TemporaryFolder folder;
  const LoadedContext none;
};

TEST_F(PortCertificates, OneThatIsThereIsReplacedByWhateverIsFound) {
  const auto old = load({.name = "a.example"}, "a");
  EXPECT_FALSE(reason_to_keep(old, load({.name = "b.example"}, "b"), {"a.example"}));
}

TEST_F(PortCertificates, OneIsKeptWhereNoneIsFound) {
  const auto old = load({.name = "a.example"}, "a");
  EXPECT_NE(reason_to_keep(old, none, {"a.example"}).value().find(old.certificate), std::string::npos);
  EXPECT_FALSE(reason_to_keep(none, none, {})) << "there is nothing to keep";
}

TEST_F(PortCertificates, OneThatIsGoneIsReplacedByOneForTheSameNames) {
  const auto old = load({.names = "DNS:a.example,DNS:*.a.example"}, "a");
  EXPECT_EQ(lua::host_names(old), (std::vector<std::string>{"a.example", "*.a.example"}));
  const auto same = load({.names = "DNS:*.a.example,DNS:a.example,DNS:c.example"}, "same");
  const auto less = load({.names = "DNS:a.example"}, "less");
  remove(old.key);
  EXPECT_FALSE(reason_to_keep(old, same, lua::host_names(old)));
  EXPECT_TRUE(reason_to_keep(old, less, lua::host_names(old)));
  EXPECT_FALSE(reason_to_keep(old, less, {"a.example"}));
}

TEST_F(PortCertificates, OneThatHasExpiredOrHasAnotherKeyIsGone) {
  const auto other = load({.name = "b.example"}, "b");
  const auto expired = load({.name = "a.example", .days = -1}, "expired");
  EXPECT_TRUE(reason_to_keep(expired, other, {"a.example"}));
  const auto old = load({.name = "a.example"}, "a");
  folder.write("a.key", pem(make_ec_key()));
  EXPECT_TRUE(reason_to_keep(old, other, {"a.example"}));
}

// Only the administrator's settings know its password.
TEST_F(PortCertificates, AKeyThatNeedsAPasswordIsBelieved) {
  const auto old = load({.name = "a.example"}, "a");
  folder.write("a.key", pem(make_ec_key(), "secret"));
  EXPECT_FALSE(reason_to_keep(old, load({.name = "b.example"}, "b"), {"a.example"}));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
