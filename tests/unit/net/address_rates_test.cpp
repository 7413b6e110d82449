#include "admission/address_rates.h"

#include <gtest/gtest.h>

#include "addresses.h"

namespace pubsub_mqtt::net {
namespace {

AddressPrefix prefix(std::uint32_t number) { return v4_address(number).prefix(); }

int take_all(AddressRates& rates, std::uint32_t address, Time now) {
  int taken = 0;
  while (rates.take(prefix(address), now)) ++taken;
  return taken;
}

TEST(AddressRatesTest, TenSecondsWorthAtOnceThenTheRate) {
  AddressRates rates(20);
  EXPECT_EQ(take_all(rates, 1, Time(0)), 200);
  EXPECT_EQ(take_all(rates, 1, Time(49)), 0);
  EXPECT_EQ(take_all(rates, 1, Time(50)), 1);
  EXPECT_EQ(take_all(rates, 1, Time(1050)), 20);
}

TEST(AddressRatesTest, MoreThanOneInAMillisecond) {
  AddressRates rates(3000);
  EXPECT_EQ(take_all(rates, 1, Time(0)), 30000);
  EXPECT_EQ(take_all(rates, 1, Time(1)), 3);
  EXPECT_EQ(take_all(rates, 1, Time(1001)), 3000);
}

TEST(AddressRatesTest, AReloadChangesTheRate) {
  AddressRates rates(1);
  EXPECT_EQ(take_all(rates, 1, Time(0)), 10);
  rates.set_rate(20);
  EXPECT_EQ(take_all(rates, 2, Time(0)), 200);
  EXPECT_EQ(take_all(rates, 1, Time(1000)), 20);
}

TEST(AddressRatesTest, EachAddressForItself) {
  AddressRates rates(1);
  EXPECT_EQ(take_all(rates, 1, Time(0)), 10);
  EXPECT_EQ(take_all(rates, 2, Time(0)), 10);
}

TEST(AddressRatesTest, RestDoesNotSaveMoreThanTheBucketTakes) {
  AddressRates rates(1);
  EXPECT_EQ(take_all(rates, 1, Time(0)), 10);
  EXPECT_EQ(take_all(rates, 1, Time(1000000)), 10);
}

// However the times lie to those when old addresses are forgotten.
TEST(AddressRatesTest, NobodyGetsMoreByBeingForgotten) {
  for (int step = 100; step < 12000; step += 700) {
    AddressRates rates(1);
    int taken = 0;
    Time now(0);
    for (; now < Time(60000); now += Time(step)) taken += take_all(rates, 1, now);
    EXPECT_LE(taken, 10 + 60) << step;
    EXPECT_GE(taken, step < 10000 ? 59 : 50) << step;
  }
}

TEST(AddressRatesTest, AddressesThatStayAwayAreForgotten) {
  AddressRates rates(1);
  for (std::uint32_t address = 0; address < 1000; ++address) rates.take(prefix(address), Time(0));
  EXPECT_EQ(rates.remembered(), 1000U);
  rates.expire(Time(10000));
  rates.expire(Time(20000));
  EXPECT_EQ(rates.remembered(), 0U);
}

TEST(AddressRatesTest, RemembersSoManyAddressesAndNoMore) {
  AddressRates rates(1);
  for (std::uint32_t address = 0; address < 5 * AddressRates::max_remembered; ++address) {
    EXPECT_TRUE(rates.take(prefix(address), Time(0)));
    ASSERT_LE(rates.remembered(), AddressRates::max_remembered);
  }
  EXPECT_GE(rates.remembered(), AddressRates::max_remembered / 2);
}

TEST(AddressRatesTest, WhoCameLastIsRememberedAmongMany) {
  AddressRates rates(1);
  const std::uint32_t many = AddressRates::max_remembered / 2 - 1;
  std::uint32_t other = 0;
  EXPECT_EQ(take_all(rates, 1000000, Time(0)), 10);
  for (int round = 0; round < 5; ++round) {
    for (std::uint32_t i = 0; i < many; ++i) rates.take(prefix(other++), Time(0));
    EXPECT_EQ(take_all(rates, 1000000, Time(0)), 0);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::net
