#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sampling/grammar/states.h"

namespace apr::fuzz {

/// Goes a few bytes through the rules, wherever the data says, and from each place all the way to an end: there is always
/// a byte that brings it nearer, by one.
inline void walk(const grammar::Rules& rules, const uint8_t* data, size_t size) {
  grammar::States states(std::make_shared<grammar::Program>(rules));
  grammar::States::Id state = states.start();
  for (size_t step = 0; step < 8 && step < size; ++step) {
    grammar::States::Id end = state;
    for (unsigned steps = 0; states.distance(end) > 0 && steps < 64; ++steps) {
      grammar::States::Id nearer = grammar::States::kDead;
      for (unsigned b = 0; b < 256; ++b) {
        const auto next = states.next(end, uint8_t(b));
        if (next == grammar::States::kDead) continue;
        if (states.distance(next) + 1 < states.distance(end)) __builtin_trap();
        if (states.distance(next) + 1 == states.distance(end)) nearer = next;
      }
      if (nearer == grammar::States::kDead) __builtin_trap();
      end = nearer;
    }
    for (unsigned k = 0; k < 256; ++k) {  // the first byte from the data's on that leads somewhere
      const auto next = states.next(state, uint8_t(data[step] + k));
      if (next == grammar::States::kDead) continue;
      state = next;
      break;
    }
  }
}

}  // namespace apr::fuzz
