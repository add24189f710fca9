#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace apr::engine {

/// What forward passes of 1, 2, 4 and 8 tokens take, each as the median of its last few measurements, so that one
/// hiccup of the machine changes nothing.
///
/// units   any time unit, the same for all; age in passes
/// errors  none
/// threads one user at a time
class PassCosts {
 public:
  static constexpr int kSizes = 4;  ///< 1, 2, 4, 8 tokens
  static constexpr int kMost = 1 << (kSizes - 1);

  void add(int tokens, double time);  ///< needs: tokens is one of the sizes
  /// The cost of a pass in passes of one token: measured, or guessed from the next smaller one.
  double ratio(int tokens) const;
  /// The same; one that was not measured counts as two of the next smaller, which it cannot exceed.
  double at_most(int tokens) const;
  /// Passes of one token are known well enough to compare with: measured often enough, and not long ago.
  bool comparable() const;

 private:
  static constexpr int kKept = 5, kStale = 128, kPlainEvery = 16;
  struct Size {
    std::array<double, kKept> times{};
    int count = 0, next = 0;
    uint64_t last = 0;  ///< pass in which it was measured last
    double median = 0;
  };
  static int index_of(int tokens);
  std::array<Size, kSizes> sizes_{};
  uint64_t passes_ = 0;
};

/// Decides how many guesses a pass should verify: as many as give the most tokens for the time, and none where plain
/// decoding is as fast.
///
/// How likely a guess is right is learned from every token, also those that were decoded plainly: what would have been
/// guessed is compared with what came. So guessing starts only once it would have been right.
///
/// Passes are also held to a budget: however wrong the guesses, the tokens so far have taken at most kMostLoss more
/// time than plain decoding, and kFirstTry more passes.
///
/// units   costs in passes of one token
/// errors  none
/// threads one user at a time
class DraftPolicy {
 public:
  explicit DraftPolicy(const PassCosts& costs);
  /// A token came. match: length of the match its guess was taken from (0: there was none); right: it was guessed.
  void came(int match, bool right);
  /// 0, 1, 3 or 7, and at most `most`.
  int guesses(int match, int most) const;
  /// A pass with so many guesses is run.
  void verified(int guesses);
  /// One of them was right, so that its token needs no pass.
  void accepted();

 private:
  static constexpr double kMostLoss = 0.025;  ///< below the 3 % that are promised: clocks are not exact
  static constexpr double kFirstTry = 0.6;    ///< plain passes that finding out the first cost may take
  static constexpr double kLeastGain = 1.02;  ///< tokens per time, against plain decoding
  static constexpr double kMostCredit = 8;    ///< what was gained long ago does not pay for losses now
  static constexpr double kMemory = 31.0 / 32;
  static constexpr int kClasses = 6;
  struct Class {
    double right, tried;
  };
  static int class_of(int match);

  const PassCosts& costs_;
  std::array<Class, kClasses> classes_;
  double balance_ = kFirstTry;  ///< plain passes saved so far, with the allowed loss added for each token
};

}  // namespace apr::engine
