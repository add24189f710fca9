#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"

namespace apr::kernels {
namespace {

TEST(Dispatch, ScalarComesLastAndRunsEverywhere) {
  const IsaRow& last = all_isas().back();
  EXPECT_EQ(last.kernels->name, "scalar");
  EXPECT_TRUE(last.supported());
  EXPECT_EQ(&choose_kernels("scalar"), last.kernels);
}

TEST(Dispatch, ChoosesTheFirstSupported) {
  for (const IsaRow& row : all_isas()) {
    if (!row.supported()) continue;
    EXPECT_EQ(&choose_kernels(), row.kernels);
    return;
  }
}

TEST(Dispatch, EveryRowIsCompleteAndHasItsOwnName) {
  std::set<std::string_view> names;
  for (const IsaRow& row : all_isas()) {
    const Kernels& k = *row.kernels;
    EXPECT_TRUE(names.insert(k.name).second) << k.name;
    for (auto product : k.product) EXPECT_NE(product, nullptr) << k.name;
    EXPECT_TRUE(k.quantise && k.rms_norm && k.silu_mul && k.softmax && k.add && k.add_scaled && k.store_key &&
                k.store_value && k.attend && k.attend_join && k.attend_finish);
  }
}

/// The error of choosing `name`.
Error error_of(std::string_view name) {
  try {
    choose_kernels(name);
  } catch (const Error& e) {
    return e;
  }
  return {ErrorCode::Internal, "nothing was thrown"};
}

TEST(Dispatch, ANameGivesThoseKernelsOrSaysThatTheCpuLacksThem) {
  for (const IsaRow& row : all_isas()) {
    if (row.supported()) {
      EXPECT_EQ(&choose_kernels(row.kernels->name), row.kernels);
      continue;
    }
    const Error e = error_of(row.kernels->name);
    EXPECT_EQ(e.code(), ErrorCode::UnsupportedOperation);
    EXPECT_NE(std::string(e.what()).find(row.kernels->name), std::string::npos) << e.what();
  }
}

TEST(Dispatch, AnUnknownNameIsAUsageErrorThatListsTheNames) {
  for (const char* name : {"sse9", "AVX2", "avx", " "}) {
    const Error e = error_of(name);
    EXPECT_EQ(e.code(), ErrorCode::Usage);
    EXPECT_NE(std::string(e.what()).find(name), std::string::npos);
    for (const IsaRow& row : all_isas())
      EXPECT_NE(std::string(e.what()).find(row.kernels->name), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace apr::kernels
