#pragma once
#include <optional>
#include <string>

#include "sampling/grammar/rules.h"

namespace apr::grammar {

/// The size of a decimal number: digits before the point without leading zeros ("0" for none), and digits after it
/// without trailing zeros.
struct Decimal {
  bool negative = false;
  std::string whole = "0", fraction = {};
};
/// needs: a number as JSON writes it, such as -12.5e-3. nullopt beyond 10^300.
std::optional<Decimal> decimal(std::string_view json_number);
/// -1, 0, 1. Both zeros are equal.
int compare(const Decimal& a, const Decimal& b);

/// What a number may be.
struct NumberBounds {
  struct Bound {
    Decimal at;
    bool open;  ///< the bound itself is out
  };
  bool integer = false;
  std::optional<Bound> least, most;
  uint64_t multiple_of = 0;  ///< 0: of nothing in particular
};

/// Numbers as JSON text. Without bounds: integers of up to 18 digits; others with up to 15 digits on each side of the
/// point and an exponent of two digits. With bounds: up to 15 digits in all (and the bound's own), no exponent, so that
/// whoever reads them as doubles sees them within the bounds, too.
///
/// errors  UnsupportedOperation for multiples within bounds that leave too many of them; `where` begins the message
Expr numbers(const NumberBounds& bounds, const std::string& where, Rules& rules);

}  // namespace apr::grammar
