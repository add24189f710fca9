#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/printable.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/merge.h"
#include "tokenizer/nfc.h"
#include "tokenizer/specials.h"
#include "tokenizer/split.h"
#include "tokenizer/word_table.h"

namespace apr::tokenizer {

/// The vocabulary, turned from text into what encoding and decoding need.
struct Tokenizer::Impl {
  explicit Impl(const Vocabulary& vocabulary);

  std::string pre_name;
  const PreTokenizer* pre;
  std::vector<Kind> kinds;
  std::string blob;             // the bytes of all tokens, one after another
  std::vector<size_t> offsets;  // token -> where its bytes begin; one more for the end
  std::array<Token, 256> byte_tokens;
  MergeTable merges;
  WordTable words;  // the pieces whose one token needs no merging
  Specials specials;

  std::string_view bytes(Token id) const { return {blob.data() + offsets[id], offsets[id + 1] - offsets[id]}; }
  Token count() const { return static_cast<Token>(kinds.size()); }

  void encode_plain(std::string_view text, Merger& merger, std::string& buffer, std::vector<Token>& out) const;

 private:
  /// Returns which tokens are written in the byte alphabet.
  std::vector<bool> load_tokens(const Vocabulary& vocabulary);
  void load_bytes(const Vocabulary& vocabulary, const std::vector<bool>& in_alphabet);
  void load_merges(const Vocabulary& vocabulary, const std::vector<bool>& in_alphabet);
  void load_words(const std::vector<bool>& in_alphabet);
  void load_specials(const std::string& source);
};

Tokenizer::Impl::Impl(const Vocabulary& vocabulary)
    : pre_name(vocabulary.pre), pre(find_pre_tokenizer(vocabulary.pre)) {
  if (!pre) {
    std::string known;
    for (const PreTokenizer& row : pre_tokenizers()) known.append(known.empty() ? "" : ", ").append(row.name);
    fail(ErrorCode::UnsupportedOperation, "{}: pre-tokenizer \"{}\" is not supported, expected one of {}",
         vocabulary.source, printable(vocabulary.pre), known);
  }
  const std::vector<bool> in_alphabet = load_tokens(vocabulary);
  load_bytes(vocabulary, in_alphabet);
  load_merges(vocabulary, in_alphabet);
  load_words(in_alphabet);
  load_specials(vocabulary.source);
}

std::vector<bool> Tokenizer::Impl::load_tokens(const Vocabulary& vocabulary) {
  const size_t n = vocabulary.tokens.size();
  if (!vocabulary.kinds.empty() && vocabulary.kinds.size() != n) {
    fail(ErrorCode::BadModel, "{}: {} tokens but {} token types, expected one type a token", vocabulary.source, n,
         vocabulary.kinds.size());
  }
  if (n > INT32_MAX || vocabulary.merges.size() >= UINT32_MAX) {
    fail(ErrorCode::BadModel, "{}: {} tokens and {} merges, expected counts below 2^31", vocabulary.source, n,
         vocabulary.merges.size());
  }
  kinds = vocabulary.kinds.empty() ? std::vector<Kind>(n, Kind::Normal) : vocabulary.kinds;
  std::vector<bool> in_alphabet(n);
  offsets.reserve(n + 1);
  for (size_t id = 0; id < n; ++id) {
    const auto bytes = kinds[id] == Kind::Normal ? from_alphabet(vocabulary.tokens[id]) : std::nullopt;
    in_alphabet[id] = bytes.has_value();
    offsets.push_back(blob.size());
    blob += bytes ? *bytes : vocabulary.tokens[id];
  }
  offsets.push_back(blob.size());
  return in_alphabet;
}

void Tokenizer::Impl::load_bytes(const Vocabulary& vocabulary, const std::vector<bool>& in_alphabet) {
  byte_tokens.fill(-1);
  for (Token id = 0; id < count(); ++id) {
    if (!in_alphabet[id] || bytes(id).size() != 1) continue;
    Token& token = byte_tokens[static_cast<uint8_t>(bytes(id)[0])];
    if (token < 0) token = id;
  }
  const auto missing = std::ranges::find(byte_tokens, -1);
  if (missing != byte_tokens.end()) {
    fail(ErrorCode::BadModel,
         "{}: no token for byte 0x{:02X}, expected a normal token for each of the 256 bytes; is this a byte-level BPE "
         "vocabulary?",
         vocabulary.source, missing - byte_tokens.begin());
  }
}

void Tokenizer::Impl::load_merges(const Vocabulary& vocabulary, const std::vector<bool>& in_alphabet) {
  const auto text_of = [&](Token id) -> std::string_view { return vocabulary.tokens[id]; };
  WordTable by_text(kinds.size());
  for (Token id = 0; id < count(); ++id) {
    if (in_alphabet[id]) by_text.insert(id, text_of);
  }
  merges = MergeTable(vocabulary.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const std::string_view merge = vocabulary.merges[rank];
    const size_t space = merge.find(' ');
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = space == merge.npos ? "" : merge.substr(space + 1);
    joined.assign(left).append(right);
    const auto token_of = [&](std::string_view text) {
      const Token token = by_text.find(text, text_of);
      if (token < 0 || text.empty()) {
        fail(ErrorCode::BadModel,
             "{}: merge {} is \"{}\" but \"{}\" is no normal token, expected two tokens and a space between them",
             vocabulary.source, rank, printable(merge), printable(text));
      }
      return token;
    };
    const Token left_token = token_of(left), right_token = token_of(right);
    merges.add(left_token, right_token, token_of(joined));
  }
}

void Tokenizer::Impl::load_words(const std::vector<bool>& in_alphabet) {
  const auto text_of = [&](Token id) { return bytes(id); };
  words = WordTable(kinds.size());
  Merger merger(merges, byte_tokens);
  std::vector<Token> merged;
  for (Token id = 0; id < count(); ++id) {
    if (!in_alphabet[id] || bytes(id).empty()) continue;
    merged.clear();
    if (!pre->whole_pieces) merger.append(bytes(id), merged);
    // Without whole_pieces a look-up may only stand in for merging where merging gives the same.
    if (pre->whole_pieces || (merged.size() == 1 && merged[0] == id)) words.insert(id, text_of);
  }
}

void Tokenizer::Impl::load_specials(const std::string& source) {
  constexpr size_t kLongest = 256;  // looking for them in a text costs up to this much a byte
  std::vector<Specials::Entry> entries;
  for (Token id = 0; id < count(); ++id) {
    if (kinds[id] != Kind::Control && kinds[id] != Kind::UserDefined) continue;
    if (bytes(id).size() > kLongest) {
      fail(ErrorCode::BadModel, "{}: special token {} has {} bytes, expected at most {}; the file is damaged", source,
           id, bytes(id).size(), kLongest);
    }
    entries.push_back({std::string(bytes(id)), id});
  }
  specials = Specials(std::move(entries));
}

void Tokenizer::Impl::encode_plain(std::string_view text, Merger& merger, std::string& buffer,
                                   std::vector<Token>& out) const {
  const auto text_of = [this](Token id) { return bytes(id); };
  std::string_view left = pre->nfc ? nfc(text, buffer) : text;
  while (!left.empty()) {
    const std::string_view piece = left.substr(0, pre->first_piece(left));
    left.remove_prefix(piece.size());
    const Token word = words.find(piece, text_of);
    if (word >= 0) {
      out.push_back(word);
    } else {
      merger.append(piece, out);
    }
  }
}

Tokenizer::Tokenizer(Vocabulary vocabulary) : impl_(std::make_unique<const Impl>(vocabulary)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<Token> Tokenizer::encode(std::string_view text, Special special) const {
  std::vector<Token> out;
  out.reserve(text.size() / 3 + 1);
  Merger merger(impl_->merges, impl_->byte_tokens);
  std::string buffer;
  if (special == Special::Plain) {
    impl_->encode_plain(text, merger, buffer, out);
    return out;
  }
  for (size_t pos = 0; pos < text.size();) {
    const Specials::Match match = impl_->specials.find_in(text, pos);
    impl_->encode_plain(text.substr(pos, match.begin - pos), merger, buffer, out);
    if (match.token >= 0) out.push_back(match.token);
    pos = match.begin + match.length;
  }
  return out;
}

std::vector<Token> Tokenizer::encode(std::span<const Piece> pieces) const {
  std::vector<Token> out;
  Merger merger(impl_->merges, impl_->byte_tokens);
  std::string buffer, plain;
  const auto flush = [&] {
    impl_->encode_plain(plain, merger, buffer, out);
    plain.clear();
  };
  for (const Piece& piece : pieces) {
    if (!piece.special) {
      plain += piece.text;
      continue;
    }
    for (size_t pos = 0; pos < piece.text.size();) {
      const Specials::Match match = impl_->specials.find_in(piece.text, pos);
      plain += piece.text.substr(pos, match.begin - pos);
      if (match.token >= 0) {
        flush();
        out.push_back(match.token);
      }
      pos = match.begin + match.length;
    }
  }
  flush();
  return out;
}

std::string Tokenizer::decode(std::span<const Token> ids, bool skip_control) const {
  std::string text;
  for (const Token id : ids) {
    if (!skip_control || kind(id) != Kind::Control) text += bytes(id);
  }
  return text;
}

std::string_view Tokenizer::bytes(Token id) const { return valid(id) ? impl_->bytes(id) : std::string_view(); }
Kind Tokenizer::kind(Token id) const { return valid(id) ? impl_->kinds[id] : Kind::Unused; }
bool Tokenizer::valid(Token id) const { return id >= 0 && id < impl_->count(); }
Token Tokenizer::find_special(std::string_view text) const { return impl_->specials.find(text); }
size_t Tokenizer::size() const { return impl_->kinds.size(); }
const std::string& Tokenizer::pre() const { return impl_->pre_name; }

}  // namespace apr::tokenizer
