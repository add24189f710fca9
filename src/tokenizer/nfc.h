#pragma once
#include <string>
#include <string_view>

namespace apr::tokenizer {

/// Unicode normalisation form C.
///
/// Returns `text` itself where it is in NFC by the quick check, or is not valid UTF-8 (then nothing is changed);
/// otherwise a view of `buffer`, which it overwrites.
///
/// trust   any bytes; O(n log n) in the longest run of combining marks, linear in the rest
/// threads any, with a buffer each
/// source  Unicode Standard Annex #15; data from utf8proc
std::string_view nfc(std::string_view text, std::string& buffer);

}  // namespace apr::tokenizer
