#include "tokenizer/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace apr::tokenizer {
namespace {

using Text = std::string;

/// A random vocabulary over a few letters. Its merges stand in any order, so that a merge may come before those that
/// make its parts: trained vocabularies never look so, and the algorithm must not lean on it.
struct RandomMerges {
  std::array<Token, 256> bytes;
  std::vector<Text> texts;                        // token -> text
  std::vector<std::pair<Token, Token>> in_order;  // by rank
  MergeTable table;

  RandomMerges(std::mt19937& random, int letters, int count, bool shuffled);
};

RandomMerges::RandomMerges(std::mt19937& random, int letters, int count, bool shuffled)
    : table(static_cast<size_t>(count)) {
  for (int byte = 0; byte < 256; ++byte) {
    bytes[byte] = byte;
    texts.emplace_back(1, static_cast<char>(byte));
  }
  std::vector<Token> used;
  for (int i = 0; i < letters; ++i) used.push_back('a' + i);
  std::map<Text, Token> ids;
  std::set<std::pair<Token, Token>> seen;
  for (int tries = 0; tries < 50 * count && static_cast<int>(in_order.size()) < count; ++tries) {
    const Token left = used[random() % used.size()], right = used[random() % used.size()];
    const Text whole = texts[left] + texts[right];
    if (whole.size() > 12 || !seen.insert({left, right}).second) continue;
    if (ids.try_emplace(whole, static_cast<Token>(texts.size())).second) {
      used.push_back(static_cast<Token>(texts.size()));
      texts.push_back(whole);
    }
    in_order.emplace_back(left, right);
  }
  if (shuffled) std::shuffle(in_order.begin(), in_order.end(), random);
  for (const auto& [left, right] : in_order) table.add(left, right, ids.at(texts[left] + texts[right]));
}

/// The definition, word for word: look at all pairs, join the best, the leftmost of equals; again.
std::vector<Token> merge_naively(const RandomMerges& merges, const Text& piece) {
  std::vector<Token> tokens;
  for (const char c : piece) tokens.push_back(static_cast<uint8_t>(c));
  for (;;) {
    size_t best_rank = merges.in_order.size(), best_at = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto found = std::ranges::find(merges.in_order, std::pair(tokens[i], tokens[i + 1]));
      const auto rank = static_cast<size_t>(found - merges.in_order.begin());
      if (rank < best_rank) {
        best_rank = rank;
        best_at = i;
      }
    }
    if (best_rank == merges.in_order.size()) return tokens;
    const Text whole = merges.texts[tokens[best_at]] + merges.texts[tokens[best_at + 1]];
    tokens[best_at] = static_cast<Token>(std::ranges::find(merges.texts, whole) - merges.texts.begin());
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

TEST(Merge, EqualsTheNaiveMergeOnRandomInputs) {
  std::mt19937 random(20240611);
  for (int round = 0; round < 400; ++round) {
    const int letters = 1 + static_cast<int>(random() % 4);
    const RandomMerges merges(random, letters, 1 + static_cast<int>(random() % 40), round % 2 == 1);
    Merger merger(merges.table, merges.bytes);
    for (const size_t length : {1, 2, 3, 7, 20, 47, 48, 49, 50, 51, 60, 100, 180}) {
      Text piece;
      for (size_t i = 0; i < length; ++i) piece.push_back(static_cast<char>('a' + random() % letters));
      std::vector<Token> tokens;
      merger.append(piece, tokens);
      ASSERT_EQ(tokens, merge_naively(merges, piece)) << "round " << round << ", piece " << piece;
    }
  }
}

TEST(Merge, EqualPairsJoinFromTheLeft) {
  std::array<Token, 256> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes[byte] = byte;
  MergeTable table(1);
  table.add('a', 'a', 256);
  Merger merger(table, bytes);
  std::vector<Token> tokens;
  merger.append("aaaaa", tokens);
  EXPECT_EQ(tokens, (std::vector<Token>{256, 256, 'a'}));
  tokens.clear();
  merger.append(Text(1001, 'a'), tokens);
  ASSERT_EQ(tokens.size(), 501u);
  EXPECT_EQ(tokens.front(), 256);
  EXPECT_EQ(tokens.back(), 'a');
}

TEST(Merge, ARepeatedPairKeepsItsFirstRank) {
  MergeTable table(3);
  table.add('a', 'b', 300);
  table.add('b', 'c', 301);
  table.add('a', 'b', 302);
  EXPECT_EQ(table.rank('a', 'b'), 0u);
  EXPECT_EQ(table.rank('b', 'c'), 1u);
  EXPECT_EQ(table.rank('c', 'b'), MergeTable::kNone);
  EXPECT_EQ(table.whole(0), 300);
}

TEST(Merge, AMegabyteWordComesBack) {
  // A quadratic merge would take hours here.
  std::mt19937 random(7);
  const RandomMerges merges(random, 4, 40, false);
  Text piece;
  for (int i = 0; i < 1'000'000; ++i) piece.push_back(static_cast<char>('a' + random() % 4));
  Merger merger(merges.table, merges.bytes);
  std::vector<Token> tokens;
  merger.append(piece, tokens);
  Text back;
  for (const Token token : tokens) back += merges.texts[token];
  EXPECT_TRUE(back == piece);
}

}  // namespace
}  // namespace apr::tokenizer
