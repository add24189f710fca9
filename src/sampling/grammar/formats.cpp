#include "sampling/grammar/formats.h"

#include <iterator>

namespace apr::grammar {
namespace {

#define APR_DATE "(19|20)[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
#define APR_TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define APR_LABEL "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
#define APR_HOST "(" APR_LABEL "\\.){0,4}[a-z]{2,20}"
#define APR_PATH "(/[A-Za-z0-9._~-]{1,60}){0,10}/?(\\?[A-Za-z0-9._~=&-]{0,100})?(#[A-Za-z0-9._~-]{0,60})?"
#define APR_BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

struct Entry {
  std::string_view name, pattern;
};
constexpr Entry kPatterns[] = {
    {"date", "^" APR_DATE "$"},
    {"time", "^" APR_TIME "$"},
    {"date-time", "^" APR_DATE "T" APR_TIME "$"},
    {"duration", "^P([0-9]{1,4}D(T[0-9]{1,4}H)?|T[0-9]{1,4}[HMS]|[0-9]{1,4}[YMW])$"},
    {"email", "^[A-Za-z0-9][A-Za-z0-9_+-]{0,30}(\\.[A-Za-z0-9_+-]{1,30}){0,2}@" APR_LABEL "\\." APR_HOST "$"},
    {"hostname", "^" APR_HOST "$"},
    {"ipv4", "^(" APR_BYTE "\\.){3}" APR_BYTE "$"},
    {"ipv6", "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"},
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    {"uri", "^(https?|ftp|file)://" APR_HOST "(:[1-9][0-9]{1,3})?" APR_PATH "$"},
    {"uri-reference", "^((https?|ftp|file)://" APR_HOST "(:[1-9][0-9]{1,3})?)?" APR_PATH "$"},
    {"json-pointer", "^(/([A-Za-z0-9._-]|~[01]){0,60}){0,20}$"},
};
constexpr std::string_view kNotes[] = {"int32",  "int64", "uint",   "uint8",  "uint16", "uint32",
                                       "uint64", "float", "double", "binary", "byte",   "password"};

}  // namespace

Format format_named(std::string_view name) {
  for (const Entry& e : kPatterns) {
    if (e.name == name) return {FormatKind::Pattern, e.pattern};
  }
  for (const std::string_view note : kNotes) {
    if (note == name) return {FormatKind::Note};
  }
  return {FormatKind::Unknown};
}

}  // namespace apr::grammar
