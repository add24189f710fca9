#include "chat/jinja/text.h"

#include <gtest/gtest.h>

namespace apr::chat::jinja {
namespace {

TEST(JinjaText, SlicesKeepOrigins) {
  Text t("abc", Origin::Markup);
  t.append("def", Origin::Text);
  t.append("ghi", Origin::Text);
  t.append("jkl", Origin::Markup);
  for (size_t from = 0; from <= t.size(); ++from) {
    for (size_t to = from; to <= t.size(); ++to) {
      const Text s = t.slice(from, to);
      EXPECT_EQ(s.str(), t.str().substr(from, to - from));
      for (size_t i = 0; i < s.size(); ++i) EXPECT_EQ(s.origin_at(i), t.origin_at(from + i));
    }
  }
}

TEST(JinjaText, CharactersOfBrokenUtf8AreItsBytes) {
  const std::string broken = "a\xff\xc3(\xe2\x82x\xe2\x82\xac";
  size_t n = 0;
  for (size_t at = 0; at < broken.size(); at = next_char(broken, at)) ++n;
  EXPECT_EQ(n, count_chars(broken));
  EXPECT_EQ(n, 8u);
  size_t back = 0;
  for (size_t at = broken.size(); at > 0; at = previous_char(broken, at)) ++back;
  EXPECT_EQ(back, n);
}

}  // namespace
}  // namespace apr::chat::jinja
