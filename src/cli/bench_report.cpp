#include "cli/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cli/model_flags.h"

namespace apr::cli {
namespace {

using engine::Figures;
using kernels::Step;

/// Middle, smallest and largest of some rates.
struct Spread {
  double median, least, most;
};
/// Tokens of all sequences per second.
Spread tokens_per_second(const Figures& f) {
  std::vector<double> rates;
  for (const double s : f.seconds) rates.push_back(f.all_tokens() / s);
  std::sort(rates.begin(), rates.end());
  const size_t n = rates.size();
  return {(rates[(n - 1) / 2] + rates[n / 2]) / 2, rates.front(), rates.back()};
}
Json to_json(const Spread& s) { return {{"median", s.median}, {"min", s.least}, {"max", s.most}}; }

/// What is counted of a measurement: bytes read, or the matrices' multiply-adds.
enum class Kind { Reading, Multiplying };

struct Rate {
  double per_second;  ///< at the median
  double of_roof;     ///< 1 = the machine can do no more
};
Rate rate_of(const Figures& f, Kind kind) {
  const double seconds = f.all_tokens() / tokens_per_second(f).median;
  const kernels::Work& w = f.work;
  if (kind == Kind::Reading) return {double(w.bytes()) / seconds, double(w.bytes()) / f.roofs.read / seconds};
  const double least = double(w.int8_macs) / f.roofs.int8_macs + double(w.float_macs) / f.roofs.float_macs;
  return {double(w.matrix_macs()) / seconds, least / seconds};
}

std::string label(const engine::Profile::Row& row) {
  static constexpr std::pair<std::string_view, const char*> kProjections[] = {
      {"attn_q.weight", "q, k and v projections"},
      {"attn_output.weight", "output projection"},
      {"ffn_gate_inp.weight", "router"},
      {"ffn_down.weight", "feed-forward down"},
      {"output.weight", "logits"},
      {"token_embd.weight", "logits"},
  };
  switch (row.step) {
    case Step::Embed:
      return "embedding";
    case Step::Norm:
      return "norms";
    case Step::HeadNorms:
      return "norms of heads";
    case Step::Round:
      return "activations to int8";
    case Step::Project:
      for (const auto& [weight, text] : kProjections) {
        if (row.weight == weight) return text;
      }
      return std::string(row.weight);
    case Step::Bias:
      return "biases";
    case Step::Angles:
      return "RoPE angles";
    case Step::Rope:
      return "RoPE";
    case Step::Append:
      return "KV append";
    case Step::Attend:
      return "attention";
    case Step::Route:
      return "choice of experts";
    case Step::Gate:
      return row.weight.find("_exps") != row.weight.npos ? "experts gate and up" : "feed-forward gate and up";
    case Step::Combine:
      return "experts down and sum";
    case Step::Add:
      return "adds";
    case Step::LastRows:
      return "last rows";
  }
  return "";
}

/// A line of a profile, per token.
struct Line {
  std::string name;
  double seconds;  ///< of the whole round
  kernels::Work work;
};

/// The longest first; what passes between the steps last.
std::vector<Line> lines_of(const Figures& f) {
  std::vector<Line> lines;
  for (const engine::Profile::Row& row : f.profile.rows()) lines.push_back({label(row), row.seconds, row.work});
  std::sort(lines.begin(), lines.end(),
            [](const Line& a, const Line& b) { return std::tie(b.seconds, a.name) < std::tie(a.seconds, b.name); });
  lines.push_back({"between steps", std::max(0.0, f.profiled_seconds - f.profile.seconds()), {}});
  return lines;
}

uint64_t macs_of(const kernels::Work& w) { return w.matrix_macs() + w.attention_macs; }

/// Whether reading or multiplying is what holds a step back at the least.
bool reading_bounds(const kernels::Work& w, const engine::Roofs& roofs) {
  return double(w.bytes()) / roofs.read >= roofs.least_seconds(w);
}

Json profile_json(const Figures& f) {
  Json steps = Json::array();
  for (const Line& l : lines_of(f)) {
    Json step = {{"step", l.name},
                 {"ms_per_token", 1e3 * l.seconds / f.all_tokens()},
                 {"share", l.seconds / f.profiled_seconds}};
    const bool counted = l.work.bytes() + macs_of(l.work) > 0;
    step["bytes_per_token"] = double(l.work.bytes()) / f.all_tokens();
    step["macs_per_token"] = double(macs_of(l.work)) / f.all_tokens();
    step["of_roof"] = counted ? Json(f.roofs.least_seconds(l.work) / l.seconds) : Json();
    step["roof"] = counted ? Json(reading_bounds(l.work, f.roofs) ? "read" : "multiply-add") : Json();
    steps.push_back(std::move(step));
  }
  return {{"ms_per_token", 1e3 * f.profiled_seconds / f.all_tokens()}, {"steps", std::move(steps)}};
}

std::string profile_table(const std::string& title, const Figures& f) {
  std::string out = fmt::format(
      "\nwhere a token's time goes: {}, {:.3f} ms\n{:<26}{:>10}{:>9}{:>10}{:>9}{:>10}{:>9}{:>9}\n", title,
      1e3 * f.profiled_seconds / f.all_tokens(), "", "ms", "share", "MB", "GB/s", "MMAC", "GMAC/s", "of roof");
  for (const Line& l : lines_of(f)) {
    const double n = f.all_tokens();
    out += fmt::format("{:<26}{:>10.4f}{:>7.1f} %", l.name, 1e3 * l.seconds / n, 100 * l.seconds / f.profiled_seconds);
    const uint64_t bytes = l.work.bytes(), macs = macs_of(l.work);
    out += bytes ? fmt::format("{:>10.3f}{:>9.1f}", double(bytes) / 1e6 / n, double(bytes) / 1e9 / l.seconds)
                 : std::string(bytes + macs ? 19 : 0, ' ');
    out += macs ? fmt::format("{:>10.2f}{:>9.1f}", double(macs) / 1e6 / n, double(macs) / 1e9 / l.seconds)
                : std::string(bytes + macs ? 19 : 0, ' ');
    if (bytes + macs > 0) {
      out += fmt::format("{:>7.0f} % {}", 100 * f.roofs.least_seconds(l.work) / l.seconds,
                         reading_bounds(l.work, f.roofs) ? "read" : "multiply");
    }
    out += '\n';
  }
  return out;
}

/// The measurements there are, in order.
struct Named {
  const char* key;
  std::string name;
  const Figures& figures;
  Kind kind;
};
std::vector<Named> named(const engine::BenchResult& r) {
  std::vector<Named> all;
  if (r.prefill)
    all.push_back({"prefill", fmt::format("prefill {}", r.prefill->tokens), *r.prefill, Kind::Multiplying});
  if (r.decode) all.push_back({"decode", fmt::format("decode {}", r.decode->tokens), *r.decode, Kind::Reading});
  if (r.batch) {
    all.push_back(
        {"batch", fmt::format("decode {} x {}", r.batch->tokens, r.batch->sequences), *r.batch, Kind::Reading});
  }
  return all;
}

/// Of a prefill: no larger than it.
int chunk_of(const BenchReport& r) {
  const int chunk = r.engine.options().chunk;
  return r.plan.prefill > 0 ? std::min(chunk, r.plan.prefill) : chunk;
}

}  // namespace

Json to_json(const BenchReport& r) {
  const engine::Options& o = r.engine.options();
  Json d = {{"model", r.path},
            {"architecture", r.engine.config().architecture},
            {"isa", r.engine.isa()},
            {"load", name_of(o.load)},
            {"load_s", r.load_s},
            {"threads", o.threads},
            {"chunk", chunk_of(r)},
            {"kv", std::string(kernels::name_of(*o.kv))},
            {"depth", r.plan.depth},
            {"repeat", r.plan.repeat},
            {"roof_memory", r.roof_memory}};
  for (const Named& n : named(r.result)) {
    const Figures& f = n.figures;
    const Spread s = tokens_per_second(f);
    const Rate rate = rate_of(f, n.kind);
    Json& j = d[n.key];
    j = {{"tokens", f.tokens}, {"tok_per_s", to_json(s)}};
    if (n.kind == Kind::Multiplying) {
      j["gmac_per_s"] = rate.per_second / 1e9;
    } else {
      j["gb_per_s"] = rate.per_second / 1e9;
      j["bytes_per_step"] = double(f.work.bytes()) / f.tokens;
    }
    j["of_roof"] = rate.of_roof;
    j["roofs"] = {{"read_gb_per_s", f.roofs.read / 1e9},
                  {"int8_gmac_per_s", f.roofs.int8_macs / 1e9},
                  {"float_gmac_per_s", f.roofs.float_macs / 1e9}};
    if (f.sequences > 1) {
      j["sequences"] = f.sequences;
      j["tok_per_s_per_sequence"] = s.median / f.sequences;
    }
    if (r.plan.profile) j["profile"] = profile_json(f);
  }
  return d;
}

std::string to_table(const BenchReport& r) {
  const engine::Options& o = r.engine.options();
  const int each = r.result.batch ? 16 : 0;  // columns
  std::string out = fmt::format(
      "{}  {} threads, {}, weights {} (in {:.2f} s), KV cache {}, chunk {}, depth {}\n"
      "roofs are measured beside each line: reading {}, multiply-adds of {}\n\n"
      "{:<18}{:>10}{:>24}{:>{}}{:>16}{:>10}   {}\n",
      r.path, o.threads, r.engine.isa(), name_of(o.load), r.load_s, kernels::name_of(*o.kv), chunk_of(r), r.plan.depth,
      r.roof_memory, r.engine.isa(), "", "tok/s", "least to most", r.result.batch ? "each sequence" : "", each, "",
      "of roof", "roof");
  for (const Named& n : named(r.result)) {
    const Figures& f = n.figures;
    const Spread s = tokens_per_second(f);
    const Rate rate = rate_of(f, n.kind);
    const char* unit = n.kind == Kind::Reading ? "GB/s" : "GMAC/s";
    const double roof = n.kind == Kind::Reading ? f.roofs.read
                        : f.work.int8_macs > 0  ? f.roofs.int8_macs
                                                : f.roofs.float_macs;
    out += fmt::format("{:<18}{:>10.2f}{:>24}{:>{}}{:>16}{:>8.0f} %   {:.1f} {}\n", n.name, s.median,
                       fmt::format("{:.2f} to {:.2f}", s.least, s.most),
                       f.sequences > 1 ? fmt::format("{:.2f}", s.median / f.sequences) : "", each,
                       fmt::format("{:.1f} {}", rate.per_second / 1e9, unit), 100 * rate.of_roof, roof / 1e9, unit);
  }
  if (r.plan.profile) {
    for (const Named& n : named(r.result)) out += profile_table(n.name, n.figures);
  }
  return out;
}

}  // namespace apr::cli
