#include "engine/ngram_index.h"

#include <gtest/gtest.h>

#include <random>

namespace apr::engine {
namespace {

NgramIndex index_of(const std::vector<Token>& tokens) {
  NgramIndex index(tokens.size());
  for (const Token t : tokens) index.append(t);
  return index;
}

std::vector<Token> guesses(const std::vector<Token>& tokens, size_t n) {
  const NgramIndex index = index_of(tokens);
  const NgramIndex::Match match = index.find();
  std::vector<Token> out(match.length > 0 ? n : 0);
  index.follow(match, out);
  return out;
}

/// Looks at every place, as the header says it.
NgramIndex::Match plain_find(const std::vector<Token>& tokens) {
  const size_t end = tokens.size();
  auto matching = [&](size_t place) {
    size_t n = 0;
    while (n < place && tokens[place - n - 1] == tokens[end - n - 1]) ++n;
    return int(n);
  };
  for (int n = NgramIndex::kLongest; n >= NgramIndex::kShortest; --n) {
    for (size_t place = end; place-- > 1;) {
      if (matching(place) >= n) return {place, std::min(matching(place), NgramIndex::kCompared)};
    }
  }
  return {};
}

TEST(NgramIndex, GuessesWhatFollowedBefore) {
  EXPECT_EQ(guesses({1, 2, 3, 4, 5, 6, 9, 1, 2}, 3), (std::vector<Token>{3, 4, 5}));
  EXPECT_EQ(guesses({1, 2, 3, 4}, 3), std::vector<Token>{});
  EXPECT_EQ(guesses({}, 3), std::vector<Token>{});
  EXPECT_EQ(guesses({7, 7}, 3), std::vector<Token>{});  // the last two are not before themselves
}

TEST(NgramIndex, PrefersTheLongerMatchThenTheLaterPlace) {
  EXPECT_EQ(guesses({1, 2, 3, 10, 2, 3, 11, 1, 2, 3}, 1), std::vector<Token>{10});
  EXPECT_EQ(guesses({2, 3, 10, 2, 3, 11, 5, 2, 3}, 1), std::vector<Token>{11});
}

TEST(NgramIndex, GuessesALoopAsALoop) {
  EXPECT_EQ(guesses({5, 8, 9, 8, 9, 8, 9}, 5), (std::vector<Token>{8, 9, 8, 9, 8}));
  EXPECT_EQ(guesses({4, 4, 4}, 4), (std::vector<Token>{4, 4, 4, 4}));
}

TEST(NgramIndex, LengthIsCountedUpToABound) {
  std::vector<Token> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back(i);
  for (int i = 0; i < 11; ++i) tokens.push_back(i);
  EXPECT_EQ(index_of(tokens).find().length, 11);
  for (int i = 11; i < 30; ++i) tokens.push_back(i);
  EXPECT_EQ(index_of(tokens).find().length, NgramIndex::kCompared);
}

/// Few enough different n-grams that none has to be forgotten.
TEST(NgramIndex, FindsWhatLookingEverywhereFinds) {
  std::mt19937 random(5);
  for (const unsigned letters : {2u, 3u, 6u}) {
    std::vector<Token> tokens;
    NgramIndex index(600);
    for (int i = 0; i < 600; ++i) {
      tokens.push_back(Token(random() % letters));
      index.append(tokens.back());
      const NgramIndex::Match found = index.find(), expected = plain_find(tokens);
      ASSERT_EQ(found.length, expected.length) << letters << " letters, token " << i;
      ASSERT_EQ(found.next, expected.next) << letters << " letters, token " << i;
    }
  }
}

/// What it forgets for lack of room may cost a guess, but what it finds is there, and most is found.
TEST(NgramIndex, RarelyForgets) {
  std::mt19937 random(6);
  std::vector<Token> tokens;
  for (int i = 0; i < 5000; ++i) tokens.push_back(Token(random() % 100000));
  NgramIndex index(10000);
  for (const Token t : tokens) index.append(t);
  size_t found = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    index.append(tokens[i]);
    const NgramIndex::Match match = index.find();
    found += match.length > 0 && match.next == i + 1;
  }
  EXPECT_GT(found, tokens.size() * 98 / 100);
}

}  // namespace
}  // namespace apr::engine
