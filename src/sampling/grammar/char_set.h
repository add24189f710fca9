#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace apr::grammar {

constexpr char32_t kLastChar = 0x10FFFF;

/// A set of characters: Unicode scalar values, so never a surrogate.
class CharSet {
 public:
  struct Range {
    char32_t first, last;  ///< both included
    bool operator==(const Range&) const = default;
  };

  CharSet() = default;
  /// In any order, overlapping or not; surrogates are left out.
  explicit CharSet(std::vector<Range> ranges);
  static CharSet of(char32_t c) { return CharSet({{c, c}}); }
  static CharSet all() { return CharSet({{0, kLastChar}}); }

  CharSet operator|(const CharSet& other) const;
  CharSet operator&(const CharSet& other) const;
  CharSet operator~() const;
  bool operator==(const CharSet&) const = default;
  bool contains(char32_t c) const;
  bool contains(const CharSet& other) const { return (other & *this) == other; }
  bool empty() const { return ranges_.empty(); }
  /// Sorted, apart, and as few as can be.
  std::span<const Range> ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

/// Bytes that follow each other, each out of a range: what the UTF-8 of some characters looks like.
struct ByteRange {
  uint8_t first, last;
};
using Utf8Pattern = std::vector<ByteRange>;

/// Patterns of 1 to 4 bytes that together match the UTF-8 of these characters and nothing else.
/// source  the Unicode Standard 15, table 3-7 (well-formed UTF-8)
std::vector<Utf8Pattern> utf8_patterns(const CharSet& chars);

/// UTF-8. needs: a scalar value
std::string utf8(char32_t c);
/// The characters of a text; a byte that starts none is U+FFFD.
std::u32string characters(std::string_view text);

}  // namespace apr::grammar
