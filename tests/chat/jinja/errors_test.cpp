#include "chat/jinja/support.h"

namespace apr::chat::jinja {
namespace {

TEST(JinjaErrors, SayWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"a\n{{ x.y.z }}", "test: line 2, column 4: 'x' is undefined"},
      {"{{ 1 / 0 }}", "test: line 1, column 4: division by zero"},
      {"\n\n  {% if %}", "test: line 3, column 9: found %}, expected an expression"},
      {"{{ é + 1 }}", "test: line 1, column 4: 'é' is undefined"},
      {"{{ x|nosuch }}", "test: line 1, column 6: there is no filter 'nosuch'"},
      {"{{ 1 is nosuch }}", "test: line 1, column 9: there is no test 'nosuch'"},
      {"{% include 'a' %}", "include"},
      {"{% nosuch %}", "unknown tag 'nosuch'"},
      {"{% for x in y %}", "the template ends here, expected {% endfor %}"},
      {"{{ 'abc", "string: it is never closed"},
      {"{{ (1 ]", "unexpected ']', expected ')'"},
      {"{# abc", "comment: it is never closed"},
      {"{% raw %}abc", "raw: it is never closed"},
      {"{{ x ? y }}", "unexpected character '?'"},
      {"{{ [].append(1) }}", "list.append() would change the value"},
      {"{% set x.y = 1 %}", "only a namespace() changes"},
      {"{{ 'a' + 1 }}", "+ does not work between str and int"},
      {"{{ 5() }}", "'int' object is not callable"},
      {"{% for a in 5 %}{% endfor %}", "'int' object is not iterable"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "macro 'm' takes at most 1 arguments, got 2"},
      {"{{ 'x'.replace('a') }}", "replace: the argument 'new' is missing"},
      {"{{ 'x'|trim(1, 2) }}", "trim: takes at most 1 argument, found 2"},
      {"{{ 'x'|trim(nosuch=1) }}", "trim: has no argument 'nosuch'"},
  };
  for (const auto& [source, expected] : cases) {
    const std::string found = failure(source);
    EXPECT_NE(found.find(expected), std::string::npos) << source << "\n" << found;
    EXPECT_EQ(found.find('\n'), std::string::npos);
  }
}

TEST(JinjaErrors, ARefusalKeepsTheTemplatesOwnWords) {
  try {
    rendered("{{ raise_exception('System role\nnot supported') }}");
    FAIL();
  } catch (const Refusal& r) {
    EXPECT_EQ(r.message(), "System role\nnot supported");
    EXPECT_EQ(r.code(), ErrorCode::Template);
    EXPECT_NE(std::string(r.what()).find("line 1, column 4"), std::string::npos) << r.what();
  }
}

TEST(JinjaErrors, WhatIsNeverReachedMayBeMissing) {
  EXPECT_EQ(rendered("{% if false %}{{ x|nosuch }}{{ x is nosuch }}{% endif %}ok"), "ok");
  EXPECT_EQ(rendered("{{ x|nosuch if false else 'ok' }}"), "ok");
  EXPECT_NE(failure("{% if true %}{{ x|nosuch }}{% endif %}").find("there is no filter"), std::string::npos);
}

TEST(JinjaTime, IsTheCallers) {
  std::tm now{};
  strptime("2025-11-05T14:03:09", "%Y-%m-%dT%H:%M:%S", &now);
  EXPECT_EQ(
      text_of(Template("{{ strftime_now('%d %b %Y %H:%M') }}|{{ strftime_now('') }}|{{ strftime_now('%%') }}", "t")
                  .render(Dict(), now)),
      "05 Nov 2025 14:03||%");
}

}  // namespace
}  // namespace apr::chat::jinja
