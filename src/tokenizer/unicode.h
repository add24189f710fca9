#pragma once
#include <cstdint>

namespace apr::tokenizer {

/// What pre-tokenizers ask about a code point: exactly one bit, so that a set of classes is a mask.
enum Class : uint8_t {
  None = 0,          ///< no character: the end of the text
  Letter = 1 << 0,   ///< \p{L}
  Number = 1 << 1,   ///< \p{N}
  Blank = 1 << 2,    ///< \s (Unicode White_Space) other than CR and LF
  Newline = 1 << 3,  ///< CR or LF
  Symbol = 1 << 4,   ///< all others: marks, punctuation, controls, unassigned
};
constexpr uint8_t kSpace = Blank | Newline;

/// threads any (the tables behind it are built once, on first use, in a few ms)
/// source  general categories from utf8proc; White_Space is closed and listed here (Unicode 15, PropList)
Class class_of(char32_t code_point);

/// True when NFC neither changes this code point, nor moves it, nor joins it to what stands before it:
/// a text of such code points is in NFC, and NFC may be computed apart on each side of the place before one.
bool starts_nfc_segment(char32_t code_point);

}  // namespace apr::tokenizer
