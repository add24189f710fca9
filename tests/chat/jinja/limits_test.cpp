#include "chat/jinja/support.h"

// Templates come in model files: none may hang, exhaust memory or the stack. Each of these must end with a typed error.
namespace apr::chat::jinja {
namespace {

TEST(JinjaLimits, LoopsThatNeverEnd) {
  const char* const sources[] = {
      "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor "
      "%}",
      "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}{% endfor %}{% "
      "endfor %}",
      "{% macro m(n) %}{% for a in range(1000) %}{{ m(n + 1) if n < 2 }}{% endfor %}{% endmacro %}{% for a in "
      "range(1000) %}{{ m(0) }}{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
      "{% for a in range(10000) %}{{ range(100000)|sum }}{% endfor %}",
      "{% for a in range(10000) %}{{ range(100000)|map('string')|join|length }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ 'b' in x }}{% endfor %}",
      "{% set x = range(100000)|list %}{% for a in range(100000) %}{{ -1 in x }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ x[5:10] }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ x|length }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ x|upper|length }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ x.split('b')|length }}{{ x.strip('a') }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(100000) %}{{ x == x ~ 'b' }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% set y = x ~ '' %}{% for a in range(100000) %}{{ x == y }}{{ x < y }}{% endfor %}",
      "{% set x = ['a' * 1000] * 1000 %}{% for a in range(100000) %}{{ x == x + [] }}{% endfor %}",
      "{% set x = ['a' * 1000000] * 10 %}{% set y = ['a' * 1000000] * 10 %}{% for a in range(100000) %}{{ x == y }}{% "
      "endfor %}",
      "{% set x = ['a' * 1000000] * 10 %}{% for a in range(100000) %}{{ x|sort|length }}{% endfor %}",
  };
  for (const char* source : sources) {
    const std::string found = failure(source);
    EXPECT_TRUE(found.find("too many steps") != std::string::npos || found.find("too much text") != std::string::npos)
        << source << "\n"
        << found.substr(0, 200);
  }
}

TEST(JinjaLimits, ThingsThatAreTooLarge) {
  const char* const sources[] = {
      "{{ 'x' * 1000000000000 }}",
      "{{ 'x' * 9223372036854775807 }}",
      "{{ [0] * 9223372036854775807 }}",
      "{{ range(10 ** 12) }}",
      "{{ range(9223372036854775807)|length }}",
      "{{ '%1000000000d'|format(1) }}",
      "{{ '%.1000000000f'|format(1.0) }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ 'x'.ljust(1000000000) }}",
      "{{ 'x'.center(9223372036854775807) }}",
      "{{ 'x'.zfill(10**12) }}",
      "{{ 'x'|center(10**12) }}",
      "{{ 'a'|indent(10**12, true) }}",
      "{{ ('x' * 1000000).replace('', 'y' * 1000000) }}",
      "{{ ('x' * 100000).join(['a'] * 100000) }}",
      "{{ ['x' * 100000] * 100000 | join }}",
      "{{ 'a\tb'.expandtabs(1000) * 10**9 }}",
      "{% set x = 'x' * 100000000 %}{{ x ~ x ~ x ~ x }}",
      "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
      "{{ 2 ** 100 }}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ -9223372036854775807 - 2 }}",
      "{{ 10 ** 18 * 100 }}",
      "{{ '99999999999999999999'|int }}",
      "{{ 1e300|int }}",
      "{{ [1]|batch(10**12, 0)|list }}",
      "{{ [1]|slice(10**12)|list }}",
      "{{ [[1]|tojson(indent=10**12)] * 10**12 }}",
  };
  for (const char* source : sources) {
    const std::string found = failure(source);
    EXPECT_FALSE(found.starts_with("rendered")) << source;
  }
}

TEST(JinjaLimits, DepthOfAllKinds) {
  const auto deep = [](std::string open, std::string middle, std::string close) {
    std::string s;
    for (int i = 0; i < 100000; ++i) s += open;
    s += middle;
    for (int i = 0; i < 100000; ++i) s += close;
    return s;
  };
  const std::string sources[] = {
      "{{ " + deep("(", "1", ")") + " }}",
      "{{ " + deep("[", "1", "]") + " }}",
      "{{ " + deep("{'a':", "1", "}") + " }}",
      "{{ " + deep("-", "1", "") + " }}",
      "{{ " + deep("not ", "1", "") + " }}",
      "{{ " + deep("x(", "", ")") + " }}",
      "{{ " + deep("x[", "1", "]") + " }}",
      "{{ 1" + deep(" + 1", "", "") + " }}",
      "{{ 1" + deep(" if 1 else 1", "", "") + " }}",
      "{{ x" + deep(".y", "", "") + " }}",
      "{{ x" + deep("|list", "", "") + " }}",
      "{{ x" + deep("[0]", "", "") + " }}",
      "{{ x" + deep(" ** 2", "", "") + " }}",
      deep("{% if 1 %}", "x", "{% endif %}"),
      deep("{% for i in [1] %}", "x", "{% endfor %}"),
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
      "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}",
      "{% set ns = namespace(x={}) %}{% for i in range(100000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
      "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.x = namespace(y=ns.x) %}{% endfor %}",
      "{% set ns = namespace(x=0) %}{% for i in range(100000) %}{% set ns.x = [ns] %}{% endfor %}",
  };
  for (const std::string& source : sources) {
    const std::string found = failure(source);
    EXPECT_FALSE(found.starts_with("rendered")) << source.substr(0, 80);
  }
}

TEST(JinjaLimits, LongButFlatIsFine) {
  std::string source = "{{ 0";
  for (int i = 0; i < 50; ++i) source += " + 1";
  EXPECT_EQ(rendered(source + " }}"), "50");
  std::string text(1 << 20, 'x');
  EXPECT_EQ(rendered("{{ m }}{{ m|length }}", {{"m", text}}), text + "1048576");
}

TEST(JinjaLimits, DeepJsonIsRefused) {
  std::string deep(1000, '[');
  deep += std::string(1000, ']');
  EXPECT_THROW(Value::from_json(Json::parse(deep)), Error);
  EXPECT_THROW(Value::from_json(Json(18446744073709551615ull)), Error);
}

}  // namespace
}  // namespace apr::chat::jinja
