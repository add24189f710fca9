#include "chat/jinja/template.h"

#include "base/printable.h"
#include "chat/jinja/evaluator.h"
#include "chat/jinja/parser.h"

namespace apr::chat::jinja {
namespace {

constexpr size_t kMostSource = size_t(16) << 20;

std::string sentence(const std::string& name, Place place, std::string_view what) {
  return fmt::format("{}: line {}, column {}: {}", name, place.line, place.column, printable(what, 400));
}

}  // namespace

struct Template::Impl {
  std::string source, name;
  Body body;
};

Template::Template(std::string_view source, std::string name) {
  if (source.size() > kMostSource)
    fail(ErrorCode::BadInput, "{}: {} MiB, expected at most {}; is this a template?", name, source.size() >> 20,
         kMostSource >> 20);
  auto impl = std::make_unique<Impl>();
  impl->source = source;
  impl->name = std::move(name);
  try {
    impl->body = parse(source);
  } catch (const SyntaxTrouble& t) {
    throw Error(ErrorCode::Template, sentence(impl->name, t.place, t.what));
  }
  impl_ = std::move(impl);
}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

const std::string& Template::name() const { return impl_->name; }
const std::string& Template::source() const { return impl_->source; }

Segments Template::render(const Dict& variables, const std::tm& now, const Limits& limits) const {
  Evaluator evaluator(variables, now, limits);
  try {
    Segments segments;
    evaluator.run(impl_->body).each_run([&](std::string_view bytes, Origin origin) {
      append(segments, origin, bytes);
    });
    return segments;
  } catch (const Trouble& t) {
    throw Error(ErrorCode::Template, sentence(impl_->name, evaluator.place(), t.what));
  } catch (const Raised& r) {
    throw Refusal(sentence(impl_->name, evaluator.place(), "the template refuses the conversation: " + r.message),
                  r.message);
  }
}

}  // namespace apr::chat::jinja
