#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "sampling/grammar/program.h"

namespace apr::grammar {

/// Where a program can be after some bytes: all the places at once, each with its stack. Made when first reached, and
/// remembered, so that a byte costs a look into a table from then on.
///
/// errors  BadInput where a grammar can be in too many places at once
/// threads one caller at a time
class States {
 public:
  using Id = int32_t;
  static constexpr Id kDead = -1;
  static constexpr size_t kMostPlaces = 50'000;

  explicit States(std::shared_ptr<const Program> program);

  Id start();
  /// The state after one more byte, or kDead.
  Id next(Id state, uint8_t byte) {
    const int32_t known = list_[size_t(state)].next[byte];
    return known != kUnknown ? known : find_next(state, byte);
  }
  /// Bytes, at least, to the end of a text that matches; 0: it may end here.
  Distance distance(Id state) const { return list_[size_t(state)].distance; }
  /// What a loop of characters takes here: any `most` characters of a class (Program::chars()), Expr::kEndless: any
  /// number of them. After whichever of them, `distance` is all that is left at most. `whole`: plain text that is
  /// longer, or has other characters in it, cannot follow.
  struct Run {
    int32_t chars = -1;  ///< -1: no loop is here
    uint32_t most = 0;
    Distance distance = 0;
    bool whole = false;
  };
  const Run& run(Id state) const { return list_[size_t(state)].run; }

  size_t size() const { return list_.size(); }
  /// Forgets all states but one, and says which it is now.
  Id keep_only(Id state);

 private:
  static constexpr int32_t kUnknown = -2;
  /// A node to go on at, above another frame. For loops: ~loop, and the turns done before this one.
  struct Frame {
    int32_t below, node;
    uint32_t turns;
    bool operator==(const Frame&) const = default;
  };
  struct FrameHash {
    size_t operator()(const Frame& f) const;
  };
  /// A node that takes a byte, and the stack it has.
  using Place = uint64_t;
  struct PlacesHash {
    size_t operator()(const std::vector<Place>& places) const;
  };
  struct State {
    std::vector<Place> places;  ///< sorted
    Distance distance;
    Run run;
    std::array<int32_t, 256> next;
  };
  class Closure;

  Id intern(Closure& closure);
  Id find_next(Id state, uint8_t byte);
  int32_t push(Frame frame);
  /// From where a frame stands to the end of the text, once what is above it is done.
  Distance distance_below(int32_t frame) const { return frame < 0 ? 0 : frame_distances_[size_t(frame)]; }

  std::shared_ptr<const Program> program_;
  std::deque<State> list_;  // so that states stay where they are
  std::unordered_map<std::vector<Place>, Id, PlacesHash> by_places_;
  std::vector<Frame> frames_;
  std::vector<Distance> frame_distances_;
  std::unordered_map<Frame, int32_t, FrameHash> by_frame_;
};

}  // namespace apr::grammar
