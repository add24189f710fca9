#include "sampling/grammar/numbers.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/error.h"

namespace apr::grammar {
namespace {

constexpr size_t kDigits = 15;         ///< that a double tells apart for certain
constexpr size_t kIntegerDigits = 18;  ///< that fit 64 bits for certain
constexpr int64_t kLargest = 999'999'999'999'999'999;
constexpr int64_t kMostMultiples = 4096;
constexpr uint64_t kLargestDivisor = 1000;

Expr digits_from_to(char first, char last) {
  return first > last ? nothing() : chars(CharSet({{char32_t(first), char32_t(last)}}));
}
Expr digit() { return digits_from_to('0', '9'); }
Expr digits(size_t most) { return repeat(digit(), 0, uint32_t(most)); }

/// Texts of as many digits as `least` and `most` have, from the one to the other. An empty optional is no bound.
Expr same_length(std::string_view least, std::string_view most, bool bounded_below, bool bounded_above) {
  const size_t n = least.size();
  if (n == 0) return empty();
  if (!bounded_below && !bounded_above) return repeat(digit(), uint32_t(n), uint32_t(n));
  const char low = bounded_below ? least[0] : '0', high = bounded_above ? most[0] : '9';
  auto rest = [&](bool below, bool above) { return same_length(least.substr(1), most.substr(1), below, above); };
  if (low == high) return sequence({digits_from_to(low, low), rest(bounded_below, bounded_above)});
  std::vector<Expr> ways;
  const char first_free = char(low + (bounded_below ? 1 : 0)), last_free = char(high - (bounded_above ? 1 : 0));
  if (bounded_below) ways.push_back(sequence({digits_from_to(low, low), rest(true, false)}));
  if (first_free <= last_free) ways.push_back(sequence({digits_from_to(first_free, last_free), rest(false, false)}));
  if (bounded_above) ways.push_back(sequence({digits_from_to(high, high), rest(false, true)}));
  return choice(std::move(ways));
}

/// Whole numbers without a sign.
Expr whole_between(int64_t least, int64_t most) {
  std::vector<Expr> ways;
  for (int64_t first = least; first <= most;) {
    int64_t of_this_length = 9;
    while (of_this_length < first) of_this_length = of_this_length * 10 + 9;
    const int64_t last = std::min(most, of_this_length);
    ways.push_back(same_length(std::to_string(first), std::to_string(last), true, true));
    first = last + 1;
  }
  return choice(std::move(ways));
}

Expr integers_between(int64_t least, int64_t most) {
  std::vector<Expr> ways;
  if (least < 0) ways.push_back(sequence({bytes("-"), whole_between(std::max<int64_t>(1, -most), -least)}));
  if (most >= 0) ways.push_back(whole_between(std::max<int64_t>(0, least), most));
  return choice(std::move(ways));
}

/// The whole number next to a bound that is within it.
int64_t whole_bound(const std::optional<NumberBounds::Bound>& bound, bool below) {
  if (!bound) return below ? -kLargest : kLargest;
  const Decimal& d = bound->at;
  int64_t n = kLargest;
  if (d.whole.size() <= kIntegerDigits) std::from_chars(d.whole.data(), d.whole.data() + d.whole.size(), n);
  if (d.negative) n = -n;
  const bool between = !d.fraction.empty();
  if (below) return n + (between ? (d.negative ? 0 : 1) : bound->open ? 1 : 0);
  return n - (between ? (d.negative ? 1 : 0) : bound->open ? 1 : 0);
}

/// All multiples, by the remainder of what has been written so far.
Expr multiples(uint64_t divisor, bool zero, bool sign, Rules& rules) {
  std::vector<int> after;
  for (uint64_t r = 0; r < divisor; ++r) after.push_back(rules.add("multiple"));
  auto step = [&](uint64_t remainder, char first) {
    std::vector<Expr> ways;
    for (char d = first; d <= '9'; ++d) {
      const uint64_t next = (remainder * 10 + uint64_t(d - '0')) % divisor;
      ways.push_back(sequence({bytes({&d, 1}), rule(after[next])}));
    }
    return ways;
  };
  for (uint64_t r = 0; r < divisor; ++r) {
    std::vector<Expr> ways = step(r, '0');
    if (r == 0) ways.push_back(empty());
    rules.define(after[r], choice(std::move(ways)));
  }
  const Expr magnitude = choice(step(0, '1'));
  std::vector<Expr> ways = {magnitude};
  if (sign) ways.push_back(sequence({bytes("-"), magnitude}));
  if (zero) ways.push_back(bytes("0"));
  return choice(std::move(ways));
}

Expr integers(const NumberBounds& bounds, const std::string& where, Rules& rules) {
  const int64_t least = whole_bound(bounds.least, true), most = whole_bound(bounds.most, false);
  if (least > most) return nothing();
  if (bounds.multiple_of <= 1) return integers_between(least, most);
  const auto divisor = int64_t(std::min<uint64_t>(bounds.multiple_of, uint64_t(kLargest)));
  int64_t first = least / divisor * divisor;
  if (first < least) first += divisor;
  if (first > most) return nothing();
  if ((most - first) / divisor < kMostMultiples) {
    std::vector<Expr> ways;
    for (int64_t n = first; n <= most; n += divisor) ways.push_back(bytes(std::to_string(n)));
    return choice(std::move(ways));
  }
  const bool from_zero = bounds.least && (least == 0 || least == 1);
  if (bounds.multiple_of > kLargestDivisor || bounds.most || (bounds.least && !from_zero)) {
    fail(ErrorCode::UnsupportedOperation,
         "{}: multiples of {} between these bounds are too many to list, and no other way is built; leave multipleOf "
         "out, "
         "or narrow the bounds",
         where, bounds.multiple_of);
  }
  return multiples(bounds.multiple_of, least <= 0, !bounds.least, rules);
}

/// What may stand behind the digits before the point: a fraction between two bounds of the same whole part.
class Fractions {
 public:
  struct Edge {
    bool there;
    std::string_view digits;
    bool open;
  };
  Fractions(Edge least, Edge most, size_t room) : least_(least), most_(most), room_(room) {}

  Expr build() const {
    const Expr some = sequence({bytes("."), next_digit(0, least_.there, most_.there)});
    return may_end(0, least_.there, most_.there) ? choice({empty(), some}) : some;
  }

 private:
  static char at(std::string_view digits, size_t i) { return i < digits.size() ? digits[i] : '0'; }

  /// Whether the digits so far, all equal to those bounds that still bind, may be all.
  bool may_end(size_t i, bool low, bool high) const {
    if (low && (i < least_.digits.size() || least_.open)) return false;
    return !(high && i >= most_.digits.size() && most_.open);
  }
  Expr after(size_t i, bool low, bool high) const {
    const size_t left = room_ > i ? room_ - i : 0;
    if (!low && !high) return digits(left);
    const bool beyond = (!low || i >= least_.digits.size()) && (!high || i >= most_.digits.size());
    if (beyond && high) return most_.open || (low && least_.open) ? nothing() : repeat(bytes("0"), 0, 1);
    if (beyond) {  // equal to the lower bound so far
      if (!least_.open) return digits(left);
      return sequence({repeat(bytes("0"), 0, uint32_t(left)), digits_from_to('1', '9'), digits(left)});
    }
    const Expr more = next_digit(i, low, high);
    return may_end(i, low, high) ? choice({empty(), more}) : more;
  }
  Expr next_digit(size_t i, bool low, bool high) const {
    const char first = low ? at(least_.digits, i) : '0', last = high ? at(most_.digits, i) : '9';
    auto one = [&](char d, bool still_low, bool still_high) {
      return sequence({digits_from_to(d, d), after(i + 1, still_low, still_high)});
    };
    if (low && high && first == last) return one(first, true, true);
    std::vector<Expr> ways;
    if (low) ways.push_back(one(first, true, false));
    if (high) ways.push_back(one(last, false, true));
    const char free_first = char(first + (low ? 1 : 0)), free_last = char(last - (high ? 1 : 0));
    if (free_first <= free_last)
      ways.push_back(sequence({digits_from_to(free_first, free_last), after(i + 1, false, false)}));
    return choice(std::move(ways));
  }

  Edge least_, most_;
  size_t room_;
};

/// Numbers without a sign, from one size to the other.
Expr sizes_between(const NumberBounds::Bound& least, const NumberBounds::Bound& most) {
  const int order = compare(least.at, most.at);
  if (order > 0 || (order == 0 && (least.open || most.open))) return nothing();
  int64_t first = 0, last = 0;
  std::from_chars(least.at.whole.data(), least.at.whole.data() + least.at.whole.size(), first);
  std::from_chars(most.at.whole.data(), most.at.whole.data() + most.at.whole.size(), last);
  const size_t room = kDigits > most.at.whole.size() ? kDigits - most.at.whole.size() : 1;
  const Fractions::Edge low{true, least.at.fraction, least.open}, high{true, most.at.fraction, most.open};
  const Fractions::Edge none{false, {}, false};
  auto number = [&](int64_t from, int64_t to, Fractions::Edge above, Fractions::Edge below) {
    return sequence({whole_between(from, to), Fractions(above, below, room).build()});
  };
  if (first == last) return number(first, last, low, high);
  std::vector<Expr> ways = {number(first, first, low, none)};
  if (last - first > 1) ways.push_back(number(first + 1, last - 1, none, none));
  ways.push_back(number(last, last, none, high));
  return choice(std::move(ways));
}

Expr any_number() {
  const Expr whole = choice({bytes("0"), sequence({digits_from_to('1', '9'), digits(kDigits - 1)})});
  const Expr fraction = sequence({bytes("."), repeat(digit(), 1, uint32_t(kDigits))});
  const Expr sign = choice({empty(), bytes("+"), bytes("-")});
  const Expr exponent = sequence({choice({bytes("e"), bytes("E")}), sign, repeat(digit(), 1, 2)});
  return sequence({maybe(bytes("-")), whole, maybe(fraction), maybe(exponent)});
}

}  // namespace

std::optional<Decimal> decimal(std::string_view text) {
  Decimal d;
  size_t i = 0;
  if (i < text.size() && text[i] == '-') d.negative = true, ++i;
  std::string all;
  ptrdiff_t point = -1;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.')
      point = ptrdiff_t(all.size());
    else
      all += text[i];
  }
  if (point < 0) point = ptrdiff_t(all.size());
  if (i < text.size()) {
    ++i;
    if (i < text.size() && text[i] == '+') ++i;
    int exponent = 0;
    std::from_chars(text.data() + i, text.data() + text.size(), exponent);
    if (exponent < -300 || exponent > 300) return std::nullopt;
    point += exponent;
  }
  if (point > 300) return std::nullopt;
  if (point < 0) {
    all.insert(0, size_t(-point), '0');
    point = 0;
  }
  if (point > ptrdiff_t(all.size())) all.append(size_t(point) - all.size(), '0');
  d.whole = all.substr(0, size_t(point));
  d.fraction = all.substr(size_t(point));
  d.whole.erase(0, std::min(d.whole.find_first_not_of('0'), d.whole.size()));
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  if (d.whole.empty()) d.whole = "0";
  return d;
}

int compare(const Decimal& a, const Decimal& b) {
  auto size = [](const Decimal& x, const Decimal& y) {
    if (x.whole.size() != y.whole.size()) return x.whole.size() < y.whole.size() ? -1 : 1;
    const int whole = x.whole.compare(y.whole);
    const int order = whole != 0 ? whole : x.fraction.compare(y.fraction);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  };
  auto zero = [](const Decimal& x) { return x.whole == "0" && x.fraction.empty(); };
  const bool a_below = a.negative && !zero(a), b_below = b.negative && !zero(b);
  if (a_below != b_below) return a_below ? -1 : 1;
  return a_below ? size(b, a) : size(a, b);
}

Expr numbers(const NumberBounds& bounds, const std::string& where, Rules& rules) {
  if (bounds.integer || bounds.multiple_of > 0) return integers(bounds, where, rules);
  if (!bounds.least && !bounds.most) return any_number();
  const NumberBounds::Bound zero{{}, false};
  const NumberBounds::Bound largest{{false, std::string(kDigits, '9'), {}}, false};
  const NumberBounds::Bound least = bounds.least.value_or(NumberBounds::Bound{{true, largest.at.whole, {}}, false});
  const NumberBounds::Bound most = bounds.most.value_or(largest);
  if (least.at.whole.size() > kIntegerDigits || most.at.whole.size() > kIntegerDigits) {
    fail(ErrorCode::UnsupportedOperation, "{}: bounds beyond 10^{} are not built; leave them out", where,
         kIntegerDigits);
  }
  std::vector<Expr> ways;
  auto mirrored = [](NumberBounds::Bound b) {
    b.at.negative = !b.at.negative;
    return b;
  };
  if (compare(least.at, zero.at) < 0) {
    const int side = compare(most.at, zero.at);
    const NumberBounds::Bound smallest = side < 0 ? mirrored(most) : NumberBounds::Bound{{}, side == 0 && most.open};
    ways.push_back(sequence({bytes("-"), sizes_between(smallest, mirrored(least))}));
  }
  if (compare(most.at, zero.at) >= 0)
    ways.push_back(sizes_between(compare(least.at, zero.at) < 0 ? zero : least, most));
  return choice(std::move(ways));
}

}  // namespace apr::grammar
