#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace apr {
namespace {

constexpr ErrorCode kAll[] = {
    ErrorCode::Internal, ErrorCode::Usage,   ErrorCode::Io,     ErrorCode::BadFile, ErrorCode::UnsupportedOperation,
    ErrorCode::BadModel, ErrorCode::Context, ErrorCode::Memory, ErrorCode::BadInput,
    ErrorCode::Template};

TEST(Error, EveryCodeHasItsOwnNameAndExitCode) {
  std::set<std::string> names;
  std::set<int> numbers;
  for (ErrorCode code : kAll) {
    EXPECT_TRUE(names.insert(std::string(name_of(code))).second) << name_of(code);
    EXPECT_TRUE(numbers.insert(int(code)).second) << int(code);
    EXPECT_GT(int(code), 0);
    EXPECT_LT(int(code), 126);  // 126 and up mean something to shells
  }
}

TEST(Error, NamesAndNumbersAreAContract) {
  EXPECT_EQ(name_of(ErrorCode::Usage), "Usage");
  EXPECT_EQ(int(ErrorCode::Usage), 2);
  EXPECT_EQ(name_of(ErrorCode::BadFile), "BadFile");
  EXPECT_EQ(int(ErrorCode::BadFile), 4);
  EXPECT_EQ(name_of(ErrorCode::UnsupportedOperation), "UnsupportedOperation");
  EXPECT_EQ(int(ErrorCode::UnsupportedOperation), 5);
  EXPECT_EQ(name_of(ErrorCode(99)), "Internal");
}

TEST(Error, FailThrowsTheFormattedSentence) {
  try {
    fail(ErrorCode::Context, "{} tokens do not fit {}", 7, "here");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::Context);
    EXPECT_STREQ(e.what(), "7 tokens do not fit here");
    return;
  }
  FAIL() << "fail() returned";
}

}  // namespace
}  // namespace apr
