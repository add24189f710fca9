#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace apr::tokenizer {

using Token = int32_t;

/// What a token is for (GGUF tokenizer.ggml.token_type).
enum class Kind : uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

/// Everything a byte-level BPE tokenizer is made of, from whatever file it came.
struct Vocabulary {
  std::string pre;                  ///< pre-tokenizer: "qwen2", "gpt-2" or "llama-bpe"
  std::vector<std::string> tokens;  ///< id -> text: Normal tokens in GPT-2's byte alphabet, others as they are
  std::vector<Kind> kinds;          ///< same length as tokens, or empty: all Normal
  std::vector<std::string> merges;  ///< "left right", best first
  std::string source;               ///< named in errors: a path, or "metadata"
};

/// Reads vocab.json, merges.txt and, where it lies beside vocab.json, added_tokens.json
/// (id -> {"content", "special"}, or content -> id). Special ones become Control, others UserDefined; where the file
/// does not say, "<|…|>" is special. Ids that no entry has become Unused tokens.
///
/// trust   untrusted bytes; ids stay below 2^22, so memory is bounded by the files and 4 million short placeholders
/// errors  Io; BadFile with file, line or key, found, expected
Vocabulary read_vocabulary(const std::string& vocab_json, const std::string& merges_txt,
                           const std::string& pre = "qwen2");

enum class Special {
  Plain,  ///< strict: all is plain text, "<|im_end|>" too
  Parse,  ///< Control and UserDefined tokens are cut out of the text first (leftmost, longest)
};

/// A part of a text: whether special tokens are looked for in it.
struct Piece {
  std::string_view text;
  bool special;
};

/// Byte-level BPE: text <-> token ids.
///
/// trust   text may be any bytes. Plain: decode(encode(x)) is NFC(x) where x is valid UTF-8 and the pre-tokenizer asks
///         for NFC (qwen2), else x byte for byte. Parse: so for each piece between special tokens by itself.
/// errors  constructor: UnsupportedOperation (unknown `pre`), BadModel (merge of unknown tokens, missing byte, sizes
///         that differ). Of tokens or merges that are there twice the first counts.
///         encode: BadInput for 4 GiB of text without a place to cut it
/// threads const after construction: any thread may encode and decode
/// source  GPT-2 byte alphabet (Radford et al. 2019); BPE arXiv:1508.07909; O(n log n) in the length of a piece
class Tokenizer {
 public:
  explicit Tokenizer(Vocabulary vocabulary);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  std::vector<Token> encode(std::string_view text, Special special) const;
  /// The pieces are one text, in which special tokens are cut out where they lie whole inside one special piece. All else
  /// is joined before it is split, so where no other piece holds one the result is that of Special::Parse for the whole.
  std::vector<Token> encode(std::span<const Piece> pieces) const;
  /// The bytes of the tokens, one after another. skip_control leaves Control tokens out.
  std::string decode(std::span<const Token> ids, bool skip_control = false) const;
  /// The bytes of one token; empty where !valid(id). A Normal token with characters outside the byte alphabet is its
  /// UTF-8, like the tokens of all other kinds.
  std::string_view bytes(Token id) const;
  Kind kind(Token id) const;
  bool valid(Token id) const;
  /// The id of a Control or UserDefined token by its text ("<|im_end|>"), or -1.
  Token find_special(std::string_view text) const;
  size_t size() const;
  const std::string& pre() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Turns tokens into text a piece at a time and only ever emits whole UTF-8 characters.
/// What can never become one is emitted as U+FFFD, one per maximal subpart (Unicode 15 §3.9), as browsers do.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  /// Whole characters that are complete after this token; may be empty.
  std::string push(Token id);
  /// What is left at the end: U+FFFD for a character cut short, or empty.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  std::string pending_;  // an unfinished character: at most 3 bytes
};

}  // namespace apr::tokenizer
