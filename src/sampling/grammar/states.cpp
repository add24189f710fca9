#include "sampling/grammar/states.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"

namespace apr::grammar {
namespace {

constexpr uint64_t mix(uint64_t h, uint64_t value) {
  h = (h ^ value) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}
constexpr uint64_t place(int32_t node, int32_t frame) { return uint64_t(uint32_t(node)) << 32 | uint32_t(frame); }
constexpr int32_t node_of(uint64_t place) { return int32_t(place >> 32); }
constexpr int32_t frame_of(uint64_t place) { return int32_t(uint32_t(place)); }

/// Stands among the places for "the text may end here".
constexpr uint64_t kEnd = UINT64_MAX;

}  // namespace

size_t States::FrameHash::operator()(const Frame& f) const {
  return size_t(mix(mix(uint64_t(uint32_t(f.below)) << 32 | uint32_t(f.node), f.turns), 1));
}

size_t States::PlacesHash::operator()(const std::vector<Place>& places) const {
  uint64_t h = places.size();
  for (const Place p : places) h = mix(h, p);
  return size_t(h);
}

/// Follows everything that takes no byte, until only places that take one are left.
class States::Closure {
 public:
  explicit Closure(States& states) : states_(states), program_(*states.program_) {}

  void add(int32_t node, int32_t frame) {
    open_.push_back(place(node, frame));
    while (!open_.empty()) {
      const Place p = open_.back();
      open_.pop_back();
      if (seen_.insert(p).second) follow(node_of(p), frame_of(p));
      if (seen_.size() > kMostPlaces) {
        fail(ErrorCode::BadInput,
             "grammar: it can be read in more than {} ways at once; write it so that what comes next tells more",
             kMostPlaces);
      }
    }
  }

  std::vector<Place> places;
  Distance distance = kNever;

  Run run() const {
    Run run = run_;
    run.whole = loops_ == 1 && only_ && std::all_of(places.begin(), places.end(), [&](Place p) {
                  if (p == kEnd || frame_of(p) == turn_) return true;
                  const Node& n = program_.node(node_of(p));
                  for (unsigned b = n.first; b <= n.last; ++b) {
                    if (can_begin_plain(uint8_t(b))) return false;
                  }
                  return true;
                });
    return run;
  }

 private:
  void follow(int32_t node, int32_t frame) {
    const Distance here = plus(program_.distance(node), states_.distance_below(frame));
    if (here == kNever) return;  // no way out: not to be entered at all
    const Node& n = program_.node(node);
    switch (n.op) {
      case Node::Op::Byte:
        places.push_back(place(node, frame));
        distance = std::min(distance, here);
        return;
      case Node::Op::Split:
        for (int32_t i = n.b; i-- > 0;) open_.push_back(place(program_.target(n.a + i), frame));
        return;
      case Node::Op::Jump:
        open_.push_back(place(program_.start(n.a), frame));
        return;
      case Node::Op::Call:
        open_.push_back(place(program_.start(n.a), states_.push({frame, n.b, 0})));
        return;
      case Node::Op::Loop:
        return head(n.a, 0, frame);
      case Node::Op::LoopEnd: {
        const Frame turn = states_.frames_[size_t(frame)];
        return head(n.a, turn.turns + 1, turn.below);
      }
      case Node::Op::Return: {
        if (frame < 0) {
          places.push_back(kEnd);
          distance = 0;
          return;
        }
        const Frame back = states_.frames_[size_t(frame)];
        open_.push_back(place(back.node, back.below));
        return;
      }
    }
  }

  /// At the head of a loop, after some turns.
  void head(int32_t number, uint32_t turns, int32_t frame) {
    const Loop& loop = program_.loop(number);
    if (loop.most == Expr::kEndless) turns = std::min(turns, loop.least);  // beyond that all turns are alike
    if (program_.distance(loop.body) == 0) turns = std::max(turns, std::min(loop.least, loop.most));
    if (turns < loop.most) {
      const int32_t turn = states_.push({frame, ~number, turns});
      open_.push_back(place(loop.body, turn));
      if (loop.chars >= 0 && states_.distance_below(turn) != kNever) {
        const uint32_t most = loop.most == Expr::kEndless ? Expr::kEndless : loop.most - turns;
        if (loops_ == 0 || most > run_.most) run_ = {loop.chars, most, states_.distance_below(turn)};
        ++loops_;
        turn_ = turn;
        // Before the least number of turns, what follows the loop is not among the places.
        only_ = loop.only && (turns >= loop.least || !loop.ends_plain);
      }
    }
    if (turns >= loop.least) open_.push_back(place(loop.exit, frame));
  }

  States& states_;
  const Program& program_;
  std::vector<Place> open_;
  std::unordered_set<Place> seen_;
  Run run_;  // the longest
  int loops_ = 0;
  int32_t turn_ = -1;  // the frame of the last one, and whether its turns are single characters
  bool only_ = false;
};

States::States(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

int32_t States::push(Frame frame) {
  const auto [found, added] = by_frame_.try_emplace(frame, int32_t(frames_.size()));
  if (added) {
    frames_.push_back(frame);
    const Distance rest =
        frame.node < 0 ? program_->loop_distance(~frame.node, frame.turns + 1) : program_->distance(frame.node);
    frame_distances_.push_back(plus(rest, distance_below(frame.below)));
  }
  return found->second;
}

States::Id States::intern(Closure& closure) {
  if (closure.places.empty()) return kDead;
  std::sort(closure.places.begin(), closure.places.end());
  const auto [found, added] = by_places_.try_emplace(closure.places, Id(list_.size()));
  if (added) {
    const Run run = closure.run();
    list_.push_back({std::move(closure.places), closure.distance, run, {}});
    list_.back().next.fill(kUnknown);
  }
  return found->second;
}

States::Id States::start() {
  Closure closure(*this);
  closure.add(program_->root(), -1);
  return intern(closure);
}

/// Bytes that no place tells apart from this one lead to the same state: all of them are filled in.
States::Id States::find_next(Id id, uint8_t byte) {
  State& state = list_[size_t(id)];
  unsigned first = 0, last = 255;
  Closure closure(*this);
  for (const Place p : state.places) {
    if (p == kEnd) continue;
    const Node& n = program_->node(node_of(p));
    if (byte < n.first) {
      last = std::min(last, n.first - 1u);
    } else if (byte > n.last) {
      first = std::max(first, n.last + 1u);
    } else {
      first = std::max<unsigned>(first, n.first);
      last = std::min<unsigned>(last, n.last);
      closure.add(n.a, frame_of(p));
    }
  }
  const Id next = intern(closure);
  for (unsigned b = first; b <= last; ++b) state.next[b] = next;
  return next;
}

States::Id States::keep_only(Id id) {
  const State old = std::move(list_[size_t(id)]);
  const std::vector<Frame> frames = std::exchange(frames_, {});
  frame_distances_.clear();
  by_frame_.clear();
  by_places_.clear();
  list_.clear();
  Closure kept(*this);
  for (const Place p : old.places) {
    std::vector<int32_t> chain;
    for (int32_t f = frame_of(p); f >= 0; f = frames[size_t(f)].below) chain.push_back(f);
    int32_t below = -1;
    for (auto f = chain.rbegin(); f != chain.rend(); ++f)
      below = push({below, frames[size_t(*f)].node, frames[size_t(*f)].turns});
    kept.places.push_back(p == kEnd ? kEnd : place(node_of(p), below));
  }
  const Id now = intern(kept);
  State& state = list_[size_t(now)];
  state.distance = old.distance;
  state.run = old.run;
  return now;
}

}  // namespace apr::grammar
