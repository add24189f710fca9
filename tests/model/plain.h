#pragma once
// The decoders again, in double and straight from the papers: the truth that forward passes are held to. Shares no code
// with src/model or src/kernels; weights are decoded by quant::decode, which has tests of its own.
#include <random>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace apr::test {

/// What a plain pass imitates of the engine's arithmetic.
struct PlainOptions {
  bool half_cache = false;   ///< keys and values are rounded to IEEE halves, as in a KvType::F16 cache
  bool int8_inputs = false;  ///< inputs of quantised matrices are rounded to int8 codes per 32, as the engine does
  /// 0: exact. Otherwise each verb's result is moved at random by up to the error that f32 arithmetic may make there.
  unsigned noise_seed = 0;
};

/// A model file read for plain passes.
class Plain {
 public:
  explicit Plain(const gguf::File& file);
  /// Logits of every position: [T][V].
  std::vector<std::vector<double>> logits(std::span<const int> tokens, const PlainOptions& options = {}) const;

  using Row = std::vector<double>;
  struct Matrix {
    int rows = 0, columns = 0;
    bool quantised = false;
    std::vector<double> w;  ///< [rows, columns]
    explicit operator bool() const { return rows > 0; }
  };
  struct Expert {
    Matrix gate, up, down;
  };
  struct Layer {
    Row attn_norm, ffn_norm, q_norm, k_norm, q_bias, k_bias, v_bias;
    Matrix q, k, v, o, router;
    std::vector<Expert> experts;  ///< one, and no router, in dense models
  };

 private:
  friend class PlainPass;
  Matrix matrix(const gguf::File& file, const std::string& name, int index = 0) const;
  Row vector(const gguf::File& file, const std::string& name) const;
  Layer layer(const gguf::File& file, const std::string& prefix) const;

  std::string architecture_;
  int heads_ = 0, kv_heads_ = 0, d_ = 0, kept_ = 0;
  double eps_ = 0, theta_ = 0;
  bool neighbours_ = false;
  Matrix embed_, out_;
  Row out_norm_, factors_;
  std::vector<Layer> layers_;
};

}  // namespace apr::test
